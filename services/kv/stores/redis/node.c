/* SPDX-License-Identifier: MIT */
#include "node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

enum {
    IN_FLIGHT_MAX = 4096, /* calls that wait for their answers; the others are not sent yet */
    REPLIES_OF_A_CALL = 3 /* with ASKING before and WAIT behind */
};

static struct redis_node *node_of(struct redis_link *link)
{
    return weft_container_of(link, struct redis_node, link);
}

size_t kv_redis_node_load(const struct redis_node *node)
{
    size_t load = node->first.count + node->waiting.count + node->held.count +
                  kv_redis_ring_count(&node->ring);

    return node->writes ? load + kv_redis_node_load(node->writes) : load;
}

static bool is_to_hold(const struct redis_node *node, const struct redis_call *call)
{
    return call->ack && node->link.shared->ack != REDIS_ACK_MASTER;
}

/* Returns the node that has the connection for writes, which is made if there is none; NULL: no memory. */
static struct redis_node *need_writes(struct redis_node *node)
{
    const struct redis_link *link = &node->link;

    if (node->writes)
        return node->writes;
    struct redis_node *writes = weft_calloc(1, sizeof *writes);
    if (!writes)
        return NULL;
    writes->owner = node->owner;
    writes->events = node->events;
    writes->main = node;
    writes->link =
        (struct redis_link){.shared = link->shared,
                            .counts = link->counts,
                            .loop = link->loop,
                            .pool = link->pool,
                            .random = link->random,
                            .port = link->port,
                            .purpose = "writes",
                            .has_waits = true,
                            .silence = link->silence + (int64_t)link->shared->ack_ms * 1000000};
    memcpy(writes->link.host, link->host, sizeof link->host);
    kv_redis_node_init(writes);
    node->writes = writes;
    return writes;
}

int kv_redis_node_add(struct redis_node *node, struct redis_call *call)
{
    kv_redis_link_open(&node->link);
    if (is_to_hold(node, call)) {
        node = need_writes(node);
        if (!node)
            return -ENOMEM;
        kv_redis_link_open(&node->link);
    }
    call->own.node = node;
    kv_redis_list_add(node->in_hook ? &node->first : &node->waiting, call);
    kv_redis_link_wake(&node->link);
    return 0;
}

void kv_redis_node_forget(struct redis_node *node, struct redis_call *call)
{
    kv_redis_ring_at(&node->ring, call->own.place)->call = NULL;
}

static int send_asking(struct redis_node *node)
{
    const struct weft_view word = weft_view_str("ASKING");
    int err = kv_redis_link_send(&node->link, &word, 1, 1);

    if (err == 0)
        kv_redis_ring_add(&node->ring, REDIS_EXPECTED_OK, NULL, node->link.given);
    return err;
}

static int send_call(struct redis_node *node, struct redis_call *call)
{
    int err = kv_redis_ring_reserve(&node->ring, REPLIES_OF_A_CALL);

    if (err == 0 && call->own.asking)
        err = send_asking(node);
    if (err == 0)
        err = kv_redis_link_send(&node->link, call->args, call->count, 1);
    if (err == 0)
        kv_redis_ring_add(&node->ring, REDIS_EXPECTED_CALL, call, node->link.given);
    return err;
}

/* Asks for the acknowledgement of all writes before. There is room in the ring. */
static int send_wait(struct redis_node *node)
{
    const struct redis_shared *shared = node->link.shared;
    char count[16], ms[16];
    struct weft_view words[4];
    size_t words_count = 0;

    snprintf(count, sizeof count, "%u", shared->ack_replicas);
    snprintf(ms, sizeof ms, "%u", shared->ack_ms);
    words[words_count++] = weft_view_str(shared->ack == REDIS_ACK_FSYNC ? "WAITAOF" : "WAIT");
    if (shared->ack == REDIS_ACK_FSYNC) {
        words[words_count++] = weft_view_str("1");
        words[words_count++] = weft_view_str("0");
    } else {
        words[words_count++] = weft_view_str(count);
    }
    words[words_count++] = weft_view_str(ms);
    int err = kv_redis_link_send(&node->link, words, words_count, 1);
    if (err == 0)
        kv_redis_ring_add(&node->ring, REDIS_EXPECTED_ACK, NULL, node->link.given);
    return err;
}

/* True unless it is `writes` of a node where the scripts are not loaded yet. */
static bool may_send(const struct redis_node *node)
{
    const struct redis_node *main = node->main;

    return !main || (main->link.state == REDIS_LINK_UP && !main->first.head &&
                     main->ring.head >= main->loaded);
}

static void wake_writes(struct redis_node *node)
{
    if (node->writes && may_send(node->writes))
        kv_redis_link_wake(&node->writes->link);
}

/* Sends the calls of the hook and then others, as far as there is room. Returns true if one of them is to be held. */
static bool send_calls(struct redis_node *node)
{
    bool holds = false;

    while (kv_redis_link_has_room(&node->link) &&
           kv_redis_ring_count(&node->ring) < IN_FLIGHT_MAX) {
        bool is_first = node->first.head != NULL;
        struct redis_call *call = kv_redis_list_take(is_first ? &node->first : &node->waiting);
        if (!call)
            break;
        if (send_call(node, call) < 0) {
            node->events->ended(node, call, REDIS_UNAVAILABLE);
            continue;
        }
        holds |= is_to_hold(node, call);
        if (is_first)
            node->loaded = node->ring.tail;
    }
    return holds;
}

static void on_fill(struct redis_link *link)
{
    struct redis_node *node = node_of(link);

    if (!may_send(node))
        return;
    bool had_first = node->first.head != NULL;
    if (send_calls(node) && send_wait(node) < 0)
        kv_redis_link_break(link, "there is no memory");
    if (had_first)
        wake_writes(node);
}

/* Ends the calls that are held. */
static void release(struct redis_node *node, bool acknowledged)
{
    struct redis_call *call;

    while ((call = kv_redis_list_take(&node->held))) {
        redisReply *reply = call->own.reply;
        call->own.reply = NULL;
        if (acknowledged)
            node->events->answered(node, call, reply);
        else
            node->events->ended(node, call, REDIS_UNKNOWN);
        weft_free(reply);
    }
}

/* True if the reply of WAIT (a number of replicas), or of WAITAOF (this node, and its replicas), is enough. */
static bool acknowledges(const struct redis_node *node, const redisReply *reply)
{
    const struct redis_shared *shared = node->link.shared;

    if (shared->ack == REDIS_ACK_FSYNC)
        return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
               reply->element[0]->type == REDIS_REPLY_INTEGER && reply->element[0]->integer >= 1;
    return reply->type == REDIS_REPLY_INTEGER && reply->integer >= (long long)shared->ack_replicas;
}

static void take_answer(struct redis_node *node, struct redis_call *call, const redisReply *reply)
{
    struct redis_redirect redirect = {.advice = REDIS_ADVICE_NONE};

    if (reply->type == REDIS_REPLY_ERROR)
        kv_redis_read_error(&redirect, reply);
    if (call->node &&
        (redirect.advice == REDIS_ADVICE_MOVED || redirect.advice == REDIS_ADVICE_ASK))
        redirect.advice = REDIS_ADVICE_NONE;
    if (redirect.advice != REDIS_ADVICE_NONE) {
        kv_redis_note_trouble(node->link.shared, node->link.name, reply->str);
        node->events->refused(node, call, &redirect);
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR || !is_to_hold(node, call)) {
        node->events->answered(node, call, reply);
        return;
    }
    call->own.reply = kv_redis_reply_copy(reply);
    if (call->own.reply)
        kv_redis_list_add(&node->held, call);
    else
        node->events->ended(node, call, REDIS_UNKNOWN);
}

static void on_answer(struct redis_link *link, redisReply *reply)
{
    struct redis_node *node = node_of(link);

    if (kv_redis_ring_count(&node->ring) == 0) {
        kv_redis_link_break(link, "it sent a reply that nobody asked for");
        return;
    }
    struct redis_expected due = *kv_redis_ring_at(&node->ring, node->ring.head++);
    if (due.kind == REDIS_EXPECTED_ACK)
        release(node, acknowledges(node, reply));
    else if (due.call)
        take_answer(node, due.call, reply);
    if (node->waiting.head || node->first.head)
        kv_redis_link_wake(link);
    if (node->ring.head == node->loaded)
        wake_writes(node);
}

static void on_up(struct redis_link *link)
{
    struct redis_node *node = node_of(link);

    if (node->main)
        return;
    node->events->up(node);
    wake_writes(node);
}

/* Parts the calls that were sent into those that may have taken effect and the others. */
static void empty_ring(struct redis_node *node)
{
    while (kv_redis_ring_count(&node->ring) > 0) {
        struct redis_expected due = *kv_redis_ring_at(&node->ring, node->ring.head++);
        struct redis_call *call = due.call;
        if (!call)
            continue;
        bool is_sent = due.end <= node->link.taken;
        if (is_sent && call->write)
            node->events->ended(node, call, REDIS_UNKNOWN);
        else if (is_sent && call->node)
            node->events->ended(node, call, REDIS_UNAVAILABLE);
        else
            node->events->lost(node, call);
    }
}

static void on_down(struct redis_link *link)
{
    struct redis_node *node = node_of(link);
    struct redis_call *call;

    empty_ring(node);
    release(node, false);
    while ((call = kv_redis_list_take(&node->first)))
        node->events->ended(node, call, REDIS_UNAVAILABLE);
    node->events->down(node);
}

static const struct redis_link_events link_events = {
    .up = on_up,
    .fill = on_fill,
    .answer = on_answer,
    .down = on_down,
};

void kv_redis_node_init(struct redis_node *node)
{
    node->link.events = &link_events;
    kv_redis_link_init(&node->link);
}

void kv_redis_node_fini(struct redis_node *node)
{
    struct redis_call *call;

    if (node->writes) {
        kv_redis_node_fini(node->writes);
        weft_free(node->writes);
    }

    kv_redis_link_close(&node->link);
    while (kv_redis_ring_count(&node->ring) > 0) {
        struct redis_expected due = *kv_redis_ring_at(&node->ring, node->ring.head++);
        if (due.call)
            node->events->ended(node, due.call,
                                due.call->write ? REDIS_UNKNOWN : REDIS_UNAVAILABLE);
    }
    kv_redis_ring_fini(&node->ring);
    release(node, false);
    while ((call = kv_redis_list_take(&node->first)))
        node->events->ended(node, call, REDIS_UNAVAILABLE);
    while ((call = kv_redis_list_take(&node->waiting)))
        node->events->ended(node, call, REDIS_UNAVAILABLE);
}
