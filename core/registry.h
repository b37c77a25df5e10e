/* SPDX-License-Identifier: MIT
 *
 * The registry: codecs, transports, filters, services and layers by name. A program fills it on one thread. The
 * first weft_server_new or weft_client_new freezes it. After that it never changes, so any thread may look
 * plugins up and make servers and clients without a lock. The plugins are borrowed for the registry's
 * life. */
#ifndef WEFT_REGISTRY_H
#define WEFT_REGISTRY_H

#include <stdbool.h>

#include "codec.h"
#include "filter.h"
#include "layer.h"
#include "service.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_REGISTRY_MAX = 16 }; /* of each kind */

/* The memory is the caller's. A zeroed registry is empty. Use the functions below, not the fields. */
struct weft_registry {
    const struct weft_codec *codecs[WEFT_REGISTRY_MAX];
    const struct weft_transport *transports[WEFT_REGISTRY_MAX];
    struct {
        const struct weft_filter *filter;
        void *context; /* handed to configure */
    } filters[WEFT_REGISTRY_MAX];
    struct {
        const struct weft_service *service;
        void *context; /* handed to configure */
    } services[WEFT_REGISTRY_MAX];
    struct {
        const struct weft_layer *layer;
        void *context; /* handed to configure */
    } layers[WEFT_REGISTRY_MAX];
    bool frozen;
};

/* Each of these five adds one plugin. Returns 0, or changes nothing and returns:
 *   - -EEXIST: the name is taken. A service's name is taken only by one that also speaks the same language.
 *   - -ENOSPC: there are WEFT_REGISTRY_MAX of its kind.
 *   - -EPERM: the registry is frozen.
 *   - -EINVAL: the plugin lacks a mandatory slot, its name has no or more than 63 bytes or contains `,` or
 *     `&`, a filter's or a transport's contains `+`, a codec's name is `auto` or begins with `auto:`, or a transport's stream_size or listener_size is
 *     too small. */
WEFT_MUST_USE int weft_registry_add_codec(struct weft_registry *registry,
                                          const struct weft_codec *codec);
WEFT_MUST_USE int weft_registry_add_transport(struct weft_registry *registry,
                                              const struct weft_transport *transport);
/* context is handed to the filter's configure; it is borrowed for the registry's life. Filters and transports
 * share their names, since both stand in schemes. */
WEFT_MUST_USE int weft_registry_add_filter(struct weft_registry *registry,
                                           const struct weft_filter *filter, void *context);
/* context is handed to the service's configure; it is borrowed for the registry's life. Services of one
 * name are its faces: each does the same in another language. An endpoint takes the face that its codec
 * can carry, so a URL names only the service. Add first the face for codecs that carry any language. */
WEFT_MUST_USE int weft_registry_add_service(struct weft_registry *registry,
                                            const struct weft_service *service, void *context);
/* context is handed to the layer's configure; it is borrowed for the registry's life. */
WEFT_MUST_USE int weft_registry_add_layer(struct weft_registry *registry,
                                          const struct weft_layer *layer, void *context);

/* Lists of plugins. Each ends with NULL, and a list that would be empty is NULL. */
struct weft_plugins {
    /* weft_transports_basic() has those of plain sockets, and weft_codecs_all() the codecs of the library. */
    const struct weft_transport *const *transports;
    const struct weft_codec *const *codecs;
    /* Both get the context NULL. */
    const struct weft_service *const *services;
    const struct weft_layer *const *layers;
};

/* Adds all plugins of the lists, in their order. The lists are borrowed for the call, the plugins for the registry's
 * life. Returns 0, or changes nothing and returns what adding one of them returned, with one line in *error that names
 * it: "codec 'raw': there is one of this name already". */
WEFT_MUST_USE int weft_registry_add_all(struct weft_registry *registry,
                                        const struct weft_plugins *plugins,
                                        struct weft_error *error);

/* Each returns the plugin of that name, or NULL with one line in *error: "unknown codec 'x'; there are:
 * raw, length-delimited-gzip". *context, where there is one, is set to what the plugin was added with. */
const struct weft_codec *weft_registry_codec(const struct weft_registry *registry, const char *name,
                                             struct weft_error *error);
const struct weft_transport *weft_registry_transport(const struct weft_registry *registry,
                                                     const char *name, struct weft_error *error);
/* Returns the face that a codec whose payloads are `speaks` gets: the service of that name that speaks just
 * that, or else the first that speaks "*". If speaks is NULL or "*", it is the first of that name. */
const struct weft_service *weft_registry_service(const struct weft_registry *registry,
                                                 const char *name, const char *speaks,
                                                 void **context, struct weft_error *error);
const struct weft_layer *weft_registry_layer(const struct weft_registry *registry, const char *name,
                                             void **context, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
