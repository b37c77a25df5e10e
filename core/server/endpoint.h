/* SPDX-License-Identifier: MIT
 *
 * An endpoint: a URL bound to a transport, a codec and, on a server, a service, each configured. */
#ifndef WEFT_ENDPOINT_H
#define WEFT_ENDPOINT_H

#include "core/registry.h"

/* Lets nothing more be added. Any thread, also while others look plugins up. */
void weft__registry_freeze(struct weft_registry *registry);

struct weft_endpoint {
    struct weft_url url;
    const struct weft_transport *transport;
    const struct weft_codec *codec;
    const struct weft_service *service;  /* NULL for a client's */
    void *codec_config, *service_config; /* owned; NULL where the size is 0 */
    /* What `layers=` names, the outermost first. */
    struct {
        const struct weft_layer *layer;
        void *context, *config; /* the config is owned; NULL if the size is 0 */
    } layers[WEFT_LAYERS_MAX];
    size_t layer_count;
};

/* What a URL may leave out. */
struct weft_endpoint_defaults {
    const char *codec;      /* never NULL */
    const char *service;    /* NULL: a client's endpoint, `service=` is refused */
    bool codec_is_explicit; /* the default was asked for by --codec: a URL of a client that names
                               another contradicts it */
};

/* Parses, looks up, checks that codec and service speak the same, refuses every option that none of
 * the three declares (naming those that are), configures. WEFT_ECONFIG with one line in *error;
 * -ENOMEM; on failure nothing is held. The registry must outlive the endpoint; limits must outlive
 * it as well. */
WEFT_MUST_USE int weft_endpoint_init(struct weft_endpoint *endpoint, const char *url,
                                     const struct weft_registry *registry,
                                     const struct weft_endpoint_defaults *defaults,
                                     const struct weft_limits *limits, struct weft_error *error);
/* A zeroed one is fine. */
void weft_endpoint_fini(struct weft_endpoint *endpoint);

/* "codec=raw service=kv", into dst of size bytes; returns dst. */
char *weft_endpoint_describe(const struct weft_endpoint *endpoint, char *dst, size_t size);

#endif
