/* SPDX-License-Identifier: MIT */
#include "loads.h"

#include "core/base/compiler.h"

enum { CALLS = KV_REDIS_SCRIPTS + 1, ARGS = 3, RUN_ID = 40 };

struct load {
    struct redis_call call;
    struct kv_redis_loads *loads;
    struct weft_view args[ARGS];
};

struct kv_redis_loads {
    struct kv_redis_loads *next, **link;
    struct redis_node *node;
    size_t pending;
    struct load calls[CALLS];
};

static void unlink_loads(struct kv_redis_loads *loads)
{
    *loads->link = loads->next;
    if (loads->next)
        loads->next->link = loads->link;
}

static void over(struct load *load)
{
    struct kv_redis_loads *loads = load->loads;
    if (--loads->pending > 0)
        return;
    unlink_loads(loads);
    weft_free(loads);
}

static void loaded(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply)
{
    /* If a node has refused a script, whoever uses that gets the refusal. */
    (void)outcome;
    (void)reply;
    over(weft_container_of(call, struct load, call));
}

/* Finds "run_id:" and its 40 digits among the lines of INFO. */
static uint64_t find_process(const redisReply *reply)
{
    static const char name[] = "run_id:";
    if (reply->type != REDIS_REPLY_STRING)
        return 0;
    const char *at = strstr(reply->str, name);
    if (!at || strlen(at) < sizeof name - 1 + RUN_ID)
        return 0;
    return kv_redis_hash(weft_view(at + sizeof name - 1, RUN_ID)) | 1;
}

static void said(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply)
{
    struct load *load = weft_container_of(call, struct load, call);
    if (outcome == REDIS_ANSWERED)
        *kv_redis_node_mark(load->loads->node) = find_process(reply);
    over(load);
}

static void submit(struct kv_redis_loop *loop, struct kv_redis_loads *loads, size_t i, size_t count)
{
    struct load *load = &loads->calls[i];
    load->loads = loads;
    load->call.args = load->args;
    load->call.count = count;
    load->call.slot = REDIS_ANY_SLOT;
    load->call.node = loads->node;
    loads->pending++;
    kv_redis_submit(loop->cluster, &load->call);
}

void kv_redis_node_up(void *arg, struct redis_node *node)
{
    struct kv_redis_loop *loop = arg;
    struct kv_redis_loads *loads = weft_calloc(1, sizeof *loads);
    /* A process that is asked again may be another one. */
    *kv_redis_node_mark(node) = 0;
    if (!loads)
        return;
    loads->node = node;
    loads->next = loop->loads;
    loads->link = &loop->loads;
    if (loads->next)
        loads->next->link = &loads->next;
    loop->loads = loads;
    for (size_t i = 0; i < KV_REDIS_SCRIPTS; i++) {
        struct load *load = &loads->calls[i];
        load->args[0] = weft_view_str("SCRIPT");
        load->args[1] = weft_view_str("LOAD");
        load->args[2] = kv_redis_script((enum kv_redis_script_name)i)->text;
        load->call.done = loaded;
        submit(loop, loads, i, 3);
    }
    struct load *last = &loads->calls[KV_REDIS_SCRIPTS];
    last->args[0] = weft_view_str("INFO");
    last->args[1] = weft_view_str("server");
    last->call.done = said;
    submit(loop, loads, KV_REDIS_SCRIPTS, 2);
}

uint64_t kv_redis_process_of(const struct redis_call *call)
{
    return *kv_redis_node_mark(kv_redis_answered_by(call));
}
