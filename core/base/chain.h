/* SPDX-License-Identifier: MIT
 *
 * An output chain: a FIFO of owned ranges, part written in place, part references to blobs. Fill at
 * the tail, peek at the head, write, consume what the kernel took. One thread (its loop's).
 *
 *      head                                             tail
 *       [ ....#### ] -> [ blob, referenced ] -> [ ##########________ ]
 *         begin^  ^end                                   end^  cap^
 *
 * Segments come from a pool, one per loop, so that steady state costs no malloc. */
#ifndef WEFT_CHAIN_H
#define WEFT_CHAIN_H

#include <sys/uio.h>

#include "blob.h"
#include "bytes.h"

enum { WEFT_PIECE_SIZE = 16384 }; /* bytes a pooled piece holds, its own header not counted */

struct weft_piece {
    struct weft_piece *next;
    uint8_t *data;          /* the piece's own bytes, or the blob's */
    size_t begin, end, cap; /* cap == end for a blob: nothing can be added */
    struct weft_blob *blob; /* the reference held, or NULL */
};

struct weft_piece_pool {
    struct weft_piece *free;      /* with bytes of their own */
    struct weft_piece *free_refs; /* without, to refer to a blob */
    size_t count, ref_count;      /* how many lie there */
    size_t max;                   /* how many of each kind may */
};

struct weft_chain {
    struct weft_piece *head, *tail;
    size_t bytes; /* what is not consumed yet: the sum that watermarks are about */
    struct weft_piece_pool *pool;
};

/* Cannot fail: allocates nothing. max is in pieces, of each kind. */
void weft_piece_pool_init(struct weft_piece_pool *pool, size_t max);
/* After the fini of every chain that uses it. */
void weft_piece_pool_fini(struct weft_piece_pool *pool);

/* pool may be NULL: then pieces come from the allocator; else it outlives the chain. Allocates
 * nothing. */
void weft_chain_init(struct weft_chain *chain, struct weft_piece_pool *pool);
void weft_chain_fini(struct weft_chain *chain);

WEFT_MUST_USE uint8_t *weft__chain_grow(struct weft_chain *chain, size_t size);

/* size contiguous bytes to write to, at the tail; valid until the next call on chain. They count
 * only once committed. NULL: no memory, chain->bytes and its contents unchanged. */
WEFT_MUST_USE static inline uint8_t *weft_chain_reserve(struct weft_chain *chain, size_t size)
{
    struct weft_piece *tail = chain->tail;
    if (tail && tail->cap - tail->end >= size)
        return tail->data + tail->end;
    return weft__chain_grow(chain, size);
}

/* Appends the first size bytes of the last reserve. */
static inline void weft_chain_commit(struct weft_chain *chain, size_t size)
{
    if (size == 0)
        return;
    chain->tail->end += size;
    chain->bytes += size;
}

/* Appends a copy. -ENOMEM: nothing changed. */
WEFT_MUST_USE int weft_chain_append(struct weft_chain *chain, struct weft_view view);

/* Appends all of blob by taking a reference of its own. -ENOMEM: nothing changed, no reference
 * taken. */
WEFT_MUST_USE int weft_chain_append_blob(struct weft_chain *chain, struct weft_blob *blob);

/* Moves all of `from` to the end of `to`; both share one pool. Cannot fail. */
void weft_chain_move(struct weft_chain *to, struct weft_chain *from);

/* A place to come back to: nothing may be consumed between mark and rollback. */
struct weft_chain_mark {
    struct weft_piece *tail;
    size_t end, bytes;
};
struct weft_chain_mark weft_chain_mark(const struct weft_chain *chain);
/* Takes back all that was appended since the mark. */
void weft_chain_rollback(struct weft_chain *chain, struct weft_chain_mark mark);

/* Describes the first bytes in at most max vectors; returns how many were filled. Valid until the
 * next call on chain that is not a peek. */
int weft_chain_peek(const struct weft_chain *chain, struct iovec *vec, int max);

/* Drops the first size bytes; size <= chain->bytes. A chain left empty holds no piece. */
void weft_chain_consume(struct weft_chain *chain, size_t size);

#endif
