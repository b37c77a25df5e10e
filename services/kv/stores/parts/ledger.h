/* SPDX-License-Identifier: MIT
 *
 * The tables of a store on disk: their numbers and their numbers of pairs. For the writer's thread only. Changes are
 * collected during a transaction, so that a group of writes costs one change per table. A table is made with its first
 * pair and goes with its last pair or a drop. Functions that return int return 0 or the error of the engine. Records:
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
    struct kv_ledger_table *next;    /* in the bucket */
    struct kv_ledger_table *changed; /* in the list of tables to be written */
    bool is_changed;
    uint64_t number, count; /* the present ones; number 0: there is no such table */
    uint64_t stored_number; /* the one in the map of the engine */
    size_t size;
    uint8_t name[];
};

struct kv_ledger {
    const struct kv_engine *engine;
    void *tx; /* the writer's */
    struct kv_ledger_table **buckets;
    size_t table_count;
    struct kv_ledger_table *changed;
    struct kv_ledger_table *last; /* the last one that was found by its number */
    uint64_t next_number, stored_next_number;
    uint64_t pairs,
        stored_pairs; /* of all tables: with this transaction, and as they are in the map */
    bool moved;       /* this transaction makes or drops a table */
    uint8_t secret[KV_SECRET_SIZE];
};

/* Reads the record 'm', or writes it in a new store, and adds up the pairs of all tables, of which progress hears; NULL:
 * nobody does. Called within a transaction, which the caller commits. -EPROTO: the store has another format. */
WEFT_MUST_USE int kv_ledger_init(struct kv_ledger *ledger, const struct kv_engine *engine, void *tx,
                                 struct kv_progress *progress);
void kv_ledger_fini(struct kv_ledger *ledger);

/* Sets *table to the table of that name; its number is 0 if there is no such table. The ledger owns it, and it is
 * valid until the transaction ends. */
WEFT_MUST_USE int kv_ledger_find(struct kv_ledger *ledger, struct weft_view name,
                                 struct kv_ledger_table **table);
/* Sets *table to the table with that number. -ENOENT: it was dropped. */
WEFT_MUST_USE int kv_ledger_find_number(struct kv_ledger *ledger, uint64_t number,
                                        struct kv_ledger_table **table);

/* kv_ledger_make gives a number to a table that has none. It is called before the first pair is written.
 * kv_ledger_add adds `more`, which may be negative, to the number of pairs. */
void kv_ledger_make(struct kv_ledger *ledger, struct kv_ledger_table *table);
void kv_ledger_add(struct kv_ledger *ledger, struct kv_ledger_table *table, int64_t more);
/* Drops a table. Its pairs become garbage. */
WEFT_MUST_USE int kv_ledger_drop(struct kv_ledger *ledger, struct kv_ledger_table *table);

/* Writes the collected changes, at the end of a transaction. */
WEFT_MUST_USE int kv_ledger_flush(struct kv_ledger *ledger);
/* Tells the ledger whether the transaction was committed; if not, it forgets the changes. */
void kv_ledger_settle(struct kv_ledger *ledger, bool committed);

/* Reads the record of a table; *name is empty unless the name is long. False: it is not such a record. */
bool kv_ledger_read(struct weft_view value, uint64_t *number, uint64_t *count,
                    struct weft_view *name);

#endif
