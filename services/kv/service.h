/* SPDX-License-Identifier: MIT
 *
 * kv: the key-value service. It works on any store (store.h) and has four faces. A face is one message format in
 * which clients give commands and get replies: protobuf (proto/abi.proto), lines of text, HTTP, and the RESP of
 * Redis.
 *
 * A program makes a context, which holds a store, and registers one or more faces with it:
 *
 *     const struct weft_kv_limits limits = weft_kv_limits_default();
 *     struct weft_kv_context context;
 *     int err = weft_kv_context_init(&context, &weft_kv_store_memory, &limits, NULL, &error);
 *     ...
 *     err = weft_registry_add_service(&registry, &weft_kv_service, &context);
 *     ... the server is made, runs, and is freed ...
 *     weft_kv_context_fini(&context);
 */
#ifndef KV_SERVICE_H
#define KV_SERVICE_H

#include "core/base/samples.h"
#include "core/base/settings.h"
#include "core/base/slow_log.h"
#include "core/service.h"
#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kv_feed;
struct kv_keyspace;

/* The faces. All of them are services named "kv"; they differ in `speaks`, which an endpoint's codec has to match.
 * If a server registers several faces with one context, they serve the same tables. */

/* Speaks "protobuf:abi": a CommandRequest in, a CommandResponse out. docs/wire.md describes it. */
extern const struct weft_service weft_kv_service;

/* Speaks "line": one command of kvc per line, and one line as its reply. docs/wire.md describes it. */
extern const struct weft_service weft_kv_line_service;

/* Speaks "http". Its option `cors` lists the origins whose web pages may use kv. docs/http.md describes it. */
extern const struct weft_service weft_kv_http_service;

/* Speaks "resp": commands and replies of Redis. Its option `table` names the table whose keys are the strings of
 * Redis. docs/redis.md describes it. */
extern const struct weft_service weft_kv_resp_service;

/* Returns the store with that name in `stores`, which ends with NULL. Returns NULL if there is none; *error then
 * names the stores of the list. */
const struct kv_store *weft_kv_store_find(const struct kv_store *const *stores, const char *name,
                                          struct weft_error *error);

/* The limits of kv, in addition to those of every service (core/base/settings.h). */

struct weft_kv_limits {
    /* The most elements of one request, counted by its face: messages and repeated fields of protobuf, words of a
     * line, lines and items of an HTTP batch. */
    uint64_t decode_elements;
    uint64_t max_memory; /* bytes that the store may hold; 0: no limit */
    /* The most bytes of a key or of a table's name, in commands that store or change keys. */
    uint64_t max_key;
    /* The limits of subscriptions (docs/pubsub.md). feed_topics: the most topics and patterns that are subscribed to;
     * feed_followers: the most subscriptions; feed_ring: the bytes of messages of a topic that may wait on a loop;
     * feed_memory: those of all topics on a loop. */
    uint64_t feed_topics, feed_followers, feed_ring, feed_memory;
};

/* Returns a description of each limit with its name and default, for command lines. The array is static and ends
 * with a NULL name. */
const struct weft_limit *weft_kv_limit_table(void);

/* Returns the limits at their defaults. */
struct weft_kv_limits weft_kv_limits_default(void);

/* A store in use. It must stay in place from init to fini, since services point to it. A program does not touch
 * the fields but those that it may set. One thread calls the functions below. */
struct weft_kv_context {
    const struct kv_store *store;
    void *state; /* the store's; owned */
    struct weft_kv_limits limits;
    struct kv_store_loop *loops; /* the store's states of the loops that serve now */
    /* A program may set these after init or open, for faces that show what the process has counted. They are borrowed;
     * NULL: there are none. */
    struct weft_collectors *collectors;
    struct weft_slow_log *slow_log;
    /* A program may set these after init or open: the service to which the protobuf face hands each request whose target
     * names another service than weft.kv.v1.Kv, such as gRPC's for health, and the context for its configure. Both are
     * borrowed. It takes no options and has no state of connections (conn_size 0, no open and no close); rejections are
     * worded by kv. NULL: such a request is answered that there is no such method. */
    const struct weft_service *beside;
    void *beside_context;
    struct kv_feed *feed;         /* what is published and subscribed to; owned */
    struct kv_keyspace *keyspace; /* what of the store's changes is published; owned */
};

/* Makes the state of `store`, without a place or options; weft_kv_context_open takes those. The limits are copied.
 * seed is 16 bytes that are borrowed for the call, for tests and measurements that must repeat; NULL: random.
 * Returns 0, or a negative error with one line in *error. After an error nothing is held. */
WEFT_MUST_USE int weft_kv_context_init(struct weft_kv_context *context,
                                       const struct kv_store *store,
                                       const struct weft_kv_limits *limits, const uint8_t *seed,
                                       struct weft_error *error);

/* Makes the state of the store that `spec` names, as in `--store lmdb:/var/lib/kv?sync=1`. spec has the form
 * NAME[:WHERE][?option=value&...]. NAME is a store of the list `stores`, which ends with NULL. The store logs to
 * log, which is borrowed until weft_kv_context_fini; NULL: it logs nothing. A store
 * that connects to others does so by what is in the registry, which is borrowed likewise; NULL: none does. progress
 * hears what the store reads meanwhile, and is borrowed for the call; NULL: nobody does. Returns 0, or
 * WEFT_ECONFIG if spec is wrong; *error then names the mistake and the choices. Other errors are those of weft_kv_context_init. */
WEFT_MUST_USE int weft_kv_context_open(struct weft_kv_context *context,
                                       const struct kv_store *const *stores, const char *spec,
                                       const struct weft_kv_limits *limits,
                                       const struct weft_log *log, struct weft_registry *registry,
                                       struct kv_progress *progress, struct weft_error *error);

/* Looks for damage that keeps the store of that spec from starting, and drops it if `drop` is true. No context may
 * use the place meanwhile. say is called with `arg` and one line of text at a time. Returns the number of bytes
 * that were or would be dropped, or an error with one line in *error: WEFT_ECONFIG if spec is wrong or the store has
 * nothing to repair, or an error of the store. */
WEFT_MUST_USE int64_t weft_kv_context_repair(const struct kv_store *const *stores, const char *spec,
                                             bool drop, void (*say)(void *arg, const char *line),
                                             void *arg, struct weft_error *error);

/* Tells the samples of the store (core/base/samples.h): its memory, its journal, its commits; and those of the feed.
 * For a struct weft_collector, whose context is the struct weft_kv_context. */
void weft_kv_context_collect(void *context, struct weft_samples *samples);

/* Has the store write a snapshot soon, on a thread of its own. Any thread. Returns 0, or -ENOTSUP if it makes none. */
WEFT_MUST_USE int weft_kv_context_snapshot(struct weft_kv_context *context);

/* Frees the store's state. Call it after the servers that use the context were freed. A zeroed context, or one
 * whose init or open failed, is fine. */
void weft_kv_context_fini(struct weft_kv_context *context);

#ifdef __cplusplus
}
#endif

#endif
