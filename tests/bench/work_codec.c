/* SPDX-License-Identifier: MIT
 *
 * Frames of each codec: one decode call on a whole frame, one encode into a chain. */
#include <stdio.h>
#include <stdlib.h>

#include "work.h"
#include "codecs/codecs.h"

struct codec_state {
    const struct weft_codec *codec;
    struct weft_codec_state state;
    void *config, *loop, *conn;
    struct weft_limits limits;
    uint8_t *payload;
    struct weft_body_bytes body;
    struct weft_piece_pool pool;
    struct weft_chain out;
    uint8_t *frame; /* what encode makes of payload */
    size_t frame_size;
};

static void encode(struct codec_state *self)
{
    struct weft_encode_io io = {.out = &self->out, .last = true};
    bench_need(self->codec->encode(&self->state, &self->body.body, &io) == 0, "encode");
}

static void drop(struct codec_state *self)
{
    weft_chain_consume(&self->out, self->out.bytes);
}

static void make_frame(struct codec_state *self)
{
    struct iovec vec[16];
    encode(self);
    self->frame = bench_zeroed(self->out.bytes);
    int count = weft_chain_peek(&self->out, vec, 16);
    for (int i = 0; i < count; i++) {
        memcpy(self->frame + self->frame_size, vec[i].iov_base, vec[i].iov_len);
        self->frame_size += vec[i].iov_len;
    }
    bench_need(self->frame_size == self->out.bytes, "a frame in 16 parts");
    drop(self);
}

static void *begin(const struct bench_work *work)
{
    struct codec_state *self = bench_zeroed(sizeof *self);
    const struct weft_option_set options = {0};
    struct weft_error error;
    self->codec = work->codec;
    self->config = bench_zeroed(work->codec->config_size);
    self->loop = bench_zeroed(work->codec->loop_size);
    self->conn = bench_zeroed(work->codec->conn_size);
    self->limits = weft_limits_default();
    bench_need(work->codec->configure(self->config, &options, &self->limits, &error) == 0,
               "configure");
    bench_need(!work->codec->loop_init || work->codec->loop_init(self->loop, self->config) == 0,
               "loop_init");
    self->state = (struct weft_codec_state){
        .config = self->config, .loop = self->loop, .conn = self->conn, .config_id = 1};
    if (work->codec->init)
        work->codec->init(&self->state, WEFT_SERVER);
    weft_piece_pool_init(&self->pool, 64);
    weft_chain_init(&self->out, &self->pool);
    self->payload = bench_zeroed(work->size);
    bench_fill_text(self->payload, work->size);
    self->body = weft_body_from_view(weft_view(self->payload, work->size));
    make_frame(self);
    return self;
}

static size_t run_encode(void *state, size_t operations)
{
    struct codec_state *self = state;
    for (size_t i = 0; i < operations; i++) {
        encode(self);
        drop(self);
    }
    return operations;
}

static size_t run_decode(void *state, size_t operations)
{
    struct codec_state *self = state;
    for (size_t i = 0; i < operations; i++) {
        struct weft_message message = {.kind = WEFT_MESSAGE_NONE};
        struct weft_decode_io io = {.out = &self->out};
        ssize_t n = self->codec->decode(&self->state, weft_view(self->frame, self->frame_size),
                                        &message, &io);
        bench_need(n == (ssize_t)self->frame_size && message.status == WEFT_MESSAGE_OK, "decode");
    }
    return operations;
}

static void end(void *state)
{
    struct codec_state *self = state;
    if (self->codec->fini)
        self->codec->fini(&self->state);
    if (self->codec->loop_fini)
        self->codec->loop_fini(self->loop);
    weft_chain_fini(&self->out);
    weft_piece_pool_fini(&self->pool);
    free(self->frame);
    free(self->payload);
    free(self->conn);
    free(self->loop);
    free(self->config);
    free(self);
}

size_t bench_codec_works(struct bench_work *works, size_t count)
{
    static const struct weft_codec *const codecs[] = {&weft_codec_raw,
                                                      &weft_codec_length_delimited_gzip};
    static const size_t sizes[] = {64, 1024, 16384};
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int decodes = 1; decodes >= 0; decodes--) {
                bool deflates = codecs[c] != &weft_codec_raw && sizes[s] > 1436;
                struct bench_work *work = &works[count++];
                *work = (struct bench_work){
                    .codec = codecs[c],
                    .size = sizes[s],
                    .counted_runs = deflates ? 4 : 1000,
                    .begin = begin,
                    .run = decodes ? run_decode : run_encode,
                    .end = end,
                };
                (void)snprintf(work->name, sizeof work->name, "%s-%s-%zu",
                               decodes ? "decode" : "encode", codecs[c]->name, sizes[s]);
            }
    return count;
}
