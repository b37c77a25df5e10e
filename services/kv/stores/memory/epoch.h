/* SPDX-License-Identifier: MIT
 *
 * Epochs: memory that readers on other loops may still look at is freed when every loop has passed
 * the end of a turn (quiescent-state-based reclamation; see McKenney, "Is Parallel Programming
 * Hard", 9.5). Readers do nothing at all; each loop announces its turns.
 *
 * An object that is retired in a turn is freed at the turn's end if no other loop is within a turn
 * that began before. Otherwise it is freed at the end of a later turn, and a timer makes that come
 * within 10 ms. */
#ifndef KV_STORE_EPOCH_H
#define KV_STORE_EPOCH_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/task.h"

enum { KV_CACHE_LINE = 64 };

struct kv_epoch_loop;

/* Shared by all loops. */
struct kv_epoch {
    _Atomic uint64_t now;
    struct kv_epoch_loop *loops; /* changes only while no loop runs */
};

/* Objects that nobody can find any more, in the order retired. */
struct kv_retired {
    struct kv_retired_object {
        void *object;
        void (*drop)(void *object, void *context);
    } * objects;
    size_t count, capacity;
};

/* One loop's part. Only the loop's thread uses it, but for `seen`, `post` and `posted`. */
struct kv_epoch_loop {
    struct weft_turn_hook hook; /* first: hooks are cast back */
    struct weft_timer timer;
    struct weft_loop *loop;
    struct kv_epoch *epoch;
    void *context; /* drop's */
    struct kv_epoch_loop *next;
    struct kv_retired retired; /* since `waiting` was closed */
    struct kv_retired waiting; /* goes when every loop has seen waiting_for */
    uint64_t waiting_for;
    struct weft_post post; /* for kv_epoch_wake */
    atomic_bool posted;
    /* Others read it, so it has its line to itself. 0: outside of a turn. */
    char before[KV_CACHE_LINE];
    _Atomic uint64_t seen;
    char after[KV_CACHE_LINE];
};

void kv_epoch_init(struct kv_epoch *epoch);

/* self is zeroed; context is handed to every drop of this loop. While no loop runs. loop NULL: a thread
 * without a loop, which uses the store between kv_epoch_begin and kv_epoch_end. */
void kv_epoch_join(struct kv_epoch *epoch, struct kv_epoch_loop *self, struct weft_loop *loop,
                   void *context);

/* A turn of a thread without a loop. What it retires is freed at the end of a turn, of this or a later
 * one. */
void kv_epoch_begin(struct kv_epoch_loop *self);
void kv_epoch_end(struct kv_epoch_loop *self);

/* Frees what is retired at once. After all loops ended. */
void kv_epoch_leave(struct kv_epoch_loop *self);

/* Makes the loop have a turn; does nothing to a thread without a loop. Any thread. */
void kv_epoch_wake(struct kv_epoch_loop *self);

WEFT_MUST_USE int kv__epoch_make_room(struct kv_epoch_loop *self, size_t count);
/* Makes sure that the next count calls of retire find room. -ENOMEM: nothing changed. Loop's
 * thread, as all that follows. */
WEFT_MUST_USE static inline int kv_epoch_reserve(struct kv_epoch_loop *self, size_t count)
{
    if (count <= self->retired.capacity - self->retired.count)
        return 0;
    return kv__epoch_make_room(self, count);
}

/* drop(object, context) will be called on this loop when no reader can hold it. Room must have been
 * reserved, and nobody who looks for it from now on may find it. */
void kv_epoch_retire(struct kv_epoch_loop *self, void *object,
                     void (*drop)(void *object, void *context));

#endif
