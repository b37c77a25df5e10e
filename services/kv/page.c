/* SPDX-License-Identifier: MIT
 *
 * The pairs of a walk on their way into a reply, which has to stay within the limits. */
#include <errno.h>

#include "core/base/compiler.h"
#include "session_private.h"

enum {
    PAGE_ENOUGH = 1 << 20,           /* a page of this many bytes gets no more pairs */
    PAGE_FRAME = 16 + KV_CURSOR_MAX, /* a page has at most this many bytes beside its pairs */
};

static int add_pair(struct kv_task *task, size_t size, struct weft_view key, struct weft_view value)
{
    size_t before = task->pairs.memory;
    uint8_t *dst = kv_pairs_add(&task->pairs, size);
    if (!dst)
        return -ENOMEM;
    if (task->pairs.memory > before)
        kv__task_count_kept(task, task->pairs.memory - before);
    task->session->loop->face->put_pair(task, dst, key, value);
    return 0;
}

/* Adds a pair to a page of hscan. A page is sent well before it is as large as a reply may be. A pair
 * that no reply has room for comes without its value, so that the walk can go on behind it. */
static bool take_into_page(struct kv_task *task, struct weft_view key, struct weft_view value)
{
    const struct weft_limits *limits = task->session->loop->config->limits;
    uint64_t most =
        limits->max_frame < limits->max_message ? limits->max_frame : limits->max_message;
    most = most > PAGE_FRAME ? most - PAGE_FRAME : 0;
    uint64_t enough = most < PAGE_ENOUGH ? most : PAGE_ENOUGH;
    const struct kv_face *face = task->session->loop->face;
    size_t size = face->pair_size(task, key, value);
    if (size == 0)
        return true;
    if (task->pairs.size > 0 && task->pairs.size + size > enough)
        return false;
    if (size > most) {
        value.size = 0;
        size = face->pair_size(task, key, value);
    }
    /* A key that no reply has room for, stored under another limit, must not end the walk. */
    if (size > most)
        return true;
    task->pairs_error = add_pair(task, size, key, value);
    return task->pairs_error == 0;
}

bool kv__take_pair(struct kv_call *call, struct weft_view key, const struct kv_value *value)
{
    struct kv_task *task = weft_container_of(call, struct kv_task, call);
    if (call->command->takes == KV_TAKES_PAGE)
        return take_into_page(task, key, value->bytes);
    size_t size = task->session->loop->face->pair_size(task, key, value->bytes);
    if (size == 0)
        return true;
    task->pairs_error = add_pair(task, size, key, value->bytes);
    if (task->pairs_error == 0 &&
        task->pairs.size > task->session->loop->config->limits->max_message)
        task->pairs_error = WEFT_ETOOBIG;
    return task->pairs_error == 0;
}
