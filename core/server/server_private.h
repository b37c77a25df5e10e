/* SPDX-License-Identifier: MIT
 *
 * What server.c, server_setup.c and server_accept.c share. Private to the core.
 *
 *   server_setup.c    options -> endpoints, configurations merged, workers with their plugin states
 *   server_accept.c   listeners: accept, refuse, place on the worker with the fewest
 *   server.c          life: listen, run, stop, cut, count */
#ifndef WEFT_SERVER_PRIVATE_H
#define WEFT_SERVER_PRIVATE_H

#include "endpoint.h"
#include "core/conn/worker.h"

enum {
    WEFT__DESCRIBE_SIZE = 512,
    /* Connections that are being told why not; beyond, they are dropped without words. */
    WEFT__MAX_REFUSING = 256
};

/* An endpoint, where it listens, and which of the merged configurations it uses. */
struct weft__port {
    struct weft_server *server;
    struct weft_endpoint endpoint;
    struct weft_listener *listener; /* of the first address; NULL until bound */
    bool listening;
    size_t codec_slot, service_slot; /* the first endpoint with an equal configuration: its id */
    /* A line for each address that is listened on, and an empty one until then. */
    char (*lines)[WEFT__DESCRIBE_SIZE];
    size_t line_count;
};

struct weft__thread {
    struct weft__worker worker;
    struct weft_server *server;
    pthread_t thread;
    bool started, empty;
    struct weft_post drain, cut, done;
};

struct weft_server {
    struct weft_limits limits;
    const struct weft_log *log;
    struct weft__port *ports;
    size_t port_count;
    struct weft_frame_cache *frames; /* for all threads; NULL where frame-cache is 0 */
    struct weft__thread *threads;
    size_t thread_count, ready; /* ready: threads whose plugin states are made */
    size_t running;             /* threads that are not done */
    uint64_t next_id;
    struct weft_timer drain_timer, accept_timer;
    uint64_t shed; /* peers turned away since descriptors ran out */
    bool serving, draining, cutting;
    bool backing_off; /* the last accept failed for want of descriptors or memory */
};

/* server.c. What run does before the loops have turns. */
void weft__server_begin(struct weft_server *server);

/* server_setup.c. What fails leaves nothing behind that weft_server_free does not handle. */
WEFT_MUST_USE int weft__server_make_ports(struct weft_server *server,
                                          const struct weft_server_options *options,
                                          struct weft_error *error);
WEFT_MUST_USE int weft__server_make_threads(struct weft_server *server, struct weft_error *error);
void weft__server_free_threads(struct weft_server *server);
void weft__server_free_ports(struct weft_server *server);

/* server_accept.c. On the first worker's thread. */
void weft__server_on_listener(struct weft_listener *listener);
void weft__server_set_accepting(struct weft_server *server, bool on);
/* Whoever waits is turned away in words, then the listeners close. */
void weft__server_close_listeners(struct weft_server *server);
/* The listeners close, and who waits is reset. */
void weft__server_unlisten(struct weft_server *server);

#endif
