/* SPDX-License-Identifier: MIT
 *
 * yamux: the input as what a peer sends over a connection, once whole and once in pieces of any size. Both must end the
 * session with the same words or not at all, and bring every stream that was not reset the same bytes. The first byte
 * says which side the session is, the second seeds the pieces. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/chain.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "transports/transports.h"

enum { STREAMS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct weft_transport *const mux = &weft_transport_yamux;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    must(p != NULL, "no memory");
    return p;
}

struct owner {
    struct weft_stream *stream;
    char peer[64];
    struct weft_buf got;
    ssize_t result;
};

struct visit {
    struct weft_loop *loop;
    struct weft_listener *session;
    struct weft_stream *below;
    struct weft_piece_pool pool;
    void *config;
    struct owner owners[STREAMS];
    size_t count;
    int over;
    const char *why;
};

static struct visit *current;

static void on_ready(struct weft_stream *stream, unsigned events)
{
    struct owner *owner = current->owners;

    (void)events;
    while (owner->stream != stream)
        owner++;
    do {
        uint8_t *dst = weft_buf_reserve(&owner->got, 300);
        must(dst != NULL, "no memory");
        owner->result = stream->ops->read(stream, dst, 300);
        if (owner->result > 0)
            weft_buf_commit(&owner->got, (size_t)owner->result);
    } while (owner->result > 0);
    stream->ops->want(stream, owner->result == -EAGAIN ? WEFT_READABLE : 0);
}

static void add_stream(struct visit *visit, struct weft_stream *stream, const char *peer)
{
    struct owner *owner = &visit->owners[visit->count++];

    stream->on_ready = on_ready;
    owner->stream = stream;
    owner->result = -EAGAIN;
    snprintf(owner->peer, sizeof owner->peer, "%s", peer);
}

static void on_session(struct weft_listener *session)
{
    struct visit *visit = session->owner;
    struct weft_accepted accepted;
    int err;

    while ((err = mux->accept(session, &accepted, false)) == 0) {
        struct weft_stream *stream = zeroed(mux->stream_size);
        must(visit->count < STREAMS, "more streams than there may be");
        add_stream(visit, stream, accepted.peer);
        must(mux->attach(stream, visit->loop, &accepted) == 0, "attach");
        stream->ops->want(stream, WEFT_READABLE);
    }
    if (err == -EAGAIN)
        return;
    visit->over = err;
    visit->why = mux->trouble(session);
}

static void begin(struct visit *visit, bool is_server)
{
    /* Nothing here depends on when a stream is accepted. */
    static const char options[] = "?streams=32&backlog=64&idle-frames=20&session-keepalive=0";
    struct weft_session_setup setup = {.pool = &visit->pool, .peer = "x", .is_server = is_server};
    struct weft_error error;
    struct weft_url url;
    char text[128];

    visit->config = zeroed(mux->config_size);
    visit->session = zeroed(mux->listener_size);
    visit->below = zeroed(script_transport.stream_size);
    visit->session->on_ready = on_session;
    visit->session->owner = visit;
    weft_piece_pool_init(&visit->pool, 4);
    snprintf(text, sizeof text, "script:peer%s", options);
    must(weft_url_parse(&url, text, &error) == 0 &&
             mux->configure(visit->config, &url, &error) == 0,
         "configure");
    must(weft_url_parse(&url, "script:peer", &error) == 0 &&
             script_transport.connect(visit->below, visit->loop, &url, &error) == 0,
         "connect");
    setup.config = visit->config;
    mux->begin(visit->session, visit->loop, visit->below, &setup);
    mux->enable(visit->session, true);
    for (int i = 0; i < 2 && !is_server; i++) {
        struct weft_stream *stream = zeroed(mux->stream_size);
        add_stream(visit, stream, i == 0 ? "first" : "second");
        must(mux->dial(visit->session, stream) == 0, "dial");
        stream->ops->want(stream, WEFT_READABLE);
    }
}

static void run(struct visit *visit, bool is_server, const struct script_rules *rules,
                unsigned seed, struct weft_view input)
{
    memset(visit, 0, sizeof *visit);
    current = visit;
    script_begin(seed);
    script_serve("peer");
    script_set_default_rules(rules);
    must(weft_loop_new(&visit->loop, 8) == 0, "no loop");
    begin(visit, is_server);
    struct script_end *peer = script_take("peer");
    must(virtual_loop_run_until_idle(visit->loop), "the loop does not come to rest");
    script_send(peer, input.data, input.size);
    must(virtual_loop_run_until_idle(visit->loop), "the loop does not come to rest");
    for (size_t i = 0; i < visit->count; i++)
        visit->owners[i].stream->ops->close(visit->owners[i].stream);
    mux->unlisten(visit->session);
    script_close(peer);
    weft_loop_free(visit->loop);
    weft_piece_pool_fini(&visit->pool);
    must(script_finish() == 0, "something was left");
}

static void finish(struct visit *visit)
{
    for (size_t i = 0; i < visit->count; i++) {
        weft_buf_fini(&visit->owners[i].got);
        free(visit->owners[i].stream);
    }
    free(visit->session);
    free(visit->below);
    free(visit->config);
}

static bool is_whole(const struct owner *owner)
{
    return owner->result == 0 || owner->result == -EAGAIN;
}

static void compare(const struct visit *a, const struct visit *b)
{
    must((a->over == 0) == (b->over == 0) || a->why == b->why, "one ends and the other does not");
    if (a->over != 0 || b->over != 0)
        return; /* what streams had read by then depends on the pieces */
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            const struct owner *one = &a->owners[i], *other = &b->owners[k];
            if (strcmp(one->peer, other->peer) != 0 || !is_whole(one) || !is_whole(other) || i != k)
                continue;
            must(one->result == other->result &&
                     weft_view_equal(weft_buf_view(&one->got), weft_buf_view(&other->got)),
                 "a stream has the same bytes and the same end");
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct visit whole, pieces;
    const struct script_rules none = {.read_chunk = 0};

    if (size < 2)
        return 0;
    const struct script_rules cut = {.read_chunk = 1 + data[1] % 40u, .random_chunks = true};
    bool is_server = data[0] & 1;
    run(&whole, is_server, &none, 1, weft_view(data + 2, size - 2));
    run(&pieces, is_server, &cut, data[1], weft_view(data + 2, size - 2));
    compare(&whole, &pieces);
    finish(&whole);
    finish(&pieces);
    return 0;
}
