/* SPDX-License-Identifier: MIT
 *
 * Those who are sent what a feed (feed.h) has of some topics and patterns. All functions are called on the thread of the
 * loop that the follower follows on. */
#ifndef KV_FOLLOWER_H
#define KV_FOLLOWER_H

#include "core/base/blob.h"
#include "feed.h"
#include "link.h"

/* True if the topic matches. The function is a part of the pattern: two functions make two patterns of one text. */
typedef bool (*kv_feed_match)(struct weft_view pattern, struct weft_view topic);

/* A source of messages that can be followed. */
struct kv_feed_source {
    kv_feed_match matches; /* of a pattern; NULL: `name` is a topic */
    struct weft_view name;
};

/* Some messages of one topic. */
struct kv_feed_run {
    struct weft_view topic;
    const struct kv_feed_source *source; /* how the follower has come to it */
    size_t count;                        /* of messages, at least 1; in a single format 1 */
    struct weft_view values;             /* the size of each in 4 bytes, and the value */
};

/* Takes the next value off *rest. False: there is none. */
static inline bool kv_feed_next_value(struct weft_view *rest, struct weft_view *value)
{
    uint32_t size;
    if (rest->size == 0)
        return false;
    memcpy(&size, rest->data, sizeof size);
    *value = weft_view(rest->data + sizeof size, size);
    *rest = weft_view_skip(*rest, sizeof size + size);
    return true;
}

/* The formats of the faces. */
enum kv_feed_slot {
    KV_FEED_PROTOBUF,
    KV_FEED_LINE,
    KV_FEED_RESP2,
    KV_FEED_RESP3,
    KV_FEED_EVENTS, /* server-sent events */
    KV_FEED_SLOTS
};

struct kv_feed_format {
    enum kv_feed_slot slot;
    bool single; /* a run has one message, while somebody with such a format follows its source */
    /* Makes the message, or messages, that a follower is sent for a run. NULL: no memory; the run is lost. */
    struct weft_blob *(*make)(const struct kv_feed_run *run);
};

enum { KV_FOLLOWER_LEFT = 1 };

struct kv_follower;

/* The callbacks of a follower, which are called from a timer and from within kv_follower_resume. They return:
 *
 * - 0: taken. -EAGAIN: not taken; the owner calls kv_follower_resume when there is room.
 * - WEFT_ETOOBIG (send alone): it can never be taken, and counts as lost.
 * - Another error: nothing can be taken any more; the owner will call kv_follower_leave.
 * - KV_FOLLOWER_LEFT: the callback has called kv_follower_leave, and *follower may be gone. */
struct kv_follower_ops {
    /* Sends a message that format->make has made. shared: other followers are, were or will be sent it, too. */
    int (*send)(struct kv_follower *follower, struct weft_blob *blob, bool shared);
    /* Tells that so many messages of that source are lost; 0: nobody knows how many, and it may be none (kv_feed_lose).
     * Later ones follow. */
    int (*lost)(struct kv_follower *follower, const struct kv_feed_source *source, uint64_t count);
};

/* A follower has one for each source. Private to the files of the feed. */
struct kv_followed {
    struct kv_followed *next; /* of the follower */
    struct kv_follower *follower;
    struct kv__ring *ring; /* NULL: it is not in use */
    struct kv__link link;  /* in ring->level or ring->behind, or in none while the follower waits */
    uint64_t batch;        /* the next one */
    uint64_t before;       /* the messages before that (KV__GAP) */
    uint64_t lost;         /* to be told (KV__GAP) */
};

/* A follower lies in its owner's memory, which sets the first block and zeroes the rest. */
struct kv_follower {
    const struct kv_follower_ops *ops;
    /* May be replaced by another one with the same `single`. */
    const struct kv_feed_format *format;

    /* Private. */
    struct kv_followed *first; /* what it follows */
    struct kv_followed own;    /* one of those, since most followers have a single one */
    uint32_t count;
    bool waits; /* for kv_follower_resume */
};

/* Follows a topic or pattern, from now on; the name is copied. Returns 0, or nothing changed: -EEXIST: it does already,
 * -ENOSPC: a limit is reached, -EINVAL: a pattern is over KV_FEED_PATTERN_MAX, or -ENOMEM. */
WEFT_MUST_USE int kv_follower_follow(struct kv_follower *follower, struct kv_feed_loop *loop,
                                     const struct kv_feed_source *source);
/* True if it does. */
bool kv_follower_has(struct kv_follower *follower, const struct kv_feed_source *source);
/* Follows it no longer. Messages that have not been sent are dropped. Returns 0, or -ENOENT: it did not. */
int kv_follower_unfollow(struct kv_follower *follower, const struct kv_feed_source *source);
/* Follows nothing any longer. A zeroed follower is fine. */
void kv_follower_leave(struct kv_follower *follower);

/* Sends what the follower lacks, until -EAGAIN. Returns KV_FOLLOWER_LEFT, 0 if it lacks nothing now, or -EAGAIN or
 * another error of a callback. */
int kv_follower_resume(struct kv_follower *follower);

/* Does so, and before that takes over what others have published on other loops: called before the last words. */
int kv_follower_finish(struct kv_follower *follower);

/* Calls each(arg, source) for what the follower follows. `each` may call kv_follower_unfollow for that source. */
void kv_follower_each(const struct kv_follower *follower,
                      void (*each)(void *arg, const struct kv_feed_source *source), void *arg);

#endif
