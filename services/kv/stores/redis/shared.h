/* SPDX-License-Identifier: MIT
 *
 * The clusters of all loops share the options, which never change, and the counters, which each loop writes for
 * itself. */
#ifndef KV_REDIS_SHARED_H
#define KV_REDIS_SHARED_H

#include <stdatomic.h>

#include "command.h"
#include "core/base/log.h"
#include "redis.h"

enum { REDIS_SEEDS_MAX = 64, REDIS_NAME_MAX = REDIS_HOST_MAX + 10, REDIS_URL_MAX = 4096 };

enum redis_ack { REDIS_ACK_MASTER, REDIS_ACK_REPLICA, REDIS_ACK_FSYNC };

struct redis_seed {
    char host[REDIS_HOST_MAX];
    uint16_t port;
};

/* X(field, "metric", unit, "help", kind) for each number that a loop counts. */
#define REDIS_COUNT_MAP(X)                                                                         \
    X(calls, "weft_redis_calls", NULL, "Calls that were submitted", WEFT_COUNTER)                  \
    X(unavailable, "weft_redis_calls_unavailable", NULL,                                           \
      "Calls that ended without an effect, for want of a connection, of room or of time",          \
      WEFT_COUNTER)                                                                                \
    X(unknown, "weft_redis_calls_unknown", NULL, "Writes that may have taken effect, or not",      \
      WEFT_COUNTER)                                                                                \
    X(moved, "weft_redis_moved", NULL, "Answers MOVED and ASK", WEFT_COUNTER)                      \
    X(again, "weft_redis_tried_again", NULL, "Calls that were tried again later", WEFT_COUNTER)    \
    X(maps, "weft_redis_slot_maps", NULL, "Maps of the slots that were read", WEFT_COUNTER)        \
    X(connects, "weft_redis_connects", NULL, "Connections that were made", WEFT_COUNTER)           \
    X(breaks, "weft_redis_breaks", NULL, "Connections, or attempts, that failed", WEFT_COUNTER)    \
    X(bytes_in, "weft_redis_received_bytes", "bytes", "Bytes from the nodes", WEFT_COUNTER)        \
    X(bytes_out, "weft_redis_sent_bytes", "bytes", "Bytes to the nodes", WEFT_COUNTER)             \
    X(pending, "weft_redis_pending", NULL, "Calls that have not ended", WEFT_GAUGE)                \
    X(masters, "weft_redis_masters", NULL, "Masters that each loop knows, added up", WEFT_GAUGE)   \
    X(up, "weft_redis_connections", NULL, "Connections that stand", WEFT_GAUGE)

/* One loop writes it, any thread reads it. */
struct redis_counts {
#define X(field, metric, unit, help, kind) _Atomic uint64_t field;
    REDIS_COUNT_MAP(X)
#undef X
    struct redis_counts *next;
};

static inline void kv_redis_count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

struct redis_shared {
    bool single;
    struct redis_seed seeds[REDIS_SEEDS_MAX];
    size_t seed_count;
    unsigned database;
    enum redis_ack ack;
    unsigned ack_replicas, ack_ms;
    int64_t timeout, connect_timeout; /* nanoseconds */
    size_t max_calls;                 /* of a loop */
    char *user, *password;            /* NULL: none */
    bool tls;
    char *tail; /* "?name=value&..." for the URLs of the nodes, or "" */
    struct weft_registry *registry;
    const struct weft_log *log;
    _Atomic(struct redis_counts *) counts;
    char *
        trouble; /* REDIS_TROUBLE_MAX bytes for what was wrong last, while kv_redis_check runs; else NULL */
};
enum { REDIS_TROUBLE_MAX = 320 };

/* Returns the name of the store. */
static inline const char *kv_redis_store_name(const struct redis_shared *shared)
{
    return shared->single ? "redis" : "redis-cluster";
}

/* Says what is wrong with a node. */
void kv_redis_note_trouble(const struct redis_shared *shared, const char *node, const char *why);

/* Writes the URL of a node to dst, which has size bytes. */
void kv_redis_url(const struct redis_shared *shared, const char *host, uint16_t port, char *dst,
                  size_t size);

/* Returns counters for one more loop, which are freed with *shared, or NULL: no memory. */
WEFT_MUST_USE struct redis_counts *kv_redis_counts_new(struct redis_shared *shared);

#endif
