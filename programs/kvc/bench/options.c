/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <inttypes.h>
#include <string.h>

#include "programs/kvc/options.h"

enum {
    CLIENTS_MAX = 100000,
    PIPELINE_MAX = 100000,
    THREADS_MAX = 256,
    KEYS_MAX = 1000000000,
    RATE_MAX = 100000000,
};

static const uint64_t requests_max = UINT64_C(1000000000000);
static const uint64_t seconds_max = WEFT_SECONDS(30 * 86400);

static int set_count(uint64_t *count, const char *name, const char *text, uint64_t least,
                     uint64_t most, struct weft_error *error)
{
    uint64_t number;
    if (weft_parse_count(text, &number) < 0 || number < least || number > most)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--%s: '%s' is not a number from %" PRIu64 " to %" PRIu64, name, text,
                              least, most);
    *count = number;
    return 0;
}

static int set_unsigned(unsigned *count, const char *name, const char *text, unsigned most,
                        struct weft_error *error)
{
    uint64_t number = 0;
    int err = set_count(&number, name, text, 1, most, error);
    if (err == 0)
        *count = (unsigned)number;
    return err;
}

static int set_time(uint64_t *time, const char *name, const char *text, bool may_be_zero,
                    struct weft_error *error)
{
    uint64_t nanoseconds;
    if (weft_parse_seconds(text, &nanoseconds) < 0 || nanoseconds > seconds_max ||
        (nanoseconds == 0 && !may_be_zero))
        return weft_error_set(error, WEFT_ECONFIG,
                              "--%s: '%s' is not a time: seconds%s, as 5 or 0.25", name, text,
                              may_be_zero ? "" : " over 0");
    *time = nanoseconds;
    return 0;
}

static int set_clients(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_unsigned(&config->bench.clients, "clients", text, CLIENTS_MAX, error);
}

static int set_pipeline(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_unsigned(&config->bench.pipeline, "pipeline", text, PIPELINE_MAX, error);
}

static int set_threads(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_unsigned(&config->bench.threads, "threads", text, THREADS_MAX, error);
}

static int set_streams(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_unsigned(&config->bench.streams, "streams", text, CLIENTS_MAX, error);
}

static int set_duration(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_time(&config->bench.duration, "duration", text, false, error);
}

static int set_requests(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_count(&config->bench.requests, "requests", text, 1, requests_max, error);
}

static int set_warmup(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_time(&config->bench.warmup, "warmup", text, true, error);
}

static int set_rate(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_count(&config->bench.rate, "rate", text, 1, RATE_MAX, error);
}

static int set_mix(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return cli_bench_mix_parse(&config->bench.mix, text, error);
}

static int set_table(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    if (!weft_utf8_valid(weft_view_str(text)))
        return weft_error_set(error, WEFT_ECONFIG, "--table: '%s' is not valid UTF-8", text);
    config->bench.table = text;
    return 0;
}

static int set_keys(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_unsigned(&config->bench.keys, "keys", text, KEYS_MAX, error);
}

static int set_value_size(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    uint64_t size;
    if (weft_parse_size(text, &size) < 0 || size > UINT32_MAX)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--value-size: '%s' is not a size: bytes, or KiB, MiB, GiB (16KiB)",
                              text);
    config->bench.value_size = (size_t)size;
    return 0;
}

static int set_value_kind(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    bool is_random = strcmp(text, cli_bench_kind_name(CLI_BENCH_RANDOM)) == 0;
    if (!is_random && strcmp(text, cli_bench_kind_name(CLI_BENCH_JSON)) != 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--value-kind: unknown kind '%s'; there are: json, random", text);
    config->bench.value_kind = is_random ? CLI_BENCH_RANDOM : CLI_BENCH_JSON;
    return 0;
}

static int set_seed(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_count(&config->bench.seed, "seed", text, 0, INT64_MAX, error);
}

#define DEFAULT_MIX   "hget=90,hset=10"
#define DEFAULT_TABLE "kvc-bench"

#define OF_BENCH      .command = "bench"

static const struct cli_option options[] = {
    {.name = "clients",
     .argument = "N",
     .fallback = "50",
     .help = "connections",
     .set = set_clients,
     OF_BENCH},
    {.name = "pipeline",
     .argument = "N",
     .fallback = "1",
     .help = "requests in flight on each",
     .set = set_pipeline,
     OF_BENCH},
    {.name = "threads",
     .argument = "N",
     .fallback = "1",
     .help = "threads that share the clients",
     .set = set_threads,
     OF_BENCH},
    {.name = "streams",
     .argument = "N",
     .fallback = "1",
     .help = "clients that share a yamux session [1]",
     .set = set_streams,
     OF_BENCH},
    {.name = "duration",
     .argument = "SECONDS",
     .fallback = "10",
     .help = "how long to measure",
     .set = set_duration,
     OF_BENCH},
    {.name = "requests",
     .argument = "N",
     .help = "end after so many requests",
     .set = set_requests,
     OF_BENCH},
    {.name = "warmup",
     .argument = "SECONDS",
     .fallback = "1",
     .help = "load before, not counted",
     .set = set_warmup,
     OF_BENCH},
    {.name = "rate",
     .argument = "N",
     .help = "requests a second; else as many as can be",
     .set = set_rate,
     OF_BENCH},
    {.name = "mix",
     .argument = "LIST",
     .fallback = DEFAULT_MIX,
     .help = "shares of hget hset hexist hdel",
     .set = set_mix,
     OF_BENCH},
    {.name = "table",
     .argument = "NAME",
     .fallback = DEFAULT_TABLE,
     .help = "the table that is loaded",
     .set = set_table,
     OF_BENCH},
    {.name = "keys",
     .argument = "N",
     .fallback = "10000",
     .help = "keys in the table",
     .set = set_keys,
     OF_BENCH},
    {.name = "value-size",
     .argument = "SIZE",
     .fallback = "64",
     .help = "bytes of each value",
     .set = set_value_size,
     OF_BENCH},
    {.name = "value-kind",
     .argument = "KIND",
     .fallback = "json",
     .help = "json compresses, random does not",
     .set = set_value_kind,
     OF_BENCH},
    {.name = "seed",
     .argument = "N",
     .fallback = "1",
     .help = "what keys and values follow from",
     .set = set_seed,
     OF_BENCH},
    {.name = "keep",
     .help = "leave the keys in the table",
     .at = offsetof(struct kvc_config, bench.keep),
     OF_BENCH},
    {.name = NULL},
};

const struct cli_option *cli_bench_options(void)
{
    return options;
}

struct cli_bench_config cli_bench_config_default(void)
{
    return (struct cli_bench_config){
        .clients = 50,
        .pipeline = 1,
        .threads = 1,
        .streams = 1,
        .warmup = WEFT_SECONDS(1),
        .mix = {.shares = {[CLI_BENCH_HGET] = 90, [CLI_BENCH_HSET] = 10}, .total = 100},
        .table = DEFAULT_TABLE,
        .keys = 10000,
        .value_size = 64,
        .value_kind = CLI_BENCH_JSON,
        .seed = 1,
    };
}

int cli_bench_config_check(const struct cli_bench_config *config, struct weft_error *error)
{
    if (config->threads > config->clients)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--threads: %u threads share %u clients: each needs one",
                              config->threads, config->clients);
    return 0;
}
