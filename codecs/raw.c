/* SPDX-License-Identifier: MIT
 *
 * raw: four bytes of length, big endian, then the payload. The codec to copy from: what a codec has
 * to have is at the end, and what is not about this one's frames is in length_prefix.h. */
#include "codecs.h"
#include "parts/length_prefix.h"

struct raw_config {
    uint32_t max_frame;
};

static int configure(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set; /* raw has no options, and the core has refused any that was given */
    struct raw_config *raw = config;
    return weft__prefix_configure(&raw->max_frame, limits, error);
}

/* Names the limit and what helps. The most likely reason for a length with the top bit is a compressed
 * frame. */
static const char *why_too_big(uint64_t length)
{
    return length > WEFT__PREFIX_MAX ? "max-frame (is this a gzip frame of length-delimited-gzip?)"
                                     : "max-frame (codec length-delimited-gzip may make it fit)";
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct raw_config *config = state->config;
    struct weft__prefix *prefix = state->conn;

    if (weft__prefix_refused(prefix))
        return weft__prefix_resume(prefix, in, io);
    if (in.size < WEFT__PREFIX_SIZE) {
        io->need = WEFT__PREFIX_SIZE;
        return 0;
    }
    uint32_t length = weft_load_be32(in.data);
    if (length > config->max_frame)
        return weft__prefix_refuse(prefix, in, length, config->max_frame, why_too_big(length),
                                   weft_codec_raw.name, msg, io);
    prefix->begun = true;
    size_t size = WEFT__PREFIX_SIZE + (size_t)length;
    if (in.size < size) {
        io->need = size;
        return 0;
    }
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data + WEFT__PREFIX_SIZE, length);
    return (ssize_t)size;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct raw_config *config = state->config;
    if (body->size > config->max_frame)
        return weft__prefix_too_big(io, body->size, config->max_frame, why_too_big(0));
    return weft__prefix_encode(body, io);
}

const struct weft_codec weft_codec_raw = {
    .name = "raw",
    .speaks = "*",
    .config_size = sizeof(struct raw_config),
    .conn_size = sizeof(struct weft__prefix),
    .configure = configure,
    .init = weft__prefix_init,
    .decode = decode,
    .encode = encode,
};
