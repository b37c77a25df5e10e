/* SPDX-License-Identifier: MIT
 *
 * An endpoint: a URL bound to a stack of filters and a transport, a codec and, on a server, a service and its layers, all
 * configured. Servers and clients make their endpoints with this. Private to the core. */
#ifndef WEFT_ENDPOINT_H
#define WEFT_ENDPOINT_H

#include "core/registry.h"
#include "core/stack/stack.h"

/* Freezes a registry, so that nothing more can be added. Any thread, also while others look plugins up. */
void weft__registry_freeze(struct weft_registry *registry);

/* Writes the languages that the services of that name speak to dst, which has size bytes: "protobuf:abi,
 * resp". It writes "none" if no service has that name. */
void weft__registry_languages(const struct weft_registry *registry, const char *name, char *dst,
                              size_t size);

enum { WEFT__NAME_SIZE = 64 }; /* room for a plugin's name and its NUL */

/* Returns the names behind "auto:", "" for "auto" alone, or NULL if that is a codec's own name. */
const char *weft__codecs_of_auto(const char *codec);

struct weft_endpoint {
    struct weft_url url;             /* a copy; without an address if the endpoint is a variant */
    const struct weft__stack *stack; /* own_stack, or that of the endpoint whose variant this is */
    struct weft__stack own_stack;
    const struct weft_codec *codec;
    const struct weft_service *service;  /* NULL for a client */
    void *service_context;               /* what the service was registered with */
    void *codec_config, *service_config; /* owned; NULL where the size is 0 */
    /* The layers that the option `layers` names, the outermost first. */
    struct {
        const struct weft_layer *layer;
        void *context, *config; /* the config is owned; NULL if the size is 0 */
    } layers[WEFT_LAYERS_MAX];
    size_t layer_count;
};

/* An endpoint is made of these and its URL. They are borrowed until weft_endpoint_init returns. */
struct weft_endpoint_defaults {
    /* For a URL that names no codec; not NULL. */
    const char *codec;
    /* For a URL that names no service. NULL makes a client's endpoint, whose URL may name neither a service
     * nor layers. */
    const char *service;
    /* The names of layers before those of the URL, or NULL: first `observers`, with commas between, which a URL may also
     * name, then `guard`. */
    const char *observers, *guard;
    /* True if a user asked for `codec`: a URL that names another one contradicts that and is refused. */
    bool codec_is_explicit;
    /* The codec, if a server's plan has chosen it (plan.h). NULL: the URL or `codec` names it. */
    const struct weft_codec *chosen;
    /* All codecs that the same URL stands for, up to a NULL: the URL may use their options. Or NULL. */
    const struct weft_codec *const *companions;
    /* All codecs at the address, ended by NULL, for the filters that agree on one. NULL or empty: the endpoint's. */
    const struct weft_codec *const *sharers;
    /* If this is a variant, the first endpoint at its address, whose stack it has: an address in the
     * URL is ignored. NULL: the endpoint has an address of its own. */
    const struct weft_endpoint *base;
};

/* Parses the URL and looks up its plugins. The endpoint may not be moved afterwards. The service is the face that speaks what the codec carries.
 * Refuses options that no plugin declares, lets the transport check the URL, and configures filters, codec,
 * service and layers. The registry and the limits must outlive the endpoint. Returns 0. On failure nothing is
 * held, and the result is WEFT_ECONFIG, or what a configure returned, with one line in *error. */
WEFT_MUST_USE int weft_endpoint_init(struct weft_endpoint *endpoint, const char *url,
                                     const struct weft_registry *registry,
                                     const struct weft_endpoint_defaults *defaults,
                                     const struct weft_limits *limits, struct weft_error *error);
/* Frees the configurations. Does nothing to a zeroed endpoint. */
void weft_endpoint_fini(struct weft_endpoint *endpoint);

/* Writes "codec=raw service=kv", or "codec=raw" for a client's endpoint, to dst, which has size bytes, and
 * returns dst. */
char *weft_endpoint_describe(const struct weft_endpoint *endpoint, char *dst, size_t size);

#endif
