/* SPDX-License-Identifier: MIT */
#include "epoch.h"

#include <errno.h>

#include "core/base/mem.h"

enum {
    FIRST_CAPACITY = 64,
    KEPT_CAPACITY = 4096, /* an empty list with more room than this is freed */
};

static const int64_t retry_after = 10 * 1000 * 1000; /* nanoseconds */

void kv_epoch_init(struct kv_epoch *epoch)
{
    atomic_init(&epoch->now, 1);
    epoch->loops = NULL;
}

static void drop_all(const struct kv_epoch_loop *self, struct kv_retired *list)
{
    for (size_t i = 0; i < list->count; i++)
        list->objects[i].drop(list->objects[i].object, self->context);
    list->count = 0;
    if (list->capacity > KEPT_CAPACITY) {
        weft_free(list->objects);
        *list = (struct kv_retired){0};
    }
}

/* True if every loop is between turns, or in a turn that announced `epoch` or a later one. */
static bool all_have_seen(const struct kv_epoch *shared, uint64_t epoch)
{
    for (const struct kv_epoch_loop *loop = shared->loops; loop; loop = loop->next) {
        uint64_t seen = atomic_load(&loop->seen);
        if (seen != 0 && seen < epoch)
            return false;
    }
    return true;
}

/* Announces the present epoch. A turn must not find an object that was unlinked before the epoch it
 * announced. The loop that reclaims increments `now` and then reads `seen`; this one writes `seen` and
 * then reads `now` again. So either the other sees this announcement and waits for the turn, or this
 * loop sees the new epoch and announces that. */
void kv_epoch_begin(struct kv_epoch_loop *self)
{
    uint64_t now = atomic_load(&self->epoch->now);
    uint64_t announced;
    do {
        announced = now;
        atomic_store(&self->seen, announced);
        now = atomic_load(&self->epoch->now);
    } while (now != announced);
}

/* Drops what no turn can still see. There are two lists: `retired` collects, while `waiting` waits for
 * one epoch. When `waiting` is empty, `retired` takes its place and a new epoch begins, which every
 * loop has to see before the list is dropped. */
static void reclaim(struct kv_epoch_loop *self)
{
    if (self->waiting.count > 0 && all_have_seen(self->epoch, self->waiting_for))
        drop_all(self, &self->waiting);
    if (self->waiting.count == 0 && self->retired.count > 0) {
        struct kv_retired empty = self->waiting;
        self->waiting = self->retired;
        self->retired = empty;
        self->waiting_for = atomic_fetch_add(&self->epoch->now, 1) + 1;
        if (all_have_seen(self->epoch, self->waiting_for))
            drop_all(self, &self->waiting);
    }
    /* A loop that has no more turns would keep the memory for ever, so the timer gives it one. */
    if (self->waiting.count > 0 && self->loop && !weft_timer_is_armed(&self->timer))
        weft_loop_after(self->loop, &self->timer, retry_after);
}

void kv_epoch_end(struct kv_epoch_loop *self)
{
    atomic_store_explicit(&self->seen, 0, memory_order_release);
    if (self->retired.count + self->waiting.count > 0)
        reclaim(self);
}

static void turn_begins(struct weft_turn_hook *hook)
{
    kv_epoch_begin((struct kv_epoch_loop *)hook);
}

static void turn_ends(struct weft_turn_hook *hook)
{
    kv_epoch_end((struct kv_epoch_loop *)hook);
}

/* Does nothing: the timer is there to cause a turn, whose end reclaims. */
static void timer_fired(struct weft_timer *timer)
{
    (void)timer;
}

static void woken(struct weft_post *post)
{
    struct kv_epoch_loop *self = weft_container_of(post, struct kv_epoch_loop, post);
    atomic_store(&self->posted, false);
}

/* A post fails only if the loop has ended, and then it needs no more turns. */
void kv_epoch_wake(struct kv_epoch_loop *self)
{
    if (self->loop && !atomic_exchange(&self->posted, true) &&
        weft_loop_post(self->loop, &self->post) < 0)
        atomic_store(&self->posted, false);
}

void kv_epoch_join(struct kv_epoch *epoch, struct kv_epoch_loop *self, struct weft_loop *loop,
                   void *context)
{
    self->hook = (struct weft_turn_hook){.begin = turn_begins, .end = turn_ends};
    self->timer.fire = timer_fired;
    self->post.run = woken;
    atomic_init(&self->posted, false);
    self->loop = loop;
    self->epoch = epoch;
    self->context = context;
    atomic_init(&self->seen, 0);
    self->next = epoch->loops;
    epoch->loops = self;
    if (loop)
        weft_loop_add_hook(loop, &self->hook);
}

void kv_epoch_leave(struct kv_epoch_loop *self)
{
    if (self->loop)
        weft_loop_remove_hook(self->loop, &self->hook);
    weft_timer_stop(&self->timer);
    struct kv_epoch_loop **place = &self->epoch->loops;
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    drop_all(self, &self->waiting);
    drop_all(self, &self->retired);
    weft_free(self->waiting.objects);
    weft_free(self->retired.objects);
}

int kv__epoch_make_room(struct kv_epoch_loop *self, size_t count)
{
    struct kv_retired *list = &self->retired;
    size_t capacity = list->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : 2 * list->capacity;
    if (capacity < list->count + count)
        capacity = list->count + count;
    struct kv_retired_object *objects =
        weft_realloc(list->objects, capacity * sizeof *list->objects);
    if (!objects)
        return -ENOMEM;
    list->objects = objects;
    list->capacity = capacity;
    return 0;
}

void kv_epoch_retire(struct kv_epoch_loop *self, void *object,
                     void (*drop)(void *object, void *context))
{
    self->retired.objects[self->retired.count++] = (struct kv_retired_object){object, drop};
}
