/* SPDX-License-Identifier: MIT
 *
 * The filter's slots: what becomes of the bytes from below, and of those from above. */
#include "websocket.h"

#include <errno.h>

#include "core/base/mem.h"
#include "core/peer.h"
#include "page.h"
#include "state.h"

enum {
    PONG_ROOM = 32 * 1024, /* a pong waits while so many bytes of output wait */
    GOING_AWAY = 1001,     /* how a server says Close first */
};

static int ws_configure(void *config, void *context, const struct weft_url *url,
                        enum weft_role role, const struct weft_codec *const *codecs,
                        struct weft_error *error)
{
    return weft__ws_configure(config, context, url, role, codecs, error);
}

static int ws_init(void *state, const void *config, enum weft_role role)
{
    struct weft__ws *ws = state;

    ws->config = config;
    ws->role = role;
    ws->phase = WEFT__WS_SHAKING;
    ws->reader.masked = role == WEFT_SERVER;
    if (role == WEFT_SERVER)
        return 0;
    ws->client = weft_calloc(1, sizeof *ws->client);
    return ws->client ? 0 : -ENOMEM;
}

static void ws_fini(void *state)
{
    struct weft__ws *ws = state;

    weft__ws_drop_head(ws);
    if (ws->credentials.data)
        explicit_bzero(ws->credentials.data, ws->credentials.size);
    weft_bytes_fini(&ws->credentials);
    weft_free(ws->client);
}

/* Returns the mask of the next frame, or NULL for a server's. */
static int next_mask(struct weft__ws *ws, const uint8_t **mask)
{
    struct weft__ws_client *client = ws->client;

    *mask = NULL;
    if (!client)
        return 0;
    if (client->masks_left == 0) {
        int err = weft__ws_random(client->masks, sizeof client->masks);
        if (err < 0)
            return err;
        client->masks_left = sizeof client->masks / 4;
    }
    *mask = client->masks + 4u * --client->masks_left;
    return 0;
}

/* Appends payload, masked if mask is not NULL, and fills the last piece before it takes another one. */
static int put_payload(struct weft_chain *down, struct weft_view payload, const uint8_t *mask)
{
    size_t at = 0;

    while (at < payload.size) {
        size_t n = payload.size - at;
        struct weft_piece *tail = down->tail;
        if (tail && tail->cap > tail->end && tail->cap - tail->end < n)
            n = tail->cap - tail->end;
        uint8_t *dst = weft_chain_reserve(down, n);
        if (!dst)
            return -ENOMEM;
        if (mask)
            weft__ws_mask(dst, payload.data + at, n, mask, at);
        else
            memcpy(dst, payload.data + at, n);
        weft_chain_commit(down, n);
        at += n;
    }
    return 0;
}

int weft__ws_put(struct weft__ws *ws, struct weft_chain *down, enum weft__ws_opcode opcode,
                 struct weft_view payload)
{
    struct weft_chain_mark mark = weft_chain_mark(down);
    const uint8_t *mask;
    int err = next_mask(ws, &mask);

    if (err < 0)
        return err;
    uint8_t *header = weft_chain_reserve(down, WEFT__WS_HEADER_MAX);
    if (!header)
        return -ENOMEM;
    weft_chain_commit(down, weft__ws_header_write(header, opcode, payload.size, mask));
    err = put_payload(down, payload, mask);
    if (err < 0)
        weft_chain_rollback(down, mark);
    return err;
}

static int say_close(struct weft__ws *ws, struct weft_chain *down)
{
    unsigned code = ws->code ? ws->code : ws->client ? WEFT__WS_NORMAL : GOING_AWAY;
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    if (ws->said_close)
        return 0;
    int err =
        weft__ws_put(ws, down, WEFT__WS_CLOSE, weft_view(bytes, code == WEFT__WS_NO_CODE ? 0 : 2));
    ws->said_close = err == 0;
    return err;
}

/* Answers the last ping, unless much output waits: then the pong waits too, and a later ping takes its place
 * (RFC 6455, section 5.5.3). So pings cost no memory, however many there are. */
static int answer_ping(struct weft__ws *ws, struct weft_chain *down)
{
    bool overwritten = ws->reader.in_frame && (ws->reader.frame.opcode == WEFT__WS_PING ||
                                               ws->reader.frame.opcode == WEFT__WS_CLOSE);

    if (!ws->pong_owed || overwritten || ws->said_close || down->bytes >= PONG_ROOM)
        return 0;
    int err = weft__ws_put(ws, down, WEFT__WS_PONG, weft_view(ws->reader.control, ws->pong_size));
    ws->pong_owed = err < 0;
    return err;
}

/* Does what an event asks for. Returns 0 or an error of weft__ws_put. */
static int act(struct weft__ws *ws, enum weft__ws_event event, const struct weft__ws_what *what,
               struct weft_chain *down)
{
    switch (event) {
    case WEFT__WS_GOT_PING:
        ws->pong_owed = true;
        ws->pong_size = (uint8_t)ws->reader.frame.size;
        return answer_ping(ws, down);
    case WEFT__WS_GOT_CLOSE: /* it is answered in finish, behind the replies that are owed */
        ws->phase = WEFT__WS_ENDED;
        ws->code = what->code;
        ws->pong_owed = false;
        return 0;
    case WEFT__WS_BROKEN:
        ws->phase = WEFT__WS_FAILED;
        ws->code = what->code;
        ws->why = what->why;
        return 0;
    case WEFT__WS_NEEDS_MORE:
    case WEFT__WS_BYTES:
        break;
    }
    return 0;
}

/* Reads frames until dst is full, all of the input is taken or the phase changes. */
static ssize_t read_frames(struct weft__ws *ws, uint8_t *dst, size_t size,
                           struct weft_filter_io *io)
{
    enum weft__ws_event event = WEFT__WS_GOT_PING;
    struct weft__ws_what what;
    size_t have = 0, n;

    while (event == WEFT__WS_GOT_PING && ws->phase == WEFT__WS_OPEN) {
        event =
            weft__ws_read(&ws->reader, &io->in, dst ? dst + have : NULL, size - have, &n, &what);
        have += n;
        int err = act(ws, event, &what, io->down);
        if (err < 0)
            return err;
    }
    return (ssize_t)have;
}

/* Returns what a call of open answers once there is no message byte to show. */
static ssize_t ended(struct weft__ws *ws, struct weft_filter_io *io)
{
    bool shaking = ws->phase == WEFT__WS_SHAKING;

    if (io->eof && shaking && ws->client) /* as if the transport had said so */
        return -ECONNRESET;
    if (io->eof && shaking && ws->head_size == 0) /* somebody only looked if anybody listens */
        return 0;
    if (io->eof && io->in.size == 0 && (shaking || ws->phase == WEFT__WS_OPEN)) {
        bool cut = shaking || weft__ws_inside(&ws->reader);
        ws->phase = cut ? WEFT__WS_FAILED : WEFT__WS_ENDED;
        ws->why = shaking ? "the peer ended inside the opening handshake"
                          : "the peer ended inside a frame";
        ws->code = cut ? WEFT__WS_PROTOCOL : 0;
    }
    if (ws->phase == WEFT__WS_SHAKING || ws->phase == WEFT__WS_OPEN)
        return -EAGAIN;
    io->in = weft_view_skip(io->in, io->in.size);
    if (ws->phase == WEFT__WS_FAILED)
        return -EPROTO;
    return ws->code != 0 || !ws->opened ? WEFT_EOVER : 0;
}

static ssize_t ws_open(void *state, uint8_t *dst, size_t size, struct weft_filter_io *io)
{
    struct weft__ws *ws = state;
    int err = ws->phase == WEFT__WS_SHAKING ? weft__ws_shake(ws, io) : 0;

    if (err < 0)
        return err;
    ws->opened |= ws->phase == WEFT__WS_OPEN;
    ssize_t n = ws->phase == WEFT__WS_OPEN ? read_frames(ws, dst, size, io) : 0;
    io->open = ws->opened;
    if (n != 0)
        return n;
    if (ws->phase == WEFT__WS_FAILED && ws->opened)
        err = say_close(ws, io->down);
    return err < 0 ? err : ended(ws, io);
}

static int ws_seal(void *state, struct weft_view plain, struct weft_filter_io *io)
{
    struct weft__ws *ws = state;

    if (ws->said_close) /* nothing may follow */
        return 0;
    int err = weft__ws_put(ws, io->down, WEFT__WS_BINARY, plain);
    return err < 0 ? err : answer_ping(ws, io->down);
}

static int ws_finish(void *state, struct weft_filter_io *io)
{
    struct weft__ws *ws = state;

    return ws->opened ? say_close(ws, io->down) : 0;
}

static void ws_identify(void *state, struct weft_peer *peer)
{
    const struct weft__ws *ws = state;

    if (ws->credentials.size > 0)
        peer->credentials = (const char *)ws->credentials.data;
}

/* The stream below may have agreed on HTTP/1.1, by TLS. That is the handshake's protocol and not the messages'. */
static const char *ws_protocol(void *state)
{
    return ((const struct weft__ws *)state)->protocol;
}

static const char *ws_trouble(const void *state)
{
    const struct weft__ws *ws = state;

    return ws->phase == WEFT__WS_FAILED ? ws->why : NULL;
}

void weft_websocket_fini(struct weft_websocket *context)
{
    while (context->pages) {
        struct weft__ws_page *next = context->pages->next;
        weft__ws_page_free(context->pages);
        context->pages = next;
    }
}

const struct weft_filter weft_filter_websocket = {
    .name = "ws",
    .options = weft__ws_options,
    .config_size = sizeof(struct weft__ws_config),
    .state_size = sizeof(struct weft__ws),
    .takes_target = true,
    .configure = ws_configure,
    .init = ws_init,
    .fini = ws_fini,
    .open = ws_open,
    .seal = ws_seal,
    .finish = ws_finish,
    .identify = ws_identify,
    .protocol = ws_protocol,
    .trouble = ws_trouble,
};
