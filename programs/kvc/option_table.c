/* SPDX-License-Identifier: MIT
 *
 * What options there are, how each is read, and the defaults. */
#include <string.h>

#include "bench/options.h"
#include "programs/lib/options.h"
#include "programs/kvs/process.h"

enum { THREADS_MAX = 256 };

static int set_listen(struct cli_config *config, const char *text, struct weft_error *error)
{
    if (config->listen_count == CLI_LISTEN_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "--listen: more than %d times", CLI_LISTEN_MAX);
    config->listen[config->listen_count++] = text;
    return 0;
}

static int set_server(struct cli_config *config, const char *text, struct weft_error *error)
{
    (void)error;
    config->server = text;
    return 0;
}

static int set_codec(struct cli_config *config, const char *text, struct weft_error *error)
{
    (void)error;
    config->codec = text;
    config->codec_is_explicit = true;
    return 0;
}

static int set_store(struct cli_config *config, const char *text, struct weft_error *error)
{
    (void)error;
    config->store = text;
    return 0;
}

static int set_threads(struct cli_config *config, const char *text, struct weft_error *error)
{
    uint64_t threads;
    if (weft_parse_count(text, &threads) < 0 || threads < 1 || threads > THREADS_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "--threads: '%s' is not a number from 1 to %d",
                              text, THREADS_MAX);
    config->threads = (unsigned)threads;
    return 0;
}

static int set_timeout(struct cli_config *config, const char *text, struct weft_error *error)
{
    uint64_t timeout;
    if (weft_parse_seconds(text, &timeout) < 0 || timeout == 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--timeout: '%s' is not a time: seconds over 0, as 5 or 0.25", text);
    config->timeout = timeout;
    return 0;
}

static int set_log_level(struct cli_config *config, const char *text, struct weft_error *error)
{
    if (weft_log_level_parse(text, &config->log_level) < 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--log-level: unknown level '%s'; there are: error, warn, info, "
                              "debug, trace",
                              text);
    return 0;
}

static int set_user(struct cli_config *config, const char *text, struct weft_error *error)
{
    (void)error;
    config->user = text;
    return 0;
}

static int set_format(struct cli_config *config, enum cli_format format, struct weft_error *error)
{
    if (config->format != CLI_TEXT && config->format != format)
        return weft_error_set(error, WEFT_ECONFIG, "--json and --raw: choose one of them");
    config->format = format;
    return 0;
}

static int set_json(struct cli_config *config, const char *text, struct weft_error *error)
{
    (void)text;
    return set_format(config, CLI_JSON, error);
}

static int set_raw(struct cli_config *config, const char *text, struct weft_error *error)
{
    (void)text;
    return set_format(config, CLI_RAW, error);
}

static int set_rows(struct cli_config *config, const char *text, struct weft_error *error)
{
    bool is_csv = strcmp(text, "csv") == 0;
    if (!is_csv && strcmp(text, "ndjson") != 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--rows: unknown form '%s'; there are: csv, ndjson", text);
    config->rows = is_csv ? CLI_ROWS_CSV : CLI_ROWS_NDJSON;
    return 0;
}

static const struct cli_option own_options[] = {
    {.name = "listen",
     .argument = "URL",
     .fallback = CLI_DEFAULT_SERVER,
     .help = "where to serve; may repeat",
     .programs = CLI_KVS,
     .set = set_listen},
    {.name = "server",
     .argument = "URL",
     .fallback = CLI_DEFAULT_SERVER,
     .variable = "KVC_SERVER",
     .help = "the server",
     .programs = CLI_KVC,
     .set = set_server},
    {.name = "codec",
     .argument = "NAME",
     .fallback = CLI_DEFAULT_CODEC,
     .variable = "KVC_CODEC",
     .help = "default codec",
     .programs = CLI_KVS | CLI_KVC,
     .set = set_codec},
    {.name = "threads",
     .argument = "N",
     .fallback = "the CPUs",
     .help = "loops, each on its thread",
     .programs = CLI_KVS,
     .set = set_threads},
    {.name = "store",
     .argument = "NAME",
     .fallback = "memory",
     .help = "what holds the values",
     .programs = CLI_KVS,
     .set = set_store},
    {.name = "timeout",
     .argument = "SECONDS",
     .fallback = "5",
     .help = "to resolve, connect and be answered",
     .programs = CLI_KVC,
     .set = set_timeout},
    {.name = "json",
     .help = "print each answer as one JSON object",
     .programs = CLI_KVC,
     .set = set_json},
    {.name = "raw",
     .help = "print the value's bytes and nothing else",
     .programs = CLI_KVC,
     .set = set_raw},
    {.name = "rows",
     .argument = "FORM",
     .help = "csv or ndjson, where FILE's name does not say",
     .rare = true,
     .programs = CLI_KVC,
     .set = set_rows},
    {.name = "keep-going",
     .help = "batch, import: go on after an error",
     .rare = true,
     .programs = CLI_KVC,
     .flag = offsetof(struct cli_config, keep_going)},
    {.name = "log-level",
     .argument = "LEVEL",
     .fallback = "info",
     .help = "error, warn, info, debug, trace",
     .programs = CLI_KVS,
     .set = set_log_level},
    {.name = "user",
     .argument = "NAME",
     .help = "become this user once bound",
     .programs = CLI_KVS,
     .set = set_user},
    {.name = "allow-remote",
     .help = "listen beyond loopback, without any protection",
     .programs = CLI_KVS,
     .flag = offsetof(struct cli_config, allow_remote)},
    {.name = "core-dumps",
     .help = "allow them: they hold the values",
     .rare = true,
     .programs = CLI_KVS,
     .flag = offsetof(struct cli_config, core_dumps)},
    {.name = "check",
     .help = "print endpoints and limits, serve nothing",
     .programs = CLI_KVS,
     .flag = offsetof(struct cli_config, check)},
    {.name = "version",
     .letter = 'V',
     .help = "print the version",
     .programs = CLI_KVS | CLI_KVC,
     .flag = offsetof(struct cli_config, version)},
    {.name = "help",
     .letter = 'h',
     .help = "print this",
     .programs = CLI_KVS | CLI_KVC,
     .flag = offsetof(struct cli_config, help)},
    {.name = "help-all",
     .help = "print all options, explained",
     .programs = CLI_KVS | CLI_KVC,
     .flag = offsetof(struct cli_config, help_all)},
};

/* A client has no connections to guard but its own: what it takes and sends is all it limits. */
static bool limit_is_of(const struct weft_limit *limit, enum cli_program program)
{
    return program == CLI_KVS || limit->offset == offsetof(struct weft_limits, max_frame) ||
           limit->offset == offsetof(struct weft_limits, max_message);
}

static const char *unit_argument(enum weft_limit_unit unit)
{
    switch (unit) {
    case WEFT_LIMIT_BYTES:
        return "SIZE";
    case WEFT_LIMIT_TIME:
        return "SECONDS";
    case WEFT_LIMIT_COUNT:
        break;
    }
    return "N";
}

static char *format_limit(enum weft_limit_unit unit, uint64_t value, char *dst)
{
    switch (unit) {
    case WEFT_LIMIT_BYTES:
        return weft_format_size(value, dst);
    case WEFT_LIMIT_TIME:
        return weft_format_seconds(value, dst);
    case WEFT_LIMIT_COUNT:
        break;
    }
    snprintf(dst, WEFT_UNITS_TEXT, "%llu", (unsigned long long)value);
    return dst;
}

char *cli_limit_format(const struct weft_limit *limit, const struct weft_limits *limits, char *dst)
{
    uint64_t value;
    memcpy(&value, (const char *)limits + limit->offset, sizeof value);
    return format_limit(limit->unit, value, dst);
}

const char *cli_program_name(enum cli_program program)
{
    return program == CLI_KVS ? "kvs" : "kvc";
}

static unsigned default_threads(void)
{
    unsigned cpus = cli_cpu_count();
    return cpus < THREADS_MAX ? cpus : THREADS_MAX;
}

struct cli_config cli_config_default(enum cli_program program)
{
    struct cli_config config = {
        .server = CLI_DEFAULT_SERVER,
        .codec = CLI_DEFAULT_CODEC,
        .store = "memory",
        .threads = default_threads(),
        .timeout = WEFT_SECONDS(5),
        .limits = weft_limits_default(),
        .log_level = WEFT_LOG_INFO,
        .bench = cli_bench_config_default(),
    };
    if (program == CLI_KVC) {
        config.limits.max_frame *= 4;
        config.limits.max_message *= 4;
    }
    return config;
}

void cli_table_init(struct cli_table *table, enum cli_program program)
{
    *table = (struct cli_table){.program = program};
    for (size_t i = 0; i < sizeof own_options / sizeof *own_options; i++) {
        if (own_options[i].programs & program)
            table->options[table->count++] = own_options[i];
    }
    for (const struct cli_option *option = cli_bench_options(); option->name; option++) {
        if (option->programs & program)
            table->options[table->count++] = *option;
    }
    table->first_limit = table->count;
    struct cli_config defaults = cli_config_default(program);
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        if (!limit_is_of(limit, program))
            continue;
        size_t i = table->count++;
        table->options[i] = (struct cli_option){
            .name = limit->name,
            .argument = unit_argument(limit->unit),
            .fallback = cli_limit_format(limit, &defaults.limits, table->limit_text[i]),
            .help = limit->help,
            .rare = limit->offset != offsetof(struct weft_limits, max_memory),
            .programs = program,
        };
    }
}
