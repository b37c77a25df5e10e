/* SPDX-License-Identifier: MIT */
#include "load_run.h"

#include <errno.h>
#include <sys/resource.h>

#include "core/base/compiler.h"

/* The clock is read again within a batch after so many replies. */
enum { REPLIES_A_TICK = 64 };

/* True if one more request is to be sent now. */
static bool may_send(struct cli_bench_load *load)
{
    if (load->left == 0 || load->now >= load->end)
        load->making = false;
    return load->making;
}

static void choose(struct cli_bench_load *load, struct cli_bench_slot *slot)
{
    const struct cli_bench_config *config = load->plan->config;
    if (load->part == CLI_BENCH_FILL) {
        slot->command = CLI_BENCH_HSET;
        uint32_t place = load->fill_count > 0 ? load->filled++ % load->fill_count : 0;
        cli_bench_key_set(&slot->key, load->fill_begin + place);
        return;
    }
    uint64_t bits = cli_bench_random_next(&load->random);
    slot->command = cli_bench_mix_pick(&config->mix, (uint32_t)bits);
    cli_bench_key_set(&slot->key, cli_bench_random_scale((uint32_t)(bits >> 32), config->keys));
}

static void send_next(struct cli_bench_load *load, struct cli_bench_slot *slot, int64_t began)
{
    struct weft_error error;
    choose(load, slot);
    slot->began = began;
    struct cli_bench_body body =
        cli_bench_request_body(&load->plan->requests, slot->command, &slot->key);
    int err = weft_client_call(slot->connection->client, &slot->call, &body.body, &error);
    if (err < 0) {
        cli_bench_load_fail(load, err == WEFT_ETOOBIG ? CLI_EXIT_USAGE : CLI_EXIT_PROTOCOL,
                            error.text);
        return;
    }
    load->left--;
    load->in_flight++;
    load->tally.plain.sent += body.body.size;
}

static void put_idle(struct cli_bench_load *load, struct cli_bench_slot *slot)
{
    slot->next = NULL;
    *load->idle_tail = slot;
    load->idle_tail = &slot->next;
}

static struct cli_bench_slot *take_idle(struct cli_bench_load *load)
{
    struct cli_bench_slot *slot = load->idle;
    load->idle = slot->next;
    if (!load->idle)
        load->idle_tail = &load->idle;
    return slot;
}

/* Sends what is due by now. Each counts from when it was due, which may be long ago. */
static void keep_pace(struct cli_bench_load *load)
{
    while (load->idle && may_send(load)) {
        int64_t time = cli_bench_schedule_time(&load->schedule);
        if (time >= load->end) {
            load->making = false;
        } else if (time > load->now) {
            cli_bench_pacer_set(&load->pacer, time);
            return;
        } else {
            cli_bench_schedule_advance(&load->schedule);
            send_next(load, take_idle(load), time);
        }
    }
}

void cli_bench_on_due(struct cli_bench_pacer *pacer)
{
    struct cli_bench_load *load = weft_container_of(pacer, struct cli_bench_load, pacer);
    load->now = weft_loop_refresh(load->loop);
    keep_pace(load);
}

/* The first thing that goes wrong is kept in words. */
static void note(struct cli_bench_load *load, const struct cli_bench_slot *slot, const char *text)
{
    struct weft_error *first = &load->tally.first;
    if (first->text[0] == '\0')
        (void)weft_error_set(first, WEFT_EMALFORMED, "%s %.*s: %s",
                             cli_bench_command_name(slot->command), CLI_BENCH_KEY_SIZE,
                             slot->key.text, text);
}

static void take_reply(struct cli_bench_load *load, const struct cli_bench_slot *slot,
                       struct weft_view payload)
{
    struct cli_bench_tally *tally = &load->tally;
    enum cli_bench_verdict verdict =
        cli_bench_reply_check(&load->replies, slot->command, &slot->key, payload);
    tally->plain.received += payload.size;
    tally->ended = load->now;
    if (verdict == CLI_BENCH_RIGHT || verdict == CLI_BENCH_MISS) {
        cli_histogram_record(&tally->latencies[slot->command], load->now - slot->began);
        tally->misses[slot->command] += verdict == CLI_BENCH_MISS;
        return;
    }
    if (verdict == CLI_BENCH_UNREAD) {
        cli_bench_load_fail(load, CLI_EXIT_PROTOCOL, load->replies.why.text);
        return;
    }
    if (verdict == CLI_BENCH_REFUSED)
        cli_bench_tally_refused(tally, load->replies.status);
    else
        tally->wrong++;
    note(load, slot, load->replies.why.text);
}

/* A call that has failed. A bad frame is a wrong reply, and the connection lives. */
static void lose(struct cli_bench_load *load, const struct cli_bench_slot *slot, int status)
{
    const char *trouble = weft_client_trouble(slot->connection->client);
    if (status == WEFT_EMALFORMED || status == WEFT_ETOOBIG) {
        load->tally.wrong++;
        note(load, slot, trouble);
        return;
    }
    load->tally.missing += slot->call.sent || status == -ETIMEDOUT;
    cli_bench_load_fail(load, status == -ETIMEDOUT ? CLI_EXIT_TIMEOUT : CLI_EXIT_PROTOCOL, trouble);
}

/* Reads the clock once for the replies that a connection brings in a turn, and again within long
 * batches. */
static void read_clock(struct cli_bench_load *load, const struct cli_bench_connection *connection)
{
    bool same = connection == load->batch && weft_loop_now(load->loop) == load->now;
    if (same && load->batch_replies++ < REPLIES_A_TICK)
        return;
    load->batch = connection;
    load->batch_replies = 1;
    load->now = weft_loop_refresh(load->loop);
    atomic_store_explicit(&load->answered, load->replied, memory_order_relaxed);
}

void cli_bench_on_done(struct weft_call *call, int status, struct weft_view payload, bool last)
{
    struct cli_bench_slot *slot = weft_container_of(call, struct cli_bench_slot, call);
    struct cli_bench_load *load = slot->connection->load;
    (void)last; /* kv answers a command with one message */
    load->in_flight--;
    if (load->closing)
        return;
    load->replied++;
    read_clock(load, slot->connection);
    if (status < 0)
        lose(load, slot, status);
    else
        take_reply(load, slot, payload);
    if (load->paced) {
        put_idle(load, slot);
        keep_pace(load);
    } else if (may_send(load)) {
        send_next(load, slot, load->now);
    }
}

/* Requests in flight on each connection. */
static size_t depth_of(const struct cli_bench_load *load)
{
    const struct cli_bench_config *config = load->plan->config;
    return load->part == CLI_BENCH_FILL ? cli_bench_fill_depth(config) : config->pipeline;
}

static uint64_t share_of(const struct cli_bench_load *load, uint64_t whole)
{
    return cli_bench_share(load->plan, load->index + 1, whole) -
           cli_bench_share(load->plan, load->index, whole);
}

/* Sets how many requests the part sends at most, and until when. */
static void set_bounds(struct cli_bench_load *load)
{
    const struct cli_bench_config *config = load->plan->config;
    load->left = UINT64_MAX;
    load->end = INT64_MAX;
    switch (load->part) {
    case CLI_BENCH_FILL:
        /* Each connection has one at least: a server that turns it away says so in the reply. */
        load->fill_begin = (uint32_t)cli_bench_share(load->plan, load->index, config->keys);
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
            put_idle(load, &load->slots[i]);
        else if (may_send(load))
            send_next(load, &load->slots[i], load->now);
    }
    if (load->paced)
        keep_pace(load);
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
        cli_bench_load_fail(load, CLI_EXIT_PROTOCOL, "the keys could not be set");
    else if (cli_bench_tally_refusals(tally) > 0)
        cli_bench_load_fail(load, CLI_EXIT_REFUSED, "the keys could not be set");
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
