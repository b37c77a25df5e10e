/* SPDX-License-Identifier: MIT
 *
 * A watch is a request that is answered with the changes of the store, for as long as its connection lasts. It leaves
 * the order of replies (weft_request_detach), so other requests of its connection are answered meanwhile; in a protocol
 * that has no place for that, it streams its answer in the order (weft_request_endless). The first message has the
 * number after which the changes come. Each further one has some changes. If the watcher reads too slowly, or asks for
 * changes that are not kept any more, the request ends with KV_GONE. It ends too if the layers of the endpoint, which
 * are asked before each message, no longer allow it. Watches take turns, so that the requests of others are answered in
 * between. */
#ifndef KV_WATCH_H
#define KV_WATCH_H

#include "face.h"
#include "stream.h"

/* Which changes a watch tells. A table that was dropped is told to everyone who watches something in it. */
struct kv_watch_spec {
    bool all; /* those of all tables; else those of `table` */
    bool one; /* those of `key`; else those of keys that begin with `key` */
    struct weft_view table, key;
    uint64_t from; /* those after this number; 0: from now on */
    bool versions; /* of values are told, too */
    bool
        only_number; /* none: the answer is the number of the last change that could be read, at least */
};

enum { KV_WATCH_NUMBER = 32 }; /* the most bytes that put_number writes */

/* How a face writes the messages of a watch: changes, if there are any, and then a number. */
struct kv_watch_face {
    /* NULL: the watch leaves the order of replies. Otherwise it streams its answer in the order, and this writes what
     * the first message begins with, at most KV_STREAM_BEGIN_MAX bytes. Called within decode of the task. Returns the
     * size. */
    size_t (*put_begin)(const struct kv_task *task, uint8_t *dst);
    /* Writes, with the status KV_OK if messages have one, the number of the last change up to which the watcher has been
     * told everything. Returns the size, which may be 0 if the message has changes. */
    size_t (*put_number)(uint8_t *dst, uint64_t number, bool has_changes);
    /* Returns the size of a change, and writes it to dst. `version` has KV_VERSION_SIZE bytes; it is NULL for a change
     * that sets no value, and for each if the spec does not ask for versions. */
    size_t (*change_size)(const struct kv_change *change, const uint8_t *version);
    void (*put_change)(uint8_t *dst, const struct kv_change *change, const uint8_t *version);
    /* Writes why the watch ends, in at most WEFT_REJECT_MAX bytes, and returns their number. NULL: put_text of the face
     * does. */
    size_t (*put_end)(uint8_t *dst, enum kv_status status, const char *text);
    /* Sent after KV_STREAM_PULSE without a message, so that proxies keep the connection, and the server notices a peer that is
     * gone. NULL: nothing is sent. */
    const char *pulse;
};

/* Makes task a watch, or refuses it. Called from within decode of a face, which then returns false. The spec is borrowed
 * until this returns. */
void kv_task_watch(struct kv_task *task, const struct kv_watch_spec *spec,
                   const struct kv_watch_face *face);

#endif
