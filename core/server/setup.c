/* SPDX-License-Identifier: MIT
 *
 * Makes endpoints of a server's options, merges equal configurations, and makes the workers with the
 * states of their plugins. */
#include <errno.h>

#include "plan.h"
#include "server_private.h"

/* Descriptors that a process holds beside those of its connections: refused peers, listeners, files. */
enum { OTHER_DESCRIPTORS = WEFT__MAX_REFUSING + 64 };

static bool same_config(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

static void merge(struct weft_server *server, size_t i)
{
    struct weft__port *port = &server->ports[i];

    port->codec_slot = port->service_slot = i;
    for (size_t k = i; k-- > 0;) {
        const struct weft_endpoint *other = &server->ports[k].endpoint;
        if (other->codec == port->endpoint.codec &&
            same_config(other->codec_config, port->endpoint.codec_config,
                        other->codec->config_size))
            port->codec_slot = k;
        if (other->service == port->endpoint.service &&
            same_config(other->service_config, port->endpoint.service_config,
                        other->service->config_size))
            port->service_slot = k;
    }
}

/* Writes the codecs of a URL to dst, up to a NULL. */
static void find_companions(const struct weft__plan *plan, const char *url,
                            const struct weft_codec *dst[WEFT_REGISTRY_MAX + 1])
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count && count < WEFT_REGISTRY_MAX; i++)
        if (plan->items[i].url == url && plan->items[i].is_auto)
            dst[count++] = plan->items[i].codec;
    dst[count] = NULL;
}

/* Writes the codecs of all URLs at the address that endpoint i begins to dst, each once, up to a NULL. */
static void find_sharers(const struct weft__plan *plan, size_t i,
                         const struct weft_codec *dst[WEFT_REGISTRY_MAX + 1])
{
    size_t count = 0;

    for (size_t k = i; k < plan->count && count < WEFT_REGISTRY_MAX; k++) {
        bool is_there = plan->items[k].first != i || !plan->items[k].codec;
        for (size_t known = 0; known < count && !is_there; known++)
            is_there = dst[known] == plan->items[k].codec;
        if (!is_there)
            dst[count++] = plan->items[k].codec;
    }
    dst[count] = NULL;
}

static char *copy_address(const char *url)
{
    size_t size = strcspn(url, "?");
    char *copy = weft_malloc(size + 1);

    if (copy) {
        memcpy(copy, url, size);
        copy[size] = '\0';
    }
    return copy;
}

static int make_port(struct weft_server *server, const struct weft_server_options *options,
                     const struct weft__plan *plan, struct weft_error *error)
{
    const struct weft_codec *companions[WEFT_REGISTRY_MAX + 1], *sharers[WEFT_REGISTRY_MAX + 1];
    size_t i = server->port_count;
    const struct weft__planned *planned = &plan->items[i];
    struct weft__port *port = &server->ports[i];
    /* With `codec=auto` only the first one has the address. */
    bool is_variant = planned->first != i;
    const struct weft_endpoint_defaults defaults = {
        .codec = options->codec,
        /* NULL would make a client's endpoint. A URL without a service is not planned then. */
        .service = options->service ? options->service : "",
        .observers = options->observers,
        .guard = options->guard,
        .chosen = planned->codec,
        .companions = companions,
        .sharers = sharers,
        .base = is_variant ? &server->ports[planned->first].endpoint : NULL,
    };
    int err;

    find_companions(plan, planned->url, companions);
    find_sharers(plan, i, sharers);
    err = weft_endpoint_init(&port->endpoint, planned->url, options->registry, &defaults,
                             &server->limits, error);
    if (err < 0)
        return err;
    server->port_count++;
    port->server = server;
    port->first = planned->first;
    merge(server, i);
    if (!is_variant)
        port->address = copy_address(planned->url);
    return is_variant || port->address ? 0 : weft_error_set(error, -ENOMEM, "out of memory");
}

int weft__server_make_ports(struct weft_server *server, const struct weft_server_options *options,
                            struct weft_error *error)
{
    struct weft__plan plan;
    int err = weft__plan_make(&plan, options, error);

    if (err < 0)
        return err;
    server->ports = weft_calloc(plan.count, sizeof *server->ports);
    if (!server->ports)
        err = weft_error_set(error, -ENOMEM, "out of memory");
    while (err == 0 && server->port_count < plan.count)
        err = make_port(server, options, &plan, error);
    weft__plan_free(&plan);
    return err;
}

static int start_codec(struct weft__binding *binding)
{
    const struct weft_codec *codec = binding->codec;
    int err;

    /* At least a byte, so that a pointer that is not NULL also means success. */
    binding->codec_loop = weft_calloc(1, codec->loop_size + 1);
    if (!binding->codec_loop)
        return -ENOMEM;
    err = codec->loop_init ? codec->loop_init(binding->codec_loop, binding->codec_config) : 0;
    if (err < 0) {
        weft_free(binding->codec_loop);
        binding->codec_loop = NULL;
    }
    return err;
}

static int start_service(struct weft__binding *binding, const void *config)
{
    const struct weft_service *service = binding->service;
    int err;

    /* At least a byte: see start_codec. */
    binding->service_loop = weft_calloc(1, service->loop_size + 1);
    if (!binding->service_loop)
        return -ENOMEM;
    err = service->start ? service->start(binding->service_loop, config, binding->worker->loop) : 0;
    if (err < 0) {
        weft_free(binding->service_loop);
        binding->service_loop = NULL;
    }
    return err;
}

/* Layers belong to their endpoint: none is shared, so that what one counts is its endpoint's. */
static int start_layers(struct weft__binding *binding, const struct weft_endpoint *endpoint)
{
    struct weft__layers *layers = &binding->layers;
    size_t at = 0;

    for (size_t i = 0; i < endpoint->layer_count; i++) {
        const struct weft_layer *layer = endpoint->layers[i].layer;
        void *state = weft_calloc(1, layer->loop_size + 1);
        int err = -ENOMEM;

        if (state)
            err = layer->start
                      ? layer->start(state, endpoint->layers[i].config, binding->worker->loop)
                      : 0;
        if (err < 0) {
            weft_free(state);
            return err;
        }
        layers->of[i].layer = layer;
        layers->of[i].loop_state = state;
        layers->of[i].at = at;
        layers->count++;
        layers->guarded |= layer->meet != NULL;
        layers->alone = layers->count == 1 && !layers->guarded;
        layers->quick = layers->guarded && layers->count == 1 && binding->service->asks;
        at += WEFT__ALIGN_UP(layer->request_size);
    }
    binding->call = layers->quick       ? weft__layers_call_quick
                    : layers->alone     ? weft__layers_call_one
                    : layers->count > 0 ? weft__layers_call
                                        : binding->service->call;
    if (at > binding->worker->requests.states)
        binding->worker->requests.states = at;
    return 0;
}

static void stop_layers(struct weft__binding *binding)
{
    for (size_t i = binding->layers.count; i-- > 0;) {
        if (binding->layers.of[i].layer->stop)
            binding->layers.of[i].layer->stop(binding->layers.of[i].loop_state);
        weft_free(binding->layers.of[i].loop_state);
    }
}

/* Counts the binding of a port for the first one at its address. */
static void join_address(const struct weft__port *port, struct weft__binding *binding,
                         struct weft__binding *first)
{
    const struct weft_endpoint *endpoint = &port->endpoint;

    binding->variants = 1;
    first->variants += binding != first;
    if (first->codec_room < endpoint->codec->conn_size)
        first->codec_room = endpoint->codec->conn_size;
    if (first->service_room < endpoint->service->conn_size)
        first->service_room = endpoint->service->conn_size;
}

/* Ports are visited in order, so the slot that a later port shares is there already. */
static int bind_plugins(struct weft_server *server, struct weft__worker *worker)
{
    for (size_t i = 0; i < server->port_count; i++) {
        const struct weft__port *port = &server->ports[i];
        struct weft__binding *binding = &worker->bindings[i];
        int err = 0;

        binding->stack = port->endpoint.stack;
        binding->scheme = server->ports[port->first].endpoint.url.scheme;
        binding->codec = port->endpoint.codec;
        binding->service = port->endpoint.service;
        binding->codec_config = server->ports[port->codec_slot].endpoint.codec_config;
        binding->config_id = (uint32_t)port->codec_slot;
        join_address(port, binding, &worker->bindings[port->first]);
        if (port->codec_slot == i)
            err = start_codec(binding);
        else
            binding->codec_loop = worker->bindings[port->codec_slot].codec_loop;
        if (err < 0)
            return err;
        if (port->service_slot == i)
            err = start_service(binding, port->endpoint.service_config);
        else
            binding->service_loop = worker->bindings[port->service_slot].service_loop;
        if (err == 0)
            err = start_layers(binding, &port->endpoint);
        if (err < 0)
            return err;
    }
    return 0;
}

static void unbind_plugins(struct weft_server *server, struct weft__worker *worker)
{
    for (size_t i = server->port_count; i-- > 0;) {
        const struct weft__port *port = &server->ports[i];
        struct weft__binding *binding = &worker->bindings[i];

        stop_layers(binding);
        if (port->service_slot == i && binding->service_loop) {
            if (binding->service->stop)
                binding->service->stop(binding->service_loop);
            weft_free(binding->service_loop);
        }
        if (port->codec_slot == i && binding->codec_loop) {
            if (binding->codec->loop_fini)
                binding->codec->loop_fini(binding->codec_loop);
            weft_free(binding->codec_loop);
        }
    }
}

int weft__server_make_threads(struct weft_server *server, struct weft_error *error)
{
    int fd_limit = (int)server->limits.max_connections + OTHER_DESCRIPTORS;

    if (server->limits.frame_cache > 0) {
        server->frames = weft_frame_cache_new((size_t)server->limits.frame_cache);
        if (!server->frames)
            return weft_error_set(error, -ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < server->thread_count; i++) {
        struct weft__thread *thread = &server->threads[i];
        thread->limits = server->limits;
        int err = weft__worker_init(&thread->worker, &thread->limits, server->log,
                                    server->port_count, fd_limit);
        if (err < 0)
            return weft_error_set(error, err, "cannot make an event loop: %s", weft_strerror(err));
        thread->server = server;
        if (server->measures) {
            thread->worker.measures = weft_calloc(1, sizeof *thread->worker.measures);
            if (!thread->worker.measures) {
                weft__worker_fini(&thread->worker);
                return weft_error_set(error, -ENOMEM, "out of memory");
            }
        }
        thread->worker.frames = server->frames;
        thread->worker.latest_id = &server->latest_id;
        thread->worker.sibling = &server->threads[(i + 1) % server->thread_count].worker;
        server->ready++;
        err = bind_plugins(server, &thread->worker);
        if (err < 0)
            return weft_error_set(error, err, "cannot start a plugin: %s", weft_strerror(err));
    }
    return 0;
}

void weft__server_free_threads(struct weft_server *server)
{
    for (size_t i = 0; i < server->ready; i++) {
        unbind_plugins(server, &server->threads[i].worker);
        weft__worker_fini(&server->threads[i].worker);
    }
    weft_free(server->threads);
    weft_frame_cache_free(server->frames);
}

void weft__server_free_ports(struct weft_server *server)
{
    for (size_t i = 0; i < server->port_count; i++) {
        struct weft__port *port = &server->ports[i];
        weft_free(port->listener);
        weft_free(port->lines);
        weft_free(port->address);
        weft_endpoint_fini(&port->endpoint);
    }
    weft_free(server->ports);
}
