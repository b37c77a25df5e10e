/* SPDX-License-Identifier: MIT
 *
 * Reading a command line. The options themselves are option_table.c's. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"

enum { LONG_OPTION_BASE = 256 };

/* Appends to a text of size bytes; what does not fit is cut. */
static WEFT_PRINTF(3, 4) void append(char *text, size_t size, const char *fmt, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + used, size - used, fmt, args);
    va_end(args);
}

/* All options whose names begin with the first length bytes of prefix; where it is empty, those of
 * any command. */
static size_t list_options(const struct cli_table *table, const char *prefix, size_t length,
                           char *text, size_t size)
{
    size_t listed = 0;
    *text = '\0';
    for (size_t i = 0; i < table->count; i++) {
        if (strncmp(table->options[i].name, prefix, length) != 0 ||
            (length == 0 && table->options[i].command))
            continue;
        append(text, size, "%s--%s", listed++ > 0 ? ", " : "", table->options[i].name);
    }
    return listed;
}

/* What else it can be that kvc is given. */
static const char *dash_advice(const struct cli_table *table)
{
    return table->program == CLI_KVC ? "; put -- before values that begin with '-'" : "";
}

static int refuse_word(const struct cli_table *table, const char *word, struct weft_error *error)
{
    char names[448];
    struct cli_suggestion meant;
    size_t length = strcspn(word, "=");
    int shown = (int)(length < 40 ? length : 40);
    if (list_options(table, word, length, names, sizeof names) > 1)
        return weft_error_set(error, WEFT_ECONFIG, "'--%.*s' could be any of: %s", shown, word,
                              names);
    cli_suggestion_init(&meant, weft_view(word, length));
    for (size_t i = 0; i < table->count; i++)
        cli_suggestion_offer(&meant, table->options[i].name);
    if (meant.name)
        return weft_error_set(error, WEFT_ECONFIG, "unknown option '--%.*s'; did you mean --%s?%s",
                              shown, word, meant.name, dash_advice(table));
    (void)list_options(table, "", 0, names, sizeof names);
    return weft_error_set(error, WEFT_ECONFIG, "unknown option '--%.*s'; there are: %s%s", shown,
                          word, names, dash_advice(table));
}

static int refuse_letter(const struct cli_table *table, int letter, struct weft_error *error)
{
    return weft_error_set(error, WEFT_ECONFIG, "unknown option '-%c'; see %s --help%s", letter,
                          cli_program_name(table->program), dash_advice(table));
}

/* What getopt_long cannot take. found is its answer, and optopt tells what it stumbled over: 0 for
 * a long option it does not know, the letter of a short one, else the value of a known option. */
static int refuse(const struct cli_table *table, int found, char **argv, struct weft_error *error)
{
    if (found == '?' && optopt == 0)
        return refuse_word(table, argv[optind - 1] + 2, error);
    if (found == '?' && optopt < LONG_OPTION_BASE)
        return refuse_letter(table, optopt, error);
    const struct cli_option *option = &table->options[optopt - LONG_OPTION_BASE];
    if (found == ':')
        return weft_error_set(error, WEFT_ECONFIG, "--%s: needs a value: --%s %s", option->name,
                              option->name, option->argument);
    return weft_error_set(error, WEFT_ECONFIG, "--%s: takes no value", option->name);
}

static int apply(const struct cli_option *option, struct cli_config *config, const char *text,
                 struct weft_error *error)
{
    if (option->set)
        return option->set(config, text, error);
    if (!option->argument) {
        *(bool *)(void *)((char *)config + option->flag) = true;
        return 0;
    }
    struct weft_error refused;
    int err = weft_limits_set(&config->limits, option->name, text, &refused);
    return err < 0 ? weft_error_set(error, err, "--%s", refused.text) : 0;
}

static const struct cli_option *option_of(const struct cli_table *table, int found)
{
    if (found >= LONG_OPTION_BASE)
        return &table->options[found - LONG_OPTION_BASE];
    const struct cli_option *option = table->options;
    while (option->letter != found)
        option++;
    return option;
}

/* The table in getopt_long's terms. */
static void getopt_table(const struct cli_table *table, struct option *options, char *letters)
{
    *letters++ = ':'; /* tells a missing value from an unknown option */
    for (size_t i = 0; i < table->count; i++) {
        options[i] = (struct option){
            .name = table->options[i].name,
            .has_arg = table->options[i].argument ? required_argument : no_argument,
            .val = LONG_OPTION_BASE + (int)i,
        };
        if (table->options[i].letter)
            *letters++ = table->options[i].letter;
    }
    options[table->count] = (struct option){0};
    *letters = '\0';
}

static int check_words(const struct cli_config *config, const struct cli_table *table,
                       struct weft_error *error)
{
    const struct cli_option *option = config->of_command;
    if (option && (config->word_count == 0 || strcmp(config->words[0], option->command) != 0))
        return weft_error_set(error, WEFT_ECONFIG, "--%s: an option of %s alone", option->name,
                              option->command);
    if (table->program == CLI_KVS && config->word_count > 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "unexpected argument '%.128s': kvs takes options only, see --help",
                              config->words[0]);
    return 0;
}

/* A codec from the environment is a default: a URL may name another. */
static int apply_environment(struct cli_config *config, const struct cli_table *table,
                             struct weft_error *error)
{
    for (size_t i = 0; i < table->first_limit; i++) {
        const struct cli_option *option = &table->options[i];
        const char *text = option->variable ? getenv(option->variable) : NULL;
        int err = text && *text ? apply(option, config, text, error) : 0;
        if (err < 0)
            return err;
    }
    config->codec_is_explicit = false;
    return 0;
}

static bool asks_for_text(const struct cli_config *config)
{
    return config->help || config->help_all || config->version;
}

int cli_parse(struct cli_config *config, const struct cli_table *table, int argc, char **argv,
              struct weft_error *error)
{
    struct option options[CLI_OPTIONS_MAX + 1];
    char letters[CLI_OPTIONS_MAX + 2];
    getopt_table(table, options, letters);
    *config = cli_config_default(table->program);
    int err = table->program == CLI_KVC ? apply_environment(config, table, error) : 0;
    if (err < 0)
        return err;
    opterr = 0;
    optind = 0; /* GNU: begins anew, whatever was parsed before */
    int found;
    while ((found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        if (asks_for_text(config))
            continue;
        if (found == '?' || found == ':')
            return refuse(table, found, argv, error);
        const struct cli_option *option = option_of(table, found);
        err = apply(option, config, optarg, error);
        if (err < 0)
            return err;
        config->of_command = option->command ? option : config->of_command;
    }
    config->words = argv + optind;
    config->word_count = (size_t)(argc - optind);
    if (asks_for_text(config))
        return 0;
    if (config->listen_count == 0)
        config->listen[config->listen_count++] = CLI_DEFAULT_SERVER;
    err = check_words(config, table, error);
    return err < 0 ? err : weft_limits_check(&config->limits, error);
}
