/* SPDX-License-Identifier: MIT
 *
 * A subscription is a request that is answered with the messages of a topic, or of all topics that match a pattern, for
 * as long as its connection lasts (feed.h). It leaves the order of replies, so other requests of its connection are
 * answered meanwhile; in a protocol that has no place for that, it streams its answer in the order. A face that has one subscription per request uses these functions. */
#ifndef KV_SUBSCRIPTION_H
#define KV_SUBSCRIPTION_H

#include "face.h"
#include "follower.h"
#include "stream.h"

struct kv_keyspace;

/* A request about a topic. */
struct kv_topic_spec {
    struct weft_view topic;
    const struct weft_view *more; /* subscribe: further topics of this subscription, or patterns */
    size_t more_count;
    bool is_pattern;              /* subscribe: as kv_pattern_matches takes it */
    bool by_id;                   /* unsubscribe: whatever the topic is */
    bool end_if_slow;             /* subscribe: a loss of messages ends the subscription */
    uint32_t id;                  /* unsubscribe; 0: any */
    const struct weft_view *data; /* publish: packed values */
    size_t count, room;           /* of them; and how many `data` has room for */
};

/* Words to a subscriber, besides the messages. */
struct kv_topic_words {
    uint32_t id;
    struct weft_view
        topic; /* the topic or pattern that it has subscribed to: with KV_GONE the one of the loss, otherwise the
                             * first */
    /* KV_OK: it has begun, in the order of replies. KV_GONE: `lost` messages are lost, or an unknown number if that is 0,
     * and it goes on. KV_RETRY: it has
     * ended, and before that `lost` messages were lost. KV_NOT_KNOWN, KV_DENIED: it has ended, because the user is gone
     * or the rules are others. */
    enum kv_status status;
    uint64_t lost;
    const char *text; /* for a person; "" with KV_OK */
};

/* How a face writes to a subscriber. */
struct kv_topic_face {
    struct kv_feed_format format; /* first: it is cast back */
    /* Writes *words to dst, or nothing if dst is NULL. Returns the size. Those of KV_OK have at most WEFT_REJECT_MAX
     * bytes. */
    size_t (*put_words)(uint8_t *dst, const struct kv_topic_words *words);
    /* NULL: the subscription leaves the order of replies. Otherwise it streams its answer in the order, and this, and not
     * put_words with KV_OK, writes what that begins with, in at most KV_STREAM_BEGIN_MAX bytes. Called within decode of
     * the task. Returns the size. */
    size_t (*put_begin)(const struct kv_task *task, uint8_t *dst);
    const char *pulse; /* sent each KV_STREAM_PULSE; NULL: nothing is */
};

/* Each does or refuses what a task asks for. They are called from within decode of a face, which then returns false.
 * The spec is borrowed until they return. */
void kv_task_subscribe(struct kv_task *task, const struct kv_topic_spec *spec,
                       const struct kv_topic_face *face);
void kv_task_unsubscribe(struct kv_task *task, const struct kv_topic_spec *spec);
void kv_task_publish(struct kv_task *task, const struct kv_topic_spec *spec);

/* Publishes, and calls done(task, receivers) once that has succeeded: before this returns or, if the store carries
 * messages, later. receivers is the number of subscriptions on this server. If it fails, the task is answered. The topic
 * and the values are borrowed until this returns. */
void kv_task_do_publish(struct kv_task *task, struct weft_view topic,
                        const struct weft_view *values, size_t count,
                        void (*done)(struct kv_task *task, uint64_t receivers));
/* True if the layers allow the task to follow that source, whose name is short enough. A pattern is allowed to those who
 * may subscribe to everything. False: the task has been answered. */
WEFT_MUST_USE bool kv_task_may_follow(struct kv_task *task, const struct kv_feed_source *source);

/* Asks the layers again, since a reload may have changed the rules. keyspace is that of the task's context. Returns 0, or
 * the status with which the subscription ends, and its words in *why as static text. */
WEFT_MUST_USE int kv_may_still_follow(struct weft_request *request,
                                      const struct kv_keyspace *keyspace,
                                      const struct kv_feed_source *source, const char **why);

/* Returns the feed's state of the loop that executes task. */
struct kv_feed_loop *kv_task_feed(const struct kv_task *task);

#endif
