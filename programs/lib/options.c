/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "suggest.h"

/* Appends to a text of `size` bytes and cuts what does not fit. */
static WEFT_PRINTF(3, 4) void append(char *text, size_t size, const char *fmt, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + used, size - used, fmt, args);
    va_end(args);
}

/* Lists the options whose names begin with the first `length` bytes of prefix and returns their
 * count. An empty prefix leaves out the options that belong to one command. */
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

/* An argument that looks like an option may be what was meant. */
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

static int apply(const struct cli_table *table, const struct cli_option *option, void *config,
                 const char *text, struct weft_error *error)
{
    struct cli_common *common = config;
    char *field = (char *)config + option->at;
    common->now.text = text;
    common->origins[option - table->options] = common->now;
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

struct reading {
    void *config;
    const struct cli_table *table;
    char **argv;
    int argc, at; /* argv[at] is the next argument */
    struct weft_error *error;
};

/* Takes an option whose value is given, or follows as the next argument. What follows a request for
 * text is read, so that the words are known, but has no effect. */
static int take(struct reading *reading, const struct cli_option *option, const char *value)
{
    struct cli_common *common = reading->config;
    if (option->argument && !value && reading->at < reading->argc)
        value = reading->argv[reading->at++];
    if (cli_asks_for_text(common))
        return 0;
    if (option->argument && !value)
        return weft_error_set(reading->error, WEFT_ECONFIG, "--%s: needs a value: --%s %s",
                              option->name, option->name, option->argument);
    if (!option->argument && value)
        return weft_error_set(reading->error, WEFT_ECONFIG, "--%s: takes no value", option->name);
    common->of_command = option->command ? option : common->of_command;
    return apply(reading->table, option, reading->config, value, reading->error);
}

/* Returns the option of that name, or the only one whose name begins so, or NULL. */
static const struct cli_option *find_option(const struct cli_table *table, const char *name,
                                            size_t length)
{
    const struct cli_option *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (strncmp(option->name, name, length) != 0)
            continue;
        if (option->name[length] == '\0')
            return option;
        found = option;
        count++;
    }
    return count == 1 ? found : NULL;
}

static int take_long(struct reading *reading, const char *word)
{
    size_t length = strcspn(word, "=");
    const struct cli_option *option = find_option(reading->table, word, length);
    if (option)
        return take(reading, option, word[length] == '=' ? word + length + 1 : NULL);
    return cli_asks_for_text(reading->config) ? 0
                                              : refuse_word(reading->table, word, reading->error);
}

/* Several options may have one letter. The first that fits the arguments behind it is meant. */
static const struct cli_option *find_letter(const struct reading *reading, char letter,
                                            bool is_last)
{
    for (size_t i = 0; i < reading->table->count; i++) {
        const struct cli_option *option = &reading->table->options[i];
        if (option->letter == letter &&
            (!option->fits || (is_last && option->fits(reading->argv + reading->at))))
            return option;
    }
    return NULL;
}

/* "-Vh" is two flags, and in "-p9527" the rest is the value. */
static int take_letters(struct reading *reading, const char *letters)
{
    int err = 0;
    for (; *letters && err == 0; letters++) {
        const struct cli_option *option = find_letter(reading, *letters, letters[1] == '\0');
        if (option && option->argument)
            return take(reading, option, letters[1] ? letters + 1 : NULL);
        if (option)
            err = take(reading, option, NULL);
        else if (!cli_asks_for_text(reading->config))
            err = refuse_letter(reading->table, *letters, reading->error);
    }
    return err;
}

/* "-5" and "-.5": a negative number is a value. "-" is one as well. */
static bool is_word(const struct cli_table *table, const char *text)
{
    if (text[0] != '-' || text[1] == '\0')
        return true;
    const char *number = text + 1 + (text[1] == '.');
    return table->program->takes_words && *number >= '0' && *number <= '9';
}

bool cli_option_is_of(const struct cli_option *option, const char *command)
{
    size_t length = strlen(command);
    for (const char *at = option->command; at && *at; at += strcspn(at, " "), at += *at == ' ') {
        if (strcspn(at, " ") == length && strncasecmp(at, command, length) == 0)
            return true;
    }
    return false;
}

static int refuse_of_command(const struct cli_option *option, struct weft_error *error)
{
    char commands[128] = "";
    for (const char *at = option->command; *at; at += strcspn(at, " "), at += *at == ' ')
        append(commands, sizeof commands, "%s%.*s", *commands ? ", " : "", (int)strcspn(at, " "),
               at);
    return weft_error_set(error, WEFT_ECONFIG, "--%s: an option of %s alone", option->name,
                          commands);
}

static int check_words(const struct cli_common *common, const struct cli_table *table,
                       struct weft_error *error)
{
    const struct cli_option *option = common->of_command;
    if (option && (common->word_count == 0 || !cli_option_is_of(option, common->words[0])))
        return refuse_of_command(option, error);
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
        int err = text && *text ? apply(table, option, config, text, error) : 0;
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
    struct reading reading = {config, table, argv, argc, 1, error};
    bool only_words = false;
    int words = 0, err = 0;
    common->now = (struct cli_origin){.source = CLI_COMMAND_LINE};
    while (reading.at < argc && err == 0) {
        char *text = argv[reading.at++];
        if (only_words || is_word(table, text))
            argv[1 + words++] = text; /* its place is read already */
        else if (strcmp(text, "--") == 0)
            only_words = true;
        else
            err = text[1] == '-' ? take_long(&reading, text + 2) : take_letters(&reading, text + 1);
    }
    if (err < 0)
        return err;
    if (1 + words < argc)
        argv[1 + words] = NULL;
    common->words = argv + 1;
    common->word_count = (size_t)words;
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
     .action = true,
     .help = "print the version",
     .at = offsetof(struct cli_common, version)},
    {.name = "help",
     .letter = 'h',
     .action = true,
     .help = "print this",
     .at = offsetof(struct cli_common, help)},
    {.name = "help-all",
     .action = true,
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
