/* SPDX-License-Identifier: MIT */
#include "disk_here.h"

#include <errno.h>

#include "disk_read.h"

void kv_disk_end_reading(struct kv_disk_loop *loop)
{
    if (loop->open)
        loop->disk->engine->end(loop->tx);
    loop->open = false;
}

/* Takes the newest state, if the one at hand is not that. The number of commits is read before the state
 * is taken, so it is at most too small, and the next read takes a state once more. While views are shown
 * the state stays: a read that is submitted meanwhile was asked for before that state was taken. */
static int refresh(struct kv_disk_loop *loop)
{
    struct kv_disk *disk = loop->disk;
    unsigned long long commits = atomic_load_explicit(&disk->commits, memory_order_acquire);
    if (loop->open && (loop->commits == commits || loop->showing > 0))
        return 0;
    kv_disk_end_reading(loop);
    int err = disk->engine->begin(loop->tx);
    if (err < 0)
        return err;
    loop->open = true;
    loop->commits = commits;
    return 0;
}

/* True if what the loop remembers of a table holds in the state that it has taken. `moves` is as it was before
 * that: if it is the same afterwards and even, no commit that moves a table lies between. */
static bool is_steady(struct kv_disk_loop *loop, unsigned long long moves)
{
    struct kv_disk *disk = loop->disk;
    return moves % 2 == 0 && atomic_load_explicit(&disk->moves, memory_order_acquire) == moves &&
           atomic_load_explicit(&disk->commits, memory_order_acquire) == loop->commits;
}

/* Finds the number of a table; 0: there is none. Each loop remembers the last one. */
static int find_table(struct kv_disk_loop *loop, const struct kv_disk_reading *reading,
                      struct weft_view name, unsigned long long moves, uint64_t *number)
{
    uint64_t count;
    bool steady = is_steady(loop, moves);
    if (steady && loop->cache.number != 0 && loop->cache.moves == moves &&
        weft_view_equal(weft_view(loop->cache.name, loop->cache.size), name)) {
        *number = loop->cache.number;
        return 0;
    }
    int err = kv_disk_table(reading, name, number, &count);
    if (err == -ENOENT)
        *number = 0;
    if (err < 0)
        return err == -ENOENT ? 0 : err;
    if (steady && name.size > 0 && name.size <= KV_DISK_NAME_CACHED) {
        loop->cache.moves = moves;
        loop->cache.number = *number;
        loop->cache.size = name.size;
        memcpy(loop->cache.name, name.data, name.size);
    }
    return 0;
}

int kv_disk_read_here(struct kv_disk_loop *loop, struct kv_op *op, struct kv_results *results)
{
    struct kv_disk *disk = loop->disk;
    unsigned long long moves = atomic_load_explicit(&disk->moves, memory_order_acquire);
    uint64_t number = 0;
    int err = refresh(loop);
    if (err < 0)
        return err;
    const struct kv_disk_reading reading = {.engine = disk->engine,
                                            .tx = loop->tx,
                                            .now = weft_loop_wall(loop->port.loop),
                                            .secret = disk->ledger.secret,
                                            .results = results};
    if (op->kind != KV_TABLES && op->kind != KV_COUNT)
        err = find_table(loop, &reading, op->table, moves, &number);
    return err < 0 ? err : kv_disk_read(&reading, op, number);
}
