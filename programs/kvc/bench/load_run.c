/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "load_private.h"

/* The clock is read again within a batch after so many replies. */
enum { REPLIES_A_TICK = 64 };

void cli_bench__fail(struct cli_bench_load *load, enum cli_exit code, const char *text)
{
    if (load->code == CLI_EXIT_DONE) {
        load->code = code;
        (void)weft_error_set(&load->error, -EIO, "%s", text);
    }
    cli_bench_load_stop(load);
}

/* Whether one more request is to be sent now. */
bool cli_bench__may_send(struct cli_bench_load *load)
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

void cli_bench__send(struct cli_bench_load *load, struct cli_bench_slot *slot, int64_t began)
{
    struct weft_error error;
    choose(load, slot);
    slot->began = began;
    struct cli_bench_body body =
        cli_bench_request_body(&load->plan->requests, slot->command, &slot->key);
    int err = weft_client_call(slot->connection->client, &slot->call, &body.body, &error);
    if (err < 0) {
        cli_bench__fail(load, err == WEFT_ETOOBIG ? CLI_EXIT_USAGE : CLI_EXIT_PROTOCOL, error.text);
        return;
    }
    load->left--;
    load->in_flight++;
    load->tally.plain.sent += body.body.size;
}

void cli_bench__put_idle(struct cli_bench_load *load, struct cli_bench_slot *slot)
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
void cli_bench__keep_pace(struct cli_bench_load *load)
{
    while (load->idle && cli_bench__may_send(load)) {
        int64_t time = cli_bench_schedule_time(&load->schedule);
        if (time >= load->end) {
            load->making = false;
        } else if (time > load->now) {
            cli_bench_pacer_set(&load->pacer, time);
            return;
        } else {
            cli_bench_schedule_advance(&load->schedule);
            cli_bench__send(load, take_idle(load), time);
        }
    }
}

void cli_bench__on_due(struct cli_bench_pacer *pacer)
{
    struct cli_bench_load *load = weft_container_of(pacer, struct cli_bench_load, pacer);
    load->now = weft_loop_refresh(load->loop);
    cli_bench__keep_pace(load);
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
        cli_bench__fail(load, CLI_EXIT_PROTOCOL, load->replies.why.text);
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
    cli_bench__fail(load, status == -ETIMEDOUT ? CLI_EXIT_TIMEOUT : CLI_EXIT_PROTOCOL, trouble);
}

/* Once for what a connection brings in a turn, and in long batches now and then. */
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

void cli_bench__on_done(struct weft_call *call, int status, struct weft_view payload, bool last)
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
        cli_bench__put_idle(load, slot);
        cli_bench__keep_pace(load);
    } else if (cli_bench__may_send(load)) {
        cli_bench__send(load, slot, load->now);
    }
}
