/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

/* State of one weft_endpoint_init. */
struct binding {
    struct weft_endpoint *endpoint;
    const struct weft_registry *registry;
    const struct weft_endpoint_defaults *defaults;
    const struct weft_limits *limits;
    const char *text; /* the URL as given, for refusals */
    struct weft_option_set set;
    void *service_context;
    struct weft_error *error;
};

/* True if the text was HOST:PORT, which reads as a scheme and a path. */
static bool is_bare_address(const struct weft_url *url)
{
    return url->path && *url->path && url->path[strspn(url->path, "0123456789")] == '\0';
}

static int find_transport(struct binding *b)
{
    const struct weft_url *url = &b->endpoint->url;
    if (b->defaults->base) {
        b->endpoint->stack = b->defaults->base->stack;
        return 0;
    }
    b->endpoint->stack = &b->endpoint->own_stack;
    if (weft__stack_find(&b->endpoint->own_stack, b->registry, url->scheme, b->error) == 0)
        return 0;
    if (is_bare_address(url))
        weft_error_set(b->error, WEFT_ECONFIG, "'%s' names no transport: is tcp://%s meant?",
                       b->text, b->text);
    return WEFT_ECONFIG;
}

static int check_url(const struct binding *b)
{
    const struct weft_endpoint *endpoint = b->endpoint;
    const struct weft__stack *stack = endpoint->stack;
    bool takes_target = false;
    if (b->defaults->base)
        return 0;
    for (size_t i = 0; i < stack->count; i++)
        takes_target |= stack->filters[i].filter->takes_target;
    if (endpoint->url.target && !takes_target)
        return weft_error_set(b->error, WEFT_ECONFIG,
                              "'%s': %s has no use for the path '%s' behind the port", b->text,
                              endpoint->url.scheme, endpoint->url.target);
    if (!stack->transport->check)
        return 0;
    return stack->transport->check(&endpoint->url, endpoint->service != NULL, b->error);
}

static int find_codec(struct binding *b)
{
    if (b->defaults->chosen) {
        b->endpoint->codec = b->defaults->chosen;
        return 0;
    }
    const char *named = weft_option_get(&b->set, "codec");
    const char *name = named ? named : b->defaults->codec;
    b->endpoint->codec = weft_registry_codec(b->registry, name, b->error);
    if (!b->endpoint->codec)
        return WEFT_ECONFIG;
    if (b->defaults->codec_is_explicit && strcmp(name, b->defaults->codec) != 0)
        return weft_error_set(b->error, WEFT_ECONFIG,
                              "codec '%s' was asked for, but '%s' names codec '%s'",
                              b->defaults->codec, b->text, name);
    return 0;
}

static int find_service(struct binding *b)
{
    const char *named = weft_option_get(&b->set, "service");
    if (!b->defaults->service && !named)
        return 0;
    if (!b->defaults->service)
        return weft_error_set(b->error, WEFT_ECONFIG,
                              "'service=%s' in '%s' is for servers; a client's URL names the "
                              "address and the codec",
                              named, b->text);
    const char *name = named ? named : b->defaults->service;
    const struct weft_codec *codec = b->endpoint->codec;
    if (!weft_registry_service(b->registry, name, NULL, &b->service_context, b->error))
        return WEFT_ECONFIG;
    b->endpoint->service =
        weft_registry_service(b->registry, name, codec->speaks, &b->service_context, b->error);
    b->endpoint->service_context = b->service_context;
    if (b->endpoint->service)
        return 0;
    char languages[256];
    weft__registry_languages(b->registry, name, languages, sizeof languages);
    return weft_error_set(b->error, WEFT_ECONFIG,
                          "codec '%s' carries %s, but service '%s' speaks %s in '%s'", codec->name,
                          codec->speaks, name, languages, b->text);
}

static int add_layer(struct binding *b, const char *name)
{
    struct weft_endpoint *endpoint = b->endpoint;
    void *context;
    const struct weft_layer *layer = weft_registry_layer(b->registry, name, &context, b->error);

    if (!layer)
        return WEFT_ECONFIG;
    if (endpoint->layer_count == WEFT_LAYERS_MAX)
        return weft_error_set(b->error, WEFT_ECONFIG, "'%s' names more than %d layers", b->text,
                              WEFT_LAYERS_MAX);
    for (size_t i = 0; i < endpoint->layer_count; i++)
        if (endpoint->layers[i].layer == layer)
            return weft_error_set(b->error, WEFT_ECONFIG, "'%s' names layer '%s' twice", b->text,
                                  name);
        else if (layer->observe && endpoint->layers[i].layer->observe)
            return weft_error_set(
                b->error, WEFT_ECONFIG,
                "'%s' names two layers that observe, '%s' and '%s'; an endpoint has "
                "one at most",
                b->text, endpoint->layers[i].layer->name, name);
    endpoint->layers[endpoint->layer_count].layer = layer;
    endpoint->layers[endpoint->layer_count++].context = context;
    return 0;
}

/* True if a list, as "metrics,access", has the name. NULL is an empty list. */
static bool has_name(const char *list, const char *name)
{
    const size_t size = strlen(name);

    while (list) {
        if (strncmp(list, name, size) == 0 && (list[size] == ',' || list[size] == '\0'))
            return true;
        list = strchr(list, ',');
        list += list != NULL;
    }
    return false;
}

/* Adds the layers of a list but for those of `except`. */
static int add_layers(struct binding *b, const char *list, const char *except)
{
    int err = 0;

    while (list && err == 0) {
        const char *end = strchr(list, ',');
        char name[WEFT__NAME_SIZE];
        int size = (int)(end ? (size_t)(end - list) : strlen(list));

        snprintf(name, sizeof name, "%.*s", size, list);
        if (!has_name(except, name))
            err = add_layer(b, name);
        list = end ? end + 1 : NULL;
    }
    return err;
}

/* layers=metrics,access */
static int find_layers(struct binding *b)
{
    const char *list = weft_option_get(&b->set, "layers");
    int err = 0;

    if (list && !b->endpoint->service)
        return weft_error_set(b->error, WEFT_ECONFIG,
                              "'layers=%s' in '%s' is for servers; a client's URL names the "
                              "address and the codec",
                              list, b->text);
    if (b->endpoint->service)
        err = add_layers(b, b->defaults->observers, NULL);
    if (err == 0 && b->defaults->guard && b->endpoint->service)
        err = add_layer(b, b->defaults->guard);
    return err == 0 ? add_layers(b, list, b->defaults->observers) : err;
}

/* The tables of options that a URL may use, as many as there are. */
struct tables {
    const struct weft_option *of[5 + WEFT_FILTERS_MAX + WEFT_LAYERS_MAX + 2 * WEFT_REGISTRY_MAX];
    size_t count;
};

/* A plugin without options has a NULL one, and two faces may have one between them. */
static void add_table(struct tables *tables, const struct weft_option *options)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->of[i] == options)
            return;
    if (options)
        tables->of[tables->count++] = options;
}

/* Adds those of the codecs that the URL stands for as well, and of their faces. */
static void add_companions(const struct binding *b, struct tables *tables)
{
    const struct weft_codec *const *codec = b->defaults->companions;
    for (; codec && *codec; codec++) {
        struct weft_error unread;
        void *context;
        const struct weft_service *face = weft_registry_service(
            b->registry, b->endpoint->service->name, (*codec)->speaks, &context, &unread);
        add_table(tables, (*codec)->options);
        add_table(tables, face ? face->options : NULL);
    }
}

static struct tables option_tables(const struct binding *b)
{
    static const struct weft_option client_options[] = {{.name = "codec"}, {.name = NULL}};
    static const struct weft_option server_options[] = {
        {.name = "codec"}, {.name = "service"}, {.name = "layers"}, {.name = NULL}};
    const struct weft_endpoint *endpoint = b->endpoint;
    struct tables tables = {.count = 0};
    add_table(&tables, endpoint->service ? server_options : client_options);
    if (b->text[0] != '?') {
        add_table(&tables, endpoint->stack->transport->options);
        for (size_t i = 0; i < endpoint->stack->count; i++)
            add_table(&tables, endpoint->stack->filters[i].filter->options);
        add_table(&tables, endpoint->stack->mux ? endpoint->stack->mux->options : NULL);
    }
    add_table(&tables, endpoint->codec->options);
    add_table(&tables, endpoint->service ? endpoint->service->options : NULL);
    for (size_t i = 0; i < endpoint->layer_count; i++)
        add_table(&tables, endpoint->layers[i].layer->options);
    add_companions(b, &tables);
    return tables;
}

static bool declared(const struct tables *tables, const char *name)
{
    for (size_t t = 0; t < tables->count; t++)
        for (const struct weft_option *o = tables->of[t]; o->name; o++)
            if (strcmp(o->name, name) == 0)
                return true;
    return false;
}

static int check_options(const struct binding *b)
{
    const struct tables tables = option_tables(b);
    size_t i = 0;
    while (i < b->set.count && declared(&tables, b->set.values[i].name))
        i++;
    if (i == b->set.count)
        return 0;

    char list[256];
    size_t used = 0;
    for (size_t t = 0; t < tables.count; t++)
        for (const struct weft_option *o = tables.of[t]; o->name && used < sizeof list; o++)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     o->name);
    return weft_error_set(b->error, WEFT_ECONFIG, "unknown option '%s' in '%s'; there are: %s",
                          b->set.values[i].name, b->text, list);
}

/* Adds the URL to what a plugin said: it knows only its own options, and a server has several
 * URLs. */
static int refused(const struct binding *b, int code, const struct weft_error *plugin)
{
    if (code != WEFT_ECONFIG)
        return weft_error_set(b->error, code, "%s in '%s'", weft_strerror(code), b->text);
    return weft_error_set(b->error, code, "%s in '%s'", plugin->text, b->text);
}

static int new_config(void **config, size_t size)
{
    if (size == 0)
        return 0;
    *config = weft_calloc(1, size);
    return *config ? 0 : -ENOMEM;
}

static int configure_layers(const struct binding *b, struct weft_error *plugin)
{
    struct weft_endpoint *endpoint = b->endpoint;
    int err = 0;

    for (size_t i = 0; err == 0 && i < endpoint->layer_count; i++) {
        const struct weft_layer *layer = endpoint->layers[i].layer;
        err = new_config(&endpoint->layers[i].config, layer->config_size);
        if (err == 0 && layer->configure)
            err = layer->configure(endpoint->layers[i].config, endpoint->layers[i].context, &b->set,
                                   b->limits, plugin);
    }
    return err;
}

static int configure_stack(const struct binding *b, struct weft_error *plugin)
{
    const struct weft_codec *one[] = {b->endpoint->codec, NULL};
    const struct weft_codec *const *all = b->defaults->sharers;
    if (b->defaults->base)
        return 0;
    return weft__stack_configure(&b->endpoint->own_stack, &b->endpoint->url,
                                 b->endpoint->service ? WEFT_SERVER : WEFT_CLIENT,
                                 all && *all ? all : one, plugin);
}

static int configure(const struct binding *b)
{
    const struct weft_codec *codec = b->endpoint->codec;
    const struct weft_service *service = b->endpoint->service;
    struct weft_error plugin = {0};
    int err = configure_stack(b, &plugin);
    if (err == 0)
        err = new_config(&b->endpoint->codec_config, codec->config_size);
    if (err == 0 && codec->configure)
        err = codec->configure(b->endpoint->codec_config, &b->set, b->limits, &plugin);
    if (err == 0 && service)
        err = new_config(&b->endpoint->service_config, service->config_size);
    if (err == 0 && service && service->configure)
        err = service->configure(b->endpoint->service_config, b->service_context, &b->set,
                                 b->limits, &plugin);
    if (err == 0)
        err = configure_layers(b, &plugin);
    return err == 0 ? 0 : refused(b, err, &plugin);
}

/* A variant has only the options of its URL, which has an address too if it stands for several codecs. */
static int parse(struct weft_endpoint *endpoint, const char *url,
                 const struct weft_endpoint_defaults *defaults, struct weft_error *error)
{
    const char *options = strchr(url, '?');
    if (!defaults->base)
        return weft_url_parse(&endpoint->url, url, error);
    return options ? weft_url_parse_options(&endpoint->url, options, error) : 0;
}

int weft_endpoint_init(struct weft_endpoint *endpoint, const char *url,
                       const struct weft_registry *registry,
                       const struct weft_endpoint_defaults *defaults,
                       const struct weft_limits *limits, struct weft_error *error)
{
    *endpoint = (struct weft_endpoint){0};
    int err = parse(endpoint, url, defaults, error);
    if (err < 0)
        return err;
    struct binding b = {
        .endpoint = endpoint,
        .registry = registry,
        .defaults = defaults,
        .limits = limits,
        .text = url,
        .set = weft_url_option_set(&endpoint->url),
        .error = error,
    };
    err = find_transport(&b);
    if (err == 0)
        err = find_codec(&b);
    if (err == 0)
        err = find_service(&b);
    if (err == 0)
        err = find_layers(&b);
    if (err == 0)
        err = check_options(&b);
    if (err == 0)
        err = check_url(&b);
    if (err == 0)
        err = configure(&b);
    if (err < 0)
        weft_endpoint_fini(endpoint);
    return err;
}

void weft_endpoint_fini(struct weft_endpoint *endpoint)
{
    weft__stack_fini(&endpoint->own_stack);
    weft_free(endpoint->codec_config);
    weft_free(endpoint->service_config);
    for (size_t i = 0; i < endpoint->layer_count; i++)
        weft_free(endpoint->layers[i].config);
    *endpoint = (struct weft_endpoint){0};
}

char *weft_endpoint_describe(const struct weft_endpoint *endpoint, char *dst, size_t size)
{
    if (endpoint->service)
        snprintf(dst, size, "codec=%s service=%s", endpoint->codec->name, endpoint->service->name);
    else
        snprintf(dst, size, "codec=%s", endpoint->codec->name);
    return dst;
}
