/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include "core/base/compiler.h"

/* One that is queued again by its step stands behind the others. */
static void serve(struct weft_timer *timer)
{
    struct kv_turns *self = weft_container_of(timer, struct kv_turns, timer);
    unsigned looked = 0;
    for (unsigned i = 0; i < KV_TURN_COUNT && looked < KV_TURN_CHANGES; i++) {
        if (kv__list_is_empty(&self->due))
            return;
        struct kv_turn *turn = weft_container_of(self->due.next, struct kv_turn, link);
        kv__unlink(&turn->link);
        turn->step(turn, &looked);
    }
    if (!kv__list_is_empty(&self->due))
        weft_loop_after(self->loop, &self->timer, 0);
}

void kv_turns_start(struct kv_turns *self, struct weft_loop *loop)
{
    *self = (struct kv_turns){.loop = loop, .timer.fire = serve};
    kv__link_init(&self->due);
}

void kv_turns_stop(struct kv_turns *self)
{
    weft_timer_stop(&self->timer);
}

void kv_turn_init(struct kv_turn *self, void (*step)(struct kv_turn *self, unsigned *looked))
{
    self->step = step;
    kv__link_init(&self->link);
}

void kv_turn_queue(struct kv_turns *turns, struct kv_turn *self)
{
    if (kv__list_is_empty(&self->link))
        kv__append(&turns->due, &self->link);
    if (!weft_timer_is_armed(&turns->timer))
        weft_loop_after(turns->loop, &turns->timer, 0);
}

void kv_turn_end(struct kv_turn *self)
{
    kv__unlink(&self->link);
}
