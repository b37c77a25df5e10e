/* SPDX-License-Identifier: MIT
 *
 * A configuration out of its sources: file, environment and command line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/url.h"
#include "options.h"

/* True if two URLs have one address, at which only one of them could listen. Port 0 is another one
 * each time. A URL that cannot be read is refused later, in better words. */
static bool is_same_address(const char *one, const char *other)
{
    struct weft_url a, b;
    struct weft_error unread;
    if (weft_url_parse(&a, one, &unread) < 0 || weft_url_parse(&b, other, &unread) < 0 ||
        strcmp(a.scheme, b.scheme) != 0)
        return false;
    if (a.path && b.path)
        return strcmp(a.path, b.path) == 0;
    return a.host && b.host && strcmp(a.host, b.host) == 0 && strcmp(a.port, b.port) == 0 &&
           strcmp(a.port, "0") != 0;
}

static int check_addresses(const struct kvs_config *config, struct weft_error *error)
{
    for (size_t i = 1; i < config->listen_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (is_same_address(config->listen[i], config->listen[k]))
                return weft_error_set(
                    error, WEFT_ECONFIG,
                    "--listen %.128s: an address that --listen %.128s has already",
                    config->listen[i], config->listen[k]);
        }
    }
    return 0;
}

/* Returns a copy of argv, which cli_parse may change. */
static char **copy_arguments(struct kvs_config *config, int argc, char **argv)
{
    size_t size = ((size_t)argc + 1) * sizeof *argv;
    return (char **)(void *)cli_texts_copy(&config->texts, (const char *)argv, size);
}

struct file_reading {
    struct kvs_config *config;
    const struct cli_table *table;
};

static int take_setting(void *arg, const struct cli_setting *setting, struct weft_error *error)
{
    const struct file_reading *reading = arg;
    return cli_parse_setting(reading->config, reading->table, setting, error);
}

static int read_sources(struct kvs_config *config, const struct cli_table *table, char **argv,
                        struct weft_error *error)
{
    const char *variable = getenv("KVS_CONFIG");
    struct file_reading reading = {config, table};
    if (!config->file && variable && *variable)
        config->file = variable;
    int err = config->file
                  ? cli_config_read(&config->texts, config->file, take_setting, &reading, error)
                  : 0;
    if (err == 0)
        err = cli_parse_variables(config, table, "KVS_", error);
    return err == 0 ? cli_parse(config, table, config->argc, argv, error) : err;
}

static int parse_all(struct kvs_config *config, const struct cli_table *table,
                     struct weft_error *error)
{
    char **first = copy_arguments(config, config->argc, config->argv);
    char **second = copy_arguments(config, config->argc, config->argv);
    if (!first || !second)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    /* The command line comes first because it names the file, and last because it overrides it. */
    int err = cli_parse(config, table, config->argc, first, error);
    if (err < 0 || cli_asks_for_text(&config->common))
        return err;
    struct kvs_config fresh = kvs_config_default(config->owners);
    fresh.texts = config->texts;
    fresh.argc = config->argc;
    fresh.argv = config->argv;
    fresh.file = config->file;
    *config = fresh;
    err = read_sources(config, table, second, error);
    if (err < 0)
        return err;
    if (config->listen_count == 0)
        config->listen[config->listen_count++] = CLI_DEFAULT_URL;
    err = check_addresses(config, error);
    return err < 0 ? err : weft_limits_check(&config->limits, error);
}

int kvs_parse(struct kvs_config *config, const struct cli_table *table,
              const struct weft_limit *const *owners, int argc, char **argv,
              struct weft_error *error)
{
    *config = kvs_config_default(owners);
    config->argc = argc;
    config->argv = copy_arguments(config, argc, argv);
    int err = config->argv ? parse_all(config, table, error)
                           : weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    if (err < 0)
        kvs_config_free(config);
    return err;
}

int kvs_parse_again(struct kvs_config *again, const struct kvs_config *config,
                    const struct cli_table *table, struct weft_error *error)
{
    return kvs_parse(again, table, config->owners, config->argc, config->argv, error);
}

void kvs_config_free(struct kvs_config *config)
{
    cli_texts_free(&config->texts);
}
