/* SPDX-License-Identifier: MIT
 *
 * The store seam: table -> key -> value. A store may be in memory, on disk or on another machine.
 * Names of tables, keys and values are any bytes. A store is one `const struct kv_store`; its user
 * allocates the three states, zeroed, with the sizes that it declares.
 *
 * There is one rule: every operation completes exactly once through its `done`, on the loop that
 * submitted it, from within submit or in a later turn, and never after close returned. A store that
 * does not finish within submit never blocks there. Its users do not repeat an operation that failed,
 * so a store that wants retries makes them itself.
 *
 * A store also promises:
 *   - A write that it refuses (KV_FAILED, KV_UNAVAILABLE, KV_FULL) changes nothing: neither a key,
 *     nor a table, nor the memory that it counts against its limit.
 *   - With KV_STORE_ATOMIC, no operation sees a part of a batch or of a KV_DROP. For KV_WALK an
 *     operation is a page, so a walk of several pages may see a batch between two of them. Counts of
 *     keys (KV_COUNT, KV_TABLES) may be of several moments. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include "core/base/blob.h"
#include "core/base/bytes.h"
#include "core/base/log.h"
#include "core/base/settings.h"
#include "core/task.h"

#ifdef __cplusplus
extern "C" {
#endif

enum kv_store_flag {
    KV_STORE_ORDERED = 1, /* operations of one session take effect in the order submitted; without
                             this its user submits one at a time */
    KV_STORE_ATOMIC = 2,  /* other operations, reads of one key and pages of walks included, see all
                             of a batch or nothing of it */
    KV_STORE_DURABLE = 4, /* a write that is KV_DONE outlives the process */
    KV_STORE_WALK = 8,    /* the store does KV_WALK */
    KV_STORE_INLINE = 16, /* done is always called before submit returns */
    KV_STORE_UPDATE = 32, /* the store does KV_MUPDATE */
    /* The store keeps `expires` of items and pairs. Without this a write with another expiry than
     * KV_NEVER and KV_KEEP_EXPIRY is KV_FAILED. */
    KV_STORE_EXPIRY = 64,
    KV_STORE_TABLES = 128, /* the store does KV_TABLES, KV_COUNT and KV_DROP */
    /* Cursors of pages that are not exact have 8 bytes, not all of them 0. The last bit of the last byte is
     * 0: a face that walks the tables and the keys of one of them may tell its cursors apart by it. */
    KV_STORE_CURSOR64 = 256,
    /* A read, or a page of a walk, of a session without unfinished writes is done before submit returns. */
    KV_STORE_READS_INLINE = 512,
};

enum kv_store_kind {
    KV_MGET,   /* finds what the keys have */
    KV_MEXIST, /* sets `present` and need not set `found` */
    KV_MSET,   /* stores item.value and finds what was there before. A key given twice takes both
                  values, in order. The table is made if it does not exist */
    KV_MDEL,   /* removes the keys and finds what they had */
    KV_WALK,   /* shows one page of a table through `each` */
    /* Finds what the keys have and decides with weft_kv_update_decide (update.h) what becomes of each, in
     * one step with what is there. A key given twice is updated twice, in order. Without op->apart one
     * refused item means that nothing changes: KV_UNMET. */
    KV_MUPDATE,
    KV_TABLES, /* shows one page of the tables through `each`: name and number of keys */
    KV_COUNT,  /* sets op->total to the number of keys of the table */
    KV_DROP,   /* removes the table with all its keys, and sets op->total as KV_COUNT does */
};

enum kv_outcome {
    KV_DONE,
    KV_FAILED,      /* permanent: this store cannot do it; nothing took effect */
    KV_UNAVAILABLE, /* no memory or no connection at present; nothing took effect */
    KV_EXPIRED,     /* KV_WALK and KV_TABLES only: the store did not make this cursor, or cannot
                       honour it now */
    KV_UNKNOWN, /* it may have taken effect, or may still do so: a deadline passed, close came */
    KV_FULL,    /* the store is at its limit; nothing took effect; reads and removals work */
    KV_UNMET,   /* KV_MUPDATE without `apart`: a verdict was a refusal, so nothing took effect. The
                   results of the items are set as if those that were not refused had */
};

/* A value. If blob is not NULL, `bytes` are the end of that blob, and whoever keeps the value may keep
 * a reference to the blob instead of copying. The blob may begin with bytes that are not the value's.
 * A store that keeps or copies the blob keeps those too, and does not read them. */
struct kv_value {
    struct weft_view bytes;
    struct weft_blob *blob;
};

/* An expiry is a time of the calendar as weft_loop_wall gives it, milliseconds since 1970. A key is
 * present before that time and absent from it on, whenever its memory is freed. A write whose expiry has
 * passed already leaves the key absent. */
enum {
    KV_NEVER = 0,       /* the key does not expire */
    KV_KEEP_EXPIRY = -1 /* KV_MUPDATE: the key keeps the expiry that it has; a new one has none */
};

/* The result of an update; update.h says how it is decided. */
enum kv_verdict {
    KV_VERDICT_STORE,  /* the key has the new value or the new expiry */
    KV_VERDICT_REMOVE, /* the key was removed, or its new expiry had passed already */
    KV_VERDICT_KEEP,   /* nothing was to be changed */
    /* The refusals (kv_verdict_is_refusal). */
    KV_VERDICT_UNMET, /* the condition does not hold */
    KV_VERDICT_WRONG, /* the value is not of a type that can be added to */
    KV_VERDICT_RANGE  /* the result does not fit, or is no number */
};

struct kv_update;

/* One key of a batch. */
struct kv_item {
    struct weft_view key;
    struct kv_value value; /* in, KV_MSET and KV_MUPDATE */
    struct kv_value found; /* out, set if present: what the key had; valid until done returns */
    bool present;          /* out */
    int64_t expires;       /* in, KV_MSET and KV_MUPDATE: when the key expires, or KV_NEVER */
    int64_t found_expires; /* out, set if present, by a store with KV_STORE_EXPIRY */
    const struct kv_update *update; /* in, KV_MUPDATE: borrowed until done returns */
    /* Out, KV_MUPDATE. If the outcome is KV_UNMET, the item would have come to this without the others
     * that were refused. */
    enum kv_verdict verdict;
    struct {
        uint64_t number;
        void *pointer;
    } scratch; /* the store's own, from submit to done */
};

enum { KV_CURSOR_MAX = 256 };

/* A place in a walk, which only the store can read. Given to the store, a size of 0 means the first
 * page; set by the store, it means that the walk is over. A cursor survives whatever others do to the
 * table, and the store decides whether it outlives the process. Clients hold cursors and give them
 * back, so the bytes may be anything: one that the store has not made is KV_EXPIRED. */
struct kv_cursor {
    uint16_t size;
    uint8_t bytes[KV_CURSOR_MAX];
};

/* A key, shown by KV_WALK, or the name of a table, shown by KV_TABLES. */
struct kv_pair {
    struct weft_view key;
    struct kv_value value; /* KV_WALK */
    int64_t expires;       /* KV_WALK: or KV_NEVER */
    uint64_t total;        /* KV_TABLES: the number of keys, as KV_COUNT gives it */
};

/* One operation. It is the submitter's memory, which stays in place and untouched from submit to
 * done, as do the bytes that its views show. */
struct kv_op {
    enum kv_store_kind kind;
    struct weft_view table;
    struct kv_item *items; /* of kinds that begin with KV_M; else NULL */
    /* The number of items, or about the number of pairs that the page should have; at least 1. The store
     * may end a page earlier. */
    size_t count;
    bool apart;     /* KV_MUPDATE: a refused item changes nothing, but does not stop the others */
    uint64_t total; /* out, KV_COUNT, KV_DROP: may count keys that expired and were not freed yet */

    /* These are for pages: KV_WALK and KV_TABLES. */

    /* The page has at most count pairs, and if `each` returns false, the next page begins with that
     * pair. This costs more. */
    bool exact;
    /* Only keys or names that begin with this are wanted. KV_TABLES shows no others; KV_WALK may, from a
     * store that does not use it. */
    struct weft_view prefix;
    /* The place where the page begins and, after done, where the next page does. Every key or table that is
     * present from the first page to the last comes at least once, and exactly once if nobody writes. With
     * KV_STORE_ATOMIC a page of KV_WALK shows the table at one moment; a walk of several pages does
     * not. */
    struct kv_cursor *cursor;
    /* Takes one pair, before done. The views are valid until it returns. False: the caller wants no more
     * pairs, and done follows at once; the cursor is undefined then unless the page is exact. */
    bool (*each)(struct kv_op *op, const struct kv_pair *pair);

    /* With KV_DONE the results are set: in the items, in *cursor or in `total`. The callback may free the
     * op or use it again. */
    void (*done)(struct kv_op *op, enum kv_outcome outcome);
};

/* Borrowed until init returns. */
struct kv_store_options {
    const char *where; /* the WHERE of `--store NAME:WHERE`; NULL or "" if there is none */
    const struct weft_option_set *set; /* only options that the store declares */
    uint64_t max_memory;               /* bytes that the store may hold; 0: any */
    const struct weft_log *log;        /* lives as long as the store; NULL: it logs nothing */
    const uint8_t *seed; /* 16 bytes of the keyed hash, for tests and measurements that
                                         must repeat; NULL: random */
};

struct kv_store {
    const char *name;  /* as in `--store NAME` */
    const char *where; /* what WHERE of `--store NAME:WHERE` names, as "DIR"; NULL: it takes none */
    const struct weft_option *options; /* those in `--store NAME?option=value`; NULL: none */
    unsigned flags;                    /* of kv_store_flag */
    size_t store_size, loop_size, session_size;

    /* Chooses between stores of one name, whose flags differ: returns the store that the options mean, whose
     * slots are used from then on, or NULL with one line in *error. NULL: it is this one. */
    const struct kv_store *(*variant)(const struct kv_store_options *options,
                                      struct weft_error *error);

    /* Says in lines what damage of the place that the options name keeps the store from starting and, if
     * `drop` is true, drops it. Returns the number of bytes that are, or would be, dropped, or an error with
     * one line in *error. NULL: there is nothing to repair. */
    int64_t (*repair)(const struct kv_store_options *options, bool drop,
                      void (*say)(void *arg, const char *line), void *arg,
                      struct weft_error *error);

    /* Makes the state that all loops share. Returns 0, or an error with one line in *error and nothing
     * held: WEFT_ECONFIG if an option has a value that the store does not take. fini comes after every
     * stop. */
    int (*init)(void *store, const struct kv_store_options *options, struct weft_error *error);
    void (*fini)(void *store);

    /* start is called for each loop that will submit, before the loops run; one loop may get several
     * loop states. stop is called after the loops ended and all sessions are closed. One thread makes
     * all these calls. start returns 0 or -errno; after -errno stop is not called. */
    int (*start)(void *loop_state, void *store, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* A connection has one session, on its loop. open returns 0 or -errno; after -errno close is not
     * called. close completes the operations that are still pending as KV_UNKNOWN. */
    int (*open)(void *session, void *loop_state);
    void (*close)(void *session);

    /* Does op, or begins to; the rule at the top says when it completes. It is called within a turn of
     * the session's loop, and may be called from within done but not from within each. */
    void (*submit)(void *session, struct kv_op *op);
};

#ifdef __cplusplus
}
#endif

#endif
