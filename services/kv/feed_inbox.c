/* SPDX-License-Identifier: MIT
 *
 * How messages come from one loop to another. */
#include "feed_private.h"
#include "feed_ring.h"

static struct weft_view topic_of(const struct kv__parcel *parcel)
{
    struct weft_view all = weft_blob_view(parcel->blob);
    uint32_t size;
    memcpy(&size, all.data, sizeof size);
    return weft_view(all.data + sizeof size, size);
}

struct weft_view kv__parcel_values(const struct kv__parcel *parcel)
{
    struct weft_view all = weft_blob_view(parcel->blob);
    size_t head = sizeof(uint32_t) + topic_of(parcel).size;
    return weft_view(all.data + head, all.size - head);
}

static size_t size_of(const struct kv__parcel *parcel)
{
    return sizeof *parcel + weft_blob_view(parcel->blob).size;
}

/* Takes all parcels, the oldest first, and leaves `left` in their place. */
static struct kv__parcel *take_all(struct kv_feed_loop *self, struct kv__parcel *left)
{
    /* Whoever sees it empty posts the node again, and has to see that the loop is done with it. */
    struct kv__parcel *newest = atomic_exchange_explicit(&self->inbox, left, memory_order_acq_rel);
    struct kv__parcel *oldest = NULL;
    while (newest && newest != &self->taken) {
        struct kv__parcel *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void kv__parcel_free(struct kv__parcel *parcel)
{
    weft_blob_unref(parcel->blob);
    weft_free(parcel);
}

/* Tells the loop's gap. Returns true if there was another one behind it. */
static bool take_gap(struct kv_feed_loop *self)
{
    /* The parcel may be put into the inbox again from now on. */
    unsigned state = atomic_exchange(&self->gap_state, KV__GAP_NONE);
    kv__rings_lose(self);
    return state == KV__GAP_TWICE;
}

static void take_parcel(struct kv_feed_loop *self, struct kv__parcel *parcel)
{
    atomic_fetch_sub_explicit(&self->inbox_bytes, size_of(parcel), memory_order_relaxed);
    kv__rings_add(self, topic_of(parcel), kv__parcel_values(parcel), parcel->count);
    kv__parcel_free(parcel);
}

static void take_over(struct kv_feed_loop *self, struct kv__parcel *left)
{
    bool lacks_more = false;
    struct kv__parcel *parcel = take_all(self, left);
    while (parcel) {
        struct kv__parcel *next = parcel->next;
        if (parcel == &self->gap)
            lacks_more |= take_gap(self);
        else
            take_parcel(self, parcel);
        parcel = next;
    }
    if (lacks_more)
        kv__rings_lose(self);
}

void kv__feed_on_post(struct weft_post *post)
{
    take_over(weft_container_of(post, struct kv_feed_loop, post), NULL);
}

/* The post is still on its way, so the inbox must not look empty. */
void kv__feed_catch_up(struct kv_feed_loop *self)
{
    const struct kv__parcel *newest = atomic_load_explicit(&self->inbox, memory_order_acquire);
    if (newest && newest != &self->taken)
        take_over(self, &self->taken);
}

/* The first parcel of an empty inbox wakes the loop, which then takes all that have come until it does. */
static void put(struct kv_feed_loop *loop, struct kv__parcel *parcel)
{
    struct kv__parcel *newest = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do
        parcel->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&loop->inbox, &newest, parcel,
                                                  memory_order_acq_rel, memory_order_relaxed));
    /* A loop that has stopped has no followers; kv_feed_loop_give frees what is left there. */
    if (!newest)
        (void)!weft_loop_post(loop->loop, &loop->post);
}

void kv__feed_deliver(struct kv_feed_loop *loop, struct kv__parcel *parcel)
{
    atomic_fetch_add_explicit(&loop->inbox_bytes, size_of(parcel), memory_order_relaxed);
    put(loop, parcel);
}

void kv__feed_deliver_gap(struct kv_feed_loop *loop)
{
    unsigned state = atomic_load(&loop->gap_state), next;
    do
        next = state == KV__GAP_NONE ? KV__GAP_COMES : KV__GAP_TWICE;
    while (!atomic_compare_exchange_weak(&loop->gap_state, &state, next));
    if (next == KV__GAP_COMES)
        put(loop, &loop->gap);
}

void kv__feed_drop_inbox(struct kv_feed_loop *self)
{
    for (struct kv__parcel *parcel = take_all(self, NULL), *next; parcel; parcel = next) {
        next = parcel->next;
        if (parcel != &self->gap)
            kv__parcel_free(parcel);
    }
}
