/* SPDX-License-Identifier: MIT */
#include "state.h"

#include "abi.h"
#include "services/payload/protobuf/writer.h"

/* Returns the milliseconds until a key expires; 0: never. One that has expired since it was found has one
 * left, because 0 would say something else. */
static uint64_t left_of(const struct kv_state *state, int64_t now)
{
    if (state->expires == KV_NEVER)
        return 0;
    return state->expires > now ? (uint64_t)(state->expires - now) : 1;
}

static size_t inner_size(const struct kv_state *state, int64_t now)
{
    size_t size = 0;
    if (state->has_version)
        size += weft_pb_bytes_size(ABI_STATE_VERSION, KV_VERSION_SIZE);
    if (state->expires != KV_NEVER)
        size += weft_pb_uint_size(ABI_STATE_EXPIRES, (uint64_t)state->expires) +
                weft_pb_uint_size(ABI_STATE_LEFT, left_of(state, now));
    if (state->unmet)
        size += weft_pb_uint_size(ABI_STATE_UNMET, 1);
    return size;
}

size_t kv__state_size(const struct kv_state *state, int64_t now)
{
    return weft_pb_bytes_size(ABI_RESPONSE_STATES, inner_size(state, now));
}

uint8_t *kv__state_put(uint8_t *dst, const struct kv_state *state, int64_t now)
{
    dst = weft_pb_put_head(dst, ABI_RESPONSE_STATES, inner_size(state, now));
    if (state->has_version)
        dst = weft_pb_put_bytes(dst, ABI_STATE_VERSION, weft_view(state->version, KV_VERSION_SIZE));
    if (state->expires != KV_NEVER) {
        dst = weft_pb_put_uint(dst, ABI_STATE_EXPIRES, (uint64_t)state->expires);
        dst = weft_pb_put_uint(dst, ABI_STATE_LEFT, left_of(state, now));
    }
    if (state->unmet)
        dst = weft_pb_put_uint(dst, ABI_STATE_UNMET, 1);
    return dst;
}
