/* SPDX-License-Identifier: MIT
 *
 * Those on a loop who have something to look for, and take turns with the requests of others. Private to services/kv. */
#ifndef KV_TURNS_H
#define KV_TURNS_H

#include "core/task.h"
#include "link.h"

enum {
    KV_TURN_COUNT = 64,    /* that are served per turn of a loop */
    KV_TURN_CHANGES = 4000 /* no further one is, once those have looked at so many changes */
};

/* One of them, which lies in its owner's memory. */
struct kv_turn {
    struct kv__link link; /* private */
    /* Looks at some changes, and adds their number to *looked. It may end the turn. */
    void (*step)(struct kv_turn *self, unsigned *looked);
};

struct kv_turns {
    struct weft_loop *loop;
    struct weft_timer timer;
    struct kv__link due; /* the longest waiting first */
};

void kv_turns_start(struct kv_turns *self, struct weft_loop *loop);
/* After the loop has ended. */
void kv_turns_stop(struct kv_turns *self);

void kv_turn_init(struct kv_turn *self, void (*step)(struct kv_turn *self, unsigned *looked));
/* Has the step come in a later turn of the loop. A call before that does nothing. */
void kv_turn_queue(struct kv_turns *turns, struct kv_turn *self);
/* The step does not come. */
void kv_turn_end(struct kv_turn *self);

#endif
