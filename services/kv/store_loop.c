/* SPDX-License-Identifier: MIT */
#include "store_loop.h"

#include <errno.h>

#include "core/base/mem.h"
#include "store.h"

int kv_store_loop_take(struct weft_kv_context *context, struct weft_loop *loop,
                       struct kv_store_loop **out)
{
    struct kv_store_loop *self = context->loops;
    while (self && self->loop != loop)
        self = self->next;
    if (!self) {
        self = weft_calloc(1, sizeof *self + context->store->loop_size);
        if (!self)
            return -ENOMEM;
        int err = context->store->start(self->state, context->state, loop);
        if (err < 0) {
            weft_free(self);
            return err;
        }
        self->loop = loop;
        kv_turns_start(&self->turns, loop);
        kv_keyspace_start(&self->keyspace, context, self->state, loop);
        self->hears = !context->loops;
        self->next = context->loops;
        context->loops = self;
    }
    self->users++;
    *out = self;
    return 0;
}

void kv_store_loop_give(struct weft_kv_context *context, struct kv_store_loop *self)
{
    if (--self->users > 0)
        return;
    struct kv_store_loop **at = &context->loops;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    kv_turns_stop(&self->turns);
    kv_keyspace_stop(&self->keyspace);
    kv_relay_stop(&self->relay);
    context->store->stop(self->state);
    weft_free(self);
}
