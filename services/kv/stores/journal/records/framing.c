/* SPDX-License-Identifier: MIT */
#include "framing.h"

#include <errno.h>

#include "codecs/codecs.h"
#include "core/base/mem.h"

static const struct weft_codec *const codec = &weft_codec_length_delimited_gzip;

/* Fast rather than small: a snapshot competes with requests for the processor. */
static const struct weft_option_value fast = {"level", "1"};

enum { MESSAGE_MAX = 1 << 30 };

int kv_framing_init(struct kv_framing *framing)
{
    const struct weft_option_set set = {&fast, 1};
    struct weft_limits limits = weft_limits_default();
    struct weft_error ignored;
    limits.max_frame = limits.max_message = MESSAGE_MAX;
    void *config = weft_calloc(1, codec->config_size);
    void *loop = weft_calloc(1, codec->loop_size);
    void *conn = weft_calloc(1, codec->conn_size);
    framing->state = (struct weft_codec_state){.config = config, .loop = loop, .conn = conn};
    if (config && loop && conn && codec->configure(config, &set, &limits, &ignored) == 0 &&
        (!codec->loop_init || codec->loop_init(loop, config) == 0)) {
        if (codec->init)
            codec->init(&framing->state, WEFT_CLIENT);
        return 0;
    }
    weft_free(config);
    weft_free(loop);
    weft_free(conn);
    return -ENOMEM;
}

void kv_framing_fini(struct kv_framing *framing)
{
    if (codec->fini)
        codec->fini(&framing->state);
    if (codec->loop_fini)
        codec->loop_fini(framing->state.loop);
    weft_free((void *)(uintptr_t)framing->state.config);
    weft_free(framing->state.loop);
    weft_free(framing->state.conn);
}

int kv_framing_encode(struct kv_framing *framing, struct weft_view message, struct weft_chain *out)
{
    struct weft_body_bytes body = weft_body_from_view(message);
    struct weft_encode_io io = {.out = out, .last = true};
    return codec->encode(&framing->state, &body.body, &io);
}

ssize_t kv_framing_decode(struct kv_framing *framing, struct weft_view in,
                          struct weft_view *message, size_t *need)
{
    struct weft_message decoded = {.kind = WEFT_MESSAGE_NONE};
    struct weft_decode_io io = {.eof = false};
    ssize_t n = codec->decode(&framing->state, in, &decoded, &io);
    *need = io.need;
    if (n == -ENOMEM)
        return n;
    if (n < 0 || (decoded.kind == WEFT_MESSAGE_DATA && decoded.status != WEFT_MESSAGE_OK))
        return -EBADMSG;
    if (decoded.kind == WEFT_MESSAGE_NONE)
        return n == 0 ? 0 : -EBADMSG;
    *message = decoded.payload;
    return n;
}
