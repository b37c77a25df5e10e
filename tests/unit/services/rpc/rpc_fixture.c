/* SPDX-License-Identifier: MIT */
#include "rpc_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/payload/protobuf/writer.h"
#include "services/rpc/message.h"

struct rpc_open rpc_open;

/* --- the functions ------------------------------------------------------------------------------------ */

static void echo(Sample__Sample_Service *service, const Sample__Everything *request,
                 Sample__Everything_Closure closure, void *call)
{
    (void)service;
    closure(request, call);
}

static void on_room(struct weft_rpc_call *call)
{
    assert_ptr_equal(weft_rpc_data(call), &rpc_open);
    rpc_open.rooms++;
}

static void on_cancel(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    assert_ptr_equal(call, rpc_open.call);
    rpc_open.cancels++;
    rpc_open.code = code;
}

static void leave_open(void *call, const Sample__Text *request)
{
    static const struct weft_rpc_events events = {.on_room = on_room, .on_cancel = on_cancel};
    (void)request;
    rpc_open = (struct rpc_open){.call = call};
    weft_rpc_listen(call, &events, &rpc_open);
    assert_null(weft_rpc_alloc(call, 1));
}

static void keep_open(void *call, const Sample__Text *request)
{
    leave_open(call, request);
    rpc_open.text = (const Sample__Text *)weft_rpc_keep(call);
    if (!rpc_open.text) {
        rpc_open.call = NULL;
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "nothing to keep it in");
    }
}

static void answer_with_metadata(void *call, Sample__Text_Closure closure)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    char text[64] = "none";
    struct weft_view value;
    if (weft_rpc_metadata(call, "X-Colour", &value))
        (void)snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
    reply.text = text;
    closure(&reply, call);
}

/* Sends 0, 1, ..., count - 1, and then ends as the text says. */
static int next(struct weft_rpc_call *call, const ProtobufCMessage *message, void *state)
{
    const Sample__Text *request = (const void *)message;
    uint32_t *count = state;
    Sample__Text reply = SAMPLE__TEXT__INIT;
    rpc_open.rooms++;
    reply.count = *count;
    if (strcmp(request->text, "each then two") == 0)
        return weft_rpc_send(call, &reply.base) < 0 ? -ENOMEM : weft_rpc_send(call, &reply.base);
    if (*count < request->count) {
        ++*count;
        return weft_rpc_send(call, &reply.base);
    }
    if (strcmp(request->text, "each then nothing") == 0)
        return 0;
    if (strcmp(request->text, "each then fail") == 0)
        return -EIO;
    if (strcmp(request->text, "each then no memory") == 0)
        return -ENOMEM;
    weft_rpc_end(call, WEFT_RPC_OK, NULL);
    return 0;
}

static void answer_each(struct weft_rpc_call *call, const char *text)
{
    static const struct weft_rpc_events events = {.on_cancel = on_cancel};
    const bool listens = strcmp(text, "each and listen") == 0;
    rpc_open = (struct rpc_open){.call = call};
    uint32_t *count = weft_rpc_generate(call, next, sizeof *count);
    if (!count)
        return;
    assert_int_equal(*count, 0);
    assert_ptr_equal(weft_rpc_data(call), count);
    if (listens)
        weft_rpc_listen(call, &events, count);
}

static bool add_fields(void *call)
{
    return weft_rpc_add_header(call, "x-first", weft_view_str("one")) == 0 &&
           weft_rpc_add_header(call, "x-raw-bin", weft_view("\0\xff", 2)) == 0 &&
           weft_rpc_add_trailer(call, "x-last", weft_view_str("two")) == 0;
}

/* Answers with fields beside the message, or ends with a detail if count is not 0. */
static void answer_beside(void *call, const Sample__Text *request, Sample__Text_Closure closure)
{
    Sample__Text detail = SAMPLE__TEXT__INIT;
    detail.text = request->count == 2 ? (char *)(uintptr_t) "" : request->text;
    if (!add_fields(call) || (request->count > 0 && weft_rpc_add_detail(call, &detail.base) < 0))
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory for fields");
    else if (request->count > 0)
        weft_rpc_end(call, WEFT_RPC_NOT_FOUND, "see the details");
    else
        closure(request, call);
}

static void say(Sample__Sample_Service *service, const Sample__Text *request,
                Sample__Text_Closure closure, void *call)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    Sample__Everything other = SAMPLE__EVERYTHING__INIT;
    (void)service;
    reply.text = request->text;
    reply.count = request->count + 1;
    if (strcmp(request->text, "each") == 0)
        answer_each(call, request->text);
    else if (strcmp(request->text, "open") == 0)
        leave_open(call, request);
    else if (strcmp(request->text, "keep") == 0)
        keep_open(call, request);
    else if (strcmp(request->text, "null") == 0)
        closure(NULL, call);
    else if (strcmp(request->text, "fail") == 0)
        weft_rpc_end(call, (enum weft_rpc_code)request->count, "as you wish");
    else if (strcmp(request->text, "other") == 0)
        ((ProtobufCClosure)closure)(&other.base, call);
    else if (strcmp(request->text, "metadata") == 0)
        answer_with_metadata(call, closure);
    else if (strcmp(request->text, "beside") == 0)
        answer_beside(call, request, closure);
    else
        closure(&reply, call);
}

static void stream(Sample__Sample_Service *service, const Sample__Text *request,
                   Sample__Text_Closure closure, void *call)
{
    enum { MOST = 4096 };
    Sample__Text reply = SAMPLE__TEXT__INIT;
    (void)service;
    reply.text = request->text;
    if (strncmp(request->text, "each", 4) == 0) {
        answer_each(call, request->text);
        return;
    }
    if (strcmp(request->text, "open") == 0) {
        leave_open(call, request);
        return;
    }
    if (strcmp(request->text, "beside") == 0 && !add_fields(call)) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory for fields");
        return;
    }
    for (; reply.count < request->count && reply.count < MOST; reply.count++)
        closure(&reply, call);
    if (strcmp(request->text, "fail") == 0)
        weft_rpc_end(call, WEFT_RPC_ABORTED, "half \"way\"");
    else
        closure(NULL, call);
}

/* Sends back what comes, and asks for more unless it says "hold". */
static void chat_message(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    const Sample__Text *text = (const void *)message;
    if (!text) {
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
    } else if (weft_rpc_send(call, message) < 0) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no room for an answer");
    } else if (strcmp(text->text, "hold") != 0) {
        weft_rpc_next(call);
    }
}

static void chat_cancel(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    rpc_open.cancels++;
    rpc_open.code = code;
    weft_rpc_end(call, code, "as was said");
}

static void chat(Sample__Sample_Service *service, const Sample__Text *request,
                 Sample__Text_Closure closure, void *call)
{
    static const struct weft_rpc_events events = {.on_cancel = chat_cancel,
                                                  .on_message = chat_message};
    (void)service, (void)request, (void)closure;
    assert_null(request);
    rpc_open = (struct rpc_open){.call = call};
    weft_rpc_listen(call, &events, NULL);
}

/* The counts of a Sum so far. */
struct sum {
    Sample__Text_Closure closure;
    uint32_t count;
};

static void sum_message(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    struct sum *sum = weft_rpc_data(call);
    Sample__Text reply = SAMPLE__TEXT__INIT;
    if (message) {
        sum->count += ((const Sample__Text *)(const void *)message)->count;
        weft_rpc_next(call);
        return;
    }
    reply.count = sum->count;
    sum->closure(&reply, call);
}

static void sum(Sample__Sample_Service *service, const Sample__Text *request,
                Sample__Text_Closure closure, void *call)
{
    static const struct weft_rpc_events events = {.on_cancel = chat_cancel,
                                                  .on_message = sum_message};
    struct sum *sum = weft_rpc_alloc(call, sizeof *sum);
    (void)service, (void)request;
    if (!sum) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory for a sum");
        return;
    }
    *sum = (struct sum){.closure = closure};
    weft_rpc_listen(call, &events, sum);
}

static Sample__Sample_Service sample = {
    .base = {&sample__sample__descriptor, protobuf_c_service_invoke_internal, NULL},
    .echo = echo,
    .say = say,
    .stream = stream,
    .chat = chat,
    .sum = sum,
};

static void old_echo(Old__Olds_Service *service, const Old__Old *request, Old__Old_Closure closure,
                     void *call)
{
    (void)service;
    closure(request, call);
}

static Old__Olds_Service olds = OLD__OLDS__INIT(old_);

/* --- the world ---------------------------------------------------------------------------------------- */

bool rpc_world_init(struct rpc_world *self)
{
    static const char *const streams[] = {"Stream", "Chat", NULL};
    struct weft_error error;
    *self = (struct rpc_world){.loop = NULL};
    if (weft_loop_new(&self->loop, 16) < 0)
        return false;
    self->rpc = weft_rpc_new("sample");
    if (!self->rpc || weft_rpc_add(self->rpc, &sample.base, streams, NULL) < 0 ||
        weft_rpc_stream_requests(self->rpc, "sample.Sample/Chat", NULL) < 0 ||
        weft_rpc_stream_requests(self->rpc, "sample.Sample/Sum", NULL) < 0 ||
        weft_rpc_add(self->rpc, &olds.base, NULL, NULL) < 0 ||
        weft_rpc_add_health(self->rpc, NULL) < 0 || weft_rpc_add_reflection(self->rpc, NULL) < 0 ||
        weft_rpc_register(self->rpc, &self->registry, NULL) < 0)
        return false;
    for (size_t i = 0; i < WEFT__RPC_FACES; i++) {
        const struct weft_service *service = &self->rpc->services[i];
        struct weft__rpc_served config;
        self->states[i] = calloc(1, service->loop_size);
        assert_non_null(self->states[i]);
        assert_int_equal(service->configure(&config, &self->rpc->served[i], NULL, NULL, &error), 0);
        assert_int_equal(service->start(self->states[i], &config, self->loop), 0);
    }
    return true;
}

void rpc_world_fini(struct rpc_world *self)
{
    for (size_t i = 0; i < WEFT__RPC_FACES && self->states[i]; i++) {
        self->rpc->services[i].stop(self->states[i]);
        free(self->states[i]);
    }
    weft_rpc_free(self->rpc);
    if (self->loop)
        weft_loop_free(self->loop);
}

int rpc_setup(void **state)
{
    static struct rpc_world world;
    *state = &world;
    rpc_open = (struct rpc_open){.call = NULL};
    return rpc_world_init(&world) ? 0 : -1;
}

int rpc_teardown(void **state)
{
    rpc_world_fini(*state);
    return 0;
}

/* --- requests ----------------------------------------------------------------------------------------- */

size_t rpc_frame(uint8_t *dst, const char *method, const char *text, uint32_t count,
                 uint64_t timeout_ms)
{
    Sample__Text request = SAMPLE__TEXT__INIT;
    uint8_t packed[512], metadata[64], *end;
    char path[64];
    request.text = (char *)(uintptr_t)text;
    request.count = count;
    const size_t size = sample__text__pack(&request, packed);
    (void)snprintf(path, sizeof path, "sample.Sample/%s", method);
    end = weft_pb_put_text(metadata, 1, weft_view_str("x-colour"));
    end = weft_pb_put_text(end, 2, weft_view_str("green"));
    const struct weft_view pair = weft_view(metadata, (size_t)(end - metadata));
    end = weft_pb_put_text(dst, 1, weft_view_str(path));
    end = weft_pb_put_text(end, 2, weft_view(packed, size));
    end = weft_pb_put_uint(end, 3, timeout_ms);
    end = weft_pb_put_bytes(end, 4, pair);
    return (size_t)(end - dst);
}

size_t rpc_post(char *dst, size_t room, const char *target, const char *fields, const char *json)
{
    const int size = snprintf(dst, room,
                              "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                              "Content-Type: application/json; charset=utf-8\r\n%s\r\n%s",
                              target, fields, json);
    assert_true((size_t)size < room);
    return (size_t)size;
}

void rpc_call(struct rpc_world *self, int face, struct fake_request *request,
              struct weft_view payload)
{
    fake_request_init(request, payload, 1 << 20);
    fake_request_call(request, &self->rpc->services[face], self->states[face], NULL);
}

void rpc_call_frame(struct rpc_world *self, struct fake_request *request, const char *method,
                    const char *text, uint32_t count)
{
    uint8_t frame[1024];
    rpc_call(self, FRAMES, request, weft_view(frame, rpc_frame(frame, method, text, count, 0)));
}

void rpc_call_json(struct rpc_world *self, struct fake_request *request, const char *target,
                   const char *json)
{
    static char payload[1 << 20];
    rpc_call(self, HTTP, request,
             weft_view(payload, rpc_post(payload, sizeof payload, target, "", json)));
}

static void copy(char *dst, size_t room, struct weft_view text)
{
    assert_true(text.size < room);
    if (text.size > 0)
        memcpy(dst, text.data, text.size);
    dst[text.size] = '\0';
}

struct rpc_reply rpc_reply_at(const struct fake_request *request, size_t i)
{
    struct rpc_reply reply = {.code = 0};
    struct weft__rpc_field field;
    assert_true(i < request->reply_count);
    struct weft_view rest = weft_view(request->replies[i].data, request->replies[i].size);
    while (weft__rpc_next(&rest, &field) > 0) {
        if (field.number == 1)
            reply.code = (uint32_t)field.value;
        if (field.number == 2)
            copy(reply.message, sizeof reply.message, field.bytes);
        if (field.number == 4)
            reply.more = field.value;
        if (field.number != 3)
            continue;
        Sample__Text *text = sample__text__unpack(NULL, field.bytes.size, field.bytes.data);
        assert_non_null(text);
        reply.has_response = true;
        copy(reply.text, sizeof reply.text, weft_view_str(text->text));
        reply.count = text->count;
        sample__text__free_unpacked(text, NULL);
    }
    assert_int_equal(rest.size, 0);
    return reply;
}
