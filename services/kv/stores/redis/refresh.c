/* SPDX-License-Identifier: MIT */
#include "cluster.h"
#include "core/base/compiler.h"

/* Nanoseconds after which the map is read once more though nobody has asked for it: masters may have been added. */
#define PERIOD INT64_C(15000000000)

/* Returns the node that is asked next: another one each time, since one that is cut off has an old map. Seeds are asked as
 * well as masters. */
static struct redis_node *choose(struct redis_cluster *cluster)
{
    struct redis_refresh *refresh = &cluster->refresh;
    const struct redis_shared *shared = cluster->shared;
    struct redis_map *map = &cluster->map;
    size_t up = 0;

    for (size_t i = 0; i < map->master_count; i++)
        up += map->masters[i]->link.state == REDIS_LINK_UP;
    /* Two of three times one that is connected. */
    size_t turn = refresh->turn++;
    if (up > 0 && turn % 3 != 2) {
        size_t wanted = turn % up;
        for (size_t i = 0; i < map->master_count; i++)
            if (map->masters[i]->link.state == REDIS_LINK_UP && wanted-- == 0)
                return map->masters[i];
    }
    const struct redis_seed *seed = &shared->seeds[turn % shared->seed_count];
    return kv_redis_map_node(map, seed->host, seed->port);
}

static void plan_next(struct redis_cluster *cluster)
{
    struct redis_refresh *refresh = &cluster->refresh;

    refresh->is_under_way = false;
    if (cluster->is_stopping)
        return;
    if (refresh->is_wanted || !refresh->is_known || cluster->homeless.head)
        kv_redis_want_map(cluster);
    else
        weft_loop_after(cluster->loop, &refresh->timer,
                        PERIOD / 2 + (int64_t)kv_redis_random(&cluster->random, PERIOD));
}

static void log_map(const struct redis_cluster *cluster)
{
    weft_log_write(cluster->shared->log, WEFT_LOG_INFO, "redis-slots", "masters=%zu epoch=%llu",
                   cluster->map.master_count, (unsigned long long)cluster->map.epoch);
}

static void take(struct redis_cluster *cluster, const struct redis_node *node,
                 const redisReply *reply)
{
    struct redis_refresh *refresh = &cluster->refresh;
    int got = kv_redis_map_read(&cluster->map, reply, node);

    if (got < 0) {
        refresh->fruitless++;
        char quoted[WEFT_LOG_QUOTE_TEXT];
        const char *why = reply->type == REDIS_REPLY_ERROR ? reply->str : weft_strerror(got);
        kv_redis_note_trouble(cluster->shared, node->link.name, why);
        weft_log_write(cluster->shared->log, WEFT_LOG_WARN, "redis-slots-refused", "node=%s why=%s",
                       node->link.name, weft_log_quote(weft_view_str(why), quoted));
        return;
    }
    kv_redis_count(&cluster->counts->maps, 1);
    refresh->is_known = cluster->map.epoch > 0;
    refresh->fruitless = got > 0 || !refresh->is_wanted ? 0 : refresh->fruitless + 1;
    if (got == 0)
        return;
    log_map(cluster);
    kv_redis_route_again(cluster);
}

static void on_done(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply)
{
    struct redis_cluster *cluster = weft_container_of(call, struct redis_cluster, refresh.call);
    struct redis_refresh *refresh = &cluster->refresh;

    if (outcome == REDIS_ANSWERED) {
        take(cluster, call->node, reply);
    } else {
        refresh->fruitless++;
        refresh->is_wanted = true;
    }
    plan_next(cluster);
}

static void on_timer(struct weft_timer *timer)
{
    struct redis_cluster *cluster = weft_container_of(timer, struct redis_cluster, refresh.timer);
    struct redis_refresh *refresh = &cluster->refresh;
    struct redis_node *node = choose(cluster);

    refresh->last = weft_loop_now(cluster->loop);
    if (!node) {
        refresh->fruitless++;
        plan_next(cluster);
        return;
    }
    refresh->is_wanted = false;
    refresh->is_under_way = true;
    refresh->call.node = node;
    refresh->call.timeout = cluster->shared->connect_timeout;
    kv_redis_route_begin(cluster, &refresh->call);
    refresh->call.own.is_hasty = true;
}

void kv_redis_refresh_init(struct redis_cluster *cluster)
{
    struct redis_refresh *refresh = &cluster->refresh;

    refresh->args[0] = weft_view_str("CLUSTER");
    refresh->args[1] = weft_view_str("SLOTS");
    refresh->call = (struct redis_call){.args = refresh->args, .count = 2, .done = on_done};
    refresh->timer.fire = on_timer;
    refresh->last = INT64_MIN / 2;
    kv_redis_want_map(cluster);
}

void kv_redis_refresh_stop(struct redis_cluster *cluster)
{
    weft_timer_stop(&cluster->refresh.timer);
}
