/* SPDX-License-Identifier: MIT */
#include "services/kv/cli/help.h"

#include "services/kv/cli/command.h"

static const char kvs_head[] =
    "Usage: kvs [OPTION]...\n"
    "A key-value server. URL is tcp://HOST:PORT or unix:PATH, and may end in\n"
    "?codec=NAME&service=NAME&threshold=N&level=N.\n";

static const char kvs_tail[] =
    "SIZE is bytes, or KiB, MiB, GiB; SECONDS may have a fraction.\n"
    "Exit codes: 0 drained or checked, 1 refused by the system or cut, 2 usage.\n";

static const char kvc_head[] =
    "Usage: kvc [OPTION]... [COMMAND ARGUMENT...]\n"
    "Sends a command to kvs and prints the answer; a prompt without one.\n";

static const char kvc_tail[] =
    "VALUE is a string, or int:-3 float:1.5 bool:true hex:00ff base64:AP8= str:TEXT\n"
    "empty: file:PATH (its bytes) - (those of standard input). Put -- before words\n"
    "that begin with '-'. Exit codes: 0 done, 1 the server answered an error,\n"
    "2 usage, 3 cannot connect, 4 no answer in time, 5 connection or protocol broken.\n";

static void print_options(const struct cli_table *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        char left[64];
        int used = snprintf(left, sizeof left, "--%s%s%s", option->name,
                            option->argument ? " " : "", option->argument ? option->argument : "");
        if (option->letter)
            snprintf(left + used, sizeof left - (size_t)used, ", -%c", option->letter);
        fprintf(out, "  %-26s %s", left, option->help);
        bool variable = option->variable && table->program == CLI_KVC;
        if (option->fallback)
            fprintf(out, " [%s%s%s]", option->fallback, variable ? ", $" : "",
                    variable ? option->variable : "");
        fputc('\n', out);
    }
}

static void print_commands(FILE *out)
{
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", command->name, cli_shape_arguments(command->shape));
        fprintf(out, "  %-37s %s\n", left, command->help);
    }
}

void cli_help_print(const struct cli_table *table, FILE *out)
{
    bool server = table->program == CLI_KVS;
    fputs(server ? kvs_head : kvc_head, out);
    if (!server)
        print_commands(out);
    fputs("Options:\n", out);
    print_options(table, out);
    fputs(server ? kvs_tail : kvc_tail, out);
}
