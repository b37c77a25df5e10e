/* SPDX-License-Identifier: MIT */
#include "probe_service.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct probe_loop {
    struct probe *probe;
};

struct probe_conn {
    struct probe *probe;
    uint64_t id;
    size_t unended;
    bool open;
};

struct config {
    struct probe *probe;
};

static void note(struct probe *probe, const char *fmt, ...) WEFT_PRINTF(2, 3);

static void note(struct probe *probe, const char *fmt, ...)
{
    size_t used = strlen(probe->log);
    va_list args;

    if (used > 0 && used + 1 < sizeof probe->log)
        probe->log[used++] = ' ';
    va_start(args, fmt);
    vsnprintf(probe->log + used, sizeof probe->log - used, fmt, args);
    va_end(args);
}

static int configure(void *state, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = state;

    (void)set, (void)limits, (void)error;
    config->probe = context;
    return 0;
}

static int start(void *state, const void *config_state, struct weft_loop *loop)
{
    const struct config *config = config_state;
    struct probe *probe = config->probe;

    (void)loop;
    if (probe->start_error < 0 && probe->start_left-- == 0)
        return probe->start_error;
    ((struct probe_loop *)state)->probe = probe;
    probe->loops++;
    return 0;
}

static void stop(void *state)
{
    struct probe *probe = ((struct probe_loop *)state)->probe;

    assert_int_equal(probe->pending, 0);
    probe->loops--;
}

static int open_conn(void *conn_state, void *loop_state)
{
    struct probe_conn *conn = conn_state;
    struct probe *probe = ((struct probe_loop *)loop_state)->probe;

    if (probe->open_error < 0)
        return probe->open_error;
    note(probe, "open");
    *conn = (struct probe_conn){.probe = probe, .open = true};
    probe->connections++;
    return 0;
}

static void close_conn(void *conn_state, void *loop_state)
{
    struct probe_conn *conn = conn_state;

    (void)loop_state;
    assert_true(conn->open);
    assert_int_equal(conn->unended, 0);
    conn->open = false;
    conn->probe->connections--;
    note(conn->probe, "close");
}

struct pattern_body {
    struct weft_body body;
    char letter;
};

static void write_pattern(const struct weft_body *body, uint8_t *dst)
{
    memset(dst, ((const struct pattern_body *)(const void *)body)->letter, body->size);
}

static struct pattern_body pattern(const char *name, size_t size)
{
    return (struct pattern_body){{.size = size, .write = write_pattern}, name[0]};
}

enum how { SEND, END, END_BAD };

/* The call is counted as ended before the core is told, since it may be gone afterwards. */
static int pass(struct probe_call *call, const struct weft_body *body, enum how how)
{
    struct weft_request *request = call->request;
    int err;

    if (how == SEND) {
        err = weft_request_send(request, body);
    } else {
        call->request = NULL;
        call->conn->unended--;
        call->probe->pending--;
        err = how == END ? weft_request_end(request, body) : weft_request_end_bad(request, body);
        if (err < 0) {
            call->request = request;
            call->conn->unended++;
            call->probe->pending++;
        }
    }
    call->refused = err == -EAGAIN;
    return err;
}

static void must_end(struct probe_call *call, const struct weft_body *body, enum how how)
{
    assert_int_equal(pass(call, body, how), 0);
}

static void end_with_text(struct probe_call *call, const char *text)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    must_end(call, &body.body, END);
}

static void end_without_memory(struct probe_call *call)
{
    end_with_text(call, "none");
}

static void go_on(struct probe_call *call)
{
    struct pattern_body body = pattern(call->name, call->size);
    int err = 0;

    while (call->left > 0 && (err = pass(call, &body.body, SEND)) == 0)
        call->left--;
    if (err != -EAGAIN)
        must_end(call, NULL, END);
}

/* Behind others there may be no room: then on_room comes back here. */
static void end_with_size(struct probe_call *call)
{
    struct pattern_body body = pattern(call->name, call->size);

    if (pass(call, &body.body, END) < 0)
        assert_true(call->refused);
}

static void on_room(struct weft_request *request)
{
    struct probe_call *call = request->data;
    struct probe *probe = call->probe;

    assert_ptr_equal(call->request, request);
    assert_true(call->refused);
    assert_false(call->cancelled);
    call->refused = false;
    note(probe, "%s~", call->name);
    if (call->left > 0)
        go_on(call);
    else if (call->size > 0)
        end_with_size(call);
    if (probe->on_room)
        probe->on_room(probe, call->name);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    struct probe_call *call = request->data;
    struct probe *probe = call->probe;

    assert_ptr_equal(call->request, request);
    assert_false(call->cancelled);
    if (reason == WEFT_REASON_DRAINED) {
        assert_false(call->drained);
        call->drained = true;
    } else {
        call->cancelled = true;
    }
    note(probe, "%s!%s", call->name, weft_reason_name(reason));
    if (call->left > 0)
        must_end(call, NULL, END);
    if (probe->on_cancel)
        probe->on_cancel(probe, call->name);
}

static struct probe_call *new_call(struct probe_conn *conn, struct weft_request *request,
                                   const char *name)
{
    struct probe *probe = conn->probe;
    struct probe_call *call = &probe->calls[probe->call_count++ % PROBE_CALLS];

    assert_null(call->request);
    *call = (struct probe_call){.request = request, .conn = conn, .probe = probe};
    snprintf(call->name, sizeof call->name, "%s", name);
    conn->unended++;
    probe->pending++;
    request->data = call;
    request->on_room = on_room;
    request->on_cancel = on_cancel;
    return call;
}

static void end_with_blob(struct probe_call *call, size_t size)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(size, &data);
    struct weft_body body;

    if (!blob) {
        end_without_memory(call);
        return;
    }
    memset(data, call->name[0], size);
    body = weft_body_from_blob(blob);
    must_end(call, &body, END);
    weft_blob_unref(blob);
}

static void end_with_arena(struct probe_call *call, size_t size)
{
    uint8_t *bytes = weft_arena_alloc(weft_request_arena(call->request), size);
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(call->name));

    if (!bytes) {
        end_without_memory(call);
        return;
    }
    memset(bytes, 0xa5, size);
    must_end(call, &body.body, END);
}

static void obey(struct probe_call *call, const char *verb, size_t n, size_t size)
{
    struct weft_body_bytes text = weft_body_from_view(weft_view_str(call->name));

    if (strcmp(verb, "now") == 0) {
        must_end(call, &text.body, END);
    } else if (strcmp(verb, "size") == 0) {
        call->size = n;
        end_with_size(call);
    } else if (strcmp(verb, "blob") == 0) {
        end_with_blob(call, n);
    } else if (strcmp(verb, "none") == 0) {
        must_end(call, NULL, END);
    } else if (strcmp(verb, "bad") == 0) {
        must_end(call, &text.body, END_BAD);
    } else if (strcmp(verb, "arena") == 0) {
        end_with_arena(call, n);
    } else if (strcmp(verb, "keep") == 0) {
        if (weft_request_keep(call->request) < 0)
            end_without_memory(call);
    } else if (strcmp(verb, "loose") == 0) {
        int err = weft_request_detach(call->request);
        assert_true(err == 0 || err == -ENOSPC || err == -ENOTSUP);
        if (err < 0)
            end_with_text(call, err == -ENOSPC ? "full" : "no-place");
    } else if (strcmp(verb, "endless") == 0) {
        weft_request_endless(call->request);
    } else if (strcmp(verb, "stream") == 0) {
        call->left = n;
        call->size = size;
        go_on(call);
    } else {
        assert_string_equal(verb, "wait");
    }
}

static void handle(struct probe_conn *conn, struct weft_request *request)
{
    struct probe *probe = conn->probe;
    struct probe_call *call;
    char text[256] = "", verb[16] = "", name[PROBE_NAME] = "";
    size_t n = 0, size = 0;

    assert_null(request->data);
    assert_int_not_equal(weft_request_connection(request), 0);
    if (conn->id == 0)
        conn->id = weft_request_connection(request);
    assert_int_equal(conn->id, weft_request_connection(request));
    if (request->payload.size > 0)
        memcpy(text, request->payload.data,
               request->payload.size < sizeof text ? request->payload.size : sizeof text - 1);
    if (sscanf(text, "%15s %15s %zu %zu", verb, name, &n, &size) < 2)
        fail_msg("no such request: '%s'", text);
    note(probe, "%s", name);
    call = new_call(conn, request, name);
    if (probe->on_call)
        probe->on_call(probe, name);
    obey(call, verb, n, size);
}

static void call_probe(void *loop_state, void *conn_state, struct weft_request *request)
{
    struct probe_conn *conn = conn_state;

    (void)loop_state;
    assert_true(conn->open);
    handle(conn, request);
}

/* It has no open to be told of its connection. */
static void call_mute(void *loop_state, void *conn_state, struct weft_request *request)
{
    struct probe_conn *conn = conn_state;

    conn->probe = ((struct probe_loop *)loop_state)->probe;
    handle(conn, request);
}

static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    static const char *const names[] = {
        [WEFT_REJECT_MALFORMED] = "malformed",
        [WEFT_REJECT_TOO_BIG] = "too-big",
        [WEFT_REJECT_REPLY_TOO_BIG] = "reply-too-big",
        [WEFT_REJECT_NO_MEMORY] = "no-memory",
        [WEFT_REJECT_NOT_KNOWN] = "not-known",
        [WEFT_REJECT_DENIED] = "denied",
        [WEFT_REJECT_RATE] = "rate",
        [WEFT_REJECT_DRAINING] = "draining",
        [WEFT_REJECT_TOO_MANY] = "too-many",
    };
    char text[WEFT_REJECT_MAX];
    int size;

    assert_non_null(((struct probe_loop *)loop_state)->probe);
    switch (rejection->cause) {
    case WEFT_REJECT_TOO_BIG:
    case WEFT_REJECT_REPLY_TOO_BIG:
        size = snprintf(text, sizeof text, "%s:%s:%" PRIu64 ":%" PRIu64, names[rejection->cause],
                        rejection->what, rejection->size, rejection->limit);
        break;
    case WEFT_REJECT_TOO_MANY:
        size = snprintf(text, sizeof text, "%s:%s:%" PRIu64, names[rejection->cause],
                        rejection->what, rejection->limit);
        break;
    default:
        size = snprintf(text, sizeof text, "%s", names[rejection->cause]);
    }
    memcpy(dst, text, (size_t)size);
    return (size_t)size;
}

const struct weft_service probe_service = {
    .name = "probe",
    .speaks = "*",
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct probe_loop),
    .conn_size = sizeof(struct probe_conn),
    .configure = configure,
    .start = start,
    .stop = stop,
    .open = open_conn,
    .close = close_conn,
    .call = call_probe,
    .reject = reject,
};

const struct weft_service probe_mute_service = {
    .name = "mute",
    .speaks = "*",
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct probe_loop),
    .conn_size = sizeof(struct probe_conn),
    .configure = configure,
    .start = start,
    .stop = stop,
    .call = call_mute,
};

static const struct probe_call *look_for(const struct probe *probe, const char *name)
{
    size_t first = probe->call_count > PROBE_CALLS ? probe->call_count - PROBE_CALLS : 0;

    for (size_t i = first; i < probe->call_count; i++) {
        const struct probe_call *call = &probe->calls[i % PROBE_CALLS];
        if (call->request && strcmp(call->name, name) == 0)
            return call;
    }
    return NULL;
}

static struct probe_call *find(struct probe *probe, const char *name)
{
    const struct probe_call *call = look_for(probe, name);

    if (!call)
        fail_msg("no unended call '%s'", name);
    return &probe->calls[call - probe->calls];
}

bool probe_is_pending(const struct probe *probe, const char *name)
{
    return look_for(probe, name) != NULL;
}

int probe_send(struct probe *probe, const char *name, const char *text)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    return pass(find(probe, name), &body.body, SEND);
}

int probe_send_size(struct probe *probe, const char *name, size_t size)
{
    struct pattern_body body = pattern(name, size);
    return pass(find(probe, name), &body.body, SEND);
}

int probe_end(struct probe *probe, const char *name, const char *text)
{
    struct probe_call *call = find(probe, name);
    struct weft_body_bytes body =
        weft_body_from_view(text ? weft_view_str(text) : call->request->payload);
    return pass(call, &body.body, END);
}

int probe_end_size(struct probe *probe, const char *name, size_t size)
{
    struct pattern_body body = pattern(name, size);
    return pass(find(probe, name), &body.body, END);
}

int probe_end_blob(struct probe *probe, const char *name, struct weft_blob *blob)
{
    struct weft_body body = weft_body_from_blob(blob);
    return pass(find(probe, name), &body, END);
}

int probe_end_bad(struct probe *probe, const char *name, const char *text)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    return pass(find(probe, name), &body.body, END_BAD);
}

void probe_refuse(struct probe *probe, const char *name)
{
    struct probe_call *call = find(probe, name);
    struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};
    struct weft_request *request = call->request;

    call->request = NULL;
    call->conn->unended--;
    probe->pending--;
    weft_request_refuse(request, &why);
}

void probe_end_silently(struct probe *probe, const char *name)
{
    must_end(find(probe, name), NULL, END);
}

void probe_end_all(struct probe *probe)
{
    for (size_t i = 0; i < PROBE_CALLS; i++)
        if (probe->calls[i].request)
            must_end(&probe->calls[i], NULL, END);
}
