/* SPDX-License-Identifier: MIT */
#include "ws_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/feed.h"
#include "transports/websocket/frame.h"

static const struct weft_filter *const filter = &weft_filter_websocket;

const char ws_hello[] = "GET / HTTP/1.1\r\n"
                        "Host: 127.0.0.1:9527\r\n"
                        "Upgrade: websocket\r\n"
                        "Connection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n";

const char ws_welcome[] = "HTTP/1.1 101 Switching Protocols\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/* The fixture's own memory is never weft_malloc's, so that failing allocations are the filter's. */
static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

int ws_end_init(struct ws_end *end, enum weft_role role, const char *query,
                struct weft_error *error)
{
    static const struct weft_codec gzip = {.name = "length-delimited-gzip"}, raw = {.name = "raw"};
    const struct weft_codec *const codecs[] = {&gzip, &raw, NULL};
    struct weft_url url = {.scheme = "ws"};

    memset(end, 0, sizeof *end);
    snprintf(url.text, sizeof url.text, "%s", query);
    url.option_count = feed_parse_query(url.text, url.options, WEFT_URL_OPTIONS);
    end->config = zeroed(filter->config_size);
    end->state = zeroed(filter->state_size);
    weft_chain_init(&end->down, NULL);
    int err = filter->configure(end->config, &end->context, &url, role, codecs, error);
    if (err == 0)
        err = filter->init(end->state, end->config, role);
    if (err < 0) {
        free(end->state);
        free(end->config);
        weft_websocket_fini(&end->context);
    }
    return err;
}

void ws_end_fini(struct ws_end *end)
{
    filter->fini(end->state);
    weft_chain_fini(&end->down);
    free(end->got.data);
    free(end->left);
    free(end->state);
    free(end->config);
    weft_websocket_fini(&end->context);
}

static void keep(struct weft_buf *buf, const uint8_t *bytes, size_t size)
{
    if (buf->cap < buf->end + size + 1) {
        buf->cap = 2 * (buf->end + size + 1);
        buf->data = realloc(buf->data, buf->cap);
        if (!buf->data)
            abort();
    }
    memcpy(buf->data + buf->end, bytes, size);
    buf->end += size;
    buf->data[buf->end] = '\0';
}

static ssize_t open_on(struct ws_end *end, struct weft_view in, bool eof)
{
    size_t room = end->room ? end->room : in.size + 1;
    struct weft_filter_io io = {.in = in, .eof = eof, .down = &end->down};

    do {
        uint8_t *dst = zeroed(room);
        end->result = filter->open(end->state, dst, room, &io);
        end->is_open = io.open;
        if (end->result > 0) {
            assert_true((size_t)end->result <= room);
            keep(&end->got, dst, (size_t)end->result);
        }
        free(dst);
    } while (end->result > 0);
    /* -EAGAIN promises that all of the input was taken. */
    if (end->result == -EAGAIN)
        assert_int_equal(io.in.size, 0);
    return end->result;
}

ssize_t ws_end_feed(struct ws_end *end, const void *bytes, size_t size)
{
    uint8_t *exact = zeroed(size ? size : 1);
    memcpy(exact, bytes, size);
    ssize_t result = open_on(end, weft_view(exact, size), false);
    free(exact);
    return result;
}

ssize_t ws_end_text(struct ws_end *end, const char *text)
{
    return ws_end_feed(end, text, strlen(text));
}

ssize_t ws_end_pieces(struct ws_end *end, struct weft_view bytes, size_t piece)
{
    ssize_t result = -EAGAIN;

    for (size_t at = 0; at < bytes.size && result == -EAGAIN; at += piece) {
        size_t n = bytes.size - at < piece ? bytes.size - at : piece;
        result = ws_end_feed(end, bytes.data + at, n);
    }
    return result;
}

ssize_t ws_end_eof(struct ws_end *end)
{
    return open_on(end, weft_view(NULL, 0), true);
}

int ws_end_seal(struct ws_end *end, const void *bytes, size_t size)
{
    struct weft_filter_io io = {.down = &end->down};
    return filter->seal(end->state, weft_view(bytes, size), &io);
}

int ws_end_finish(struct ws_end *end)
{
    struct weft_filter_io io = {.down = &end->down};
    return filter->finish(end->state, &io);
}

const char *ws_end_trouble(const struct ws_end *end)
{
    return filter->trouble(end->state);
}

uint8_t *ws_end_take(struct ws_end *end, size_t *size)
{
    uint8_t *copy = zeroed(end->down.bytes + 1);
    struct iovec vec[64];
    size_t at = 0;

    while (end->down.bytes > 0) {
        int count = weft_chain_peek(&end->down, vec, 64);
        size_t n = 0;
        for (int i = 0; i < count; i++) {
            memcpy(copy + at + n, vec[i].iov_base, vec[i].iov_len);
            n += vec[i].iov_len;
        }
        weft_chain_consume(&end->down, n);
        at += n;
    }
    if (size)
        *size = at;
    return copy;
}

void ws_end_open_server(struct ws_end *end)
{
    assert_int_equal(ws_end_init(end, WEFT_SERVER, "", NULL), 0);
    assert_int_equal(ws_end_text(end, ws_hello), -EAGAIN);
    assert_true(end->is_open);
    free(ws_end_take(end, NULL));
}

uint8_t *ws_frame(unsigned first, const void *payload, size_t size, size_t *frame_size)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d}; /* of the RFC's examples */
    uint8_t *frame = zeroed(size + WEFT__WS_HEADER_MAX);
    size_t n = weft__ws_header_write(frame, WEFT__WS_BINARY, size, mask);

    frame[0] = (uint8_t)first;
    if (size > 0)
        weft__ws_mask(frame + n, payload, size, mask, 0);
    *frame_size = n + size;
    return frame;
}
