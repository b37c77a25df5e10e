/* SPDX-License-Identifier: MIT */
#include "core/registry.h"

#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The names of one kind, in the order they were added. The kinds are stored with their own types;
 * what they have in common is done on this. */
struct names {
    const char *name[2 * WEFT_REGISTRY_MAX];
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

/* Transports and filters, which share their names. */
static struct names scheme_names(const struct weft_registry *registry)
{
    struct names names = transport_names(registry);
    for (size_t i = 0; i < WEFT_REGISTRY_MAX && registry->filters[i].filter; i++)
        names.name[names.count++] = registry->filters[i].filter->name;
    return names;
}

static size_t count_services(const struct weft_registry *registry)
{
    size_t count = 0;
    while (count < WEFT_REGISTRY_MAX && registry->services[count].service)
        count++;
    return count;
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

/* Each name once, though several services may have it. */
static struct names service_names(const struct weft_registry *registry)
{
    struct names names = {.count = 0};
    for (size_t i = 0; i < count_services(registry); i++) {
        const char *name = registry->services[i].service->name;
        if (find(&names, name) == names.count)
            names.name[names.count++] = name;
    }
    return names;
}

/* The flag is a plain bool in a header that C++ reads, and clients are made on any thread. */
void weft__registry_freeze(struct weft_registry *registry)
{
    __atomic_store_n(&registry->frozen, true, __ATOMIC_RELAXED);
}

static bool is_frozen(const struct weft_registry *registry)
{
    return __atomic_load_n(&registry->frozen, __ATOMIC_RELAXED);
}

const char *weft__codecs_of_auto(const char *codec)
{
    static const char word[] = "auto";
    size_t size = sizeof word - 1;

    if (strncmp(codec, word, size) != 0)
        return NULL;
    if (codec[size] == ':')
        return codec + size + 1;
    return codec[size] == '\0' ? codec + size : NULL;
}

/* True if options of a URL can say the name, also in a list (core/server/plan.c, endpoint.c). */
static bool is_name(const char *name)
{
    return name && *name && strlen(name) < WEFT__NAME_SIZE && !strpbrk(name, ",&");
}

static int may_add(const struct weft_registry *registry, const struct names *names,
                   const char *name)
{
    if (is_frozen(registry))
        return -EPERM;
    if (find(names, name) < names->count)
        return -EEXIST;
    return names->count < WEFT_REGISTRY_MAX ? 0 : -ENOSPC;
}

int weft_registry_add_codec(struct weft_registry *registry, const struct weft_codec *codec)
{
    if (!is_name(codec->name) || weft__codecs_of_auto(codec->name) || !codec->speaks ||
        !codec->decode || !codec->encode)
        return -EINVAL;
    struct names names = codec_names(registry);
    int err = may_add(registry, &names, codec->name);
    if (err == 0)
        registry->codecs[names.count] = codec;
    return err;
}

/* A transport makes streams by itself, a multiplexer out of a stream; it is one of the two. */
static bool has_slots(const struct weft_transport *transport)
{
    bool is_mux = transport->begin != NULL;

    if (!transport->enable || !transport->accept || !transport->unlisten || !transport->attach ||
        !transport->drop)
        return false;
    if (is_mux)
        return transport->dial && transport->configure && transport->trouble &&
               !transport->listen && !transport->connect && !transport->check;
    return transport->listen && transport->connect && !transport->dial;
}

int weft_registry_add_transport(struct weft_registry *registry,
                                const struct weft_transport *transport)
{
    if (!is_name(transport->name) || strchr(transport->name, '+') || !has_slots(transport))
        return -EINVAL;
    if (transport->stream_size < sizeof(struct weft_stream) ||
        transport->listener_size < sizeof(struct weft_listener))
        return -EINVAL;
    struct names names = transport_names(registry), schemes = scheme_names(registry);
    int err = may_add(registry, &names, transport->name);
    if (err == 0 && find(&schemes, transport->name) < schemes.count)
        err = -EEXIST;
    if (err == 0)
        registry->transports[names.count] = transport;
    return err;
}

int weft_registry_add_filter(struct weft_registry *registry, const struct weft_filter *filter,
                             void *context)
{
    if (!filter->name || strchr(filter->name, '+') || !filter->init || !filter->fini ||
        !filter->open || !filter->seal)
        return -EINVAL;
    struct names names = scheme_names(registry);
    size_t count = names.count - transport_names(registry).count;
    if (is_frozen(registry))
        return -EPERM;
    if (find(&names, filter->name) < names.count)
        return -EEXIST;
    if (count == WEFT_REGISTRY_MAX)
        return -ENOSPC;
    registry->filters[count].filter = filter;
    registry->filters[count].context = context;
    return 0;
}

int weft_registry_add_service(struct weft_registry *registry, const struct weft_service *service,
                              void *context)
{
    if (!is_name(service->name) || !service->speaks || !service->call)
        return -EINVAL;
    if (is_frozen(registry))
        return -EPERM;
    size_t count = count_services(registry);
    for (size_t i = 0; i < count; i++) {
        const struct weft_service *other = registry->services[i].service;
        if (strcmp(other->name, service->name) == 0 && strcmp(other->speaks, service->speaks) == 0)
            return -EEXIST;
    }
    if (count == WEFT_REGISTRY_MAX)
        return -ENOSPC;
    registry->services[count].service = service;
    registry->services[count].context = context;
    return 0;
}

int weft_registry_add_layer(struct weft_registry *registry, const struct weft_layer *layer,
                            void *context)
{
    if (!is_name(layer->name))
        return -EINVAL;
    struct names names = layer_names(registry);
    int err = may_add(registry, &names, layer->name);
    if (err == 0) {
        registry->layers[names.count].layer = layer;
        registry->layers[names.count].context = context;
    }
    return err;
}

static void join(const struct names *names, char *dst, size_t size)
{
    size_t used = (size_t)snprintf(dst, size, "%s", names->count > 0 ? "" : "none");
    for (size_t i = 0; i < names->count && used < size; i++)
        used +=
            (size_t)snprintf(dst + used, size - used, "%s%s", i > 0 ? ", " : "", names->name[i]);
}

static void set_unknown(struct weft_error *error, const char *kind, const char *name,
                        const struct names *names)
{
    char list[256];
    join(names, list, sizeof list);
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
    struct names names = transport_names(registry), schemes = scheme_names(registry);
    size_t i = find(&names, name);
    if (i < names.count)
        return registry->transports[i];
    set_unknown(error, "transport", name, &schemes);
    return NULL;
}

static bool is_star(const char *speaks)
{
    return strcmp(speaks, "*") == 0;
}

/* Returns the place of the service that fits best, or WEFT_REGISTRY_MAX. */
static size_t find_face(const struct weft_registry *registry, const char *name, const char *speaks)
{
    size_t best = WEFT_REGISTRY_MAX;
    for (size_t i = count_services(registry); i-- > 0;) {
        const struct weft_service *service = registry->services[i].service;
        if (strcmp(service->name, name) != 0)
            continue;
        if (!speaks || is_star(speaks) || is_star(service->speaks))
            best = i;
        else if (strcmp(service->speaks, speaks) == 0)
            return i;
    }
    return best;
}

void weft__registry_languages(const struct weft_registry *registry, const char *name, char *dst,
                              size_t size)
{
    struct names languages = {.count = 0};
    for (size_t i = 0; i < count_services(registry); i++) {
        const struct weft_service *service = registry->services[i].service;
        if (strcmp(service->name, name) == 0)
            languages.name[languages.count++] = service->speaks;
    }
    join(&languages, dst, size);
}

const struct weft_service *weft_registry_service(const struct weft_registry *registry,
                                                 const char *name, const char *speaks,
                                                 void **context, struct weft_error *error)
{
    size_t i = find_face(registry, name, speaks);
    if (i < WEFT_REGISTRY_MAX) {
        *context = registry->services[i].context;
        return registry->services[i].service;
    }
    struct names names = service_names(registry);
    if (find(&names, name) == names.count) {
        set_unknown(error, "service", name, &names);
    } else {
        char list[256];
        weft__registry_languages(registry, name, list, sizeof list);
        weft_error_set(error, WEFT_ECONFIG, "service '%s' speaks %s, not %s", name, list, speaks);
    }
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
