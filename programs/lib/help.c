/* SPDX-License-Identifier: MIT */
#include "help.h"

#include <string.h>

enum { COLUMNS = 79 };

static void fill_word(struct cli_filler *filler, const char *word, size_t size)
{
    bool first = filler->column == 0, fits = filler->column + 1 + size <= COLUMNS;
    fprintf(filler->out, "%s%.*s", first ? "" : fits ? " " : "\n", (int)size, word);
    filler->column = first || !fits ? size : filler->column + 1 + size;
}

void cli_fill(struct cli_filler *filler, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, " ");
        fill_word(filler, text, size);
        text += size + (text[size] == ' ');
    }
}

static void print_option(const struct cli_option *option, FILE *out)
{
    char left[64];
    int used = snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument ? " " : "",
                        option->argument ? option->argument : "");
    if (option->letter)
        snprintf(left + used, sizeof left - (size_t)used, ", -%c", option->letter);
    fprintf(out, "  %-26s %s", left, option->help);
    if (option->fallback)
        fprintf(out, " [%s%s%s]", option->fallback, option->variable ? ", $" : "",
                option->variable ? option->variable : "");
    fputc('\n', out);
}

static void print_options(const struct cli_table *table, bool rare, FILE *out)
{
    fputs("Options:\n", out);
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (!option->command && (rare || !option->rare))
            print_option(option, out);
    }
}

/* Limits are many and alike, so that one of them stands for all. */
static void name_rare_options(const struct cli_table *table, FILE *out)
{
    struct cli_filler filler = {.out = out};
    const struct cli_option *limit = NULL;
    char name[64];
    cli_fill(&filler, "--help-all explains also:");
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (!option->rare)
            continue;
        if (option->limit && !limit)
            limit = option;
        if (option->limit)
            continue;
        snprintf(name, sizeof name, "--%s", option->name);
        cli_fill(&filler, name);
    }
    if (limit) {
        snprintf(name, sizeof name, "and limits such as --%s", limit->name);
        cli_fill(&filler, name);
    }
    fputc('\n', out);
}

void cli_help_print_options(const struct cli_table *table, FILE *out)
{
    print_options(table, false, out);
    name_rare_options(table, out);
}

void cli_help_print_all_options(const struct cli_table *table, FILE *out)
{
    print_options(table, true, out);
}

/* "hset hmset" -> "Options of hset, hmset:". */
static void print_group(const char *commands, FILE *out)
{
    fputs("Options of ", out);
    for (; *commands; commands++)
        fputs(*commands == ' ' ? ", " : (const char[]){*commands, '\0'}, out);
    fputs(":\n", out);
}

void cli_help_print_command_options(const struct cli_table *table, const char *command, FILE *out)
{
    const char *group = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (!option->command || (command && !cli_option_is_of(option, command)))
            continue;
        if (strcmp(group, option->command) != 0)
            print_group(option->command, out);
        group = option->command;
        print_option(option, out);
    }
}

void cli_help_print_version(const struct cli_table *table, FILE *out)
{
    fprintf(out, "%s " WEFT_VERSION "\n", table->program->name);
}
