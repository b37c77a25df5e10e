/* SPDX-License-Identifier: MIT
 *
 * The other design: liburcu's lock-free hash table with split-ordered lists, which resizes itself on
 * a thread of its own, and its quiescent states at the ends of turns. Without tables of tables,
 * batches or walks, all of which would have to be built on it. */
#include <stdlib.h>
#include <urcu-qsbr.h>

#include <urcu/rculfhash.h>

#include "store_design.h"
#include "work.h"
#include "services/kv/stores/memory/siphash.h"

struct entry {
    struct cds_lfht_node node;
    struct rcu_head head;
    uint32_t key_size, value_size;
    uint8_t data[];
};

static struct cds_lfht *map;
static const struct kv_hash_seed seed = {1, 2};

static struct entry *entry_of(struct cds_lfht_node *node)
{
    return (struct entry *)(void *)node; /* its first member */
}

/* The table begins with the buckets that a million entries need. Left to grow by itself from few, it
 * is several times as slow. */
static void begin(void)
{
    enum { BUCKETS = 1 << 20 };
    map = cds_lfht_new(BUCKETS, BUCKETS, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
    bench_need(map != NULL, "a map");
}

static void join(size_t thread)
{
    (void)thread;
    rcu_register_thread();
}

static void leave(size_t thread)
{
    (void)thread;
    rcu_unregister_thread();
}

static void turn(size_t thread, void (*run)(void *arg), void *arg)
{
    (void)thread;
    run(arg);
    rcu_quiescent_state();
}

static int has_key(struct cds_lfht_node *node, const void *key)
{
    const struct entry *entry = entry_of(node);
    return weft_view_equal(weft_view(entry->data, entry->key_size), *(const struct weft_view *)key);
}

static bool get(size_t thread, struct weft_view key)
{
    struct cds_lfht_iter iter;
    (void)thread;
    cds_lfht_lookup(map, kv_hash(&seed, key), has_key, &key, &iter);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
    return node && entry_of(node)->data[key.size] != 0;
}

static void free_entry(struct rcu_head *head)
{
    free((char *)head - offsetof(struct entry, head));
}

static void set(size_t thread, struct weft_view key, struct weft_view value)
{
    (void)thread;
    struct entry *entry = malloc(sizeof *entry + key.size + value.size);
    bench_need(entry != NULL, "memory");
    cds_lfht_node_init(&entry->node);
    entry->key_size = (uint32_t)key.size;
    entry->value_size = (uint32_t)value.size;
    memcpy(entry->data, key.data, key.size);
    memcpy(entry->data + key.size, value.data, value.size);
    struct cds_lfht_node *old =
        cds_lfht_add_replace(map, kv_hash(&seed, key), has_key, &key, &entry->node);
    if (old)
        call_rcu(&entry_of(old)->head, free_entry);
}

const struct design design_urcu = {
    .name = "urcu",
    .begin = begin,
    .join = join,
    .turn = turn,
    .leave = leave,
    .get = get,
    .set = set,
};
