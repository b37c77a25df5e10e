/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cluster.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"

/* Nanoseconds. */
#define AGAIN_FIRST  INT64_C(10000000)
#define AGAIN_MOST   INT64_C(500000000)
#define MAP_INTERVAL INT64_C(100000000)

enum {
    FREE_TRIES = 3,   /* a call may be redirected so often in a row without a pause */
    MAP_DOUBLINGS = 4 /* of the interval between two maps that changed nothing */
};

/* --- the end of a call --------------------------------------------------------------------------------- */

static void note_end(struct redis_cluster *cluster)
{
    cluster->pending--;
    kv_redis_count(&cluster->counts->pending, (uint64_t)-1);
}

void kv_redis_route_end(struct redis_cluster *cluster, struct redis_call *call,
                        enum redis_outcome outcome)
{
    kv_redis_count(
        outcome == REDIS_UNKNOWN ? &cluster->counts->unknown : &cluster->counts->unavailable, 1);
    note_end(cluster);
    call->own.outcome = (uint8_t)outcome;
    kv_redis_list_add(&cluster->ended, call);
    weft_loop_defer(cluster->loop, &cluster->tick);
}

/* --- where to ------------------------------------------------------------------------------------------ */

static void wake_at(struct redis_cluster *cluster, int64_t time)
{
    if (time >= cluster->wake)
        return;
    cluster->wake = time;
    weft_loop_after(cluster->loop, &cluster->timer, time - weft_loop_now(cluster->loop));
}

void kv_redis_want_map(struct redis_cluster *cluster)
{
    struct redis_refresh *refresh = &cluster->refresh;
    const int64_t now = weft_loop_now(cluster->loop);
    unsigned doublings = refresh->fruitless;

    if (cluster->shared->single || cluster->is_stopping)
        return;
    refresh->is_wanted = true;
    if (refresh->is_under_way)
        return;
    doublings = doublings > MAP_DOUBLINGS ? MAP_DOUBLINGS : doublings;
    int64_t interval = MAP_INTERVAL << doublings;
    int64_t next = refresh->last + interval / 2 +
                   (int64_t)kv_redis_random(&cluster->random, (uint64_t)interval / 2);
    if (!weft_timer_is_armed(&refresh->timer) || refresh->timer.deadline > next)
        weft_loop_after(cluster->loop, &refresh->timer, next > now ? next - now : 0);
}

/* Returns a master that is connected, if there is one. */
static struct redis_node *any_master(struct redis_cluster *cluster)
{
    const struct redis_map *map = &cluster->map;

    for (size_t i = 0; i < map->master_count; i++) {
        struct redis_node *node = map->masters[cluster->turn++ % map->master_count];
        if (node->link.state == REDIS_LINK_UP)
            return node;
    }
    return map->master_count > 0 ? map->masters[cluster->turn++ % map->master_count] : NULL;
}

static struct redis_node *node_for(struct redis_cluster *cluster, const struct redis_call *call)
{
    if (call->node)
        return call->node;
    return call->slot < 0 ? any_master(cluster) : cluster->map.slots[call->slot];
}

/* Hands a call to a node, unless that has more than its share of all calls: a frozen node must leave room for
 * the calls of others. */
static void hand_over(struct redis_cluster *cluster, struct redis_node *node,
                      struct redis_call *call)
{
    const struct redis_shared *shared = cluster->shared;
    size_t share = shared->single ? shared->max_calls : shared->max_calls / 2;

    bool is_full = kv_redis_node_load(node) >= share && call != &cluster->refresh.call;
    if (is_full || kv_redis_node_add(node, call) < 0)
        kv_redis_route_end(cluster, call, REDIS_UNAVAILABLE);
}

static void route(struct redis_cluster *cluster, struct redis_call *call)
{
    struct redis_node *node = node_for(cluster, call);

    call->own.node = NULL;
    call->own.asking = false;
    if (node) {
        hand_over(cluster, node, call);
        return;
    }
    kv_redis_list_add(&cluster->homeless, call);
    kv_redis_want_map(cluster);
}

/* Tries a call again after a pause that grows. */
static void route_later(struct redis_cluster *cluster, struct redis_call *call)
{
    int64_t pause = AGAIN_FIRST;

    for (unsigned i = 0; i < call->own.tries && pause < AGAIN_MOST; i++)
        pause *= 2;
    pause = pause < AGAIN_MOST ? pause : AGAIN_MOST;
    pause = pause / 2 + (int64_t)kv_redis_random(&cluster->random, (uint64_t)pause / 2);
    if (call->own.tries < UINT8_MAX)
        call->own.tries++;
    call->own.node = NULL;
    call->own.due = weft_loop_now(cluster->loop) + pause;
    kv_redis_count(&cluster->counts->again, 1);
    kv_redis_list_add(&cluster->delayed, call);
    wake_at(cluster, call->own.due);
}

void kv_redis_route_begin(struct redis_cluster *cluster, struct redis_call *call)
{
    const struct redis_shared *shared = cluster->shared;
    const int64_t now = weft_loop_now(cluster->loop);
    int64_t timeout = call->timeout > 0 ? call->timeout : shared->timeout;

    memset(&call->own, 0, sizeof call->own);
    call->own.deadline = timeout < INT64_MAX - now ? now + timeout : INT64_MAX - 1;
    cluster->pending++;
    kv_redis_count(&cluster->counts->calls, 1);
    kv_redis_count(&cluster->counts->pending, 1);
    bool is_full = cluster->pending > shared->max_calls && call != &cluster->refresh.call;
    if (cluster->is_stopping || is_full) {
        kv_redis_route_end(cluster, call, REDIS_UNAVAILABLE);
        return;
    }
    wake_at(cluster, call->own.deadline);
    route(cluster, call);
}

void kv_redis_route_remove(struct redis_cluster *cluster, struct redis_call *call)
{
    if (call->own.list != &cluster->ended)
        note_end(cluster);
    if (call->own.list)
        kv_redis_list_remove(call);
    else
        kv_redis_node_forget(call->own.node, call);
    weft_free(call->own.reply);
    call->own.reply = NULL;
}

/* --- what nodes say ------------------------------------------------------------------------------------ */

static void on_up(struct redis_node *node)
{
    struct redis_cluster *cluster = node->owner;

    if (!cluster->hooks.node_up)
        return;
    node->in_hook = true;
    cluster->hooks.node_up(cluster->hooks.arg, node);
    node->in_hook = false;
}

/* A call that any master may execute does not wait for this one. */
static void on_down(struct redis_node *node)
{
    struct redis_cluster *cluster = node->owner;
    struct redis_call *next;

    for (struct redis_call *call = node->waiting.head; call; call = next) {
        next = call->own.next;
        if (call->own.is_hasty) {
            kv_redis_list_remove(call);
            kv_redis_route_end(cluster, call, REDIS_UNAVAILABLE);
        } else if (!call->node && call->slot < 0 && cluster->map.master_count > 1) {
            kv_redis_list_remove(call);
            route_later(cluster, call);
        }
    }
    kv_redis_want_map(cluster);
    weft_loop_defer(cluster->loop, &cluster->tick);
}

static void tell_change(struct redis_cluster *cluster)
{
    if (cluster->hooks.slots_changed)
        cluster->hooks.slots_changed(cluster->hooks.arg);
}

static void redirect_to(struct redis_cluster *cluster, struct redis_node *from,
                        struct redis_call *call, const struct redis_redirect *redirect)
{
    const char *host = redirect->host[0] ? redirect->host : from->link.host;
    struct redis_node *node = kv_redis_map_node(&cluster->map, host, redirect->port);

    kv_redis_count(&cluster->counts->moved, 1);
    if (redirect->advice == REDIS_ADVICE_MOVED)
        kv_redis_want_map(cluster);
    if (!node) {
        kv_redis_route_end(cluster, call, REDIS_UNAVAILABLE);
        return;
    }
    uint64_t epoch = cluster->map.epoch;
    if (redirect->advice == REDIS_ADVICE_MOVED)
        kv_redis_map_set(&cluster->map, redirect->slot, node);
    if (call->own.tries >= FREE_TRIES) {
        route_later(cluster, call);
    } else {
        call->own.tries++;
        call->own.asking = redirect->advice == REDIS_ADVICE_ASK;
        hand_over(cluster, node, call);
    }
    if (cluster->map.epoch != epoch)
        tell_change(cluster);
}

static void on_refused(struct redis_node *node, struct redis_call *call,
                       const struct redis_redirect *redirect)
{
    struct redis_cluster *cluster = node->owner;

    switch (redirect->advice) {
    case REDIS_ADVICE_MOVED:
    case REDIS_ADVICE_ASK:
        redirect_to(cluster, node, call, redirect);
        return;
    case REDIS_ADVICE_SLOTS:
        kv_redis_want_map(cluster);
        route_later(cluster, call);
        return;
    case REDIS_ADVICE_AGAIN:
    case REDIS_ADVICE_NONE:
        route_later(cluster, call);
        return;
    }
}

static void on_lost(struct redis_node *node, struct redis_call *call)
{
    route_later(node->owner, call);
}

static void on_answered(struct redis_node *node, struct redis_call *call, const redisReply *reply)
{
    note_end(node->owner);
    call->done(call, REDIS_ANSWERED, reply);
}

static void on_ended(struct redis_node *node, struct redis_call *call, enum redis_outcome outcome)
{
    kv_redis_route_end(node->owner, call, outcome);
}

const struct redis_node_events kv_redis_node_events = {
    .up = on_up,
    .down = on_down,
    .refused = on_refused,
    .lost = on_lost,
    .answered = on_answered,
    .ended = on_ended,
};

/* --- the map has changed ------------------------------------------------------------------------------- */

/* Moves the calls that wait for a node and belong to another one by now. */
static void leave(struct redis_cluster *cluster, const struct redis_node *node,
                  const struct redis_list *waiting)
{
    struct redis_call *next;

    for (struct redis_call *call = waiting->head; call; call = next) {
        next = call->own.next;
        if (call->own.is_hasty || (call->node ? node->slots > 0 : node_for(cluster, call) == node))
            continue;
        kv_redis_list_remove(call);
        if (call->node)
            kv_redis_route_end(cluster, call, REDIS_UNAVAILABLE);
        else
            route(cluster, call);
    }
}

void kv_redis_route_again(struct redis_cluster *cluster)
{
    size_t left = cluster->homeless.count;

    for (struct redis_node *node = cluster->map.nodes; node; node = node->next) {
        leave(cluster, node, &node->waiting);
        if (node->writes)
            leave(cluster, node, &node->writes->waiting);
    }
    for (size_t i = 0; i < cluster->map.master_count; i++)
        kv_redis_link_open(&cluster->map.masters[i]->link);
    for (; left > 0; left--)
        route(cluster, kv_redis_list_take(&cluster->homeless));
    weft_loop_defer(cluster->loop, &cluster->tick);
    tell_change(cluster);
}

/* --- time ---------------------------------------------------------------------------------------------- */

static void expire_list(struct redis_cluster *cluster, struct redis_list *list, int64_t now,
                        bool is_sent)
{
    struct redis_call *next;

    for (struct redis_call *call = list->head; call; call = next) {
        next = call->own.next;
        if (call->own.deadline > now) {
            wake_at(cluster, call->own.deadline);
            continue;
        }
        kv_redis_list_remove(call);
        weft_free(call->own.reply);
        call->own.reply = NULL;
        kv_redis_route_end(cluster, call, is_sent ? REDIS_UNKNOWN : REDIS_UNAVAILABLE);
    }
}

static void expire_ring(struct redis_cluster *cluster, struct redis_ring *ring, int64_t now)
{
    for (uint64_t i = ring->head; i != ring->tail; i++) {
        struct redis_expected *due = kv_redis_ring_at(ring, i);
        struct redis_call *call = due->call;
        if (call && call->own.deadline > now) {
            wake_at(cluster, call->own.deadline);
        } else if (call) {
            due->call = NULL;
            kv_redis_route_end(cluster, call, call->write ? REDIS_UNKNOWN : REDIS_UNAVAILABLE);
        }
    }
}

static void expire_node(struct redis_cluster *cluster, struct redis_node *node, int64_t now)
{
    expire_list(cluster, &node->waiting, now, false);
    expire_list(cluster, &node->first, now, false);
    expire_list(cluster, &node->held, now, true);
    expire_ring(cluster, &node->ring, now);
}

static void try_again(struct redis_cluster *cluster, int64_t now)
{
    struct redis_call *next;

    for (struct redis_call *call = cluster->delayed.head; call; call = next) {
        next = call->own.next;
        if (call->own.due > now) {
            wake_at(cluster, call->own.due);
            continue;
        }
        kv_redis_list_remove(call);
        route(cluster, call);
    }
}

/* Looks at all calls. It is rare: the timer is set to the first deadline there was, which hardly any call
 * reaches, so it fires about once per timeout. */
static void on_timer(struct weft_timer *timer)
{
    struct redis_cluster *cluster = weft_container_of(timer, struct redis_cluster, timer);
    const int64_t now = weft_loop_now(cluster->loop);

    cluster->wake = INT64_MAX;
    expire_list(cluster, &cluster->homeless, now, false);
    expire_list(cluster, &cluster->delayed, now, false);
    for (struct redis_node *node = cluster->map.nodes; node; node = node->next) {
        expire_node(cluster, node, now);
        if (node->writes)
            expire_node(cluster, node->writes, now);
    }
    try_again(cluster, now);
}

void kv_redis_route_init(struct redis_cluster *cluster)
{
    cluster->wake = INT64_MAX;
    cluster->timer.fire = on_timer;
}
