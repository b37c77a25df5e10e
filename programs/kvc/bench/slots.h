/* SPDX-License-Identifier: MIT
 *
 * The state of one load: its connections, and a slot for each request that can be in flight. load.c
 * makes and ends it, load_run.c sends and receives; neither knows the other's steps. */
#ifndef KV_CLI_BENCH_SLOTS_H
#define KV_CLI_BENCH_SLOTS_H

#include <stdatomic.h>

#include "core/client.h"
#include "pacer.h"
#include "random.h"
#include "replies.h"
#include "requests.h"
#include "schedule.h"
#include "tally.h"
#include "programs/kvc/exit.h"

enum cli_bench_part { CLI_BENCH_FILL, CLI_BENCH_WARMUP, CLI_BENCH_MEASURE, CLI_BENCH_PARTS };

/* The settings that all loads of a run share. Immutable while they run. */
struct cli_bench_plan {
    const struct cli_bench_config *config;
    struct cli_bench_values values;
    struct cli_bench_requests requests;
    struct weft_client_options connect; /* but for loop and data, which are each load's own */
    int64_t timeout;                    /* nanoseconds for a reply */
    size_t budget;                      /* bytes that a reply may be read into */
    struct weft_view user, password;    /* to log in with; an empty user: no login */
};

struct cli_bench_load;

struct cli_bench_connection {
    struct cli_bench_load *load;
    struct weft_client *client; /* NULL: closed */
    struct weft_kv_client kv;   /* for the login alone */
    struct weft_kv_call login;
};

/* Room for one request in flight. It stays with its connection. */
struct cli_bench_slot {
    struct weft_call call;
    struct cli_bench_connection *connection;
    int64_t began; /* the time its latency is counted from */
    struct cli_bench_key key;
    enum cli_bench_command command;
    struct cli_bench_slot *next; /* while idle */
};

struct cli_bench_load {
    const struct cli_bench_plan *plan;
    unsigned index; /* among the threads */
    struct weft_loop *loop;
    struct cli_bench_connection *connections;
    size_t connection_count;
    struct cli_bench_slot *slots; /* one for each request that can be in flight */
    size_t slot_count;

    enum cli_bench_part part;
    bool making;                              /* this part has requests left to send */
    bool stopping;                            /* whatever is left: see stop */
    bool closing;                             /* replies are no longer counted */
    uint64_t left;                            /* requests to send, at most */
    int64_t end;                              /* when no more are sent; INT64_MAX: never */
    int64_t now;                              /* read for each batch of replies */
    const struct cli_bench_connection *batch; /* whose replies come in now */
    uint32_t batch_replies;
    uint64_t replied;                        /* in this part, rightly or not */
    uint32_t fill_begin, fill_count, filled; /* keys: the first, how many, how many were sent */
    size_t in_flight;
    struct cli_bench_random random;
    struct cli_bench_replies replies;

    /* A fixed rate: slots without a request, the longest so first. */
    bool paced;
    struct cli_bench_schedule schedule;
    struct cli_bench_pacer pacer;
    struct cli_bench_slot *idle, **idle_tail;

    struct cli_bench_tally tally;
    enum cli_exit code; /* CLI_EXIT_DONE: it has not failed */
    struct weft_error error;

    /* Read by the thread that shows the progress. */
    _Atomic(uint64_t) answered; /* in this part */
    _Atomic(unsigned) watched_part;
};

/* Returns the number of requests that a connection has in flight while keys are filled in. */
size_t cli_bench_fill_depth(const struct cli_bench_config *config);

/* Returns the beginning of a load's share of `whole`; it ends where the next load's begins. */
uint64_t cli_bench_share(const struct cli_bench_plan *plan, unsigned index, uint64_t whole);

/* From within the loop: ends the part at once, and all that would follow. */
void cli_bench_load_stop(struct cli_bench_load *load);

/* Stops a load that has failed. Its first failure is the one that is kept. */
void cli_bench_load_fail(struct cli_bench_load *load, enum cli_exit code, const char *text);

#endif
