/* SPDX-License-Identifier: MIT */
#include "command_help.h"

#include <string.h>
#include <strings.h>

#include "command.h"
#include "exit.h"
#include "programs/lib/help.h"
#include "prompt/complete.h"

enum { COLUMN = 39, USAGE_TEXT = 64, LINE_TEXT = 128, LINES_MAX = 32 };

static const char head[] =
    "Usage: kvc [OPTION]... [COMMAND ARGUMENT...]\n"
    "Sends a command to kvs, or those piped in, a line each. Else it is a prompt.\n";

static const char values[] =
    "VALUE is a string, or int:-3 float:1.5 bool:true hex:00ff base64:AP8= str:TEXT\n"
    "empty: file:PATH (its bytes)";

static const char tail[] =
    "Put -- before words like -x (not -5). kvc help COMMAND explains a command.\n";

/* At the prompt, standard input is not free to hold a value: the commands come from it. */
static void print_values(bool prompt, FILE *out)
{
    fprintf(out, "%s%s.\n", values, prompt ? "" : " - (those of standard input)");
}

/* Writes "hset TABLE KEY VALUE" into dst and returns it. */
static const char *usage_of(const char *name, const char *arguments, char dst[USAGE_TEXT])
{
    snprintf(dst, USAGE_TEXT, "%s%s%s", name, *arguments ? " " : "", arguments);
    return dst;
}

/* Commands that take the same arguments share a line: "hget, hdel, hexist TABLE KEY". Returns the first
 * command of the next line behind `command`, or of the first line if that is NULL; a NULL name ends them. */
static const struct cli_command *next_line(const struct cli_command *command)
{
    const struct cli_command *first = cli_command_table();
    for (command = command ? command + 1 : first; command->name; command++) {
        const char *arguments = cli_shape_arguments(command->shape);
        const struct cli_command *same = first;
        while (strcmp(cli_shape_arguments(same->shape), arguments) != 0)
            same++;
        if (same == command)
            break;
    }
    return command;
}

static void join_line(const struct cli_command *first, char dst[LINE_TEXT])
{
    const char *arguments = cli_shape_arguments(first->shape);
    size_t used = 0;
    for (const struct cli_command *command = first; command->name; command++) {
        if (strcmp(cli_shape_arguments(command->shape), arguments) == 0)
            used += (size_t)snprintf(dst + used, LINE_TEXT - used, "%s%s", used > 0 ? ", " : "",
                                     command->name);
    }
    snprintf(dst + used, LINE_TEXT - used, "%s%s", *arguments ? " " : "", arguments);
}

/* Commands that are no requests about a table share a line as far as they fit: "ping; help [COMMAND]". Returns false
 * if this one needs a line of its own. */
static bool share_line(const struct cli_command *command, const char *text, char line[LINE_TEXT])
{
    size_t used = strlen(line), size = strlen(text);
    if (command->shape < CLI_HELP || used + 2 + size >= COLUMN)
        return false;
    memcpy(line + used, "; ", 2);
    memcpy(line + used + 2, text, size + 1);
    return true;
}

/* Lists the commands in two columns. One that is too wide for them has a line of its own, the first. */
static void list_commands(FILE *out)
{
    char lines[LINES_MAX][LINE_TEXT], text[LINE_TEXT];
    size_t count = 0;
    bool shares = false;
    for (const struct cli_command *first = next_line(NULL); first->name && count < LINES_MAX;
         first = next_line(first)) {
        join_line(first, text);
        if (strlen(text) >= COLUMN) {
            fprintf(out, "  %s\n", text);
            continue;
        }
        if (!shares || !share_line(first, text, lines[count - 1]))
            memcpy(lines[count++], text, sizeof text);
        shares = first->shape == CLI_NOTHING || first->shape >= CLI_HELP;
    }
    size_t rows = (count + 1) / 2;
    for (size_t i = 0; i < rows; i++) {
        bool alone = i + rows == count;
        fprintf(out, "  %-*s%s\n", alone ? 0 : COLUMN, lines[i], alone ? "" : lines[i + rows]);
    }
}

/* Prints one line of a list, or two lines for a command that stands alone. */
static void explain(const char *name, const char *arguments, const char *help, bool alone,
                    FILE *out)
{
    char usage[USAGE_TEXT];
    fprintf(out, alone ? "  %s\n      %s\n" : "  %-37s %s\n", usage_of(name, arguments, usage),
            help);
}

static void print_options_of(const char *command, FILE *out)
{
    struct cli_table table;
    kvc_table_init(&table);
    cli_help_print_command_options(&table, command, out);
}

bool cli_help_print_command(const char *name, bool prompt, FILE *out)
{
    bool found = false;
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        if ((prompt && !cli_command_is_of_prompt(command)) ||
            (name && strcasecmp(name, command->name) != 0))
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
        if (name && strcasecmp(name, own->name) != 0)
            continue;
        explain(own->name, own->arguments, own->help, name, out);
        found = true;
    }
    return found;
}

static void print_exit_codes(FILE *out)
{
    struct cli_filler filler = {.out = out};
    cli_fill(&filler, "Exit codes:");
#define X(name, code, text) cli_fill(&filler, #code ": " text ";");
    CLI_EXIT_MAP(X)
#undef X
    cli_fill(&filler, "the manual is kvc(1).");
    fputc('\n', out);
}

void kvc_help_print(const struct cli_table *table, FILE *out)
{
    fputs(head, out);
    list_commands(out);
    cli_help_print_options(table, out);
    print_values(false, out);
    fputs(tail, out);
}

void kvc_help_print_all(const struct cli_table *table, FILE *out)
{
    fputs(head, out);
    (void)cli_help_print_command(NULL, false, out);
    cli_help_print_all_options(table, out);
    cli_help_print_command_options(table, NULL, out);
    print_values(false, out);
    fputs(tail, out);
    print_exit_codes(out);
}

bool kvc_help_answer(const struct kvc_config *config, const struct cli_table *table, FILE *out)
{
    const struct cli_common *common = &config->common;
    if (common->help && common->word_count > 0 &&
        cli_help_print_command(common->words[0], false, out))
        return true;
    if (common->help)
        kvc_help_print(table, out);
    else if (common->help_all)
        kvc_help_print_all(table, out);
    else if (common->version)
        cli_help_print_version(table, out);
    return cli_asks_for_text(common);
}
