/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "script_world.h"

void script_begin(uint64_t seed)
{
    memset(&script__world, 0, sizeof(script__world));
    script__world.random.state = seed;
}

size_t script_finish(void)
{
    while (script__world.ports) {
        struct script_port *port = script__world.ports;

        while (port->queue)
            script__close(script__dequeue(port), true);
        script__world.ports = port->next;
        free(port);
    }
    return script__world.open;
}

void script_set_default_rules(const struct script_rules *rules)
{
    script__world.rules = *rules;
}

void script_set_rules(struct script_end *end, const struct script_rules *rules)
{
    end->other->rules = *rules;
    script__notify(end->other);
}

struct script_end *script_dial(const char *name)
{
    struct script_port *port = script__find_port(name);

    struct script_end *end;

    if (!port || !port->listener)
        return NULL;
    end = script__pair();
    script__enqueue(port, end->other);
    return end;
}

void script_serve(const char *name)
{
    script__need_port(name)->served = true;
}

struct script_end *script_take(const char *name)
{
    struct script_port *port = script__find_port(name);

    return port && port->served ? script__dequeue(port) : NULL;
}

void script_refuse_connects(int count, bool late)
{
    script__world.refusals = count;
    script__world.refuse_late = late;
}

void script_fail_accepts(const char *name, int err, int count)
{
    struct script_port *port = script__need_port(name);

    port->accept_error = err;
    port->accept_errors = count;
}

void script_fail_attaches(int err, int count)
{
    script__world.attach_error = err;
    script__world.attach_errors = count;
}

void script_send(struct script_end *end, const void *data, size_t size)
{
    struct iovec vec = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};

    if (!end->error && !end->shut && size > 0)
        script__move(end, &vec, size);
}

void script_shutdown(struct script_end *end)
{
    script__shut(end);
}

void script_close(struct script_end *end)
{
    script__close(end, false);
}

void script_reset(struct script_end *end)
{
    script__close(end, true);
}

const uint8_t *script_received(const struct script_end *end, size_t *size)
{
    *size = script__size(&end->inbound);
    return *size ? end->inbound.data + end->inbound.begin : NULL;
}

void script_consume(struct script_end *end, size_t size)
{
    end->inbound.begin += size;
    script__notify(end->other);
}

bool script_at_eof(const struct script_end *end)
{
    return end->ended && !end->error;
}

bool script_is_reset(const struct script_end *end)
{
    return end->error != 0;
}

bool script_is_gone(const struct script_end *end)
{
    return end->other->closed;
}

size_t script_unread(const struct script_end *end)
{
    return script__size(&end->other->inbound);
}
