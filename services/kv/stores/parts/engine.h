/* SPDX-License-Identifier: MIT
 *
 * The engine seam: an engine is an ordered map from bytes to bytes on disk. A reader sees a state of the map that
 * does not change, while one writer makes transactions. disk.h makes a kv_store from an engine.
 *
 * Keys have at least one byte and at most KV_KEY_MAX (key.h). Functions return 0 or a negative error. These errors
 * have a meaning for the caller: -ENOENT (no such key, or no further key), -ENOMEM, -ENOSPC (the disk is full or
 * the limit is reached), -ERESTART (the transaction must be dropped; after make_room it can be repeated). Any other
 * error of a write means that the disk has failed. */
#ifndef KV_PARTS_ENGINE_H
#define KV_PARTS_ENGINE_H

#include "sync.h"
#include "services/kv/store.h"

enum kv_engine_tx {
    KV_ENGINE_WRITER,
    KV_ENGINE_LOOP,  /* a reader on a loop, which must not wait for the disk */
    KV_ENGINE_THREAD /* a reader that may wait for the disk */
};

struct kv_engine_options {
    const char *path; /* the directory, which exists and is locked */
    const struct weft_option_set *set;
    struct kv_sync sync;
};

struct kv_engine {
    const char *name; /* the name of the store */
    size_t tx_size;   /* bytes of a tx */
    /* True if reads may have to wait for the disk. A reader of the kind KV_ENGINE_LOOP then gets -EAGAIN instead of
     * waiting, and the read is repeated on a thread. */
    bool blocks;

    /* Opens or makes the map in the directory. Sets *engine, which close frees. After an error *error has one line. */
    int (*open)(void **engine, const struct kv_engine_options *options, struct weft_error *error);
    void (*close)(void *engine);

    /* A tx is a reader or the writer. The caller provides tx_size zeroed bytes for it, and one thread at a time uses
     * it. A reader's begin takes the newest state; end releases it and invalidates all views. There is one writer.
     * Its begin starts a transaction; commit makes that the newest state, and end drops it. */
    int (*tx_open)(void *tx, void *engine, enum kv_engine_tx kind);
    void (*tx_close)(void *tx);
    int (*begin)(void *tx);
    void (*end)(void *tx);

    /* Sets *value to the value of key. The view is valid until end or, if the engine blocks, until the next get or
     * commit. A view of the writer is valid until its next get, put or remove. */
    int (*get)(void *tx, struct weft_view key, struct weft_view *value);
    /* seek moves to the first key at or after `from`. next returns that pair and moves on. After a put or remove the
     * writer must seek again. It may or may not see in this way what its own transaction has changed. */
    int (*seek)(void *tx, struct weft_view from);
    int (*next)(void *tx, struct weft_view *key, struct weft_view *value);

    /* For the writer. put stores the concatenation of `count` parts as the value. */
    int (*put)(void *tx, struct weft_view key, const struct weft_view *parts, size_t count);
    int (*remove)(void *tx, struct weft_view key);
    /* Ends the transaction, even if it fails. With KV_SYNC_ALWAYS the transaction is on disk after 0. */
    int (*commit)(void *tx);
    /* Writes everything that was committed to the disk. Called on the writer's thread. */
    int (*sync)(void *engine);
    /* Called after -ERESTART. Returns 0 if there is room now, or -ENOSPC if the map cannot grow. */
    int (*make_room)(void *engine);
    /* Called when a write has failed for good. From now on nothing is written, and reads show what was committed. */
    void (*fail)(void *engine);
};

#endif
