/* SPDX-License-Identifier: MIT
 *
 * A server: endpoints, loops and the connections on them. An endpoint is an address with a codec and
 * a service. A server's life is weft_server_new (validate everything), _listen (bind all or none), _start
 * (threads), _run (serve until drained), _free. */
#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H

#include "base/settings.h"
#include "base/log.h"
#include "loop.h"
#include "base/reason.h"
#include "registry.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_server;

struct weft_server_options {
    struct weft_registry *registry; /* borrowed for the server's life; frozen by weft_server_new */
    const char *const *urls;        /* borrowed for the call; see below */
    size_t url_count;               /* at least 1 */
    /* For URLs that name none; borrowed for the server's life. NULL: each URL has to name its own. */
    const char *codec, *service;
    /* Layers of every endpoint, whatever its URL says, or NULL: the outermost ones, with commas between, which the URL may
     * name too (it has each once), and the next one. Borrowed for the server's life. */
    const char *observers, *guard;
    bool
        measure; /* measure the loops' turns and the codecs' work, which costs a look at the clock per turn */
    struct weft_limits limits;  /* weft_limits_default() is a start */
    unsigned threads;           /* loops, 1..256 */
    const struct weft_log *log; /* borrowed for the server's life; NULL: silent */
    /* Sockets that weft_server_listen may take (transport.h). Borrowed for the server's life; NULL: none. */
    struct weft_inheritance *inheritance;
};

/* URLs. Each is an endpoint, as in "tcp://127.0.0.1:9527?codec=raw&service=kv". A URL that begins with `?`
 * is a variant of the endpoint before it: another codec, service and layers at the same address, as in
 * "?codec=resp". Variants count as endpoints wherever those are counted.
 *
 * A URL with the codec `auto` stands for an endpoint per codec, and may use the options of all of them.
 * "codec=auto:resp,http" names the codecs; the first is the endpoint itself unless the URL is a variant.
 * "codec=auto" alone is the default codec, if the URL is not a variant, and every other registered codec
 * that has a probe and a face of the service.
 *
 * A connection at a shared address belongs to the endpoint whose codec's `alpn` the transport has
 * negotiated. Without one it belongs to the first endpoint whose codec claims its first bytes (codec.h:
 * probe), or to the main endpoint of the address, the one whose URL has the address, if none does. Until that is decided its bytes count as an
 * unfinished frame, which frame-timeout bounds. A connection that is turned away gets the words of the
 * main endpoint. Only the main endpoint's codec may lack a probe. weft_server_new then shows frames of it
 * to the other codecs' probes, and fails if one claims any. */

/* Validates everything and makes the loops; binds nothing. Returns 0. On failure *server is NULL and *error
 * has one line: WEFT_ECONFIG is a mistake of the caller, -errno a refusal of the system.
 *
 * Only one thread at a time may use a server, with this function and those below; no lock guards it. So
 * while weft_server_run is running, call the others within a turn of weft_server_loop(). */
WEFT_MUST_USE int weft_server_new(struct weft_server **server,
                                  const struct weft_server_options *options,
                                  struct weft_error *error);

/* Binds every endpoint, or none. Peers can connect from now on, but they wait until weft_server_run accepts
 * them. Returns 0, or -errno or WEFT_ECONFIG with one line in *error; it may be tried again. */
WEFT_MUST_USE int weft_server_listen(struct weft_server *server, struct weft_error *error);

/* Returns one line about the i-th endpoint, in the order of urls, or NULL beyond the last: its first
 * address with the real port, its codec and its service, as in "tcp://127.0.0.1:9527 codec=raw
 * service=kv". It is "" before weft_server_listen and after one that failed. The line is valid until weft_server_free; equal lines are
 * at one place. */
const char *weft_server_endpoint(const struct weft_server *server, size_t i);

/* Writes one line about the i-th endpoint to dst, which has size bytes, and returns dst, or returns NULL
 * beyond the last. The line has its address as given, its codec, its service and the language of its
 * payloads: "tcp://127.0.0.1:0 codec=raw service=kv speaks=protobuf:abi". It needs no listen. */
char *weft_server_describe(const struct weft_server *server, size_t i, char *dst, size_t size);

/* Returns a line like weft_server_endpoint's, but per address: i counts the addresses of all endpoints,
 * in the order of urls, because a URL such as tcp://localhost:9527 may stand for several. Returns NULL
 * beyond the last, and before listen. Valid until weft_server_free. */
const char *weft_server_listening(const struct weft_server *server, size_t i);

/* Returns the i-th listener over all endpoints, or NULL beyond the last, and before listen and after stop.
 * Its name, its handle, and if it was inherited, are of interest: another process can be given the handle. */
const struct weft_listener *weft_server_listener(const struct weft_server *server, size_t i);

/* Says that another process has the handles of all listeners now. weft_server_stop then leaves the peers that wait
 * to that process, instead of turning them away, and no socket's file is removed. */
void weft_server_keep_listeners(struct weft_server *server);

/* Returns the first loop, which weft_server_run runs on the thread that calls it. A program may use it for
 * its signals and timers, and removes them before weft_server_free. The server owns the loop. */
struct weft_loop *weft_server_loop(struct weft_server *server);

/* Starts the threads of all loops but the first. Nothing is accepted before weft_server_run. Calling this
 * is optional, because weft_server_run does it too; a program that announces that it is ready calls this
 * first, so that it knows that the threads exist. Call it after the process has changed its user or its
 * signal mask, because threads inherit both. Returns 0, or -errno with one line in *error: no thread is
 * left then, and the server can only be freed. */
WEFT_MUST_USE int weft_server_start(struct weft_server *server, struct weft_error *error);

/* Serves, with the first loop on this thread, until weft_server_stop was called and every connection has
 * ended. Call it once. Returns 0 if no connection was cut; 1 if some were (weft_server_cut); or -errno if
 * a thread could not be started, and nothing was accepted then. */
WEFT_MUST_USE int weft_server_run(struct weft_server *server);

/* Drains: closes the listeners, and lets each connection finish the requests it has. A second call, or
 * the passing of drain-timeout, cuts the connections that are left: closes them, answered or not.
 * Another thread gets to a turn of weft_server_loop() with weft_loop_post. If this is called before
 * weft_server_run, the listeners close and weft_server_run returns 0 at once. */
void weft_server_stop(struct weft_server *server);

/* Returns the number of connections that were cut. Call it after weft_server_run has returned. */
uint64_t weft_server_cut(const struct weft_server *server);

/* Counters since the server was made:
 *   - accepted: connections, those that were turned away included; the sum of open and of all closed.
 *   - open: connections that are open now. closed: those that have ended, by enum weft_reason.
 *   - requests: frames that were decoded, bad ones included.
 *   - rejected: requests, replies and connections that were rejected (reject.h).
 *   - bytes_in, bytes_out: bytes on the wire. */
struct weft_server_counts {
    uint64_t accepted, open, requests, rejected, bytes_in, bytes_out;
    uint64_t closed[WEFT_REASON_COUNT];
};

/* Sets *counts to the counters of the i-th endpoint, or to the sums over all, also those that were removed, if i is beyond
 * the last. They
 * are exact after weft_server_run. While it runs, each loop's share is of some recent moment, so the sums
 * may not add up. */
void weft_server_count(const struct weft_server *server, size_t i,
                       struct weft_server_counts *counts);

/* True if a limit of the core's table can change while a server runs. max-frame, max-message, decode-bytes and
 * frame-cache cannot, because plugins have taken them over. Any thread. */
bool weft_server_limit_is_live(const char *name);

/* Changes the limits of a server that serves, in two steps, so that a caller can change several things or
 * none. prepare checks and sets *change. It returns 0; or, with *change NULL and one line in *error,
 * WEFT_ECONFIG if limits do not fit each other, if one differs that is not live or if max-connections is
 * more than at the start; or -ENOMEM. */
struct weft_limits_change;
WEFT_MUST_USE int weft_server_prepare_limits(struct weft_server *server,
                                             const struct weft_limits *limits,
                                             struct weft_limits_change **change,
                                             struct weft_error *error);
/* Puts the change into force and frees it; cannot fail. It reaches each loop in one of its next turns and
 * holds for every connection there. Deadlines that are running end as they were set. */
void weft_server_commit_limits(struct weft_server *server, struct weft_limits_change *change);
/* Frees a change that is not wanted. Does nothing with NULL. */
void weft_server_abandon_limits(struct weft_limits_change *change);

/* Returns the limits in force on the first loop. Valid until weft_server_free; a commit changes them. */
const struct weft_limits *weft_server_limits(const struct weft_server *server);

/* A tour of all loops, by posts: whoever hears of its end knows that each loop still turns. It lies in memory of
 * the caller, who zeroes it and sets done. */
struct weft_tour {
    void (*done)(struct weft_tour *tour); /* called once, on the first loop, in a later turn */
    struct weft_post post;                /* these two are the server's */
    void *at;
};
/* Begins a tour, from a turn of the first loop while the server runs. If a loop ends meanwhile, since the server
 * drains, done may never be called. The memory is the server's until done, or until weft_server_run returns. */
void weft_server_tour(struct weft_server *server, struct weft_tour *tour);

/* Frees a server after weft_server_run has returned, or one that was never run. Does nothing with NULL. */
void weft_server_free(struct weft_server *server);

#ifdef __cplusplus
}
#endif

#endif
