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
    const char *const *urls;        /* borrowed for the call */
    size_t url_count;               /* at least 1 */
    const char *codec, *service;    /* for URLs that name none */
    struct weft_limits limits;
    unsigned threads;           /* loops, 1..256 */
    const struct weft_log *log; /* borrowed for the server's life; NULL: silent */
};

/* Validates everything and makes the loops; binds nothing. Returns 0; WEFT_ECONFIG for a mistake of the
 * caller or -errno for a refusal of the system, with one line in *error and *server NULL. This and all
 * calls below are for one thread, whichever it is, unless they say otherwise. */
WEFT_MUST_USE int weft_server_new(struct weft_server **server,
                                  const struct weft_server_options *options,
                                  struct weft_error *error);

/* Binds every endpoint, or none. Returns 0, or -errno with one line in *error. */
WEFT_MUST_USE int weft_server_listen(struct weft_server *server, struct weft_error *error);

/* Returns the i-th endpoint, in the order of urls, or NULL beyond the last: its first address with
 * the real port, its codec and its service, as in "tcp://127.0.0.1:9527 codec=raw service=kv". Empty
 * before listen. Valid until free. */
const char *weft_server_endpoint(const struct weft_server *server, size_t i);

/* Returns the i-th address that the server listens on, in the order of urls and in the form of
 * weft_server_endpoint, or NULL beyond the last. An endpoint has several if its URL stands for
 * several. Valid until free. */
const char *weft_server_listening(const struct weft_server *server, size_t i);

/* Returns the loop that runs on the thread of weft_server_run: for a program's own signals and timers. */
struct weft_loop *weft_server_loop(struct weft_server *server);

/* Starts the other threads - 1 threads; they accept nothing before run. Returns 0, or -errno with one
 * line in *error and no thread left; such a server can only be freed. Optional, for a caller who wants to know that it can serve before
 * it says so: run starts what was not started. After whatever may change the process: its user, its
 * signal mask. */
WEFT_MUST_USE int weft_server_start(struct weft_server *server, struct weft_error *error);

/* Serves on this thread and threads - 1 others until drained. Returns 0 if everything drained, 1 if
 * something was cut (weft_server_cut), or -errno if a thread could not be started; then nothing was
 * accepted. */
WEFT_MUST_USE int weft_server_run(struct weft_server *server);

/* Drains at the first call; cuts at the second one, or when drain-timeout has passed. Call it within
 * a turn of weft_server_loop(), by a post from other threads. Before run, it makes run return at
 * once. */
void weft_server_stop(struct weft_server *server);

/* Returns the count of connections that were cut. After run. */
uint64_t weft_server_cut(const struct weft_server *server);

/* Sets *counts to the counters of the i-th endpoint, or of all if i is beyond the last. Exact after
 * run; while the server runs, each loop's share is of some recent moment. */
struct weft_server_counts {
    uint64_t accepted, open, requests, rejected, bytes_in, bytes_out;
    uint64_t closed[WEFT_REASON_COUNT];
};
void weft_server_count(const struct weft_server *server, size_t i,
                       struct weft_server_counts *counts);

/* Frees a server after run, or instead of it. Does nothing with NULL. */
void weft_server_free(struct weft_server *server);

#ifdef __cplusplus
}
#endif

#endif
