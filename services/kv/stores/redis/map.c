/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

static struct redis_node *find(const struct redis_map *map, const char *host, uint16_t port)
{
    struct redis_node *node = map->nodes;

    while (node && (node->link.port != port || strcmp(node->link.host, host) != 0))
        node = node->next;
    return node;
}

static int reserve_masters(struct redis_map *map, size_t count)
{
    enum { FIRST = 16 };

    if (map->master_capacity >= count)
        return 0;
    size_t capacity = map->master_capacity ? 2 * map->master_capacity : FIRST;
    struct redis_node **grown = weft_realloc(map->masters, capacity * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    map->masters = grown;
    map->master_capacity = capacity;
    return 0;
}

struct redis_node *kv_redis_map_node(struct redis_map *map, const char *host, uint16_t port)
{
    struct redis_node *node = find(map, host, port);

    if (node)
        return node;
    if (reserve_masters(map, map->node_count + 1) < 0)
        return NULL;
    node = weft_malloc(sizeof *node);
    if (!node)
        return NULL;
    *node = map->model;
    snprintf(node->link.host, sizeof node->link.host, "%s", host);
    node->link.port = port;
    kv_redis_node_init(node);
    node->next = map->nodes;
    map->nodes = node;
    map->node_count++;
    return node;
}

static void list_masters(struct redis_map *map)
{
    struct redis_counts *counts = map->model.link.counts;
    size_t before = map->master_count;

    map->master_count = 0;
    for (struct redis_node *node = map->nodes; node; node = node->next)
        if (node->slots > 0)
            map->masters[map->master_count++] = node;
    kv_redis_count(&counts->masters, (uint64_t)map->master_count - (uint64_t)before);
}

void kv_redis_map_set(struct redis_map *map, unsigned slot, struct redis_node *node)
{
    struct redis_node *before = map->slots[slot];

    if (before == node)
        return;
    map->slots[slot] = node;
    map->epoch++;
    node->slots++;
    if (before)
        before->slots--;
    if (node->slots == 1 || (before && before->slots == 0))
        list_masters(map);
}

void kv_redis_map_set_all(struct redis_map *map, struct redis_node *node)
{
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++)
        map->slots[slot] = node;
    node->slots = REDIS_SLOTS;
    map->epoch++;
    list_masters(map);
}

/* Returns the value of a name in the list of names and values about a node that 7.0 gives, or NULL. */
static const redisReply *find_metadata(const redisReply *list, const char *name)
{
    for (size_t i = 0; list->type == REDIS_REPLY_ARRAY && i + 1 < list->elements; i += 2) {
        const redisReply *key = list->element[i], *value = list->element[i + 1];
        if (key->type == REDIS_REPLY_STRING && strcmp(key->str, name) == 0 &&
            value->type == REDIS_REPLY_STRING)
            return value;
    }
    return NULL;
}

/* Returns the host in the description of a node: an address or a name. A node that does not know its own says nothing, and
 * then it is that of the node that was asked. "?" stands for a name that is not set; there is an address beside it.
 * NULL: the form is wrong. */
static const char *read_host(const redisReply *about, const struct redis_node *asked)
{
    const redisReply *host = about->element[0];

    if (host->type == REDIS_REPLY_STRING && strcmp(host->str, "?") == 0)
        host = about->elements > 3 ? find_metadata(about->element[3], "ip") : NULL;
    if (!host || host->type == REDIS_REPLY_NIL ||
        (host->type == REDIS_REPLY_STRING && host->len == 0))
        return asked->link.host;
    if (host->type != REDIS_REPLY_STRING || host->len >= REDIS_HOST_MAX ||
        strlen(host->str) != host->len || strpbrk(host->str, "/@%?&[]\\ \t\r\n"))
        return NULL;
    return host->str;
}

static bool is_number(const redisReply *reply, long long most)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0 && reply->integer <= most;
}

/* Reads one range: first slot, last slot, the master, and its replicas, which are left out. */
static int read_range(struct redis_map *map, struct redis_node **slots, const redisReply *range,
                      const struct redis_node *asked)
{
    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
        !is_number(range->element[0], REDIS_SLOTS - 1) ||
        !is_number(range->element[1], REDIS_SLOTS - 1))
        return -EPROTO;
    const redisReply *about = range->element[2];
    if (about->type != REDIS_REPLY_ARRAY || about->elements < 2 ||
        !is_number(about->element[1], UINT16_MAX))
        return -EPROTO;
    const char *host = read_host(about, asked);
    if (!host)
        return -EPROTO;
    if (about->element[1]->integer == 0)
        return 0; /* it has no port for connections of this kind */
    struct redis_node *node = kv_redis_map_node(map, host, (uint16_t)about->element[1]->integer);
    if (!node)
        return -ENOMEM;
    for (long long slot = range->element[0]->integer; slot <= range->element[1]->integer; slot++)
        slots[slot] = node;
    return 0;
}

/* Takes a new map over. Slots that it does not have keep their masters: who serves them is not known at present. */
static int take_over(struct redis_map *map, struct redis_node **slots)
{
    bool has_changed = false;

    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        struct redis_node *before = map->slots[slot];
        if (!slots[slot] || slots[slot] == before)
            continue;
        has_changed = true;
        map->slots[slot] = slots[slot];
        slots[slot]->slots++;
        if (before)
            before->slots--;
    }
    if (has_changed) {
        map->epoch++;
        list_masters(map);
    }
    return has_changed;
}

int kv_redis_map_read(struct redis_map *map, const redisReply *reply,
                      const struct redis_node *asked)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return -EPROTO;
    struct redis_node **slots = weft_calloc(REDIS_SLOTS, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    int err = 0;
    for (size_t i = 0; i < reply->elements && err == 0; i++)
        err = read_range(map, slots, reply->element[i], asked);
    if (err == 0)
        err = take_over(map, slots);
    weft_free(slots);
    return err;
}

static void free_node(struct redis_map *map, struct redis_node **link)
{
    struct redis_node *node = *link;

    *link = node->next;
    map->node_count--;
    kv_redis_node_fini(node);
    weft_free(node);
}

void kv_redis_map_sweep(struct redis_map *map)
{
    struct redis_node **link = &map->nodes;

    while (*link) {
        if ((*link)->slots == 0 && kv_redis_node_load(*link) == 0)
            free_node(map, link);
        else
            link = &(*link)->next;
    }
}

void kv_redis_map_fini(struct redis_map *map)
{
    while (map->nodes)
        free_node(map, &map->nodes);
    if (map->master_count > 0)
        kv_redis_count(&map->model.link.counts->masters, -(uint64_t)map->master_count);
    map->master_count = 0;
    weft_free(map->masters);
    map->masters = NULL;
}
