/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <string.h>

void cli_bench_tally_restart(struct cli_bench_tally *tally)
{
    memset(tally, 0, offsetof(struct cli_bench_tally, wrong));
}

/* Counts a status in its own entry, in a new one, or, once the table is full, in the last. */
static void add_status(struct cli_bench_tally *tally, uint32_t status, uint64_t count)
{
    size_t i = 0, last = CLI_BENCH_STATUSES - 1;
    while (i < last && tally->statuses[i].count > 0 && tally->statuses[i].status != status)
        i++;
    if (i < last)
        tally->statuses[i].status = status;
    tally->statuses[i].count += count;
}

void cli_bench_tally_refused(struct cli_bench_tally *tally, uint32_t status)
{
    add_status(tally, status, 1);
}

uint64_t cli_bench_tally_refusals(const struct cli_bench_tally *tally)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < CLI_BENCH_STATUSES; i++)
        sum += tally->statuses[i].count;
    return sum;
}

uint64_t cli_bench_tally_requests(const struct cli_bench_tally *tally)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++)
        sum += tally->latencies[i].total;
    return sum;
}

int64_t cli_bench_tally_elapsed(const struct cli_bench_tally *tally)
{
    return tally->ended > tally->began ? tally->ended - tally->began : 0;
}

static void add_bytes(struct cli_bench_bytes *into, const struct cli_bench_bytes *from)
{
    into->sent += from->sent;
    into->received += from->received;
}

void cli_bench_tally_merge(struct cli_bench_tally *into, const struct cli_bench_tally *from)
{
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++) {
        cli_histogram_merge(&into->latencies[i], &from->latencies[i]);
        into->misses[i] += from->misses[i];
    }
    if (from->began != 0 && (into->began == 0 || from->began < into->began))
        into->began = from->began;
    if (from->ended > into->ended)
        into->ended = from->ended;
    add_bytes(&into->wire, &from->wire);
    add_bytes(&into->plain, &from->plain);
    into->behind += from->behind;
    into->cpu += from->cpu;
    into->wrong += from->wrong;
    into->missing += from->missing;
    for (size_t i = 0; i + 1 < CLI_BENCH_STATUSES; i++) {
        if (from->statuses[i].count > 0)
            add_status(into, from->statuses[i].status, from->statuses[i].count);
    }
    into->statuses[CLI_BENCH_STATUSES - 1].count += from->statuses[CLI_BENCH_STATUSES - 1].count;
    if (into->first.text[0] == '\0')
        into->first = from->first;
}
