/* SPDX-License-Identifier: MIT
 *
 * The registry: codecs, transports, services and layers by name. A program fills it on one thread. The
 * first server or client that is made from it freezes it; after that it never changes, so any thread
 * may look plugins up and make servers and clients without a lock. The plugins are borrowed for the
 * registry's life. */
#ifndef WEFT_REGISTRY_H
#define WEFT_REGISTRY_H

#include <stdbool.h>

#include "codec.h"
#include "layer.h"
#include "service.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_REGISTRY_MAX = 16 }; /* of each kind */

struct weft_registry {
    const struct weft_codec *codecs[WEFT_REGISTRY_MAX];
    const struct weft_transport *transports[WEFT_REGISTRY_MAX];
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

/* Each adds one plugin to a registry, which is empty when zeroed. Returns 0; -EEXIST if the name is
 * taken, a service's by one that speaks the same; -ENOSPC if there are WEFT_REGISTRY_MAX of its kind; -EPERM if the registry is frozen; -EINVAL
 * if the plugin lacks a name or a mandatory slot, a layer's name contains `,` or `&`, or a transport's
 * stream_size or listener_size is too small. */
WEFT_MUST_USE int weft_registry_add_codec(struct weft_registry *registry,
                                          const struct weft_codec *codec);
WEFT_MUST_USE int weft_registry_add_transport(struct weft_registry *registry,
                                              const struct weft_transport *transport);
/* Hands context to the service's configure; it is borrowed for the registry's life. Services of one name
 * are faces of one thing, each in another language: an endpoint takes the face that its codec can carry,
 * so nobody has to name faces. The first of them is for codecs that carry anything. */
WEFT_MUST_USE int weft_registry_add_service(struct weft_registry *registry,
                                            const struct weft_service *service, void *context);
WEFT_MUST_USE int weft_registry_add_layer(struct weft_registry *registry,
                                          const struct weft_layer *layer, void *context);

/* Each returns the plugin of that name, or NULL with one line in *error: "unknown codec 'x'; there are:
 * raw, length-delimited-gzip". */
const struct weft_codec *weft_registry_codec(const struct weft_registry *registry, const char *name,
                                             struct weft_error *error);
const struct weft_transport *weft_registry_transport(const struct weft_registry *registry,
                                                     const char *name, struct weft_error *error);
/* Returns, of the services of that name, the one that fits payloads of the kind `speaks`: one that
 * speaks just that, or else one that speaks "*". NULL or "*" for speaks: the first. */
const struct weft_service *weft_registry_service(const struct weft_registry *registry,
                                                 const char *name, const char *speaks,
                                                 void **context, struct weft_error *error);
const struct weft_layer *weft_registry_layer(const struct weft_registry *registry, const char *name,
                                             void **context, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
