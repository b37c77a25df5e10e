/* SPDX-License-Identifier: MIT */
#include "late.h"

#include "changes.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

enum { SPARE_MAX = 1024 };

struct kv_late {
    struct kv_late *next;
    struct kv_kept_session *session;
    struct kv_op *op;
    uint64_t number; /* of the change to wait for */
    enum kv_outcome outcome;
    struct kv_found found;
};

/* An operation while the memory store does it: a copy of the submitter's with another `done`. */
struct attempt {
    struct kv_op op;
    struct kv_op *original;
    struct kv_late *late;
    struct kv_kept_loop *loop;
    uint64_t last; /* the last number before it */
};

static struct kv_late *take_late(struct kv_kept_loop *loop)
{
    struct kv_late *late = loop->spare;
    if (!late)
        return weft_malloc(sizeof *late);
    loop->spare = late->next;
    loop->spare_count--;
    return late;
}

static void give_late(struct kv_kept_loop *loop, struct kv_late *late)
{
    if (loop->spare_count == SPARE_MAX) {
        weft_free(late);
        return;
    }
    late->next = loop->spare;
    loop->spare = late;
    loop->spare_count++;
}

void kv_late_free_spare(struct kv_kept_loop *loop)
{
    while (loop->spare) {
        struct kv_late *late = loop->spare;
        loop->spare = late->next;
        weft_free(late);
    }
    loop->spare_count = 0;
}

/* If there is no memory for what was found, the answer can only be that it may have taken effect. */
static void keep_found(struct kv_late *late, const struct kv_op *op)
{
    size_t count = op->items ? op->count : 0;
    if (kv_found_keep(&late->found, op->items, count) == 0)
        return;
    for (size_t i = 0; i < count; i++)
        op->items[i].present = false;
    late->outcome = KV_UNKNOWN;
}

static void attempt_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct attempt *attempt = weft_container_of(op, struct attempt, op);
    struct kv_kept_loop *loop = attempt->loop;
    struct kv_late *late = attempt->late;
    struct kv_op *original = attempt->original;
    original->total = op->total;
    if (loop->port.queue.last == attempt->last) {
        /* Nothing was changed. */
        kv_found_fini(&late->found);
        give_late(loop, late);
        original->done(original, outcome);
        return;
    }
    late->op = original;
    late->number = loop->port.queue.last;
    late->outcome = outcome;
    late->next = NULL;
    keep_found(late, op);
    late->session->late++;
    if (loop->first)
        loop->last->next = late;
    else
        loop->first = late;
    loop->last = late;
}

void kv_late_submit(struct kv_kept_session *self, struct kv_op *op)
{
    struct kv_late *late = take_late(self->loop);
    if (!late) {
        op->done(op, KV_UNAVAILABLE);
        return;
    }
    late->session = self;
    kv_found_init(&late->found);
    struct attempt attempt = {.op = *op,
                              .original = op,
                              .late = late,
                              .loop = self->loop,
                              .last = self->loop->port.queue.last};
    attempt.op.done = attempt_done;
    kv_changes_submit(self, &attempt.op, &late->found);
}

/* The operation is answered last, since its submitter may then submit another one. */
static void answer(struct kv_kept_loop *loop, struct kv_late *late, enum kv_outcome outcome)
{
    late->session->late--;
    late->op->done(late->op, outcome);
    kv_found_fini(&late->found);
    give_late(loop, late);
}

void kv_late_settled(struct weft_post *post)
{
    struct kv_kept_loop *loop = weft_container_of(post, struct kv_kept_loop, port.post);
    const struct kv_journal *journal = &loop->kept->journal;
    atomic_store(&loop->port.posted, false);
    /* `failed` is read first: what is durable is answered as such even if a later change failed. */
    bool failed = atomic_load(&journal->failed);
    uint64_t durable = atomic_load(&journal->durable);
    while (loop->first && (loop->first->number <= durable || failed)) {
        struct kv_late *late = loop->first;
        loop->first = late->next;
        answer(loop, late, late->number <= durable ? late->outcome : KV_UNKNOWN);
    }
}

void kv_late_close(struct kv_kept_session *self)
{
    struct kv_kept_loop *loop = self->loop;
    struct kv_late **place = &loop->first, *before = NULL;
    while (self->late > 0) {
        struct kv_late *late = *place;
        if (late->session != self) {
            before = late;
            place = &late->next;
            continue;
        }
        *place = late->next;
        if (loop->last == late)
            loop->last = before;
        answer(loop, late, KV_UNKNOWN);
    }
}
