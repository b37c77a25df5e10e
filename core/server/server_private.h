/* SPDX-License-Identifier: MIT
 *
 * The struct of a server and the files that work on it. Private to core/server. server.c calls the others,
 * and none calls back.
 *
 *   server.c   life: new, listen, start, run, stop, cut, count, free
 *   setup.c    makes the workers, and the states that plugins have on their loops
 *   address.c  makes addresses of URLs (plan.h), and starts and stops their endpoints on the loops
 *   names.c    the lines about endpoints
 *   change.c   adds and removes addresses while the server runs
 *   removed.c  drains the removed ones
 *   live.c     changes limits while the server runs
 *   sharing.c  refuses codecs that cannot share an address
 *   inspect.c  tells samples, begins walks
 *   accept.c   listens, accepts peers, and turns them away or places them on the worker that has the fewest */
#ifndef WEFT_SERVER_PRIVATE_H
#define WEFT_SERVER_PRIVATE_H

#include "address.h"

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

/* Used on the first worker's thread once weft_server_run is running, unless `lock` says otherwise. */
struct weft_server {
    struct weft_server_options options; /* without its URLs, and with the limits as they were at the
                                         * start; plugins have read them */
    struct weft__slot *codecs, *services;
    uint32_t slot_count;
    struct weft__line *lines;
    /* Guards, for the threads that look at the server (inspect.c), what the first thread alone changes: the list of
     * addresses in the order of their URLs, that of the removed ones, and `gone`. */
    pthread_mutex_t lock;
    struct weft__address **addresses;
    size_t address_count;
    struct weft__address *removed;
    struct weft__counts gone; /* the counters of addresses that were removed and have ended */
    bool has_gone;            /* there was one */
    struct weft_frame_cache *frames; /* for all threads; NULL where frame-cache is 0 */
    struct weft__thread *threads;
    size_t thread_count, ready; /* ready: threads whose worker is made */
    size_t running;             /* threads that have not drained, since serving began */
    _Atomic uint64_t latest_id; /* the number of the connection that was opened last */
    /* drain_timer cuts what has not drained; accept_timer ends a pause of accepting. */
    struct weft_timer drain_timer, accept_timer;
    uint64_t shed;                   /* peers dropped since descriptors or memory ran out */
    bool listening;                  /* listen has succeeded */
    bool serving, draining, cutting; /* run, stop and the cut have begun */
    bool backing_off;                /* the last accept failed for want of descriptors or memory */
};

/* server.c. Makes the server accept. weft_server_run calls this before it runs the first loop; tests that
 * run the loop themselves call it instead. */
void weft__server_begin(struct weft_server *server);

/* Returns the i-th endpoint in the order of the URLs, or NULL beyond the last. */
static inline struct weft__port *weft__server_port(const struct weft_server *server, size_t i)
{
    for (size_t a = 0; a < server->address_count; a++) {
        struct weft__address *address = server->addresses[a];
        if (i < address->count)
            return &address->ports[i];
        i -= address->count;
    }
    return NULL;
}

/* setup.c */

/* Makes the workers, with room beside each request for the states of all layers of the registry, which endpoints that
 * are added later may have. */
WEFT_MUST_USE int weft__server_make_threads(struct weft_server *server, struct weft_error *error);
/* Stops what slots have on the loops, and frees slots and workers. */
void weft__server_free_threads(struct weft_server *server);

/* removed.c. Frees the removed addresses, after the loops have ended. */
void weft__server_free_removed(struct weft_server *server);

/* sharing.c. Called once the address is started on the first thread. Returns 0; or, with one line in *error,
 * WEFT_ECONFIG if a codec without a probe shares an address with one that claims its frames, or -ENOMEM. */
WEFT_MUST_USE int weft__address_check_sharing(const struct weft__address *address,
                                              struct weft_error *error);

/* accept.c. For the first worker's thread. */

/* Listens, with sockets of `inheritance` (NULL: none). Returns 0, or an error with one line
 * in *error. */
WEFT_MUST_USE int weft__address_listen(struct weft__address *address,
                                       struct weft_inheritance *inheritance,
                                       struct weft_error *error);
/* Closes the listeners at once, which resets whoever waits to be accepted. Does nothing if there are none. */
void weft__address_unlisten(struct weft__address *address);

/* Accepts peers, at most a turn's share of them. The on_ready of every listener. */
void weft__server_on_listener(struct weft_listener *listener);
/* Switches the reports of all listeners, or those of an address, on or off. */
void weft__server_set_accepting(struct weft_server *server, bool on);
void weft__address_set_accepting(struct weft__address *address, bool on);
/* Tells whoever waits to be accepted that the server is draining, then closes the listeners. */
void weft__server_close_listeners(struct weft_server *server);
/* Does this for an address. Whoever waits at a listener that is kept is left there. */
void weft__address_close_listeners(struct weft__address *address);

#endif
