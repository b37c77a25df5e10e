/* SPDX-License-Identifier: MIT */
#include "core/registry.h"

#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The names of one kind, in the order they were added. The kinds are stored with their own types;
 * what they have in common is done on this. */
struct names {
    const char *name[WEFT_REGISTRY_MAX];
    size_t count;
};

static struct names codec_names(const struct weft_registry *registry)
{
    struct names names = {.count = 0};
    while (names.count < WEFT_REGISTRY_MAX && registry->codecs[names.count]) {
        names.name[names.count] = registry->codecs[names.count]->name;
        names.count++;
    }
    return names;
}

static struct names transport_names(const struct weft_registry *registry)
{
    struct names names = {.count = 0};
    while (names.count < WEFT_REGISTRY_MAX && registry->transports[names.count]) {
        names.name[names.count] = registry->transports[names.count]->name;
        names.count++;
    }
    return names;
}

static struct names service_names(const struct weft_registry *registry)
{
    struct names names = {.count = 0};
    while (names.count < WEFT_REGISTRY_MAX && registry->services[names.count].service) {
        names.name[names.count] = registry->services[names.count].service->name;
        names.count++;
    }
    return names;
}

static struct names layer_names(const struct weft_registry *registry)
{
    struct names names = {.count = 0};
    while (names.count < WEFT_REGISTRY_MAX && registry->layers[names.count].layer) {
        names.name[names.count] = registry->layers[names.count].layer->name;
        names.count++;
    }
    return names;
}

/* The place of name, or names->count. */
static size_t find(const struct names *names, const char *name)
{
    size_t i = 0;
    while (i < names->count && strcmp(names->name[i], name) != 0)
        i++;
    return i;
}

/* The flag is a plain bool in a header that C++ reads, and clients are made on any thread. */
void weft__registry_freeze(struct weft_registry *registry)
{
    __atomic_store_n(&registry->frozen, true, __ATOMIC_RELAXED);
}

static int may_add(const struct weft_registry *registry, const struct names *names,
                   const char *name)
{
    if (__atomic_load_n(&registry->frozen, __ATOMIC_RELAXED))
        return -EPERM;
    if (find(names, name) < names->count)
        return -EEXIST;
    return names->count < WEFT_REGISTRY_MAX ? 0 : -ENOSPC;
}

int weft_registry_add_codec(struct weft_registry *registry, const struct weft_codec *codec)
{
    if (!codec->name || !codec->speaks || !codec->decode || !codec->encode)
        return -EINVAL;
    struct names names = codec_names(registry);
    int err = may_add(registry, &names, codec->name);
    if (err == 0)
        registry->codecs[names.count] = codec;
    return err;
}

int weft_registry_add_transport(struct weft_registry *registry,
                                const struct weft_transport *transport)
{
    if (!transport->name || !transport->listen || !transport->enable || !transport->accept ||
        !transport->unlisten || !transport->attach || !transport->drop || !transport->connect)
        return -EINVAL;
    if (transport->stream_size < sizeof(struct weft_stream) ||
        transport->listener_size < sizeof(struct weft_listener))
        return -EINVAL;
    struct names names = transport_names(registry);
    int err = may_add(registry, &names, transport->name);
    if (err == 0)
        registry->transports[names.count] = transport;
    return err;
}

int weft_registry_add_service(struct weft_registry *registry, const struct weft_service *service,
                              void *context)
{
    if (!service->name || !service->speaks || !service->call)
        return -EINVAL;
    struct names names = service_names(registry);
    int err = may_add(registry, &names, service->name);
    if (err == 0) {
        registry->services[names.count].service = service;
        registry->services[names.count].context = context;
    }
    return err;
}

int weft_registry_add_layer(struct weft_registry *registry, const struct weft_layer *layer,
                            void *context)
{
    if (!layer->name || strpbrk(layer->name, ",&"))
        return -EINVAL;
    struct names names = layer_names(registry);
    int err = may_add(registry, &names, layer->name);
    if (err == 0) {
        registry->layers[names.count].layer = layer;
        registry->layers[names.count].context = context;
    }
    return err;
}

static void set_unknown(struct weft_error *error, const char *kind, const char *name,
                        const struct names *names)
{
    char list[256] = "none";
    size_t used = 0;
    for (size_t i = 0; i < names->count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
                                 names->name[i]);
    weft_error_set(error, WEFT_ECONFIG, "unknown %s '%s'; there are: %s", kind, name, list);
}

const struct weft_codec *weft_registry_codec(const struct weft_registry *registry, const char *name,
                                             struct weft_error *error)
{
    struct names names = codec_names(registry);
    size_t i = find(&names, name);
    if (i < names.count)
        return registry->codecs[i];
    set_unknown(error, "codec", name, &names);
    return NULL;
}

const struct weft_transport *weft_registry_transport(const struct weft_registry *registry,
                                                     const char *name, struct weft_error *error)
{
    struct names names = transport_names(registry);
    size_t i = find(&names, name);
    if (i < names.count)
        return registry->transports[i];
    set_unknown(error, "transport", name, &names);
    return NULL;
}

const struct weft_service *weft_registry_service(const struct weft_registry *registry,
                                                 const char *name, void **context,
                                                 struct weft_error *error)
{
    struct names names = service_names(registry);
    size_t i = find(&names, name);
    if (i < names.count) {
        *context = registry->services[i].context;
        return registry->services[i].service;
    }
    set_unknown(error, "service", name, &names);
    return NULL;
}

const struct weft_layer *weft_registry_layer(const struct weft_registry *registry, const char *name,
                                             void **context, struct weft_error *error)
{
    struct names names = layer_names(registry);
    size_t i = find(&names, name);
    if (i < names.count) {
        *context = registry->layers[i].context;
        return registry->layers[i].layer;
    }
    set_unknown(error, "layer", name, &names);
    return NULL;
}
