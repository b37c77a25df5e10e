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

static int add_pair(struct kv_task *task, size_t size, const struct kv_pair *pair)
{
    size_t before = task->pairs.memory;
    uint8_t *dst = kv_pairs_add(&task->pairs, size);
    if (!dst)
        return -ENOMEM;
    if (task->pairs.memory > before)
        kv__task_count_kept(task, task->pairs.memory - before);
    task->session->loop->face->put_pair(task, dst, pair);
    return 0;
}

/* Adds a pair to a page of hscan. A page is sent well before it is as large as a reply may be. A pair
 * that no reply has room for comes without its value, so that the walk can go on behind it. */
static bool take_into_page(struct kv_task *task, const struct kv_pair *pair)
{
    const struct weft_limits *limits = task->session->loop->config->limits;
    uint64_t most =
        limits->max_frame < limits->max_message ? limits->max_frame : limits->max_message;
    most = most > PAGE_FRAME ? most - PAGE_FRAME : 0;
    uint64_t enough = most < PAGE_ENOUGH ? most : PAGE_ENOUGH;
    const struct kv_face *face = task->session->loop->face;
    struct kv_pair bare;
    size_t size = face->pair_size(task, pair);
    if (size == 0)
        return true;
    if (task->pairs.size > 0 && task->pairs.size + size > enough)
        return false;
    if (size > most) {
        bare = *pair;
        bare.value = (struct kv_value){{NULL, 0}, NULL};
        pair = &bare;
        size = face->pair_size(task, pair);
    }
    /* A key that no reply has room for, stored under another limit, must not end the walk. */
    if (size > most)
        return true;
    task->pairs_error = add_pair(task, size, pair);
    return task->pairs_error == 0;
}

bool kv__take_pair(struct kv_call *call, const struct kv_pair *pair)
{
    struct kv_task *task = weft_container_of(call, struct kv_task, call);
    if (kv_is_paged(call->command) && !call->command->rough)
        return take_into_page(task, pair);
    size_t size = task->session->loop->face->pair_size(task, pair);
    if (size == 0)
        return true;
    task->pairs_error = add_pair(task, size, pair);
    if (task->pairs_error == 0 &&
        task->pairs.size > task->session->loop->config->limits->max_message)
        task->pairs_error = WEFT_ETOOBIG;
    return task->pairs_error == 0;
}
