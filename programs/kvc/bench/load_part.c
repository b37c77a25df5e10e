/* SPDX-License-Identifier: MIT */
#include <sys/resource.h>

#include "load_private.h"

/* Requests in flight on each connection. */
static size_t depth_of(const struct cli_bench_load *load)
{
    const struct cli_bench_config *config = load->plan->config;
    return load->part == CLI_BENCH_FILL ? cli_bench__fill_depth(config) : config->pipeline;
}

static uint64_t share_of(const struct cli_bench_load *load, uint64_t whole)
{
    return cli_bench__share(load->plan, load->index + 1, whole) -
           cli_bench__share(load->plan, load->index, whole);
}

/* How much there is to send, and until when. */
static void set_bounds(struct cli_bench_load *load)
{
    const struct cli_bench_config *config = load->plan->config;
    load->left = UINT64_MAX;
    load->end = INT64_MAX;
    switch (load->part) {
    case CLI_BENCH_FILL:
        /* Each connection has one at least: a server that turns it away says so in the reply. */
        load->fill_begin = (uint32_t)cli_bench__share(load->plan, load->index, config->keys);
        load->fill_count = (uint32_t)share_of(load, config->keys);
        load->filled = 0;
        load->left =
            load->fill_count > load->connection_count ? load->fill_count : load->connection_count;
        break;
    case CLI_BENCH_WARMUP:
        load->end = load->now + (int64_t)config->warmup;
        break;
    default:
        if (config->requests > 0)
            load->left = share_of(load, config->requests);
        if (config->duration > 0)
            load->end = load->now + (int64_t)config->duration;
        break;
    }
}

/* CPU time of this thread, nanoseconds. */
static uint64_t cpu_time(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) < 0)
        return 0;
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000 +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

/* On the wire so far. */
static struct cli_bench_bytes wire_bytes(const struct cli_bench_load *load)
{
    struct cli_bench_bytes bytes = {0};
    for (size_t i = 0; i < load->connection_count; i++) {
        struct weft_client_counts counts;
        weft_client_count(load->connections[i].client, &counts);
        bytes.sent += counts.bytes_out;
        bytes.received += counts.bytes_in;
    }
    return bytes;
}

static void begin(struct cli_bench_load *load, enum cli_bench_part part)
{
    const struct cli_bench_config *config = load->plan->config;
    load->part = part;
    load->making = true;
    load->batch = NULL;
    load->replied = 0;
    load->now = weft_loop_refresh(load->loop);
    load->replies.any_old = part == CLI_BENCH_FILL;
    load->replies.may_miss = config->mix.shares[CLI_BENCH_HDEL] > 0;
    set_bounds(load);
    load->paced = config->rate > 0 && part != CLI_BENCH_FILL;
    load->idle = NULL;
    load->idle_tail = &load->idle;
    load->schedule = (struct cli_bench_schedule){
        .start = load->now, .rate = config->rate, .next = load->index, .step = config->threads};
    atomic_store_explicit(&load->answered, 0, memory_order_relaxed);
    atomic_store_explicit(&load->watched_part, part, memory_order_relaxed);
}

/* The first request of every slot, or of those that are due. */
static void send_first(struct cli_bench_load *load)
{
    size_t slots = load->connection_count * depth_of(load);
    for (size_t i = 0; i < slots; i++) {
        if (load->paced)
            cli_bench__put_idle(load, &load->slots[i]);
        else if (cli_bench__may_send(load))
            cli_bench__send(load, &load->slots[i], load->now);
    }
    if (load->paced)
        cli_bench__keep_pace(load);
}

static uint64_t count_behind(struct cli_bench_load *load)
{
    int64_t now = weft_loop_refresh(load->loop);
    uint64_t behind = cli_bench_schedule_behind(&load->schedule, now < load->end ? now : load->end);
    return behind < load->left ? behind : load->left;
}

/* Without its keys nobody knows what the replies should be. */
static void check_filled(struct cli_bench_load *load)
{
    const struct cli_bench_tally *tally = &load->tally;
    if (tally->wrong > 0)
        cli_bench__fail(load, CLI_EXIT_PROTOCOL, "the keys could not be set");
    else if (cli_bench_tally_refusals(tally) > 0)
        cli_bench__fail(load, CLI_EXIT_REFUSED, "the keys could not be set");
}

void cli_bench_load_run(struct cli_bench_load *load, enum cli_bench_part part)
{
    if (load->stopping)
        return;
    begin(load, part);
    uint64_t cpu = cpu_time();
    struct cli_bench_bytes before = wire_bytes(load), after;
    load->tally.began = load->now;
    send_first(load);
    while (!load->stopping && (load->making || load->in_flight > 0))
        weft_loop_turn(load->loop);
    if (part == CLI_BENCH_FILL)
        check_filled(load);
    if (part != CLI_BENCH_MEASURE) {
        cli_bench_tally_restart(&load->tally);
        return;
    }
    after = wire_bytes(load);
    load->tally.wire.sent = after.sent - before.sent;
    load->tally.wire.received = after.received - before.received;
    load->tally.cpu = cpu_time() - cpu;
    load->tally.behind = load->paced ? count_behind(load) : 0;
}
