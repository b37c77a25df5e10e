/* SPDX-License-Identifier: MIT
 *
 * A stranger sends the input; its first byte says in which language. A message alone ('j': JSON, 'p' or any other: protobuf) is
 * refused in words, or its JSON is read as the same message again. A request in frames ('f') or over HTTP ('h') is answered,
 * and so is one over gRPC ('g'), which may be a stream: the second byte chooses the method, and records follow, which are
 * messages or what else may happen to a call. Each call comes to its end, whatever happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc_fixture.h"
#include "services/rpc/json.h"
#include "services/rpc/message.h"

enum { BUDGET = 1 << 20, AMPLE = 1 << 28 };

/* Records with these for their size are no messages. */
enum { LEAST_OPERATION = 250, LAST = LEAST_OPERATION, NEXT, ROOM, FULL, DRAIN, CANCEL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fuzz_rpc: %s\n", rule);
    abort();
}

static ProtobufCMessage *read_json(struct weft_view json, struct weft_arena *arena)
{
    char why[200] = "";
    bool malformed;
    ProtobufCMessage *message = weft__rpc_read_json(&sample__everything__descriptor, json, arena,
                                                    why, sizeof why, &malformed);
    demand(message || why[0], "a refusal without words");
    return message;
}

static void check_round_trip(const ProtobufCMessage *message)
{
    struct weft_text first = {.failed = false}, second = {.failed = false};
    struct weft_arena arena;
    weft_arena_init(&arena, AMPLE);
    weft__rpc_write_json(&first, message);
    const ProtobufCMessage *again = read_json(weft_text_view(&first), &arena);
    demand(again, "JSON that cannot be read again");
    weft__rpc_write_json(&second, again);
    demand(weft_view_equal(weft_text_view(&first), weft_text_view(&second)),
           "JSON that is read as another message");
    weft_text_fini(&first);
    weft_text_fini(&second);
    weft_arena_fini(&arena);
}

static void take_message(struct weft_view input, bool is_json)
{
    struct weft_arena arena;
    const char *why = NULL;
    bool malformed;
    ProtobufCMessage *message;
    weft_arena_init(&arena, BUDGET);
    if (is_json) {
        message = read_json(input, &arena);
    } else {
        message =
            weft__rpc_unpack(&sample__everything__descriptor, input, &arena, &why, &malformed);
        demand(message || why, "a refusal without words");
    }
    if (message)
        check_round_trip(message);
    weft_arena_fini(&arena);
}

/* --- calls -------------------------------------------------------------------------------------------- */

static struct rpc_world *world(void)
{
    static struct rpc_world only;
    if (!only.loop)
        demand(rpc_world_init(&only), "a world");
    return &only;
}

static void cancel(struct fake_request *request, enum weft_reason reason)
{
    if (request->ended)
        return;
    if (reason != WEFT_REASON_DRAINED) {
        request->gone = true;
        request->owes_drain = false; /* the cancel comes in its place */
    }
    request->request.on_cancel(&request->request, reason);
}

/* Ends a call that is open, as its service has to. */
static void finish(struct fake_request *request)
{
    (void)virtual_loop_advance(world()->loop, 1);
    request->refuse = 0;
    fake_request_drain(request);
    cancel(request, WEFT_REASON_STREAM_RESET);
    if (!request->ended)
        weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
    demand(request->ended, "a call without an end");
    fake_request_fini(request);
}

static void take_request(int face, struct weft_view input)
{
    struct fake_request request;
    rpc_open = (struct rpc_open){.call = NULL};
    rpc_call(world(), face, &request, input);
    finish(&request);
}

static bool takes_message(const struct fake_request *request, bool has_many)
{
    return has_many && request->next && !request->ended && !request->gone &&
           request->request.on_message;
}

/* Does what a record says. Returns its size. */
static size_t obey(struct fake_request *request, struct weft_view records, bool has_many)
{
    const uint8_t what = records.data[0];
    struct weft_view message = weft_view_skip(records, 1);
    if (what >= LEAST_OPERATION) {
        if (what == LAST && takes_message(request, has_many)) {
            fake_request_message(request, NULL);
            request->next = false;
        } else if (what == NEXT && has_many && !request->ended && rpc_open.call) {
            weft_rpc_next(rpc_open.call);
        } else if (what == ROOM) {
            fake_request_drain(request);
        } else if (what == FULL && !request->owes_drain) {
            request->refuse = 1;
        } else if (what == DRAIN && !request->gone) {
            cancel(request, WEFT_REASON_DRAINED);
        } else if (what == CANCEL && !request->gone) {
            cancel(request, WEFT_REASON_STREAM_RESET);
        }
        return 1;
    }
    if (message.size > what)
        message.size = what;
    if (takes_message(request, has_many))
        fake_request_message(request, &message);
    return 1 + message.size;
}

static void take_call(struct weft_view input)
{
    static const char *const targets[] = {
        "/sample.Sample/Chat",
        "/sample.Sample/Sum",
        "/sample.Sample/Stream",
        "/sample.Sample/Say",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Watch",
        "/sample.Sample/None",
    };
    const struct weft_service *service = &world()->rpc->services[FRAMES];
    void *state = world()->states[FRAMES];
    struct fake_request request;
    if (input.size == 0)
        return;
    const struct weft_view target =
        weft_view_str(targets[input.data[0] % (sizeof targets / sizeof *targets)]);
    const bool has_many = service->streams(state, target);
    struct weft_view records = weft_view_skip(input, 1);
    rpc_open = (struct rpc_open){.call = NULL};
    fake_request_init(&request, has_many ? weft_view("", 0) : records, BUDGET);
    request.request.target = target;
    fake_request_call(&request, service, state, NULL);
    while (has_many && records.size > 0)
        records = weft_view_skip(records, obey(&request, records, has_many));
    finish(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct weft_view input = weft_view(data + 1, size - 1);
    switch (data[0]) {
    case 'f':
        take_request(FRAMES, input);
        break;
    case 'h':
        take_request(HTTP, input);
        break;
    case 'g':
        take_call(input);
        break;
    default:
        take_message(input, data[0] == 'j');
        break;
    }
    return 0;
}
