/* SPDX-License-Identifier: MIT
 *
 * Publishing. If the store carries messages between servers (messages.h), they go to it, and come back from it to the
 * subscribers of all servers, this one included. So those of one server get no message that the others do not get. */
#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "feed.h"
#include "session_private.h"
#include "subscription.h"

/* The store may refuse or cut what is larger: a node of Redis ends a connection to which 32 MiB wait. */
#define MESSAGE_MAX WEFT_MIB(16)

/* --- by the store ---------------------------------------------------------------------------------- */

/* Lies in the request's arena, with the topic behind it. */
struct carried {
    struct kv_message message;
    struct kv_task *task;
    size_t topic_size;
    void (*done)(struct kv_task *task, uint64_t receivers);
};

static void refuse_outcome(struct kv_task *task, enum kv_outcome outcome)
{
    if (outcome == KV_UNKNOWN)
        kv_task_refuse(task, KV_NO_ANSWER,
                       "Store did not answer: the message may have been published", false);
    else if (outcome == KV_FAILED)
        kv_task_refuse(task, KV_STORE_FAILED, "Store failed: nothing was published", false);
    else
        kv_task_refuse(task, KV_RETRY, "Store has no memory or is away: nothing was published",
                       false);
}

/* The message may not have come back yet, so its receivers are those who subscribe now. */
static void on_carried(struct kv_message *message, enum kv_outcome outcome)
{
    const struct carried *carried = weft_container_of(message, struct carried, message);
    struct weft_view topic = weft_view((const uint8_t *)(carried + 1), carried->topic_size);
    struct kv_task *task = carried->task;
    if (outcome == KV_DONE)
        carried->done(task, kv_feed_receivers(kv_feed_of(kv_task_feed(task)), topic));
    else
        refuse_outcome(task, outcome);
}

static size_t size_of(const struct weft_view *values, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += values[i].size;
    return size;
}

/* The task is late, because such a store is not INLINE. */
static void carry(struct kv_task *task, struct weft_view topic, const struct weft_view *values,
                  size_t count, void (*done)(struct kv_task *task, uint64_t receivers))
{
    const struct kv_session *session = task->session;
    size_t size = size_of(values, count);
    if (size > MESSAGE_MAX) {
        kv_task_refuse(task, KV_TOO_BIG,
                       "Message is too big: this store carries at most 16 MiB at a time", false);
        return;
    }
    struct carried *carried =
        weft_arena_alloc(weft_request_arena(task->request), sizeof *carried + topic.size);
    if (!carried) {
        kv_task_refuse_no_memory(task);
        return;
    }
    *carried = (struct carried){
        .message = {.topic = topic, .values = values, .count = count, .done = on_carried},
        .task = task,
        .topic_size = topic.size,
        .done = done};
    if (topic.size > 0)
        memcpy(carried + 1, topic.data, topic.size);
    kv__task_count_kept(task, topic.size + size);
    session->loop->store->publish(session->store_session, &carried->message);
}

/* --- commands -------------------------------------------------------------------------------------- */

static void publish_here(struct kv_task *task, struct weft_view topic,
                         const struct weft_view *values, size_t count,
                         void (*done)(struct kv_task *task, uint64_t receivers))
{
    uint64_t receivers;
    int err = kv_feed_publish(kv_task_feed(task), topic, values, count, &receivers);
    if (err == 0)
        done(task, receivers);
    else if (err == -ENOBUFS)
        kv_task_refuse(task, KV_RETRY, "Messages come too fast: nothing was published", false);
    else
        kv_task_refuse(task, KV_RETRY, "Out of memory: nothing was published", false);
}

void kv_task_do_publish(struct kv_task *task, struct weft_view topic,
                        const struct weft_view *values, size_t count,
                        void (*done)(struct kv_task *task, uint64_t receivers))
{
    const struct weft_action action = {
        .name = "publish", .object = topic, .flags = WEFT_ACTION_WRITES};
    if (kv__refuse_long_topic(task, topic) || !kv_task_ask(task, &action))
        return;
    if (count > 0 && task->session->loop->store->flags & KV_STORE_MESSAGES)
        carry(task, topic, values, count, done);
    else
        publish_here(task, topic, values, count, done);
}

void kv_task_publish(struct kv_task *task, const struct kv_topic_spec *spec)
{
    kv_task_do_publish(task, spec->topic, spec->data, spec->count, kv__answer_number);
}
