/* SPDX-License-Identifier: MIT
 *
 * Makes the addresses of URLs with their endpoints, and starts and stops the endpoints on the loops. */
#include <errno.h>
#include <stdio.h>

#include "plan.h"
#include "server_private.h"

/* --- making ---------------------------------------------------------------------------------------- */

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

static int make_port(struct weft__address *address, const struct weft__plan *plan, size_t i,
                     struct weft_error *error)
{
    const struct weft_codec *companions[WEFT_REGISTRY_MAX + 1], *sharers[WEFT_REGISTRY_MAX + 1];
    struct weft_server *server = address->server;
    const struct weft__planned *planned = &plan->items[i];
    struct weft__port *port = &address->ports[address->count];
    const struct weft_endpoint_defaults defaults = {
        .codec = server->options.codec,
        /* NULL would make a client's endpoint. A URL without a service is not planned then. */
        .service = server->options.service ? server->options.service : "",
        .observers = server->options.observers,
        .guard = server->options.guard,
        .chosen = planned->codec,
        .companions = companions,
        .sharers = sharers,
        /* With `codec=auto` only the first one has the address. */
        .base = planned->first != i ? &address->ports[0].endpoint : NULL,
    };

    find_companions(plan, planned->url, companions);
    find_sharers(plan, i, sharers);
    int err = weft_endpoint_init(&port->endpoint, planned->url, server->options.registry, &defaults,
                                 &server->options.limits, error);
    if (err < 0)
        return err;
    address->count++;
    port->address = address;
    err = weft__server_codec_slot(server, &port->endpoint, &port->codec);
    if (err == 0)
        err = weft__server_service_slot(server, &port->endpoint, &port->service);
    return err < 0 ? weft_error_set(error, err, "out of memory") : 0;
}

static char *copy_name(const char *url)
{
    size_t size = strcspn(url, "?");
    char *copy = weft_malloc(size + 1);

    if (copy) {
        memcpy(copy, url, size);
        copy[size] = '\0';
    }
    return copy;
}

size_t weft__urls_of_address(const char *const *urls, size_t url_count)
{
    size_t count = 1;

    while (count < url_count && urls[count][0] == '?')
        count++;
    return count;
}

char *weft__urls_join(const char *const *urls, size_t count)
{
    size_t size = 1;

    for (size_t i = 0; i < count; i++)
        size += strlen(urls[i]) + 1;
    char *joined = weft_malloc(size), *at = joined;
    for (size_t i = 0; joined && i < count; i++)
        at += snprintf(at, size - (size_t)(at - joined), "%s%s", i > 0 ? "\n" : "", urls[i]);
    return joined;
}

static int make_parts(struct weft__address *address, size_t count)
{
    size_t threads = address->server->options.threads;

    address->ports = weft_calloc(count, sizeof *address->ports);
    address->parts = weft_calloc(threads, sizeof *address->parts);
    for (size_t i = 0; address->parts && i < threads; i++) {
        address->parts[i] =
            weft_calloc(1, sizeof *address->parts[0] + count * sizeof(struct weft__binding));
        if (!address->parts[i])
            return -ENOMEM;
        address->parts[i]->address = address;
    }
    return address->ports && address->parts ? 0 : -ENOMEM;
}

/* Makes the address that begins with item `first` of the plan, for its URLs. */
static int make(struct weft__address *address, const struct weft__plan *plan, size_t first,
                const char *const *urls, size_t url_count, struct weft_error *error)
{
    size_t count = 1;

    while (first + count < plan->count && plan->items[first + count].first == first)
        count++;
    address->urls = weft__urls_join(urls, url_count);
    address->name = copy_name(urls[0]);
    if (!address->urls || !address->name || make_parts(address, count) < 0)
        return weft_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = first; i < first + count; i++) {
        int err = make_port(address, plan, i, error);
        if (err < 0)
            return err;
    }
    return 0;
}

static int make_all(struct weft__addresses *made, struct weft_server *server,
                    const struct weft__plan *plan, const char *const *urls, size_t url_count,
                    struct weft_error *error)
{
    made->of = weft_calloc(plan->count, sizeof *made->of);
    if (!made->of)
        return weft_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->items[i].first != i)
            continue;
        size_t count = weft__urls_of_address(urls, url_count);
        struct weft__address *address = weft_calloc(1, sizeof *address);
        if (!address)
            return weft_error_set(error, -ENOMEM, "out of memory");
        made->of[made->count++] = address;
        address->server = server;
        int err = make(address, plan, i, urls, count, error);
        if (err < 0)
            return err;
        urls += count;
        url_count -= count;
    }
    return 0;
}

int weft__addresses_make(struct weft__addresses *made, struct weft_server *server,
                         const char *const *urls, size_t url_count, struct weft_error *error)
{
    struct weft_server_options options = server->options;
    struct weft__plan plan;

    *made = (struct weft__addresses){.count = 0};
    options.urls = urls;
    options.url_count = url_count;
    int err = weft__plan_make(&plan, &options, error);
    if (err < 0)
        return err;
    err = make_all(made, server, &plan, urls, url_count, error);
    weft__plan_free(&plan);
    if (err < 0)
        weft__addresses_free(made);
    return err;
}

void weft__address_free(struct weft__address *address)
{
    weft_timer_stop(&address->timer);
    weft__address_forget_lines(address);
    for (size_t i = 0; i < address->count; i++)
        weft_endpoint_fini(&address->ports[i].endpoint);
    for (size_t i = 0; address->parts && i < address->server->options.threads; i++) {
        if (address->parts[i])
            weft_deferred_cancel(&address->parts[i]->ended);
        weft_free(address->parts[i]);
    }
    weft_free(address->parts);
    weft_free(address->ports);
    weft_free(address->listener);
    weft_free(address->urls);
    weft_free(address->name);
    weft_free(address);
}

void weft__addresses_free(struct weft__addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        weft__address_free(addresses->of[i]);
    weft_free(addresses->of);
    *addresses = (struct weft__addresses){.count = 0};
}

/* --- on the loops ---------------------------------------------------------------------------------- */

static int start_layer(struct weft__binding *binding, const struct weft_layer *layer,
                       const void *config)
{
    struct weft__layers *layers = &binding->layers;
    void *state = weft_calloc(1, layer->loop_size + 1);
    int err = -ENOMEM;

    if (state)
        err = layer->start ? layer->start(state, config, binding->worker->loop) : 0;
    if (err < 0) {
        weft_free(state);
        return err;
    }
    layers->of[layers->count].layer = layer;
    layers->of[layers->count].loop_state = state;
    if (layer->observe) {
        layers->observer = layer;
        layers->observer_loop = state;
        layers->untimed = 1;
    } else {
        layers->count++;
        layers->guarded |= layer->meet != NULL;
    }
    return 0;
}

/* Decides where a request has the states of layers, and how it gets through them. */
static void join_layers(struct weft__binding *binding)
{
    struct weft__layers *layers = &binding->layers;
    size_t at = 0;

    for (size_t i = 0; i < layers->count; i++) {
        layers->of[i].at = at;
        at += WEFT__ALIGN_UP(layers->of[i].layer->request_size);
    }
    layers->alone = layers->count == 1 && !layers->guarded;
    layers->quick = layers->guarded && layers->count == 1 && binding->service->asks;
    bool asked = layers->guarded;
    for (size_t i = 0; i < layers->count; i++)
        asked |= layers->of[i].layer->ask != NULL;
    layers->public = (const char *)layers + !asked;
    layers->none.action = (const char *)&layers->none;
    layers->tally = &layers->none;
    layers->inner = layers->quick       ? weft__layers_call_quick
                    : layers->alone     ? weft__layers_call_one
                    : layers->count > 0 ? weft__layers_call
                                        : binding->service->call;
    binding->call = layers->observer ? weft__layers_observe : layers->inner;
}

/* Layers belong to their endpoint: none is shared, so that what one counts is its endpoint's. The observer starts
 * last. */
static int start_layers(struct weft__binding *binding, const struct weft_endpoint *endpoint)
{
    for (int observers = 0; observers <= 1; observers++)
        for (size_t i = 0; i < endpoint->layer_count; i++) {
            const struct weft_layer *layer = endpoint->layers[i].layer;
            if (observers != (layer->observe != NULL))
                continue;
            int err = start_layer(binding, layer, endpoint->layers[i].config);
            if (err < 0)
                return err;
        }
    join_layers(binding);
    return 0;
}

/* Counts an endpoint for the first one at its address. */
static void join_address(const struct weft_endpoint *endpoint, struct weft__binding *binding,
                         struct weft__binding *first)
{
    binding->variants = 1;
    first->variants += binding != first;
    if (first->codec_room < endpoint->codec->conn_size)
        first->codec_room = endpoint->codec->conn_size;
    if (first->service_room < endpoint->service->conn_size)
        first->service_room = endpoint->service->conn_size;
}

static int start_port(const struct weft__port *port, struct weft__part *part, size_t index)
{
    struct weft__binding *first = part->bindings;
    struct weft__binding *binding = &first[port - port->address->ports];
    struct weft__thread *thread = part->thread;

    binding->worker = &thread->worker;
    binding->share = &part->share;
    binding->stack = port->endpoint.stack;
    binding->scheme = port->address->ports[0].endpoint.url.scheme;
    binding->codec = port->endpoint.codec;
    binding->service = port->endpoint.service;
    binding->codec_config = port->codec->config;
    binding->config_id = port->codec->id;
    join_address(&port->endpoint, binding, first);
    int err = weft__slot_start(port->codec, thread, index);
    if (err == 0)
        err = weft__slot_start(port->service, thread, index);
    if (err < 0)
        return err;
    binding->codec_loop = port->codec->loops[index];
    binding->service_loop = port->service->loops[index];
    return start_layers(binding, &port->endpoint);
}

int weft__address_start(struct weft__address *address, struct weft__thread *thread)
{
    size_t index = (size_t)(thread - address->server->threads);
    struct weft__part *part = address->parts[index];

    part->thread = thread;
    for (size_t i = 0; i < address->count; i++) {
        int err = start_port(&address->ports[i], part, index);
        if (err < 0) {
            weft__address_stop(address, thread);
            return err;
        }
    }
    return 0;
}

void weft__address_stop(struct weft__address *address, struct weft__thread *thread)
{
    struct weft__part *part = address->parts[thread - address->server->threads];

    for (size_t k = address->count; k-- > 0;) {
        struct weft__layers *layers = &part->bindings[k].layers;
        for (size_t i = weft__layers_all(layers); i-- > 0;) {
            if (layers->of[i].layer->stop)
                layers->of[i].layer->stop(layers->of[i].loop_state);
            weft_free(layers->of[i].loop_state);
        }
        layers->count = 0;
        layers->observer = NULL;
        layers->tally = &layers->none;
    }
}

/* --- counters -------------------------------------------------------------------------------------- */

void weft__counts_add(struct weft_server_counts *sum, const struct weft__counts *counts)
{
    sum->accepted += atomic_load_explicit(&counts->accepted, memory_order_relaxed);
    sum->open += atomic_load_explicit(&counts->open, memory_order_relaxed);
    sum->requests += atomic_load_explicit(&counts->requests, memory_order_relaxed);
    sum->rejected += atomic_load_explicit(&counts->rejected, memory_order_relaxed);
    sum->bytes_in += atomic_load_explicit(&counts->bytes_in, memory_order_relaxed);
    sum->bytes_out += atomic_load_explicit(&counts->bytes_out, memory_order_relaxed);
    for (size_t i = 0; i < WEFT_REASON_COUNT; i++)
        sum->closed[i] += atomic_load_explicit(&counts->closed[i], memory_order_relaxed);
}

void weft__port_count(const struct weft__port *port, struct weft_server_counts *sum)
{
    for (size_t t = 0; t < port->address->server->thread_count; t++)
        weft__counts_add(sum, &weft__port_binding(port, t)->counts);
}
