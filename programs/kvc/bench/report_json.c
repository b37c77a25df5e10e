/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>

#include "programs/kvc/format/json.h"

static void print_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "\"%s\": ", name);
    cli_json_print_string(out, weft_view_str(text));
    fputs(", ", out);
}

static void print_number(FILE *out, const char *name, uint64_t number)
{
    fprintf(out, "\"%s\": %" PRIu64 ", ", name, number);
}

/* time: nanoseconds. */
static void print_seconds(FILE *out, const char *name, uint64_t time)
{
    fprintf(out, "\"%s\": %.9g, ", name, (double)time / 1e9);
}

static void print_config(const struct cli_bench_report *report, FILE *out)
{
    const struct cli_bench_config *config = report->config;
    print_text(out, "server", report->server);
    print_text(out, "codec", report->codec);
    print_number(out, "clients", config->clients);
    print_number(out, "pipeline", config->pipeline);
    print_number(out, "threads", config->threads);
    fputs("\"mix\": {", out);
    const char *between = "";
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++) {
        if (config->mix.shares[i] == 0)
            continue;
        fprintf(out, "%s\"%s\": %" PRIu32, between,
                cli_bench_command_name((enum cli_bench_command)i), config->mix.shares[i]);
        between = ", ";
    }
    fputs("}, ", out);
    print_text(out, "table", config->table);
    print_number(out, "keys", config->keys);
    print_number(out, "value_size", config->value_size);
    print_text(out, "value_kind", cli_bench_kind_name(config->value_kind));
    print_number(out, "seed", config->seed);
    print_number(out, "rate", config->rate);
    print_seconds(out, "warmup", config->warmup);
    print_seconds(out, "duration", config->duration);
    print_number(out, "request_limit", config->requests);
}

static void print_trouble(const struct cli_bench_tally *tally, FILE *out)
{
    uint64_t others = tally->statuses[CLI_BENCH_STATUSES - 1].count;
    print_number(out, "wrong", tally->wrong);
    print_number(out, "missing", tally->missing);
    print_number(out, "refused", cli_bench_tally_refusals(tally));
    fputs("\"statuses\": {", out);
    const char *between = "";
    for (size_t i = 0; i + 1 < CLI_BENCH_STATUSES && tally->statuses[i].count > 0; i++) {
        fprintf(out, "%s\"%" PRIu32 "\": %" PRIu64, between, tally->statuses[i].status,
                tally->statuses[i].count);
        between = ", ";
    }
    if (others > 0)
        fprintf(out, ", \"others\": %" PRIu64, others);
    fputs("}, ", out);
    print_text(out, "first_trouble", tally->first.text);
}

/* One way of the bytes. */
static void print_way(FILE *out, const char *way, uint64_t plain, uint64_t wire)
{
    fprintf(out,
            "\"%s\": {\"bytes\": %" PRIu64 ", \"message_bytes\": %" PRIu64 ", \"ratio\": %.4f}, ",
            way, wire, plain, cli_bench_ratio(plain, wire));
}

static void print_latencies(const struct cli_histogram *latencies, FILE *out)
{
    fprintf(out, "\"latency_ms\": {\"mean\": %.6f", cli_histogram_mean(latencies) / 1e6);
    for (const struct cli_bench_quantile *quantile = cli_bench_quantiles(); quantile->name;
         quantile++)
        fprintf(out, ", \"%s\": %.6f", quantile->name,
                (double)cli_histogram_quantile(latencies, quantile->of_100000) / 1e6);
    fprintf(out, ", \"max\": %.6f}", (double)latencies->max / 1e6);
}

static void print_commands(const struct cli_bench_report *report, FILE *out)
{
    const struct cli_bench_tally *tally = report->tally;
    struct cli_histogram all = {0};
    fputs("\"commands\": {", out);
    const char *between = "";
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++) {
        if (report->config->mix.shares[i] == 0)
            continue;
        fprintf(out, "%s\"%s\": {\"requests\": %" PRIu64 ", \"misses\": %" PRIu64 ", ", between,
                cli_bench_command_name((enum cli_bench_command)i), tally->latencies[i].total,
                tally->misses[i]);
        print_latencies(&tally->latencies[i], out);
        fputc('}', out);
        cli_histogram_merge(&all, &tally->latencies[i]);
        between = ", ";
    }
    fputs("}, ", out);
    print_latencies(&all, out);
}

void cli_bench_report_print_json(const struct cli_bench_report *report, FILE *out)
{
    const struct cli_bench_tally *tally = report->tally;
    double seconds = (double)cli_bench_tally_elapsed(tally) / 1e9;
    uint64_t requests = cli_bench_tally_requests(tally);
    fputc('{', out);
    print_config(report, out);
    print_trouble(tally, out);
    fprintf(out, "\"interrupted\": %s, ", report->interrupted ? "true" : "false");
    fprintf(out, "\"seconds\": %.6f, ", seconds);
    print_number(out, "requests", requests);
    fprintf(out, "\"requests_per_second\": %.1f, ", seconds > 0 ? (double)requests / seconds : 0);
    print_number(out, "never_sent", tally->behind);
    print_way(out, "sent", tally->plain.sent, tally->wire.sent);
    print_way(out, "received", tally->plain.received, tally->wire.received);
    fprintf(out, "\"client_cpu_seconds\": %.6f, ", (double)tally->cpu / 1e9);
    print_commands(report, out);
    fputs("}\n", out);
}
