/* SPDX-License-Identifier: MIT */
#include "help.h"

#include <string.h>

#include "programs/kvc/command.h"
#include "programs/kvc/prompt/complete.h"
#include "programs/kvc/exit.h"

enum { COLUMNS = 79, COLUMN = 39, USAGE_TEXT = 64 };

static const char kvs_head[] =
    "Usage: kvs [OPTION]...\n"
    "A key-value server. URL is tcp://HOST:PORT or unix:PATH, and may end in\n"
    "?codec=NAME&service=NAME&threshold=N&level=N.\n";

static const char kvs_tail[] =
    "SIZE is bytes, or KiB, MiB, GiB; SECONDS may have a fraction.\n"
    "Exit codes: 0 drained or checked, 1 refused by the system or cut, 2 usage.\n";

static const char kvc_head[] =
    "Usage: kvc [OPTION]... [COMMAND ARGUMENT...]\n"
    "Sends a command to kvs, or those piped in, a line each. Else it is a prompt.\n";

static const char values[] =
    "VALUE is a string, or int:-3 float:1.5 bool:true hex:00ff base64:AP8= str:TEXT\n"
    "empty: file:PATH (its bytes)";

static const char kvc_tail[] =
    "Put -- before words that begin with '-'. kvc help COMMAND explains a command.\n";

/* At the prompt standard input is the commands'. */
static void print_values(bool prompt, FILE *out)
{
    fprintf(out, "%s%s.\n", values, prompt ? "" : " - (those of standard input)");
}

/* Words that fill lines. */
struct filler {
    FILE *out;
    size_t column;
};

static void fill_word(struct filler *filler, const char *word, size_t size)
{
    bool first = filler->column == 0, fits = filler->column + 1 + size <= COLUMNS;
    fprintf(filler->out, "%s%.*s", first ? "" : fits ? " " : "\n", (int)size, word);
    filler->column = first || !fits ? size : filler->column + 1 + size;
}

static void fill(struct filler *filler, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, " ");
        fill_word(filler, text, size);
        text += size + (text[size] == ' ');
    }
}

static void print_option(const struct cli_table *table, const struct cli_option *option, FILE *out)
{
    char left[64];
    int used = snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument ? " " : "",
                        option->argument ? option->argument : "");
    if (option->letter)
        snprintf(left + used, sizeof left - (size_t)used, ", -%c", option->letter);
    fprintf(out, "  %-26s %s", left, option->help);
    bool variable = option->variable && table->program == CLI_KVC;
    if (option->fallback)
        fprintf(out, " [%s%s%s]", option->fallback, variable ? ", $" : "",
                variable ? option->variable : "");
    fputc('\n', out);
}

static void print_options(const struct cli_table *table, bool rare, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (!option->command && (rare || !option->rare))
            print_option(table, option, out);
    }
}

/* Those that only a command takes, unless there are none. */
static void print_options_of(const char *command, FILE *out)
{
    struct cli_table table;
    bool first = true;
    cli_table_init(&table, CLI_KVC);
    for (size_t i = 0; i < table.count; i++) {
        const struct cli_option *option = &table.options[i];
        if (!option->command || strcmp(option->command, command) != 0)
            continue;
        if (first)
            fprintf(out, "Options of %s:\n", command);
        first = false;
        print_option(&table, option, out);
    }
}

static void name_rare_options(const struct cli_table *table, FILE *out)
{
    struct filler filler = {.out = out};
    fill(&filler, "--help-all explains also:");
    for (size_t i = 0; i < table->count; i++) {
        char name[64];
        snprintf(name, sizeof name, "--%s", table->options[i].name);
        if (table->options[i].rare)
            fill(&filler, name);
    }
    fputc('\n', out);
}

/* "hset TABLE KEY VALUE"; returns dst. */
static const char *usage_of(const char *name, const char *arguments, char dst[USAGE_TEXT])
{
    snprintf(dst, USAGE_TEXT, "%s%s%s", name, *arguments ? " " : "", arguments);
    return dst;
}

static void print_usage(const struct cli_command *command, int width, FILE *out)
{
    char usage[USAGE_TEXT];
    fprintf(out, "%-*s", width,
            usage_of(command->name, cli_shape_arguments(command->shape), usage));
}

/* In two columns, which are read downwards. */
static void list_commands(FILE *out)
{
    const struct cli_command *commands = cli_command_table();
    size_t count = 0;
    while (commands[count].name)
        count++;
    size_t lines = (count + 1) / 2;
    for (size_t i = 0; i < lines; i++) {
        bool alone = i + lines == count;
        fputs("  ", out);
        print_usage(&commands[i], alone ? 0 : COLUMN, out);
        if (!alone)
            print_usage(&commands[i + lines], 0, out);
        fputc('\n', out);
    }
}

/* A line of a list, or two of its own. */
static void explain(const char *name, const char *arguments, const char *help, bool alone,
                    FILE *out)
{
    char usage[USAGE_TEXT];
    fprintf(out, alone ? "  %s\n      %s\n" : "  %-37s %s\n", usage_of(name, arguments, usage),
            help);
}

bool cli_help_print_command(const char *name, bool prompt, FILE *out)
{
    bool found = false;
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        if ((prompt && !cli_command_is_of_prompt(command)) ||
            (name && strcmp(name, command->name) != 0))
            continue;
        const char *arguments = cli_shape_arguments(command->shape);
        explain(command->name, arguments, command->help, name, out);
        if (name && strstr(arguments, "VALUE"))
            print_values(prompt, out);
        if (name)
            print_options_of(command->name, out);
        found = true;
    }
    for (const struct cli_local_command *own = cli_local_commands(); prompt && own->name; own++) {
        if (name && strcmp(name, own->name) != 0)
            continue;
        explain(own->name, own->arguments, own->help, name, out);
        found = true;
    }
    return found;
}

static void print_exit_codes(FILE *out)
{
    struct filler filler = {.out = out};
    fill(&filler, "Exit codes:");
#define X(name, code, text) fill(&filler, #code ": " text ";");
    CLI_EXIT_MAP(X)
#undef X
    fill(&filler, "the manual is kvc(1).");
    fputc('\n', out);
}

void cli_help_print(const struct cli_table *table, FILE *out)
{
    bool server = table->program == CLI_KVS;
    fputs(server ? kvs_head : kvc_head, out);
    if (!server)
        list_commands(out);
    fputs("Options:\n", out);
    print_options(table, false, out);
    name_rare_options(table, out);
    if (!server)
        print_values(false, out);
    fputs(server ? kvs_tail : kvc_tail, out);
}

void cli_help_print_all(const struct cli_table *table, FILE *out)
{
    bool server = table->program == CLI_KVS;
    fputs(server ? kvs_head : kvc_head, out);
    if (!server)
        (void)cli_help_print_command(NULL, false, out);
    fputs("Options:\n", out);
    print_options(table, true, out);
    for (const struct cli_command *command = cli_command_table(); !server && command->name;
         command++)
        print_options_of(command->name, out);
    if (!server)
        print_values(false, out);
    fputs(server ? kvs_tail : kvc_tail, out);
    if (!server)
        print_exit_codes(out);
}

bool cli_help_answer(const struct cli_config *config, const struct cli_table *table, FILE *out)
{
    bool of_command = table->program == CLI_KVC && config->help && config->word_count > 0;
    if (of_command && cli_help_print_command(config->words[0], false, out))
        return true;
    if (config->help)
        cli_help_print(table, out);
    else if (config->help_all)
        cli_help_print_all(table, out);
    else if (config->version)
        fprintf(out, "%s " WEFT_VERSION "\n", cli_program_name(table->program));
    return config->help || config->help_all || config->version;
}
