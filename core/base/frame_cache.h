/* SPDX-License-Identifier: MIT
 *
 * A frame cache keeps encoded frames, so that a codec whose frames take time to make (by deflating,
 * say) makes the frame of a blob once, however often the blob is sent. An encode slot uses it for a body
 * that is a blob and `lasting` (body.h):
 *
 *     struct weft_blob *frame;
 *     switch (weft_frame_cache_get(io->frames, body->blob, state->config_id, &frame)) {
 *     case WEFT_FRAME_HIT: append *frame to io->out and drop the reference
 *     case WEFT_FRAME_PLAIN: send the message as it is, because encoding it gained nothing before
 *     case WEFT_FRAME_MISS: encode, weft_frame_cache_put the frame, append it
 *     }
 *
 * The frame goes to every connection of the same codec configuration (weft_codec_state.config_id). So a
 * codec may use the cache only if its frames do not depend on what was sent on the connection before.
 *
 * These rules keep the cache small and its lock short:
 *
 *   - One frame per blob. It belongs to the configuration that put it first. Other configurations get a
 *     MISS and encode each time, until that frame is gone.
 *   - One cache per blob. Only the cache that first got a put for a blob keeps frames of it.
 *   - A frame is dropped with its blob. If the frames exceed the budget, the cache evicts the one that
 *     was put first, even if it was found since. Whoever holds a reference to an evicted frame may go
 *     on using it.
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
    WEFT_FRAME_PLAIN, /* an earlier put had a NULL frame: encoding this blob gains nothing */
};

/* Looks for the frame of blob. config_id is the one in weft_codec_state. *frame is set only with HIT.
 * A NULL cache answers MISS. */
WEFT_MUST_USE enum weft_frame_found weft_frame_cache_get(struct weft_frame_cache *cache,
                                                         struct weft_blob *blob, uint32_t config_id,
                                                         struct weft_blob **frame);

/* Keeps frame, to which the cache adds a reference of its own. A NULL frame makes later gets answer
 * PLAIN. The cache may also keep nothing (no memory, frame too large, another frame was first, NULL
 * cache). That is no error and not reported, because the caller sends the frame it has anyway. */
void weft_frame_cache_put(struct weft_frame_cache *cache, struct weft_blob *blob,
                          uint32_t config_id, struct weft_blob *frame);

/* Returns the bytes that count towards the budget. While other threads put, the number may already be
 * out of date. */
size_t weft_frame_cache_bytes(const struct weft_frame_cache *cache);

#ifdef __cplusplus
}
#endif

#endif
