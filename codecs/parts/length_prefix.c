/* SPDX-License-Identifier: MIT */
#include "codecs/length_prefix.h"

#include <inttypes.h>

#include "append.h"
#include "refusal.h"

void weft_prefix_init(const struct weft_codec_state *state, enum weft_role role)
{
    struct weft_prefix *prefix = state->conn;
    prefix->role = (uint8_t)role;
}

ssize_t weft_prefix_resume(struct weft_prefix *prefix, struct weft_view in,
                           struct weft_decode_io *io)
{
    if (prefix->lost) {
        io->detail = prefix->no_length ? "not a length" : "a length beyond what is skipped";
        return WEFT_ELOST;
    }
    size_t size = in.size < prefix->skip ? in.size : (size_t)prefix->skip;
    prefix->skip -= size;
    io->inside = prefix->skip > 0;
    return (ssize_t)size;
}

ssize_t weft__refuse_oversize(struct weft_prefix *prefix, const struct weft__oversize *frame,
                              struct weft_message *msg, struct weft_decode_io *io)
{
    if (!prefix->begun && prefix->role == WEFT_CLIENT && frame->beyond) {
        io->detail = "answered in another protocol or codec";
        return WEFT_EFOREIGN;
    }
    prefix->begun = true;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status = WEFT_MESSAGE_TOO_BIG;
    msg->size = frame->size;
    msg->limit = frame->limit;
    msg->why = frame->why;

    /* Nothing is consumed, so that the call that ends the connection follows at once. */
    if (frame->beyond) {
        prefix->lost = true;
        return 0;
    }
    prefix->skip = frame->rest;
    io->inside = true;
    return (ssize_t)frame->header;
}

ssize_t weft__refuse_length(struct weft_prefix *prefix, const char *why, struct weft_message *msg)
{
    prefix->lost = prefix->no_length = true;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status = WEFT_MESSAGE_MALFORMED;
    msg->why = why;
    return 0;
}

ssize_t weft_prefix_refuse(struct weft_prefix *prefix, struct weft_view in, uint32_t length,
                           uint32_t max_frame, const char *why, const char *codec,
                           struct weft_message *msg, struct weft_decode_io *io)
{
    if (!prefix->begun) {
        int err = weft_first_bytes_check(in.data, (enum weft_role)prefix->role, codec, io);
        if (err < 0)
            return err;
    }
    const struct weft__oversize frame = {
        .header = WEFT_PREFIX_SIZE,
        .rest = length,
        .size = length,
        .limit = max_frame,
        .why = why,
        .beyond = length > WEFT_PREFIX_MAX || weft__is_beyond_skipping(length, max_frame),
    };
    return weft__refuse_oversize(prefix, &frame, msg, io);
}

/* GO_AWAY of yamux with the code of a broken rule. */
static bool is_yamux(struct weft_view in)
{
    static const uint8_t last_words[] = {0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return weft_view_equal(in, weft_view(last_words, sizeof last_words));
}

/* SETTINGS, with which a server of HTTP/2 begins (RFC 9113, 3.4): no flags, no stream, and less than 64 KiB. */
static bool is_http2(struct weft_view in)
{
    static const uint8_t settings[] = {4, 0, 0, 0, 0, 0};
    return in.size >= 9 && in.data[0] == 0 && memcmp(in.data + 3, settings, sizeof settings) == 0;
}

/* Both look like the length of a reply that is cut off. */
ssize_t weft_prefix_cut_off(const struct weft_prefix *prefix, struct weft_view in,
                            struct weft_message *msg, struct weft_decode_io *io)
{
    (void)msg;
    if (!io->eof || prefix->role != WEFT_CLIENT)
        return 0;
    if (is_yamux(in))
        io->detail = "answered in yamux";
    else if (is_http2(in))
        io->detail = "answered in HTTP/2";
    else
        return 0;
    return WEFT_EFOREIGN;
}

int weft_prefix_encode(const struct weft_body *body, struct weft_encode_io *io)
{
    uint8_t header[WEFT_PREFIX_SIZE];
    weft_store_be32(header, (uint32_t)body->size);
    return weft__append_frame(io->out, header, sizeof header, body);
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
