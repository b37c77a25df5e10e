/* SPDX-License-Identifier: MIT
 *
 * A frame pool: what was framed once is not framed again. A codec whose frames cost time and stand
 * for their message on any connection of one configuration keeps the frame of a blob here, and finds
 * it when the same blob is sent again.
 *
 * A blob has at most one kept frame, for one configuration; another configuration's never takes its
 * place while it lives, and blobs belong to the first pool that kept a frame of theirs. The frame
 * goes with its blob, or earlier, when the pool is over its budget: the oldest first. Who holds a
 * reference to an evicted frame goes on holding it.
 *
 * Any thread may call get and put with a blob that it holds a reference to. The lock inside is one
 * of many, held for a few instructions; nobody waits for another's encoding. */
#ifndef WEFT_FRAME_CACHE_H
#define WEFT_FRAME_CACHE_H

#include "blob.h"

struct weft_frame_cache;

/* budget: the most bytes that kept frames may have, with what keeping them costs; a frame of more
 * than an eighth of it is not kept. NULL: no memory. */
WEFT_MUST_USE struct weft_frame_cache *weft_frame_cache_new(size_t budget);

/* Drops what is kept. After the last get and put; blobs may outlive the pool and end on any thread,
 * also meanwhile. NULL is fine. */
void weft_frame_cache_free(struct weft_frame_cache *pool);

enum weft_frame_found {
    WEFT_FRAME_MISS,  /* nothing is known: encode, then put */
    WEFT_FRAME_HIT,   /* *frame is the frame, with a reference that the caller gives up */
    WEFT_FRAME_PLAIN, /* it was tried: encoding gains nothing */
};

/* config_id: as in weft_codec_state. *frame is set with HIT alone. A NULL pool has nothing. */
WEFT_MUST_USE enum weft_frame_found weft_frame_cache_get(struct weft_frame_cache *pool,
                                                         struct weft_blob *blob, uint32_t config_id,
                                                         struct weft_blob **frame);

/* Keeps frame, of which the pool takes a reference of its own, or with NULL the mark PLAIN. What
 * cannot be kept (no memory, too large, another was first, no pool) is no error: the caller uses
 * its own. */
void weft_frame_cache_put(struct weft_frame_cache *pool, struct weft_blob *blob, uint32_t config_id,
                          struct weft_blob *frame);

/* What is counted against the budget now; with several threads, of some recent moment. */
size_t weft_frame_cache_bytes(const struct weft_frame_cache *pool);

#endif
