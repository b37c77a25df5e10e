/* SPDX-License-Identifier: MIT */
#include "cluster.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

enum { POOLED_PIECES = 64 };

static void call_ended(struct redis_cluster *cluster)
{
    /* Those that end meanwhile have their turn later, so that a caller who always submits again stops nobody. */
    for (size_t left = cluster->ended.count; left > 0 && cluster->ended.head; left--) {
        struct redis_call *call = kv_redis_list_take(&cluster->ended);
        call->done(call, (enum redis_outcome)call->own.outcome, NULL);
    }
}

static void on_tick(struct weft_deferred *deferred)
{
    struct redis_cluster *cluster = weft_container_of(deferred, struct redis_cluster, tick);

    call_ended(cluster);
    if (!cluster->shared->single)
        kv_redis_map_sweep(&cluster->map);
    if (cluster->ended.head)
        weft_loop_defer(cluster->loop, &cluster->tick);
}

/* The one node of a store that is no cluster has all slots from the start. */
static int add_single(struct redis_cluster *cluster)
{
    const struct redis_seed *seed = &cluster->shared->seeds[0];
    struct redis_node *node = kv_redis_map_node(&cluster->map, seed->host, seed->port);

    if (!node)
        return -ENOMEM;
    kv_redis_map_set_all(&cluster->map, node);
    kv_redis_link_open(&node->link);
    return 0;
}

int kv_redis_start(struct redis_cluster **result, struct redis_shared *shared,
                   struct weft_loop *loop, const struct redis_hooks *hooks)
{
    *result = NULL;
    struct redis_cluster *cluster = weft_calloc(1, sizeof *cluster);
    if (!cluster)
        return -ENOMEM;
    cluster->shared = shared;
    cluster->loop = loop;
    cluster->hooks = *hooks;
    cluster->random = (uint64_t)weft_loop_refresh(loop) ^ (uint64_t)(uintptr_t)cluster;
    cluster->tick.run = on_tick;
    weft_piece_pool_init(&cluster->pool, POOLED_PIECES);
    cluster->counts = kv_redis_counts_new(shared);
    if (!cluster->counts)
        goto err_after_alloc;
    cluster->map.model = (struct redis_node){.owner = cluster,
                                             .events = &kv_redis_node_events,
                                             .link = {.shared = shared,
                                                      .counts = cluster->counts,
                                                      .loop = loop,
                                                      .pool = &cluster->pool,
                                                      .random = &cluster->random,
                                                      .purpose = "calls",
                                                      .silence = shared->connect_timeout}};
    kv_redis_route_init(cluster);
    kv_redis_subscriber_init(cluster);
    if (shared->single && add_single(cluster) < 0)
        goto err_after_alloc;
    kv_redis_refresh_init(cluster);
    *result = cluster;
    return 0;

err_after_alloc:
    kv_redis_map_fini(&cluster->map);
    weft_free(cluster);
    return -ENOMEM;
}

static void end_list(struct redis_cluster *cluster, struct redis_list *list)
{
    struct redis_call *call;

    while ((call = kv_redis_list_take(list)))
        kv_redis_route_end(cluster, call, REDIS_UNAVAILABLE);
}

void kv_redis_stop(struct redis_cluster *cluster)
{
    if (!cluster)
        return;
    cluster->is_stopping = true;
    weft_timer_stop(&cluster->timer);
    kv_redis_refresh_stop(cluster);
    kv_redis_subscriber_stop(cluster);
    end_list(cluster, &cluster->homeless);
    end_list(cluster, &cluster->delayed);
    kv_redis_map_fini(&cluster->map);
    while (cluster->ended.head)
        call_ended(cluster);
    weft_deferred_cancel(&cluster->tick);
    weft_piece_pool_fini(&cluster->pool);
    weft_free(cluster);
}

void kv_redis_submit(struct redis_cluster *cluster, struct redis_call *call)
{
    kv_redis_route_begin(cluster, call);
}

bool kv_redis_cancel(struct redis_cluster *cluster, struct redis_call *call)
{
    bool has_ended = call->own.list == &cluster->ended;
    bool is_sent = !call->own.list || call->own.reply;

    kv_redis_route_remove(cluster, call);
    if (has_ended)
        return call->own.outcome == REDIS_UNKNOWN;
    return call->write && is_sent;
}

size_t kv_redis_masters(const struct redis_cluster *cluster)
{
    return cluster->map.master_count;
}

struct redis_node *kv_redis_master(const struct redis_cluster *cluster, size_t i)
{
    return cluster->map.masters[i];
}

struct redis_node *kv_redis_master_of(const struct redis_cluster *cluster, unsigned slot)
{
    return cluster->map.slots[slot];
}

struct redis_node *kv_redis_answered_by(const struct redis_call *call)
{
    struct redis_node *node = call->own.node;

    return node->main ? node->main : node;
}

uint64_t *kv_redis_node_mark(struct redis_node *node)
{
    return &node->mark;
}

const char *kv_redis_node_name(const struct redis_node *node)
{
    return node->link.name;
}

uint64_t kv_redis_epoch(const struct redis_cluster *cluster)
{
    return cluster->map.epoch;
}
