/* SPDX-License-Identifier: MIT
 *
 * The part of the feed that all loops share: who follows what, on which loops. */
#include <errno.h>
#include <sodium.h>

#include "feed_private.h"

struct kv_feed *kv_feed_new(const struct kv_feed_limits *limits)
{
    struct kv_feed *feed = weft_calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    if (pthread_mutex_init(&feed->lock, NULL) != 0) {
        weft_free(feed);
        return NULL;
    }
    feed->limits = *limits;
    randombytes_buf(feed->key, sizeof feed->key);
    feed->names.key = feed->key;
    kv__link_init(&feed->patterns);
    kv__link_init(&feed->topics);
    return feed;
}

void kv_feed_free(struct kv_feed *feed)
{
    if (!feed)
        return;
    (void)pthread_mutex_destroy(&feed->lock);
    weft_free(feed);
}

/* --- who follows what ------------------------------------------------------------------------------ */

static struct kv__entry *new_entry(struct kv_feed *feed, const struct kv_feed_source *source)
{
    struct kv__entry *entry = weft_malloc(sizeof *entry + source->name.size);
    if (!entry)
        return NULL;
    uint8_t *name = (uint8_t *)(entry + 1);
    *entry =
        (struct kv__entry){.name.source = {source->matches, weft_view(name, source->name.size)}};
    if (source->name.size > 0)
        memcpy(name, source->name.data, source->name.size);
    if (kv__names_add(&feed->names, &entry->name) < 0) {
        weft_free(entry);
        return NULL;
    }
    kv__append(source->matches ? &feed->patterns : &feed->topics, &entry->link);
    feed->pattern_count += source->matches != NULL;
    return entry;
}

static struct kv__entry *find(const struct kv_feed *feed, const struct kv_feed_source *source)
{
    struct kv__name *name = kv__names_find(&feed->names, source);
    return name ? weft_container_of(name, struct kv__entry, name) : NULL;
}

static bool is_at(uint64_t count, uint64_t limit)
{
    return limit > 0 && count >= limit;
}

int kv__feed_enter(struct kv_feed_loop *self, const struct kv_feed_source *source)
{
    struct kv_feed *feed = self->feed;
    int err = 0;
    (void)pthread_mutex_lock(&feed->lock);
    struct kv__entry *entry = find(feed, source);
    if (is_at(feed->followers, feed->limits.followers) ||
        (!entry && is_at(feed->names.count, feed->limits.topics)))
        err = -ENOSPC;
    else if (!entry && !(entry = new_entry(feed, source)))
        err = -ENOMEM;
    if (err == 0) {
        entry->followers++;
        entry->loops |= UINT64_C(1) << self->number % 64;
        feed->followers++;
    }
    (void)pthread_mutex_unlock(&feed->lock);
    return err;
}

void kv__feed_exit(struct kv_feed_loop *self, const struct kv_feed_source *source)
{
    struct kv_feed *feed = self->feed;
    (void)pthread_mutex_lock(&feed->lock);
    struct kv__entry *entry = find(feed, source);
    feed->followers--;
    if (--entry->followers == 0) {
        feed->pattern_count -= source->matches != NULL;
        kv__unlink(&entry->link);
        kv__names_remove(&feed->names, &entry->name);
        weft_free(entry);
    }
    (void)pthread_mutex_unlock(&feed->lock);
}

uint64_t kv_feed_followers(struct kv_feed *feed, struct weft_view topic)
{
    const struct kv_feed_source source = {NULL, topic};
    (void)pthread_mutex_lock(&feed->lock);
    const struct kv__entry *entry = find(feed, &source);
    uint64_t count = entry ? entry->followers : 0;
    (void)pthread_mutex_unlock(&feed->lock);
    return count;
}

uint64_t kv_feed_patterns(struct kv_feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    uint64_t count = feed->pattern_count;
    (void)pthread_mutex_unlock(&feed->lock);
    return count;
}

void kv_feed_each_topic(struct kv_feed *feed, void (*each)(void *arg, struct weft_view topic),
                        void *arg)
{
    (void)pthread_mutex_lock(&feed->lock);
    for (struct kv__link *link = feed->topics.next; link != &feed->topics; link = link->next)
        each(arg, weft_container_of(link, struct kv__entry, link)->name.source.name);
    (void)pthread_mutex_unlock(&feed->lock);
}

uint64_t kv__feed_find(struct kv_feed *feed, struct weft_view topic, uint64_t *loops)
{
    const struct kv_feed_source source = {NULL, topic};
    (void)pthread_mutex_lock(&feed->lock);
    const struct kv__entry *entry = find(feed, &source);
    uint64_t count = entry ? entry->followers : 0;
    *loops = entry ? entry->loops : 0;
    for (struct kv__link *link = feed->patterns.next; link != &feed->patterns; link = link->next) {
        entry = weft_container_of(link, struct kv__entry, link);
        if (!entry->name.source.matches(entry->name.source.name, topic))
            continue;
        count += entry->followers;
        *loops |= entry->loops;
    }
    (void)pthread_mutex_unlock(&feed->lock);
    return count;
}

uint64_t kv_feed_receivers(struct kv_feed *feed, struct weft_view topic)
{
    uint64_t loops;
    return kv__feed_find(feed, topic, &loops);
}

/* --- samples --------------------------------------------------------------------------------------- */

void kv__feed_count_lost(struct kv_feed_loop *self, uint64_t count)
{
    atomic_fetch_add_explicit(&self->feed->lost, count, memory_order_relaxed);
}

/* Returns the bytes that wait in rings and on their way to loops. Under the lock. */
static uint64_t count_waiting(const struct kv_feed *feed)
{
    uint64_t bytes = 0;
    for (const struct kv_feed_loop *loop = feed->loops; loop; loop = loop->next)
        bytes +=
            kv__feed_bytes(loop) + atomic_load_explicit(&loop->inbox_bytes, memory_order_relaxed);
    return bytes;
}

void kv_feed_collect(void *context, struct weft_samples *samples)
{
    static const struct weft_metric
        topics = {"weft_feed_topics", NULL, "Topics and patterns that are followed", WEFT_GAUGE},
        followers = {"weft_feed_followers", NULL, "Subscriptions, each to one topic or pattern",
                     WEFT_GAUGE},
        published = {"weft_feed_messages_published", NULL,
                     "Messages published, those that nobody follows included", WEFT_COUNTER},
        lost = {"weft_feed_messages_lost", NULL,
                "Messages that a subscription has missed, once per subscription", WEFT_COUNTER},
        memory = {"weft_feed_memory_bytes", "bytes", "Memory of messages that wait for subscribers",
                  WEFT_GAUGE};
    struct kv_feed *feed = context;
    (void)pthread_mutex_lock(&feed->lock);
    const double topic_count = (double)feed->names.count, follower_count = (double)feed->followers,
                 bytes = (double)count_waiting(feed);
    (void)pthread_mutex_unlock(&feed->lock);
    weft_samples_add(samples, &topics, NULL, 0, topic_count);
    weft_samples_add(samples, &followers, NULL, 0, follower_count);
    weft_samples_add(samples, &published, NULL, 0,
                     (double)atomic_load_explicit(&feed->published, memory_order_relaxed));
    weft_samples_add(samples, &lost, NULL, 0,
                     (double)atomic_load_explicit(&feed->lost, memory_order_relaxed));
    weft_samples_add(samples, &memory, NULL, 0, bytes);
}
