/* SPDX-License-Identifier: MIT
 *
 * Reads of one state of a store on disk, on a loop or within the writer's transaction. */
#ifndef KV_PARTS_DISK_READ_H
#define KV_PARTS_DISK_READ_H

#include "engine.h"
#include "key.h"
#include "record.h"
#include "results.h"

struct kv_disk_reading {
    const struct kv_engine *engine;
    void *tx;
    int64_t now;
    const uint8_t *secret;      /* that cursors are signed with */
    struct kv_results *results; /* where what was found is copied to; NULL: the views stay valid */
};

/* Finds the pair with that key. -ENOENT: it is absent, or has expired and physical is false. */
WEFT_MUST_USE int kv_disk_find(const struct kv_disk_reading *reading, const struct kv_key *key,
                               struct weft_view name, bool physical, struct kv_disk_record *record);

/* Finds the number of a table, and of its pairs. -ENOENT: there is none. */
WEFT_MUST_USE int kv_disk_table(const struct kv_disk_reading *reading, struct weft_view name,
                                uint64_t *number, uint64_t *count);

/* Does KV_MGET or KV_MEXIST of a table; number 0: there is no such table. */
WEFT_MUST_USE int kv_disk_get(const struct kv_disk_reading *reading, struct kv_op *op,
                              uint64_t number);

/* Does KV_WALK of a table, or KV_TABLES. -ESTALE: the cursor is not ours. */
WEFT_MUST_USE int kv_disk_walk(const struct kv_disk_reading *reading, struct kv_op *op,
                               uint64_t number);

/* Does any read; number as for kv_disk_get, but not used for KV_TABLES and KV_COUNT. */
WEFT_MUST_USE int kv_disk_read(const struct kv_disk_reading *reading, struct kv_op *op,
                               uint64_t number);

/* Makes the cursor of a page that begins with that name. */
void kv_disk_set_cursor(const uint8_t *secret, struct kv_cursor *cursor, struct weft_view name);

#endif
