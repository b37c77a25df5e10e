/* SPDX-License-Identifier: MIT
 *
 * The struct that these files share. Private to core/server. server.c calls the others, and none calls
 * back.
 *
 *   setup.c    makes endpoints of options (plan.h), merges equal configurations, makes workers
 *   sharing.c  refuses codecs that cannot share an address
 *   accept.c   accepts, refuses, and places connections on the worker that has the fewest
 *   server.c   life: listen, start, run, stop, cut, count */
#ifndef WEFT_SERVER_PRIVATE_H
#define WEFT_SERVER_PRIVATE_H

#include "endpoint.h"
#include "core/conn/worker.h"

enum {
    WEFT__DESCRIBE_SIZE = 512,
    /* Connections that are being refused in words. Beyond this they are dropped without. */
    WEFT__MAX_REFUSING = 256
};

/* An endpoint, its listeners, and the merged configurations that it uses. Those that share an address
 * are side by side, and the first of them listens. */
struct weft__port {
    struct weft_server *server;
    struct weft_endpoint endpoint;
    size_t first;  /* index of the first one at the address */
    char *address; /* the URL as given, without options; NULL if it is not the first */
    struct weft_listener *listener; /* of the first address; NULL until bound */
    bool listening;
    size_t codec_slot, service_slot; /* index of the first endpoint with an equal configuration */
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

/* server.c. Makes the server accept; run calls it before the loops have turns. */
void weft__server_begin(struct weft_server *server);

/* sharing.c. Called once the workers are made. */
WEFT_MUST_USE int weft__server_check_sharing(const struct weft_server *server,
                                             struct weft_error *error);

/* setup.c. Whatever a failure leaves behind, weft_server_free frees. */
WEFT_MUST_USE int weft__server_make_ports(struct weft_server *server,
                                          const struct weft_server_options *options,
                                          struct weft_error *error);
WEFT_MUST_USE int weft__server_make_threads(struct weft_server *server, struct weft_error *error);
void weft__server_free_threads(struct weft_server *server);
void weft__server_free_ports(struct weft_server *server);

/* accept.c. For the first worker's thread. */
void weft__server_on_listener(struct weft_listener *listener);
void weft__server_set_accepting(struct weft_server *server, bool on);
/* Refuses in words whoever waits to be accepted, then closes the listeners. */
void weft__server_close_listeners(struct weft_server *server);
/* Closes the listeners at once, which resets whoever waits to be accepted. */
void weft__server_unlisten(struct weft_server *server);

#endif
