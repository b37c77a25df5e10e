/* SPDX-License-Identifier: MIT
 *
 * A frame cache saves encoding the same blob again. A codec whose frames cost time keeps the frame of
 * a blob here and finds it when that blob is sent again. It may do so only if the frame means the
 * message on every connection of the codec's configuration.
 *
 * A blob has at most one kept frame, which belongs to one configuration. Other configurations never
 * replace it; they encode for themselves. A blob is bound to the first cache that tries to keep a
 * frame of it, for the rest of its life. The frame is dropped with its blob, or earlier: when the
 * cache is over its budget it evicts its oldest frames. An evicted frame stays valid for whoever
 * holds a reference to it.
 *
 * Any thread may call get and put with a blob that it holds a reference to. They take a lock for a
 * few instructions, never while a frame is encoded. */
#ifndef WEFT_FRAME_CACHE_H
#define WEFT_FRAME_CACHE_H

#include "blob.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_frame_cache;

/* Returns an empty cache, or NULL: no memory. budget: the most bytes that the kept frames may take,
 * bookkeeping included. A frame of more than an eighth of it is not kept. */
WEFT_MUST_USE struct weft_frame_cache *weft_frame_cache_new(size_t budget);

/* Drops all kept frames. Call it after the last get and put. Blobs may outlive the cache, and may end
 * on other threads during this call. NULL is fine. */
void weft_frame_cache_free(struct weft_frame_cache *cache);

enum weft_frame_found {
    WEFT_FRAME_MISS,  /* nothing is known: encode, then put */
    WEFT_FRAME_HIT,   /* *frame is the frame, with a reference that the caller must drop */
    WEFT_FRAME_PLAIN, /* it was tried before: encoding gains nothing */
};

/* Looks for the frame of blob. config_id is the one in weft_codec_state. *frame is set only with HIT.
 * A NULL cache answers MISS. */
WEFT_MUST_USE enum weft_frame_found weft_frame_cache_get(struct weft_frame_cache *cache,
                                                         struct weft_blob *blob, uint32_t config_id,
                                                         struct weft_blob **frame);

/* Keeps frame, to which the cache adds a reference of its own; a NULL frame keeps the mark PLAIN. To
 * keep nothing is no error (no memory, frame too large, another frame was first, NULL cache): the
 * caller sends the frame that it has. */
void weft_frame_cache_put(struct weft_frame_cache *cache, struct weft_blob *blob,
                          uint32_t config_id, struct weft_blob *frame);

/* Returns the bytes that count towards the budget. While other threads put, the number may already be
 * out of date. */
size_t weft_frame_cache_bytes(const struct weft_frame_cache *cache);

#ifdef __cplusplus
}
#endif

#endif
