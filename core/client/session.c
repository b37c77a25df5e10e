/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>

#include "core/base/mem.h"

/* One allocation holds this, the multiplexer's listener and the stream below it. */
struct weft__client_session {
    const struct weft__stack *stack;
    struct weft_listener *listener;
};

#define ALIGNMENT _Alignof(max_align_t)

static size_t align(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The session is never enabled, so the server can open no stream, and this is only called at the end, of which the
 * streams tell as well. */
static void on_ready(struct weft_listener *listener)
{
    (void)listener;
}

int weft__client_session_new(struct weft__client_session **result, const struct weft__stack *stack,
                             struct weft_loop *loop, struct weft_piece_pool *pool,
                             const struct weft_url *url, struct weft_error *error)
{
    size_t listener = align(sizeof(struct weft__client_session));
    size_t below = listener + align(stack->mux->listener_size);
    char *base = weft_calloc(1, below + stack->below_size);
    struct weft__client_session *session = (struct weft__client_session *)(void *)base;
    struct weft_session_setup setup = {
        .config = stack->mux_config, .pool = pool, .peer = "server", .is_server = false};

    *result = NULL;
    if (!session)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    session->stack = stack;
    session->listener = (struct weft_listener *)(void *)(base + listener);
    session->listener->on_ready = on_ready;
    struct weft_stream *stream = (struct weft_stream *)(void *)(base + below);
    int err = weft__stack_connect(stack, stream, loop, pool, url, error);
    if (err < 0) {
        weft_free(session);
        return err;
    }
    stack->mux->begin(session->listener, loop, stream, &setup);
    *result = session;
    return 0;
}

void weft__client_session_free(struct weft__client_session *session)
{
    if (!session)
        return;
    session->stack->mux->unlisten(session->listener);
    weft_free(session);
}

int weft__client_session_dial(struct weft__client_session *session, struct weft_stream *stream,
                              struct weft_error *error)
{
    int err = session->stack->mux->dial(session->listener, stream);

    if (err == 0)
        return 0;
    return weft_error_set(error, err, "the %s session opens no further stream: %s",
                          session->stack->mux->name,
                          err == -EAGAIN         ? "it has as many as it may have"
                          : err == -ECONNREFUSED ? "the server takes none, or the session has ended"
                                                 : weft_strerror(err));
}
