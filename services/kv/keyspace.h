/* SPDX-License-Identifier: MIT
 *
 * Keyspace events, as Redis has them: what happens to keys is told as messages of topics, in the words of Redis.
 *
 *     __keyspace@0__:KEY    message: the event, as in "set"
 *     __keyevent@0__:EVENT  message: the key
 *
 * KEY is a key of the table of strings, or the name of another table. The messages are made from the changes of the
 * store. Each loop on which such a topic is followed follows the store, and tells its own followers alone. They are off
 * until kv_task_set_keyspace. Private to services/kv. */
#ifndef KV_KEYSPACE_H
#define KV_KEYSPACE_H

#include <stdatomic.h>

#include "core/base/buf.h"
#include "core/layer.h"
#include "core/task.h"
#include "store.h"

struct kv_feed_loop;
struct kv_keyspace;
struct kv_session_loop;
struct kv_task;
struct weft_kv_context;

/* Flags say what is told: bit I is letter I of KV_KEYSPACE_LETTERS. Classes of what kvs does not have are kept, and tell
 * nothing. */
#define KV_KEYSPACE_LETTERS "g$lshzxetdnKEm"
enum kv_keyspace_flag {
    KV_KEYSPACE_GENERIC = 1,
    KV_KEYSPACE_STRING = 1 << 1,
    KV_KEYSPACE_HASH = 1 << 4,
    KV_KEYSPACE_EXPIRED = 1 << 6,
    KV_KEYSPACE_CLASSES = (1 << 10) - 1, /* the letter A */
    KV_KEYSPACE_NEW = 1 << 10,
    KV_KEYSPACE_BY_KEY = 1 << 11,
    KV_KEYSPACE_BY_EVENT = 1 << 12
};

/* The part that the loops share. NULL: no memory. */
struct kv_keyspace *kv_keyspace_new(void);
void kv_keyspace_free(struct kv_keyspace *self);
/* Sets the name of the table of strings, before the loops run. The first call counts. */
void kv_keyspace_set_strings(struct kv_keyspace *self, const char *table);
/* Returns the flags. Any thread. */
unsigned kv_keyspace_flags(const struct kv_keyspace *self);

/* One loop's part. */
struct kv_keyspace_loop {
    struct kv_keyspace *keyspace;
    const struct kv_store *store;
    void *store_loop;
    struct weft_loop *loop;
    struct kv_feed_loop *feed; /* set by the session's start */
    unsigned flags;            /* of the changes that come */
    void *session;             /* with the store; NULL: it follows nothing */
    struct kv_follow follow;
    const char *told; /* the event of the change before, if that was of the same operation */
    struct weft_buf bytes;
    struct weft_timer timer; /* the next step */
    struct weft_post post;   /* takes over new flags */
    atomic_bool posted;
};

void kv_keyspace_start(struct kv_keyspace_loop *self, const struct weft_kv_context *context,
                       void *store_loop, struct weft_loop *loop);
/* After the loop has ended. */
void kv_keyspace_stop(struct kv_keyspace_loop *self);

/* Sets the flags for all loops; what follows is told by them. Called within decode of a face. Returns 0, or an error of
 * kv_store.follow; -ENOTSUP also if the store tells no changes. */
WEFT_MUST_USE int kv_task_set_keyspace(const struct kv_task *task, unsigned flags);

/* Called on the loop's thread when somebody has begun to follow something there. */
void kv_keyspace_followed(const struct kv_session_loop *loop);

/* Sets `reads` to what somebody has to be allowed to read who follows that topic or pattern, besides following it.
 * Returns their number. */
enum { KV_KEYSPACE_READS = 2 };
size_t kv_keyspace_reads(const struct kv_keyspace *self, bool is_pattern, struct weft_view name,
                         struct weft_action reads[KV_KEYSPACE_READS]);

#endif
