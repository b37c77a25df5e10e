/* SPDX-License-Identifier: MIT
 *
 * What load.c (its life), load_part.c (its parts) and load_run.c (its requests and replies) share. */
#ifndef KV_CLI_BENCH_LOAD_PRIVATE_H
#define KV_CLI_BENCH_LOAD_PRIVATE_H

#include "load.h"

struct cli_bench_connection {
    struct cli_bench_load *load;
    struct weft_client *client; /* NULL: closed */
};

/* Room for one request in flight; stays with its connection. */
struct cli_bench_slot {
    struct weft_call call;
    struct cli_bench_connection *connection;
    int64_t began; /* the time its latency is counted from */
    struct cli_bench_key key;
    enum cli_bench_command command;
    struct cli_bench_slot *next; /* while idle */
};

/* How many requests a connection has in flight while keys are filled in. */
size_t cli_bench__fill_depth(const struct cli_bench_config *config);

/* The beginning of this load's share of `whole`: it ends where the next load's begins. */
uint64_t cli_bench__share(const struct cli_bench_plan *plan, unsigned index, uint64_t whole);

/* Whether one more request is to be sent now. */
bool cli_bench__may_send(struct cli_bench_load *load);
/* Sends the next request by a slot that has none. began: what its latency is counted from. */
void cli_bench__send(struct cli_bench_load *load, struct cli_bench_slot *slot, int64_t began);
/* Fixed rate: a slot has no request; sends what is due. */
void cli_bench__put_idle(struct cli_bench_load *load, struct cli_bench_slot *slot);
void cli_bench__keep_pace(struct cli_bench_load *load);
/* The entries from the loop. */
void cli_bench__on_done(struct weft_call *call, int status, struct weft_view payload, bool last);
void cli_bench__on_due(struct cli_bench_pacer *pacer);
/* The first failure counts; it ends the part and all that would follow. */
void cli_bench__fail(struct cli_bench_load *load, enum cli_exit code, const char *text);

#endif
