/* SPDX-License-Identifier: MIT
 *
 * A stranger's message, as protobuf or as JSON (the first byte says which): it is refused in words, or its JSON is read
 * as the same message again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.pb-c.h"
#include "services/rpc/json.h"
#include "services/rpc/message.h"

enum { BUDGET = 1 << 20, AMPLE = 1 << 28 };

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_arena arena;
    const char *why = NULL;
    bool malformed;
    ProtobufCMessage *message;
    if (size == 0)
        return 0;
    const struct weft_view input = weft_view(data + 1, size - 1);
    weft_arena_init(&arena, BUDGET);
    if (data[0] == 'j') {
        message = read_json(input, &arena);
    } else {
        message =
            weft__rpc_unpack(&sample__everything__descriptor, input, &arena, &why, &malformed);
        demand(message || why, "a refusal without words");
    }
    if (message)
        check_round_trip(message);
    weft_arena_fini(&arena);
    return 0;
}
