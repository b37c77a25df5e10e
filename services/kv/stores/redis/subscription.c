/* SPDX-License-Identifier: MIT */
#include "cluster.h"
#include "core/base/compiler.h"

static struct redis_cluster *cluster_of(struct redis_link *link)
{
    return weft_container_of(link, struct redis_cluster, subscriber.link);
}

/* Returns the name of a command or of a message about channels, or about patterns. */
static const char *word(const char *of_channels, const char *of_patterns, bool is_pattern)
{
    return is_pattern ? of_patterns : of_channels;
}

static int send(struct redis_cluster *cluster, const char *command, struct weft_view name)
{
    const struct weft_view words[] = {weft_view_str(command), name};

    return kv_redis_link_send(&cluster->subscriber.link, words, 2, 1);
}

/* Asks for those that were not asked for yet. What there is no memory for is asked for when the timer fires. */
static void on_fill(struct redis_link *link)
{
    struct redis_cluster *cluster = cluster_of(link);
    struct redis_subscription *subscription = cluster->subscriber.list;

    if (cluster->subscriber.is_refused)
        return;
    for (; subscription; subscription = subscription->own.next) {
        const char *command = word("SUBSCRIBE", "PSUBSCRIBE", subscription->is_pattern);
        if (subscription->own.is_asked)
            continue;
        if (!kv_redis_link_has_room(link) || send(cluster, command, subscription->name) < 0)
            break;
        subscription->own.is_asked = true;
    }
}

static void on_up(struct redis_link *link)
{
    (void)link;
}

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

static struct weft_view view_of(const redisReply *reply)
{
    return weft_view(reply->str, reply->len);
}

/* Calls the subscriptions of a name: with a message, or, if there is none, those that are in force now. A callback may
 * unsubscribe any of them. */
static void tell(struct redis_cluster *cluster, bool is_pattern, struct weft_view name,
                 const redisReply *channel, const redisReply *payload)
{
    struct redis_subscriber *subscriber = &cluster->subscriber;

    subscriber->cursor = subscriber->list;
    while (subscriber->cursor) {
        struct redis_subscription *subscription = subscriber->cursor;
        subscriber->cursor = subscription->own.next;
        if (subscription->is_pattern != is_pattern || !weft_view_equal(subscription->name, name))
            continue;
        if (payload && subscription->own.is_in_force) {
            subscription->message(subscription, view_of(channel), view_of(payload));
        } else if (!payload && subscription->own.is_asked && !subscription->own.is_in_force) {
            subscription->own.is_in_force = true;
            subscriber->was_refused = false;
            subscription->begun(subscription);
        }
    }
}

/* The user may not subscribe. So those that are not in force are asked for again when the timer fires: to connect anew
 * would not help. */
static void be_refused(struct redis_cluster *cluster, const char *why)
{
    struct redis_subscriber *subscriber = &cluster->subscriber;
    struct redis_subscription *subscription = subscriber->list;
    char quoted[WEFT_LOG_QUOTE_TEXT];

    if (!subscriber->was_refused)
        weft_log_write(cluster->shared->log, WEFT_LOG_WARN, "redis-refused",
                       "node=%s for=messages why=%s", subscriber->link.name,
                       weft_log_quote(weft_view_str(why), quoted));
    subscriber->is_refused = subscriber->was_refused = true;
    for (; subscription; subscription = subscription->own.next)
        subscription->own.is_asked = subscription->own.is_in_force;
}

static void on_answer(struct redis_link *link, redisReply *reply)
{
    struct redis_cluster *cluster = cluster_of(link);
    redisReply **of = reply->element;

    if (reply->type == REDIS_REPLY_ERROR) {
        if (strncmp(reply->str, "NOPERM", 6) == 0)
            be_refused(cluster, reply->str);
        else
            kv_redis_link_break(link, reply->str);
        return;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 || !is_text(of[0]) ||
        !is_text(of[1]))
        return;
    const char *kind = of[0]->str;
    if (strcmp(kind, "message") == 0 && reply->elements == 3 && is_text(of[2]))
        tell(cluster, false, view_of(of[1]), of[1], of[2]);
    else if (strcmp(kind, "pmessage") == 0 && reply->elements == 4 && is_text(of[2]) &&
             is_text(of[3]))
        tell(cluster, true, view_of(of[1]), of[2], of[3]);
    else if (strcmp(kind, "subscribe") == 0 || strcmp(kind, "psubscribe") == 0)
        tell(cluster, *kind == 'p', view_of(of[1]), NULL, NULL);
}

/* Has the link connect to another node next time: a master that is connected, if there is one. */
static void choose_node(struct redis_cluster *cluster)
{
    struct redis_subscriber *subscriber = &cluster->subscriber;
    const struct redis_map *map = &cluster->map;
    const struct redis_shared *shared = cluster->shared;
    const struct redis_seed *seed = &shared->seeds[subscriber->turn++ % shared->seed_count];
    const char *host = seed->host;
    uint16_t port = seed->port;

    for (size_t i = 0; i < map->master_count; i++) {
        const struct redis_node *node = map->masters[(subscriber->turn + i) % map->master_count];
        if (node->link.state == REDIS_LINK_UP) {
            host = node->link.host;
            port = node->link.port;
            break;
        }
    }
    kv_redis_link_move(&subscriber->link, host, port);
}

static void on_down(struct redis_link *link)
{
    struct redis_cluster *cluster = cluster_of(link);
    struct redis_subscription *subscription = cluster->subscriber.list;

    for (; subscription; subscription = subscription->own.next)
        subscription->own.is_asked = subscription->own.is_in_force = false;
    choose_node(cluster);
    kv_redis_want_map(cluster);
}

static bool is_master(const struct redis_cluster *cluster, const struct redis_link *link)
{
    const struct redis_map *map = &cluster->map;

    for (size_t i = 0; i < map->master_count; i++)
        if (map->masters[i]->link.port == link->port &&
            strcmp(map->masters[i]->link.host, link->host) == 0)
            return true;
    return map->master_count == 0;
}

/* A node that has left the cluster gets no messages and does not say so. */
static void on_timer(struct weft_timer *timer)
{
    const struct weft_view ping = weft_view_str("PING");
    struct redis_cluster *cluster =
        weft_container_of(timer, struct redis_cluster, subscriber.timer);
    struct redis_subscriber *subscriber = &cluster->subscriber;

    if (!subscriber->list) {
        kv_redis_link_close(&subscriber->link);
        return;
    }
    if (subscriber->link.state == REDIS_LINK_UP && !is_master(cluster, &subscriber->link))
        kv_redis_link_break(&subscriber->link, "it is no master any more");
    else if (subscriber->link.state == REDIS_LINK_UP && subscriber->link.expected == 0 &&
             kv_redis_link_send(&subscriber->link, &ping, 1, 1) < 0)
        kv_redis_link_break(&subscriber->link, "there is no memory");
    subscriber->is_refused = false;
    kv_redis_link_wake(&subscriber->link);
    weft_loop_after(cluster->loop, timer, cluster->subscriber.link.silence);
}

static const struct redis_link_events events = {
    .up = on_up,
    .fill = on_fill,
    .answer = on_answer,
    .down = on_down,
};

void kv_redis_subscriber_init(struct redis_cluster *cluster)
{
    struct redis_subscriber *subscriber = &cluster->subscriber;

    subscriber->timer.fire = on_timer;
    subscriber->turn = (size_t)kv_redis_random(&cluster->random, UINT16_MAX);
    subscriber->link = cluster->map.model.link;
    subscriber->link.events = &events;
    subscriber->link.purpose = "messages";
    kv_redis_link_init(&subscriber->link);
}

void kv_redis_subscriber_stop(struct redis_cluster *cluster)
{
    weft_timer_stop(&cluster->subscriber.timer);
    kv_redis_link_close(&cluster->subscriber.link);
    for (struct redis_subscription *left = cluster->subscriber.list; left; left = left->own.next)
        left->own.link = NULL;
}

void kv_redis_subscribe(struct redis_cluster *cluster, struct redis_subscription *subscription)
{
    struct redis_subscriber *subscriber = &cluster->subscriber;

    subscription->own.is_asked = subscription->own.is_in_force = false;
    subscription->own.next = subscriber->list;
    subscription->own.link = &subscriber->list;
    if (subscriber->list)
        subscriber->list->own.link = &subscription->own.next;
    subscriber->list = subscription;
    if (subscriber->link.state == REDIS_LINK_CLOSED) {
        choose_node(cluster);
        kv_redis_link_open(&subscriber->link);
    }
    if (!weft_timer_is_armed(&subscriber->timer))
        weft_loop_after(cluster->loop, &subscriber->timer, cluster->subscriber.link.silence);
    kv_redis_link_wake(&subscriber->link);
}

static bool has_twin(const struct redis_cluster *cluster, const struct redis_subscription *gone)
{
    const struct redis_subscription *other = cluster->subscriber.list;

    while (other &&
           (other->is_pattern != gone->is_pattern || !weft_view_equal(other->name, gone->name)))
        other = other->own.next;
    return other != NULL;
}

void kv_redis_unsubscribe(struct redis_cluster *cluster, struct redis_subscription *subscription)
{
    struct redis_subscriber *subscriber = &cluster->subscriber;

    if (!subscription->own.link)
        return;
    if (subscriber->cursor == subscription)
        subscriber->cursor = subscription->own.next;
    *subscription->own.link = subscription->own.next;
    if (subscription->own.next)
        subscription->own.next->own.link = subscription->own.link;
    subscription->own.link = NULL;
    /* If there is no memory for the command, messages still come, and are dropped. */
    if (subscription->own.is_asked && !has_twin(cluster, subscription))
        (void)send(cluster, word("UNSUBSCRIBE", "PUNSUBSCRIBE", subscription->is_pattern),
                   subscription->name);
    kv_redis_link_wake(&subscriber->link);
}
