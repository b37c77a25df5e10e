/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <string.h>

static const char head[] =
    "# bash completion for %s, made from its tables of options\n"
    "_%s() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    # readline takes `--option=word` apart at the '='.\n"
    "    if [[ $word == = ]]; then\n"
    "        word=''\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    case $before in\n";

static const char options_head[] = "    esac\n"
                                   "    if [[ $word == -* ]]; then\n"
                                   "        mapfile -t COMPREPLY < <(compgen -W '";

static const char options_tail[] = "' -- \"$word\")\n"
                                   "        return\n"
                                   "    fi\n";

/* Completes a command if only options, their values and `help` stand before it. */
static const char commands_head[] =
    "    local i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        %s) [[ ${COMP_WORDS[i+1]} == = ]] && ((i++)); ((i++)) ;;\n"
    "        -* | help) ;;\n"
    "        *) return ;;\n"
    "        esac\n"
    "    done\n"
    "    mapfile -t COMPREPLY < <(compgen -W '";

static void print_option_values(const struct cli_table *table, const struct cli_option *option,
                                FILE *out)
{
    char choices[256];
    generate_choices(table, option, choices, sizeof choices);
    fprintf(out, "    --%s)\n", option->name);
    if (*choices)
        fprintf(out, "        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")\n", choices);
    fputs("        return\n        ;;\n", out);
}

static void print_commands(const struct cli_table *table, FILE *out)
{
    char patterns[1024] = "";
    for (size_t i = 0; i < table->count; i++)
        if (table->options[i].argument) {
            size_t used = strlen(patterns);
            snprintf(patterns + used, sizeof patterns - used, "%s--%s", used > 0 ? "|" : "",
                     table->options[i].name);
        }
    fprintf(out, commands_head, patterns);
    for (const struct cli_command *command = cli_command_table(); command->name; command++)
        fprintf(out, "%s%s", command == cli_command_table() ? "" : " ", command->name);
    fputs("' -- \"$word\")\n", out);
}

void generate_bash(const struct cli_table *table, FILE *out)
{
    const char *name = table->program->name;
    fprintf(out, head, name, name);
    for (size_t i = 0; i < table->count; i++)
        if (table->options[i].argument)
            print_option_values(table, &table->options[i], out);
    fputs(options_head, out);
    for (size_t i = 0; i < table->count; i++)
        fprintf(out, "%s--%s", i > 0 ? " " : "", table->options[i].name);
    fputs(options_tail, out);
    if (generate_has_commands(table))
        print_commands(table, out);
    fprintf(out, "}\ncomplete -o default -F _%s %s\n", name, name);
}
