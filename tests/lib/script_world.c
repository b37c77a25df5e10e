/* SPDX-License-Identifier: MIT */
#include "script_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct script_world script__world;

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

size_t script__size(const struct script_bytes *bytes)
{
    return bytes->end - bytes->begin;
}

static void append(struct script_bytes *bytes, const void *data, size_t size)
{
    if (bytes->capacity - bytes->end < size) {
        size_t held = script__size(bytes);

        if (held)
            memmove(bytes->data, bytes->data + bytes->begin, held);
        bytes->begin = 0;
        bytes->end = held;
        if (bytes->capacity - held < size) {
            bytes->capacity = 2 * (held + size);
            bytes->data = need(realloc(bytes->data, bytes->capacity));
        }
    }
    if (size)
        memcpy(bytes->data + bytes->end, data, size);
    bytes->end += size;
}

void script__clear(struct script_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct script_bytes){0};
}

struct script_port *script__find_port(const char *name)
{
    struct script_port *port = script__world.ports;

    while (port && strcmp(port->name, name) != 0)
        port = port->next;
    return port;
}

struct script_port *script__need_port(const char *name)
{
    struct script_port *port = script__find_port(name);
    size_t size = strlen(name) + 1;

    if (port)
        return port;
    port = need(calloc(1, sizeof(*port) + size));
    memcpy(port->name, name, size);
    port->next = script__world.ports;
    script__world.ports = port;
    return port;
}

void script__notify(struct script_end *end)
{
    if (end->stream)
        weft_loop_defer(end->stream->loop, &end->stream->told);
}

void script__notify_listener(struct script_port *port)
{
    struct script_listener *listener = port->listener;

    if (listener && listener->enabled && port->queue)
        weft_loop_defer(listener->loop, &listener->told);
}

void script__reset(struct script_end *end)
{
    end->error = -ECONNRESET;
    script__clear(&end->inbound);
    script__notify(end);
}

void script__close(struct script_end *end, bool with_reset)
{
    struct script_end *other = end->other;

    if (script__size(&end->inbound) > 0)
        with_reset = true;
    script__clear(&end->inbound);
    end->closed = true;
    end->stream = NULL;
    script__world.open--;
    if (other->closed) {
        free(end->pair);
        return;
    }
    other->ended = true;
    if (with_reset && !end->error)
        script__reset(other);
    else
        script__notify(other);
}

struct script_end *script__pair(void)
{
    struct script_pair *pair = need(calloc(1, sizeof(*pair)));
    int i;

    for (i = 0; i < 2; i++) {
        pair->ends[i].pair = pair;
        pair->ends[i].other = &pair->ends[1 - i];
        pair->ends[i].rules = script__world.rules;
    }
    script__world.open += 2;
    return &pair->ends[0];
}

void script__enqueue(struct script_port *port, struct script_end *end)
{
    struct script_end **last = &port->queue;

    while (*last)
        last = &(*last)->next;
    *last = end;
    script__notify_listener(port);
}

struct script_end *script__dequeue(struct script_port *port)
{
    struct script_end *end = port->queue;

    if (end)
        port->queue = end->next;
    return end;
}

void script__move(struct script_end *end, const struct iovec *vec, size_t size)
{
    struct script_end *other = end->other;

    end->bytes_written += size;
    if (other->closed) {
        script__reset(end);
        return;
    }
    for (; size > 0; vec++) {
        size_t part = vec->iov_len < size ? vec->iov_len : size;

        append(&other->inbound, vec->iov_base, part);
        size -= part;
    }
    script__notify(other);
}

void script__shut(struct script_end *end)
{
    end->shut = true;
    end->other->ended = true;
    script__notify(end->other);
}
