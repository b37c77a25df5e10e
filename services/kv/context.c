/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/url.h"
#include "feed.h"
#include "keyspace.h"
#include "service.h"

const struct weft_limit *weft_kv_limit_table(void)
{
    static const struct weft_limit table[] = {
        {.name = "decode-elements",
         .help = "elements one request may hold",
         .unit = WEFT_LIMIT_COUNT,
         .value = 262144,
         .offset = offsetof(struct weft_kv_limits, decode_elements)},
        {.name = "max-memory",
         .help = "memory the store may hold, 0 any",
         .unit = WEFT_LIMIT_BYTES,
         .zero_is_off = true,
         .value = 0,
         .offset = offsetof(struct weft_kv_limits, max_memory)},
        {.name = "max-key",
         .help = "longest key or name of a table written",
         .unit = WEFT_LIMIT_BYTES,
         .value = WEFT_KIB(64),
         .offset = offsetof(struct weft_kv_limits, max_key)},
        {.name = "feed-topics",
         .help = "topics and patterns subscribed to",
         .unit = WEFT_LIMIT_COUNT,
         .value = 65536,
         .offset = offsetof(struct weft_kv_limits, feed_topics)},
        {.name = "feed-followers",
         .help = "subscriptions of all connections",
         .unit = WEFT_LIMIT_COUNT,
         .value = 262144,
         .offset = offsetof(struct weft_kv_limits, feed_followers)},
        {.name = "feed-ring",
         .help = "messages of a topic that wait for slow readers",
         .unit = WEFT_LIMIT_BYTES,
         .value = WEFT_MIB(1),
         .offset = offsetof(struct weft_kv_limits, feed_ring)},
        {.name = "feed-memory",
         .help = "messages of all topics that wait, per thread",
         .unit = WEFT_LIMIT_BYTES,
         .value = WEFT_MIB(64),
         .offset = offsetof(struct weft_kv_limits, feed_memory)},
        {.name = NULL},
    };
    return table;
}

struct weft_kv_limits weft_kv_limits_default(void)
{
    const struct weft_limit *table = weft_kv_limit_table();
    return (struct weft_kv_limits){
        .decode_elements = table[0].value,
        .max_memory = table[1].value,
        .max_key = table[2].value,
        .feed_topics = table[3].value,
        .feed_followers = table[4].value,
        .feed_ring = table[5].value,
        .feed_memory = table[6].value,
    };
}

const struct kv_store *weft_kv_store_find(const struct kv_store *const *stores, const char *name,
                                          struct weft_error *error)
{
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; stores[i]; i++) {
        if (strcmp(stores[i]->name, name) == 0)
            return stores[i];
        int n = snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ",
                         stores[i]->name);
        used += (size_t)n < sizeof known - used ? (size_t)n : 0;
    }
    weft_error_set(error, WEFT_ECONFIG, "unknown store '%s'; there are: %s", name, known);
    return NULL;
}

static int make_store(struct weft_kv_context *context, const struct kv_store *store,
                      const struct kv_store_options *options, const struct weft_kv_limits *limits,
                      struct weft_error *error)
{
    *context = (struct weft_kv_context){0};
    if (store->variant) {
        store = store->variant(options, error);
        if (!store)
            return WEFT_ECONFIG;
    }
    const struct kv_feed_limits feed_limits = {.topics = limits->feed_topics,
                                               .followers = limits->feed_followers,
                                               .ring = limits->feed_ring,
                                               .memory = limits->feed_memory};
    struct kv_feed *feed = kv_feed_new(&feed_limits);
    struct kv_keyspace *keyspace = kv_keyspace_new();
    void *state = feed && keyspace ? weft_calloc(1, store->store_size) : NULL;
    if (!state) {
        kv_feed_free(feed);
        kv_keyspace_free(keyspace);
        return weft_error_set(error, -ENOMEM, "%s store: no memory", store->name);
    }
    int err = store->init(state, options, error);
    if (err < 0) {
        kv_feed_free(feed);
        kv_keyspace_free(keyspace);
        weft_free(state);
        return err;
    }
    *context = (struct weft_kv_context){
        .store = store, .state = state, .limits = *limits, .feed = feed, .keyspace = keyspace};
    return 0;
}

int weft_kv_context_init(struct weft_kv_context *context, const struct kv_store *store,
                         const struct weft_kv_limits *limits, const uint8_t *seed,
                         struct weft_error *error)
{
    static const struct weft_option_set none = {NULL, 0};
    const struct kv_store_options options = {
        .set = &none, .max_memory = limits->max_memory, .seed = seed};
    return make_store(context, store, &options, limits, error);
}

/* Reads a spec into *url, as a URL whose scheme is the store's name and whose path is a dot and WHERE:
 * a path may not be empty, and one that began with // would be a host. */
static int parse_spec(struct weft_url *url, const char *spec, struct weft_error *error)
{
    char text[WEFT_URL_MAX];
    struct weft_error ignored;
    size_t name = strcspn(spec, ":?");
    int n = snprintf(text, sizeof text, "%.*s:.%s", (int)name, spec,
                     spec + name + (spec[name] == ':' ? 1 : 0));
    if (n < 0 || (size_t)n >= sizeof text || weft_url_parse(url, text, &ignored) < 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "'%.150s' is no store: the form is NAME[:WHERE][?option=value&...]",
                              spec);
    return 0;
}

/* Refuses what the store does not take: a place that it has no use for, or an option that it does not
 * declare. */
static int check_spec(const struct kv_store *store, const char *where, const struct weft_url *url,
                      struct weft_error *error)
{
    if (*where && !store->where)
        return weft_error_set(error, WEFT_ECONFIG, "store '%s' takes no place: '%.100s'",
                              store->name, where);
    for (size_t i = 0; i < url->option_count; i++) {
        char known[256] = "none";
        size_t used = 0;
        const struct weft_option *option = store->options;
        for (; option && option->name && strcmp(option->name, url->options[i].name) != 0; option++)
            if (used < sizeof known)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                         used ? ", " : "", option->name);
        if (!option || !option->name)
            return weft_error_set(error, WEFT_ECONFIG,
                                  "unknown option '%.64s' of store '%s'; there are: %s",
                                  url->options[i].name, store->name, known);
    }
    return 0;
}

/* Reads a spec and finds its store. The options and the place lie in *url. */
static const struct kv_store *find_by_spec(struct weft_url *url,
                                           const struct kv_store *const *stores, const char *spec,
                                           struct weft_error *error)
{
    if (parse_spec(url, spec, error) < 0)
        return NULL;
    const struct kv_store *store = weft_kv_store_find(stores, url->scheme, error);
    if (!store || check_spec(store, url->path + 1, url, error) < 0)
        return NULL;
    return store;
}

int weft_kv_context_open(struct weft_kv_context *context, const struct kv_store *const *stores,
                         const char *spec, const struct weft_kv_limits *limits,
                         const struct weft_log *log, struct weft_registry *registry,
                         struct kv_progress *progress, struct weft_error *error)
{
    struct weft_url url;
    *context = (struct weft_kv_context){0};
    const struct kv_store *store = find_by_spec(&url, stores, spec, error);
    if (!store)
        return WEFT_ECONFIG;
    const struct weft_option_set set = weft_url_option_set(&url);
    const struct kv_store_options options = {.where = url.path + 1,
                                             .set = &set,
                                             .max_memory = limits->max_memory,
                                             .log = log,
                                             .registry = registry,
                                             .progress = progress};
    return make_store(context, store, &options, limits, error);
}

int64_t weft_kv_context_repair(const struct kv_store *const *stores, const char *spec, bool drop,
                               void (*say)(void *arg, const char *line), void *arg,
                               struct weft_error *error)
{
    struct weft_url url;
    const struct kv_store *store = find_by_spec(&url, stores, spec, error);
    if (!store)
        return WEFT_ECONFIG;
    if (!store->repair)
        return weft_error_set(error, WEFT_ECONFIG, "store '%s' has nothing to repair", store->name);
    const struct weft_option_set set = weft_url_option_set(&url);
    const struct kv_store_options options = {.where = url.path + 1, .set = &set};
    return store->repair(&options, drop, say, arg, error);
}

void weft_kv_context_collect(void *memory, struct weft_samples *samples)
{
    struct weft_kv_context *context = memory;
    if (context->store->collect)
        context->store->collect(context->state, samples);
    kv_feed_collect(context->feed, samples);
}

int weft_kv_context_snapshot(struct weft_kv_context *context)
{
    return context->store->snapshot ? context->store->snapshot(context->state) : -ENOTSUP;
}

void weft_kv_context_fini(struct weft_kv_context *context)
{
    if (context->store)
        context->store->fini(context->state);
    kv_feed_free(context->feed);
    kv_keyspace_free(context->keyspace);
    weft_free(context->state);
    *context = (struct weft_kv_context){0};
}
