/* SPDX-License-Identifier: MIT
 *
 * The store seam: table -> key -> value, behind which a store may be in memory, on disk or on
 * another machine. Tables and keys are any bytes; so are values. A store is one `const struct
 * kv_store`; the three states are allocated by its user, zeroed, of the sizes it declares.
 *
 * One rule: every operation completes exactly once through its `done`, on the loop that submitted
 * it, from within submit or in a later turn; never after close returned. A store that does not
 * finish within submit never blocks there. Nobody above the store tries again. */
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
    KV_STORE_ORDERED = 1, /* operations of one session take effect in the order submitted; else its
                             user submits one at a time */
    KV_STORE_ATOMIC = 2,  /* a batch is all or nothing as others see it, single reads included */
    KV_STORE_DURABLE = 4, /* DONE outlives the process */
    KV_STORE_WALK = 8,    /* has KV_WALK */
    KV_STORE_INLINE = 16, /* done is always called before submit returns */
};

enum kv_store_kind {
    KV_MGET,   /* what is there */
    KV_MEXIST, /* the same, of interest is only `present` */
    KV_MSET,   /* stores item.value; what was there before. A key given twice takes both values, in
                  order. Makes the table */
    KV_MDEL,   /* removes; what was there before */
    KV_WALK,   /* one page of a table, through `each` */
};

enum kv_outcome {
    KV_DONE,
    KV_FAILED,      /* for good: this store cannot do it; nothing took effect */
    KV_UNAVAILABLE, /* no memory or no connection at present; nothing took effect */
    KV_EXPIRED,     /* KV_WALK only: the cursor is none that this store can honour */
    KV_UNKNOWN,     /* it may have taken effect or not, or may yet: a deadline passed, close came */
    KV_FULL,        /* nothing took effect; reads and removals still work */
};

/* A value. Where blob is not NULL it is one whose last bytes are `bytes`; whoever keeps the value
 * may keep a reference to it instead of copying. What stands before them in the blob is none of the
 * store's concern. */
struct kv_value {
    struct weft_view bytes;
    struct weft_blob *blob;
};

/* One key of a batch. */
struct kv_item {
    struct weft_view key;
    struct kv_value value; /* in: KV_MSET */
    struct kv_value found; /* out, where present: valid until done returns */
    bool present;          /* out */
    struct {
        uint64_t number;
        void *pointer;
    } scratch; /* the store's own, from submit to done */
};

enum { KV_CURSOR_MAX = 256 };

/* A place in a walk, the store's to read; a size of 0 is the beginning and the end. It outlives the
 * process or not as the store likes, and survives everything that others do to the table. Clients
 * hold it and give it back, so it may be anything: what the store has not made is KV_EXPIRED. */
struct kv_cursor {
    uint16_t size;
    uint8_t bytes[KV_CURSOR_MAX];
};

/* One operation: the submitter's memory, unmoved and untouched from submit to done. All that its
 * views show must live as long. */
struct kv_op {
    enum kv_store_kind kind;
    struct weft_view table;
    struct kv_item *items; /* KV_WALK: NULL */
    size_t count;          /* of items, at least 1; KV_WALK: about how many pairs the page may have,
                              at least 1 */
    bool exact;            /* KV_WALK: no more than count of them, and a page that `each` ends has a
                              next one, which begins with the pair it refused. Costs more */

    /* KV_WALK only: where to begin, and, after done, where the next page does. Every key present
     * from the first page to the last comes at least once, exactly once where nobody writes; a walk
     * is no snapshot. */
    struct kv_cursor *cursor;
    /* KV_WALK only: one pair, before done; views until it returns. False: no more of them, done
     * follows at once; the cursor is undefined unless the walk is exact. */
    bool (*each)(struct kv_op *op, struct weft_view key, const struct kv_value *value);

    /* What was found is set where outcome is KV_DONE. The op may be freed or used again in it. */
    void (*done)(struct kv_op *op, enum kv_outcome outcome);
};

struct kv_store_options {
    const struct weft_limits *limits; /* max_memory; valid as long as the store */
    const uint8_t *seed;              /* 16 bytes of the keyed hash, for tests and measurements that
                                         must repeat; NULL: random */
};

struct kv_store {
    const char *name; /* as in `--store NAME` */
    unsigned flags;   /* of kv_store_flag */
    size_t store_size, loop_size, session_size;

    /* The store itself, for all loops. 0, or -errno with one line in *error and nothing held.
     * fini: after every stop. */
    int (*init)(void *store, const struct kv_store_options *options, struct weft_error *error);
    void (*fini)(void *store);

    /* Once per loop that will submit (more than once for one loop is fine), on one thread, before
     * the loops run; stop likewise after they ended and all sessions are closed. 0 or -errno, then
     * stop is not called. */
    int (*start)(void *loop_state, void *store, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* A session: one a connection, on its loop. Completes what is pending as KV_UNKNOWN when it is
     * closed. open: 0 or -errno, then close is not called. */
    int (*open)(void *session, void *loop_state);
    void (*close)(void *session);

    /* Does op, or begins to; see the top. Called within a turn of the session's loop; also from
     * within done, but not from within each. */
    void (*submit)(void *session, struct kv_op *op);
};

#ifdef __cplusplus
}
#endif

#endif
