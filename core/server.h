/* SPDX-License-Identifier: MIT
 *
 * A server: endpoints, loops and the connections on them. Its life is new (validate everything),
 * listen (bind all or none), start (threads), run (serve until drained), free. */
#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H

#include "base/settings.h"
#include "base/log.h"
#include "loop.h"
#include "base/reason.h"
#include "registry.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_server;

struct weft_server_options {
    struct weft_registry *registry; /* borrowed for the server's life; frozen by weft_server_new */
    const char *const *urls;        /* borrowed for the call; see below */
    size_t url_count;               /* at least 1 */
    const char *codec, *service;    /* for URLs that name none */
    struct weft_limits limits;
    unsigned threads;           /* loops, 1..256 */
    const struct weft_log *log; /* borrowed for the server's life; NULL: silent */
};

/* URLs. Each is an endpoint, as in "tcp://127.0.0.1:9527?codec=raw&service=kv". One that begins with `?`
 * is a variant of the endpoint before it: another codec, service and layers at the same address, as in
 * "?codec=resp". The codec `auto` stands for several: "?codec=auto:resp,http" for those two, the first of
 * which may be the endpoint itself, and "?codec=auto" for the default codec, unless the URL is that of a
 * variant, and then for all registered ones that have a probe and that the service speaks with. Options
 * may be those of any of them. Variants count as endpoints wherever those are counted.
 *
 * A connection at a shared address becomes one of the first endpoint, in order, whose codec claims its
 * first bytes (codec.h: probe); of the one whose codec's `alpn` the transport has negotiated, if it has;
 * and of the very first if none claims it. Until then its bytes count as an unfinished frame, which
 * frame-timeout bounds. Connections that are refused are the very first's. Only the very first may lack a
 * probe, and only if no other claims its frames, which weft_server_new tries out. */

/* Validates everything and makes the loops; binds nothing. Returns 0; WEFT_ECONFIG for a mistake of the
 * caller or -errno for a refusal of the system, with one line in *error and *server NULL.
 *
 * Only one thread at a time may use a server, with this function and those below; no lock guards it. */
WEFT_MUST_USE int weft_server_new(struct weft_server **server,
                                  const struct weft_server_options *options,
                                  struct weft_error *error);

/* Binds every endpoint, or none. Peers can connect from now on, but they wait until run accepts them.
 * Returns 0, or -errno with one line in *error; it may be tried again. */
WEFT_MUST_USE int weft_server_listen(struct weft_server *server, struct weft_error *error);

/* Returns one line about the i-th endpoint, in the order of urls, or NULL beyond the last: its first
 * address with the real port, its codec and its service, as in "tcp://127.0.0.1:9527 codec=raw
 * service=kv". The line is "" before listen, and valid until free. */
const char *weft_server_endpoint(const struct weft_server *server, size_t i);

/* Writes one line about the i-th endpoint to dst, which has size bytes, and returns dst, or NULL beyond the
 * last: its address as given, its codec, its service, and the language that they speak, as in
 * "tcp://127.0.0.1:0 codec=raw service=kv speaks=protobuf:abi". Before listen, too. */
char *weft_server_describe(const struct weft_server *server, size_t i, char *dst, size_t size);

/* Returns a line like weft_server_endpoint's, but per address: i counts the addresses of all endpoints,
 * in the order of urls, because a URL such as tcp://localhost:9527 may stand for several. Returns NULL
 * beyond the last, and before listen. Valid until free. */
const char *weft_server_listening(const struct weft_server *server, size_t i);

/* Returns the loop that weft_server_run runs on its own thread. A program may use it for its signals and
 * timers. The server owns it. */
struct weft_loop *weft_server_loop(struct weft_server *server);

/* Starts the threads of all loops but the first, which weft_server_run runs. Nothing is accepted before
 * run. Calling this is optional, because run does it too; a program that announces that it is ready
 * calls it before, to know that the threads exist. Call it after the process has changed its user or
 * its signal mask, which threads inherit. Returns 0, or -errno with one line in *error: then no thread
 * is left and the server can only be freed. */
WEFT_MUST_USE int weft_server_start(struct weft_server *server, struct weft_error *error);

/* Serves, with the first loop on this thread, until weft_server_stop was called and every connection
 * has ended. Returns 0 if all of them drained, 1 if some were cut (weft_server_cut), or -errno if a
 * thread could not be started; then nothing was accepted. */
WEFT_MUST_USE int weft_server_run(struct weft_server *server);

/* Drains: closes the listeners, and lets each connection finish the requests it has. A second call, or
 * the passing of drain-timeout, cuts the connections that are left. While run is running, call this
 * within a turn of weft_server_loop(); another thread gets there with weft_loop_post. If it is called
 * before run, run returns at once. */
void weft_server_stop(struct weft_server *server);

/* Returns the count of connections that were cut. Call it after run. */
uint64_t weft_server_cut(const struct weft_server *server);

/* Sets *counts to the counters of the i-th endpoint, or of all if i is beyond the last. Exact after
 * run; while the server runs, each loop's share is of some recent moment. */
struct weft_server_counts {
    uint64_t accepted, open, requests, rejected, bytes_in, bytes_out;
    uint64_t closed[WEFT_REASON_COUNT];
};
void weft_server_count(const struct weft_server *server, size_t i,
                       struct weft_server_counts *counts);

/* Frees a server after run has returned, or one that was never run. Does nothing with NULL. */
void weft_server_free(struct weft_server *server);

#ifdef __cplusplus
}
#endif

#endif
