/* SPDX-License-Identifier: MIT
 *
 * Which node serves which slot, and the list of all nodes that a loop knows. */
#ifndef KV_REDIS_MAP_H
#define KV_REDIS_MAP_H

#include "node.h"

struct redis_map {
    struct redis_node *slots[REDIS_SLOTS]; /* NULL: nobody is known */
    struct redis_node *nodes;
    size_t node_count;
    struct redis_node **masters; /* those that serve slots; room for all nodes */
    size_t master_count, master_capacity;
    uint64_t epoch;
    /* A new node begins as a copy of this. */
    struct redis_node model;
};

/* Returns the node of a host and a port, which is made if it is not known; NULL: no memory. */
WEFT_MUST_USE struct redis_node *kv_redis_map_node(struct redis_map *map, const char *host,
                                                   uint16_t port);
/* Gives a slot to a node. Cannot fail. */
void kv_redis_map_set(struct redis_map *map, unsigned slot, struct redis_node *node);
/* Gives all slots to a node. */
void kv_redis_map_set_all(struct redis_map *map, struct redis_node *node);
/* Reads an answer to CLUSTER SLOTS, which `asked` gave, and takes it over. Returns 1 if a slot has got another master, 0 if
 * all is as it was, -EPROTO if the answer has another form, or -ENOMEM; then nothing has changed. */
WEFT_MUST_USE int kv_redis_map_read(struct redis_map *map, const redisReply *reply,
                                    const struct redis_node *asked);
/* Frees the nodes that serve no slots and owe nothing. */
void kv_redis_map_sweep(struct redis_map *map);
/* Frees all. The calls that are left end. */
void kv_redis_map_fini(struct redis_map *map);

#endif
