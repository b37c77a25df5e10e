/* SPDX-License-Identifier: MIT */
#include "timer_queue.h"

#include <stddef.h>

static bool is_before(const struct weft_timer *a, const struct weft_timer *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    return a->sequence < b->sequence;
}

/* Makes one heap of two and returns its root. Neither root has siblings; the caller links the result. */
static struct weft_timer *meld(struct weft_timer *a, struct weft_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (is_before(b, a)) {
        struct weft_timer *later = a;

        a = b;
        b = later;
    }
    b->sibling = a->child;
    if (b->sibling)
        b->sibling->link = &b->sibling;
    b->link = &a->child;
    a->child = b;
    return a;
}

/* Makes one heap of a list of siblings, in the two passes that give the heap its name: neighbours meld
 * in pairs, then the pairs meld one after another. Their sibling pointers are the stack in between. */
static struct weft_timer *meld_all(struct weft_timer *first)
{
    struct weft_timer *pairs = NULL, *heap = NULL;

    while (first) {
        struct weft_timer *a = first, *b = a->sibling;

        first = b ? b->sibling : NULL;
        a->sibling = NULL;
        if (b)
            b->sibling = NULL;
        a = meld(a, b);
        a->sibling = pairs;
        pairs = a;
    }
    while (pairs) {
        struct weft_timer *pair = pairs;

        pairs = pair->sibling;
        pair->sibling = NULL;
        heap = meld(heap, pair);
    }
    return heap;
}

static void set_root(struct weft__timer_queue *queue, struct weft_timer *root)
{
    queue->root = root;
    if (root)
        root->link = &queue->root;
}

static void take_out(struct weft__timer_queue *queue, struct weft_timer *timer)
{
    struct weft_timer *orphans = meld_all(timer->child);

    *timer->link = timer->sibling;
    if (timer->sibling)
        timer->sibling->link = timer->link;
    set_root(queue, meld(queue->root, orphans));
    timer->link = NULL;
}

void weft__timer_queue_arm(struct weft__timer_queue *queue, struct weft_timer *timer,
                           int64_t deadline)
{
    if (weft_timer_is_armed(timer))
        take_out(queue, timer);
    timer->deadline = deadline;
    timer->sequence = queue->sequence++;
    timer->child = NULL;
    timer->sibling = NULL;
    set_root(queue, meld(queue->root, timer));
}

void weft__timer_queue_disarm(struct weft__timer_queue *queue, struct weft_timer *timer)
{
    if (weft_timer_is_armed(timer))
        take_out(queue, timer);
}

int64_t weft__timer_queue_next(const struct weft__timer_queue *queue)
{
    return queue->root ? queue->root->deadline : INT64_MAX;
}

struct weft_timer *weft__timer_queue_expire(struct weft__timer_queue *queue, int64_t now,
                                            uint64_t before)
{
    struct weft_timer *first = queue->root;

    if (!first || first->deadline > now || first->sequence >= before)
        return NULL;
    take_out(queue, first);
    return first;
}
