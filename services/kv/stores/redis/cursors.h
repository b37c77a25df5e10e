/* SPDX-License-Identifier: MIT
 *
 * Cursors of walks and of lists of tables: a place, and a proof that the store made it for this table.
 *
 * A walk takes the buckets one after another, and a bucket by HSCAN. A number of HSCAN means something to one process of
 * Redis only, because each process hashes fields by a secret of its own. So the proof of a place within a bucket covers
 * that process (its run_id), too. If the bucket has moved to another node, or its node was started again or
 * replaced by a replica, the cursor has expired. Places between two buckets depend on no process.
 *
 * A page that is not exact ends with a whole answer of HSCAN, and its cursor has 8 bytes. A page that is exact may end
 * in the middle of an answer. The pairs of an answer are shown by the hash of their keys (layout.h), and the cursor says
 * from which hash on there are more. If the hash table of Redis has grown meanwhile, the same pairs come in smaller
 * answers; `until` is where that answer ended. */
#ifndef KV_REDIS_CURSORS_H
#define KV_REDIS_CURSORS_H

#include "services/kv/store.h"

struct kv_redis_place {
    unsigned bucket;
    uint64_t scan; /* of HSCAN: where the next answer begins; 0: the bucket's beginning */
    /* If `partial`, the pairs from scan to until (0: the bucket's end) whose hash is less than `hash` were shown. */
    bool partial;
    uint64_t until, hash;
};

/* A place belongs to one of these: a table, or the list of all tables. */
struct kv_redis_walk {
    struct weft_view table; /* for lists of tables, which are no table's: empty */
    bool is_list;
    unsigned buckets; /* or directories */
};

/* True if the place means something to one process only, so that its proof covers that. */
static inline bool kv_redis_place_is_bound(const struct kv_redis_place *place)
{
    return place->scan != 0 || (place->partial && place->until != 0);
}

/* Writes the cursor of a place. `process` stands for the process that gave its numbers; it is ignored unless the place
 * is bound. Returns false if the numbers are too large for 8 bytes, which takes 10^11 keys in a table. */
bool kv_redis_write_cursor(struct kv_cursor *cursor, const struct kv_redis_walk *walk,
                           const struct kv_redis_place *place, uint64_t process, bool exact);
/* Reads the place of a cursor that may be any bytes. False: no page gave it. Otherwise the proof must be looked at. */
bool kv_redis_read_cursor(const struct kv_cursor *cursor, const struct kv_redis_walk *walk,
                          struct kv_redis_place *place);
/* True if the cursor was made from what it was read as, for this process. */
bool kv_redis_prove_cursor(const struct kv_cursor *cursor, const struct kv_redis_walk *walk,
                           const struct kv_redis_place *place, uint64_t process);

/* HSCAN counts with its bits reversed. True if number a is before number b; 0 as `b` is the end. */
bool kv_redis_scan_is_before(uint64_t a, uint64_t b);

#endif
