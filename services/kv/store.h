/* SPDX-License-Identifier: MIT
 *
 * The store seam. A store maps a table's name and a key to a value; all three are any bytes. It may be in
 * memory, on disk or on another machine. A store is one `const struct kv_store`. Its user allocates three
 * states for it, zeroed, with the sizes that it declares: one for the store, one per loop and one per
 * session. Each connection has one session, through which it submits its operations.
 *
 * There is one rule: every operation completes exactly once, by a call of its `done` on the loop that
 * submitted it. That call comes from within submit or in a later turn of the loop, and never after close
 * has returned. A store that cannot finish within submit does not block there, because that would stop the
 * loop. Users do not repeat an operation that failed, so a store that wants retries makes them itself.
 *
 * A store also promises:
 *   - A write that it refuses (KV_FAILED, KV_UNAVAILABLE, KV_FULL) changes nothing: no key, no table, and
 *     not the memory that the store counts against its limit.
 *   - With KV_STORE_ATOMIC no operation sees only a part of a batch or of a KV_DROP. A batch is one
 *     operation with its items. A page of KV_WALK is an operation by itself, so a batch may take effect
 *     between two pages of a walk. KV_COUNT and KV_TABLES may add up numbers from several moments. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include "core/base/blob.h"
#include "core/base/bytes.h"
#include "core/base/log.h"
#include "core/base/samples.h"
#include "core/base/settings.h"
#include "core/task.h"

#ifdef __cplusplus
extern "C" {
#endif

enum kv_store_flag {
    KV_STORE_ORDERED =
        1, /* operations of one session take effect in the order submitted; without this flag
                             and without KV_STORE_OVERLAP the user submits one at a time */
    KV_STORE_ATOMIC = 2, /* other operations, reads of one key and pages of walks included, see all
                             of a batch or nothing of it */
    /* A write that was answered KV_DONE outlives the process. Whether it outlives a loss of power is for the
     * store's own options to say. */
    KV_STORE_DURABLE = 4,
    KV_STORE_WALK = 8,    /* the store does KV_WALK */
    KV_STORE_INLINE = 16, /* done is always called before submit returns */
    KV_STORE_UPDATE = 32, /* the store does KV_MUPDATE */
    /* The store keeps `expires` of items and pairs. Without this flag a write whose expiry is a time, and not
     * KV_NEVER or KV_KEEP_EXPIRY, ends as KV_FAILED. */
    KV_STORE_EXPIRY = 64,
    KV_STORE_TABLES = 128, /* the store does KV_TABLES, KV_COUNT and KV_DROP */
    /* Every cursor of a page that is not exact (op->exact) has 8 bytes, and they are not all 0. The lowest bit
     * of the last byte is 0, so the user may mark its cursors with that bit; it clears the bit before it gives
     * a cursor back. */
    KV_STORE_CURSOR64 = 256,
    /* A read or a page of a walk calls done before submit returns, if its session has no unfinished write. */
    KV_STORE_READS_INLINE = 512,
    KV_STORE_CHANGES = 1024, /* the store has follow, next_change and unfollow */
    /* Without KV_STORE_ORDERED: operations of one session may be under way together, and take effect in any order. So
     * the user submits together what reads, or what shares no key. */
    KV_STORE_OVERLAP = 2048,
    KV_STORE_MESSAGES = 4096, /* the store has publish, listen and unlisten */
    KV_STORE_IF_TABLE = 8192, /* KV_MSET heeds op->if_table */
};

enum kv_store_kind {
    /* To find a key is to set `present`, `found` and `found_expires` of its item. A batch has the result of taking
     * its items one by one, so the second item of a key given twice finds what the first one stored. */
    KV_MGET,   /* finds the keys */
    KV_MEXIST, /* sets `present` and need not set `found` */
    KV_MSET,   /* finds each key, then stores item.value. The table is made if it does not exist */
    KV_MDEL,   /* finds each key, then removes it */
    KV_WALK,   /* shows one page of a table through `each` */
    /* Finds each key, decides about it with weft_kv_update_decide (update.h) and changes it accordingly. Nothing
     * else can change a key between the decision and the change. If an item is refused and op->apart is false,
     * nothing changes and the outcome is KV_UNMET. */
    KV_MUPDATE,
    KV_TABLES, /* shows one page of the tables through `each`: name and number of keys */
    KV_COUNT,  /* sets op->total to the number of keys of the table */
    KV_DROP,   /* removes the table with all its keys, and sets op->total to their number */
};

enum kv_outcome {
    KV_DONE,
    KV_FAILED,      /* permanent: this store cannot do it; nothing took effect */
    KV_UNAVAILABLE, /* no memory or no connection at present; nothing took effect */
    KV_EXPIRED,     /* KV_WALK and KV_TABLES only: the store did not make this cursor, or can no
                       longer continue from it */
    KV_UNKNOWN, /* the operation may have taken effect, or may still do so, because a deadline passed or
                   the session was closed */
    KV_FULL,  /* the store is at its limit; nothing took effect; reads and removals still work */
    KV_UNMET, /* KV_MUPDATE without `apart`: a verdict was a refusal, so nothing took effect. The
                 results of the items are set all the same, as if the refused items had been left out.
                 KV_MSET with if_table: nothing took effect, and no result is set */
};

/* A value. If blob is not NULL, `bytes` are the end of that blob, and whoever keeps the value may keep
 * a reference to the blob instead of copying. The blob may have other bytes in front of the value, such as
 * the head of a reply. A store that keeps or copies the blob keeps them too, and does not read them. */
struct kv_value {
    struct weft_view bytes;
    struct weft_blob *blob;
};

/* An expiry is a wall-clock time in milliseconds since 1970 UTC, as weft_loop_wall returns it. A key is present
 * before that time. From then on it is absent, even if its memory is freed later. A write whose expiry has
 * already passed leaves the key absent. */
enum {
    KV_NEVER = 0, /* the key does not expire */
    /* Only for KV_MUPDATE: the key keeps its expiry; a key that was absent gets KV_NEVER. */
    KV_KEEP_EXPIRY = -1
};

/* The result of an update; update.h says how it is decided. */
enum kv_verdict {
    KV_VERDICT_STORE,  /* the key has the new value or the new expiry */
    KV_VERDICT_REMOVE, /* the key was removed, or its new expiry had passed already */
    KV_VERDICT_KEEP,   /* there was nothing to change */
    /* The refusals (kv_verdict_is_refusal). */
    KV_VERDICT_UNMET, /* the condition does not hold */
    KV_VERDICT_WRONG, /* a value has the wrong type for KV_THEN_ADD, _ADD_REAL or _APPEND */
    KV_VERDICT_RANGE  /* the result is too large, or is not finite */
};

struct kv_listener;
struct kv_message;
struct kv_update;
struct weft_registry;

/* One key of a batch. */
struct kv_item {
    struct weft_view key;
    struct kv_value value; /* in, KV_MSET and KV_MUPDATE */
    /* Out, set if present: the value before this item took effect; valid until done returns. */
    struct kv_value found;
    bool present;          /* out: the key was present before this item took effect */
    int64_t expires;       /* in, KV_MSET and KV_MUPDATE: the key's new expiry, or KV_NEVER */
    int64_t found_expires; /* out, set if present, by a store with KV_STORE_EXPIRY */
    const struct kv_update *update; /* in, KV_MUPDATE: borrowed until done returns */
    /* Out, KV_MUPDATE. If the outcome is KV_UNMET, this is the verdict that the item gets when the refused
     * items are left out. */
    enum kv_verdict verdict;
    struct {
        uint64_t number;
        void *pointer;
    } scratch; /* the store's own, from submit to done */
};

enum { KV_CURSOR_MAX = 256 };

/* A place in a walk, which only the store can read. A size of 0 asks the store for the first page; if the
 * store sets it, the walk is over. A cursor stays valid whatever others do to the table. The store decides
 * whether it outlives the process. Clients hold cursors and send them back, so a store gets any bytes here:
 * if it did not make them, the outcome is KV_EXPIRED. */
struct kv_cursor {
    uint16_t size;
    uint8_t bytes[KV_CURSOR_MAX];
};

/* One result of a page: a key with its value (KV_WALK) or a table (KV_TABLES). */
struct kv_pair {
    struct weft_view key;  /* KV_TABLES: the name of the table */
    struct kv_value value; /* KV_WALK */
    int64_t expires;       /* KV_WALK: or KV_NEVER */
    uint64_t total;        /* KV_TABLES: the number of keys, as KV_COUNT gives it */
};

/* One operation. The struct belongs to the submitter. From submit to done the submitter neither moves nor
 * changes it, nor the items and bytes that it refers to. */
struct kv_op {
    enum kv_store_kind kind;
    struct weft_view table;
    struct kv_item *items; /* for kinds that begin with KV_M; else NULL */
    /* At least 1. For kinds that begin with KV_M it is the number of items. For pages it is roughly the number
     * of pairs wanted; the store may end a page earlier. */
    size_t count;
    bool apart; /* KV_MUPDATE: a refused item does not stop the others */
    /* KV_MSET: writes only if the store sees that the table has a key which has not expired. If the table has none the
     * outcome is KV_UNMET. It may be KV_UNMET as well where it would cost much to find out, so its user then asks
     * in another way. A store without KV_STORE_IF_TABLE does not look at it. */
    bool if_table;
    uint64_t total; /* out, KV_COUNT, KV_DROP: may count keys that expired and were not freed yet */

    /* The next four are for pages: KV_WALK and KV_TABLES. */

    /* True: the page has at most `count` pairs, and a pair for which `each` returned false begins the next
     * page. This costs more. */
    bool exact;
    /* Only keys or names that begin with this are wanted. KV_TABLES shows no others. KV_WALK may show others
     * too, since a store need not use the prefix, so its user filters. */
    struct weft_view prefix;
    /* In: where the page begins. Out, when done is called: where the next page begins. A walk shows every key or
     * table that is present from its first page to its last at least once, and exactly once if nobody writes.
     * With KV_STORE_ATOMIC each page of KV_WALK shows the table at one moment, but two pages show different
     * moments. */
    struct kv_cursor *cursor;
    /* Called for each pair, before done. The views are valid until it returns. False: the caller wants no more
     * pairs. Then done follows at once, and the cursor is undefined unless the page is exact. */
    bool (*each)(struct kv_op *op, const struct kv_pair *pair);

    /* Called once at the end. With KV_DONE the results are set: in the items, in *cursor or in `total`. The
     * callback may free the op, submit it again, or submit others. */
    void (*done)(struct kv_op *op, enum kv_outcome outcome);
};

/* A change that took effect. */
enum kv_change_kind {
    KV_CHANGE_SET,     /* the key has the value and the expiry, whatever it had before */
    KV_CHANGE_REMOVED, /* an operation removed the key */
    /* The key had expired and its memory was freed, which may be seconds after its expiry. A key that is set again
     * before that is not told as expired. */
    KV_CHANGE_EXPIRED,
    KV_CHANGE_DROPPED /* the table was removed with all its keys; `key` is empty */
};

/* The part of a key that the operation of a KV_CHANGE_SET was about. */
enum kv_change_part {
    KV_CHANGE_ALL,   /* the value and the expiry */
    KV_CHANGE_VALUE, /* the value: the key kept its expiry (KV_KEEP_EXPIRY) */
    KV_CHANGE_EXPIRY /* the expiry: the key kept its value (KV_THEN_EXPIRE) */
};

struct kv_change {
    enum kv_change_kind kind;
    enum kv_change_part part; /* KV_CHANGE_SET */
    /* Each change of a store has a number that is higher than those of all changes told before it. Numbers have gaps.
     * They begin at the time of the calendar when the store was opened, so a number of an earlier process is too old,
     * and is not mistaken for one of this process (unless the calendar was set back since). */
    uint64_t number;
    struct weft_view table, key;
    struct weft_view value; /* KV_CHANGE_SET; weft_kv_version (update.h) makes its version */
    int64_t expires;        /* KV_CHANGE_SET: or KV_NEVER */
    /* The next change is of the same operation. `from`, `latest` and `reached` of a follower never lie between the two,
     * unless it asked for that. */
    bool more;
};

/* A follower of all changes of a store. Changes of one key come in the order in which they took effect; those of
 * different keys, of one batch too, may come in another order than readers saw them. Nothing comes twice and nothing is
 * left out. Who follows and afterwards walks a table, and then applies the changes that have come, has the table as it
 * is: each change took effect before the walk looked, or comes. */
struct kv_follow {
    /* In: the number of the last change that the follower knows, from a change or from an earlier `from`; 0: it wants
     * those from now on. Out: the number after which the changes come. */
    uint64_t from;
    /* Out, by follow: a change that anybody could read before has this number at most. */
    uint64_t latest;
    /* Out, by follow and by a next_change that returns 0: the follower has got all changes up to this number. It may be
     * higher than the number of any change. */
    uint64_t reached;
    /* Called on the loop's thread, in a turn of its own, after next_change has returned 0 and then there is a change,
     * or an error to be returned. It may call any slot. */
    void (*ready)(struct kv_follow *follow);
    void *state; /* the store's own, from follow to unfollow */
};

/* Hears how far a store has read what it has. A program embeds it and sets `tell`. */
struct kv_progress {
    /* Called on the thread that opens the store, from within init: at the beginning, and then now and then. `unit` is a
     * static word for what is counted, such as "bytes" or "tables". total is 0 if the store does not know it; `done` never
     * falls. */
    void (*tell)(struct kv_progress *progress, uint64_t done, uint64_t total, const char *unit);
};

/* The configuration of a store. It is borrowed until init returns, except for `log` and
 * `registry`. */
struct kv_store_options {
    const char *where; /* the WHERE of `--store NAME:WHERE`; NULL or "" if there is none */
    const struct weft_option_set *set; /* only options that the store declares */
    uint64_t max_memory;               /* bytes that the store may hold; 0: no limit */
    const struct weft_log *log;        /* lives as long as the store; NULL: it logs nothing */
    /* The transports and filters by which a store may reach other machines (core/dialer.h); it lives as long as the
     * store. NULL: there are none. */
    struct weft_registry *registry;
    /* Hears what init reads. NULL: nobody does. A store that has nothing to read, or cannot tell, calls nothing. */
    struct kv_progress *progress;
    const uint8_t *seed; /* 16 bytes that seed the keyed hash, for tests and measurements that
                            must repeat; NULL: random */
};

struct kv_store {
    const char *name;  /* as in `--store NAME` */
    const char *where; /* what WHERE of `--store NAME:WHERE` names, as "DIR"; NULL: it takes none */
    const struct weft_option *options; /* those in `--store NAME?option=value`; NULL: none */
    unsigned flags;                    /* of kv_store_flag */
    size_t store_size, loop_size, session_size;

    /* NULL for most stores. One name may stand for several stores whose flags depend on the options; then this
     * returns the one that the options select, or NULL with one line in *error. The caller uses the returned
     * store in place of this one. */
    const struct kv_store *(*variant)(const struct kv_store_options *options,
                                      struct weft_error *error);

    /* NULL if there is nothing to repair. Looks in options->where for damage that keeps the store from starting
     * and describes it to `say`, one line per call. If `drop` is true it also drops what is damaged, so that the
     * store starts with the rest. Returns the number of bytes that were or would be dropped, or an error with one
     * line in *error. */
    int64_t (*repair)(const struct kv_store_options *options, bool drop,
                      void (*say)(void *arg, const char *line), void *arg,
                      struct weft_error *error);

    /* Sets up the state that all loops share. Returns 0. Otherwise returns an error with one line in *error, has
     * released everything, and fini is not called. The error is WEFT_ECONFIG if the value of an option is not
     * acceptable. fini is called after the last stop. */
    int (*init)(void *store, const struct kv_store_options *options, struct weft_error *error);
    void (*fini)(void *store);

    /* NULL if there is nothing to tell. Tells the samples of the store, on any thread, from init to fini
     * (core/base/samples.h). */
    void (*collect)(void *store, struct weft_samples *samples);
    /* NULL if the store makes no snapshots. Begins one, which a thread of the store's own makes. Any thread. Returns 0,
     * or -errno. */
    int (*snapshot)(void *store);

    /* start sets up a loop state. It is called for each loop that will submit, before the loops run; one loop
     * may get several loop states. stop is called after the loops ended and all sessions were closed. One thread
     * makes all these calls. start returns 0 or -errno; after -errno stop is not called. */
    int (*start)(void *loop_state, void *store, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* A connection has one session, on its loop. open returns 0 or -errno; after -errno close is not
     * called. close calls done with KV_UNKNOWN for every operation that is still pending. */
    int (*open)(void *session, void *loop_state);
    void (*close)(void *session);

    /* Executes or starts op; the rule at the top of this file says when it completes. It is called within a
     * turn of the session's loop. It may be called from within done but not from within each. */
    void (*submit)(void *session, struct kv_op *op);

    /* These three are NULL unless the store has KV_STORE_CHANGES. They are called on the session's loop. The memory in
     * which a store keeps changes for its followers is bounded, and nothing waits for a follower.
     *
     * follow begins to follow; the session's user calls unfollow before it closes the session. Returns 0, or -ERANGE
     * if changes after follow->from are not kept any more (with from 0 too, if a write in progress has more changes
     * than the store keeps: it can be tried again), -ENOMEM, or -ENOTSUP if the store's options leave it no
     * memory for changes. After an error unfollow is not called. */
    int (*follow)(void *session, struct kv_follow *follow);
    void (*unfollow)(void *session, struct kv_follow *follow);
    /* Returns 1 with the next change, whose views are valid until the next call or unfollow. Returns 0 if there is none
     * at present, and then `ready` is called later. Returns -ERANGE if the follower was too slow, so that the next
     * change is lost, or if the store could not keep it: the follower unfollows and begins anew, with a walk. */
    int (*next_change)(void *session, struct kv_follow *follow, struct kv_change *change);

    /* These three are NULL unless the store has KV_STORE_MESSAGES (messages.h). publish is called on the session's loop.
     * It may be called while operations of the session are under way, and has no order with them. */
    void (*publish)(void *session, struct kv_message *message);
    /* listen begins to hear what is published on the engine. It is called after start and before the loops run; unlisten,
     * after the loops ended and before stop. A loop state has one listener at most. listen returns 0 or -ENOMEM; after
     * that unlisten is not called. */
    int (*listen)(void *loop_state, struct kv_listener *listener);
    void (*unlisten)(void *loop_state, struct kv_listener *listener);
};

#ifdef __cplusplus
}
#endif

#endif
