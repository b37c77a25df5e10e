/* SPDX-License-Identifier: MIT
 *
 * The loops of the feed, and publishing. */
#include <errno.h>

#include "feed_private.h"
#include "feed_ring.h"

/* --- loops ----------------------------------------------------------------------------------------- */

/* The list is also read by the collector, while no loop runs yet or none does any more. */
static void add_to_feed(struct kv_feed_loop *self)
{
    struct kv_feed *feed = self->feed;
    (void)pthread_mutex_lock(&feed->lock);
    self->next = feed->loops;
    feed->loops = self;
    (void)pthread_mutex_unlock(&feed->lock);
}

static void remove_from_feed(struct kv_feed_loop *self)
{
    struct kv_feed *feed = self->feed;
    struct kv_feed_loop **at = &feed->loops;
    (void)pthread_mutex_lock(&feed->lock);
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    (void)pthread_mutex_unlock(&feed->lock);
}

static struct kv_feed_loop *new_loop(struct kv_feed *feed, struct weft_loop *loop)
{
    struct kv_feed_loop *self = weft_calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->feed = feed;
    self->loop = loop;
    self->number = feed->loop_count++;
    self->names.key = feed->key;
    self->timer.fire = kv__feed_serve;
    self->post.run = kv__feed_on_post;
    kv__link_init(&self->patterns);
    kv__link_init(&self->behind);
    kv__link_init(&self->batches);
    add_to_feed(self);
    return self;
}

int kv_feed_loop_take(struct kv_feed *feed, struct weft_loop *loop, struct kv_feed_loop **out)
{
    struct kv_feed_loop *self = feed->loops;
    while (self && self->loop != loop)
        self = self->next;
    if (!self)
        self = new_loop(feed, loop);
    *out = self;
    if (!self)
        return -ENOMEM;
    self->users++;
    return 0;
}

void kv_feed_loop_give(struct kv_feed_loop *self)
{
    if (--self->users > 0)
        return;
    remove_from_feed(self);
    kv__feed_drop_inbox(self);
    weft_timer_stop(&self->timer);
    weft_free(self);
}

struct kv_feed *kv_feed_of(const struct kv_feed_loop *self)
{
    return self->feed;
}

uint64_t kv_feed_loop_bytes(const struct kv_feed_loop *self)
{
    return kv__feed_bytes(self);
}

/* --- publishing ------------------------------------------------------------------------------------ */

/* Makes the contents of a parcel. NULL: no memory. */
static struct weft_blob *wrap(struct weft_view topic, const struct weft_view *values, size_t count)
{
    size_t size = sizeof(uint32_t) + topic.size;
    uint8_t *at;
    for (size_t i = 0; i < count; i++)
        size += sizeof(uint32_t) + values[i].size;
    struct weft_blob *blob = weft_blob_new(size, &at);
    for (size_t i = 0; blob && i <= count; i++) {
        struct weft_view view = i == 0 ? topic : values[i - 1];
        uint32_t part = (uint32_t)view.size;
        memcpy(at, &part, sizeof part);
        if (view.size > 0)
            memcpy(at + sizeof part, view.data, view.size);
        at += sizeof part + view.size;
    }
    return blob;
}

static bool is_in(uint64_t loops, const struct kv_feed_loop *loop)
{
    return loops >> loop->number % 64 & 1;
}

static void free_parcels(struct kv__parcel *parcel)
{
    while (parcel) {
        struct kv__parcel *next = parcel->next;
        kv__parcel_free(parcel);
        parcel = next;
    }
}

/* Makes a parcel for each other loop, so that it is sent to all of them or to none. */
static int make_parcels(const struct kv_feed_loop *self, uint64_t loops, struct weft_blob *blob,
                        size_t count, struct kv__parcel **parcels)
{
    *parcels = NULL;
    for (struct kv_feed_loop *loop = self->feed->loops; loop; loop = loop->next) {
        if (loop == self || !is_in(loops, loop))
            continue;
        bool is_behind = atomic_load_explicit(&loop->inbox_bytes, memory_order_relaxed) >=
                         (uint64_t)KV_FEED_INBOX;
        struct kv__parcel *parcel = is_behind ? NULL : weft_malloc(sizeof *parcel);
        if (!parcel) {
            free_parcels(*parcels);
            return is_behind ? -ENOBUFS : -ENOMEM;
        }
        *parcel = (struct kv__parcel){*parcels, weft_blob_ref(blob), count};
        *parcels = parcel;
    }
    return 0;
}

static void count_published(struct kv_feed *feed, size_t count)
{
    atomic_fetch_add_explicit(&feed->published, count, memory_order_relaxed);
}

int kv_feed_publish(struct kv_feed_loop *self, struct weft_view topic,
                    const struct weft_view *values, size_t count, uint64_t *receivers)
{
    uint64_t loops;
    struct kv__parcel *parcels;
    *receivers = kv__feed_find(self->feed, topic, &loops);
    if (*receivers == 0 || count == 0) {
        count_published(self->feed, count);
        return 0;
    }
    struct weft_blob *blob = wrap(topic, values, count);
    if (!blob)
        return -ENOMEM;
    int err = make_parcels(self, loops, blob, count, &parcels);
    if (err == 0) {
        count_published(self->feed, count);
        for (struct kv_feed_loop *loop = self->feed->loops; loop; loop = loop->next) {
            if (loop == self || !is_in(loops, loop))
                continue;
            struct kv__parcel *parcel = parcels;
            parcels = parcel->next;
            kv__feed_deliver(loop, parcel);
        }
        if (is_in(loops, self)) {
            kv__feed_catch_up(self);
            const struct kv__parcel own = {NULL, blob, count};
            kv__rings_add(self, topic, kv__parcel_values(&own), count);
        }
    }
    weft_blob_unref(blob);
    return err;
}

void kv_feed_lose(struct kv_feed_loop *self)
{
    for (struct kv_feed_loop *loop = self->feed->loops; loop; loop = loop->next)
        if (loop != self)
            kv__feed_deliver_gap(loop);
    kv__feed_catch_up(self);
    kv__rings_lose(self);
}
