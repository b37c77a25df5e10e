/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <string.h>

/* Prints text within single quotes and a specification of _arguments, which gives ':', '[' and ']'
 * a meaning. */
static void print_text(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (strchr(":[]\\", *text))
            fputc('\\', out);
        if (*text == '\'')
            fputs("'\\'", out);
        fputc(*text, out);
    }
}

static void print_option(const struct cli_table *table, const struct cli_option *option, FILE *out)
{
    char choices[256];
    generate_choices(table, option, choices, sizeof choices);
    const bool repeats = strcmp(option->name, "listen") == 0;
    fputs("        ", out);
    const char *value = option->argument ? "=" : "", *joined = option->argument ? "+" : "";
    if (option->letter && !option->fits)
        fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name, option->letter,
                joined, option->name, value);
    else
        fprintf(out, "'%s--%s%s[", repeats ? "*" : "", option->name, value);
    print_text(option->help, out);
    fputc(']', out);
    if (option->argument) {
        fprintf(out, ":%s:", option->argument);
        if (*choices)
            fprintf(out, "(%s)", choices);
    }
    fputs("' \\\n", out);
}

void generate_zsh(const struct cli_table *table, FILE *out)
{
    const char *name = table->program->name;
    fprintf(out, "#compdef %s\n# zsh completion for %s, made from its tables of options\n", name,
            name);
    if (generate_has_commands(table)) {
        fputs("local -a line commands=(\n", out);
        for (const struct cli_command *command = cli_command_table(); command->name; command++) {
            fprintf(out, "    '%s:", command->name);
            print_text(command->help, out);
            fputs("'\n", out);
        }
        fputs(")\n", out);
    }
    fputs("_arguments \\\n", out);
    for (size_t i = 0; i < table->count; i++)
        print_option(table, &table->options[i], out);
    fputs(generate_has_commands(table) ? "        '1:command:{ _describe command commands }' \\\n"
                                         "        '2:argument:{ [[ $line[1] == help ]] && "
                                         "_describe command commands || _default }' \\\n"
                                         "        '*:argument:_default'\n"
                                       : "        && return 0\n",
          out);
}
