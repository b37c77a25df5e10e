/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/peer.h"
#include "script_world.h"

enum { DRAWN_CHUNK = 64 * 1024 };

static struct script_stream *stream_of(struct weft_stream *stream)
{
    return weft_container_of(stream, struct script_stream, base);
}

static size_t write_room(const struct script_end *end)
{
    size_t window = end->rules.window, unread = script__size(&end->other->inbound);

    if (window == 0 || end->other->closed)
        return SIZE_MAX;
    return unread < window ? window - unread : 0;
}

static unsigned readiness(const struct script_stream *stream)
{
    const struct script_end *end = stream->end;
    unsigned ready = 0;

    if (end->error)
        return WEFT_READABLE | WEFT_WRITABLE;
    if (end->rules.stalled)
        return 0;
    if (script__size(&end->inbound) > 0 || end->ended)
        ready |= WEFT_READABLE;
    if (write_room(end) > 0)
        ready |= WEFT_WRITABLE;
    return ready;
}

/* Deferred again before the call, in which the stream may be closed: so it is told once more if it
 * is still ready, and closing takes that back. */
static void on_told(struct weft_deferred *told)
{
    struct script_stream *stream = weft_container_of(told, struct script_stream, told);
    unsigned events;

    stream->connected = true;
    events = readiness(stream) & stream->interest;
    if (!events)
        return;
    weft_loop_defer(stream->loop, told);
    stream->base.on_ready(&stream->base, events);
}

/* Returns the part of size that one call may have: 0 is -EAGAIN. calls counts those of its direction. */
static size_t next_chunk(const struct script_rules *rules, unsigned *calls, unsigned eagain,
                         size_t chunk, size_t size)
{
    if (rules->stalled || (eagain && ++*calls % eagain == 0))
        return 0;
    if (rules->random_chunks)
        chunk = 1 + test_random_below(&script__world.random, chunk ? chunk : DRAWN_CHUNK);
    return chunk && chunk < size ? chunk : size;
}

/* True if the scripted error is due now; *size is cut so that it comes exactly there. */
static bool is_due(int error, size_t after, size_t done, size_t *size)
{
    if (!error)
        return false;
    if (done >= after)
        return true;
    if (*size > after - done)
        *size = after - done;
    return false;
}

static int fail_end(struct script_end *end, int error)
{
    end->error = error;
    script__clear(&end->inbound);
    if (!end->other->closed)
        script__reset(end->other);
    return error;
}

static ssize_t stream_read(struct weft_stream *base, uint8_t *dst, size_t size)
{
    struct script_stream *stream = stream_of(base);
    struct script_end *end = stream->end;
    const struct script_rules *rules = &end->rules;

    if (!stream->connected)
        return -EAGAIN;
    if (end->error)
        return end->error;
    if (is_due(rules->read_error, rules->read_error_after, end->bytes_read, &size))
        return fail_end(end, rules->read_error);
    if (size > script__size(&end->inbound))
        size = script__size(&end->inbound);
    if (size == 0)
        return end->ended && !rules->stalled ? 0 : -EAGAIN;
    size = next_chunk(rules, &end->reads, rules->read_eagain, rules->read_chunk, size);
    if (size == 0)
        return -EAGAIN;
    memcpy(dst, end->inbound.data + end->inbound.begin, size);
    end->inbound.begin += size;
    end->bytes_read += size;
    script__notify(end->other);
    return (ssize_t)size;
}

static ssize_t stream_writev(struct weft_stream *base, const struct iovec *vec, int count)
{
    struct script_stream *stream = stream_of(base);
    struct script_end *end = stream->end;
    const struct script_rules *rules = &end->rules;
    size_t size = 0, room;
    int i;

    if (!stream->connected)
        return -EAGAIN;
    if (end->error)
        return end->error;
    if (end->shut)
        return -EPIPE;
    for (i = 0; i < count; i++)
        size += vec[i].iov_len;
    if (is_due(rules->write_error, rules->write_error_after, end->bytes_written, &size))
        return fail_end(end, rules->write_error);
    if (size == 0)
        return 0;
    room = write_room(end);
    size = next_chunk(rules, &end->writes, rules->write_eagain, rules->write_chunk,
                      size < room ? size : room);
    if (size == 0)
        return -EAGAIN;
    script__move(end, vec, size);
    return (ssize_t)size;
}

static void stream_want(struct weft_stream *base, unsigned interest)
{
    struct script_stream *stream = stream_of(base);

    stream->interest = interest;
    if (interest)
        script__notify(stream->end);
}

static int stream_shutdown(struct weft_stream *base)
{
    struct script_end *end = stream_of(base)->end;

    if (end->error)
        return end->error;
    script__shut(end);
    return 0;
}

static void end_stream(struct weft_stream *base, bool with_reset)
{
    struct script_stream *stream = stream_of(base);

    weft_deferred_cancel(&stream->told);
    script__close(stream->end, with_reset);
    stream->end = NULL;
}

static void stream_close(struct weft_stream *base)
{
    end_stream(base, false);
}

static void stream_reset(struct weft_stream *base)
{
    end_stream(base, true);
}

static const char *stream_protocol(struct weft_stream *base)
{
    return stream_of(base)->end->rules.protocol;
}

static void stream_identify(struct weft_stream *base, struct weft_peer *peer)
{
    const struct script_rules *rules = &stream_of(base)->end->rules;

    peer->protocol = rules->protocol;
    peer->subject = rules->subject;
    peer->credentials = rules->credentials;
}

static const struct weft_stream_ops stream_ops = {
    .read = stream_read,
    .writev = stream_writev,
    .want = stream_want,
    .shutdown = stream_shutdown,
    .close = stream_close,
    .reset = stream_reset,
    .protocol = stream_protocol,
    .identify = stream_identify,
};

static void adopt(struct script_stream *stream, struct weft_loop *loop, struct script_end *end)
{
    stream->base.ops = &stream_ops;
    stream->loop = loop;
    stream->told.run = on_told;
    stream->end = end;
    end->stream = stream;
}

static struct script_listener *listener_of(struct weft_listener *listener)
{
    return weft_container_of(listener, struct script_listener, base);
}

static void on_listener_told(struct weft_deferred *told)
{
    struct script_listener *listener = weft_container_of(told, struct script_listener, told);

    if (!listener->enabled || !listener->port->queue)
        return;
    weft_loop_defer(listener->loop, told);
    listener->base.on_ready(&listener->base);
}

/* Returns what may be taken of the listener that another one has there, or NULL. */
static struct weft_inherited *find_shared(const struct script_listener *listener,
                                          const struct script_port *port)
{
    const struct weft_inheritance *inheritance = listener->base.inheritance;

    for (size_t i = 0; inheritance && i < inheritance->count; i++)
        if (!inheritance->items[i].taken && inheritance->items[i].handle == (intptr_t)port)
            return &inheritance->items[i];
    return NULL;
}

static int listen_at(struct script_listener *listener, struct weft_loop *loop, const char *name,
                     struct weft_error *error)
{
    struct script_port *port = script__need_port(name);
    struct weft_inherited *inherited = find_shared(listener, port);

    if (!inherited && (port->listener || port->served))
        return weft_error_set(error, -EADDRINUSE, "cannot listen on script:%s: it is in use",
                              port->name);
    if (inherited) {
        inherited->taken = listener->base.inherited = true;
        listener->base.kept = inherited->kept;
        listener->lender = port->listener;
    }
    listener->base.handle = (intptr_t)port;
    port->listener = listener;
    listener->port = port;
    listener->loop = loop;
    listener->told.run = on_listener_told;
    script__world.open++;
    snprintf(listener->base.name, sizeof(listener->base.name), "script:%s", port->name);
    return 0;
}

static void transport_unlisten(struct weft_listener *base);

/* A path with a `+` stands for several addresses. */
static int transport_listen(struct weft_listener *base, struct weft_loop *loop,
                            const struct weft_url *url, struct weft_error *error)
{
    struct weft_listener **link = NULL;
    char names[256], *rest = names, *name;
    int err = 0;

    if (!url->path)
        return weft_error_set(error, WEFT_ECONFIG, "cannot listen: the form is script:NAME");
    snprintf(names, sizeof(names), "%s", url->path);
    while (err == 0 && (name = strsep(&rest, "+"))) {
        struct script_listener *listener = listener_of(base);

        if (link) {
            listener = calloc(1, sizeof(*listener));
            listener->base = (struct weft_listener){
                .on_ready = base->on_ready, .owner = base->owner, .inheritance = base->inheritance};
            *link = &listener->base;
        }
        link = &listener->base.next;
        err = listen_at(listener, loop, name, error);
    }
    if (err < 0)
        transport_unlisten(base);
    return err;
}

static void transport_enable(struct weft_listener *base, bool on)
{
    struct script_listener *listener = listener_of(base);

    listener->enabled = on;
    script__notify_listener(listener->port);
}

static int transport_accept(struct weft_listener *base, struct weft_accepted *accepted, bool shed)
{
    struct script_port *port = listener_of(base)->port;
    struct script_end *end;
    int err = 0;

    if (!port->queue)
        return -EAGAIN;
    if (port->accept_errors > 0) {
        err = port->accept_error;
        port->accept_errors--;
        if (shed && (err == -EMFILE || err == -ENFILE))
            err = -ECONNABORTED;
    }
    if (err == -EMFILE || err == -ENFILE || err == -ENOMEM)
        return err;
    end = script__dequeue(port);
    if (err) {
        script__close(end, true);
        return err;
    }
    accepted->handle = (intptr_t)end;
    snprintf(accepted->peer, sizeof(accepted->peer), "script");
    return 0;
}

static void stop_listening(struct script_listener *listener)
{
    struct script_port *port = listener->port;

    if (!port)
        return;
    weft_deferred_cancel(&listener->told);
    listener->port = NULL;
    script__world.open--;
    if (port->listener != listener) {
        port->listener->lender = NULL; /* it shared this one's socket */
        return;
    }
    port->listener = listener->lender;
    while (port->queue && !port->listener)
        script__close(script__dequeue(port), true);
    if (port->listener)
        script__notify_listener(port);
}

static void transport_unlisten(struct weft_listener *base)
{
    struct weft_listener *next = base->next;

    stop_listening(listener_of(base));
    base->next = NULL;
    while (next) {
        struct script_listener *listener = listener_of(next);

        next = next->next;
        stop_listening(listener);
        free(listener);
    }
}

static void transport_drop(const struct weft_accepted *accepted)
{
    script__close((struct script_end *)accepted->handle, true);
}

static int transport_attach(struct weft_stream *base, struct weft_loop *loop,
                            const struct weft_accepted *accepted)
{
    struct script_stream *stream = stream_of(base);

    if (script__world.attach_errors > 0) {
        script__world.attach_errors--;
        transport_drop(accepted);
        return script__world.attach_error;
    }
    adopt(stream, loop, (struct script_end *)accepted->handle);
    stream->connected = true;
    return 0;
}

static int transport_connect(struct weft_stream *base, struct weft_loop *loop,
                             const struct weft_url *url, struct weft_error *error)
{
    struct script_stream *stream = stream_of(base);
    struct script_port *port = url->path ? script__find_port(url->path) : NULL;
    bool is_refused = script__world.refusals > 0, is_late = is_refused && script__world.refuse_late;
    struct script_end *end;

    if (is_refused)
        script__world.refusals--;
    if (!is_late && (is_refused || !port || (!port->listener && !port->served)))
        return weft_error_set(error, -ECONNREFUSED,
                              "cannot connect to script:%s: nobody listens there; is the server "
                              "running?",
                              url->path ? url->path : "");
    end = script__pair();
    if (is_late) {
        end->error = -ECONNREFUSED;
        script__close(end->other, false);
    } else {
        script__enqueue(port, end->other);
    }
    adopt(stream, loop, end);
    script__notify(end);
    return 0;
}

const struct weft_transport script_transport = {
    .name = "script",
    .listener_size = sizeof(struct script_listener),
    .stream_size = sizeof(struct script_stream),
    .listen = transport_listen,
    .enable = transport_enable,
    .accept = transport_accept,
    .unlisten = transport_unlisten,
    .attach = transport_attach,
    .drop = transport_drop,
    .connect = transport_connect,
};
