/* SPDX-License-Identifier: MIT */
#include "codecs/length_prefix.h"

#include <errno.h>
#include <inttypes.h>

void weft_prefix_init(const struct weft_codec_state *state, enum weft_role role)
{
    struct weft_prefix *prefix = state->conn;
    prefix->role = (uint8_t)role;
}

ssize_t weft_prefix_resume(struct weft_prefix *prefix, struct weft_view in,
                           struct weft_decode_io *io)
{
    if (prefix->lost) {
        io->detail = "a length beyond what is skipped";
        return WEFT_ELOST;
    }
    if (in.size == 0)
        io->need = 1;
    size_t size = in.size < prefix->skip ? in.size : (size_t)prefix->skip;
    prefix->skip -= size;
    io->inside = prefix->skip > 0;
    return (ssize_t)size;
}

static bool is_beyond_skipping(uint32_t length, uint32_t max_frame)
{
    return length > WEFT_PREFIX_MAX || length > (uint64_t)WEFT_PREFIX_SKIP * max_frame;
}

ssize_t weft_prefix_refuse(struct weft_prefix *prefix, struct weft_view in, uint32_t length,
                           uint32_t max_frame, const char *why, const char *codec,
                           struct weft_message *msg, struct weft_decode_io *io)
{
    if (!prefix->begun) {
        int err = weft_first_bytes_check(in.data, (enum weft_role)prefix->role, codec, io);
        if (err < 0)
            return err;
        if (prefix->role == WEFT_CLIENT && is_beyond_skipping(length, max_frame)) {
            io->detail = "answered in another protocol or codec";
            return WEFT_EFOREIGN;
        }
    }
    prefix->begun = true;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status = WEFT_MESSAGE_TOO_BIG;
    msg->size = length;
    msg->limit = max_frame;
    msg->why = why;

    /* Nothing is consumed, so that the call that ends the connection follows at once. */
    if (is_beyond_skipping(length, max_frame)) {
        prefix->lost = true;
        return 0;
    }
    prefix->skip = length;
    io->inside = true;
    return WEFT_PREFIX_SIZE;
}

static int encode_blob(struct weft_blob *blob, size_t size, struct weft_encode_io *io)
{
    struct weft_chain_mark mark = weft_chain_mark(io->out);
    uint8_t *header = weft_chain_reserve(io->out, WEFT_PREFIX_SIZE);
    if (!header)
        return -ENOMEM;
    weft_store_be32(header, (uint32_t)size);
    weft_chain_commit(io->out, WEFT_PREFIX_SIZE);

    int err = weft_chain_append_blob(io->out, blob);
    if (err < 0)
        weft_chain_rollback(io->out, mark);
    return err;
}

int weft_prefix_encode(const struct weft_body *body, struct weft_encode_io *io)
{
    if (body->blob)
        return encode_blob(body->blob, body->size, io);
    uint8_t *frame = weft_chain_reserve(io->out, WEFT_PREFIX_SIZE + body->size);
    if (!frame)
        return -ENOMEM;
    weft_store_be32(frame, (uint32_t)body->size);
    body->write(body, frame + WEFT_PREFIX_SIZE);
    weft_chain_commit(io->out, WEFT_PREFIX_SIZE + body->size);
    return 0;
}

int weft_prefix_too_big(struct weft_encode_io *io, uint64_t size, uint64_t limit, const char *why)
{
    io->size = size;
    io->limit = limit;
    io->why = why;
    return WEFT_ETOOBIG;
}

int weft_prefix_configure(uint32_t *max_frame, const struct weft_limits *limits,
                          struct weft_error *error)
{
    if (limits->max_frame > WEFT_PREFIX_MAX)
        return weft_error_set(error, WEFT_ECONFIG,
                              "max-frame is %" PRIu64
                              ", but a frame's length has 31 bits: at most %" PRIu32,
                              limits->max_frame, WEFT_PREFIX_MAX);
    *max_frame = (uint32_t)limits->max_frame;
    return 0;
}
