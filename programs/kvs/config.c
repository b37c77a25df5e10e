/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <string.h>

enum { ORIGIN_COLUMN = 48 };

static void print_setting(FILE *out, const char *name, const char *value,
                          const struct cli_origin *origin)
{
    int used = fprintf(out, "%s%s%s", name, *value ? " " : "", value);
    fprintf(out, "%*s# ", used < ORIGIN_COLUMN ? ORIGIN_COLUMN - used : 1, "");
    switch (origin->source) {
    case CLI_DEFAULT:
        fprintf(out, "default\n");
        break;
    case CLI_FILE:
        fprintf(out, "%s:%u\n", origin->file, origin->line);
        break;
    case CLI_ENVIRONMENT:
        fprintf(out, "environment\n");
        break;
    case CLI_COMMAND_LINE:
        fprintf(out, "command line\n");
        break;
    }
}

static bool is_flag(const struct cli_option *option)
{
    return !option->set && !option->limit;
}

static bool flag_of(const struct kvs_config *config, const struct cli_option *option)
{
    return *(const bool *)(const void *)((const char *)config + option->at);
}

static const struct cli_origin *origin_of(const struct kvs_config *config,
                                          const struct cli_table *table,
                                          const struct cli_option *option)
{
    return &config->common.origins[option - table->options];
}

/* Returns the value of an option that has one, as a file would have it; "" if nothing has set it. */
static const char *value_of(const struct kvs_config *config, const struct cli_table *table,
                            const struct cli_option *option, char dst[WEFT_UNITS_TEXT])
{
    const char *text = origin_of(config, table, option)->text;
    if (is_flag(option))
        return flag_of(config, option) ? "yes" : "no";
    if (option->limit)
        return cli_limit_format(option->limit, (const char *)config + option->at, dst);
    /* A reload sets the level, and not the text that it was given by. */
    if (strcmp(option->name, "log-level") == 0)
        return weft_log_level_name(config->log_level);
    if (strcmp(option->name, "threads") == 0) {
        snprintf(dst, WEFT_UNITS_TEXT, "%u", config->threads);
        return dst;
    }
    return text ? text : option->fallback ? option->fallback : "";
}

void kvs_config_print(const struct kvs_config *config, const struct cli_table *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        const struct cli_origin *origin = origin_of(config, table, option);
        char text[WEFT_UNITS_TEXT];
        if (option->action)
            continue;
        const char *value = value_of(config, table, option, text);
        if (strcmp(option->name, "listen") == 0) {
            for (size_t k = 0; k < config->listen_count; k++)
                print_setting(out, "listen", config->listen[k], &config->listen_origin[k]);
        } else if (strcmp(option->name, "plugin") == 0) {
            for (size_t k = 0; k < config->plugins.count; k++)
                print_setting(out, "plugin", config->plugins.paths[k], origin);
        } else if (*value) {
            print_setting(out, option->name, value, origin);
        }
    }
}

static bool is_same_list(const char *const *one, size_t one_count, const char *const *other,
                         size_t other_count)
{
    if (one_count != other_count)
        return false;
    for (size_t i = 0; i < one_count; i++) {
        if (strcmp(one[i], other[i]) != 0)
            return false;
    }
    return true;
}

bool kvs_config_is_equal(const struct kvs_config *one, const struct kvs_config *other,
                         const struct cli_table *table, const struct cli_option *option)
{
    char one_text[WEFT_UNITS_TEXT], other_text[WEFT_UNITS_TEXT];
    if (option->action)
        return true;
    if (strcmp(option->name, "listen") == 0)
        return is_same_list(one->listen, one->listen_count, other->listen, other->listen_count);
    if (strcmp(option->name, "plugin") == 0)
        return is_same_list(one->plugins.paths, one->plugins.count, other->plugins.paths,
                            other->plugins.count);
    if (option->limit) {
        size_t at = option->at + option->limit->offset;
        return memcmp((const char *)one + at, (const char *)other + at, sizeof(uint64_t)) == 0;
    }
    return strcmp(value_of(one, table, option, one_text),
                  value_of(other, table, option, other_text)) == 0;
}

void kvs_config_print_example(const struct cli_table *table, FILE *out)
{
    fputs("# Settings of kvs: `name value` a line. Those that are commented out show the default, "
          "or the\n"
          "# form of the value in capitals. `kvs --config FILE --check` checks a file, and\n"
          "# `kvs --config FILE --print-config` prints what is in force and where it comes from.\n"
          "# The environment (KVS_LOG_LEVEL) overrides a file, and the command line both.\n"
          "#\n"
          "# include /etc/kvs/local.conf\n"
          "#\n"
          "# An endpoint's own options may be indented below it:\n"
          "# listen tcp://127.0.0.1:6379\n"
          "#     codec resp\n",
          out);
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        const char *value = !option->argument ? "no" : option->fallback ? option->fallback : "";
        if (option->action)
            continue;
        if (!*value || strchr(value, ' '))
            value = option->argument;
        fprintf(out, "\n# %c%s.\n#%s %s\n", toupper((unsigned char)*option->help), option->help + 1,
                option->name, value);
    }
}

struct cli_exposure kvs_exposure_of(const struct kvs_config *config)
{
    return (struct cli_exposure){.urls = config->listen,
                                 .count = config->listen_count,
                                 .admin = config->admin,
                                 .has_users = config->users != NULL,
                                 .allow_remote = config->allow_remote};
}
