/* SPDX-License-Identifier: MIT
 *
 * Plugins as shared objects: files with codecs, services, layers and transports that a program loads at
 * run time. Build such a file against the installed headers and link it with no library of weft, because
 * the program that loads it exports their functions. The file lists what it offers in one definition:
 *
 *     WEFT_PLUGIN(.name = "netstring", .version = "1.0", .licence = "MIT",
 *                 .codecs = (const struct weft_codec *const[]){&netstring, NULL});
 */
#ifndef WEFT_PLUGIN_H
#define WEFT_PLUGIN_H

#include "codec.h"
#include "connections.h"
#include "loop.h"
#include "registry.h"
#include "service.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_PLUGIN_MAGIC "weftplug"

/* The version of the interface that plugins use. Whoever changes what a struct's members mean without
 * changing its size raises this by hand, because the sizes below do not show such a change. */
enum { WEFT_PLUGIN_ABI = 2 };

/* X(tag) for structs that a program and its plugins both look into. weft_plugin_load compares their sizes,
 * so it refuses a plugin that was built before or after one of them grew. */
#define WEFT_PLUGIN_STRUCTS(X)                                                                     \
    X(weft_codec)                                                                                  \
    X(weft_codec_state)                                                                            \
    X(weft_message)                                                                                \
    X(weft_decode_io)                                                                              \
    X(weft_encode_io)                                                                              \
    X(weft_message_head)                                                                           \
    X(weft_answer)                                                                                 \
    X(weft_service)                                                                                \
    X(weft_request)                                                                                \
    X(weft_rejection)                                                                              \
    X(weft_layer)                                                                                  \
    X(weft_action)                                                                                 \
    X(weft_peer)                                                                                   \
    X(weft_connection)                                                                             \
    X(weft_walk)                                                                                   \
    X(weft_transport)                                                                              \
    X(weft_stream)                                                                                 \
    X(weft_stream_ops)                                                                             \
    X(weft_listener)                                                                               \
    X(weft_accepted)                                                                               \
    X(weft_session_setup)                                                                          \
    X(weft_body)                                                                                   \
    X(weft_body_bytes)                                                                             \
    X(weft_view)                                                                                   \
    X(weft_chain)                                                                                  \
    X(weft_chain_mark)                                                                             \
    X(weft_piece)                                                                                  \
    X(weft_arena)                                                                                  \
    X(weft_option)                                                                                 \
    X(weft_option_value)                                                                           \
    X(weft_option_set)                                                                             \
    X(weft_limits)                                                                                 \
    X(weft_error)                                                                                  \
    X(weft_url)                                                                                    \
    X(weft_post)                                                                                   \
    X(weft_timer)                                                                                  \
    X(weft_turn_hook)                                                                              \
    X(weft_io)                                                                                     \
    X(weft_deferred)

/* A list of all that a shared object offers. Everything it points to is static. Define it with WEFT_PLUGIN,
 * which sets the first four members. */
struct weft_plugin {
    char magic[8];         /* WEFT_PLUGIN_MAGIC, without its NUL */
    uint32_t abi;          /* WEFT_PLUGIN_ABI */
    uint32_t size_count;   /* the length of sizes */
    const uint32_t *sizes; /* sizeof each struct of WEFT_PLUGIN_STRUCTS, in its order, as built */
    const char *name, *version, *licence; /* for people */
    /* Lists that end with NULL. A list that would be empty is NULL. Services and layers are registered
     * with the context NULL. */
    const struct weft_codec *const *codecs;
    const struct weft_service *const *services;
    const struct weft_transport *const *transports;
    const struct weft_layer *const *layers;
};

/* The one symbol that a shared object has to export. */
extern const struct weft_plugin weft_plugin;

#define WEFT_PLUGIN_SIZE_OF(tag) sizeof(struct tag),

/* Defines weft_plugin; the arguments are designated initialisers, from .name on. */
#define WEFT_PLUGIN(...)                                                                           \
    static const uint32_t weft_plugin_sizes[] = {WEFT_PLUGIN_STRUCTS(WEFT_PLUGIN_SIZE_OF)};        \
    __attribute__((visibility("default"))) const struct weft_plugin weft_plugin = {                \
        .magic = {'w', 'e', 'f', 't', 'p', 'l', 'u', 'g'},                                         \
        .abi = WEFT_PLUGIN_ABI,                                                                    \
        .size_count = sizeof weft_plugin_sizes / sizeof *weft_plugin_sizes,                        \
        .sizes = weft_plugin_sizes,                                                                \
        __VA_ARGS__}

/* Loads the shared object at path and adds all that it offers to registry. A path without a slash is a
 * file in the working directory: the loader's search path is not used. The object stays loaded until the
 * process ends, even if it is refused. Its constructors run before its list is checked. So load only what
 * is trusted, and only after privileges were given up. Call this on the main thread, before the registry
 * is frozen.
 *
 * Returns what the object offers. On failure it returns NULL, registry is unchanged, and *error has the
 * code WEFT_ECONFIG and one line that says what is wrong. The line names the file, unless the words are the
 * loader's own. */
WEFT_MUST_USE const struct weft_plugin *
weft_plugin_load(struct weft_registry *registry, const char *path, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
