/* SPDX-License-Identifier: MIT
 *
 * The payload of a message in a channel of Redis. It is
 *
 *     version      1 byte, 1
 *     publisher    16 bytes, random: one loop of one server
 *     number       8 bytes, the high byte first: 1 for the publisher's first message, then one more each time
 *     then, once for each value: its size in 4 bytes, the high byte first, and the value */
#ifndef KV_REDIS_PAYLOAD_H
#define KV_REDIS_PAYLOAD_H

#include "core/base/bytes.h"
#include "core/base/err.h"

enum { KV_REDIS_PUBLISHER = 16 };

struct kv_redis_payload {
    const uint8_t *publisher; /* KV_REDIS_PUBLISHER bytes; when it was read: in the payload */
    uint64_t number;
    struct weft_view values; /* when it was read: for kv_redis_payload_next */
};

/* Returns the size of a payload of these values, each of which has less than 4 GiB. */
size_t kv_redis_payload_size(const struct weft_view *values, size_t count);
/* Writes it to dst. */
void kv_redis_payload_write(uint8_t *dst, const struct kv_redis_payload *head,
                            const struct weft_view *values, size_t count);

/* Reads one. False: it is not whole, it has no value, or its version is another one. */
WEFT_MUST_USE bool kv_redis_payload_read(struct kv_redis_payload *payload, struct weft_view bytes);
/* Takes the next value off *values, which kv_redis_payload_read has set. False: there is none. */
WEFT_MUST_USE bool kv_redis_payload_next(struct weft_view *values, struct weft_view *value);

#endif
