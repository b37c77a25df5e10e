/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/units.h"
#include "services/payload/http/request.h"

enum { HEAD_MAX = 16 * 1024 };

struct config {
    uint64_t max_message;
};

static int configure(void *memory, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = memory;
    (void)set, (void)error;
    config->max_message = limits->max_message;
    return 0;
}

/* Returns the size of the head, its empty line included, or 0 if that has not come. */
static size_t head_size(struct weft_view in)
{
    const uint8_t *end = in.size > 0 ? memmem(in.data, in.size, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - in.data) + 4 : 0;
}

static bool is_response(struct weft_view in)
{
    static const char begin[] = "HTTP/1.";
    size_t size = in.size < sizeof begin - 1 ? in.size : sizeof begin - 1;
    return memcmp(in.data, begin, size) == 0;
}

/* Sets *size to Content-Length. False: the head has none. */
static bool find_length(struct weft_view head, uint64_t *size)
{
    struct weft_view fields = head, name, value;
    /* The status line is passed over as a field with another name. */
    while (weft_http_next_field(&fields, &name, &value)) {
        char digits[24];
        if (!weft_http_is(name, "content-length") || value.size >= sizeof digits)
            continue;
        memcpy(digits, value.data, value.size);
        digits[value.size] = '\0';
        return weft_parse_count(digits, size) == 0;
    }
    return false;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const struct config *config = state->config;
    uint64_t length;
    if (in.size > 0 && !is_response(in)) {
        io->detail = "answered in another protocol than HTTP";
        return WEFT_EFOREIGN;
    }
    size_t head = head_size(in);
    if (head == 0)
        return in.size > HEAD_MAX ? WEFT_ELOST : 0;
    if (!find_length(weft_view(in.data, head), &length) || length > config->max_message) {
        io->detail = "answered with more than --max-message, or without its size";
        return WEFT_ELOST;
    }
    size_t size = head + (size_t)length;
    if (in.size < size) {
        io->need = size;
        return 0;
    }
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data, size);
    return (ssize_t)size;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    (void)state;
    uint8_t *dst = weft_chain_reserve(io->out, body->size);
    if (!dst)
        return -ENOMEM;
    body->write(body, dst);
    weft_chain_commit(io->out, body->size);
    return 0;
}

bool kvc_http_read(struct weft_view message, struct kvc_http_response *response)
{
    size_t head = head_size(message);
    if (head < sizeof "HTTP/1.1 200" || !is_response(message))
        return false;
    response->status = (unsigned)strtoul((const char *)message.data + sizeof "HTTP/1.1", NULL, 10);
    response->body = weft_view_skip(message, head);
    return response->status >= 100 && response->status <= 599;
}

const struct weft_codec kvc_http_codec = {
    .name = "http",
    .speaks = "http",
    .config_size = sizeof(struct config),
    .configure = configure,
    .decode = decode,
    .encode = encode,
};
