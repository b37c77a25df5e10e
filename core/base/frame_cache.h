/* SPDX-License-Identifier: MIT
 *
 * A frame cache keeps encoded frames. With it a codec whose frames take time to make, as compressed ones
 * do, makes the frame of a blob once, however often the blob is sent. An encode slot (core/codec.h) looks
 * there for the frame of a body that is a blob. It puts a frame only if the body is `lasting` (body.h),
 * because the frame of another blob would hardly be needed again:
 *
 *     struct weft_blob *frame;
 *     switch (weft_frame_cache_get(io->frames, body->blob, state->config_id, &frame)) {
 *     case WEFT_FRAME_HIT: append frame to io->out and drop the reference
 *     case WEFT_FRAME_PLAIN: send the message as it is, because encoding it gained nothing before
 *     case WEFT_FRAME_MISS: encode, append the frame, and put it if body->lasting
 *     }
 *
 * A kept frame is sent on every connection of one codec configuration (weft_codec_state.config_id). So a
 * codec may use the cache only if its frames do not depend on what was sent on the connection before.
 *
 * These rules keep the cache small and its lock short:
 *
 *   - A blob has at most one frame for each configuration, and four in all. A frame stays what it was when it
 *     was put first. Configurations beyond the fourth get a MISS and encode each time, until a frame is gone.
 *   - A blob has one cache. The first cache that gets a put for a blob is the only one that ever keeps
 *     frames of it.
 *   - A frame is dropped with its blob. If the frames exceed the budget, the cache evicts the oldest, even
 *     if a get has found it since. A caller that has a reference to an evicted frame may go on using it.
 *
 * Any thread may call get and put with a blob that it holds a reference to. They hold a lock for a few
 * instructions only, so no thread waits while another one encodes. */
#ifndef WEFT_FRAME_CACHE_H
#define WEFT_FRAME_CACHE_H

#include "blob.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_frame_cache;

/* Returns an empty cache, or NULL if there is no memory. budget is the most bytes that the kept frames may
 * take, bookkeeping included. A frame that takes more than an eighth of it is not kept. */
WEFT_MUST_USE struct weft_frame_cache *weft_frame_cache_new(size_t budget);

/* Frees the cache and drops all kept frames. Call it after the last get and put. Blobs may outlive the
 * cache, and may end on other threads during this call. NULL is fine. */
void weft_frame_cache_free(struct weft_frame_cache *cache);

enum weft_frame_found {
    WEFT_FRAME_MISS, /* nothing is known: encode, and put the frame if the body is lasting */
    WEFT_FRAME_HIT,  /* *frame is the frame, with a reference that the caller must drop */
    WEFT_FRAME_PLAIN, /* an earlier put of this configuration had a NULL frame: encoding gains nothing */
};

/* Looks for the frame of blob that was made with the configuration config_id. *frame is set only with HIT.
 * With a NULL cache the result is MISS. */
WEFT_MUST_USE enum weft_frame_found weft_frame_cache_get(struct weft_frame_cache *cache,
                                                         struct weft_blob *blob, uint32_t config_id,
                                                         struct weft_blob **frame);

/* Keeps frame as that of blob; the cache adds a reference of its own to it. After a put of a NULL frame,
 * get returns PLAIN. The cache may also keep nothing: there is no memory, the frame is too large, another
 * one was first, or the cache is NULL. This is not reported, because the caller sends its frame anyway. */
void weft_frame_cache_put(struct weft_frame_cache *cache, struct weft_blob *blob,
                          uint32_t config_id, struct weft_blob *frame);

/* Returns the bytes that count towards the budget. While other threads put, the number may already be
 * out of date. */
size_t weft_frame_cache_bytes(const struct weft_frame_cache *cache);

/* Sets how many gets have found a frame, and how many have found nothing known. Any thread. */
void weft_frame_cache_counts(struct weft_frame_cache *cache, uint64_t *hits, uint64_t *misses);

#ifdef __cplusplus
}
#endif

#endif
