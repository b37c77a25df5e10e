/* SPDX-License-Identifier: MIT
 *
 * An endpoint: a URL bound to a transport, a codec and, on a server, a service, each configured. */
#ifndef WEFT_ENDPOINT_H
#define WEFT_ENDPOINT_H

#include "core/registry.h"

/* Lets nothing more be added. Any thread, also while others look plugins up. */
void weft__registry_freeze(struct weft_registry *registry);

/* Writes the languages of the services of that name to dst, which has size bytes: "protobuf:abi, resp". */
void weft__registry_languages(const struct weft_registry *registry, const char *name, char *dst,
                              size_t size);

struct weft_endpoint {
    struct weft_url url;
    const struct weft_transport *transport;
    const struct weft_codec *codec;
    const struct weft_service *service;  /* NULL for a client */
    void *codec_config, *service_config; /* owned; NULL where the size is 0 */
    /* The layers that `layers=` names, the outermost first. */
    struct {
        const struct weft_layer *layer;
        void *context, *config; /* the config is owned; NULL if the size is 0 */
    } layers[WEFT_LAYERS_MAX];
    size_t layer_count;
};

/* The plugins for URLs that name none. */
struct weft_endpoint_defaults {
    const char *codec;      /* never NULL */
    const char *service;    /* NULL: a client's endpoint, `service=` is refused */
    bool codec_is_explicit; /* --codec gave the default: a client's URL that names another codec
                               contradicts it and is refused */
    /* For a server's endpoint whose codec is known (plan.h), or NULL. */
    const struct weft_codec *chosen;
    /* Codecs that the URL stands for as well, up to a NULL: its options may be theirs. Or NULL. */
    const struct weft_codec *const *companions;
    /* The endpoint whose variant this is: the URL's address, if it has one, is that one's. Or NULL. */
    const struct weft_endpoint *base;
};

/* Parses the URL, looks its plugins up, takes the service's face that speaks what the codec carries, refuses
 * options that none of the three declares, lets the transport check the URL, and configures codec and
 * service. Returns 0, WEFT_ECONFIG with one line in *error, or -ENOMEM. On failure nothing is held.
 * The registry and the limits must outlive the endpoint. */
WEFT_MUST_USE int weft_endpoint_init(struct weft_endpoint *endpoint, const char *url,
                                     const struct weft_registry *registry,
                                     const struct weft_endpoint_defaults *defaults,
                                     const struct weft_limits *limits, struct weft_error *error);
/* Frees the configurations. Does nothing to a zeroed endpoint. */
void weft_endpoint_fini(struct weft_endpoint *endpoint);

/* Writes "codec=raw service=kv" to dst, which has size bytes, and returns dst. */
char *weft_endpoint_describe(const struct weft_endpoint *endpoint, char *dst, size_t size);

#endif
