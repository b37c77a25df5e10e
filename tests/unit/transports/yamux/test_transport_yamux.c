/* SPDX-License-Identifier: MIT
 *
 * The promises of core/transport.h, kept by the streams of yamux sessions over the scripted transport: each connect
 * makes a session with one stream. Sessions that have lost their stream leave by themselves, as in a server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/chain.h"
#include "lib/script_transport.h"
#include "suites/transport_suite.h"
#include "transports/transports.h"

static const struct weft_transport *const mux = &weft_transport_yamux;
static const struct weft_transport *const carrier = &script_transport;

/* One side of a session. */
struct side_session {
    struct weft_listener *listener;
    struct weft_stream *below;
    struct side_session *next;
    struct weft_stream *stream; /* a client's; NULL: a server's */
};

static struct side_session *sessions;
static struct weft_listener *carrier_listener, *suite_listener;
static struct weft_loop *suite_loop;
static bool reports;
static struct weft_piece_pool pool;
static char config[256];
static struct weft_stream_ops ops;
static void (*close_of_yamux)(struct weft_stream *stream);

static void end_session(struct side_session *session)
{
    struct side_session **link = &sessions;

    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    mux->unlisten(session->listener);
    free(session->listener);
    free(session->below);
    free(session);
}

static void on_session_ready(struct weft_listener *listener)
{
    struct side_session *session = listener->owner;
    struct weft_accepted accepted;

    if (session->stream || listener->streams == 0) {
        int err = mux->accept(listener, &accepted, false);
        if (err < 0 && err != -EAGAIN)
            end_session(session);
    } else if (reports) {
        suite_listener->on_ready(suite_listener);
    }
}

static struct side_session *new_session(struct weft_stream *stream)
{
    struct side_session *session = calloc(1, sizeof *session);

    session->listener = calloc(1, mux->listener_size);
    session->below = calloc(1, carrier->stream_size);
    session->stream = stream;
    session->listener->on_ready = on_session_ready;
    session->listener->owner = session;
    session->next = sessions;
    sessions = session;
    return session;
}

static void begin(struct side_session *session, bool is_server)
{
    const struct weft_session_setup setup = {
        .config = config, .pool = &pool, .peer = "peer", .is_server = is_server};

    mux->begin(session->listener, suite_loop, session->below, &setup);
}

/* A stream of the suite is gone: its session takes no more. */
static void close_stream(struct weft_stream *stream)
{
    struct side_session *next;

    close_of_yamux(stream);
    for (struct side_session *session = sessions; session; session = next) {
        next = session->next;
        if (session->listener->streams == 0 && carrier_listener)
            mux->enable(session->listener, false);
        else if (session->listener->streams == 0)
            end_session(session);
    }
}

static void on_carrier_ready(struct weft_listener *listener)
{
    struct weft_accepted accepted;

    while (carrier->accept(listener, &accepted, false) == 0) {
        struct side_session *session = new_session(NULL);
        if (carrier->attach(session->below, suite_loop, &accepted) < 0)
            abort();
        begin(session, true);
        mux->enable(session->listener, true);
    }
}

static int listen_on(struct weft_listener *listener, struct weft_loop *loop,
                     const struct weft_url *url, struct weft_error *error)
{
    struct weft_listener *inner = calloc(1, carrier->listener_size);

    inner->on_ready = on_carrier_ready;
    int err = carrier->listen(inner, loop, url, error);
    if (err < 0) {
        free(inner);
        return err;
    }
    memcpy(listener->name, inner->name, sizeof listener->name);
    carrier->enable(inner, true);
    carrier_listener = inner;
    suite_listener = listener;
    suite_loop = loop;
    reports = false;
    return 0;
}

static void enable(struct weft_listener *listener, bool on)
{
    (void)listener;
    reports = on;
}

static int accept_stream(struct weft_listener *listener, struct weft_accepted *accepted, bool shed)
{
    (void)listener;
    for (struct side_session *session = sessions; session; session = session->next)
        if (!session->stream && mux->accept(session->listener, accepted, shed) == 0)
            return 0;
    return -EAGAIN;
}

static void unlisten(struct weft_listener *listener)
{
    if (listener != suite_listener || !carrier_listener)
        return;
    carrier->unlisten(carrier_listener);
    free(carrier_listener);
    carrier_listener = NULL;
    for (struct side_session *session = sessions, *next; session; session = next) {
        next = session->next;
        if (!session->stream || session->listener->streams == 0)
            end_session(session);
    }
}

static int attach(struct weft_stream *stream, struct weft_loop *loop,
                  const struct weft_accepted *accepted)
{
    int err = mux->attach(stream, loop, accepted);

    ops = *stream->ops;
    ops.close = close_stream;
    close_of_yamux = stream->ops->close;
    stream->ops = &ops;
    return err;
}

static int connect_to(struct weft_stream *stream, struct weft_loop *loop,
                      const struct weft_url *url, struct weft_error *error)
{
    struct side_session *session = new_session(stream);
    int err = carrier->connect(session->below, loop, url, error);

    suite_loop = loop;
    if (err < 0) {
        sessions = session->next;
        free(session->listener);
        free(session->below);
        free(session);
        return err;
    }
    begin(session, false);
    err = mux->dial(session->listener, stream);
    ops = *stream->ops;
    close_of_yamux = ops.close;
    ops.close = close_stream;
    stream->ops = &ops;
    return err;
}

int main(void)
{
    static struct weft_transport transport;
    struct weft_error error;
    struct weft_url url;
    int failed;

    transport = *mux;
    transport.listen = listen_on;
    transport.enable = enable;
    transport.accept = accept_stream;
    transport.unlisten = unlisten;
    transport.attach = attach;
    transport.connect = connect_to;
    if (mux->config_size > sizeof config || weft_url_parse(&url, "yamux://h:1", &error) < 0 ||
        mux->configure(config, &url, &error) < 0)
        return 1;
    script_begin(1);
    failed = transport_suite_run("yamux", &transport, "script:suite");
    weft_piece_pool_fini(&pool);
    return script_finish() == 0 ? failed : 1;
}
