/* SPDX-License-Identifier: MIT
 *
 * The seam on which a store on disk is made: an ordered map of bytes, with states that do not change under a
 * reader and transactions of one writer. disk.h makes a kv_store of one.
 *
 * Keys have at most KV_KEY_MAX bytes and at least one. Functions return 0 or a negative error; those
 * with a meaning for the caller are -ENOENT (no such key, no further key), -ENOMEM,
 * -ENOSPC (the disk or the limit is reached), -ERESTART (the transaction must be given up; after
 * make_room it can be done again). Any other error of a write means that the disk has failed. */
#ifndef KV_PARTS_ENGINE_H
#define KV_PARTS_ENGINE_H

#include "sync.h"
#include "services/kv/store.h"

enum kv_engine_tx {
    KV_ENGINE_WRITER,
    KV_ENGINE_LOOP,  /* a reader on a loop */
    KV_ENGINE_THREAD /* a reader that may wait for the disk */
};

struct kv_engine_options {
    const char *path; /* the directory, which is there and locked */
    const struct weft_option_set *set;
    struct kv_sync sync;
};

struct kv_engine {
    const char *name; /* the store's */
    size_t tx_size;
    /* Reads may wait for the disk. A reader that may not is opened with KV_ENGINE_LOOP, and gets -EAGAIN where
     * it would have to; others read on threads. */
    bool blocks;

    /* Opens what is in the directory. *engine is the engine's own memory. *error has one line. */
    int (*open)(void **engine, const struct kv_engine_options *options, struct weft_error *error);
    void (*close)(void *engine);

    /* A tx is the caller's memory of tx_size bytes, zeroed, for one thread at a time. A reader's begin
     * takes the newest state, and end gives it up with all views. There is one writer; its begin starts
     * a transaction, which end drops and commit makes the newest state. */
    int (*tx_open)(void *tx, void *engine, enum kv_engine_tx kind);
    void (*tx_close)(void *tx);
    int (*begin)(void *tx);
    void (*end)(void *tx);

    /* Shows a value; the view is valid until end, or of an engine that blocks until the next get or commit.
     * The writer's is valid until its next get, put or remove. */
    int (*get)(void *tx, struct weft_view key, struct weft_view *value);
    /* Goes to the first key at or after `from`; next shows that one, and goes on. The writer seeks
     * again after a put or remove, and need not see what its transaction has changed. */
    int (*seek)(void *tx, struct weft_view from);
    int (*next)(void *tx, struct weft_view *key, struct weft_view *value);

    /* The writer's. A value is given in parts. */
    int (*put)(void *tx, struct weft_view key, const struct weft_view *parts, size_t count);
    int (*remove)(void *tx, struct weft_view key);
    /* Ends the transaction, whatever it returns. With KV_SYNC_ALWAYS it is on disk after 0. */
    int (*commit)(void *tx);
    /* Brings all that was committed to the disk. The writer's thread. */
    int (*sync)(void *engine);
    /* After -ERESTART: 0 if there is room now; -ENOSPC if none is to be made. */
    int (*make_room)(void *engine);
    /* A write has failed for good. From now on nothing is written, and reads show what was committed. */
    void (*fail)(void *engine);
};

#endif
