/* SPDX-License-Identifier: MIT
 *
 * PUBLISH and PUBSUB. */
#include <errno.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "services/kv/subscription.h"
#include "topics.h"

static void published(struct kv_task *base, uint64_t receivers)
{
    struct resp_task *task = resp_task_of(base);
    (void)resp_integer(task, (int64_t)receivers);
    (void)resp_answer(task);
}

bool resp_begin_publish(struct resp_task *task)
{
    struct weft_view text = task->args[2];
    enum kv_type type = weft_utf8_valid(text) ? KV_TYPE_STRING : KV_TYPE_BINARY;
    uint8_t *packed =
        weft_arena_alloc(weft_request_arena(task->base.request), KV_PACKED_HEAD_MAX + text.size);
    if (!packed) {
        (void)resp_no_memory(task);
        return resp_answer(task);
    }
    size_t head = kv_pack_head(packed, type, text.size);
    if (text.size > 0)
        memcpy(packed + head, text.data, text.size);
    const struct weft_view value = weft_view(packed, head + text.size);
    kv_task_do_publish(&task->base, task->args[1], &value, 1, published);
    return false;
}

struct channels {
    struct weft_buf names; /* as bulk strings */
    const struct weft_view *pattern;
    size_t count;
    int err;
};

static void add_channel(void *arg, struct weft_view topic)
{
    struct channels *self = arg;
    if (self->err < 0 || (self->pattern && !resp_matches(*self->pattern, topic)))
        return;
    size_t size = weft_resp_bulk_size(topic.size);
    uint8_t *dst = weft_buf_reserve(&self->names, size);
    self->err = dst ? 0 : -ENOMEM;
    if (!dst)
        return;
    (void)weft_resp_put_bulk(dst, topic);
    weft_buf_commit(&self->names, size);
    self->count++;
}

static struct kv_feed *feed_of(const struct resp_task *task)
{
    return kv_feed_of(kv_task_feed(&task->base));
}

static bool channels(struct resp_task *task)
{
    struct channels self = {.pattern = task->count > 2 ? &task->args[2] : NULL};
    uint8_t *reply = NULL;
    kv_feed_each_topic(feed_of(task), add_channel, &self);
    size_t head = weft_resp_head_size((int64_t)self.count), size = weft_buf_size(&self.names);
    if (self.err == 0)
        reply = weft_arena_alloc(weft_request_arena(task->base.request), head + size);
    if (reply) {
        (void)weft_resp_put_head(reply, WEFT_RESP_ARRAY, (int64_t)self.count);
        if (size > 0)
            memcpy(reply + head, weft_buf_view(&self.names).data, size);
        (void)resp_raw(task, weft_view(reply, head + size));
    } else {
        (void)resp_no_memory(task);
    }
    weft_buf_fini(&self.names);
    return resp_answer(task);
}

static bool numsub(struct resp_task *task)
{
    struct weft_buf reply = {0};
    uint8_t *dst = weft_buf_reserve(&reply, WEFT_RESP_HEAD_MAX);
    size_t size = weft_resp_head_size(2 * ((int64_t)task->count - 2));
    if (dst) {
        (void)weft_resp_put_head(dst, WEFT_RESP_ARRAY, 2 * ((int64_t)task->count - 2));
        weft_buf_commit(&reply, size);
    }
    for (size_t i = 2; i < task->count && dst; i++) {
        int64_t count = (int64_t)kv_feed_followers(feed_of(task), task->args[i]);
        size = weft_resp_bulk_size(task->args[i].size) + weft_resp_head_size(count);
        dst = weft_buf_reserve(&reply, size);
        if (!dst)
            break;
        dst = weft_resp_put_bulk(dst, task->args[i]);
        (void)weft_resp_put_head(dst, WEFT_RESP_INTEGER, count);
        weft_buf_commit(&reply, size);
    }
    if (dst)
        (void)resp_raw(task, weft_buf_view(&reply));
    else
        (void)resp_no_memory(task);
    (void)resp_answer(task);
    weft_buf_fini(&reply);
    return false;
}

bool resp_begin_pubsub(struct resp_task *task)
{
    if (resp_is_word(task->args[1], "CHANNELS") && task->count <= 3)
        return channels(task);
    if (resp_is_word(task->args[1], "NUMSUB"))
        return numsub(task);
    if (resp_is_word(task->args[1], "NUMPAT") && task->count == 2)
        (void)resp_integer(task, (int64_t)kv_feed_patterns(feed_of(task)));
    else if (resp_is_word(task->args[1], "CHANNELS"))
        (void)resp_error_format(task,
                                "ERR unknown subcommand or wrong number of arguments for '%.*s'. "
                                "Try PUBSUB HELP.",
                                RESP_SHOWN(task->args[1]));
    else if (resp_is_word(task->args[1], "NUMPAT"))
        (void)resp_wrong_arity(task, "pubsub|numpat");
    else
        (void)resp_error_format(task, "ERR unknown subcommand '%.*s'. Try PUBSUB HELP.",
                                RESP_SHOWN(task->args[1]));
    return resp_answer(task);
}
