/* SPDX-License-Identifier: MIT */
#include "client_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "codecs/codecs.h"
#include "core/base/mem.h"

char client_url_raw[] = "script:peer?codec=raw";
char client_url_gzip[] = "script:peer?codec=length-delimited-gzip&threshold=0";

static void note(struct client_fixture *f, const char *fmt, ...) WEFT_PRINTF(2, 3);

static void note(struct client_fixture *f, const char *fmt, ...)
{
    size_t used = strlen(f->log);
    if (used > 0 && used + 1 < sizeof f->log)
        f->log[used++] = ' ';
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->log + used, sizeof f->log - used, fmt, args);
    va_end(args);
}

static void on_connect(struct weft_client *client, int status, const struct weft_error *error)
{
    struct client_fixture *f = weft_client_data(client);
    if (status == 0) {
        note(f, "connected");
        assert_null(error);
    } else {
        note(f, "refused!%s", weft_errname(status));
        assert_int_equal(error->code, status);
        assert_string_equal(error->text, weft_client_trouble(client));
    }
    if (f->on_connected)
        f->on_connected(f);
}

static void on_room(struct weft_client *client)
{
    struct client_fixture *f = weft_client_data(client);
    note(f, "room");
    if (f->on_room)
        f->on_room(f);
}

/* The peer has a codec of its own, configured as the client's is. */
static int start_peer(struct client_fixture *f)
{
    const struct weft_endpoint_defaults defaults = {.codec = "raw"};
    int err = weft_endpoint_init(&f->peer_endpoint, f->url, &f->registry, &defaults,
                                 &f->options.limits, &f->error);
    const struct weft_codec *codec = f->peer_endpoint.codec;
    if (err < 0)
        return err;
    f->peer_codec.config = f->peer_endpoint.codec_config;
    f->peer_codec.loop = calloc(1, codec->loop_size + 1);
    f->peer_codec.conn = calloc(1, codec->conn_size + 1);
    err = codec->loop_init ? codec->loop_init(f->peer_codec.loop, f->peer_codec.config) : 0;
    if (codec->init)
        codec->init(&f->peer_codec, WEFT_SERVER);
    return err;
}

static void stop_peer(struct client_fixture *f)
{
    const struct weft_codec *codec = f->peer_endpoint.codec;
    if (codec->fini)
        codec->fini(&f->peer_codec);
    if (codec->loop_fini)
        codec->loop_fini(f->peer_codec.loop);
    free(f->peer_codec.loop);
    free(f->peer_codec.conn);
    weft_endpoint_fini(&f->peer_endpoint);
}

int client_fixture_setup(void **state)
{
    struct client_fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    f->url = *state;
    *state = f;
    f->options = (struct weft_client_options){
        .registry = &f->registry,
        .url = f->url,
        .codec = "raw",
        .limits = weft_limits_default(),
        .on_connect = on_connect,
        .on_room = on_room,
        .data = f,
    };
    script_begin(1);
    script_serve("peer");
    if (weft_registry_add_codec(&f->registry, &weft_codec_raw) < 0 ||
        weft_registry_add_codec(&f->registry, &weft_codec_length_delimited_gzip) < 0 ||
        weft_registry_add_transport(&f->registry, &script_transport) < 0 ||
        weft_loop_new(&f->loop, 64) < 0)
        return -1;
    f->options.loop = f->loop;
    return start_peer(f);
}

int client_fixture_teardown(void **state)
{
    struct client_fixture *f = *state;
    weft_client_close(f->client);
    bool no_timer = virtual_loop_next_timer(f->loop) == INT64_MAX;
    weft_loop_free(f->loop);
    stop_peer(f);
    if (f->peer)
        script_close(f->peer);
    size_t left_open = script_finish();
    free(f);
    return no_timer && left_open == 0 ? 0 : -1;
}

int client_fixture_new(struct client_fixture *f)
{
    int err = weft_client_new(&f->client, &f->options, &f->error);
    if (err == 0)
        f->peer = script_take("peer");
    return err;
}

void client_fixture_connect(struct client_fixture *f)
{
    assert_int_equal(client_fixture_new(f), 0);
    client_fixture_turns(f);
    assert_log(f, "connected");
}

void client_fixture_turns(struct client_fixture *f)
{
    assert_true(virtual_loop_run_until_idle(f->loop));
}

void client_fixture_advance(struct client_fixture *f, int64_t ns)
{
    assert_true(virtual_loop_advance(f->loop, ns));
}

static void done(struct weft_call *weft_call, int status, struct weft_view payload, bool last)
{
    struct test_call *call = (struct test_call *)weft_call;
    if (status < 0)
        note(call->fixture, "%s!%s", call->name, weft_errname(status));
    else if (payload.size < 32)
        note(call->fixture, "%s%c%.*s", call->name, last ? '=' : '+', (int)payload.size,
             (const char *)payload.data);
    else
        note(call->fixture, "%s%c%zu", call->name, last ? '=' : '+', payload.size);
    assert_false(call->ended);
    call->size = payload.size;
    call->ended = last;
    if (last && call->then)
        call->then(call);
}

struct test_call *test_call(struct client_fixture *f, const char *name)
{
    assert_true(f->call_count < TEST_CALLS);
    struct test_call *call = &f->calls[f->call_count++];
    *call = (struct test_call){.call.done = done, .fixture = f, .name = name};
    return call;
}

int test_call_send(struct test_call *call, const char *text)
{
    const struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    struct client_fixture *f = call->fixture;
    return weft_client_call(f->client, &call->call, &body.body, &f->error);
}

struct test_call *ask(struct client_fixture *f, const char *name, const char *text)
{
    struct test_call *call = test_call(f, name);
    assert_int_equal(test_call_send(call, text), 0);
    return call;
}

void connect_and_ask(struct client_fixture *f)
{
    client_fixture_connect(f);
    ask(f, "a", "1");
    ask(f, "b", "2");
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "1 2");
}

void ask_early(struct client_fixture *f)
{
    assert_int_equal(client_fixture_new(f), 0);
    ask(f, "a", "1");
    ask(f, "b", "2");
}

static void write_letters(const struct weft_body *body, uint8_t *dst)
{
    memset(dst, 'x', body->size);
}

int test_call_send_size(struct test_call *call, size_t size)
{
    const struct weft_body body = {.size = size, .write = write_letters};
    struct client_fixture *f = call->fixture;
    return weft_client_call(f->client, &call->call, &body, &f->error);
}

size_t peer_frame(struct client_fixture *f, struct weft_view payload, uint8_t *dst)
{
    struct weft_chain chain;
    struct weft_encode_io io = {.out = &chain, .last = true};
    const struct weft_body_bytes body = weft_body_from_view(payload);
    weft_chain_init(&chain, NULL);
    assert_int_equal(f->peer_endpoint.codec->encode(&f->peer_codec, &body.body, &io), 0);
    size_t size = 0;
    while (chain.bytes > 0) {
        struct iovec vec;
        assert_int_equal(weft_chain_peek(&chain, &vec, 1), 1);
        memcpy(dst + size, vec.iov_base, vec.iov_len);
        size += vec.iov_len;
        weft_chain_consume(&chain, vec.iov_len);
    }
    weft_chain_fini(&chain);
    return size;
}

void peer_queue(struct client_fixture *f, const char *text)
{
    uint8_t frame[1024];
    script_send(f->peer, frame, peer_frame(f, weft_view_str(text), frame));
}

void peer_reply(struct client_fixture *f, const char *text)
{
    peer_queue(f, text);
    client_fixture_turns(f);
}

const char *peer_heard(struct client_fixture *f)
{
    size_t used = 0;
    f->heard[0] = '\0';
    for (;;) {
        struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
        struct weft_decode_io io = {.eof = false};
        size_t size;
        const uint8_t *data = script_received(f->peer, &size);
        ssize_t n =
            f->peer_endpoint.codec->decode(&f->peer_codec, weft_view(data, size), &msg, &io);
        assert_true(n >= 0);
        if (msg.kind == WEFT_MESSAGE_DATA && msg.payload.size < 32)
            used += (size_t)snprintf(f->heard + used, sizeof f->heard - used, "%s%.*s",
                                     used > 0 ? " " : "", (int)msg.payload.size,
                                     (const char *)msg.payload.data);
        else if (msg.kind == WEFT_MESSAGE_DATA)
            used += (size_t)snprintf(f->heard + used, sizeof f->heard - used, "%s%zu",
                                     used > 0 ? " " : "", msg.payload.size);
        script_consume(f->peer, (size_t)n);
        if (n == 0 && msg.kind == WEFT_MESSAGE_NONE)
            return f->heard;
    }
}
