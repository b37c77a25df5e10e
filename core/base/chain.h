/* SPDX-License-Identifier: MIT
 *
 * An output chain is a queue of bytes that wait to be written to a socket. They are appended at the
 * tail. At the head the owner peeks, writes, and consumes what the kernel took. The bytes lie in pieces,
 * which have bytes of their own or refer to a blob. Only the thread of the loop or client that a chain
 * and its pool belong to uses them.
 *
 *      head                                             tail
 *       [ ....#### ] -> [ blob, referenced ] -> [ ##########________ ]
 *         begin^  ^end                                   end^  cap^
 *
 * Pieces of WEFT_PIECE_SIZE come from a pool, so that steady state costs no malloc. Room that is left in
 * a piece is lost once another piece follows. So a chain gets a further piece of that size only if its
 * memory will then be at most nine eighths of its bytes plus two such pieces. Otherwise malloc gives it
 * a piece of the size that it needs. */
#ifndef WEFT_CHAIN_H
#define WEFT_CHAIN_H

#include <sys/uio.h>

#include "blob.h"
#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEFT_PIECE_SIZE = 16384, /* capacity of a pooled piece; a larger reserve gets a larger piece */
    WEFT_COPY_MAX = 1024,    /* a blob of up to this many bytes is copied, not referred to */
};

/* One piece. The bytes from begin to end wait to be written. */
struct weft_piece {
    struct weft_piece *next;
    uint8_t *data;          /* the piece's own bytes, or the blob's */
    size_t begin, end, cap; /* of data; for a blob cap == end, so that nothing can be added */
    struct weft_blob *blob; /* the piece has a reference to it; NULL: its bytes are its own */
};

/* Free pieces, which the chains of one thread share. */
struct weft_piece_pool {
    struct weft_piece *free;      /* pieces with WEFT_PIECE_SIZE bytes of their own */
    struct weft_piece *free_refs; /* pieces that can refer to a blob */
    size_t count, ref_count;      /* lengths of the two lists */
    size_t max;                   /* the most that each list keeps */
};

struct weft_chain {
    struct weft_piece *head, *tail;
    size_t bytes;  /* committed and not consumed yet */
    size_t memory; /* bytes its pieces take, with headers, unused room and all of each blob */
    struct weft_piece_pool *pool;
};

/* Makes an empty pool that keeps at most max pieces of each kind. Allocates nothing. */
void weft_piece_pool_init(struct weft_piece_pool *pool, size_t max);
/* Frees the pieces. Call it after the fini of every chain that uses the pool. */
void weft_piece_pool_fini(struct weft_piece_pool *pool);

/* Makes an empty chain. pool must outlive the chain. If it is NULL, malloc gives every piece. Allocates
 * nothing. */
void weft_chain_init(struct weft_chain *chain, struct weft_piece_pool *pool);
/* Drops all bytes and leaves the chain empty, as init made it. */
void weft_chain_fini(struct weft_chain *chain);

/* The slow path of weft_chain_reserve: appends a piece with room for size bytes. Call reserve. */
WEFT_MUST_USE uint8_t *weft_chain_grow(struct weft_chain *chain, size_t size);

/* Returns room for size contiguous bytes at the tail, or NULL if there is no memory; then the chain's
 * bytes are unchanged. The caller writes there and calls weft_chain_commit before any other call on chain.
 * Bytes that it does not commit are not part of the chain. */
WEFT_MUST_USE static inline uint8_t *weft_chain_reserve(struct weft_chain *chain, size_t size)
{
    struct weft_piece *tail = chain->tail;
    if (tail && tail->cap - tail->end >= size)
        return tail->data + tail->end;
    return weft_chain_grow(chain, size);
}

/* Makes the first size bytes of the last reserve part of the chain. size is at most what was reserved. */
static inline void weft_chain_commit(struct weft_chain *chain, size_t size)
{
    if (size == 0)
        return;
    chain->tail->end += size;
    chain->bytes += size;
}

/* Appends a copy of view. -ENOMEM: the chain's bytes are unchanged. */
WEFT_MUST_USE int weft_chain_append(struct weft_chain *chain, struct weft_view view);

/* Appends the bytes of blob. Up to WEFT_COPY_MAX bytes are copied. For more the chain adds a reference,
 * which it drops when the bytes are consumed. The caller keeps its own reference. -ENOMEM: the chain's
 * bytes are unchanged and no reference was added. */
WEFT_MUST_USE int weft_chain_append_blob(struct weft_chain *chain, struct weft_blob *blob);

/* Moves all bytes of `from` to the end of `to`, which is another chain, and leaves `from` empty. Both
 * must have the same pool, or both none. The pieces of `from` are linked to `to`; up to WEFT_COPY_MAX
 * bytes are usually copied instead, so that `to` does not collect pieces that are mostly unused. Cannot
 * fail. */
void weft_chain_move(struct weft_chain *to, struct weft_chain *from);

/* A state of a chain, to which weft_chain_rollback can return. It owns nothing. */
struct weft_chain_mark {
    struct weft_piece *tail;
    size_t end, bytes;
};
/* Returns a mark of the present state. */
struct weft_chain_mark weft_chain_mark(const struct weft_chain *chain);
/* Drops all that was appended since the mark was made. Nothing may have been consumed or moved away
 * since then. */
void weft_chain_rollback(struct weft_chain *chain, struct weft_chain_mark mark);

/* Fills vec, which has max elements, with the first bytes of the chain. Returns the number of elements
 * that it filled. They are valid until the chain is changed. */
int weft_chain_peek(const struct weft_chain *chain, struct iovec *vec, int max);

/* Overwrites the first size bytes with zeros; size <= chain->bytes. It is for secrets that were sent and are about to be
 * consumed, whose memory the next piece would show. Bytes that lie in blobs stay, for others may have them too. */
void weft_chain_wipe(struct weft_chain *chain, size_t size);

/* Drops the first size bytes; size <= chain->bytes. It releases the pieces that become empty, and
 * all pieces if no byte is left. */
void weft_chain_consume(struct weft_chain *chain, size_t size);

#ifdef __cplusplus
}
#endif

#endif
