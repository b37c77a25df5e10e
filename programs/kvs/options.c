/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "programs/lib/help.h"

enum { THREADS_MAX = 256, DEFAULT_LOG_RATE = 100 };

static int add_listen(struct kvs_config *config, const char *text, struct weft_error *error)
{
    if (config->listen_count == KVS_LISTEN_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "--listen: more than %d times", KVS_LISTEN_MAX);
    config->listen_origin[config->listen_count] = config->common.now;
    config->listen[config->listen_count++] = text;
    return 0;
}

static int set_listen(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    const enum cli_source source = config->common.now.source;
    if (config->listen_count > 0 && config->listen_origin[0].source != source)
        config->listen_count = 0;
    if (source == CLI_ENVIRONMENT) {
        /* A variable has several URLs, with spaces between. */
        char *next = cli_texts_copy(&config->texts, text, strlen(text)), *rest = NULL;
        int err = next ? 0 : weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
        config->common.now.source = CLI_DEFAULT;
        for (next = next ? strtok_r(next, " \t\n", &rest) : NULL; next && err == 0;
             next = strtok_r(NULL, " \t\n", &rest))
            err = set_listen(config, next, error);
        config->common.now.source = source;
        for (size_t i = 0; i < config->listen_count; i++)
            config->listen_origin[i].source = source;
        return err;
    }
    if (config->listen_count == 0 && kvs_is_variant(text))
        (void)add_listen(config, CLI_DEFAULT_URL, error);
    return add_listen(config, text, error);
}

static int set_codec(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    (void)error;
    config->codec = text;
    return 0;
}

static int set_threads(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    uint64_t threads;
    if (weft_parse_count(text, &threads) < 0 || threads < 1 || threads > THREADS_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "--threads: '%s' is not a number from 1 to %d",
                              text, THREADS_MAX);
    config->threads = (unsigned)threads;
    return 0;
}

static int set_store(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    (void)error;
    config->store = text;
    return 0;
}

static int set_repair(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (strcmp(text, "show") != 0 && strcmp(text, "drop") != 0)
        return weft_error_set(error, WEFT_ECONFIG, "--repair: '%s' is neither show nor drop", text);
    config->repair = text;
    return 0;
}

static int set_log_level(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (weft_log_level_parse(text, &config->log_level) < 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--log-level: unknown level '%s'; there are: error, warn, info, "
                              "debug, trace",
                              text);
    return 0;
}

static int set_log_format(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (weft_log_format_parse(text, &config->log_format) < 0)
        return weft_error_set(error, WEFT_ECONFIG, "--log-format: '%s' is neither text nor json",
                              text);
    return 0;
}

static int set_log_file(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (!*text)
        return weft_error_set(error, WEFT_ECONFIG, "--log-file: the name of a file is missing");
    config->log_file = text;
    return 0;
}

static int set_log_rate(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (weft_parse_count(text, &config->log_rate) < 0)
        return weft_error_set(error, WEFT_ECONFIG, "--log-rate: '%s' is not a number", text);
    return 0;
}

static int set_access_log(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (!*text)
        return weft_error_set(error, WEFT_ECONFIG, "--access-log: the name of a file is missing");
    config->access_log = text;
    return 0;
}

/* The layer reads the template, when it is made. */
static int set_access_format(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    (void)error;
    config->access_format = text;
    return 0;
}

static int set_handover(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (!*text)
        return weft_error_set(error, WEFT_ECONFIG, "--handover: the path of a socket is missing");
    config->handover = text;
    return 0;
}

static int set_user(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    (void)error;
    config->user = text;
    return 0;
}

static int set_users(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (!*text)
        return weft_error_set(error, WEFT_ECONFIG, "--users: the name of a file is missing");
    config->users = text;
    return 0;
}

static int set_admin(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (!*text || kvs_is_variant(text))
        return weft_error_set(error, WEFT_ECONFIG, "--admin: '%s' is no URL with an address", text);
    config->admin = text;
    return 0;
}

static int set_slow_log(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (weft_parse_seconds(text, &config->slow_log) < 0)
        return weft_error_set(
            error, WEFT_ECONFIG,
            "--slowlog: '%s' is no time; it takes seconds, or as 10ms; 0 for none", text);
    return 0;
}

static int set_make_certificate(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (!*text)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--make-certificate: the name of a folder is missing");
    config->make_certificate = text;
    return 0;
}

static int set_plugin(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    if (config->plugins_source != config->common.now.source)
        config->plugins.count = 0;
    config->plugins_source = config->common.now.source;
    return cli_plugins_add(&config->plugins, text, error);
}

static int set_file(void *into, const char *text, struct weft_error *error)
{
    struct kvs_config *config = into;
    (void)error;
    config->file = text;
    return 0;
}

static const struct cli_option own_options[] = {
    {.name = "config",
     .argument = "FILE",
     .action = true,
     .help = "read settings from it; or KVS_CONFIG",
     .set = set_file},
    {.name = "listen",
     .argument = "URL",
     .fallback = CLI_DEFAULT_URL,
     .help = "where to serve; may repeat",
     .set = set_listen},
    {.name = "codec",
     .argument = "NAME",
     .fallback = CLI_DEFAULT_CODEC,
     .help = "default codec",
     .rare = true,
     .set = set_codec},
    {.name = "threads",
     .argument = "N",
     .fallback = "the CPUs",
     .help = "loops, each on its thread",
     .set = set_threads},
    {.name = "store",
     .argument = "STORE",
     .fallback = "memory",
     .help = "what holds the values",
     .set = set_store},
    {.name = "log-level",
     .argument = "LEVEL",
     .fallback = "info",
     .help = "error, warn, info, debug, trace",
     .set = set_log_level},
    {.name = "log-file",
     .argument = "FILE",
     .help = "where the log goes, not to standard error",
     .rare = true,
     .set = set_log_file},
    {.name = "log-format",
     .argument = "FORMAT",
     .fallback = "text",
     .help = "of the log's lines: text or json",
     .rare = true,
     .set = set_log_format},
    {.name = "log-rate",
     .argument = "N",
     .fallback = "100",
     .help = "lines per event and second; 0: any number",
     .rare = true,
     .set = set_log_rate},
    {.name = "access-log",
     .argument = "FILE",
     .help = "a line per request",
     .rare = true,
     .set = set_access_log},
    {.name = "access-format",
     .argument = "TEMPLATE",
     .help = "its form, as '$peer $command $object $status'",
     .rare = true,
     .set = set_access_format},
    {.name = "handover",
     .argument = "PATH",
     .help = "take over from the kvs at this socket, and be there",
     .rare = true,
     .set = set_handover},
    {.name = "user", .argument = "NAME", .help = "become this user once bound", .set = set_user},
    {.name = "users", .argument = "FILE", .help = "who may log in, and do what", .set = set_users},
    {.name = "admin",
     .argument = "URL",
     .help = "where to serve metrics and control",
     .set = set_admin},
    {.name = "slowlog",
     .argument = "TIME",
     .fallback = "0",
     .help = "keep requests that take longer, 0 none",
     .rare = true,
     .set = set_slow_log},
    {.name = "hash-password",
     .action = true,
     .help = "hash standard input's first line for --users",
     .rare = true,
     .at = offsetof(struct kvs_config, hash_password)},
    {.name = "make-certificate",
     .argument = "FOLDER",
     .action = true,
     .help = "make certificates for tests there",
     .rare = true,
     .set = set_make_certificate},
    {.name = "no-sandbox",
     .help = "keep all system calls and files at hand",
     .rare = true,
     .at = offsetof(struct kvs_config, no_sandbox)},
    {.name = "plugin",
     .argument = "FILE",
     .help = "load codecs and services of a .so; may repeat",
     .rare = true,
     .set = set_plugin},
    {.name = "repair",
     .argument = "MODE",
     .action = true,
     .help = "'show' damage of the store or 'drop' it",
     .rare = true,
     .set = set_repair},
    {.name = "allow-remote",
     .help = "listen beyond loopback without TLS and users",
     .at = offsetof(struct kvs_config, allow_remote)},
    {.name = "core-dumps",
     .help = "allow them: they hold the values",
     .rare = true,
     .at = offsetof(struct kvs_config, core_dumps)},
    {.name = "print-config",
     .action = true,
     .help = "print each setting and its origin",
     .rare = true,
     .at = offsetof(struct kvs_config, print_config)},
    {.name = "check",
     .action = true,
     .help = "print endpoints and limits, serve nothing",
     .at = offsetof(struct kvs_config, check)},
    {.name = NULL},
};

static unsigned default_threads(void)
{
    unsigned cpus = cli_cpu_count();
    return cpus < THREADS_MAX ? cpus : THREADS_MAX;
}

struct kvs_config kvs_config_default(const struct weft_limit *const *owners)
{
    struct kvs_config config = {
        .codec = CLI_DEFAULT_CODEC,
        .store = "memory",
        .threads = default_threads(),
        .log_level = WEFT_LOG_INFO,
        .log_rate = DEFAULT_LOG_RATE,
        .limits = weft_limits_default(),
        .owners = owners,
    };
    for (size_t i = 0; owners && owners[i]; i++) {
        assert(i < KVS_OWNERS_MAX);
        for (const struct weft_limit *limit = owners[i]; limit->name; limit++) {
            assert(limit->offset / sizeof limit->value < KVS_OWNED_MAX);
            config.owned[i][limit->offset / sizeof limit->value] = limit->value;
        }
    }
    return config;
}

const void *kvs_limits_of(const struct kvs_config *config, size_t i)
{
    return config->owned[i];
}

void kvs_table_init(struct cli_table *table, const struct weft_limit *const *owners)
{
    static const struct cli_program program = {.name = "kvs"};
    const struct cli_option *const options[] = {own_options, NULL};
    const struct kvs_config defaults = kvs_config_default(owners);
    struct cli_limits limits[KVS_OWNERS_MAX + 2] = {
        {.table = weft_limit_table(), .at = offsetof(struct kvs_config, limits)}};
    for (size_t i = 0; owners && owners[i]; i++)
        limits[i + 1] = (struct cli_limits){.table = owners[i],
                                            .at = offsetof(struct kvs_config, owned) +
                                                  i * sizeof defaults.owned[0],
                                            .common = "max-memory"};
    cli_table_init(table, &program, options, limits, &defaults);
}

static const char head[] =
    "Usage: kvs [OPTION]...\n"
    "A key-value server. URL is tcp://HOST:PORT or unix:PATH, and may end in\n"
    "?codec=NAME&service=NAME&threshold=N, or is just that: one more codec there.\n";

static const char tail[] =
    "STORE is NAME[:WHERE][?option=value&...].\n"
    "SIZE is bytes, or as 64K, 8MiB, 1G; SECONDS may be 0.5, 500ms, 5m.\n"
    "Exit codes: 0 drained or checked, 1 refused by the system or cut, 2 usage.\n";

void kvs_help_print(const struct cli_table *table, FILE *out)
{
    fputs(head, out);
    cli_help_print_options(table, out);
    fputs(tail, out);
}

void kvs_help_print_all(const struct cli_table *table, FILE *out)
{
    fputs(head, out);
    cli_help_print_all_options(table, out);
    fputs(tail, out);
}

bool kvs_help_answer(const struct kvs_config *config, const struct cli_table *table, FILE *out)
{
    if (config->common.help)
        kvs_help_print(table, out);
    else if (config->common.help_all)
        kvs_help_print_all(table, out);
    else if (config->common.version)
        cli_help_print_version(table, out);
    return cli_asks_for_text(&config->common);
}
