/* SPDX-License-Identifier: MIT
 *
 * kvc's connection and its loop. Connects when something is sent, and again when the connection has
 * ended since. */
#ifndef KV_CLI_SESSION_H
#define KV_CLI_SESSION_H

#include "core/registry.h"
#include "exit.h"
#include "options.h"
#include "secret.h"
#include "services/kv/client.h"
#include "signals.h"

struct cli_session;

/* One signal that the session's loop handles. */
struct cli_watch {
    struct weft_signal signal;
    struct cli_session *session;
    int number;
};

struct cli_session {
    const struct kvc_config *config;
    struct weft_registry *registry;
    struct weft_loop *loop;
    struct kvc_secret *secret;      /* borrowed; NULL, or an empty one: no login */
    struct weft_client *connection; /* NULL: none */
    struct weft_kv_client client;
    struct weft_kv_call login;  /* the first call of each connection */
    struct weft_deferred *wake; /* deferred when there is room for a call that was refused with
                                   -EAGAIN, or the connection has ended; NULL: nobody waits */
    /* Called with each message that may be no reply (weft_client_options.on_push); NULL: none are. */
    bool (*on_push)(struct cli_session *session, struct weft_view payload);
    void *push_data; /* of on_push */
    bool has_room;   /* the same for a command; false from its refusal on */
    bool connected;
    int64_t connected_at; /* nanoseconds, weft_loop_now */
    enum cli_exit code;   /* with the text below: why it has failed, CLI_EXIT_DONE: it has not */
    struct weft_error error;
    bool interrupted; /* a watched signal came since cli_session_watch */
    int signal;       /* the first that came */
    size_t watch_count;
    struct cli_watch watches[CLI_ENDINGS];
};

/* config and registry are borrowed. CLI_EXIT_CONNECT: *error says why. */
WEFT_MUST_USE enum cli_exit cli_session_init(struct cli_session *session,
                                             const struct kvc_config *config,
                                             struct weft_registry *registry,
                                             struct weft_error *error);
void cli_session_fini(struct cli_session *session);

/* Begins to connect if there is no connection, or if the peer has closed it while nothing was in
 * flight, and to log in; calls may be sent from then on. A refused login ends the connection: the calls fail,
 * and `code` and `error` say why. Otherwise the exit code and *error say what is wrong. Not
 * from within a done. */
WEFT_MUST_USE enum cli_exit cli_session_connect(struct cli_session *session,
                                                struct weft_error *error);
/* Calls in flight are done with -ECANCELED. */
void cli_session_disconnect(struct cli_session *session);

/* Looks whether the connection has ended since the last exchange: then *error says why, and the
 * next exchange connects again. */
bool cli_session_has_ended(struct cli_session *session, struct weft_error *error);

/* The server's URL without its options, as a length of config->server. */
int cli_session_address_length(const struct cli_session *session);

/* Watches SIGINT: until unwatch it sets `interrupted`, ends the loop's turn, and interrupts system calls. */
void cli_session_watch(struct cli_session *session);
/* Does that for every signal of cli_endings. */
void cli_session_watch_all(struct cli_session *session);
void cli_session_unwatch(struct cli_session *session);

/* True if a watched signal has come, even one that the loop has not seen yet because a system call
 * outside it was interrupted. Runs a turn of the loop; not from within one. */
bool cli_session_is_interrupted(struct cli_session *session);

/* Returns the exit code of the signal that came. */
enum cli_exit cli_session_signal_code(const struct cli_session *session);

enum { CLI_CURSOR_MAX = 256 }; /* bytes of a cursor: docs/wire.md */

/* One command and its answer. */
struct cli_exchange {
    struct weft_kv_request request;
    bool writes;      /* without its answer nobody knows whether it took effect */
    bool is_repeated; /* after a second login */
    /* The answer, valid until this returns; returns the exit code. */
    enum cli_exit (*answered)(struct cli_exchange *exchange, const struct weft_kv_reply *reply);
    int64_t began;                  /* nanoseconds: when it could be sent */
    uint8_t cursor[CLI_CURSOR_MAX]; /* behind that of the request, if it was sent again */
    struct cli_session *session;
    struct weft_kv_call call;
    bool done;
    enum cli_exit code;
    struct weft_error error;
};

/* Sends the request, connecting where need be, and waits for the answer. What answered returned, or
 * another exit code, and *error says why, where and what to try. A server that has no hscan is
 * asked for hgetall. Pages that show nothing but have a next one are passed over. If the server no longer knows who
 * asks, because its users were read anew, the session logs in once more and asks again. */
WEFT_MUST_USE enum cli_exit cli_session_exchange(struct cli_session *session,
                                                 struct cli_exchange *exchange,
                                                 struct weft_error *error);

/* Returns the exit code that a call's failure leads to, with its text in *error. */
enum cli_exit cli_session_explain(const struct cli_session *session,
                                  const struct weft_kv_call *call, int status, bool writes,
                                  struct weft_error *error);

#endif
