/* SPDX-License-Identifier: MIT
 *
 * length-field: a header with a length somewhere in it, then the payload. Its options are those of Netty's
 * LengthFieldBasedFrameDecoder, and describe whatever that and tokio-util's length_delimited can:
 *
 *     | offset bytes | length, width bytes |          ...           |
 *     |<------------ head ---------------->|<-- length + adjust --->|
 *     |<-- strip -->|<-------------- the message ------------------>|
 *
 * strip may be less than head, and the message then begins within the header, or more. */
#include <inttypes.h>

#include "codecs.h"
#include "core/base/units.h"
#include "parts/append.h"
#include "parts/refusal.h"

enum {
    HEAD_MAX =
        256, /* the most of `head` and `strip`, so that what is not yet a frame stays small */
    WIDTH_DEFAULT = 4 /* with offset and adjust 0 these are the frames of raw */
};

#define ADJUST_MAX INT64_C(0x7fffffff)

struct field_config {
    uint64_t max_frame; /* of the message */
    uint64_t shortest;  /* the smallest message that a frame can have */
    int64_t adjust;
    uint32_t width, offset, head, strip;
    uint64_t little; /* 1: the low byte of a length comes first; 0: the high one */
};

static const struct weft_option options[] = {
    {"width", "1|2|3|4|8", "bytes of the length (default 4)"},
    {"endian", "big|little", "its order of bytes (default big)"},
    {"offset", "BYTES", "bytes before it (default 0)"},
    {"adjust", "[-]BYTES", "added to it: bytes that it does not count (default 0)"},
    {"strip", "BYTES", "bytes of a frame before its message (default offset + width)"},
    {0},
};

static uint64_t largest_length(uint32_t width)
{
    return width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

/* Reads a number from 0 to `most`. `text` NULL: *number stays as it is. */
static int take_number(const struct weft_option_set *set, const char *name, uint64_t most,
                       uint32_t *number, struct weft_error *error)
{
    const char *text = weft_option_get(set, name);
    uint64_t value;
    if (!text)
        return 0;
    if (weft_parse_count(text, &value) < 0 || value > most)
        return weft_error_set(error, WEFT_ECONFIG, "%s=%s: it takes 0 to %" PRIu64, name, text,
                              most);
    *number = (uint32_t)value;
    return 0;
}

static int take_width(struct field_config *config, const struct weft_option_set *set,
                      struct weft_error *error)
{
    const char *text = weft_option_get(set, "width");
    config->width = WIDTH_DEFAULT;
    if (!text)
        return 0;
    if (strlen(text) != 1 || !strchr("12348", *text))
        return weft_error_set(error, WEFT_ECONFIG, "width=%s: it takes 1, 2, 3, 4 or 8", text);
    config->width = (uint32_t)(*text - '0');
    return 0;
}

static int take_endian(struct field_config *config, const struct weft_option_set *set,
                       struct weft_error *error)
{
    const char *text = weft_option_get(set, "endian");
    config->little = text && strcmp(text, "little") == 0;
    if (!text || config->little || strcmp(text, "big") == 0)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "endian=%s: it takes big or little", text);
}

static int take_adjust(struct field_config *config, const struct weft_option_set *set,
                       struct weft_error *error)
{
    const char *text = weft_option_get(set, "adjust");
    uint64_t value;
    if (!text)
        return 0;
    bool negative = *text == '-';
    if (weft_parse_count(text + negative, &value) < 0 || value > (uint64_t)ADJUST_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "adjust=%s: it takes -%" PRId64 " to %" PRId64,
                              text, ADJUST_MAX, ADJUST_MAX);
    config->adjust = negative ? -(int64_t)value : (int64_t)value;
    return 0;
}

/* Refuses limits that no frame could keep, or that a length of this width cannot say. So encode never
 * meets a message that is within max-frame and has no frame. */
static int check_fit(struct field_config *config, struct weft_error *error)
{
    uint64_t body = config->adjust > 0 ? (uint64_t)config->adjust : 0;
    uint64_t frame = config->head + body; /* the shortest there is */
    config->shortest = frame > config->strip ? frame - config->strip : 0;
    if (config->shortest > config->max_frame)
        return weft_error_set(error, WEFT_ECONFIG,
                              "the shortest message of these frames has %" PRIu64
                              " bytes (offset + width + adjust - strip), but max-frame is %" PRIu64,
                              config->shortest, config->max_frame);

    uint64_t longest = config->max_frame + config->strip - config->head;
    uint64_t largest = largest_length(config->width);
    uint64_t length = config->adjust > 0 ? longest - body : longest + (uint64_t)-config->adjust;
    if (length <= largest)
        return 0;
    uint64_t over = length - largest;
    if (over >= config->max_frame)
        return weft_error_set(error, WEFT_ECONFIG,
                              "width=%" PRIu32 ": no length of that width says what adjust=%" PRId64
                              " asks for",
                              config->width, config->adjust);
    return weft_error_set(
        error, WEFT_ECONFIG,
        "width=%" PRIu32 ": such a length says at most %" PRIu64 " bytes, but max-frame is %" PRIu64
        ": --max-frame %" PRIu64 " goes with it, or a larger width",
        config->width, config->max_frame - over, config->max_frame, config->max_frame - over);
}

static int configure(void *config_memory, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct field_config *config = config_memory;
    config->max_frame = limits->max_frame;
    int err = take_width(config, set, error);
    if (err == 0)
        err = take_endian(config, set, error);
    if (err == 0)
        err = take_adjust(config, set, error);
    if (err == 0)
        err = take_number(set, "offset", HEAD_MAX - config->width, &config->offset, error);
    config->head = config->offset + config->width;
    config->strip = config->head;
    if (err == 0)
        err = take_number(set, "strip", HEAD_MAX, &config->strip, error);
    return err < 0 ? err : check_fit(config, error);
}

static uint64_t load_length(const struct field_config *config, const uint8_t *p)
{
    uint64_t length = 0;
    for (uint32_t i = 0; i < config->width; i++)
        length = length << 8 | p[config->little ? config->width - 1 - i : i];
    return length;
}

static void store_length(const struct field_config *config, uint8_t *p, uint64_t length)
{
    for (uint32_t i = 0; i < config->width; i++, length >>= 8)
        p[config->little ? i : config->width - 1 - i] = (uint8_t)length;
}

/* Sets *size to that of the whole frame. A sum that has no place in 64 bits stays at the largest number,
 * which is over any limit. False: the length counts less than adjust takes away. */
static bool frame_size(const struct field_config *config, uint64_t length, uint64_t *size)
{
    uint64_t less = config->adjust < 0 ? (uint64_t)-config->adjust : 0;
    uint64_t more = config->adjust > 0 ? (uint64_t)config->adjust : 0;
    if (length < less)
        return false;
    if (__builtin_add_overflow(length - less, config->head + more, size))
        *size = UINT64_MAX;
    return true;
}

WEFT_NOINLINE static ssize_t refuse(const struct field_config *config, struct weft_prefix *prefix,
                                    struct weft_view in, uint64_t size, struct weft_message *msg,
                                    struct weft_decode_io *io)
{
    if (!prefix->begun && config->head >= 4) {
        int err = weft_first_bytes_check(in.data, (enum weft_role)prefix->role,
                                         weft_codec_length_field.name, io);
        if (err < 0)
            return err;
    }
    const struct weft__oversize frame = {
        .header = config->head,
        .rest = size - config->head,
        .size = size - config->strip,
        .limit = config->max_frame,
        .why = "max-frame",
        .beyond = weft__is_beyond_skipping(size - config->strip, config->max_frame),
    };
    return weft__refuse_oversize(prefix, &frame, msg, io);
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct field_config *config = state->config;
    struct weft_prefix *prefix = state->conn;
    uint64_t size;

    if (weft_prefix_refused(prefix))
        return weft_prefix_resume(prefix, in, io);
    if (in.size < config->head) {
        io->need = config->head;
        return 0;
    }
    if (!frame_size(config, load_length(config, in.data + config->offset), &size))
        return weft__refuse_length(prefix, "a length that is less than adjust takes away", msg);
    if (size > config->strip && size - config->strip > config->max_frame)
        return refuse(config, prefix, in, size, msg, io);
    prefix->begun = true;
    if (in.size < size) {
        io->need = (size_t)size;
        return 0;
    }
    msg->kind = WEFT_MESSAGE_DATA;
    if (size < config->strip) {
        msg->status = WEFT_MESSAGE_MALFORMED;
        msg->why = "a frame that is shorter than strip";
        return (ssize_t)size;
    }
    msg->payload = weft_view(in.data + config->strip, (size_t)size - config->strip);
    return (ssize_t)size;
}

/* Appends a frame whose message covers the length, or has to be filled up with zeros. */
static int append_patched(const struct field_config *config, size_t message, uint64_t length,
                          const struct weft_body *body, struct weft_chain *out)
{
    size_t size = config->strip + message;
    uint8_t *frame = weft_chain_reserve(out, size);
    if (!frame)
        return -ENOMEM;
    memset(frame, 0, config->strip);
    weft_body_write(body, frame + config->strip);
    memset(frame + config->strip + body->size, 0, message - body->size);
    store_length(config, frame + config->offset, length);
    weft_chain_commit(out, size);
    return 0;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    const struct field_config *config = state->config;
    if (body->size > config->max_frame)
        return weft_prefix_too_big(io, body->size, config->max_frame, "max-frame");
    size_t message = body->size < config->shortest ? (size_t)config->shortest : body->size;
    uint64_t length = config->strip + message - config->head - (uint64_t)config->adjust;
    if (config->strip < config->head || message > body->size)
        return append_patched(config, message, length, body, io->out);

    uint8_t header[HEAD_MAX];
    memset(header, 0, config->strip);
    store_length(config, header + config->offset, length);
    return weft__append_frame(io->out, header, config->strip, body);
}

const struct weft_codec weft_codec_length_field = {
    .name = "length-field",
    .speaks = "*",
    .options = options,
    .config_size = sizeof(struct field_config),
    .conn_size = sizeof(struct weft_prefix),
    .configure = configure,
    .init = weft_prefix_init,
    .decode = decode,
    .encode = encode,
};
