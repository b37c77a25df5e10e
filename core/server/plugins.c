/* SPDX-License-Identifier: MIT
 *
 * Lists of plugins go into a registry as a whole or not at all. */
#include "core/registry.h"

#include <errno.h>

/* Words the result of adding one plugin, and returns it. */
static int tell(int err, const char *kind, const char *name, struct weft_error *error)
{
    const char *what;
    switch (err) {
    case 0:
        return 0;
    case -EEXIST:
        what = "there is one of this name already";
        break;
    case -ENOSPC:
        what = "there is no place for one more";
        break;
    case -EINVAL:
        what = "no URL can say its name, or a slot that must be there is not";
        break;
    default:
        what = "servers and clients have been made already";
        break;
    }
    return weft_error_set(error, err, "%s '%.64s': %s", kind, name ? name : "", what);
}

static int add_transports(struct weft_registry *registry,
                          const struct weft_transport *const *transports, struct weft_error *error)
{
    int err = 0;
    for (; err == 0 && transports && *transports; transports++)
        err = tell(weft_registry_add_transport(registry, *transports), "transport",
                   (*transports)->name, error);
    return err;
}

static int add_codecs(struct weft_registry *registry, const struct weft_codec *const *codecs,
                      struct weft_error *error)
{
    int err = 0;
    for (; err == 0 && codecs && *codecs; codecs++)
        err = tell(weft_registry_add_codec(registry, *codecs), "codec", (*codecs)->name, error);
    return err;
}

static int add_services(struct weft_registry *registry, const struct weft_service *const *services,
                        struct weft_error *error)
{
    int err = 0;
    for (; err == 0 && services && *services; services++)
        err = tell(weft_registry_add_service(registry, *services, NULL), "service",
                   (*services)->name, error);
    return err;
}

static int add_layers(struct weft_registry *registry, const struct weft_layer *const *layers,
                      struct weft_error *error)
{
    int err = 0;
    for (; err == 0 && layers && *layers; layers++)
        err =
            tell(weft_registry_add_layer(registry, *layers, NULL), "layer", (*layers)->name, error);
    return err;
}

int weft_registry_add_all(struct weft_registry *registry, const struct weft_plugins *plugins,
                          struct weft_error *error)
{
    const struct weft_registry before = *registry;
    int err = add_transports(registry, plugins->transports, error);
    if (err == 0)
        err = add_codecs(registry, plugins->codecs, error);
    if (err == 0)
        err = add_services(registry, plugins->services, error);
    if (err == 0)
        err = add_layers(registry, plugins->layers, error);
    if (err < 0)
        *registry = before;
    return err;
}
