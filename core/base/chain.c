/* SPDX-License-Identifier: MIT
 *
 * What holds between calls: bytes is the sum of end - begin over all segments; a segment without
 * bytes may stand anywhere (a reserve that was never committed, a rollback that came back to the
 * segment's beginning), is skipped by peek and dropped by consume when it reaches the head. It is
 * not replaced at once because a mark may point to it. */
#include "chain.h"

#include <assert.h>
#include <errno.h>

#include "mem.h"
#include "poison.h"

/* Up to this many bytes a move copies into the room left at the end of the taker: a cache line or
 * few, against a whole segment and a vector for each small reply. */
enum { MOVE_COPY_MAX = 1024 };

void weft_segment_pool_init(struct weft_segment_pool *pool, size_t max)
{
    *pool = (struct weft_segment_pool){.max = max};
}

static void free_list(struct weft_segment *segment)
{
    while (segment) {
        struct weft_segment *next = segment->next;
        weft__unpoison(segment->data, segment->cap);
        weft_free(segment);
        segment = next;
    }
}

void weft_segment_pool_fini(struct weft_segment_pool *pool)
{
    free_list(pool->free);
    free_list(pool->free_refs);
    weft_segment_pool_init(pool, pool->max);
}

/* A segment with room for cap bytes of its own. */
static struct weft_segment *take_segment(struct weft_segment_pool *pool, size_t cap)
{
    struct weft_segment *segment;
    if (pool && cap == WEFT_SEGMENT_SIZE && pool->free) {
        segment = pool->free;
        pool->free = segment->next;
        pool->count--;
        weft__unpoison(segment->data, segment->cap);
    } else {
        if (cap > SIZE_MAX - sizeof *segment)
            return NULL;
        segment = weft_malloc(sizeof *segment + cap);
        if (!segment)
            return NULL;
    }
    *segment = (struct weft_segment){.data = (uint8_t *)(segment + 1), .cap = cap};
    return segment;
}

/* A segment without bytes of its own, to refer to a blob. */
static struct weft_segment *take_ref(struct weft_segment_pool *pool)
{
    if (!pool || !pool->free_refs)
        return weft_malloc(sizeof(struct weft_segment));
    struct weft_segment *segment = pool->free_refs;
    pool->free_refs = segment->next;
    pool->ref_count--;
    return segment;
}

/* Last in, first out: the segment taken next is the one still in the processor's caches. */
static void release(struct weft_segment_pool *pool, struct weft_segment *segment)
{
    if (segment->blob) {
        weft_blob_unref(segment->blob);
        if (pool && pool->ref_count < pool->max) {
            *segment = (struct weft_segment){.next = pool->free_refs};
            pool->free_refs = segment;
            pool->ref_count++;
            return;
        }
    } else if (pool && segment->cap == WEFT_SEGMENT_SIZE && pool->count < pool->max) {
        weft__poison(segment->data, segment->cap);
        segment->next = pool->free;
        pool->free = segment;
        pool->count++;
        return;
    }
    weft_free(segment);
}

static void release_list(struct weft_segment_pool *pool, struct weft_segment *segment)
{
    while (segment) {
        struct weft_segment *next = segment->next;
        release(pool, segment);
        segment = next;
    }
}

static void link_at_tail(struct weft_chain *chain, struct weft_segment *segment)
{
    if (chain->tail)
        chain->tail->next = segment;
    else
        chain->head = segment;
    chain->tail = segment;
}

void weft_chain_init(struct weft_chain *chain, struct weft_segment_pool *pool)
{
    *chain = (struct weft_chain){.pool = pool};
}

void weft_chain_fini(struct weft_chain *chain)
{
    release_list(chain->pool, chain->head);
    weft_chain_init(chain, chain->pool);
}

uint8_t *weft__chain_grow(struct weft_chain *chain, size_t size)
{
    size_t cap = size > WEFT_SEGMENT_SIZE ? size : (size_t)WEFT_SEGMENT_SIZE;
    struct weft_segment *segment = take_segment(chain->pool, cap);
    if (!segment)
        return NULL;
    link_at_tail(chain, segment);
    return segment->data;
}

int weft_chain_append(struct weft_chain *chain, struct weft_view view)
{
    struct weft_segment *tail = chain->tail;
    size_t room = tail ? tail->cap - tail->end : 0;
    size_t first = view.size < room ? view.size : room;
    size_t rest = view.size - first;

    /* What can fail comes before the first byte is written. */
    uint8_t *dst = NULL;
    if (rest > 0) {
        dst = weft__chain_grow(chain, rest);
        if (!dst)
            return -ENOMEM;
    }
    if (first > 0) {
        memcpy(tail->data + tail->end, view.data, first);
        tail->end += first;
        chain->bytes += first;
    }
    if (rest > 0) {
        memcpy(dst, view.data + first, rest);
        weft_chain_commit(chain, rest);
    }
    return 0;
}

int weft_chain_append_blob(struct weft_chain *chain, struct weft_blob *blob)
{
    struct weft_view view = weft_blob_view(blob);
    if (view.size == 0)
        return 0;

    struct weft_segment *segment = take_ref(chain->pool);
    if (!segment)
        return -ENOMEM;
    *segment = (struct weft_segment){
        .data = weft__blob_data(blob),
        .end = view.size,
        .cap = view.size,
        .blob = weft_blob_ref(blob),
    };
    link_at_tail(chain, segment);
    chain->bytes += view.size;
    return 0;
}

void weft_chain_move(struct weft_chain *to, struct weft_chain *from)
{
    assert(to->pool == from->pool && to != from);
    if (!from->head)
        return;

    struct weft_segment *tail = to->tail;
    if (tail && from->bytes <= MOVE_COPY_MAX && from->bytes <= tail->cap - tail->end) {
        for (const struct weft_segment *s = from->head; s; s = s->next) {
            memcpy(tail->data + tail->end, s->data + s->begin, s->end - s->begin);
            tail->end += s->end - s->begin;
        }
        to->bytes += from->bytes;
        weft_chain_fini(from);
        return;
    }

    if (tail)
        tail->next = from->head;
    else
        to->head = from->head;
    to->tail = from->tail;
    to->bytes += from->bytes;
    weft_chain_init(from, from->pool);
}

struct weft_chain_mark weft_chain_mark(const struct weft_chain *chain)
{
    return (struct weft_chain_mark){
        .tail = chain->tail,
        .end = chain->tail ? chain->tail->end : 0,
        .bytes = chain->bytes,
    };
}

void weft_chain_rollback(struct weft_chain *chain, struct weft_chain_mark mark)
{
    struct weft_segment **rest = mark.tail ? &mark.tail->next : &chain->head;
    release_list(chain->pool, *rest);
    *rest = NULL;
    chain->tail = mark.tail;
    if (mark.tail)
        mark.tail->end = mark.end;
    chain->bytes = mark.bytes;
}

int weft_chain_peek(const struct weft_chain *chain, struct iovec *vec, int max)
{
    int count = 0;
    for (const struct weft_segment *s = chain->head; s && count < max; s = s->next) {
        if (s->begin < s->end)
            vec[count++] = (struct iovec){s->data + s->begin, s->end - s->begin};
    }
    return count;
}

void weft_chain_consume(struct weft_chain *chain, size_t size)
{
    assert(size <= chain->bytes);
    chain->bytes -= size;

    struct weft_segment *head = chain->head;
    while (head) {
        size_t unread = head->end - head->begin;
        if (size < unread) {
            head->begin += size;
            chain->head = head;
            return;
        }
        size -= unread;
        struct weft_segment *next = head->next;
        release(chain->pool, head);
        head = next;
    }
    chain->head = chain->tail = NULL;
}
