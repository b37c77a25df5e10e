/* SPDX-License-Identifier: MIT
 *
 * Reads from one state of a store on disk: on a loop, on a thread that reads, or within the writer's transaction.
 * Unless it says otherwise each function returns 0 or the error of the engine; -EILSEQ means that the bytes in the
 * map are not what a store writes. */
#ifndef KV_PARTS_DISK_READ_H
#define KV_PARTS_DISK_READ_H

#include "engine.h"
#include "key.h"
#include "record.h"
#include "results.h"

struct kv_disk_reading {
    const struct kv_engine *engine;
    void *tx;
    int64_t now;           /* wall-clock milliseconds, for expiry */
    const uint8_t *secret; /* KV_SECRET_SIZE bytes that sign cursors (ledger.h) */
    /* Values are copied here; NULL: the engine's views stay valid until done. */
    struct kv_results *results;
};

/* Finds the pair that is stored under `key`, whose own key is `name`. -ENOENT: it is absent, or it has expired and
 * `physical` is false. */
WEFT_MUST_USE int kv_disk_find(const struct kv_disk_reading *reading, const struct kv_key *key,
                               struct weft_view name, bool physical, struct kv_disk_record *record);

/* Sets *number to the number of the table and *count to the number of its pairs. -ENOENT: there is no such table. */
WEFT_MUST_USE int kv_disk_table(const struct kv_disk_reading *reading, struct weft_view name,
                                uint64_t *number, uint64_t *count);

/* Executes KV_MGET or KV_MEXIST on the table with that number. 0: there is no such table. */
WEFT_MUST_USE int kv_disk_get(const struct kv_disk_reading *reading, struct kv_op *op,
                              uint64_t number);

/* Executes KV_WALK of the table with that number, or KV_TABLES. -ESTALE: this store did not make the cursor. */
WEFT_MUST_USE int kv_disk_walk(const struct kv_disk_reading *reading, struct kv_op *op,
                               uint64_t number);

/* Executes any read. number is as for kv_disk_get; KV_TABLES and KV_COUNT do not use it. */
WEFT_MUST_USE int kv_disk_read(const struct kv_disk_reading *reading, struct kv_op *op,
                               uint64_t number);

/* Sets *cursor to that of a page which begins with the key or table of that name. */
void kv_disk_set_cursor(const uint8_t *secret, struct kv_cursor *cursor, struct weft_view name);

#endif
