/* SPDX-License-Identifier: MIT
 *
 * A watch is a request that is answered with the changes of the store, for as long as its connection lasts. It leaves
 * the order of replies (weft_request_detach), so other requests of its connection are answered meanwhile. The first
 * message has the number after which the changes come. Each further one has some changes. If the watcher reads too
 * slowly, or asks for changes that are not kept any more, the request ends with KV_GONE. */
#ifndef KV_WATCH_H
#define KV_WATCH_H

#include "face.h"

/* Which changes a watch tells. A table that was dropped is told to everyone who watches something in it. */
struct kv_watch_spec {
    bool all; /* those of all tables; else those of `table` */
    bool one; /* those of `key`; else those of keys that begin with `key` */
    struct weft_view table, key;
    uint64_t from; /* those after this number; 0: from now on */
    bool
        only_number; /* none: the answer is the number of the last change that could be read, at least */
};

enum { KV_WATCH_HEAD = 24 }; /* the most bytes that put_head writes */

/* How a face writes the messages of a watch. A message is its head and then its changes. */
struct kv_watch_face {
    /* Writes the head: the status KV_OK, and the number of the last change up to which the watcher has been told
     * everything. Returns its size. */
    size_t (*put_head)(uint8_t *dst, uint64_t number);
    /* Returns the size of a change, and writes it to dst. */
    size_t (*change_size)(const struct kv_change *change);
    void (*put_change)(uint8_t *dst, const struct kv_change *change);
};

/* Makes task a watch, or refuses it. Called from within decode of a face, which then returns false. The spec is borrowed
 * until this returns. */
void kv_task_watch(struct kv_task *task, const struct kv_watch_spec *spec,
                   const struct kv_watch_face *face);

#endif
