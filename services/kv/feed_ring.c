/* SPDX-License-Identifier: MIT
 *
 * The rings of a loop. A ring drops its oldest batch if it is over a limit, and each batch once all followers have
 * been sent it. */
#include <errno.h>

#include "feed_private.h"
#include "feed_ring.h"

struct kv__ring *kv__ring_take(struct kv_feed_loop *self, const struct kv_feed_source *source)
{
    struct kv__name *found = kv__names_find(&self->names, source);
    if (found)
        return weft_container_of(found, struct kv__ring, name);
    struct kv__ring *ring = weft_calloc(1, sizeof *ring + source->name.size);
    if (!ring)
        return NULL;
    uint8_t *name = (uint8_t *)(ring + 1);
    if (source->name.size > 0)
        memcpy(name, source->name.data, source->name.size);
    ring->name.source =
        (struct kv_feed_source){source->matches, weft_view(name, source->name.size)};
    if (kv__names_add(&self->names, &ring->name) < 0) {
        weft_free(ring);
        return NULL;
    }
    ring->loop = self;
    kv__link_init(&ring->pattern);
    kv__link_init(&ring->link);
    kv__link_init(&ring->level);
    kv__link_init(&ring->behind);
    if (source->matches)
        kv__append(&self->patterns, &ring->pattern);
    self->key_sources += kv_feed_is_of_keys(source->name);
    return ring;
}

/* No other thread writes it, so adding need not be one step. */
static void add_bytes(struct kv_feed_loop *self, uint64_t bytes)
{
    atomic_store_explicit(&self->bytes, kv__feed_bytes(self) + bytes, memory_order_relaxed);
}

static void count_bytes(struct kv__batch *batch, size_t bytes)
{
    batch->bytes += bytes;
    batch->ring->bytes += bytes;
    add_bytes(batch->ring->loop, bytes);
}

static void free_batch(struct kv__batch *batch)
{
    for (size_t i = 0; i < KV_FEED_SLOTS; i++)
        weft_blob_unref(batch->blobs[i]);
    weft_buf_fini(&batch->values);
    weft_free(batch);
}

static void drop_oldest(struct kv__ring *ring)
{
    struct kv__batch *batch = kv__ring_batch(ring, ring->first++);
    kv__unlink(&batch->age);
    ring->waiting -= batch->count;
    ring->bytes -= batch->bytes;
    add_bytes(ring->loop, -(uint64_t)batch->bytes);
    free_batch(batch);
}

void kv__ring_free(struct kv__ring *ring)
{
    while (ring->first < ring->end)
        drop_oldest(ring);
    ring->loop->key_sources -= kv_feed_is_of_keys(ring->name.source.name);
    kv__unlink(&ring->pattern);
    kv__unlink(&ring->link);
    kv__names_remove(&ring->loop->names, &ring->name);
    weft_free(ring->batches);
    weft_free(ring);
}

void kv__ring_pass(struct kv__ring *ring, uint64_t from, uint64_t to)
{
    for (uint64_t number = from < ring->first ? ring->first : from; number < to; number++)
        kv__ring_batch(ring, number)->left--;
    while (ring->first < ring->end && kv__ring_batch(ring, ring->first)->left == 0)
        drop_oldest(ring);
}

static int make_room(struct kv__ring *ring)
{
    if (ring->end - ring->first < ring->capacity)
        return 0;
    size_t capacity = ring->capacity == 0 ? 4 : 2 * ring->capacity;
    struct kv__batch **batches = weft_malloc(capacity * sizeof(struct kv__batch *));
    if (!batches)
        return -ENOMEM;
    for (uint64_t number = ring->first; number < ring->end; number++)
        batches[number & (capacity - 1)] = kv__ring_batch(ring, number);
    weft_free(ring->batches);
    ring->batches = batches;
    ring->capacity = capacity;
    return 0;
}

static struct weft_view topic_of(const struct kv__batch *batch)
{
    return weft_view(weft_buf_view(&batch->values).data, batch->topic_size);
}

static struct kv__batch *new_batch(struct kv__ring *ring, struct weft_view topic, uint64_t sequence)
{
    struct kv__batch *batch = weft_calloc(1, sizeof *batch);
    if (!batch || make_room(ring) < 0 || weft_buf_append(&batch->values, topic) < 0) {
        weft_free(batch);
        return NULL;
    }
    batch->ring = ring;
    batch->topic_size = topic.size;
    batch->before = ring->messages;
    batch->sequence = sequence;
    batch->left = ring->followers;
    batch->shared = ring->followers > 1;
    ring->batches[ring->end++ & (ring->capacity - 1)] = batch;
    kv__append(&ring->loop->batches, &batch->age);
    count_bytes(batch, sizeof *batch + topic.size);
    return batch;
}

/* Returns the newest batch, if a message of that topic may still join it. */
static struct kv__batch *open_batch(const struct kv__ring *ring, struct weft_view topic,
                                    uint64_t sequence)
{
    if (ring->first == ring->end)
        return NULL;
    struct kv__batch *batch = kv__ring_batch(ring, ring->end - 1);
    return !batch->sealed && batch->sequence + batch->count == sequence &&
                   weft_view_equal(topic_of(batch), topic)
               ? batch
               : NULL;
}

/* Drops what is over a limit, but the newest batch of the ring. */
static void keep_limits(struct kv__ring *ring)
{
    struct kv_feed_loop *self = ring->loop;
    const struct kv_feed_limits *limits = &self->feed->limits;
    while (ring->end - ring->first > 1 &&
           (ring->waiting > KV_FEED_RING || (limits->ring > 0 && ring->bytes > limits->ring)))
        drop_oldest(ring);
    while (limits->memory > 0 && kv__feed_bytes(self) > limits->memory) {
        struct kv__batch *oldest = weft_container_of(self->batches.next, struct kv__batch, age);
        if (oldest->ring == ring && ring->end - ring->first == 1)
            break;
        drop_oldest(oldest->ring);
    }
}

/* A message that there is no memory for counts, so that it is told as lost. */
static void add(struct kv__ring *ring, struct weft_view topic, struct weft_view value,
                uint64_t sequence)
{
    uint32_t size = (uint32_t)value.size;
    struct kv__batch *batch = open_batch(ring, topic, sequence);
    if (!batch)
        batch = new_batch(ring, topic, sequence);
    uint8_t *dst = batch ? weft_buf_reserve(&batch->values, sizeof size + value.size) : NULL;
    if (dst) {
        memcpy(dst, &size, sizeof size);
        if (value.size > 0)
            memcpy(dst + sizeof size, value.data, value.size);
        weft_buf_commit(&batch->values, sizeof size + value.size);
        count_bytes(batch, sizeof size + value.size);
        batch->count++;
        ring->waiting++;
        batch->sealed = ring->singles > 0 || weft_buf_size(&batch->values) >= KV_FEED_RUN ||
                        batch->count == KV_FEED_RUN_COUNT;
    } else if (batch) {
        batch->sealed = true;
    }
    ring->messages++;
    keep_limits(ring);
}

static void wake(struct kv__ring *ring)
{
    struct kv_feed_loop *self = ring->loop;
    kv__splice(&ring->behind, &ring->level);
    if (kv__list_is_empty(&ring->behind))
        return;
    if (kv__list_is_empty(&ring->link))
        kv__append(&self->behind, &ring->link);
    if (!weft_timer_is_armed(&self->timer))
        weft_loop_after(self->loop, &self->timer, 0);
}

/* The messages have numbers on the loop, so that a follower of several rings gets them in one order. */
static void add_all(struct kv__ring *ring, struct weft_view topic, struct weft_view values)
{
    struct weft_view value;
    uint64_t sequence = ring->loop->sequence;
    while (kv_feed_next_value(&values, &value))
        add(ring, topic, value, ++sequence);
    wake(ring);
}

void kv__rings_add(struct kv_feed_loop *self, struct weft_view topic, struct weft_view values,
                   size_t count)
{
    const struct kv_feed_source source = {NULL, topic};
    struct kv__name *name = kv__names_find(&self->names, &source);
    if (name)
        add_all(weft_container_of(name, struct kv__ring, name), topic, values);
    for (struct kv__link *link = self->patterns.next; link != &self->patterns; link = link->next) {
        struct kv__ring *ring = weft_container_of(link, struct kv__ring, pattern);
        if (ring->name.source.matches(ring->name.source.name, topic))
            add_all(ring, topic, values);
    }
    self->sequence += count;
}

size_t kv_feed_key_sources(const struct kv_feed_loop *self)
{
    return self->key_sources;
}

void kv_feed_tell_here(struct kv_feed_loop *self, struct weft_view topic, struct weft_view value)
{
    const struct kv_feed_source source = {NULL, topic};
    struct kv__name *name = kv__names_find(&self->names, &source);
    uint64_t sequence = ++self->sequence;
    if (name) {
        struct kv__ring *ring = weft_container_of(name, struct kv__ring, name);
        add(ring, topic, value, sequence);
        wake(ring);
    }
    for (struct kv__link *link = self->patterns.next; link != &self->patterns; link = link->next) {
        struct kv__ring *ring = weft_container_of(link, struct kv__ring, pattern);
        struct weft_view pattern = ring->name.source.name;
        if (!kv_feed_is_of_keys(pattern) || !ring->name.source.matches(pattern, topic))
            continue;
        add(ring, topic, value, sequence);
        wake(ring);
    }
}

/* Messages that are lost count, and no batch has them. */
static void lose(struct kv_feed_loop *self, uint64_t count, bool of_keys_alone)
{
    self->sequence++;
    for (size_t i = 0; i < self->names.size; i++) {
        for (struct kv__name *name = self->names.buckets[i]; name; name = name->next) {
            struct kv__ring *ring = weft_container_of(name, struct kv__ring, name);
            if (of_keys_alone && !kv_feed_is_of_keys(name->source.name))
                continue;
            ring->messages += count;
            wake(ring);
        }
    }
}

void kv_feed_lose_here(struct kv_feed_loop *self)
{
    lose(self, 1, true);
}

void kv__rings_lose(struct kv_feed_loop *self)
{
    lose(self, KV__GAP, false);
}

struct weft_blob *kv__batch_blob(struct kv__batch *batch, const struct kv_feed_format *format)
{
    struct weft_blob **blob = &batch->blobs[format->slot];
    batch->sealed = true;
    if (*blob)
        return *blob;
    struct weft_view all = weft_buf_view(&batch->values);
    const struct kv_feed_run run = {
        .topic = topic_of(batch),
        .source = &batch->ring->name.source,
        .count = batch->count,
        .values = weft_view(all.data + batch->topic_size, all.size - batch->topic_size),
    };
    *blob = format->make(&run);
    if (*blob)
        count_bytes(batch, weft_blob_memory(weft_blob_view(*blob).size));
    return *blob;
}
