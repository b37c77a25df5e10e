/* SPDX-License-Identifier: MIT
 *
 * A frame cache saves encoding the same blob again. A codec whose frames cost time keeps the frame of
 * a blob here and finds it when that blob is sent again. It may do so only if its frames do not depend
 * on the connection: each peer of the same configuration must decode the frame to the message.
 *
 * A blob has at most one kept frame, which belongs to one configuration. Other configurations never
 * replace it; they encode for themselves, as long as it is kept. A blob belongs to the first cache
 * that tries to keep a frame of it; no other cache keeps one, not even after the first is freed. The
 * frame is dropped with its blob. It is evicted earlier if the cache is over its budget, beginning
 * with the frame that was put first, however often it was found since. An evicted frame stays valid
 * for whoever holds a reference to it.
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
