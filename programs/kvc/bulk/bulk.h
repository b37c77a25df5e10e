/* SPDX-License-Identifier: MIT
 *
 * What batch and import have in common: an input that is read while many calls are in flight. The
 * command reads and sends as long as there are free calls, and hears of each that is done, in
 * order. */
#ifndef KV_CLI_BULK_H
#define KV_CLI_BULK_H

#include <stdio.h>

#include "programs/kvc/command.h"
#include "programs/kvc/input.h"
#include "programs/kvc/session.h"

enum { CLI_BULK_WINDOW = 256 };

/* A call in flight, and where in the input its command stands. */
struct cli_bulk_call {
    struct weft_kv_call call;
    struct cli_bulk *bulk;
    struct cli_bulk_call *next; /* while it is free */
    const struct cli_command *command;
    struct weft_kv_request counts; /* op and counts of the request, no pointers */
    uint64_t first_line, last_line, rows, bytes;
};

/* What became of a step of the input. */
enum cli_bulk_step {
    CLI_BULK_AGAIN, /* something was read or sent: go on */
    CLI_BULK_WAIT,  /* for more input, or for a reply */
    CLI_BULK_END,   /* of the input */
};

struct cli_bulk {
    struct cli_session *session;
    FILE *out, *err;
    const char *name; /* of the input, for texts */
    bool keep_going;
    struct cli_input input;
    uint64_t line; /* the next to be read, from 1 */

    /* Reads and sends a little; there is a free call. */
    enum cli_bulk_step (*step)(struct cli_bulk *bulk);
    /* A reply, whatever its status; or none (NULL): what became of the call is not known, the rest
     * is told. Counts and prints. */
    void (*answered)(struct cli_bulk *bulk, const struct cli_bulk_call *call,
                     const struct weft_kv_reply *reply);

    struct cli_bulk_call calls[CLI_BULK_WINDOW], *free;
    size_t in_flight;
    bool ended;         /* nothing more is read */
    enum cli_exit code; /* of the first failure */
    struct weft_deferred fill;
};

/* Opens the input. The fields up to keep_going and the two functions are the caller's to set.
 * CLI_EXIT_USAGE: *error says why. */
WEFT_MUST_USE enum cli_exit cli_bulk_init(struct cli_bulk *bulk, const char *path,
                                          struct weft_error *error);
void cli_bulk_fini(struct cli_bulk *bulk);

/* Until the input has ended and all is answered, or SIGINT. */
void cli_bulk_run(struct cli_bulk *bulk);

/* Sends what call, which is free, describes. CLI_BULK_WAIT: there is no room now, nothing was
 * sent. */
enum cli_bulk_step cli_bulk_send(struct cli_bulk *bulk, const struct cli_bulk_call *about,
                                 const struct weft_kv_request *request);

/* Says what is wrong with lines first to last, one line to err, and, unless keep_going, ends the
 * reading. quiet: only counts. */
void cli_bulk_fail(struct cli_bulk *bulk, enum cli_exit code, uint64_t first, uint64_t last,
                   const char *text, size_t size);

/* Takes the rest of the line out of the input, after something wrong in it. */
void cli_bulk_skip_line(struct cli_bulk *bulk);

#endif
