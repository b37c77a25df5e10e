/* SPDX-License-Identifier: MIT
 *
 * The struct of a server and the files that work on it. Private to core/server. server.c calls the others,
 * and none calls back.
 *
 *   server.c   life: new, listen, start, run, stop, cut, count, free
 *   setup.c    makes endpoints of options (plan.h), merges equal configurations, makes workers
 *   live.c     changes limits while the server runs
 *   sharing.c  refuses codecs that cannot share an address
 *   inspect.c  tells samples, begins walks
 *   accept.c   accepts peers, and turns them away or places them on the worker that has the fewest */
#ifndef WEFT_SERVER_PRIVATE_H
#define WEFT_SERVER_PRIVATE_H

#include "endpoint.h"
#include "core/conn/worker.h"

enum {
    WEFT__DESCRIBE_SIZE = 512 /* room for a line about an endpoint */
};

/* An endpoint with its listeners. Endpoints that share an address are side by side, and the first of them
 * listens. Endpoints of one plugin with equal configurations share the plugin's states per loop. */
struct weft__port {
    struct weft_server *server;
    struct weft_endpoint endpoint;
    size_t first;  /* index of the first one at the address */
    char *address; /* the URL as given, without options; NULL if it is not the first */
    /* That of the first address. NULL until listen is tried, and if the port is not the first. */
    struct weft_listener *listener;
    bool listening;
    size_t codec_slot, service_slot; /* index of the first endpoint with an equal configuration */
    /* A line for each address that is listened on; none before weft_server_listen. */
    char (*lines)[WEFT__DESCRIBE_SIZE];
    size_t line_count;
};

/* A worker and its thread. The first one's thread is that which calls weft_server_run. */
struct weft__thread {
    struct weft__worker worker;
    struct weft_server *server;
    struct weft_limits limits; /* this loop's copy of those in force (live.c) */
    pthread_t thread;
    /* started: the thread exists, which is never true of the first one. empty: the worker has drained. */
    bool started, empty;
    /* drain and cut are posted to this worker's loop. done is posted to the first one's when this worker
     * is empty. */
    struct weft_post drain, cut, done;
};

/* Used on the first worker's thread once weft_server_run is running. */
struct weft_server {
    struct weft_limits limits; /* as they were at the start; plugins have read them */
    const struct weft_log *log;
    struct weft_inheritance *inheritance;
    struct weft__port *ports;
    size_t port_count;
    struct weft_frame_cache *frames; /* for all threads; NULL where frame-cache is 0 */
    struct weft__thread *threads;
    size_t thread_count, ready; /* ready: threads whose worker is made */
    size_t running;             /* threads that have not drained, since serving began */
    _Atomic uint64_t latest_id; /* the number of the connection that was opened last */
    /* drain_timer cuts what has not drained; accept_timer ends a pause of accepting. */
    struct weft_timer drain_timer, accept_timer;
    uint64_t shed;                   /* peers dropped since descriptors or memory ran out */
    bool serving, draining, cutting; /* run, stop and the cut have begun */
    bool measures;                   /* as options.measure */
    bool backing_off;                /* the last accept failed for want of descriptors or memory */
};

/* server.c. Makes the server accept. weft_server_run calls this before it runs the first loop; tests that
 * run the loop themselves call it instead. */
void weft__server_begin(struct weft_server *server);

/* sharing.c. Called once the workers are made. Returns 0; or, with one line in *error, WEFT_ECONFIG if a
 * codec without a probe shares an address with one that claims its frames, or -ENOMEM. */
WEFT_MUST_USE int weft__server_check_sharing(const struct weft_server *server,
                                             struct weft_error *error);

/* setup.c. Both return 0, or an error with one line in *error. weft_server_free frees what a failure leaves
 * behind. */
WEFT_MUST_USE int weft__server_make_ports(struct weft_server *server,
                                          const struct weft_server_options *options,
                                          struct weft_error *error);
WEFT_MUST_USE int weft__server_make_threads(struct weft_server *server, struct weft_error *error);
void weft__server_free_threads(struct weft_server *server);
void weft__server_free_ports(struct weft_server *server);

/* accept.c. For the first worker's thread. */

/* Accepts peers, at most a turn's share of them. The on_ready of every listener. */
void weft__server_on_listener(struct weft_listener *listener);
/* Switches the reports of all listeners on or off. */
void weft__server_set_accepting(struct weft_server *server, bool on);
/* Tells whoever waits to be accepted that the server is draining, then closes the listeners. */
void weft__server_close_listeners(struct weft_server *server);
/* Closes the listeners at once, which resets whoever waits to be accepted. */
void weft__server_unlisten(struct weft_server *server);

#endif
