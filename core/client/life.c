/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "client_private.h"
#include "core/base/mem.h"

static int new_state(void **state, size_t size)
{
    if (size == 0)
        return 0;
    *state = weft_calloc(1, size);
    return *state ? 0 : -ENOMEM;
}

int weft__client_start_codec(struct weft_client *client, struct weft_error *error)
{
    const struct weft_codec *codec = client->endpoint.codec;
    struct weft_codec_state *state = &client->codec;
    state->config = client->endpoint.codec_config;
    int err = new_state(&state->conn, codec->conn_size);
    if (err < 0)
        goto err_after_none;
    err = new_state(&state->loop, codec->loop_size);
    if (err < 0)
        goto err_after_conn;
    err = codec->loop_init ? codec->loop_init(state->loop, state->config) : 0;
    if (err < 0)
        goto err_after_loop;
    if (codec->init)
        codec->init(state, WEFT_CLIENT);
    return 0;

err_after_loop:
    weft_free(state->loop);
err_after_conn:
    weft_free(state->conn);
err_after_none:
    return weft_error_set(error, err, "codec '%s' cannot start: %s", codec->name,
                          weft_strerror(err));
}

void weft__client_stop_codec(struct weft_client *client)
{
    const struct weft_codec *codec = client->endpoint.codec;
    if (codec->fini)
        codec->fini(&client->codec);
    if (codec->loop_fini)
        codec->loop_fini(client->codec.loop);
    weft_free(client->codec.loop);
    weft_free(client->codec.conn);
}

/* Connects, or opens a stream of a session, which may have to connect. */
static int begin_stream(struct weft_client *client, struct weft_stream *stream,
                        struct weft_error *error)
{
    const struct weft__stack *stack = client->endpoint.stack;

    if (client->beside)
        return weft__client_session_dial(client->beside->session, stream, error);
    if (!stack->mux)
        return weft__stack_connect(stack, stream, client->loop, &client->pool,
                                   &client->endpoint.url, error);
    int err = weft__client_session_new(&client->session, stack, client->loop, &client->pool,
                                       &client->endpoint.url, error);
    if (err == 0)
        err = weft__client_session_dial(client->session, stream, error);
    if (err < 0) {
        weft__client_session_free(client->session);
        client->session = NULL;
    }
    return err;
}

int weft__client_start_stream(struct weft_client *client,
                              void (*on_ready)(struct weft_stream *, unsigned),
                              struct weft_error *error)
{
    const struct weft__stack *stack =
        client->beside ? client->beside->endpoint.stack : client->endpoint.stack;
    client->link = weft_calloc(1, sizeof *client->link + stack->stream_size);
    if (!client->link)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    client->link->client = client;
    struct weft_stream *stream = weft__client_stream(client);
    stream->on_ready = on_ready;
    int err = begin_stream(client, stream, error);
    if (err < 0) {
        weft_free(client->link);
        client->link = NULL;
        return err;
    }
    stream->ops->want(stream, WEFT_WRITABLE);
    return 0;
}

void weft__client_stop_io(struct weft_client *client)
{
    struct weft_stream *stream = weft__client_stream(client);
    client->state = WEFT__BROKEN;
    stream->ops->close(stream);
    weft_timer_stop(&client->timer);
    weft__client_wipe(client, client->out.bytes);
    weft_chain_fini(&client->out);
}

void weft__client_fail(struct weft_client *client, int status, const char *fmt, ...)
{
    if (client->state == WEFT__BROKEN)
        return;
    client->end_status = status;
    client->ended_idle = (status == -ECONNRESET || status == -EPIPE) &&
                         client->state == WEFT__OPEN && weft__calls_pending(&client->calls) == 0;
    client->trouble.code = status;
    va_list args;
    va_start(args, fmt);
    vsnprintf(client->trouble.text, sizeof client->trouble.text, fmt, args);
    va_end(args);

    bool connecting = client->state == WEFT__CONNECTING;
    weft__client_stop_io(client);
    if (connecting && client->on_connect)
        client->on_connect(client, status, &client->trouble);
    weft__calls_end(&client->calls, status);
}

void weft__client_free(struct weft_client *client)
{
    weft_deferred_cancel(&client->flush);
    weft_free(client->link);
    weft__client_session_free(client->session);
    weft__client_stop_codec(client);
    weft_endpoint_fini(&client->endpoint);
    weft_piece_pool_fini(&client->pool);
    weft_buf_fini(&client->in);
    weft__calls_fini(&client->calls);
    weft_free(client);
}
