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
 *   - With KV_STORE_ATOMIC, no operation sees a part of a batch. For KV_WALK an operation is a page,
 *     so a walk of several pages may see a batch between two of them. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include "core/base/blob.h"
#include "core/base/bytes.h"
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
};

enum kv_store_kind {
    KV_MGET,   /* finds what the keys have */
    KV_MEXIST, /* sets `present` and need not set `found` */
    KV_MSET,   /* stores item.value and finds what was there before. A key given twice takes both
                  values, in order. The table is made if it does not exist */
    KV_MDEL,   /* removes the keys and finds what they had */
    KV_WALK,   /* shows one page of a table through `each` */
};

enum kv_outcome {
    KV_DONE,
    KV_FAILED,      /* permanent: this store cannot do it; nothing took effect */
    KV_UNAVAILABLE, /* no memory or no connection at present; nothing took effect */
    KV_EXPIRED,     /* KV_WALK only: the store did not make this cursor, or cannot honour it now */
    KV_UNKNOWN, /* it may have taken effect, or may still do so: a deadline passed, close came */
    KV_FULL,    /* the store is at its limit; nothing took effect; reads and removals work */
};

/* A value. If blob is not NULL, `bytes` are the end of that blob, and whoever keeps the value may keep
 * a reference to the blob instead of copying. The blob may begin with bytes that are not the value's.
 * A store that keeps or copies the blob keeps those too, and does not read them. */
struct kv_value {
    struct weft_view bytes;
    struct weft_blob *blob;
};

/* One key of a batch. */
struct kv_item {
    struct weft_view key;
    struct kv_value value; /* in, KV_MSET only */
    struct kv_value found; /* out, set if present; valid until done returns */
    bool present;          /* out */
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

/* One operation. It is the submitter's memory, which stays in place and untouched from submit to
 * done, as do the bytes that its views show. */
struct kv_op {
    enum kv_store_kind kind;
    struct weft_view table;
    struct kv_item *items; /* KV_WALK: NULL */
    size_t count;          /* number of items, at least 1; KV_WALK: about the number of pairs that
                              the page should have, at least 1. The store may end a page earlier */
    /* KV_WALK: the page has at most count pairs, and if `each` returns false, the next page begins
     * with that pair. This costs more. */
    bool exact;

    /* KV_WALK only: the place where the page begins and, after done, where the next page does. Every
     * key that is present from the first page to the last comes at least once, and exactly once if
     * nobody writes. With KV_STORE_ATOMIC a page shows the table at one moment; a walk of several pages
     * does not. */
    struct kv_cursor *cursor;
    /* KV_WALK only: takes one pair, before done. The views are valid until it returns. False: the
     * caller wants no more pairs, and done follows at once; the cursor is undefined then unless the
     * walk is exact. */
    bool (*each)(struct kv_op *op, struct weft_view key, const struct kv_value *value);

    /* With KV_DONE the results are set: in the items or, for KV_WALK, in *cursor. The callback may
     * free the op or use it again. */
    void (*done)(struct kv_op *op, enum kv_outcome outcome);
};

/* Borrowed until init returns. */
struct kv_store_options {
    const char *where; /* the WHERE of `--store NAME:WHERE`; NULL or "" if there is none */
    const struct weft_option_set *set; /* only options that the store declares */
    uint64_t max_memory;               /* bytes that the store may hold; 0: any */
    const uint8_t *seed; /* 16 bytes of the keyed hash, for tests and measurements that
                                         must repeat; NULL: random */
};

struct kv_store {
    const char *name;  /* as in `--store NAME` */
    const char *where; /* what `--store NAME:WHERE` has to name, as "PATH"; NULL: nothing */
    const struct weft_option *options; /* those in `--store NAME?option=value`; NULL: none */
    unsigned flags;                    /* of kv_store_flag */
    size_t store_size, loop_size, session_size;

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
