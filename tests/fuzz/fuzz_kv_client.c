/* SPDX-License-Identifier: MIT
 *
 * The client library reads what a server sends: replies and messages to subscriptions, in frames and in lines. The
 * first byte says which. */
#include <stdint.h>

#include "core/base/mem.h"
#include "services/kv/client/line.h"
#include "services/kv/client_topics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *arg, const struct weft_kv_reply *message)
{
    (void)arg, (void)message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct weft_view payload = weft_view(data + 1, size - 1);
    struct weft_kv_client client = {.in_lines = *data & 1};
    struct weft_kv_reply reply;
    struct weft_arena arena;
    const char *why = NULL;
    weft_arena_init(&arena, 1 << 20);
    if (!weft_kv_client_take_push(&client, payload, take, NULL)) {
        int err = client.in_lines
                      ? weft__kv_line_read(
                            &reply, payload,
                            (enum weft__kv_line_answer)((*data >> 1) % (WEFT__KV_LINE_TABLES + 1)),
                            &arena, &why)
                      : weft__kv_reply_read(&reply, payload, &arena, &why);
        if (err < 0 && !why)
            __builtin_trap();
    }
    weft_arena_fini(&arena);
    return 0;
}
