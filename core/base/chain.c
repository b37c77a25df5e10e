/* SPDX-License-Identifier: MIT
 *
 * Between calls, bytes is the sum of end - begin over all pieces, and memory the sum of each piece's
 * header and cap. A piece without bytes may stand anywhere: after a reserve that was never committed,
 * or a rollback to the piece's beginning. Peek skips it, and consume drops it when it becomes the
 * head. It is not dropped earlier, because a mark may point to it. */
#include "chain.h"

#include <assert.h>
#include <errno.h>

#include "blob_private.h"
#include "compiler.h"
#include "mem.h"

/* A chain may take this much more memory than nine eighths of its bytes. */
enum { ALLOWANCE = 2 * WEFT_PIECE_SIZE };

/* Room that a small piece has beyond what it was made for: the next frame's header fits. */
enum { SPARE = 32 };

void weft_piece_pool_init(struct weft_piece_pool *pool, size_t max)
{
    *pool = (struct weft_piece_pool){.max = max};
}

static void free_list(struct weft_piece *piece)
{
    while (piece) {
        struct weft_piece *next = piece->next;
        weft_unpoison(piece->data, piece->cap);
        weft_free(piece);
        piece = next;
    }
}

void weft_piece_pool_fini(struct weft_piece_pool *pool)
{
    free_list(pool->free);
    free_list(pool->free_refs);
    weft_piece_pool_init(pool, pool->max);
}

/* Returns a piece with room for cap bytes of its own, or NULL: no memory. */
static struct weft_piece *take_piece(struct weft_piece_pool *pool, size_t cap)
{
    struct weft_piece *piece;
    if (pool && cap == WEFT_PIECE_SIZE && pool->free) {
        piece = pool->free;
        pool->free = piece->next;
        pool->count--;
        weft_unpoison(piece->data, piece->cap);
    } else {
        if (cap > SIZE_MAX - sizeof *piece)
            return NULL;
        piece = weft_malloc(sizeof *piece + cap);
        if (!piece)
            return NULL;
    }
    *piece = (struct weft_piece){.data = (uint8_t *)(piece + 1), .cap = cap};
    return piece;
}

/* Returns a piece that can refer to a blob, or NULL: no memory. */
static struct weft_piece *take_ref(struct weft_piece_pool *pool)
{
    if (!pool || !pool->free_refs)
        return weft_malloc(sizeof(struct weft_piece));
    struct weft_piece *piece = pool->free_refs;
    pool->free_refs = piece->next;
    pool->ref_count--;
    return piece;
}

/* The pool is last in, first out: the piece taken next is likely still in the processor's caches. */
static void release(struct weft_chain *chain, struct weft_piece *piece)
{
    struct weft_piece_pool *pool = chain->pool;
    chain->memory -= sizeof *piece + piece->cap;
    if (piece->blob) {
        weft_blob_unref(piece->blob);
        if (pool && pool->ref_count < pool->max) {
            *piece = (struct weft_piece){.next = pool->free_refs};
            pool->free_refs = piece;
            pool->ref_count++;
            return;
        }
    } else if (pool && piece->cap == WEFT_PIECE_SIZE && pool->count < pool->max) {
        weft_poison(piece->data, piece->cap);
        piece->next = pool->free;
        pool->free = piece;
        pool->count++;
        return;
    }
    weft_free(piece);
}

static void release_list(struct weft_chain *chain, struct weft_piece *piece)
{
    while (piece) {
        struct weft_piece *next = piece->next;
        release(chain, piece);
        piece = next;
    }
}

static void link_at_tail(struct weft_chain *chain, struct weft_piece *piece)
{
    if (chain->tail)
        chain->tail->next = piece;
    else
        chain->head = piece;
    chain->tail = piece;
    chain->memory += sizeof *piece + piece->cap;
}

void weft_chain_init(struct weft_chain *chain, struct weft_piece_pool *pool)
{
    *chain = (struct weft_chain){.pool = pool};
}

void weft_chain_fini(struct weft_chain *chain)
{
    release_list(chain, chain->head);
    weft_chain_init(chain, chain->pool);
}

/* Returns the size of the piece to append for a reserve of size bytes. A pooled one costs no malloc and
 * serves many small replies. But what is left of it is lost if a blob or a large reserve follows, so
 * a chain gets it only while its memory is near its bytes. */
static size_t cap_for(const struct weft_chain *chain, size_t size)
{
    if (size > WEFT_PIECE_SIZE - SPARE || !chain->tail)
        return size > WEFT_PIECE_SIZE ? size : (size_t)WEFT_PIECE_SIZE;
    size_t memory = chain->memory + sizeof(struct weft_piece) + WEFT_PIECE_SIZE;
    bool near = memory <= chain->bytes + chain->bytes / 8 + ALLOWANCE;
    return near ? (size_t)WEFT_PIECE_SIZE : size + SPARE;
}

uint8_t *weft_chain_grow(struct weft_chain *chain, size_t size)
{
    struct weft_piece *piece = take_piece(chain->pool, cap_for(chain, size));
    if (!piece)
        return NULL;
    link_at_tail(chain, piece);
    return piece->data;
}

int weft_chain_append(struct weft_chain *chain, struct weft_view view)
{
    struct weft_piece *tail = chain->tail;
    size_t room = tail ? tail->cap - tail->end : 0;
    size_t first = view.size < room ? view.size : room;
    size_t rest = view.size - first;

    /* The step that can fail comes first, before any byte is written. */
    uint8_t *dst = NULL;
    if (rest > 0) {
        dst = weft_chain_grow(chain, rest);
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
    /* A reference takes a piece and a vector, and the next reserve a new piece behind it. */
    if (view.size <= WEFT_COPY_MAX)
        return weft_chain_append(chain, view);

    struct weft_piece *piece = take_ref(chain->pool);
    if (!piece)
        return -ENOMEM;
    *piece = (struct weft_piece){
        .data = weft__blob_data(blob),
        .end = view.size,
        .cap = view.size,
        .blob = weft_blob_ref(blob),
    };
    link_at_tail(chain, piece);
    chain->bytes += view.size;
    return 0;
}

void weft_chain_move(struct weft_chain *to, struct weft_chain *from)
{
    assert(to->pool == from->pool && to != from);
    if (!from->head)
        return;

    struct weft_piece *tail = to->tail;
    /* The pieces of few bytes are mostly unused room, so the bytes move without them. If that takes a
     * piece and there is no memory for it, the pieces move after all. */
    uint8_t *dst =
        tail && from->bytes <= WEFT_COPY_MAX ? weft_chain_reserve(to, from->bytes) : NULL;
    if (dst) {
        for (const struct weft_piece *s = from->head; s; s = s->next) {
            memcpy(dst, s->data + s->begin, s->end - s->begin);
            dst += s->end - s->begin;
        }
        weft_chain_commit(to, from->bytes);
        weft_chain_fini(from);
        return;
    }

    if (tail)
        tail->next = from->head;
    else
        to->head = from->head;
    to->tail = from->tail;
    to->bytes += from->bytes;
    to->memory += from->memory;
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
    struct weft_piece **rest = mark.tail ? &mark.tail->next : &chain->head;
    release_list(chain, *rest);
    *rest = NULL;
    chain->tail = mark.tail;
    if (mark.tail)
        mark.tail->end = mark.end;
    chain->bytes = mark.bytes;
}

int weft_chain_peek(const struct weft_chain *chain, struct iovec *vec, int max)
{
    int count = 0;
    for (const struct weft_piece *s = chain->head; s && count < max; s = s->next) {
        if (s->begin < s->end)
            vec[count++] = (struct iovec){s->data + s->begin, s->end - s->begin};
    }
    return count;
}

void weft_chain_wipe(struct weft_chain *chain, size_t size)
{
    assert(size <= chain->bytes);
    for (struct weft_piece *s = chain->head; s && size > 0; s = s->next) {
        size_t part = s->end - s->begin < size ? s->end - s->begin : size;
        if (!s->blob)
            explicit_bzero(s->data + s->begin, part);
        size -= part;
    }
}

void weft_chain_consume(struct weft_chain *chain, size_t size)
{
    assert(size <= chain->bytes);
    chain->bytes -= size;

    struct weft_piece *head = chain->head;
    while (head) {
        size_t unread = head->end - head->begin;
        if (size < unread) {
            head->begin += size;
            chain->head = head;
            return;
        }
        size -= unread;
        struct weft_piece *next = head->next;
        release(chain, head);
        head = next;
    }
    chain->head = chain->tail = NULL;
}
