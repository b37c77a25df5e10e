/* SPDX-License-Identifier: MIT
 *
 * The lines about endpoints. Layers, connections and logs keep pointers to them, so they live as long as the server. */
#include <errno.h>
#include <stdio.h>

#include "server_private.h"

/* Returns the server's copy of a text, or NULL. */
static const char *keep(struct weft_server *server, const char *text)
{
    size_t size = strlen(text) + 1;

    for (const struct weft__line *line = server->lines; line; line = line->next)
        if (strcmp(line->text, text) == 0)
            return line->text;
    struct weft__line *line = weft_malloc(sizeof *line + size);
    if (!line)
        return NULL;
    memcpy(line->text, text, size);
    line->next = server->lines;
    server->lines = line;
    return line->text;
}

/* Writes the address of a listener, with the scheme and the path of the URL, and what is bound there. */
static void name_address(char text[WEFT__DESCRIBE_SIZE], const struct weft__port *port,
                         const struct weft_listener *listener, const char *bound)
{
    const struct weft_url *url = &port->address->ports[0].endpoint.url;
    const char *target = url->target ? url->target : "";

    if (port->endpoint.stack->count == 0 && !port->endpoint.stack->mux)
        snprintf(text, WEFT__DESCRIBE_SIZE, "%s %s", listener->name, bound);
    else
        snprintf(text, WEFT__DESCRIBE_SIZE, "%s%s%s %s", url->scheme, strchr(listener->name, ':'),
                 target, bound);
}

/* Tells a thread's binding which line names it. */
static void name_binding(struct weft__binding *binding, const char *line)
{
    binding->endpoint = line;
    for (size_t i = 0; i < weft__layers_all(&binding->layers); i++)
        if (binding->layers.of[i].layer->listening)
            binding->layers.of[i].layer->listening(binding->layers.of[i].loop_state, line);
}

static int describe(struct weft__port *port)
{
    struct weft_server *server = port->address->server;
    const struct weft_listener *listener = port->address->listener;
    char bound[WEFT__DESCRIBE_SIZE - sizeof listener->name], text[WEFT__DESCRIBE_SIZE];
    size_t count = 0;

    for (const struct weft_listener *at = listener; at; at = at->next)
        count++;
    port->lines = weft_calloc(count, sizeof *port->lines);
    if (!port->lines)
        return -ENOMEM;
    weft_endpoint_describe(&port->endpoint, bound, sizeof bound);
    for (const struct weft_listener *at = listener; at; at = at->next) {
        name_address(text, port, at, bound);
        port->lines[port->line_count] = keep(server, text);
        if (!port->lines[port->line_count])
            return -ENOMEM;
        port->line_count++;
    }
    for (size_t i = 0; i < server->thread_count; i++)
        name_binding(weft__port_binding(port, i), port->lines[0]);
    return 0;
}

int weft__address_describe(struct weft__address *address)
{
    for (size_t i = 0; i < address->count; i++) {
        int err = describe(&address->ports[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

void weft__address_forget_lines(struct weft__address *address)
{
    for (size_t i = 0; i < address->count; i++) {
        weft_free(address->ports[i].lines);
        address->ports[i].lines = NULL;
        address->ports[i].line_count = 0;
    }
}

const char *weft__port_line(const struct weft__port *port)
{
    return port->line_count > 0 ? port->lines[0] : "";
}

const char *weft_server_endpoint(const struct weft_server *server, size_t i)
{
    const struct weft__port *port = weft__server_port(server, i);

    return port ? weft__port_line(port) : NULL;
}

char *weft_server_describe(const struct weft_server *server, size_t i, char *dst, size_t size)
{
    const struct weft__port *port = weft__server_port(server, i);
    char bound[WEFT__DESCRIBE_SIZE];

    if (!port)
        return NULL;
    snprintf(dst, size, "%s %s speaks=%s", port->address->name,
             weft_endpoint_describe(&port->endpoint, bound, sizeof bound),
             port->endpoint.service->speaks);
    return dst;
}

const char *weft_server_listening(const struct weft_server *server, size_t i)
{
    const struct weft__port *port;

    for (size_t p = 0; (port = weft__server_port(server, p)) != NULL; p++) {
        if (i < port->line_count)
            return port->lines[i];
        i -= port->line_count;
    }
    return NULL;
}
