/* SPDX-License-Identifier: MIT
 *
 * A node with its connection, the calls that wait for it and those that it owes answers. It knows no other node: what an
 * answer says about another one is for its owner.
 *
 *      first, waiting  ->  ring (sent)  ->  held, until a WAIT is answered  ->  done
 *
 * `first` are those of the hook node_up.
 *
 * WAIT stops its connection until the replicas have answered. Writes that need it therefore have a connection of their own,
 * which is that of a second struct, `writes`; else a replica that is slow or gone would delay the reads of its master. */
#ifndef KV_REDIS_NODE_H
#define KV_REDIS_NODE_H

#include "calls.h"
#include "link.h"

struct redis_node_events {
    /* The node has accepted the password, and nothing was sent since. */
    void (*up)(struct redis_node *node);
    void (*down)(struct redis_node *node);
    /* The node refused a call, and nothing took effect. It is in no list. */
    void (*refused)(struct redis_node *node, struct redis_call *call,
                    const struct redis_redirect *redirect);
    /* The connection broke, and a call has to be routed again: nothing of it took effect, or it is a read. It is in no
     * list. */
    void (*lost)(struct redis_node *node, struct redis_call *call);
    /* A call was answered. It is in no list, and the reply is valid until this returns. */
    void (*answered)(struct redis_node *node, struct redis_call *call, const redisReply *reply);
    /* A call is over, without an answer. It is in no list. */
    void (*ended)(struct redis_node *node, struct redis_call *call, enum redis_outcome outcome);
};

struct redis_node {
    struct redis_link link;
    const struct redis_node_events *events;
    void *owner;
    struct redis_node *next; /* the owner's list */
    unsigned slots;          /* in the owner's map */
    bool in_hook;            /* calls go to `first` */
    struct redis_list first, waiting, held;
    struct redis_ring ring;
    uint64_t loaded;           /* the place behind the last call of the hook */
    struct redis_node *writes; /* owned; NULL until the first write that needs it */
    struct redis_node *main;   /* of `writes`: the node that has it; else NULL */
    uint64_t mark;             /* kv_redis_node_mark */
};

/* Sets up a node whose link has its fields set, up to random. */
void kv_redis_node_init(struct redis_node *node);
/* Closes the connection. Every call that is left goes to `ended`. */
void kv_redis_node_fini(struct redis_node *node);

/* Adds a call, to be sent when the connection stands, and for a write that waits for replicas, when the calls of the
 * hook are answered as well. Returns 0, or -ENOMEM. */
WEFT_MUST_USE int kv_redis_node_add(struct redis_node *node, struct redis_call *call);
/* Forgets a call that was sent, whose reply is dropped when it comes. */
void kv_redis_node_forget(struct redis_node *node, struct redis_call *call);
/* Returns the number of calls that wait here, or for an answer, those of `writes` included. */
size_t kv_redis_node_load(const struct redis_node *node);

#endif
