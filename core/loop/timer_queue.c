/* SPDX-License-Identifier: MIT */
#include "timer_queue.h"

#include <assert.h>
#include <stddef.h>

#include "core/base/compiler.h"

struct weft__timer_node {
    int64_t deadline;
    uint64_t sequence;
    struct weft__timer_node *child;   /* the first child; no child fires before its parent */
    struct weft__timer_node *sibling; /* the next child of the same parent */
    struct weft__timer_node **link;   /* the pointer to this node: a root, child or sibling */
};

static_assert(sizeof(struct weft__timer_node) <= sizeof(((struct weft_timer *)0)->opaque),
              "a timer has room for its node");

static struct weft__timer_node *node_of(struct weft_timer *timer)
{
    return (struct weft__timer_node *)(void *)&timer->opaque;
}

static struct weft_timer *timer_of(struct weft__timer_node *node)
{
    return weft_container_of(node, struct weft_timer, opaque);
}

static bool is_before(const struct weft__timer_node *a, const struct weft__timer_node *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    return a->sequence < b->sequence;
}

/* Makes one heap of two and returns its root. Neither root has siblings; the caller links the result. */
static struct weft__timer_node *meld(struct weft__timer_node *a, struct weft__timer_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (is_before(b, a)) {
        struct weft__timer_node *later = a;

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
static struct weft__timer_node *meld_all(struct weft__timer_node *first)
{
    struct weft__timer_node *pairs = NULL, *heap = NULL;

    while (first) {
        struct weft__timer_node *a = first, *b = a->sibling;

        first = b ? b->sibling : NULL;
        a->sibling = NULL;
        if (b)
            b->sibling = NULL;
        a = meld(a, b);
        a->sibling = pairs;
        pairs = a;
    }
    while (pairs) {
        struct weft__timer_node *pair = pairs;

        pairs = pair->sibling;
        pair->sibling = NULL;
        heap = meld(heap, pair);
    }
    return heap;
}

static void set_root(struct weft__timer_queue *queue, struct weft__timer_node *root)
{
    queue->root = root;
    if (root)
        root->link = &queue->root;
}

static void take_out(struct weft__timer_queue *queue, struct weft__timer_node *node)
{
    struct weft__timer_node *orphans = meld_all(node->child);

    *node->link = node->sibling;
    if (node->sibling)
        node->sibling->link = node->link;
    set_root(queue, meld(queue->root, orphans));
    timer_of(node)->armed = false;
}

void weft__timer_queue_arm(struct weft__timer_queue *queue, struct weft_timer *timer,
                           int64_t deadline)
{
    struct weft__timer_node *node = node_of(timer);

    if (timer->armed)
        take_out(queue, node);
    *node = (struct weft__timer_node){.deadline = deadline, .sequence = queue->sequence++};
    set_root(queue, meld(queue->root, node));
    timer->armed = true;
}

void weft__timer_queue_disarm(struct weft__timer_queue *queue, struct weft_timer *timer)
{
    if (timer->armed)
        take_out(queue, node_of(timer));
}

int64_t weft__timer_queue_next(const struct weft__timer_queue *queue)
{
    return queue->root ? queue->root->deadline : INT64_MAX;
}

struct weft_timer *weft__timer_queue_expire(struct weft__timer_queue *queue, int64_t now,
                                            uint64_t before)
{
    struct weft__timer_node *first = queue->root;

    if (!first || first->deadline > now || first->sequence >= before)
        return NULL;
    take_out(queue, first);
    return timer_of(first);
}
