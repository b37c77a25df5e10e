/* SPDX-License-Identifier: MIT
 *
 * The opening handshake. A head that has come whole is read where it lies. Otherwise its bytes are collected,
 * in a buffer that grows with them. */
#include <errno.h>

#include "core/base/mem.h"
#include "dial.h"
#include "head.h"
#include "state.h"
#include "upgrade.h"

enum { HEAD_FIRST = 512 }; /* capacity of the first buffer */

void weft__ws_drop_head(struct weft__ws *ws)
{
    if (ws->head)
        explicit_bzero(ws->head, ws->head_capacity);
    weft_free(ws->head);
    ws->head = NULL;
    ws->head_size = ws->head_capacity = 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Makes room for size bytes in all. realloc would leave the old bytes behind in freed memory. */
static int reserve(struct weft__ws *ws, size_t size)
{
    size_t capacity = ws->head_capacity ? ws->head_capacity : HEAD_FIRST, had = ws->head_size;

    if (size <= ws->head_capacity)
        return 0;
    while (capacity < size)
        capacity *= 2;
    uint8_t *head = weft_malloc(capacity);
    if (!head)
        return -ENOMEM;
    if (had > 0)
        memcpy(head, ws->head, had);
    weft__ws_drop_head(ws);
    ws->head = head;
    ws->head_size = had;
    ws->head_capacity = capacity;
    return 0;
}

/* Collects bytes of the head. Returns 1 once it is whole, and *size is then its size; ws->head may have more
 * bytes than that. 0: more are needed. WEFT_ETOOBIG: it is over its limit. -ENOMEM. */
static int collect(struct weft__ws *ws, struct weft_view *in, size_t *size)
{
    size_t n = smaller(in->size, WEFT__WS_HEAD_MAX - ws->head_size), searched = ws->head_size;
    int err = n > 0 ? reserve(ws, ws->head_size + n) : 0;

    if (err < 0)
        return err;
    if (n > 0)
        memcpy(ws->head + ws->head_size, in->data, n);
    ws->head_size += n;
    *size = weft__ws_head_end(weft_view(ws->head, ws->head_size), searched);
    if (*size > 0) {
        *in = weft_view_skip(*in, *size - searched); /* what is behind the head belongs to frames */
        return 1;
    }
    *in = weft_view_skip(*in, n);
    return ws->head_size == WEFT__WS_HEAD_MAX ? WEFT_ETOOBIG : 0;
}

static void fail(struct weft__ws *ws, const char *why)
{
    ws->phase = WEFT__WS_FAILED;
    ws->why = why;
}

static int refuse(struct weft__ws *ws, int status, const char *why, struct weft_chain *down)
{
    fail(ws, why);
    return weft__ws_refuse(status, why, down);
}

static int keep_credentials(struct weft__ws *ws, struct weft_view credentials)
{
    if (credentials.size == 0)
        return 0;
    ws->credentials.data = weft_malloc(credentials.size + 1);
    if (!ws->credentials.data)
        return -ENOMEM;
    memcpy(ws->credentials.data, credentials.data, credentials.size);
    ws->credentials.data[credentials.size] = '\0';
    ws->credentials.size = credentials.size;
    return 0;
}

/* Looks at the first bytes alone, so that a peer of another protocol need not wait for an end of its head. */
static bool begins_with_method(const struct weft__ws *ws)
{
    for (size_t i = 0; i < smaller(ws->head_size, 3); i++)
        if (ws->head[i] < 'A' || ws->head[i] > 'Z')
            return false;
    return true;
}

static int serve(struct weft__ws *ws, struct weft_filter_io *io)
{
    struct weft__ws_answer answer;
    size_t size;
    int got = collect(ws, &io->in, &size);

    if (got == WEFT_ETOOBIG)
        return refuse(ws, 431, "the head of the request is larger than 8 KiB", io->down);
    if (got < 0)
        return got;
    if (!begins_with_method(ws))
        return refuse(ws, 400, "not a request of HTTP", io->down);
    if (got == 0)
        return 0;
    int err = weft__ws_upgrade(ws->config, weft_view(ws->head, size), io->down, &answer);
    if (err == 0 && answer.status == 101)
        err = keep_credentials(ws, answer.credentials);
    ws->protocol = answer.protocol;
    weft__ws_drop_head(ws);
    if (err < 0)
        return err;
    if (answer.why)
        fail(ws, answer.why);
    else
        ws->phase = answer.status == 101 ? WEFT__WS_OPEN : WEFT__WS_ENDED;
    return 0;
}

static int ask(struct weft__ws *ws, struct weft_chain *down)
{
    struct weft__ws_client *client = ws->client;
    int err = client->asked ? 0 : weft__ws_key_new(client->key);

    if (err == 0 && !client->asked)
        err = weft__ws_dial(ws->config, client->key, down);
    client->asked = client->asked || err == 0;
    return err;
}

static int dial(struct weft__ws *ws, struct weft_filter_io *io)
{
    size_t size;
    int err = ask(ws, io->down);

    if (err < 0 || io->in.size == 0)
        return err;
    int got = collect(ws, &io->in, &size);
    if (got == WEFT_ETOOBIG) {
        fail(ws, "the server's answer is larger than 8 KiB");
        return 0;
    }
    if (got <= 0)
        return got;
    bool good = weft__ws_check_response(ws->config, ws->client->key, weft_view(ws->head, size),
                                        io->in, ws->client->trouble);
    weft__ws_drop_head(ws);
    if (good)
        ws->phase = WEFT__WS_OPEN;
    else
        fail(ws, ws->client->trouble);
    return 0;
}

int weft__ws_shake(struct weft__ws *ws, struct weft_filter_io *io)
{
    return ws->role == WEFT_SERVER ? serve(ws, io) : dial(ws, io);
}
