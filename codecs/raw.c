/* SPDX-License-Identifier: MIT
 *
 * raw: four bytes of length, big endian, then the payload. This is the codec to copy from. All that a
 * codec must have is at the end; what other codecs share with it is in length_prefix.h. */
#include "codecs.h"
#include "length_prefix.h"

struct raw_config {
    uint32_t max_frame;
};

static int configure(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set; /* raw has no options, and the core has refused any that was given */
    struct raw_config *raw = config;
    return weft_prefix_configure(&raw->max_frame, limits, error);
}

/* The most likely reason for a length with the top bit is a compressed frame, so say so. */
static const char *why_too_big(uint32_t length)
{
    return length > WEFT_PREFIX_MAX ? "max-frame (is this a gzip frame of length-delimited-gzip?)"
                                    : "max-frame";
}

WEFT_NOINLINE static ssize_t refuse(const struct raw_config *config, struct weft_prefix *prefix,
                                    struct weft_view in, uint32_t length, struct weft_message *msg,
                                    struct weft_decode_io *io)
{
    /* A server that compresses answers so: at once, or later, when a reply is large enough. */
    if (prefix->role == WEFT_CLIENT && length > WEFT_PREFIX_MAX) {
        io->detail = "answered in codec 'length-delimited-gzip'";
        return WEFT_EFOREIGN;
    }
    return weft_prefix_refuse(prefix, in, length, config->max_frame, why_too_big(length),
                              weft_codec_raw.name, msg, io);
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct raw_config *config = state->config;
    struct weft_prefix *prefix = state->conn;

    if (weft_prefix_refused(prefix))
        return weft_prefix_resume(prefix, in, io);
    if (in.size < WEFT_PREFIX_SIZE) {
        io->need = WEFT_PREFIX_SIZE;
        return 0;
    }
    uint32_t length = weft_load_be32(in.data);
    if (length > config->max_frame)
        return refuse(config, prefix, in, length, msg, io);
    prefix->begun = true;
    size_t size = WEFT_PREFIX_SIZE + (size_t)length;
    if (in.size < size) {
        io->need = size;
        return weft_prefix_cut_off(prefix, in, msg, io);
    }
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data + WEFT_PREFIX_SIZE, length);
    return (ssize_t)size;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct raw_config *config = state->config;
    if (body->size > config->max_frame)
        return weft_prefix_too_big(io, body->size, config->max_frame, "max-frame");
    return weft_prefix_encode(body, io);
}

const struct weft_codec weft_codec_raw = {
    .name = "raw",
    .speaks = "*",
    .config_size = sizeof(struct raw_config),
    .conn_size = sizeof(struct weft_prefix),
    .configure = configure,
    .init = weft_prefix_init,
    .decode = decode,
    .encode = encode,
};
