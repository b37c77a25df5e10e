/* SPDX-License-Identifier: MIT
 *
 * length-delimited-gzip: four bytes, big endian, then the payload. The top bit says that the payload is
 * one gzip member, which holds the message. The other 31 bits are the payload's length on the wire. */
#include <errno.h>

#include "codecs.h"
#include "compress/gzip.h"
#include "length_prefix.h"
#include "compress/scratch.h"
#include "compress/settings.h"
#include "core/base/mem.h"
#include "core/base/units.h"

#define GZIP_BIT (UINT32_C(1) << 31)

/* The level of the second try at a message that must shrink: level 9 gains 2 % more on text and takes
 * seven times as long. */
enum { HARD_LEVEL = 6 };

/* A plain frame is over max-frame: what helps. */
#define WHY_PLAIN "max-frame (not compressed; gzip may make it fit)"

struct config {
    uint64_t max_message;
    struct weft__gzip_settings gzip;
    uint32_t max_frame;
    /* The largest frame that every peer takes unless it was told to take less: the default max-frame,
     * or ours if that is smaller. The peer's limit may be below ours, and no handshake tells it. */
    uint32_t safe_frame;
};

/* There are two scratches, because a service may still read its message, which lies in the first, while
 * its reply is encoded through the second. */
struct loop {
    struct weft__scratch decoded, encoded;
    struct weft__gzip gzip;
};

static const struct weft_option options[] = {
    {"threshold", "BYTES|off", "compress messages of more bytes (default 1436)"},
    {"level", "1...9|auto", "how hard (default auto: by size, never for long)"},
    {0},
};

static int configure(void *config_memory, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = config_memory;
    int err = weft_prefix_configure(&config->max_frame, limits, error);
    if (err < 0)
        return err;
    uint64_t usual = weft_limits_default().max_frame;
    config->safe_frame = config->max_frame < usual ? config->max_frame : (uint32_t)usual;
    config->max_message = limits->max_message;
    return weft__gzip_configure(&config->gzip, set, error);
}

static void loop_fini(void *loop_memory)
{
    struct loop *loop = loop_memory;
    weft__scratch_fini(&loop->decoded);
    weft__scratch_fini(&loop->encoded);
    weft__gzip_fini(&loop->gzip);
}

/* Frees the last message of the connection, since no further decode of it will. */
static void fini(const struct weft_codec_state *state)
{
    struct loop *loop = state->loop;
    weft__scratch_trim(&loop->decoded);
}

WEFT_NOINLINE static int decode_gzip(const struct weft_codec_state *state, struct weft_view payload,
                                     struct weft_message *msg)
{
    const struct config *config = state->config;
    struct loop *loop = state->loop;
    struct weft__gzip_member member;

    int err = weft__gzip_parse(payload, config->max_message, &member, &msg->why);
    if (err == 0) {
        msg->heavy = true;
        err = weft__scratch_reserve(&loop->decoded, member.size);
    }
    if (err == 0)
        err = weft__gzip_inflate(&loop->gzip, &member, loop->decoded.data, &msg->why);

    switch (err) {
    case 0:
        msg->payload = weft_view(loop->decoded.data, member.size);
        msg->why = NULL;
        break;
    case WEFT_EMALFORMED:
        msg->status = WEFT_MESSAGE_MALFORMED;
        break;
    case WEFT_ETOOBIG:
        msg->status = WEFT_MESSAGE_TOO_BIG;
        msg->size = member.size;
        msg->limit = config->max_message;
        msg->why = "max-message";
        break;
    default:
        return err;
    }
    msg->kind = WEFT_MESSAGE_DATA;
    return 0;
}

/* The hint is for frames of a size at which compressing is worth a thought. */
static const char *why_too_big(uint32_t header)
{
    return header & GZIP_BIT || header < WEFT_MIB(1) ? "max-frame" : WHY_PLAIN;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct config *config = state->config;
    struct loop *loop = state->loop;
    struct weft_prefix *prefix = state->conn;

    weft__scratch_trim(&loop->decoded); /* the message before this has been read */
    if (weft_prefix_refused(prefix))
        return weft_prefix_resume(prefix, in, io);
    if (in.size < WEFT_PREFIX_SIZE) {
        io->need = WEFT_PREFIX_SIZE;
        return 0;
    }
    uint32_t header = weft_load_be32(in.data);
    uint32_t length = header & ~GZIP_BIT;
    if (length > config->max_frame)
        return weft_prefix_refuse(prefix, in, length, config->max_frame, why_too_big(header),
                                  weft_codec_length_delimited_gzip.name, msg, io);
    prefix->begun = true;
    size_t size = WEFT_PREFIX_SIZE + (size_t)length;
    if (in.size < size) {
        io->need = size;
        return weft_prefix_cut_off(prefix, in, msg, io);
    }
    struct weft_view payload = weft_view(in.data + WEFT_PREFIX_SIZE, length);
    if (header & GZIP_BIT && io->unknown) {
        msg->kind = WEFT_MESSAGE_DATA;
        msg->status = WEFT_MESSAGE_TOO_BIG;
        msg->size = length;
        msg->why = "log in before you send what is compressed";
        return (ssize_t)size;
    }
    if (header & GZIP_BIT) {
        int err = decode_gzip(state, payload, msg);
        return err < 0 ? err : (ssize_t)size;
    }
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = payload;
    return (ssize_t)size;
}

/* True if the peer may refuse the message as a plain frame. */
static bool must_shrink(const struct config *config, size_t size)
{
    return size > config->safe_frame;
}

/* Deflates message to dst. One that must shrink is tried again at HARD_LEVEL if the first member is
 * over safe_frame by no more than the half, which is the most that a higher level gains. Returns as
 * weft__gzip_deflate. */
static ssize_t deflate_view(const struct config *config, struct loop *loop,
                            struct weft_view message, int level, uint8_t *dst, size_t cap)
{
    const size_t safe = config->safe_frame;
    ssize_t size = weft__gzip_deflate(&loop->gzip, level, message, dst, cap);
    if (size <= 0 || (size_t)size <= safe || (size_t)size > safe + safe / 2 || level >= HARD_LEVEL)
        return size;
    ssize_t second = weft__gzip_deflate(&loop->gzip, HARD_LEVEL, message, dst, (size_t)size);
    if (second != 0)
        return second;
    return weft__gzip_deflate(&loop->gzip, level, message, dst, cap);
}

/* Deflates body to the beginning of loop->encoded. Returns the member's size; 0 if it would not be
 * smaller than body, or not small enough; or -ENOMEM. */
static ssize_t deflate_body(const struct config *config, struct loop *loop,
                            const struct weft_body *body, int level)
{
    size_t most = config->max_frame;
    if (must_shrink(config, body->size) && most < (size_t)config->safe_frame * 3 / 2)
        most = (size_t)config->safe_frame * 3 / 2;
    size_t cap = body->size - 1 < most ? body->size - 1 : most;
    size_t copied = body->blob ? 0 : body->size;
    if (weft__scratch_reserve(&loop->encoded, cap + copied) < 0)
        return -ENOMEM;
    uint8_t *member = loop->encoded.data, *message = member + cap;
    struct weft_view view = weft_view(message, copied);
    if (body->blob)
        view = weft_blob_view(body->blob);
    else
        body->write(body, message);
    ssize_t size = deflate_view(config, loop, view, level, member, cap);
    return size > (ssize_t)config->max_frame ? 0 : size;
}

static void write_frame(uint8_t *frame, struct weft_view member)
{
    weft_store_be32(frame, GZIP_BIT | (uint32_t)member.size);
    memcpy(frame + WEFT_PREFIX_SIZE, member.data, member.size);
}

/* Appends the frame of a member. Returns 1, or -ENOMEM.
 *
 * The member was made in scratch and is copied, which costs a hundredth of the making. In the chain it
 * would have to reserve room for the worst case, and hold that until the peer has read it. */
static int append_frame(struct weft_chain *out, struct weft_view member)
{
    uint8_t *frame = weft_chain_reserve(out, WEFT_PREFIX_SIZE + member.size);
    if (!frame)
        return -ENOMEM;
    write_frame(frame, member);
    weft_chain_commit(out, WEFT_PREFIX_SIZE + member.size);
    return 1;
}

/* Appends the frame of a member by reference, and keeps it for the next time. If there is no memory to
 * keep it, it is appended as append_frame does. Returns 1, or -ENOMEM. */
static int append_frame_and_keep(const struct weft_codec_state *state, const struct weft_body *body,
                                 struct weft_view member, struct weft_encode_io *io)
{
    uint8_t *data;
    struct weft_blob *frame = weft_blob_new(WEFT_PREFIX_SIZE + member.size, &data);
    if (!frame)
        return append_frame(io->out, member);
    write_frame(data, member);
    int err = weft_chain_append_blob(io->out, frame);
    if (err == 0)
        weft_frame_cache_put(io->frames, body->blob, state->config_id, frame);
    weft_blob_unref(frame);
    return err < 0 ? err : 1;
}

/* Returns 1 with the frame in io->out, 0 if gzip gains nothing, or -ENOMEM. */
static int encode_gzip(const struct weft_codec_state *state, const struct weft_body *body,
                       int level, struct weft_encode_io *io)
{
    struct loop *loop = state->loop;
    bool keep = io->frames && body->blob && body->lasting;

    ssize_t size = deflate_body(state->config, loop, body, level);
    io->heavy = size >= 0;
    int result = size < 0 ? (int)size : 0;
    if (size > 0) {
        struct weft_view member = weft_view(loop->encoded.data, (size_t)size);
        result =
            keep ? append_frame_and_keep(state, body, member, io) : append_frame(io->out, member);
    } else if (size == 0 && keep) {
        weft_frame_cache_put(io->frames, body->blob, state->config_id, NULL);
    }
    weft__scratch_trim(&loop->encoded);
    return result;
}

/* Encodes from the frame cache if it can, and with encode_gzip otherwise. Returns as encode_gzip does. A
 * kept frame is within the limits, because it was made with this configuration, which includes them. */
WEFT_NOINLINE static int encode_gzip_once(const struct weft_codec_state *state,
                                          const struct weft_body *body, int level,
                                          struct weft_encode_io *io)
{
    struct weft_blob *frame;
    enum weft_frame_found found = WEFT_FRAME_MISS;
    if (body->blob)
        found = weft_frame_cache_get(io->frames, body->blob, state->config_id, &frame);
    if (found == WEFT_FRAME_MISS)
        return encode_gzip(state, body, level, io);
    if (found == WEFT_FRAME_PLAIN)
        return 0;
    int err = weft_chain_append_blob(io->out, frame);
    weft_blob_unref(frame);
    return err < 0 ? err : 1;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct config *config = state->config;

    if (body->size > config->max_message)
        return weft_prefix_too_big(io, body->size, config->max_message, "max-message");
    bool must = must_shrink(config, body->size);
    int level = 0; /* as it is for most messages, which the call is spared for */
    if (must || body->size > config->gzip.threshold)
        level = weft__gzip_level(&config->gzip, body->size, must);
    if (level > 0) {
        int result = encode_gzip_once(state, body, level, io);
        if (result != 0)
            return result < 0 ? result : 0;
    }
    if (body->size > config->max_frame)
        return weft_prefix_too_big(io, body->size, config->max_frame,
                                   config->gzip.threshold == UINT64_MAX ? WHY_PLAIN : "max-frame");
    return weft_prefix_encode(body, io);
}

/* Claims a peer by its first byte, the top of a length beside the gzip bit. That byte is 0x00 or 0x80 for
 * all frames under 16 MiB. Text begins with a tab at the least, and TLS beyond that. */
static enum weft_probe probe(const void *memory, struct weft_view in)
{
    const struct config *config = memory;
    uint32_t top = in.data[0] & 0x7fu, most = config->max_frame >> 24;
    return top <= most && top < '\t' ? WEFT_PROBE_YES : WEFT_PROBE_NO;
}

const struct weft_codec weft_codec_length_delimited_gzip = {
    .name = "length-delimited-gzip",
    .speaks = "*",
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop),
    .conn_size = sizeof(struct weft_prefix),
    .configure = configure,
    .loop_fini = loop_fini,
    .init = weft_prefix_init,
    .fini = fini,
    .decode = decode,
    .encode = encode,
    .probe = probe,
};
