/* SPDX-License-Identifier: MIT
 *
 * The part of the store seam (store.h) that carries messages between servers. Several servers may work on one engine,
 * such as a cluster of Redis. A store with KV_STORE_MESSAGES passes what is published on one of them to all of them.
 *
 * A store that has this flag promises:
 *   - A message whose outcome is KV_DONE comes to each listener of the engine, the publisher's own server included, or
 *     the listener is told of a gap. It comes at most once.
 *   - Messages that were published on one loop come in the order in which publish was called.
 *   - A listener that was without the engine, or that finds out that something is missing, is told of a gap behind what
 *     came before and in front of what came after. If the last message before a silence is missing, it may take until the
 *     next message of its publisher. How many are missing is not known.
 *   - The bytes of messages that wait to be sent are those whose `done` has not been called, so their publisher bounds
 *     them. What has come is handed on at once and not kept.
 *   - It is neither KV_STORE_INLINE nor KV_STORE_READS_INLINE. */
#ifndef KV_MESSAGES_H
#define KV_MESSAGES_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One or more values that are published to a topic together. The struct belongs to the publisher, which neither moves
 * nor changes it until done is called. */
struct kv_message {
    /* Borrowed until publish returns. The topic is any bytes, and the values are in their packed form (value.h). */
    struct weft_view topic;
    const struct weft_view *values;
    size_t count; /* at least 1 */
    /* Called once, on the session's loop: from within publish, in a later turn, or from within close with KV_UNKNOWN. The
     * outcome is KV_DONE, KV_FAILED, KV_UNAVAILABLE or KV_UNKNOWN, as enum kv_outcome says. The callback may free the
     * message or publish it again. */
    void (*done)(struct kv_message *message, enum kv_outcome outcome);
    void *state; /* the store's own, from publish to done */
};

/* One who hears what is published on the engine. Both callbacks come on the thread of the loop state that it listens
 * with, in a turn of the loop, and may not call unlisten. */
struct kv_listener {
    /* The views are valid until it returns. Values that were published together may come in several calls. Others may
     * write to the engine too, so the values need not be in the packed form. */
    void (*message)(struct kv_listener *listener, struct weft_view topic,
                    const struct weft_view *values, size_t count);
    /* Messages may be missing between those that came before and those that will come. It is called for the beginning,
     * too: what is published before the first call may not come. */
    void (*gap)(struct kv_listener *listener);
    void *state; /* the store's own, from listen to unlisten */
};

#ifdef __cplusplus
}
#endif

#endif
