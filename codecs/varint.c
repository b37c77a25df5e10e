/* SPDX-License-Identifier: MIT
 *
 * varint: the length as a varint of protobuf, then the payload. This is the delimiting of protobuf's own
 * libraries: writeDelimitedTo of Java and C#, SerializeDelimitedToOstream of C++, protodelim of Go,
 * serialize_length_prefixed of Python. */
#include "codecs.h"
#include "parts/append.h"
#include "parts/refusal.h"

enum { LENGTH_MAX = 10 }; /* bytes of a varint of 64 bits */

struct varint_config {
    uint32_t max_frame;
};

static int configure(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set; /* varint has no options, and the core has refused any that was given */
    struct varint_config *varint = config;
    /* Java and C# keep a length in 31 bits, and a longer message of protobuf cannot exist. */
    return weft_prefix_configure(&varint->max_frame, limits, error);
}

/* Reads the length at the beginning of `in`. Returns how many bytes it has, 0 if more of them must come,
 * or -1 if it does not fit 64 bits. A length in more bytes than it needs is taken, as all peers take it:
 * a writer that fills in the length afterwards reserves five bytes for it. */
static int read_length(struct weft_view in, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < in.size; i++) {
        uint8_t byte = in.data[i];
        if (i == LENGTH_MAX - 1 && byte > 1)
            return -1;
        *length |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return (int)i + 1;
    }
    return 0;
}

static size_t write_length(uint8_t dst[LENGTH_MAX], uint64_t length)
{
    size_t size = 0;
    for (; length >= 0x80; length >>= 7)
        dst[size++] = (uint8_t)(length | 0x80);
    dst[size++] = (uint8_t)length;
    return size;
}

WEFT_NOINLINE static ssize_t refuse(const struct varint_config *config, struct weft_prefix *prefix,
                                    size_t header, uint64_t length, struct weft_message *msg,
                                    struct weft_decode_io *io)
{
    const struct weft__oversize frame = {
        .header = header,
        .rest = length,
        .size = length,
        .limit = config->max_frame,
        .why = "max-frame",
        .beyond = length > WEFT_PREFIX_MAX || weft__is_beyond_skipping(length, config->max_frame),
    };
    return weft__refuse_oversize(prefix, &frame, msg, io);
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct varint_config *config = state->config;
    struct weft_prefix *prefix = state->conn;
    uint64_t length;

    if (weft_prefix_refused(prefix))
        return weft_prefix_resume(prefix, in, io);
    int header = read_length(in, &length);
    if (header < 0)
        return weft__refuse_length(prefix, "a length of more than 64 bits", msg);
    if (header == 0) {
        io->need = in.size + 1;
        return 0;
    }
    if (length > config->max_frame)
        return refuse(config, prefix, (size_t)header, length, msg, io);
    prefix->begun = true;
    size_t size = (size_t)header + (size_t)length;
    if (in.size < size) {
        io->need = size;
        return 0;
    }
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data + header, (size_t)length);
    return (ssize_t)size;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct varint_config *config = state->config;
    if (body->size > config->max_frame)
        return weft_prefix_too_big(io, body->size, config->max_frame, "max-frame");
    uint8_t header[LENGTH_MAX];
    return weft__append_frame(io->out, header, write_length(header, body->size), body);
}

const struct weft_codec weft_codec_varint = {
    .name = "varint",
    .speaks = "*",
    .config_size = sizeof(struct varint_config),
    .conn_size = sizeof(struct weft_prefix),
    .configure = configure,
    .init = weft_prefix_init,
    .decode = decode,
    .encode = encode,
};
