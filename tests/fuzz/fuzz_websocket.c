/* SPDX-License-Identifier: MIT
 *
 * WebSocket: the input as what a peer sends, once whole and once in pieces: both must come to the same. The first
 * byte says which role the filter has and if a good handshake goes ahead, the second how long the pieces are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "transports/websocket/accept_key.h"
#include "transports/websocket/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char hello[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

struct end {
    void *config, *state;
    struct weft_chain down;
    struct weft_buf got;
    ssize_t result;
};

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    must(p != NULL, "no memory");
    return p;
}

static void feed(struct end *end, const uint8_t *data, size_t size)
{
    const struct weft_filter *filter = &weft_filter_websocket;
    uint8_t *exact = zeroed(size ? size : 1); /* so that reading past it is seen */
    struct weft_filter_io io = {.in = weft_view(exact, size), .down = &end->down};

    if (size > 0)
        memcpy(exact, data, size);
    do {
        uint8_t *dst = weft_buf_reserve(&end->got, size + 1);
        must(dst != NULL, "no memory");
        end->result = filter->open(end->state, dst, size + 1, &io);
        if (end->result > 0)
            weft_buf_commit(&end->got, (size_t)end->result);
    } while (end->result > 0);
    must(end->result != -EAGAIN || io.in.size == 0, "input was left");
    must(end->result != -EPROTO || filter->trouble(end->state), "no words for an error");
    free(exact);
}

static void open_end(struct end *end, enum weft_role role)
{
    const struct weft_filter *filter = &weft_filter_websocket;
    const struct weft_codec *const codecs[] = {NULL};
    struct weft_url url = {.scheme = "ws"};
    struct weft_error error;

    memset(end, 0, sizeof *end);
    end->config = zeroed(filter->config_size);
    end->state = zeroed(filter->state_size);
    end->result = -EAGAIN;
    weft_chain_init(&end->down, NULL);
    must(filter->configure(end->config, NULL, &url, role, codecs, &error) == 0, "configure");
    must(filter->init(end->state, end->config, role) == 0, "init");
}

static void close_end(struct end *end)
{
    const struct weft_filter *filter = &weft_filter_websocket;
    struct weft_filter_io io = {.down = &end->down};

    must(filter->finish(end->state, &io) == 0, "finish");
    filter->fini(end->state);
    weft_chain_fini(&end->down);
    weft_buf_fini(&end->got);
    free(end->state);
    free(end->config);
}

static void feed_pieces(struct end *end, const uint8_t *data, size_t size, size_t piece)
{
    for (size_t at = 0; at < size && end->result == -EAGAIN; at += piece)
        feed(end, data + at, size - at < piece ? size - at : piece);
}

/* Goes ahead with a good handshake. */
static void shake(struct end *end, enum weft_role role)
{
    char response[256], accept[WEFT__WS_ACCEPT_SIZE];
    struct iovec vec;

    if (role == WEFT_SERVER) {
        feed(end, (const uint8_t *)hello, sizeof hello - 1);
        return;
    }
    feed(end, NULL, 0);
    must(weft_chain_peek(&end->down, &vec, 1) == 1, "a client asks");
    const char *key = memmem(vec.iov_base, vec.iov_len, "Key: ", 5);
    must(key != NULL, "with a key");
    weft__ws_accept(accept, weft_view(key + 5, WEFT__WS_KEY_SIZE));
    int n = snprintf(response, sizeof response,
                     "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %.*s\r\n\r\n",
                     WEFT__WS_ACCEPT_SIZE, accept);
    feed(end, (const uint8_t *)response, (size_t)n);
    must(end->result == -EAGAIN, "the handshake is good");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct end whole, pieces;

    if (size < 2)
        return 0;
    enum weft_role role = data[0] & 1 ? WEFT_CLIENT : WEFT_SERVER;
    open_end(&whole, role);
    open_end(&pieces, role);
    if (data[0] & 2) {
        shake(&whole, role);
        shake(&pieces, role);
    }
    feed_pieces(&whole, data + 2, size - 2, size);
    feed_pieces(&pieces, data + 2, size - 2, 1 + data[1] % 64u);
    must(whole.result == pieces.result, "the result is the same");
    must(weft_view_equal(weft_buf_view(&whole.got), weft_buf_view(&pieces.got)),
         "the bytes are the same");
    close_end(&whole);
    close_end(&pieces);
    return 0;
}
