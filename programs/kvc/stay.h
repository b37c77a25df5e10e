/* SPDX-License-Identifier: MIT
 *
 * Commands that print what a server tells until something ends them: watch and subscribe. They connect, ask, and print
 * what comes; when the connection is lost they connect again, after pauses that become longer. */
#ifndef KV_CLI_STAY_H
#define KV_CLI_STAY_H

#include "run.h"

/* The command sets the first fields and zeroes the others. */
struct cli_stay {
    const struct cli_run *run;
    struct cli_session *session;
    /* Asks for what is to be told, on a new connection. Returns 0, or an error with words if the command is wrong. */
    int (*ask)(struct cli_stay *stay, struct weft_error *error);
    const char *nothing_came; /* within the timeout: "no change came in time" */

    bool began;      /* the server has answered all that was asked, on this connection */
    bool ever_began; /* or on an earlier one: then a lost connection does not end the command */
    bool ended;      /* with `code` and, if it failed, `error` */
    enum cli_exit code;
    struct weft_error error;
    uint64_t count; /* of what was printed */

    struct weft_timer timer; /* ends the wait for an answer or for news, or a pause */
    bool fired, lost;
    int64_t pause; /* nanoseconds */
};

/* Stays until cli_stay_end, a signal, or a wait that is longer than the timeout. Returns the exit code, and has
 * disconnected; the command prints the error. */
enum cli_exit cli_stay(struct cli_stay *stay);

/* All was answered on this connection. */
void cli_stay_begin(struct cli_stay *stay);
/* There was news, so that a new wait begins. */
void cli_stay_hear(struct cli_stay *stay);
/* One piece of news was printed. The last that --count asks for ends the command. */
void cli_stay_count(struct cli_stay *stay);
/* Flushes what was printed, and ends the command if nobody takes it. */
void cli_stay_flush(struct cli_stay *stay);

/* The first end counts. */
void cli_stay_end(struct cli_stay *stay, enum cli_exit code, int err, const char *text);
/* The connection is lost, and the command goes on. */
void cli_stay_lose(struct cli_stay *stay, int err, struct weft_view text);
/* A call or a watch has failed with `status` below 0. why: the objection of the client itself, or NULL. */
void cli_stay_fail(struct cli_stay *stay, int status, const char *why);
/* The server has refused, and `hint` ("": none) says what helps. */
void cli_stay_refuse(struct cli_stay *stay, const struct weft_kv_reply *reply, const char *hint);

#endif
