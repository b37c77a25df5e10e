/* SPDX-License-Identifier: MIT
 *
 * The part that batch and import share: an input that is read while many calls are in flight. The command reads
 * and sends as long as there are free calls, and is called back for each that is done, in order. */
#ifndef KV_CLI_BULK_H
#define KV_CLI_BULK_H

#include <stdio.h>

#include "programs/kvc/command.h"
#include "programs/kvc/session.h"
#include "records.h"

enum { CLI_BULK_WINDOW = 256 };

/* A call in flight, and where in the input its command stands. */
struct cli_bulk_call {
    struct weft_kv_call call;
    struct cli_bulk *bulk;
    struct cli_bulk_call *next; /* while it is free */
    const struct cli_command *command;
    struct weft_kv_request counts; /* op, expiry and counts of the request, no pointers */
    uint64_t first_line, last_line, rows, bytes;
    void *context; /* the command's; it gets it back with the call */
};

/* The outcome of a step of the input. */
enum cli_bulk_step {
    CLI_BULK_AGAIN, /* something was read or sent: go on */
    CLI_BULK_WAIT,  /* for more input, or for a reply */
    CLI_BULK_END,   /* of the input */
    CLI_BULK_BAD,   /* of cli_bulk_send alone: the request cannot be sent, now or later */
};

struct cli_bulk {
    struct cli_session *session;
    FILE *out, *err;
    const char *name; /* of the input, for texts */
    bool json;        /* failures are printed as objects on out */
    bool keep_going;
    struct cli_records records;

    /* Reads and sends a little; there is a free call. */
    enum cli_bulk_step (*step)(struct cli_bulk *bulk);
    /* Called once for each call that was sent, to count and to print: with the reply, whatever its
     * status, or with NULL if none came. Why none came has been printed. */
    void (*answered)(struct cli_bulk *bulk, const struct cli_bulk_call *call,
                     const struct weft_kv_reply *reply);

    struct cli_bulk_call calls[CLI_BULK_WINDOW], *free;
    size_t in_flight;
    bool ended;         /* nothing more is read */
    enum cli_exit code; /* of the first failure */
    char first[256];    /* its text */
    struct weft_deferred fill;
};

/* Opens the input. The caller has set the fields up to keep_going and the two functions.
 * CLI_EXIT_USAGE: *error says why not. */
WEFT_MUST_USE enum cli_exit cli_bulk_init(struct cli_bulk *bulk, const char *path,
                                          enum cli_records_form form, struct weft_error *error);
void cli_bulk_fini(struct cli_bulk *bulk);

/* Runs until the input has ended and all is answered, or a signal ends it. */
void cli_bulk_run(struct cli_bulk *bulk);

/* Finds the next record, to be taken with cli_records_take. False: there is none now, and *step says
 * what the command's step returns. */
bool cli_bulk_find(struct cli_bulk *bulk, struct cli_record *record, enum cli_bulk_step *step);

/* Sends request with a free call, which is `about` otherwise. Unless it returns CLI_BULK_AGAIN, nothing
 * was sent: CLI_BULK_WAIT for want of room; CLI_BULK_END because there is no connection, which has been
 * printed; CLI_BULK_BAD, and *error says why. */
enum cli_bulk_step cli_bulk_send(struct cli_bulk *bulk, const struct cli_bulk_call *about,
                                 const struct weft_kv_request *request, struct weft_error *error);

/* Prints what is wrong with lines first to last, as one line on err or one object on out, and, unless
 * keep_going, ends the reading. */
void cli_bulk_fail(struct cli_bulk *bulk, enum cli_exit code, uint64_t first, uint64_t last,
                   const char *text, size_t size);

/* Prints a line about lines first to last on err. */
void cli_bulk_warn(const struct cli_bulk *bulk, uint64_t first, uint64_t last, const char *text);

#endif
