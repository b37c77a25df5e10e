/* SPDX-License-Identifier: MIT */
#include "redis_stand_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "redis_server.h"
#include "services/kv/stores/redis/subscription.h"

enum { SENT_MAX = 256 };

static struct {
    struct redis_server redis;
    redisContext *context;
    struct redis_stand_in_plan plan;
    struct redis_subscription *subscriptions; /* of all clients */
    atomic_size_t calls;
    atomic_uint connects;
} server;

struct redis_shared {
    int nothing;
};

struct redis_node {
    uint64_t mark;
};

struct redis_cluster {
    struct weft_loop *loop;
    struct redis_hooks hooks;
    redisContext *context;
    struct redis_call *first, **last;
    struct weft_deferred deferred;
    struct redis_node node;
    unsigned connects;
    struct redis_call *stuck;          /* calls that are never answered */
    redisReply *answer;                /* of the call that is done now */
    struct redis_call *sent[SENT_MAX]; /* NULL: it was cancelled */
    size_t sent_count;
};

/* --- the server ------------------------------------------------------------------------------------ */

static redisContext *connect_here(void)
{
    redisContext *context = redisConnect("127.0.0.1", server.redis.port);
    if (!context || context->err)
        abort();
    return context;
}

void redis_stand_in_begin(void)
{
    redis_server_start(&server.redis, NULL);
    server.context = connect_here();
    atomic_store(&server.connects, 1);
}

void redis_stand_in_end(void)
{
    redisFree(server.context);
    redis_server_stop(&server.redis);
}

redisReply *redis_stand_in_command(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    redisReply *reply = redisvCommand(server.context, format, list);
    va_end(list);
    assert_non_null(reply);
    return reply;
}

void redis_stand_in_plan(const struct redis_stand_in_plan *plan)
{
    server.plan = *plan;
}

size_t redis_stand_in_calls(void)
{
    return atomic_exchange(&server.calls, 0);
}

void redis_stand_in_reconnect(void)
{
    atomic_fetch_add(&server.connects, 1);
}

/* Patterns end in their only star. */
static bool is_for(const struct redis_subscription *subscription, struct weft_view channel)
{
    size_t head = subscription->name.size - 1;
    assert_true(subscription->is_pattern && subscription->name.data[head] == '*');
    return channel.size >= head && memcmp(channel.data, subscription->name.data, head) == 0;
}

void redis_stand_in_tell(struct weft_view channel, struct weft_view payload)
{
    struct redis_subscription *subscription = server.subscriptions;
    for (; subscription; subscription = subscription->own.next)
        if (is_for(subscription, channel))
            subscription->message(subscription, channel, payload);
}

void redis_stand_in_begin_again(void)
{
    struct redis_subscription *subscription = server.subscriptions;
    for (; subscription; subscription = subscription->own.next)
        subscription->begun(subscription);
}

/* --- the client ------------------------------------------------------------------------------------ */

int kv_redis_shared_new(struct redis_shared **shared, const struct kv_store_options *options,
                        bool single, struct weft_error *error)
{
    (void)options;
    (void)single;
    (void)error;
    *shared = calloc(1, sizeof **shared);
    return *shared ? 0 : -1;
}

int kv_redis_check(struct redis_shared *shared, struct weft_error *error)
{
    (void)shared;
    (void)error;
    return 0;
}

void kv_redis_shared_free(struct redis_shared *shared)
{
    free(shared);
}

void kv_redis_collect(struct redis_shared *shared, struct weft_samples *samples)
{
    (void)shared;
    (void)samples;
}

int64_t kv_redis_timeout(const struct redis_shared *shared)
{
    (void)shared;
    return REDIS_STAND_IN_TIMEOUT;
}

static void take_out(struct redis_cluster *cluster, struct redis_call *call)
{
    *call->own.link = call->own.next;
    if (call->own.next)
        call->own.next->own.link = call->own.link;
    else if (cluster->last == &call->own.next)
        cluster->last = call->own.link;
    call->own.link = NULL;
}

static bool is_planned(const struct redis_call *call)
{
    struct redis_stand_in_plan *plan = &server.plan;
    if (plan->count == 0)
        return false;
    if (plan->only && !weft_view_equal(call->args[0], weft_view_str(plan->only)) &&
        !weft_view_equal(call->args[1], weft_view_str(plan->only)))
        return false;
    if (plan->after > 0) {
        plan->after--;
        return false;
    }
    plan->count--;
    return true;
}

static void send(struct redis_cluster *cluster, const struct redis_call *call)
{
    const char **argv = calloc(call->count, sizeof *argv);
    size_t *sizes = calloc(call->count, sizeof *sizes);
    if (!argv || !sizes)
        abort();
    for (size_t i = 0; i < call->count; i++) {
        argv[i] = call->args[i].data ? (const char *)call->args[i].data : "";
        sizes[i] = call->args[i].size;
    }
    if (redisAppendCommandArgv(cluster->context, (int)call->count, argv, sizes) != REDIS_OK)
        abort();
    free(argv);
    free(sizes);
}

static redisReply *receive(struct redis_cluster *cluster)
{
    void *reply;
    if (redisGetReply(cluster->context, &reply) != REDIS_OK)
        abort();
    return reply;
}

static redisReply *planned_reply(const struct redis_stand_in_plan *plan)
{
    const char *text = plan->error ? plan->error : plan->text;
    redisReply *reply = calloc(1, sizeof *reply);
    if (!reply)
        abort();
    reply->type = plan->error ? REDIS_REPLY_ERROR : REDIS_REPLY_STRING;
    reply->str = strdup(text);
    reply->len = strlen(text);
    return reply;
}

static void finish(struct redis_cluster *cluster, struct redis_call *call,
                   enum redis_outcome outcome, redisReply *reply)
{
    atomic_fetch_add(&server.calls, 1);
    call->own.node = outcome == REDIS_ANSWERED ? &cluster->node : NULL;
    call->done(call, outcome, reply);
    freeReplyObject(reply);
}

/* Keeps a call that is never answered. */
static void get_stuck(struct redis_cluster *cluster, struct redis_call *call)
{
    call->own.next = cluster->stuck;
    call->own.link = &cluster->stuck;
    if (cluster->stuck)
        cluster->stuck->own.link = &call->own.next;
    cluster->stuck = call;
}

/* A call that the plan is about. */
static void answer_as_planned(struct redis_cluster *cluster, struct redis_call *call)
{
    const struct redis_stand_in_plan plan = server.plan;
    redisReply *reply = NULL;
    if (plan.before)
        plan.before();
    if (plan.before || plan.execute) {
        send(cluster, call);
        reply = receive(cluster);
    }
    if (plan.before) {
        finish(cluster, call, REDIS_ANSWERED, reply);
        return;
    }
    freeReplyObject(reply);
    if (plan.outcome != REDIS_ANSWERED)
        finish(cluster, call, plan.outcome, NULL);
    else if (plan.error || plan.text)
        finish(cluster, call, REDIS_ANSWERED, planned_reply(&plan));
    else
        get_stuck(cluster, call);
}

/* The server has no connection that has subscribed, so what is published is told here. */
static void pass_on(const struct redis_call *call)
{
    if (call->count == 3 && weft_view_equal(call->args[0], weft_view_str("PUBLISH")))
        redis_stand_in_tell(call->args[1], call->args[2]);
}

/* Sends the calls that wait, up to one of which the plan is about, and then answers them. */
static void answer_some(struct redis_cluster *cluster)
{
    struct redis_call *planned = NULL;
    while (cluster->first && !planned && cluster->sent_count < SENT_MAX) {
        struct redis_call *call = cluster->first;
        take_out(cluster, call);
        if (is_planned(call)) {
            planned = call;
        } else {
            send(cluster, call);
            cluster->sent[cluster->sent_count++] = call;
        }
    }
    for (size_t i = 0; i < cluster->sent_count; i++) {
        redisReply *reply = receive(cluster);
        struct redis_call *call = cluster->sent[i];
        cluster->sent[i] = NULL;
        if (call) {
            pass_on(call);
            finish(cluster, call, REDIS_ANSWERED, reply);
        } else {
            freeReplyObject(reply);
        }
    }
    cluster->sent_count = 0;
    if (planned)
        answer_as_planned(cluster, planned);
}

/* The calls that node_up submits go before all that wait. */
static void come_up(struct redis_cluster *cluster)
{
    struct redis_call *waiting = cluster->first, **end = cluster->last;
    cluster->connects = atomic_load(&server.connects);
    cluster->first = NULL;
    cluster->last = &cluster->first;
    cluster->hooks.node_up(cluster->hooks.arg, &cluster->node);
    *cluster->last = waiting;
    if (waiting) {
        waiting->own.link = cluster->last;
        cluster->last = end;
    }
}

static void run(struct weft_deferred *deferred)
{
    struct redis_cluster *cluster = weft_container_of(deferred, struct redis_cluster, deferred);
    if (cluster->connects != atomic_load(&server.connects))
        come_up(cluster);
    answer_some(cluster);
    if (cluster->first)
        weft_loop_defer(cluster->loop, &cluster->deferred);
}

int kv_redis_start(struct redis_cluster **result, struct redis_shared *shared,
                   struct weft_loop *loop, const struct redis_hooks *hooks)
{
    (void)shared;
    struct redis_cluster *cluster = calloc(1, sizeof *cluster);
    if (!cluster)
        abort();
    cluster->loop = loop;
    cluster->hooks = *hooks;
    cluster->last = &cluster->first;
    cluster->deferred.run = run;
    cluster->context = connect_here();
    *result = cluster;
    return 0;
}

void kv_redis_stop(struct redis_cluster *cluster)
{
    if (!cluster)
        return;
    weft_deferred_cancel(&cluster->deferred);
    while (cluster->first || cluster->stuck) {
        struct redis_call *call = cluster->first ? cluster->first : cluster->stuck;
        take_out(cluster, call);
        call->done(call, call->write ? REDIS_UNKNOWN : REDIS_UNAVAILABLE, NULL);
    }
    redisFree(cluster->context);
    free(cluster);
}

void kv_redis_submit(struct redis_cluster *cluster, struct redis_call *call)
{
    call->own.next = NULL;
    call->own.node = NULL;
    call->own.link = cluster->last;
    *cluster->last = call;
    cluster->last = &call->own.next;
    weft_loop_defer(cluster->loop, &cluster->deferred);
}

bool kv_redis_cancel(struct redis_cluster *cluster, struct redis_call *call)
{
    for (size_t i = 0; i < cluster->sent_count; i++) {
        if (cluster->sent[i] == call) {
            cluster->sent[i] = NULL;
            return call->write;
        }
    }
    take_out(cluster, call);
    return false;
}

unsigned kv_redis_database(const struct redis_shared *shared)
{
    (void)shared;
    return 0;
}

void kv_redis_subscribe(struct redis_cluster *cluster, struct redis_subscription *subscription)
{
    (void)cluster;
    subscription->own.next = server.subscriptions;
    server.subscriptions = subscription;
}

void kv_redis_unsubscribe(struct redis_cluster *cluster, struct redis_subscription *subscription)
{
    struct redis_subscription **at = &server.subscriptions;
    (void)cluster;
    while (*at != subscription)
        at = &(*at)->own.next;
    *at = subscription->own.next;
}

struct redis_node *kv_redis_answered_by(const struct redis_call *call)
{
    return call->own.node;
}

uint64_t *kv_redis_node_mark(struct redis_node *node)
{
    return &node->mark;
}

/* --- the store ------------------------------------------------------------------------------------- */

static struct weft_option_value values[] = {{"buckets", NULL}};
static const struct weft_option_set set = {values, 1};
static const struct kv_store *inside;

static int init(void *store, const struct kv_store_options *options, struct weft_error *error)
{
    struct kv_store_options own = *options;
    own.where = "//127.0.0.1:1";
    own.set = &set;
    freeReplyObject(redis_stand_in_command("FLUSHALL"));
    server.plan = (struct redis_stand_in_plan){0};
    return inside->init(store, &own, error);
}

const struct kv_store *redis_stand_in_store(const struct kv_store *store, const char *buckets)
{
    static struct kv_store made;
    inside = store;
    values[0].value = buckets;
    made = *store;
    made.init = init;
    return &made;
}
