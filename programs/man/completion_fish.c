/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <string.h>

/* Prints text as a word in single quotes. */
static void print_quoted(const char *text, FILE *out)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void print_option(const struct cli_table *table, const struct cli_option *option, FILE *out)
{
    const char *program = table->program->name;
    char choices[256];
    generate_choices(table, option, choices, sizeof choices);
    /* The values come first, on a line of their own, so that the help describes the option and not
     * each value. */
    if (*choices) {
        fprintf(out, "complete -c %s -l %s -x -a ", program, option->name);
        print_quoted(choices, out);
        fputc('\n', out);
    }
    fprintf(out, "complete -c %s -l %s", program, option->name);
    if (option->letter && !option->fits)
        fprintf(out, " -s %c", option->letter);
    fprintf(out, "%s -d ", option->argument ? " -x" : "");
    print_quoted(option->help, out);
    fputc('\n', out);
}

/* Prints a test for "no command yet": fish's own takes the value of an option for a command. */
static void print_needs_command(const struct cli_table *table, FILE *out)
{
    fputs("function __kvc_needs_command\n"
          "    set -l value 0\n"
          "    for word in (commandline -opc)[2..]\n"
          "        if test $value = 1\n"
          "            set value 0\n"
          "        else if contains -- $word",
          out);
    for (size_t i = 0; i < table->count; i++)
        if (table->options[i].argument)
            fprintf(out, " --%s", table->options[i].name);
    fputs("\n"
          "            set value 1\n"
          "        else if not string match -q -- '-*' $word; and test $word != help\n"
          "            return 1\n"
          "        end\n"
          "    end\n"
          "end\n",
          out);
}

void generate_fish(const struct cli_table *table, FILE *out)
{
    const char *name = table->program->name;
    fprintf(out, "# fish completion for %s, made from its tables of options\n", name);
    if (!generate_has_commands(table))
        fprintf(out, "complete -c %s -f\n", name);
    for (size_t i = 0; i < table->count; i++)
        print_option(table, &table->options[i], out);
    if (!generate_has_commands(table))
        return;
    print_needs_command(table, out);
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        fprintf(out, "complete -c kvc -n __kvc_needs_command -f -a %s -d ", command->name);
        print_quoted(command->help, out);
        fputc('\n', out);
    }
}
