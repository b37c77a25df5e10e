/* SPDX-License-Identifier: MIT */
#include "late_store.h"

#include <stdalign.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "services/kv/stores/memory/memory.h"

enum { ROOM = 4096 }; /* for a state of the memory store */

struct late_store {
    struct late_plan plan;
    alignas(max_align_t) uint8_t inner[ROOM];
};

struct late_loop {
    struct late_store *store;
    struct weft_loop *loop;
    alignas(max_align_t) uint8_t inner[ROOM];
};

struct late_op;

struct late_session {
    struct late_loop *loop;
    struct late_op *pending;
    alignas(max_align_t) uint8_t inner[ROOM];
};

struct late_op {
    struct weft_timer timer;
    struct late_session *session;
    struct kv_op *op;
    struct late_op *next;
};

struct late_plan *late_store_plan(void *store)
{
    struct late_store *self = store;
    return &self->plan;
}

static int late_init(void *store, const struct kv_store_options *options, struct weft_error *error)
{
    struct late_store *self = store;
    if (weft_kv_store_memory.store_size > ROOM || weft_kv_store_memory.loop_size > ROOM ||
        weft_kv_store_memory.session_size > ROOM)
        abort();
    return weft_kv_store_memory.init(self->inner, options, error);
}

static int late_init_reads_inline(void *store, const struct kv_store_options *options,
                                  struct weft_error *error)
{
    late_store_plan(store)->reads_inline = true;
    return late_init(store, options, error);
}

static void late_fini(void *store)
{
    struct late_store *self = store;
    weft_kv_store_memory.fini(self->inner);
}

static int late_start(void *loop_state, void *store, struct weft_loop *loop)
{
    struct late_loop *self = loop_state;
    self->store = store;
    self->loop = loop;
    return weft_kv_store_memory.start(self->inner, self->store->inner, loop);
}

static void late_stop(void *loop_state)
{
    struct late_loop *self = loop_state;
    weft_kv_store_memory.stop(self->inner);
}

static int late_open(void *session, void *loop_state)
{
    struct late_session *self = session;
    self->loop = loop_state;
    return weft_kv_store_memory.open(self->inner, self->loop->inner);
}

static struct kv_op *take_op(struct late_op *late)
{
    struct late_op **place = &late->session->pending;
    while (*place != late)
        place = &(*place)->next;
    *place = late->next;
    late->session->loop->store->plan.in_flight--;
    weft_timer_stop(&late->timer);
    struct kv_op *op = late->op;
    free(late);
    return op;
}

static void late_close(void *session)
{
    struct late_session *self = session;
    while (self->pending) {
        struct kv_op *op = take_op(self->pending);
        op->done(op, KV_UNKNOWN);
    }
    weft_kv_store_memory.close(self->inner);
}

static void fire(struct weft_timer *timer)
{
    struct late_op *late = weft_container_of(timer, struct late_op, timer);
    struct late_session *session = late->session;
    const struct late_plan *plan = &session->loop->store->plan;
    struct kv_op *op = take_op(late);
    if (plan->forced)
        op->done(op, plan->outcome);
    else
        weft_kv_store_memory.submit(session->inner, op);
}

static void late_submit(void *session, struct kv_op *op)
{
    struct late_session *self = session;
    struct late_plan *plan = &self->loop->store->plan;
    if (plan->reads_inline && !self->pending && op->kind != KV_MSET && op->kind != KV_MDEL) {
        weft_kv_store_memory.submit(self->inner, op);
        return;
    }
    struct late_op *late = calloc(1, sizeof *late);
    if (!late)
        abort();
    late->timer.fire = fire;
    late->session = self;
    late->op = op;
    late->next = self->pending;
    self->pending = late;
    plan->in_flight++;
    if (plan->in_flight > plan->most_in_flight)
        plan->most_in_flight = plan->in_flight;
    int64_t delay =
        plan->submitted < LATE_DELAYS ? plan->delays[plan->submitted] : plan->later_delay;
    plan->submitted++;
    weft_loop_after(self->loop->loop, &late->timer, delay);
}

#define LATE_STORE(store_name, store_flags, store_init)                                            \
    {                                                                                              \
        .name = (store_name), .flags = (store_flags), .store_size = sizeof(struct late_store),     \
        .loop_size = sizeof(struct late_loop), .session_size = sizeof(struct late_session),        \
        .init = (store_init), .fini = late_fini, .start = late_start, .stop = late_stop,           \
        .open = late_open, .close = late_close, .submit = late_submit,                             \
    }

const struct kv_store late_store_ordered =
    LATE_STORE("late-ordered",
               KV_STORE_ORDERED | KV_STORE_ATOMIC | KV_STORE_WALK | KV_STORE_UPDATE |
                   KV_STORE_EXPIRY | KV_STORE_TABLES | KV_STORE_CURSOR64,
               late_init);
const struct kv_store late_store_overlapping =
    LATE_STORE("late-overlapping",
               KV_STORE_OVERLAP | KV_STORE_ATOMIC | KV_STORE_WALK | KV_STORE_UPDATE |
                   KV_STORE_EXPIRY | KV_STORE_TABLES | KV_STORE_CURSOR64,
               late_init);
const struct kv_store late_store_unordered =
    LATE_STORE("late-unordered", KV_STORE_ATOMIC, late_init);
const struct kv_store late_store_reads_inline = LATE_STORE(
    "late-writes",
    KV_STORE_ORDERED | KV_STORE_ATOMIC | KV_STORE_WALK | KV_STORE_READS_INLINE | KV_STORE_IF_TABLE,
    late_init_reads_inline);
