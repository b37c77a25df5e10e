/* SPDX-License-Identifier: MIT */
#include "core/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "client_private.h"
#include "core/base/mem.h"
#include "core/base/units.h"

enum { FIRST_SLOTS = 16, POOLED_SEGMENTS = 64 };

static int new_state(void **state, size_t size)
{
    if (size == 0)
        return 0;
    *state = weft_calloc(1, size);
    return *state ? 0 : -ENOMEM;
}

static int start_codec(struct weft_client *client)
{
    const struct weft_codec *codec = client->endpoint.codec;
    struct weft_codec_state *state = &client->codec;
    state->config = client->endpoint.codec_config;
    int err = new_state(&state->conn, codec->conn_size);
    if (err < 0)
        return err;
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
    return err;
}

static void stop_codec(struct weft_client *client)
{
    const struct weft_codec *codec = client->endpoint.codec;
    if (codec->fini)
        codec->fini(&client->codec);
    if (codec->loop_fini)
        codec->loop_fini(client->codec.loop);
    weft_free(client->codec.loop);
    weft_free(client->codec.conn);
}

static int start_stream(struct weft_client *client, struct weft_error *error)
{
    const struct weft_transport *transport = client->endpoint.transport;
    client->link = weft_calloc(1, sizeof *client->link + transport->stream_size);
    if (!client->link)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    client->link->client = client;
    struct weft_stream *stream = weft__client_stream(client);
    stream->on_ready = weft__client_on_ready;
    int err = transport->connect(stream, client->loop, &client->endpoint.url, error);
    if (err < 0) {
        weft_free(client->link);
        return err;
    }
    stream->ops->want(stream, WEFT_WRITABLE);
    return 0;
}

static void init(struct weft_client *client, const struct weft_client_options *options)
{
    client->loop = options->loop;
    client->limits = options->limits;
    client->on_connect = options->on_connect;
    client->data = options->data;
    client->wake = WEFT__NEVER;
    client->connect_deadline = WEFT__NEVER;
    client->connect_timeout = options->connect_timeout;
    client->timer.fire = weft__client_on_timer;
    client->flush.run = weft__client_on_flush;
    snprintf(client->address, sizeof client->address, "%.*s", (int)strcspn(options->url, "?"),
             options->url);
    weft_piece_pool_init(&client->pool, POOLED_SEGMENTS);
    weft_chain_init(&client->out, &client->pool);
}

int weft_client_new(struct weft_client **result, const struct weft_client_options *options,
                    struct weft_error *error)
{
    *result = NULL;
    options->registry->frozen = true;
    struct weft_client *client = weft_calloc(1, sizeof *client);
    if (!client)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    init(client, options);

    const struct weft_endpoint_defaults defaults = {
        .codec = options->codec, .codec_is_explicit = options->codec_is_explicit};
    int err = weft_endpoint_init(&client->endpoint, options->url, options->registry, &defaults,
                                 &client->limits, error);
    if (err < 0)
        goto err_after_alloc;
    err = start_codec(client);
    if (err < 0) {
        weft_error_set(error, err, "codec '%s' cannot start: %s", client->endpoint.codec->name,
                       weft_strerror(err));
        goto err_after_endpoint;
    }
    err = start_stream(client, error);
    if (err < 0)
        goto err_after_codec;

    /* Resolving a name may have blocked for longer than the timeouts are. */
    int64_t now = weft_loop_refresh(client->loop);
    if (options->connect_timeout > 0 && options->connect_timeout < WEFT__NEVER - now) {
        client->connect_deadline = now + options->connect_timeout;
        weft__client_wake_at(client, client->connect_deadline);
    }
    *result = client;
    return 0;

err_after_codec:
    stop_codec(client);
err_after_endpoint:
    weft_endpoint_fini(&client->endpoint);
err_after_alloc:
    weft_free(client);
    return err;
}

void weft__client_free(struct weft_client *client)
{
    weft_free(client->link);
    stop_codec(client);
    weft_endpoint_fini(&client->endpoint);
    weft_piece_pool_fini(&client->pool);
    weft_buf_fini(&client->in);
    weft_free(client->slots);
    weft_free(client);
}

/* The connection is over; the memory and what a callback may be looking at stay. */
static void stop_io(struct weft_client *client)
{
    struct weft_stream *stream = weft__client_stream(client);
    client->state = WEFT__BROKEN;
    stream->ops->close(stream);
    weft_timer_stop(&client->timer);
    weft_deferred_cancel(&client->flush);
    weft_chain_fini(&client->out);
}

/* A callback may close the client: then the calls left are completed within, as cancelled. */
static void complete_all(struct weft_client *client, int status)
{
    while (client->head != client->tail) {
        struct weft_call *call = weft__client_slot(client, client->head++)->call;
        if (call)
            call->done(call, status, weft_view(NULL, 0), true);
    }
}

void weft__client_fail(struct weft_client *client, int status, const char *fmt, ...)
{
    if (client->state == WEFT__BROKEN)
        return;
    client->trouble.code = status;
    va_list args;
    va_start(args, fmt);
    vsnprintf(client->trouble.text, sizeof client->trouble.text, fmt, args);
    va_end(args);

    bool connecting = client->state == WEFT__CONNECTING;
    stop_io(client);
    if (connecting && client->on_connect)
        client->on_connect(client, status, &client->trouble);
    complete_all(client, status);
}

void weft_client_close(struct weft_client *client)
{
    if (!client || client->closed)
        return;
    client->closed = true;
    if (client->state != WEFT__BROKEN) {
        weft_error_set(&client->trouble, -ECANCELED, "the client was closed");
        stop_io(client);
    }
    complete_all(client, -ECANCELED);
    if (!client->in_pump)
        weft__client_free(client);
}

static int reserve_slot(struct weft_client *client)
{
    if (client->tail - client->head < client->slot_capacity)
        return 0;
    size_t capacity = client->slot_capacity > 0 ? 2 * client->slot_capacity : FIRST_SLOTS;
    struct weft__client_slot *slots = weft_calloc(capacity, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (uint64_t i = client->head; i != client->tail; i++)
        slots[i & (capacity - 1)] = *weft__client_slot(client, i);
    weft_free(client->slots);
    client->slots = slots;
    client->slot_capacity = capacity;
    return 0;
}

static int refuse_to_encode(const struct weft_encode_io *io, int status, struct weft_error *error)
{
    char limit[WEFT_UNITS_TEXT];
    if (status != WEFT_ETOOBIG)
        return weft_error_set(error, status, "%s", weft_strerror(status));
    return weft_error_set(error, status,
                          "the request has %" PRIu64 " bytes, more than the %s of %s", io->size,
                          weft_format_size(io->limit, limit), io->why);
}

int weft_client_call(struct weft_client *client, struct weft_call *call,
                     const struct weft_body *body, struct weft_error *error)
{
    if (client->state == WEFT__BROKEN)
        return weft_error_set(error, -ENOTCONN, "not connected: %s", client->trouble.text);
    if (weft_client_pending(client) >= client->limits.max_pending)
        return weft_error_set(error, -EAGAIN, "max-pending %" PRIu64 " calls wait for replies",
                              client->limits.max_pending);
    if (client->out.bytes >= client->limits.output_high)
        return weft_error_set(error, -EAGAIN, "output-high %" PRIu64 " bytes wait to be sent",
                              client->limits.output_high);
    int err = reserve_slot(client);
    if (err < 0)
        return weft_error_set(error, err, "%s", weft_strerror(err));

    size_t waiting = client->out.bytes;
    struct weft_encode_io io = {.out = &client->out};
    err = client->endpoint.codec->encode(&client->codec, body, &io);
    if (err < 0)
        return refuse_to_encode(&io, err, error);

    struct weft__client_slot *slot = weft__client_slot(client, client->tail++);
    *slot = (struct weft__client_slot){
        .call = call,
        .begin = client->taken + waiting,
        .deadline = WEFT__NEVER,
        .replies_due = call->replies > 0 ? call->replies : 1,
    };
    call->sent = false;
    int64_t now = weft_loop_now(client->loop);
    if (call->timeout > 0 && call->timeout < WEFT__NEVER - now) {
        slot->deadline = now + call->timeout;
        weft__client_wake_at(client, slot->deadline);
    }
    /* All calls of a turn leave together. Output that was waiting already has a flush under way,
     * and the pump flushes when its callbacks have returned. */
    if (waiting == 0 && client->state == WEFT__OPEN && !client->in_pump)
        weft_loop_defer(client->loop, &client->flush);
    return 0;
}

void *weft_client_data(const struct weft_client *client)
{
    return client->data;
}

size_t weft_client_pending(const struct weft_client *client)
{
    return (size_t)(client->tail - client->head);
}

size_t weft_client_unsent(const struct weft_client *client)
{
    return client->out.bytes;
}

void weft_client_count(const struct weft_client *client, struct weft_client_counts *counts)
{
    *counts = (struct weft_client_counts){.bytes_in = client->given, .bytes_out = client->taken};
}

const char *weft_client_trouble(const struct weft_client *client)
{
    return client->trouble.text;
}
