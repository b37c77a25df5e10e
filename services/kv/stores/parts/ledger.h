/* SPDX-License-Identifier: MIT
 *
 * The tables of a store on disk, as the writer's thread sees and changes them: their numbers, and how
 * many pairs they have. Changes are gathered for a transaction, so that a group of writes costs one
 * change per table. A table comes with its first pair and goes with its last one, or by a drop.
 *
 *     'm'         eight bytes, the low one first: the format, 1; the next table's number; and
 *                 sixteen random bytes: the secret that cursors are signed with
 *     't' name    eight bytes: the number; eight bytes: the number of pairs; the name, if it is long
 *     'n' number  the name */
#ifndef KV_PARTS_LEDGER_H
#define KV_PARTS_LEDGER_H

#include "engine.h"
#include "key.h"

enum { KV_SECRET_SIZE = 16 };

struct kv_ledger_table {
    struct kv_ledger_table *next;    /* of a bucket */
    struct kv_ledger_table *changed; /* of the list of those to be written */
    bool is_changed;
    uint64_t number, count; /* now; number 0: there is no such table */
    uint64_t stored_number; /* in the map of the engine */
    size_t size;
    uint8_t name[];
};

struct kv_ledger {
    const struct kv_engine *engine;
    void *tx; /* the writer's */
    struct kv_ledger_table **buckets;
    size_t table_count;
    struct kv_ledger_table *changed;
    struct kv_ledger_table *last; /* found by its number */
    uint64_t next_number, stored_next_number;
    bool moved; /* a table comes or goes with this transaction */
    uint8_t secret[KV_SECRET_SIZE];
};

/* Reads what the store has, or begins a new one. Within a transaction, which the caller commits. */
WEFT_MUST_USE int kv_ledger_init(struct kv_ledger *ledger, const struct kv_engine *engine,
                                 void *tx);
void kv_ledger_fini(struct kv_ledger *ledger);

/* Finds a table. *table is the ledger's, until the transaction ends; its number is 0 if there is none. */
WEFT_MUST_USE int kv_ledger_find(struct kv_ledger *ledger, struct weft_view name,
                                 struct kv_ledger_table **table);
/* Finds a table by its number; -ENOENT: it was dropped. */
WEFT_MUST_USE int kv_ledger_find_number(struct kv_ledger *ledger, uint64_t number,
                                        struct kv_ledger_table **table);

/* Adds to the number of pairs. A table without a number gets one with its first pair, before the pair is
 * written: kv_ledger_make. */
void kv_ledger_make(struct kv_ledger *ledger, struct kv_ledger_table *table);
void kv_ledger_add(struct kv_ledger *ledger, struct kv_ledger_table *table, int64_t more);
/* Drops a table. Its pairs become garbage. */
WEFT_MUST_USE int kv_ledger_drop(struct kv_ledger *ledger, struct kv_ledger_table *table);

/* Writes the changes, at the end of a transaction. */
WEFT_MUST_USE int kv_ledger_flush(struct kv_ledger *ledger);
/* The transaction was committed, or not. */
void kv_ledger_settle(struct kv_ledger *ledger, bool committed);

/* Reads the record of a table. False: it is none. */
bool kv_ledger_read(struct weft_view value, uint64_t *number, uint64_t *count,
                    struct weft_view *name);

#endif
