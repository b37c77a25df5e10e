/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>

/* A rate counts as kept if at least this part of it was reached. */
static const double rate_kept = 0.99;

/* The client is likely to be the limit if its threads used at least this part of their CPU time. */
static const double cpu_busy = 0.9;

static const struct cli_bench_quantile quantiles[] = {
    {"p50", 50000},   {"p90", 90000},    {"p99", 99000},
    {"p99.9", 99900}, {"p99.99", 99990}, {.name = NULL},
};

const struct cli_bench_quantile *cli_bench_quantiles(void)
{
    return quantiles;
}

double cli_bench_ratio(uint64_t plain, uint64_t wire)
{
    return wire > 0 ? (double)plain / (double)wire : 0;
}

static double seconds_of(const struct cli_bench_report *report)
{
    return (double)cli_bench_tally_elapsed(report->tally) / 1e9;
}

static double per_second(const struct cli_bench_report *report, uint64_t count)
{
    double seconds = seconds_of(report);
    return seconds > 0 ? (double)count / seconds : 0;
}

static void print_trouble(const struct cli_bench_tally *tally, FILE *out)
{
    uint64_t refused = cli_bench_tally_refusals(tally);
    if (tally->wrong + tally->missing + refused == 0)
        return;
    fprintf(out, "FAILED: %" PRIu64 " wrong, %" PRIu64 " missing, %" PRIu64 " refused",
            tally->wrong, tally->missing, refused);
    const char *between = " (";
    for (size_t i = 0; i < CLI_BENCH_STATUSES; i++) {
        const struct cli_bench_status *status = &tally->statuses[i];
        if (status->count == 0)
            continue;
        if (i + 1 < CLI_BENCH_STATUSES)
            fprintf(out, "%s%" PRIu32 ": %" PRIu64, between, status->status, status->count);
        else
            fprintf(out, "%sothers: %" PRIu64, between, status->count);
        between = ", ";
    }
    fputs(refused > 0 ? ")\n" : "\n", out);
    if (tally->first.text[0] != '\0')
        fprintf(out, "  the first: %s\n", tally->first.text);
    fputc('\n', out);
}

static void print_work(const struct cli_bench_report *report, FILE *out)
{
    const struct cli_bench_config *config = report->config;
    char mix[CLI_BENCH_MIX_TEXT];
    fprintf(out, "%s, codec %s\n", report->server, report->codec);
    fprintf(out, "%u client%s, pipeline %u, %u thread%s, %s\n", config->clients,
            config->clients == 1 ? "" : "s", config->pipeline, config->threads,
            config->threads == 1 ? "" : "s", cli_bench_mix_format(&config->mix, mix));
    fprintf(out, "%u keys of table %s, %s values of %zu bytes, seed %" PRIu64 "\n", config->keys,
            config->table, cli_bench_kind_name(config->value_kind), config->value_size,
            config->seed);
}

static void print_row(const struct cli_bench_report *report, const char *name,
                      const struct cli_histogram *latencies, FILE *out)
{
    fprintf(out, "%-7s %10.0f", name, per_second(report, latencies->total));
    for (const struct cli_bench_quantile *quantile = quantiles; quantile->name; quantile++)
        fprintf(out, " %8.3f",
                (double)cli_histogram_quantile(latencies, quantile->of_100000) / 1e6);
    fprintf(out, " %8.3f\n", (double)latencies->max / 1e6);
}

static void print_latencies(const struct cli_bench_report *report, FILE *out)
{
    struct cli_histogram all = {0};
    unsigned rows = 0;
    fprintf(out, "\n%-7s %10s", "", "requests/s");
    for (const struct cli_bench_quantile *quantile = quantiles; quantile->name; quantile++)
        fprintf(out, " %8s", quantile->name);
    fprintf(out, " %8s ms\n", "max");
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++) {
        const struct cli_histogram *latencies = &report->tally->latencies[i];
        if (report->config->mix.shares[i] == 0)
            continue;
        print_row(report, cli_bench_command_name((enum cli_bench_command)i), latencies, out);
        cli_histogram_merge(&all, latencies);
        rows++;
    }
    if (rows > 1)
        print_row(report, "all", &all, out);
}

static void print_misses(const struct cli_bench_report *report, FILE *out)
{
    uint64_t misses = 0;
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++)
        misses += report->tally->misses[i];
    if (misses > 0)
        fprintf(out, "%" PRIu64 " of them found no key\n", misses);
}

static void print_rate(const struct cli_bench_report *report, FILE *out)
{
    const struct cli_bench_tally *tally = report->tally;
    uint64_t asked = report->config->rate;
    double kept = per_second(report, cli_bench_tally_requests(tally));
    if (asked == 0)
        return;
    fprintf(out, "rate    %" PRIu64 " requests/s asked for, ", asked);
    if (tally->behind == 0 || kept >= rate_kept * (double)asked)
        fputs("kept; latencies count from when a request was due\n", out);
    else
        fprintf(out, "NOT KEPT: %" PRIu64 " were due and never sent\n", tally->behind);
}

static void print_sums(const struct cli_bench_report *report, FILE *out)
{
    const struct cli_bench_tally *tally = report->tally;
    const struct cli_bench_bytes *wire = &tally->wire, *plain = &tally->plain;
    double cpus = per_second(report, tally->cpu) / 1e9;
    fprintf(out, "\n%s%" PRIu64 " requests in %.2f s\n", report->interrupted ? "interrupted: " : "",
            cli_bench_tally_requests(tally), seconds_of(report));
    print_misses(report, out);
    print_rate(report, out);
    fprintf(out, "wire    %.2f MB/s sent, %.2f MB/s received\n",
            per_second(report, wire->sent) / 1e6, per_second(report, wire->received) / 1e6);
    fprintf(out, "ratio   %.2f sent, %.2f received (messages / bytes on the wire)\n",
            cli_bench_ratio(plain->sent, wire->sent),
            cli_bench_ratio(plain->received, wire->received));
    fprintf(out, "client  %.2f CPUs%s\n", cpus,
            cpus > cpu_busy * report->config->threads
                ? ": it may be what limits the rate; --threads gives it more"
                : "");
}

void cli_bench_report_print(const struct cli_bench_report *report, FILE *out)
{
    print_trouble(report->tally, out);
    print_work(report, out);
    if (report->tally->began == 0) {
        fprintf(out, "%snothing was measured\n", report->interrupted ? "interrupted: " : "");
        return;
    }
    print_latencies(report, out);
    print_sums(report, out);
}
