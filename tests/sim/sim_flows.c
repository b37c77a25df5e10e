/* SPDX-License-Identifier: MIT */
#include "sim_flows.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/task.h"
#include "lib/fault.h"

struct sim_flows sim_flows;

enum kind { ECHO, SUM, SOME, LIST, FEED, WAIT, KINDS };

static const char *const targets[KINDS] = {
    [ECHO] = "/f/echo", [SUM] = "/f/sum",   [SOME] = "/f/some",
    [LIST] = "/f/list", [FEED] = "/f/feed", [WAIT] = "/f/wait",
};

struct loop {
    struct weft_loop *loop;
};

struct flow {
    struct weft_request *request;
    struct weft_loop *loop;
    struct weft_timer timer;
    enum kind kind;
    size_t count, bytes;      /* of what came, or of what is to be sent */
    size_t sent;              /* of a list */
    struct weft_bytes echoed; /* a message that waits for room */
    char text[32];
    bool asked, ending, full, cancelled, drained;
};

/* --- ends --------------------------------------------------------------------------------------------- */

static void drop(struct flow *flow)
{
    weft_timer_stop(&flow->timer);
    weft_bytes_fini(&flow->echoed);
    weft_free(flow);
    sim_flows.pending--;
}

static void end(struct flow *flow)
{
    const struct weft_body_bytes body = weft_body_from_view(weft_view_str(flow->text));
    const bool has_text = flow->text[0] != '\0';
    flow->ending = true;
    const int err = weft_request_end(flow->request, has_text ? &body.body : NULL);
    assert_true(err == 0 || (err == -EAGAIN && has_text && !flow->cancelled));
    flow->full = err < 0;
    if (err < 0)
        return;
    sim_flows.messages_out += has_text && !flow->cancelled;
    drop(flow);
}

static void end_with(struct flow *flow, const char *text)
{
    (void)snprintf(flow->text, sizeof flow->text, "%s", text);
    end(flow);
}

static void end_without_memory(struct flow *flow)
{
    const struct weft_rejection why = {.cause = WEFT_REJECT_NO_MEMORY};
    assert_true(fault_failed() > 0);
    weft_request_refuse(flow->request, &why);
    drop(flow);
}

/* --- messages ----------------------------------------------------------------------------------------- */

void sim_flows_fill(uint8_t *dst, size_t size, size_t i)
{
    for (size_t at = 0; at < size; at++)
        dst[at] = (uint8_t)('a' + (i * 7 + at) % 26);
}

static void write_of_list(const struct weft_body *body, uint8_t *dst)
{
    struct {
        struct weft_body body;
        size_t i;
    } const *part = (const void *)body;
    sim_flows_fill(dst, body->size, part->i);
}

/* Returns false if it has to wait, or the flow is gone. */
static bool pass(struct flow *flow, const struct weft_body *body)
{
    const int err = weft_request_send(flow->request, body);
    assert_true(err == 0 || err == -EAGAIN || err == -ECANCELED);
    flow->full = err == -EAGAIN;
    sim_flows.messages_out += err == 0;
    return err == 0;
}

static void send_list(struct flow *flow)
{
    struct {
        struct weft_body body;
        size_t i;
    } part = {{.size = flow->bytes, .write = write_of_list}, flow->sent};
    while (flow->sent < flow->count && pass(flow, &part.body))
        part.i = ++flow->sent;
    if (flow->sent == flow->count)
        end(flow);
}

static void ask(struct flow *flow)
{
    flow->asked = true;
    weft_request_next(flow->request);
}

static void send_echo(struct flow *flow)
{
    const struct weft_body_bytes body =
        weft_body_from_view(weft_view(flow->echoed.data, flow->echoed.size));
    if (!pass(flow, &body.body))
        return;
    weft_bytes_fini(&flow->echoed);
    flow->echoed = (struct weft_bytes){NULL, 0};
    ask(flow);
}

static void fire(struct weft_timer *timer)
{
    struct flow *flow = weft_container_of(timer, struct flow, timer);
    if (flow->kind == WAIT)
        end_with(flow, "late");
    else
        ask(flow);
}

static void take(struct flow *flow, struct weft_view message)
{
    flow->count++;
    flow->bytes += message.size;
    if (flow->kind == SUM) {
        weft_loop_after(flow->loop, &flow->timer, 1000000 * (int64_t)(message.size % 4));
    } else if (flow->kind == SOME) {
        if (flow->count == 3)
            end_with(flow, "enough");
        else
            ask(flow);
    } else {
        flow->echoed.data = weft_malloc(message.size + 1);
        if (!flow->echoed.data) {
            end_without_memory(flow);
            return;
        }
        flow->echoed.size = message.size;
        if (message.size > 0)
            memcpy(flow->echoed.data, message.data, message.size);
        send_echo(flow);
    }
}

/* --- what a request hears ----------------------------------------------------------------------------- */

static void on_message(struct weft_request *request, const struct weft_view *message)
{
    struct flow *flow = request->data;
    assert_ptr_equal(flow->request, request);
    assert_true(flow->asked);
    assert_false(flow->cancelled || flow->ending || flow->full);
    flow->asked = false;
    sim_flows.messages_in += message != NULL;
    if (message) {
        take(flow, *message);
        return;
    }
    if (flow->kind == SUM)
        (void)snprintf(flow->text, sizeof flow->text, "%zu %zu", flow->count, flow->bytes);
    end(flow);
}

static void on_room(struct weft_request *request)
{
    struct flow *flow = request->data;
    assert_true(flow->full);
    assert_false(flow->cancelled);
    flow->full = false;
    sim_flows.rooms++;
    if (flow->ending)
        end(flow);
    else if (flow->kind == ECHO)
        send_echo(flow);
    else
        send_list(flow);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    struct flow *flow = request->data;
    assert_false(flow->cancelled);
    if (reason == WEFT_REASON_DRAINED) {
        assert_false(flow->drained);
        flow->drained = true;
        sim_flows.drains++;
        return;
    }
    flow->cancelled = true;
    sim_flows.cancels++;
    end(flow);
}

/* --- the service -------------------------------------------------------------------------------------- */

static enum kind kind_of(struct weft_view target)
{
    enum kind kind = ECHO;
    while (kind < KINDS && !weft_view_equal(target, weft_view_str(targets[kind])))
        kind++;
    assert_true(kind < KINDS);
    return kind;
}

static bool streams(void *loop_state, struct weft_view target)
{
    (void)loop_state;
    return kind_of(target) <= SOME;
}

static void detach(struct weft_request *request)
{
    const int err = weft_request_detach(request);
    assert_true(err == 0 || err == -ENOSPC || (err == -ENOMEM && fault_failed() > 0));
}

static void begin_one(struct flow *flow)
{
    char text[32] = "";
    const struct weft_view payload = flow->request->payload;
    assert_true(payload.size < sizeof text);
    memcpy(text, payload.data, payload.size);
    if (flow->kind == WAIT) {
        weft_loop_after(flow->loop, &flow->timer, 1000000 * (int64_t)strtoul(text, NULL, 10));
        return;
    }
    assert_int_equal(sscanf(text, "%zu %zu", &flow->count, &flow->bytes), 2);
    if (flow->kind == FEED && flow->count % 2 == 0)
        weft_request_endless(flow->request);
    else if (flow->kind == FEED)
        detach(flow->request);
    send_list(flow);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    const struct weft_rejection no_memory = {.cause = WEFT_REJECT_NO_MEMORY};
    struct flow *flow = weft_calloc(1, sizeof *flow);
    (void)conn_state;
    if (!flow) {
        weft_request_refuse(request, &no_memory);
        return;
    }
    sim_flows.pending++;
    sim_flows.calls++;
    flow->request = request;
    flow->loop = ((struct loop *)loop_state)->loop;
    flow->timer.fire = fire;
    flow->kind = kind_of(request->target);
    flow->asked = flow->kind <= SOME;
    request->data = flow;
    request->on_message = flow->asked ? on_message : NULL;
    request->on_room = on_room;
    request->on_cancel = on_cancel;
    if (!flow->asked)
        begin_one(flow);
    else if (flow->kind == ECHO)
        weft_request_endless(request);
}

static int start(void *memory, const void *config, struct weft_loop *loop)
{
    (void)config;
    ((struct loop *)memory)->loop = loop;
    return 0;
}

const struct weft_service sim_flows_service = {
    .name = "flows",
    .speaks = "*",
    .loop_size = sizeof(struct loop),
    .start = start,
    .streams = streams,
    .call = call,
};
