/* SPDX-License-Identifier: MIT
 *
 * Replies out of bytes: hiredis reads them, and they lie in an arena of ours, so that a reply costs no malloc and has
 * a bound. hiredis has a copy of the bytes that are not read yet, in memory of its own. */
#ifndef KV_REDIS_REPLY_H
#define KV_REDIS_REPLY_H

#include <hiredis/hiredis.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"

/* A zeroed struct is valid, but for max. */
struct redis_reader {
    redisReader *reader; /* NULL until the first byte */
    struct weft_arena arena;
    size_t max;   /* bytes of a reply, as it came and as it lies in memory */
    bool is_read; /* the arena has a reply that next has returned */
};

void kv_redis_reader_init(struct redis_reader *reader, size_t max);
/* Frees everything; the reader can be used again, for another connection. */
void kv_redis_reader_fini(struct redis_reader *reader);

/* Adds bytes. Returns 0, -ENOMEM, or WEFT_ETOOBIG: a reply is over the limit. */
WEFT_MUST_USE int kv_redis_reader_feed(struct redis_reader *reader, struct weft_view bytes);
/* Returns 1 and sets *reply, which is valid until the next call of this or of fini; 0 if the bytes hold no whole reply;
 * -EPROTO if they are not RESP2; -ENOMEM; or WEFT_ETOOBIG. After an error only fini may be called. */
WEFT_MUST_USE int kv_redis_reader_next(struct redis_reader *reader, redisReply **reply);

/* Returns a copy of a reply in one block, for weft_free; NULL: no memory. */
WEFT_MUST_USE redisReply *kv_redis_reply_copy(const redisReply *reply);

#endif
