/* SPDX-License-Identifier: MIT
 *
 * Makes the workers of a server, and the states that codecs and services have on their loops. */
#include <errno.h>

#include "server_private.h"

/* Descriptors that a process holds beside those of its connections: refused peers, listeners with one in reserve each,
 * also those that are added later, and files. */
enum { OTHER_DESCRIPTORS = WEFT__MAX_REFUSING + 512 };

/* --- slots ----------------------------------------------------------------------------------------- */

static bool same_config(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

/* Makes a slot that takes the configuration over. NULL: no memory. */
static struct weft__slot *new_slot(struct weft_server *server, struct weft__slot **list,
                                   void **config)
{
    struct weft__slot *slot =
        weft_calloc(1, sizeof *slot + server->options.threads * sizeof slot->loops[0]);

    if (!slot)
        return NULL;
    slot->id = server->slot_count++;
    slot->config = *config;
    *config = NULL;
    slot->next = *list;
    *list = slot;
    return slot;
}

int weft__server_codec_slot(struct weft_server *server, struct weft_endpoint *endpoint,
                            struct weft__slot **out)
{
    struct weft__slot *slot = server->codecs;

    while (slot && (slot->codec != endpoint->codec ||
                    !same_config(slot->config, endpoint->codec_config, slot->codec->config_size)))
        slot = slot->next;
    if (!slot) {
        slot = new_slot(server, &server->codecs, &endpoint->codec_config);
        if (slot)
            slot->codec = endpoint->codec;
    }
    *out = slot;
    return slot ? 0 : -ENOMEM;
}

int weft__server_service_slot(struct weft_server *server, struct weft_endpoint *endpoint,
                              struct weft__slot **out)
{
    struct weft__slot *slot = server->services;

    while (slot &&
           (slot->service != endpoint->service ||
            !same_config(slot->config, endpoint->service_config, slot->service->config_size)))
        slot = slot->next;
    if (!slot) {
        slot = new_slot(server, &server->services, &endpoint->service_config);
        if (slot) {
            slot->service = endpoint->service;
            slot->context = endpoint->service_context;
        }
    }
    *out = slot;
    return slot ? 0 : -ENOMEM;
}

static int start_state(const struct weft__slot *slot, void *state, struct weft_loop *loop)
{
    if (slot->service)
        return slot->service->start ? slot->service->start(state, slot->config, loop) : 0;
    return slot->codec->loop_init ? slot->codec->loop_init(state, slot->config) : 0;
}

int weft__slot_start(struct weft__slot *slot, struct weft__thread *thread, size_t index)
{
    size_t size = slot->service ? slot->service->loop_size : slot->codec->loop_size;

    if (slot->loops[index])
        return 0;
    /* At least a byte, so that a pointer that is not NULL also means success. */
    void *state = weft_calloc(1, size + 1);
    int err = state ? start_state(slot, state, thread->worker.loop) : -ENOMEM;
    if (err < 0)
        weft_free(state);
    else
        slot->loops[index] = state;
    return err;
}

static void stop_state(const struct weft__slot *slot, void *state)
{
    if (slot->service && slot->service->stop)
        slot->service->stop(state);
    if (slot->codec && slot->codec->loop_fini)
        slot->codec->loop_fini(state);
    weft_free(state);
}

/* The list begins with the slot that was made last. */
static void stop_slots(struct weft__slot *list, size_t index)
{
    for (struct weft__slot *slot = list; slot; slot = slot->next)
        if (slot->loops[index])
            stop_state(slot, slot->loops[index]);
}

static void free_slots(struct weft__slot *list)
{
    struct weft__slot *next;

    for (; list; list = next) {
        next = list->next;
        weft_free(list->config);
        weft_free(list);
    }
}

/* --- threads --------------------------------------------------------------------------------------- */

/* No endpoint has a layer twice. */
static size_t states_of_layers(const struct weft_registry *registry)
{
    size_t size = 0;

    for (size_t i = 0; i < WEFT_REGISTRY_MAX && registry->layers[i].layer; i++)
        size += WEFT__ALIGN_UP(registry->layers[i].layer->request_size);
    return size;
}

static int make_thread(struct weft_server *server, struct weft__thread *thread,
                       struct weft_error *error)
{
    const struct weft_limits *limits = &server->options.limits;
    int fd_limit = (int)limits->max_connections + OTHER_DESCRIPTORS;
    struct weft__worker *worker = &thread->worker;

    thread->limits = *limits;
    int err = weft__worker_init(worker, &thread->limits, server->options.log, fd_limit);
    if (err < 0)
        return weft_error_set(error, err, "cannot make an event loop: %s", weft_strerror(err));
    thread->server = server;
    if (server->options.measure) {
        worker->measures = weft_calloc(1, sizeof *worker->measures);
        if (!worker->measures) {
            weft__worker_fini(worker);
            return weft_error_set(error, -ENOMEM, "out of memory");
        }
    }
    worker->frames = server->frames;
    worker->latest_id = &server->latest_id;
    worker->requests.states = states_of_layers(server->options.registry);
    return 0;
}

int weft__server_make_threads(struct weft_server *server, struct weft_error *error)
{
    size_t cached = (size_t)server->options.limits.frame_cache;

    server->threads = weft_calloc(server->options.threads, sizeof *server->threads);
    if (!server->threads)
        return weft_error_set(error, -ENOMEM, "out of memory");
    server->thread_count = server->options.threads;
    if (cached > 0) {
        server->frames = weft_frame_cache_new(cached);
        if (!server->frames)
            return weft_error_set(error, -ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < server->thread_count; i++) {
        int err = make_thread(server, &server->threads[i], error);
        if (err < 0)
            return err;
        server->threads[i].worker.sibling = &server->threads[(i + 1) % server->thread_count].worker;
        server->ready++;
    }
    return 0;
}

void weft__server_free_threads(struct weft_server *server)
{
    for (size_t i = 0; i < server->ready; i++) {
        stop_slots(server->services, i);
        stop_slots(server->codecs, i);
        weft__worker_fini(&server->threads[i].worker);
    }
    free_slots(server->services);
    free_slots(server->codecs);
    weft_free(server->threads);
    weft_frame_cache_free(server->frames);
}
