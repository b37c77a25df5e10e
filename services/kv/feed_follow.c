/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "feed_private.h"
#include "feed_ring.h"

/* A batch without a message is one that there was no memory for. */
static struct kv__batch *next_batch(const struct kv_followed *followed)
{
    const struct kv__ring *ring = followed->ring;
    return followed->batch < ring->end ? kv__ring_batch(ring, followed->batch) : NULL;
}

static void count_lost(struct kv_followed *followed, uint64_t count)
{
    followed->lost += count;
    if (count > 0)
        kv__feed_count_lost(followed->ring->loop, count % KV__GAP + count / KV__GAP);
}

/* Counts as lost what the ring has dropped, or never had, before what is next for the follower. */
static void skip_lost(struct kv_followed *followed)
{
    const struct kv__ring *ring = followed->ring;
    if (followed->batch < ring->first)
        followed->batch = ring->first;
    const struct kv__batch *batch = next_batch(followed);
    uint64_t at = batch ? batch->before : ring->messages;
    count_lost(followed, at - followed->before);
    followed->before = at;
}

static bool is_pattern(const struct kv_followed *followed)
{
    return followed->ring->name.source.matches;
}

/* Returns what the follower lacks first, or NULL if it lacks nothing. A loss is told before all messages, and a message
 * comes by its topic before it comes by a pattern. */
static struct kv_followed *find_earliest(const struct kv_follower *follower)
{
    struct kv_followed *earliest = NULL;
    uint64_t least = UINT64_MAX;
    for (struct kv_followed *at = follower->first; at; at = at->next) {
        skip_lost(at);
        if (at->lost > 0)
            return at;
        const struct kv__batch *batch = next_batch(at);
        if (batch && (batch->sequence < least ||
                      (batch->sequence == least && !is_pattern(at) && is_pattern(earliest)))) {
            least = batch->sequence;
            earliest = at;
        }
    }
    return earliest;
}

static void pass_batch(struct kv_followed *followed, size_t count)
{
    struct kv__ring *ring = followed->ring;
    followed->before += count;
    followed->batch++;
    kv__ring_pass(ring, followed->batch - 1, followed->batch);
}

static int send_batch(struct kv_followed *followed)
{
    struct kv_follower *follower = followed->follower;
    struct kv__batch *batch = next_batch(followed);
    size_t count = batch->count;
    struct weft_blob *blob = count > 0 ? kv__batch_blob(batch, follower->format) : NULL;
    int err = blob ? follower->ops->send(follower, blob, batch->shared) : WEFT_ETOOBIG;
    if (err == WEFT_ETOOBIG) {
        count_lost(followed, count);
        err = 0;
    }
    if (err == 0)
        pass_batch(followed, count);
    return err;
}

static int tell_lost(struct kv_followed *followed)
{
    struct kv_follower *follower = followed->follower;
    uint64_t count = followed->lost < KV__GAP ? followed->lost : 0;
    int err = follower->ops->lost(follower, &followed->ring->name.source, count);
    if (err == 0)
        followed->lost = 0;
    return err;
}

/* While a follower waits, what it has to catch up with is in no list. */
static void settle(struct kv_follower *follower)
{
    for (struct kv_followed *at = follower->first; at; at = at->next) {
        bool is_level = at->before == at->ring->messages && at->lost == 0;
        kv__unlink(&at->link);
        if (is_level)
            kv__append(&at->ring->level, &at->link);
    }
}

int kv_follower_resume(struct kv_follower *follower)
{
    struct kv_followed *next;
    int err = 0;
    follower->waits = false;
    while (err == 0 && (next = find_earliest(follower)))
        err = next->lost > 0 ? tell_lost(next) : send_batch(next);
    if (err == KV_FOLLOWER_LEFT)
        return err;
    follower->waits = err < 0;
    settle(follower);
    return err;
}

int kv_follower_finish(struct kv_follower *follower)
{
    if (follower->first)
        kv__feed_catch_up(follower->first->ring->loop);
    return kv_follower_resume(follower);
}

/* Serves the next follower of a ring. Returns false if there is none. */
static bool serve_one(struct kv__ring *ring)
{
    if (kv__list_is_empty(&ring->behind))
        return false;
    struct kv_followed *followed = weft_container_of(ring->behind.next, struct kv_followed, link);
    if (followed->follower->waits)
        kv__unlink(&followed->link);
    else
        (void)kv_follower_resume(followed->follower);
    return true;
}

void kv__feed_serve(struct weft_timer *timer)
{
    struct kv_feed_loop *self = weft_container_of(timer, struct kv_feed_loop, timer);
    for (unsigned left = KV_FEED_TURN; left > 0 && !kv__list_is_empty(&self->behind);) {
        /* It stays at the head while it is served: the last of its followers may leave, and free it. */
        struct kv__link *link = self->behind.next;
        struct kv__ring *ring = weft_container_of(link, struct kv__ring, link);
        if (serve_one(ring))
            left--;
        else
            kv__unlink(link);
    }
    /* Rings take turns, so that one whose followers are many does not hold up the others. */
    if (!kv__list_is_empty(&self->behind)) {
        struct kv__link *link = self->behind.next;
        kv__unlink(link);
        kv__append(&self->behind, link);
        weft_loop_after(self->loop, &self->timer, 0);
    }
}

/* --- what is followed ------------------------------------------------------------------------------ */

static struct kv_followed **find(struct kv_follower *follower, const struct kv_feed_source *source)
{
    struct kv_followed **at = &follower->first;
    while (*at && ((*at)->ring->name.source.matches != source->matches ||
                   !weft_view_equal((*at)->ring->name.source.name, source->name)))
        at = &(*at)->next;
    return at;
}

static struct kv_followed *new_followed(struct kv_follower *follower)
{
    return follower->own.ring ? weft_malloc(sizeof follower->own) : &follower->own;
}

static void free_followed(struct kv_follower *follower, struct kv_followed *followed)
{
    if (followed == &follower->own)
        followed->ring = NULL;
    else
        weft_free(followed);
}

static void drop(struct kv_followed **at)
{
    struct kv_followed *followed = *at;
    struct kv__ring *ring = followed->ring;
    *at = followed->next;
    followed->follower->count--;
    ring->singles -= followed->follower->format->single;
    kv__unlink(&followed->link);
    kv__ring_pass(ring, followed->batch, ring->end);
    kv__feed_exit(ring->loop, &ring->name.source);
    if (--ring->followers == 0)
        kv__ring_free(ring);
    free_followed(followed->follower, followed);
}

int kv_follower_follow(struct kv_follower *follower, struct kv_feed_loop *loop,
                       const struct kv_feed_source *source)
{
    struct kv_followed **at = find(follower, source);
    if (*at)
        return -EEXIST;
    if (source->matches && source->name.size > KV_FEED_PATTERN_MAX)
        return -EINVAL;
    if (follower->count >= KV_FEED_FOLLOWED_MAX)
        return -ENOSPC;
    struct kv_followed *followed = new_followed(follower);
    if (!followed)
        return -ENOMEM;
    int err = kv__feed_enter(loop, source);
    if (err < 0)
        goto err_after_alloc;
    kv__feed_catch_up(loop);
    struct kv__ring *ring = kv__ring_take(loop, source);
    err = -ENOMEM;
    if (!ring)
        goto err_after_enter;
    /* Messages that are published from now on get batches of their own. */
    if (ring->first < ring->end)
        kv__ring_batch(ring, ring->end - 1)->sealed = true;
    ring->followers++;
    *followed = (struct kv_followed){
        .follower = follower, .ring = ring, .batch = ring->end, .before = ring->messages};
    ring->singles += follower->format->single;
    kv__append(&ring->level, &followed->link);
    *at = followed;
    follower->count++;
    return 0;

err_after_enter:
    kv__feed_exit(loop, source);
err_after_alloc:
    free_followed(follower, followed);
    return err;
}

bool kv_follower_has(struct kv_follower *follower, const struct kv_feed_source *source)
{
    return *find(follower, source);
}

int kv_follower_unfollow(struct kv_follower *follower, const struct kv_feed_source *source)
{
    struct kv_followed **at = find(follower, source);
    if (!*at)
        return -ENOENT;
    drop(at);
    return 0;
}

void kv_follower_leave(struct kv_follower *follower)
{
    while (follower->first)
        drop(&follower->first);
}

void kv_follower_each(const struct kv_follower *follower,
                      void (*each)(void *arg, const struct kv_feed_source *source), void *arg)
{
    for (struct kv_followed *at = follower->first, *next; at; at = next) {
        next = at->next;
        each(arg, &at->ring->name.source);
    }
}
