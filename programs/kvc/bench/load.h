/* SPDX-License-Identifier: MIT
 *
 * The load of one thread: its share of the clients, each with so many requests in flight, one loop
 * for all of them. A part of a run (filling, warm-up, what is measured) sends its requests and ends
 * when the last of their replies has come, so that nothing of one part is counted in another. */
#ifndef KV_CLI_BENCH_LOAD_H
#define KV_CLI_BENCH_LOAD_H

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

/* What all loads of a run share. Immutable while they run. */
struct cli_bench_plan {
    const struct cli_bench_config *config;
    struct cli_bench_values values;
    struct cli_bench_requests requests;
    struct weft_client_options connect; /* but for loop and data, which are each load's own */
    int64_t timeout;                    /* nanoseconds for a reply */
    size_t budget;                      /* bytes that a reply may be read into */
};

struct cli_bench_connection;
struct cli_bench_slot;

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

    /* For whoever watches from another thread. */
    _Atomic(uint64_t) answered; /* in this part */
    _Atomic(unsigned) watched_part;
};

/* How many descriptors the process needs for all loads, those that it has open included. */
unsigned cli_bench_load_descriptors(const struct cli_bench_config *config);

/* Begins to connect. Otherwise an exit code with one line in *error, and nothing is held. plan must
 * outlive it. */
WEFT_MUST_USE enum cli_exit cli_bench_load_init(struct cli_bench_load *load,
                                                const struct cli_bench_plan *plan, unsigned index,
                                                struct weft_error *error);
/* After close, and when its thread has ended. A zeroed one is fine. */
void cli_bench_load_fini(struct cli_bench_load *load);

/* One part, until it has ended, stop was called or it has failed: then load->code says so. Nothing
 * is sent by one that has. */
void cli_bench_load_run(struct cli_bench_load *load, enum cli_bench_part part);

/* From within the loop: ends the part at once, and all that would follow. */
void cli_bench_load_stop(struct cli_bench_load *load);

/* Ends the connections; no reply is counted any more. The thread of run, or when there is none. */
void cli_bench_load_close(struct cli_bench_load *load);

#endif
