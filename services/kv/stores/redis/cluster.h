/* SPDX-License-Identifier: MIT
 *
 * The state of one loop, and the files of this folder, each of which calls only those below it:
 *
 *      cluster.c       the public functions: start, stop, submit, cancel
 *      subscription.c  the connection of the subscriptions
 *      refresh.c       asks for the map of the slots
 *      route.c         where a call goes, first and after it was refused; its deadline
 *      map.c           which node serves a slot
 *      node.c          a node's calls: those that wait and those that were sent
 *      link.c          a connection
 *      reply.c, command.c, calls.c, shared.c, slot.c */
#ifndef KV_REDIS_CLUSTER_H
#define KV_REDIS_CLUSTER_H

#include "map.h"
#include "subscription.h"

struct redis_refresh {
    struct redis_call call;
    struct weft_view args[2];
    struct weft_timer timer;
    bool is_under_way;
    bool is_wanted;     /* since the last one began */
    bool is_known;      /* one has succeeded */
    unsigned fruitless; /* in a row: they failed, or changed nothing */
    size_t turn;        /* so that another node is asked each time */
    int64_t last;       /* when the last one began */
};

struct redis_subscriber {
    struct redis_link link;
    struct redis_subscription *list;
    struct redis_subscription *cursor; /* the next one to be told of a message */
    struct weft_timer timer;           /* asks a silent node for a word */
    size_t turn;
    bool is_refused;  /* nothing is asked for until the timer fires */
    bool was_refused; /* the log says so */
};

struct redis_cluster {
    struct redis_shared *shared;
    struct redis_counts *counts;
    struct weft_loop *loop;
    struct redis_hooks hooks;
    struct weft_piece_pool pool;
    uint64_t random;
    struct redis_map map;
    struct redis_list homeless; /* they wait for a map that has their slots */
    struct redis_list delayed;  /* they are tried again at own.due */
    struct redis_list ended;    /* done is to be called */
    size_t pending;             /* calls that have not ended */
    size_t turn;                /* of the masters, for calls that any of them may execute */
    struct weft_timer timer;    /* of deadlines and of delayed calls */
    int64_t wake;               /* when it fires; INT64_MAX: it does not */
    struct weft_deferred tick;  /* calls done, and frees nodes that are of no more use */
    bool is_stopping;
    struct redis_refresh refresh;
    struct redis_subscriber subscriber;
};

/* route.c */
extern const struct redis_node_events kv_redis_node_events;
/* Sets up the timer and the state of the routes. */
void kv_redis_route_init(struct redis_cluster *cluster);
/* Sends a new call on its way. */
void kv_redis_route_begin(struct redis_cluster *cluster, struct redis_call *call);
/* Takes a call from wherever it is. */
void kv_redis_route_remove(struct redis_cluster *cluster, struct redis_call *call);
/* The map has changed: looks once more at all calls that wait. */
void kv_redis_route_again(struct redis_cluster *cluster);
/* Ends a call that is in no list, without an answer. done is called later. */
void kv_redis_route_end(struct redis_cluster *cluster, struct redis_call *call,
                        enum redis_outcome outcome);
/* Has refresh.c ask for the map soon. */
void kv_redis_want_map(struct redis_cluster *cluster);

/* refresh.c */
void kv_redis_refresh_init(struct redis_cluster *cluster);
void kv_redis_refresh_stop(struct redis_cluster *cluster);

/* subscription.c */
void kv_redis_subscriber_init(struct redis_cluster *cluster);
void kv_redis_subscriber_stop(struct redis_cluster *cluster);

#endif
