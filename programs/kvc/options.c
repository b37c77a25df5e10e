/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/options.h"
#include "command.h"

#define DEFAULT_ADMIN "tcp://127.0.0.1:9528"

enum { INTERVAL_LEAST = 10 * 1000 * 1000 }; /* nanoseconds */

static int set_server(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    (void)error;
    config->server = text;
    config->server_is_explicit = true;
    return 0;
}

static int set_host(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    if (strlen(text) > KVC_SERVER_TEXT - 32)
        return weft_error_set(error, WEFT_ECONFIG, "--host: '%.32s...' is too long for a host",
                              text);
    config->host = text;
    return 0;
}

static int set_port(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    uint64_t port;
    if (weft_parse_count(text, &port) < 0 || port < 1 || port > 65535)
        return weft_error_set(error, WEFT_ECONFIG, "--port: '%s' is not a number from 1 to 65535",
                              text);
    config->port = text;
    return 0;
}

/* "-h HOST" as other clients have it, but "-h" alone, "-h COMMAND" and "-h --raw" ask for help. A
 * word without a dot or colon is a host only if something follows it. */
static bool is_host(char *const *next)
{
    if (!next[0] || next[0][0] == '-' || next[0][0] == '\0' || cli_command_named(next[0]))
        return false;
    return strpbrk(next[0], ".:") || strcmp(next[0], "localhost") == 0 || next[1];
}

static int set_codec(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    (void)error;
    config->codec = text;
    config->codec_is_explicit = true;
    return 0;
}

static int set_user(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    if (text[0] == '\0')
        return weft_error_set(error, WEFT_ECONFIG, "--user: the name is empty");
    config->user = text;
    return 0;
}

static int set_password_file(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    (void)error;
    config->password_file = text;
    return 0;
}

static int set_timeout(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    uint64_t timeout;
    int err = weft_parse_seconds(text, &timeout);
    if (err == -ERANGE || (err == 0 && timeout > WEFT_LIMIT_TIME_MAX))
        return weft_error_set(error, WEFT_ECONFIG, "--timeout: '%s' is too long: at most 3650d",
                              text);
    if (err < 0 || timeout == 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--timeout: '%s' is not a time: seconds over 0, as 5 or 0.25", text);
    config->timeout = timeout;
    config->timeout_is_explicit = true;
    return 0;
}

static int set_format(struct kvc_config *config, enum cli_format format, struct weft_error *error)
{
    if (config->format != CLI_TEXT && config->format != format)
        return weft_error_set(error, WEFT_ECONFIG, "--json and --raw: choose one of them");
    config->format = format;
    return 0;
}

static int set_json(void *into, const char *text, struct weft_error *error)
{
    (void)text;
    return set_format(into, CLI_JSON, error);
}

static int set_raw(void *into, const char *text, struct weft_error *error)
{
    (void)text;
    return set_format(into, CLI_RAW, error);
}

static int set_rows(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    bool is_csv = strcmp(text, "csv") == 0;
    if (!is_csv && strcmp(text, "ndjson") != 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--rows: unknown form '%s'; there are: csv, ndjson", text);
    config->rows = is_csv ? CLI_ROWS_CSV : CLI_ROWS_NDJSON;
    return 0;
}

static int set_plugin(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return cli_plugins_add(&config->plugins, text, error);
}

static int set_number(uint64_t *number, const char *name, const char *text,
                      struct weft_error *error)
{
    if (weft_parse_count(text, number) == 0 && *number > 0)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "--%s: '%.64s' is not a number from 1 on", name,
                          text);
}

static int set_from(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_number(&config->from, "from", text, error);
}

static int set_count(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    return set_number(&config->count, "count", text, error);
}

static int set_admin(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    (void)error;
    config->admin = text;
    return 0;
}

static int set_interval(void *into, const char *text, struct weft_error *error)
{
    struct kvc_config *config = into;
    if (weft_parse_seconds(text, &config->interval) == 0 && config->interval >= INTERVAL_LEAST)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "--interval: '%.64s' is not a time of 10 ms or more",
                          text);
}

static const struct cli_option own_options[] = {
    {.name = "server",
     .argument = "URL",
     .fallback = CLI_DEFAULT_URL,
     .variable = "KVC_SERVER",
     .help = "the server",
     .set = set_server},
    {.name = "host",
     .letter = 'h',
     .fits = is_host,
     .argument = "HOST",
     .help = "its host, in place of --server",
     .rare = true,
     .set = set_host},
    {.name = "port",
     .letter = 'p',
     .argument = "PORT",
     .help = "its port, in place of --server",
     .rare = true,
     .set = set_port},
    {.name = "codec",
     .argument = "NAME",
     .fallback = CLI_DEFAULT_CODEC,
     .variable = "KVC_CODEC",
     .help = "default codec",
     .rare = true,
     .set = set_codec},
    {.name = "user",
     .argument = "NAME",
     .variable = "KVC_USER",
     .help = "log in; asks for the password, or KVC_PASSWORD",
     .rare = true,
     .set = set_user},
    {.name = "password-file",
     .argument = "FILE",
     .help = "its first line is the password of --user",
     .rare = true,
     .set = set_password_file},
    {.name = "admin",
     .argument = "URL",
     .fallback = DEFAULT_ADMIN,
     .variable = "KVC_ADMIN",
     .help = "admin service",
     .command = "info top clients kill slowlog loglevel reload drain",
     .set = set_admin},
    {.name = "interval",
     .argument = "SECONDS",
     .fallback = "2",
     .help = "between two looks",
     .command = "top",
     .set = set_interval},
    {.name = "timeout",
     .argument = "SECONDS",
     .fallback = "5",
     .help = "to resolve, connect and be answered",
     .set = set_timeout},
    {.name = "plugin",
     .argument = "FILE",
     .help = "load codecs of a .so; may repeat",
     .rare = true,
     .set = set_plugin},
    {.name = "json", .help = "print each answer as one JSON object", .set = set_json},
    {.name = "raw",
     .help = "print the value's bytes and nothing else",
     .rare = true,
     .set = set_raw},
    {.name = "rows",
     .argument = "FORM",
     .help = "csv or ndjson, where FILE's name does not say",
     .rare = true,
     .set = set_rows},
    {.name = "keep-going",
     .help = "batch, import: go on after an error",
     .rare = true,
     .at = offsetof(struct kvc_config, keep_going)},
    {.name = "all",
     .help = "all tables, in the place of TABLE",
     .command = "import export watch",
     .at = offsetof(struct kvc_config, all_tables)},
    {.name = "from",
     .argument = "NUMBER",
     .help = "changes after the one with this number",
     .command = "watch",
     .set = set_from},
    {.name = "count",
     .argument = "N",
     .help = "end after so many changes, messages or looks",
     .command = "watch subscribe top",
     .set = set_count},
    {.name = "pattern",
     .help = "TOPIC is a pattern: * ? [a-z] as in a shell",
     .command = "subscribe",
     .at = offsetof(struct kvc_config, pattern)},
    {.name = NULL},
};

struct kvc_config kvc_config_default(void)
{
    struct kvc_config config = {
        .server = CLI_DEFAULT_URL,
        .codec = CLI_DEFAULT_CODEC,
        .timeout = WEFT_SECONDS(5),
        .admin = DEFAULT_ADMIN,
        .interval = WEFT_SECONDS(2),
        .limits = weft_limits_default(),
        .bench = cli_bench_config_default(),
    };
    config.limits.max_frame *= 4;
    config.limits.max_message *= 4;
    return config;
}

void kvc_table_init(struct cli_table *table)
{
    /* A client has no connections to guard but its own: it limits what it takes and sends. */
    static const char *const limits_taken[] = {"max-frame", "max-message", NULL};
    const struct cli_limits limits[] = {
        {.table = weft_limit_table(),
         .at = offsetof(struct kvc_config, limits),
         .only = limits_taken},
        {.table = NULL},
    };
    static const struct cli_program program = {.name = "kvc", .takes_words = true};
    const struct cli_option *const options[] = {own_options, cli_command_options(),
                                                cli_bench_options(), NULL};
    const struct kvc_config defaults = kvc_config_default();
    cli_table_init(table, &program, options, limits, &defaults);
}

static_assert(offsetof(struct kvc_config, command) == offsetof(struct cli_request_line, options),
              "the options of commands work on both");

/* Behind hget, --version asks for the version of the value, not for that of kvc, and so on. */
static void replace_meant(int argc, char **argv)
{
    static char state[] = "--state", keys_only[] = "--keys-only";
    unsigned takes = 0;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const struct cli_command *command = cli_command_named(argv[i]);
        if (takes == 0 && command)
            takes = command->options;
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        const char *meant = cli_option_meant(takes, argv[i] + 2, strlen(argv[i] + 2));
        if (meant)
            argv[i] = strcmp(meant, "state") == 0 ? state : keys_only;
    }
}

/* --host and --port as a URL. */
static int join_server(struct kvc_config *config, struct weft_error *error)
{
    if (!config->host && !config->port)
        return 0;
    if (config->server_is_explicit)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--server and --%s: choose one of them; a URL has host and port",
                              config->host ? "host" : "port");
    const char *host = config->host ? config->host : "127.0.0.1";
    bool is_bare_ipv6 = strchr(host, ':') && host[0] != '[';
    snprintf(config->server_text, sizeof config->server_text, "tcp://%s%s%s:%s",
             is_bare_ipv6 ? "[" : "", host, is_bare_ipv6 ? "]" : "",
             config->port ? config->port : "9527");
    config->server = config->server_text;
    return 0;
}

/* The part of a URL before an '@' is not repeated in the error, because it may be a password. */
static int check_login(const struct kvc_config *config, struct weft_error *error)
{
    const char *authority = strstr(config->server, "://");
    if (authority && authority[3 + strcspn(authority + 3, "@/?")] == '@')
        return weft_error_set(
            error, WEFT_ECONFIG,
            "--server: a URL takes no user and no password before an '@', because "
            "others could read them there; use --user NAME, which asks for the "
            "password or takes it from KVC_PASSWORD or --password-file FILE");
    if (config->password_file && !config->user)
        return weft_error_set(error, WEFT_ECONFIG, "--password-file: --user NAME says whose it is");
    return 0;
}

int kvc_parse(struct kvc_config *config, const struct cli_table *table, int argc, char **argv,
              struct weft_error *error)
{
    *config = kvc_config_default();
    int err = cli_parse_environment(config, table, error);
    if (err < 0)
        return err;
    /* From the environment they are only defaults: a URL may name another codec. */
    config->codec_is_explicit = config->server_is_explicit = false;
    replace_meant(argc, argv);
    err = cli_parse(config, table, argc, argv, error);
    if (err < 0 || cli_asks_for_text(&config->common))
        return err;
    err = join_server(config, error);
    if (err == 0)
        err = check_login(config, error);
    return err < 0 ? err : weft_limits_check(&config->limits, error);
}
