/* SPDX-License-Identifier: MIT */
#include "core/dialer.h"

#include <errno.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/server/endpoint.h"
#include "core/stack/stack.h"

struct weft_dialer {
    struct weft__stack stack;
    struct weft_url url;
};

static bool declares(const struct weft_option *options, const char *name)
{
    for (; options && options->name; options++)
        if (strcmp(options->name, name) == 0)
            return true;
    return false;
}

static int check(const struct weft_dialer *dialer, const char *text, struct weft_error *error)
{
    const struct weft__stack *stack = &dialer->stack;
    const struct weft_url *url = &dialer->url;

    for (size_t i = 0; i < url->option_count; i++) {
        const char *name = url->options[i].name;
        bool known = declares(stack->transport->options, name);
        for (size_t k = 0; k < stack->count; k++)
            known |= declares(stack->filters[k].filter->options, name);
        if (!known)
            return weft_error_set(error, WEFT_ECONFIG, "unknown option '%s' in '%s'", name, text);
    }
    return stack->transport->check ? stack->transport->check(url, false, error) : 0;
}

static int set_up(struct weft_dialer *dialer, const struct weft_registry *registry,
                  const char *text, struct weft_error *error)
{
    static const struct weft_codec *const none[] = {NULL};
    int err = weft_url_parse(&dialer->url, text, error);

    if (err == 0)
        err = weft__stack_find(&dialer->stack, registry, dialer->url.scheme, error);
    if (err == 0 && dialer->stack.mux)
        err =
            weft_error_set(error, WEFT_ECONFIG,
                           "'%s': streams of a session are for clients and servers of weft", text);
    if (err == 0)
        err = check(dialer, text, error);
    if (err < 0)
        return err;
    err = weft__stack_configure(&dialer->stack, &dialer->url, WEFT_CLIENT, none, error);
    return err == -ENOMEM ? weft_error_set(error, err, "%s", weft_strerror(err)) : err;
}

int weft_dialer_new(struct weft_dialer **result, struct weft_registry *registry, const char *url,
                    struct weft_error *error)
{
    *result = NULL;
    weft__registry_freeze(registry);
    struct weft_dialer *dialer = weft_calloc(1, sizeof *dialer);
    if (!dialer)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    int err = set_up(dialer, registry, url, error);
    if (err < 0) {
        weft_dialer_free(dialer);
        return err;
    }
    *result = dialer;
    return 0;
}

void weft_dialer_free(struct weft_dialer *dialer)
{
    if (!dialer)
        return;
    weft__stack_fini(&dialer->stack);
    weft_free(dialer);
}

size_t weft_dialer_stream_size(const struct weft_dialer *dialer)
{
    return dialer->stack.stream_size;
}

int weft_dialer_connect(const struct weft_dialer *dialer, struct weft_stream *stream,
                        struct weft_loop *loop, struct weft_piece_pool *pool,
                        struct weft_error *error)
{
    return weft__stack_connect(&dialer->stack, stream, loop, pool, &dialer->url, error);
}
