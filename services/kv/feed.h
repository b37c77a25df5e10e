/* SPDX-License-Identifier: MIT
 *
 * Publish and subscribe. A message is published to a topic, and each follower of the topic, or of a pattern that the
 * topic matches, gets it. Nobody waits for a follower: messages lie in bounded rings, and a follower that is overtaken
 * is told how many messages it has lost.
 *
 * All faces of a context share one feed, and each loop has a state of its own (kv_feed_loop). Functions that take one
 * are called on its loop's thread. Followers are in follower.h.
 *
 *     publish -> ring of the topic, one per loop with followers -> at most KV_FEED_TURN followers per turn -> send
 *
 * - A follower gets the messages of one publisher in the order in which they were published, over all topics and
 *   patterns that it follows; each message once per topic or pattern. A message that is published after kv_feed_publish
 *   has returned for another one, on whatever loop, comes after that.
 * - Messages that wait together may be sent as one run. A face makes the bytes of a run once, and all followers with
 *   the same format share them. */
#ifndef KV_FEED_H
#define KV_FEED_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/samples.h"
#include "core/task.h"

struct kv_feed;
struct kv_feed_loop;

enum {
    KV_FEED_TURN = 64,           /* followers that are served per turn of a loop */
    KV_FEED_RING = 1024,         /* messages of a topic that may wait on a loop */
    KV_FEED_RUN = 16 << 10,      /* a run with this many bytes gets no further message */
    KV_FEED_RUN_COUNT = 128,     /* nor does one with this many messages */
    KV_FEED_FOLLOWED_MAX = 4096, /* topics and patterns that one follower may have */
    KV_FEED_PATTERN_MAX = 128,   /* bytes of a pattern */
    KV_FEED_INBOX = 4 << 20,     /* bytes that may be on their way to another loop */
};

/* The limits of a feed; 0 is no limit. */
struct kv_feed_limits {
    uint64_t topics;    /* topics and patterns that are followed */
    uint64_t followers; /* followers, each counted once per topic or pattern */
    uint64_t ring;      /* bytes of a topic or pattern that may wait on a loop */
    uint64_t memory;    /* bytes of all rings of a loop */
};

/* Makes a feed. NULL: no memory. It is freed after the servers that use it. */
struct kv_feed *kv_feed_new(const struct kv_feed_limits *limits);
void kv_feed_free(struct kv_feed *feed);

/* Sets *out to the loop's state, which all faces of the loop share. Returns 0 or -ENOMEM. The thread that makes the
 * server calls this, before the loops run. */
WEFT_MUST_USE int kv_feed_loop_take(struct kv_feed *feed, struct weft_loop *loop,
                                    struct kv_feed_loop **out);
/* Ends one use of the state. The last user's call frees it, after the loop ended and all followers have left. */
void kv_feed_loop_give(struct kv_feed_loop *self);

/* Publishes messages, which are values in their packed form (value.h), to a topic. Sets *receivers to the number of
 * followers, counted once per topic or pattern. Returns 0; or nothing was published: -ENOMEM, or -ENOBUFS if a loop
 * with followers has KV_FEED_INBOX bytes to take over still. Followers are sent nothing before this returns. */
WEFT_MUST_USE int kv_feed_publish(struct kv_feed_loop *self, struct weft_view topic,
                                  const struct weft_view *values, size_t count,
                                  uint64_t *receivers);

/* Tells all followers, on all loops, that messages may be missing behind those that were published before: kv cannot
 * know how many, because they were published on other servers (messages.h). They are told a count of 0. A follower that
 * is told of several such gaps at a time may be told of them once, behind messages that came after. */
void kv_feed_lose(struct kv_feed_loop *self);

/* --- messages about keys (keyspace.h) --------------------------------------------------------------- */

/* Messages about keys are for topics and patterns alone whose names begin with this, though others may match. */
#define KV_FEED_KEYS "__key"

static inline bool kv_feed_is_of_keys(struct weft_view name)
{
    const size_t size = sizeof KV_FEED_KEYS - 1;
    return name.size >= size && memcmp(name.data, KV_FEED_KEYS, size) == 0;
}

/* Returns the number of such topics and patterns that are followed on the loop. Loop's thread. */
size_t kv_feed_key_sources(const struct kv_feed_loop *self);
/* Publishes a message about a key to their followers on this loop. */
void kv_feed_tell_here(struct kv_feed_loop *self, struct weft_view topic, struct weft_view value);
/* Tells each of them that a message is lost. */
void kv_feed_lose_here(struct kv_feed_loop *self);

/* --- counts, on any thread ------------------------------------------------------------------------- */

/* Returns the number of followers of a topic, on all loops. */
uint64_t kv_feed_followers(struct kv_feed *feed, struct weft_view topic);
/* Returns the number of followers that a message of the topic goes to, as kv_feed_publish counts them. */
uint64_t kv_feed_receivers(struct kv_feed *feed, struct weft_view topic);
/* Returns the number of patterns that are followed. */
uint64_t kv_feed_patterns(struct kv_feed *feed);
/* Calls each(arg, topic) for each topic that is followed, under a lock: `each` calls no function of the feed. */
void kv_feed_each_topic(struct kv_feed *feed, void (*each)(void *arg, struct weft_view topic),
                        void *arg);

/* Tells the samples of a feed, which is the context. It has the type of weft_collector's collect. */
void kv_feed_collect(void *feed, struct weft_samples *samples);

/* Returns the feed of a loop's state. */
struct kv_feed *kv_feed_of(const struct kv_feed_loop *self);
/* Returns the bytes that the rings of a loop hold. Loop's thread. */
uint64_t kv_feed_loop_bytes(const struct kv_feed_loop *self);

#endif
