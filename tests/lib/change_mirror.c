/* SPDX-License-Identifier: MIT */
#include "change_mirror.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "virtual_loop.h"

enum { TURNS = 4, TABLES_MAX = 64, NAME_MAX_SIZE = 64 };

struct change_mirror_node {
    struct change_mirror_node *next;
    size_t table, key, value;
    uint8_t bytes[];
};

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "change_mirror: %s\n", rule);
    abort();
}

static struct change_mirror_node **place_of(const struct change_mirror *self,
                                            struct weft_view table, struct weft_view key)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < table.size + key.size; i++) {
        uint8_t byte = i < table.size ? table.data[i] : key.data[i - table.size];
        hash = (hash ^ byte) * UINT64_C(1099511628211);
    }
    struct change_mirror_node **link = &self->buckets[hash % CHANGE_MIRROR_BUCKETS];
    while (*link &&
           !(weft_view_equal(weft_view((*link)->bytes, (*link)->table), table) &&
             weft_view_equal(weft_view((*link)->bytes + (*link)->table, (*link)->key), key)))
        link = &(*link)->next;
    return link;
}

static void forget(struct change_mirror *self, struct change_mirror_node **link)
{
    struct change_mirror_node *node = *link;
    *link = node->next;
    free(node);
    self->count--;
}

static uint8_t *put(uint8_t *dst, struct weft_view bytes)
{
    if (bytes.size > 0)
        memcpy(dst, bytes.data, bytes.size);
    return dst + bytes.size;
}

static void set(struct change_mirror *self, struct weft_view table, struct weft_view key,
                struct weft_view value)
{
    struct change_mirror_node **link = place_of(self, table, key);
    if (*link)
        forget(self, link);
    link = place_of(self, table, key);
    struct change_mirror_node *node = malloc(sizeof *node + table.size + key.size + value.size);
    demand(node != NULL, "no memory for the test itself");
    *node = (struct change_mirror_node){
        .next = *link, .table = table.size, .key = key.size, .value = value.size};
    (void)put(put(put(node->bytes, table), key), value);
    *link = node;
    self->count++;
}

static void drop(struct change_mirror *self, struct weft_view table)
{
    for (size_t i = 0; i < CHANGE_MIRROR_BUCKETS; i++)
        for (struct change_mirror_node **link = &self->buckets[i]; *link;) {
            if (weft_view_equal(weft_view((*link)->bytes, (*link)->table), table))
                forget(self, link);
            else
                link = &(*link)->next;
        }
}

static void apply(struct change_mirror *self, const struct kv_change *change)
{
    struct change_mirror_node **link = place_of(self, change->table, change->key);
    demand(change->number > self->last, "numbers do not rise");
    self->changes++;
    self->last = change->number;
    self->kind = change->kind;
    self->part = change->part;
    self->expires = change->expires;
    switch (change->kind) {
    case KV_CHANGE_SET:
        set(self, change->table, change->key, change->value);
        break;
    case KV_CHANGE_REMOVED:
    case KV_CHANGE_EXPIRED:
        if (*link)
            forget(self, link);
        break;
    case KV_CHANGE_DROPPED:
        demand(change->key.size == 0, "a drop has a key");
        drop(self, change->table);
        break;
    }
}

static void take_all(struct change_mirror *self, struct store_client *client)
{
    struct kv_change change;
    int found;
    while ((found = client->store->next_change(client->session, &self->follow, &change)) > 0)
        apply(self, &change);
    self->lost = self->lost || found < 0;
    self->ready = false;
}

static void on_ready(struct kv_follow *follow)
{
    struct change_mirror *self = weft_container_of(follow, struct change_mirror, follow);
    demand(!self->ready, "ready came twice");
    self->ready = true;
}

void change_mirror_ignore(struct kv_follow *follow)
{
    (void)follow;
}

void change_mirror_open(struct change_mirror *self, struct store_client *client, uint64_t from)
{
    *self = (struct change_mirror){.follow = {.from = from, .ready = on_ready}};
    self->buckets = calloc(CHANGE_MIRROR_BUCKETS, sizeof(struct change_mirror_node *));
    demand(self->buckets != NULL, "no memory for the test itself");
    self->err = client->store->follow(client->session, &self->follow);
    self->follows = self->err == 0;
    self->lost = self->err < 0;
    self->last = self->follow.from;
    if (self->follows)
        take_all(self, client);
}

void change_mirror_close(struct change_mirror *self, struct store_client *client)
{
    if (self->follows)
        client->store->unfollow(client->session, &self->follow);
    for (size_t i = 0; i < CHANGE_MIRROR_BUCKETS; i++)
        while (self->buckets[i])
            forget(self, &self->buckets[i]);
    free(self->buckets);
}

void change_mirror_settle(struct change_mirror *self, struct store_client *client)
{
    for (unsigned i = 0; i < TURNS; i++) {
        virtual_loop_turn(client->loop);
        if (self->ready && !self->lost)
            take_all(self, client);
    }
}

struct walk {
    struct change_mirror *self;
    struct weft_view table;
    bool compares;
    size_t seen;
    char names[TABLES_MAX][NAME_MAX_SIZE];
    size_t count;
};

static bool on_pair(void *arg, const struct kv_pair *pair)
{
    struct walk *walk = arg;
    if (!walk->compares) {
        set(walk->self, walk->table, pair->key, pair->value.bytes);
        return true;
    }
    const struct change_mirror_node *node = *place_of(walk->self, walk->table, pair->key);
    demand(node != NULL, "the mirror lacks a key");
    demand(weft_view_equal(weft_view(node->bytes + node->table + node->key, node->value),
                           pair->value.bytes),
           "the mirror has another value");
    walk->seen++;
    return true;
}

static bool on_name(void *arg, const struct kv_pair *pair)
{
    struct walk *walk = arg;
    demand(walk->count < TABLES_MAX && pair->key.size < NAME_MAX_SIZE, "too many tables");
    (void)snprintf(walk->names[walk->count++], NAME_MAX_SIZE, "%.*s", (int)pair->key.size,
                   (const char *)pair->key.data);
    return true;
}

static void walk_all(struct walk *walk, struct store_client *client)
{
    struct kv_cursor cursor = {0};
    struct kv_op op = {.kind = KV_TABLES, .count = TABLES_MAX, .cursor = &cursor};
    do
        demand(store_client_page_of(client, &op, on_name, walk) == KV_DONE, "no page of tables");
    while (cursor.size > 0);
    for (size_t i = 0; i < walk->count; i++) {
        walk->table = weft_view_str(walk->names[i]);
        cursor.size = 0;
        do
            demand(store_client_page(client, walk->names[i], 100, &cursor, on_pair, walk) ==
                       KV_DONE,
                   "no page");
        while (cursor.size > 0);
    }
}

void change_mirror_walk(struct change_mirror *self, struct store_client *client)
{
    struct walk walk = {.self = self};
    walk_all(&walk, client);
}

void change_mirror_expect(struct change_mirror *self, struct store_client *client)
{
    struct walk walk = {.self = self, .compares = true};
    walk_all(&walk, client);
    demand(walk.seen == self->count, "the mirror has keys that the store lacks");
}

const char *change_mirror_get(const struct change_mirror *self, const char *table, const char *key)
{
    static char text[256];
    const struct change_mirror_node *node =
        *place_of(self, weft_view_str(table), weft_view_str(key));
    if (!node)
        return NULL;
    (void)snprintf(text, sizeof text, "%.*s", (int)node->value,
                   (const char *)node->bytes + node->table + node->key);
    return text;
}
