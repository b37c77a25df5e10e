/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "filter_stream.h"

/* Schemes that are short for others. */
static const char *const aliases[][2] = {{"wss", "ws+tls+tcp"}};

static const struct weft_filter *find_filter(const struct weft_registry *registry, const char *name,
                                             void **context)
{
    for (size_t i = 0; i < WEFT_REGISTRY_MAX && registry->filters[i].filter; i++)
        if (strcmp(registry->filters[i].filter->name, name) == 0) {
            *context = registry->filters[i].context;
            return registry->filters[i].filter;
        }
    return NULL;
}

static void add_sizes(struct weft__stack *stack)
{
    stack->below_size = stack->transport->stream_size;
    for (size_t i = stack->count; i-- > 0;)
        stack->below_size = weft__filter_stream_size(stack->filters[i].filter, stack->below_size);
    stack->stream_size = stack->mux ? stack->mux->stream_size : stack->below_size;
}

static const struct weft_transport *find_mux(const struct weft_registry *registry, const char *name)
{
    for (size_t i = 0; i < WEFT_REGISTRY_MAX && registry->transports[i]; i++)
        if (registry->transports[i]->begin && strcmp(registry->transports[i]->name, name) == 0)
            return registry->transports[i];
    return NULL;
}

/* Takes the name of a multiplexer from the front of a scheme. Returns the rest, or NULL if that was all. */
static char *take_mux(struct weft__stack *stack, const struct weft_registry *registry, char *scheme)
{
    char *plus = strchr(scheme, '+');

    if (plus)
        *plus = '\0';
    stack->mux = find_mux(registry, scheme);
    if (plus)
        *plus = '+';
    if (!stack->mux)
        return scheme;
    return plus ? plus + 1 : NULL;
}

/* Replaces a scheme, or what is left of it behind a multiplexer, that is short for another. */
static void spell_out(char *scheme, size_t room)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(scheme, aliases[i][0]) == 0)
            snprintf(scheme, room, "%s", aliases[i][1]);
}

/* True if what is left of a scheme begins with a multiplexer. */
static bool is_misplaced(const struct weft_registry *registry, const char *rest)
{
    char name[WEFT_URL_MAX];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(rest, "+"), rest);
    return find_mux(registry, name) != NULL;
}

/* Takes the names of filters from the front of a scheme. Returns the name of the transport that is left. */
static const char *take_filters(struct weft__stack *stack, const struct weft_registry *registry,
                                char *scheme)
{
    char *name = scheme;

    while (name && stack->count < WEFT_FILTERS_MAX) {
        char *plus = strchr(name, '+');
        void *context = NULL;
        if (plus)
            *plus = '\0';
        const struct weft_filter *filter = find_filter(registry, name, &context);
        if (!filter) {
            if (plus)
                *plus = '+';
            return name;
        }
        stack->filters[stack->count].filter = filter;
        stack->filters[stack->count++].context = context;
        name = plus ? plus + 1 : NULL;
    }
    return name ? name : "tcp";
}

int weft__stack_find(struct weft__stack *stack, const struct weft_registry *registry,
                     const char *scheme, struct weft_error *error)
{
    char text[WEFT_URL_MAX];

    *stack = (struct weft__stack){0};
    snprintf(text, sizeof text, "%s", scheme);
    char *rest = take_mux(stack, registry, text);
    if (rest)
        spell_out(rest, sizeof text - (size_t)(rest - text));
    const char *name = take_filters(stack, registry, rest);
    if (is_misplaced(registry, name))
        return weft_error_set(error, WEFT_ECONFIG,
                              "scheme '%s': a multiplexer is the first stage, as in yamux+tls",
                              scheme);
    stack->transport = weft_registry_transport(registry, name, error);
    if (!stack->transport)
        return WEFT_ECONFIG;
    add_sizes(stack);
    return 0;
}

int weft__stack_configure(struct weft__stack *stack, const struct weft_url *url,
                          enum weft_role role, const struct weft_codec *const *codecs,
                          struct weft_error *error)
{
    stack->role = role;
    if (stack->mux) {
        stack->mux_config = weft_calloc(1, stack->mux->config_size + 1);
        if (!stack->mux_config)
            return -ENOMEM;
        int err = stack->mux->configure(stack->mux_config, url, error);
        if (err < 0)
            return err;
    }
    for (size_t i = 0; i < stack->count; i++) {
        const struct weft_filter *filter = stack->filters[i].filter;
        if (filter->config_size > 0) {
            stack->filters[i].config = weft_calloc(1, filter->config_size);
            if (!stack->filters[i].config)
                return -ENOMEM;
        }
        int err = filter->configure
                      ? filter->configure(stack->filters[i].config, stack->filters[i].context, url,
                                          role, codecs, error)
                      : 0;
        if (err < 0)
            return err;
        stack->filters[i].configured = true;
    }
    return 0;
}

void weft__stack_fini(struct weft__stack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        const struct weft_filter *filter = stack->filters[i].filter;
        if (stack->filters[i].configured && filter->release)
            filter->release(stack->filters[i].config);
        weft_free(stack->filters[i].config);
    }
    weft_free(stack->mux_config);
    *stack = (struct weft__stack){0};
}

/* Returns the stream of the transport, at the bottom of them all. */
static struct weft_stream *bottom(const struct weft__stack *stack, struct weft_stream *stream)
{
    for (size_t i = 0; i < stack->count; i++)
        stream = weft__filter_stream_below(stack->filters[i].filter, stream);
    return stream;
}

/* Makes the streams of the filters, from the one over the transport's stream up. If one fails, the transport's
 * stream is closed. */
static int pile(const struct weft__stack *stack, struct weft_stream *stream, struct weft_loop *loop,
                struct weft_piece_pool *pool)
{
    struct weft_stream *made = bottom(stack, stream);

    for (size_t i = stack->count; i-- > 0;) {
        struct weft_stream *next = stream;
        for (size_t above = 0; above < i; above++)
            next = weft__filter_stream_below(stack->filters[above].filter, next);
        int err = weft__filter_stream_init(next, stack->filters[i].filter, stack->filters[i].config,
                                           stack->role, loop, pool);
        if (err < 0) {
            made->ops->close(made);
            return err;
        }
        made = next;
    }
    return 0;
}

int weft__stack_attach(const struct weft__stack *stack, struct weft_stream *stream,
                       struct weft_loop *loop, struct weft_piece_pool *pool,
                       const struct weft_accepted *accepted)
{
    if (stack->mux)
        return stack->mux->attach(stream, loop, accepted);
    return weft__stack_attach_below(stack, stream, loop, pool, accepted);
}

void weft__stack_drop(const struct weft__stack *stack, const struct weft_accepted *accepted)
{
    (stack->mux ? stack->mux : stack->transport)->drop(accepted);
}

int weft__stack_attach_below(const struct weft__stack *stack, struct weft_stream *stream,
                             struct weft_loop *loop, struct weft_piece_pool *pool,
                             const struct weft_accepted *accepted)
{
    if (stack->count == 0)
        return stack->transport->attach(stream, loop, accepted);
    int err = stack->transport->attach(bottom(stack, stream), loop, accepted);
    return err < 0 ? err : pile(stack, stream, loop, pool);
}

int weft__stack_connect(const struct weft__stack *stack, struct weft_stream *stream,
                        struct weft_loop *loop, struct weft_piece_pool *pool,
                        const struct weft_url *url, struct weft_error *error)
{
    if (stack->count == 0)
        return stack->transport->connect(stream, loop, url, error);
    int err = stack->transport->connect(bottom(stack, stream), loop, url, error);
    if (err == 0) {
        err = pile(stack, stream, loop, pool);
        if (err < 0)
            weft_error_set(error, err, "%s", weft_strerror(err));
    }
    return err;
}

bool weft__stack_is_open(const struct weft_stream *stream)
{
    return weft__filter_stream_is_open(stream);
}
