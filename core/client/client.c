/* SPDX-License-Identifier: MIT */
#include "core/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "client_private.h"
#include "core/base/mem.h"
#include "core/base/units.h"

enum { POOLED_PIECES = 64 };

static void init(struct weft_client *client, const struct weft_client_options *options)
{
    client->loop = options->loop;
    client->limits = options->limits;
    client->on_connect = options->on_connect;
    client->on_room = options->on_room;
    client->on_push = options->on_push;
    client->data = options->data;
    client->beside = options->beside;
    client->wake = WEFT__NEVER;
    client->connect_deadline = WEFT__NEVER;
    client->connect_timeout = options->connect_timeout;
    client->room_deadline = WEFT__NEVER;
    client->room_timeout = options->room_timeout;
    client->timer.fire = weft__client_on_timer;
    client->flush.run = weft__client_on_flush;
    snprintf(client->address, sizeof client->address, "%.*s", (int)strcspn(options->url, "?"),
             options->url);
    weft_piece_pool_init(&client->pool, POOLED_PIECES);
    weft_chain_init(&client->out, &client->pool);
}

int weft_client_new(struct weft_client **result, const struct weft_client_options *options,
                    struct weft_error *error)
{
    *result = NULL;
    if (options->beside && !options->beside->session)
        return weft_error_set(error, WEFT_ECONFIG,
                              "'%s' is to be beside a client that has no session of its own",
                              options->url);
    weft__registry_freeze(options->registry);
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
    err = weft__client_start_codec(client, error);
    if (err < 0)
        goto err_after_endpoint;
    err = weft__client_start_stream(client, weft__client_on_ready, error);
    if (err < 0)
        goto err_after_codec;

    /* Resolving a name may have taken longer than the timeouts, so the clock is read again. */
    int64_t now = weft_loop_refresh(client->loop);
    if (options->connect_timeout > 0 && options->connect_timeout < WEFT__NEVER - now) {
        client->connect_deadline = now + options->connect_timeout;
        weft__client_wake_at(client, client->connect_deadline);
    }
    *result = client;
    return 0;

err_after_codec:
    weft__client_stop_codec(client);
err_after_endpoint:
    weft_endpoint_fini(&client->endpoint);
err_after_alloc:
    weft_piece_pool_fini(&client->pool); /* a session that failed may have used it */
    weft_free(client);
    return err;
}

void weft_client_close(struct weft_client *client)
{
    if (!client || client->closed)
        return;
    client->closed = true;
    if (client->state != WEFT__BROKEN) {
        weft_error_set(&client->trouble, -ECANCELED, "the client was closed");
        if (client->state == WEFT__OPEN && client->endpoint.stack->count > 0)
            (void)weft__client_stream(client)->ops->shutdown(weft__client_stream(client));
        weft__client_stop_io(client);
    }
    weft__calls_end(&client->calls, -ECANCELED);
    if (!client->in_pump)
        weft__client_free(client);
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

static int refuse_for_now(const struct weft_client *client, struct weft_error *error)
{
    const struct weft_limits *limits = &client->limits;
    if (weft_client_pending(client) >= limits->max_pending)
        return weft_error_set(error, -EAGAIN, "max-pending %" PRIu64 " calls wait for replies",
                              limits->max_pending);
    return weft_error_set(error, -EAGAIN, "output-high %" PRIu64 " bytes wait to be sent",
                          limits->output_high);
}

int weft_client_call(struct weft_client *client, struct weft_call *call,
                     const struct weft_body *body, struct weft_error *error)
{
    if (client->state == WEFT__BROKEN)
        return weft_error_set(error, -ENOTCONN, "not connected: %s", client->trouble.text);
    if (!weft__client_has_room(client)) {
        weft__client_owe_room(client);
        return refuse_for_now(client, error);
    }
    int err = weft__calls_reserve(&client->calls);
    if (err < 0)
        return weft_error_set(error, err, "%s", weft_strerror(err));

    size_t waiting = client->out.bytes;
    struct weft_encode_io io = {.out = &client->out, .last = true};
    err = client->endpoint.codec->encode(&client->codec, body, &io);
    if (err < 0)
        return refuse_to_encode(&io, err, error);

    int64_t now = weft_loop_now(client->loop), deadline = WEFT__NEVER;
    if (call->timeout > 0 && call->timeout < WEFT__NEVER - now) {
        deadline = now + call->timeout;
        weft__client_wake_at(client, deadline);
    }
    if (call->is_secret)
        client->secret_end = client->taken + client->out.bytes;
    weft__calls_add(&client->calls, call, client->taken + waiting, deadline);
    /* All calls of a turn leave together. If output was waiting already, its flush is under way; and
     * the pump flushes when its callbacks have returned. */
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
    return weft__calls_pending(&client->calls);
}

size_t weft_client_unsent(const struct weft_client *client)
{
    return client->out.bytes;
}

void weft_client_count(const struct weft_client *client, struct weft_client_counts *counts)
{
    *counts = (struct weft_client_counts){.bytes_in = client->given, .bytes_out = client->taken};
}

const char *weft_client_speaks(const struct weft_client *client)
{
    return client->endpoint.codec->speaks;
}

const char *weft_client_trouble(const struct weft_client *client)
{
    return client->trouble.text;
}

int weft_client_status(const struct weft_client *client)
{
    return client->state == WEFT__BROKEN ? client->end_status : 0;
}

bool weft_client_ended_idle(const struct weft_client *client)
{
    return client->ended_idle;
}

void weft_client_look(struct weft_client *client)
{
    if (client->state == WEFT__OPEN && !client->in_pump && weft_client_pending(client) == 0)
        weft__client_look(client);
}
