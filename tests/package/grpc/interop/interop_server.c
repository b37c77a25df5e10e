/* SPDX-License-Identifier: MIT
 *
 * The server of gRPC's interoperability tests: interop_server URL. It says where it listens, and drains when it is
 * terminated. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "core/serve.h"
#include "services/rpc/rpc.h"
#include "testing.pb-c.h"
#include "transports/transports.h"

enum { SIZE_MAX_ASKED = 4 << 20 };

/* All payloads are zeros. */
static uint8_t zeros[SIZE_MAX_ASKED];

/* Ends the call if the request says how it should end, or cannot be done. */
static bool end_early(struct weft_rpc_call *call, Grpc__Testing__PayloadType type,
                      const Grpc__Testing__EchoStatus *status)
{
    if (status && status->code != WEFT_RPC_OK)
        weft_rpc_end(call, (enum weft_rpc_code)status->code, status->message);
    else if (type != GRPC__TESTING__PAYLOAD_TYPE__COMPRESSABLE)
        weft_rpc_end(call, WEFT_RPC_INVALID_ARGUMENT, "there is no such type of payload");
    else
        return false;
    return true;
}

/* Sends back what the case custom_metadata asks for. Returns false if the call has ended. */
static bool echo_metadata(struct weft_rpc_call *call)
{
    static const char initial[] = "x-grpc-test-echo-initial",
                      trailing[] = "x-grpc-test-echo-trailing-bin";
    struct weft_view value;
    int err = 0;
    if (weft_rpc_metadata(call, initial, &value))
        err = weft_rpc_add_header(call, initial, value);
    if (err == 0 && weft_rpc_metadata_bytes(call, trailing, &value) == 0)
        err = weft_rpc_add_trailer(call, trailing, value);
    if (err < 0)
        weft_rpc_end(call, WEFT_RPC_INTERNAL, "metadata cannot be sent back");
    return err == 0;
}

static bool has_payload(struct weft_rpc_call *call, int32_t size, Grpc__Testing__Payload *payload)
{
    if (size < 0 || size > SIZE_MAX_ASKED) {
        weft_rpc_end(call, WEFT_RPC_INVALID_ARGUMENT, "a payload has at most 4 MiB here");
        return false;
    }
    payload->body = (ProtobufCBinaryData){.data = zeros, .len = (size_t)size};
    return true;
}

static void test_empty_call(Grpc__Testing__TestService_Service *service,
                            const Grpc__Testing__Empty *request,
                            Grpc__Testing__Empty_Closure closure, void *call)
{
    (void)service;
    closure(request, call);
}

static void test_unary_call(Grpc__Testing__TestService_Service *service,
                            const Grpc__Testing__SimpleRequest *request,
                            Grpc__Testing__SimpleResponse_Closure closure, void *call)
{
    Grpc__Testing__SimpleResponse reply = GRPC__TESTING__SIMPLE_RESPONSE__INIT;
    Grpc__Testing__Payload payload = GRPC__TESTING__PAYLOAD__INIT;
    (void)service;
    if (!echo_metadata(call) || end_early(call, request->response_type, request->response_status) ||
        !has_payload(call, request->response_size, &payload))
        return;
    reply.payload = &payload;
    closure(&reply, call);
}

/* --- streams ------------------------------------------------------------------------------------------ */

struct streaming {
    struct weft_timer timer; /* an interval before a message */
    struct weft_rpc_call *call;
    const Grpc__Testing__StreamingOutputCallRequest *request;
    size_t next;
    bool waited; /* for the interval of the next message */
};

static void go_on(struct weft_rpc_call *call)
{
    struct streaming *streaming = weft_rpc_data(call);
    const Grpc__Testing__StreamingOutputCallRequest *request = streaming->request;
    if (weft_timer_is_armed(&streaming->timer))
        return;
    while (streaming->next < request->n_response_parameters) {
        const Grpc__Testing__ResponseParameters *wanted =
            request->response_parameters[streaming->next];
        Grpc__Testing__StreamingOutputCallResponse reply =
            GRPC__TESTING__STREAMING_OUTPUT_CALL_RESPONSE__INIT;
        Grpc__Testing__Payload payload = GRPC__TESTING__PAYLOAD__INIT;
        if (!streaming->waited && wanted->interval_us > 0) {
            weft_loop_after(weft_rpc_loop(call), &streaming->timer,
                            (int64_t)wanted->interval_us * 1000);
            return;
        }
        if (!has_payload(call, wanted->size, &payload))
            return;
        reply.payload = &payload;
        int err = weft_rpc_send(call, &reply.base);
        if (err == -EAGAIN)
            return;
        if (err < 0) {
            weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory for a message");
            return;
        }
        streaming->next++;
        streaming->waited = false;
    }
    weft_rpc_end(call, WEFT_RPC_OK, NULL);
}

static void on_interval(struct weft_timer *timer)
{
    struct streaming *streaming = weft_container_of(timer, struct streaming, timer);
    streaming->waited = true;
    go_on(streaming->call);
}

static void give_up(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    struct streaming *streaming = weft_rpc_data(call);
    weft_timer_stop(&streaming->timer);
    weft_rpc_end(call, code, NULL);
}

static const struct weft_rpc_events events = {.on_room = go_on, .on_cancel = give_up};

static void test_streaming_output_call(Grpc__Testing__TestService_Service *service,
                                       const Grpc__Testing__StreamingOutputCallRequest *request,
                                       Grpc__Testing__StreamingOutputCallResponse_Closure closure,
                                       void *call)
{
    struct streaming *streaming = NULL;
    (void)service, (void)closure;
    if (!echo_metadata(call) || end_early(call, request->response_type, request->response_status))
        return;
    request = (const Grpc__Testing__StreamingOutputCallRequest *)weft_rpc_keep(call);
    if (request)
        streaming = weft_rpc_alloc(call, sizeof *streaming);
    if (!streaming) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory to stream from");
        return;
    }
    *streaming =
        (struct streaming){.timer.fire = on_interval, .call = call, .request = request, .next = 0};
    weft_rpc_listen(call, &events, streaming);
    go_on(call);
}

/* --- streams of requests ------------------------------------------------------------------------------ */

static void end_with(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    weft_rpc_end(call, code, NULL);
}

/* The sizes of the payloads so far. */
struct total {
    Grpc__Testing__StreamingInputCallResponse_Closure closure;
    size_t size;
};

static void add_size(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    struct total *total = weft_rpc_data(call);
    const Grpc__Testing__StreamingInputCallRequest *request = (const void *)message;
    Grpc__Testing__StreamingInputCallResponse reply =
        GRPC__TESTING__STREAMING_INPUT_CALL_RESPONSE__INIT;
    if (request) {
        total->size += request->payload ? request->payload->body.len : 0;
        weft_rpc_next(call);
        return;
    }
    reply.aggregated_payload_size = (int32_t)total->size;
    total->closure(&reply, call);
}

static void test_streaming_input_call(Grpc__Testing__TestService_Service *service,
                                      const Grpc__Testing__StreamingInputCallRequest *request,
                                      Grpc__Testing__StreamingInputCallResponse_Closure closure,
                                      void *call)
{
    static const struct weft_rpc_events adding = {.on_cancel = end_with, .on_message = add_size};
    struct total *total = weft_rpc_alloc(call, sizeof *total);
    (void)service, (void)request;
    if (!total) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory for a sum");
        return;
    }
    *total = (struct total){.closure = closure};
    weft_rpc_listen(call, &adding, total);
}

/* Answers a request at once, without its intervals. */
static void answer_each(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    const Grpc__Testing__StreamingOutputCallRequest *request = (const void *)message;
    Grpc__Testing__StreamingOutputCallResponse reply =
        GRPC__TESTING__STREAMING_OUTPUT_CALL_RESPONSE__INIT;
    Grpc__Testing__Payload payload = GRPC__TESTING__PAYLOAD__INIT;
    reply.payload = &payload;
    if (!request) {
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
        return;
    }
    if (end_early(call, request->response_type, request->response_status))
        return;
    for (size_t i = 0; i < request->n_response_parameters; i++) {
        if (!has_payload(call, request->response_parameters[i]->size, &payload))
            return;
        if (weft_rpc_send(call, &reply.base) < 0) {
            weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no room for an answer");
            return;
        }
    }
    weft_rpc_next(call);
}

static void test_full_duplex_call(Grpc__Testing__TestService_Service *service,
                                  const Grpc__Testing__StreamingOutputCallRequest *request,
                                  Grpc__Testing__StreamingOutputCallResponse_Closure closure,
                                  void *call)
{
    static const struct weft_rpc_events answering = {.on_cancel = end_with,
                                                     .on_message = answer_each};
    (void)service, (void)request, (void)closure;
    if (echo_metadata(call))
        weft_rpc_listen(call, &answering, NULL);
}

/* --- the program -------------------------------------------------------------------------------------- */

/* UnimplementedCall has no function, and UnimplementedService is in no set. */
static const Grpc__Testing__TestService_Service service = {
    .base = {&grpc__testing__test_service__descriptor, protobuf_c_service_invoke_internal, NULL},
    .empty_call = test_empty_call,
    .unary_call = test_unary_call,
    .streaming_output_call = test_streaming_output_call,
    .streaming_input_call = test_streaming_input_call,
    .full_duplex_call = test_full_duplex_call,
};

static int fill(struct weft_registry *registry, struct weft_rpc *rpc, struct weft_error *error)
{
    static const char *const streams[] = {"StreamingOutputCall", "FullDuplexCall", NULL};
    const struct weft_plugins plugins = {
        .transports = weft_transports_basic(),
        .codecs = (const struct weft_codec *const[]){&weft_codec_grpc, NULL},
    };
    int err = weft_registry_add_all(registry, &plugins, error);
    if (err == 0)
        err = weft_rpc_add(rpc, &service.base, streams, error);
    if (err == 0)
        err = weft_rpc_stream_requests(rpc, "grpc.testing.TestService/StreamingInputCall", error);
    if (err == 0)
        err = weft_rpc_stream_requests(rpc, "grpc.testing.TestService/FullDuplexCall", error);
    return err == 0 ? weft_rpc_register(rpc, registry, error) : err;
}

int main(int argc, char **argv)
{
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    struct weft_rpc *rpc = weft_rpc_new("testing");
    int err = fill(&registry, rpc, &error);
    if (err == 0)
        err = weft_serve(&registry, argc, argv, &error);
    if (err != 0)
        (void)fprintf(stderr, "interop_server: %s\n", error.text);
    weft_rpc_free(rpc);
    return err == 0 ? 0 : 1;
}
