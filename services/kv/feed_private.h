/* SPDX-License-Identifier: MIT
 *
 * Declarations that the files of the feed share. Each calls those before it alone: feed_names.c, feed_hub.c,
 * feed_ring.c, feed_inbox.c, feed_follow.c, feed.c. */
#ifndef KV_FEED_PRIVATE_H
#define KV_FEED_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "feed_parts.h"

/* --- the feed (feed_hub.c) ----------------------------------------------------------------------------- */

/* A source that is followed on any loop. */
struct kv__entry {
    struct kv__name name; /* first */
    struct kv__link link; /* in feed->patterns or feed->topics */
    uint64_t followers;
    uint64_t loops; /* those that have had followers: bit I is the loop with number I, modulo 64 */
};

struct kv_feed {
    struct kv_feed_limits limits;
    uint8_t key[16];
    pthread_mutex_t lock; /* for the members below */
    struct kv__names names;
    struct kv__link patterns, topics;
    uint64_t pattern_count, followers;
    /* Changed under the lock, and only before the loops run and after they have ended. So the loops read it without. */
    struct kv_feed_loop *loops;
    uint32_t loop_count;
    atomic_ullong published,
        lost; /* messages of the feed's life; a loss counts for each follower */
};

/* Values that were published to a topic on another loop, behind the struct. */
struct kv__parcel {
    struct kv__parcel *next;
    struct weft_blob *blob; /* the size of the topic in 4 bytes, the topic, the values */
    size_t count;
};

/* The state of a loop's gap, which is told by a parcel without a blob. */
enum kv__gap {
    KV__GAP_NONE,
    KV__GAP_COMES, /* the parcel is in the inbox */
    KV__GAP_TWICE  /* there was another gap since it was put there */
};

struct kv_feed_loop {
    struct kv_feed_loop *next;
    struct kv_feed *feed;
    struct weft_loop *loop;
    size_t users;
    uint32_t number;
    struct kv__names names;             /* of struct kv__ring */
    struct kv__link patterns;           /* the rings of patterns */
    struct kv__link behind;             /* rings with followers that lack something */
    struct kv__link batches;            /* of all rings, the oldest first */
    size_t key_sources;                 /* rings of messages about keys */
    _Atomic uint64_t bytes;             /* of all rings; only the loop's thread writes it */
    uint64_t sequence;                  /* of the last message that a ring has */
    struct weft_timer timer;            /* serves those behind */
    struct weft_post post;              /* takes over the inbox */
    _Atomic(struct kv__parcel *) inbox; /* the newest first, down to `taken` or NULL */
    /* Stands for parcels that the loop has taken over before the post has run: the inbox is not empty, so that nobody
     * posts the node again. */
    struct kv__parcel taken;
    _Atomic uint64_t inbox_bytes;
    /* A loss must be told even if there is no memory, so its parcel is here. */
    struct kv__parcel gap;
    atomic_uint gap_state; /* of enum kv__gap */
};

/* Counts a follower of a source in, or out. The first returns 0, -ENOSPC or -ENOMEM. */
WEFT_MUST_USE int kv__feed_enter(struct kv_feed_loop *self, const struct kv_feed_source *source);
void kv__feed_exit(struct kv_feed_loop *self, const struct kv_feed_source *source);
/* Returns the number of followers of a topic, and sets *loops to those where they are (struct kv__entry). */
uint64_t kv__feed_find(struct kv_feed *feed, struct weft_view topic, uint64_t *loops);

/* Counts messages that a follower will not get. */
void kv__feed_count_lost(struct kv_feed_loop *self, uint64_t count);

static inline uint64_t kv__feed_bytes(const struct kv_feed_loop *self)
{
    return atomic_load_explicit(&self->bytes, memory_order_relaxed);
}

/* --- messages from other loops (feed_inbox.c) ------------------------------------------------------------ */

/* Returns the values of a parcel, as those of a run. */
struct weft_view kv__parcel_values(const struct kv__parcel *parcel);
void kv__parcel_free(struct kv__parcel *parcel);

/* Puts a parcel, which it owns from now on, into the inbox of a loop, and wakes the loop. Any thread. */
void kv__feed_deliver(struct kv_feed_loop *loop, struct kv__parcel *parcel);
/* Puts a gap there. Any thread. */
void kv__feed_deliver_gap(struct kv_feed_loop *loop);
/* Takes over what others have published before, whose publishers may have been answered: what the loop publishes next
 * comes behind it, and who begins to follow next does not get it. */
void kv__feed_catch_up(struct kv_feed_loop *self);
/* Runs the loop's post. */
void kv__feed_on_post(struct weft_post *post);
/* Frees what has come to a loop that has ended. */
void kv__feed_drop_inbox(struct kv_feed_loop *self);

/* --- followers (feed_follow.c) --------------------------------------------------------------------- */

/* Serves at most KV_FEED_TURN followers, and goes on in the next turn if more are behind. */
void kv__feed_serve(struct weft_timer *timer);

#endif
