/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"

enum { LONG_OPTION_BASE = 256 };

/* Appends to a text of `size` bytes and cuts what does not fit. */
static WEFT_PRINTF(3, 4) void append(char *text, size_t size, const char *fmt, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + used, size - used, fmt, args);
    va_end(args);
}

/* Lists the options whose names begin with the first `length` bytes of prefix and returns their count.
 * An empty prefix leaves out the options that belong to one command. */
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

/* What looks like an option may have been meant as an argument. */
static const char *dash_advice(const struct cli_table *table)
{
    return table->program->takes_words ? "; put -- before values that begin with '-'" : "";
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
                          table->program->name, dash_advice(table));
}

/* Words the refusal of what getopt_long could not take. `found` is its result. optopt is 0 for an unknown
 * long option, the letter of an unknown short one, and else the value of a known option. */
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

static int apply(const struct cli_option *option, void *config, const char *text,
                 struct weft_error *error)
{
    char *field = (char *)config + option->at;
    if (option->set)
        return option->set(config, text, error);
    if (!option->limit) {
        *(bool *)(void *)field = true;
        return 0;
    }
    struct weft_error refused;
    int err = weft_limit_set(option->limit, field, text, &refused);
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

/* Converts the table for getopt_long. */
static void getopt_table(const struct cli_table *table, struct option *options, char *letters)
{
    *letters++ = ':'; /* makes a missing value differ from an unknown option */
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

static int check_words(const struct cli_common *common, const struct cli_table *table,
                       struct weft_error *error)
{
    const struct cli_option *option = common->of_command;
    if (option && (common->word_count == 0 || strcmp(common->words[0], option->command) != 0))
        return weft_error_set(error, WEFT_ECONFIG, "--%s: an option of %s alone", option->name,
                              option->command);
    if (!table->program->takes_words && common->word_count > 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "unexpected argument '%.128s': %s takes options only, see --help",
                              common->words[0], table->program->name);
    return 0;
}

int cli_parse_environment(void *config, const struct cli_table *table, struct weft_error *error)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        const char *text = option->variable ? getenv(option->variable) : NULL;
        int err = text && *text ? apply(option, config, text, error) : 0;
        if (err < 0)
            return err;
    }
    return 0;
}

bool cli_asks_for_text(const struct cli_common *common)
{
    return common->help || common->help_all || common->version;
}

int cli_parse(void *config, const struct cli_table *table, int argc, char **argv,
              struct weft_error *error)
{
    struct cli_common *common = config;
    struct option options[CLI_OPTIONS_MAX + 1];
    char letters[CLI_OPTIONS_MAX + 2];
    getopt_table(table, options, letters);
    opterr = 0;
    optind = 0; /* GNU: forgets what an earlier parse has left */
    int found;
    while ((found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        if (cli_asks_for_text(common))
            continue;
        if (found == '?' || found == ':')
            return refuse(table, found, argv, error);
        const struct cli_option *option = option_of(table, found);
        int err = apply(option, config, optarg, error);
        if (err < 0)
            return err;
        common->of_command = option->command ? option : common->of_command;
    }
    common->words = argv + optind;
    common->word_count = (size_t)(argc - optind);
    return cli_asks_for_text(common) ? 0 : check_words(common, table, error);
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

char *cli_limit_format(const struct weft_limit *limit, const void *limits, char *dst)
{
    uint64_t value;
    memcpy(&value, (const char *)limits + limit->offset, sizeof value);
    switch (limit->unit) {
    case WEFT_LIMIT_BYTES:
        return weft_format_size(value, dst);
    case WEFT_LIMIT_TIME:
        return weft_format_seconds(value, dst);
    case WEFT_LIMIT_COUNT:
        break;
    }
    snprintf(dst, WEFT_UNITS_TEXT, "%" PRIu64, value);
    return dst;
}

static const struct cli_option common_options[] = {
    {.name = "version",
     .letter = 'V',
     .help = "print the version",
     .at = offsetof(struct cli_common, version)},
    {.name = "help", .letter = 'h', .help = "print this", .at = offsetof(struct cli_common, help)},
    {.name = "help-all",
     .help = "print all options, explained",
     .at = offsetof(struct cli_common, help_all)},
    {.name = NULL},
};

static void add_options(struct cli_table *table, const struct cli_option *option)
{
    for (; option->name; option++)
        table->options[table->count++] = *option;
}

static bool is_taken(const struct cli_limits *limits, const char *name)
{
    if (!limits->only)
        return true;
    for (const char *const *taken = limits->only; *taken; taken++) {
        if (strcmp(*taken, name) == 0)
            return true;
    }
    return false;
}

static void add_limits(struct cli_table *table, const struct cli_limits *limits,
                       const void *defaults)
{
    const void *values = (const char *)defaults + limits->at;
    for (const struct weft_limit *limit = limits->table; limit->name; limit++) {
        if (!is_taken(limits, limit->name))
            continue;
        size_t i = table->count++;
        table->options[i] = (struct cli_option){
            .name = limit->name,
            .argument = unit_argument(limit->unit),
            .fallback = cli_limit_format(limit, values, table->limit_text[i]),
            .help = limit->help,
            .rare = !limits->common || strcmp(limits->common, limit->name) != 0,
            .limit = limit,
            .at = limits->at,
        };
    }
}

void cli_table_init(struct cli_table *table, const struct cli_program *program,
                    const struct cli_option *const *options, const struct cli_limits *limits,
                    const void *defaults)
{
    *table = (struct cli_table){.program = program};
    for (; *options; options++)
        add_options(table, *options);
    add_options(table, common_options);
    table->first_limit = table->count;
    for (; limits->table; limits++)
        add_limits(table, limits, defaults);
}
