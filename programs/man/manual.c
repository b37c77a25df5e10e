/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <ctype.h>
#include <string.h>

/* Prints text so that roff(7) shows it unchanged: '-' stays the character that can be copied and
 * searched for, and no line begins with a control character. */
static void print_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

static void print_bold(FILE *out, const char *text)
{
    fputs("\\fB", out);
    print_text(out, text);
    fputs("\\fR", out);
}

static void print_italic(FILE *out, const char *text)
{
    fputs("\\fI", out);
    print_text(out, text);
    fputs("\\fR", out);
}

/* Prints a phrase of a table, which ends a line of --help, as a sentence. */
static void print_sentence(FILE *out, const char *text)
{
    if (isalpha((unsigned char)*text))
        fputc(toupper((unsigned char)*text++), out);
    print_text(out, text);
    fputs(".\n", out);
}

/* Writes "error warn info" as "error, warn, info". */
static void join_choices(const char *choices, char *dst, size_t size)
{
    size_t used = 0;
    for (; *choices && used + 2 < size; choices++) {
        if (*choices == ' ')
            dst[used++] = ',';
        dst[used++] = *choices;
    }
    dst[used] = 0;
}

static void print_option(FILE *out, const struct cli_table *table, const struct cli_option *option)
{
    char choices[256], list[300];
    fputs(".TP\n\\fB\\-\\-", out);
    print_text(out, option->name);
    fputs("\\fR", out);
    if (option->argument) {
        fputc(' ', out);
        print_italic(out, option->argument);
    }
    if (option->letter)
        fprintf(out, ", \\fB\\-%c\\fR", option->letter);
    fputc('\n', out);

    generate_choices(table, option, choices, sizeof choices);
    join_choices(choices, list, sizeof list);
    if (strcmp(option->help, list) != 0)
        print_sentence(out, option->help);
    if (*list) {
        fputs("One of ", out);
        print_text(out, list);
        fputs(".\n", out);
    }
    if (option->fallback) {
        fputs("Default:\n", out);
        print_bold(out, option->fallback);
        fputs(".\n", out);
    }
}

static void print_options(FILE *out, const struct cli_table *table, bool limits)
{
    const size_t begin = limits ? table->first_limit : 0;
    const size_t end = limits ? table->count : table->first_limit;
    for (size_t i = begin; i < end; i++) {
        if (!table->options[i].command)
            print_option(out, table, &table->options[i]);
    }
}

/* Prints the options that only this command takes. */
static void print_options_of(FILE *out, const struct cli_table *table, const char *command)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (cli_option_is_of(option, command))
            print_option(out, table, option);
    }
}

/* Prints the options that only some commands take, with these commands. */
static void print_options_of_several(FILE *out, const struct cli_table *table)
{
    char commands[256];
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (!option->command || strcmp(option->command, "bench") == 0)
            continue;
        print_option(out, table, option);
        join_choices(option->command, commands, sizeof commands);
        fputs("Of ", out);
        print_text(out, commands);
        fputs(".\n", out);
    }
}

static void print_environment(FILE *out, const struct cli_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (!option->variable)
            continue;
        fputs(".TP\n", out);
        print_bold(out, option->variable);
        fputs("\nWhat\n\\fB\\-\\-", out);
        print_text(out, option->name);
        fputs("\\fR\nis where it is not given.\n", out);
    }
}

static void print_command(FILE *out, const char *name, const char *arguments, const char *help)
{
    fputs(".TP\n", out);
    print_bold(out, name);
    fputc(' ', out);
    print_italic(out, arguments);
    fputc('\n', out);
    print_sentence(out, help);
}

static void print_commands(FILE *out)
{
    for (const struct cli_command *command = cli_command_table(); command->name; command++)
        print_command(out, command->name, cli_shape_arguments(command->shape), command->help);
}

static void print_local_commands(FILE *out)
{
    for (const struct cli_local_command *own = cli_local_commands(); own->name; own++)
        print_command(out, own->name, own->arguments, own->help);
}

static void print_exit_codes(FILE *out)
{
    static const struct {
        int code;
        const char *text;
    } codes[] = {
#define X(name, code, text) {code, text},
        CLI_EXIT_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fprintf(out, ".TP\n\\fB%d\\fR\n", codes[i].code);
        print_sentence(out, codes[i].text);
    }
}

/* Prints the options of a plugin's URLs, a line each. */
static void print_plugin_options(FILE *out, const struct weft_option *options)
{
    for (; options && options->name; options++) {
        fputs(".br\n", out);
        print_bold(out, options->name);
        fputc('=', out);
        print_italic(out, options->values);
        fputs(":\n", out);
        print_text(out, options->help);
        fputs(".\n", out);
    }
}

static void print_language(FILE *out, const char *speaks)
{
    print_bold(out, strcmp(speaks, "*") == 0 ? "anything" : speaks);
}

static void print_transports(FILE *out)
{
    for (const struct weft_transport *const *at = generate_transports; *at; at++) {
        fputs(".TP\n", out);
        print_bold(out, (*at)->name);
        if ((*at)->begin) {
            fputs("\nMany streams in a connection over tcp, or over other stages as in ", out);
            print_bold(out, (*at)->name);
            print_bold(out, "+tls");
            fputs(".\n", out);
        } else {
            fputs((*at)->options ? "\nWith these options.\n" : "\nWithout options.\n", out);
        }
        print_plugin_options(out, (*at)->options);
    }
}

static void print_filters(FILE *out)
{
    for (const struct weft_filter *const *at = generate_filters; *at; at++) {
        fputs(".TP\n", out);
        print_bold(out, (*at)->name);
        fputs("\nOver tcp, or over another transport as in ", out);
        print_bold(out, (*at)->name);
        print_bold(out, "+unix");
        fputs(".\n", out);
        print_plugin_options(out, (*at)->options);
    }
}

static void print_streams(FILE *out)
{
    print_transports(out);
    print_filters(out);
}

static void print_codecs(FILE *out)
{
    for (const struct weft_codec *const *codec = generate_codecs; *codec; codec++) {
        fputs(".TP\n", out);
        print_bold(out, (*codec)->name);
        fputs("\nSpeaks\n", out);
        print_language(out, (*codec)->speaks);
        fputs(".\n", out);
        print_plugin_options(out, (*codec)->options);
    }
}

/* True if an earlier service has the name: it is a face of that one. */
static bool is_further_face(const struct weft_service *const *service)
{
    const struct weft_service *const *first = generate_services;
    while (strcmp((*first)->name, (*service)->name) != 0)
        first++;
    return first != service;
}

/* Prints the languages and the options of all faces of a service. */
static void print_faces(FILE *out, const struct weft_service *const *first)
{
    fputs("\nSpeaks\n", out);
    for (const struct weft_service *const *face = first; *face; face++)
        if (strcmp((*face)->name, (*first)->name) == 0) {
            fputs(face == first ? "" : ",\n", out);
            print_language(out, (*face)->speaks);
        }
    fputs(".\n", out);
    for (const struct weft_service *const *face = first; *face; face++)
        if (strcmp((*face)->name, (*first)->name) == 0)
            print_plugin_options(out, (*face)->options);
}

static const char *place_of(const struct kv_store *store)
{
    if (store->where && strncmp(store->where, "//", 2) == 0)
        return "On other machines";
    return store->flags & KV_STORE_DURABLE ? "On disk" : "Gone with the process";
}

static void print_stores(FILE *out)
{
    for (const struct kv_store *const *store = generate_stores; *store; store++) {
        fputs(".TP\n", out);
        print_bold(out, (*store)->name);
        if ((*store)->where)
            fprintf(out, "\\fB:\\fI%s\\fR", (*store)->where);
        fprintf(out, "\n%s.\n", place_of(*store));
        print_plugin_options(out, (*store)->options);
    }
}

static void print_services(FILE *out)
{
    for (const struct weft_service *const *service = generate_services; *service; service++) {
        if (is_further_face(service))
            continue;
        fputs(".TP\n", out);
        print_bold(out, (*service)->name);
        print_faces(out, service);
    }
}

static void print_errors(FILE *out)
{
    static const int errors[] = {
#define X(name, value, text) name,
        WEFT_ERROR_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fputs(".TP\n", out);
        print_bold(out, weft_errname(errors[i]));
        fputc('\n', out);
        print_sentence(out, weft_strerror(errors[i]));
    }
}

static int print_thing(FILE *out, const char *name)
{
    struct cli_table kvs, kvc;
    generate_kvs_table(&kvs);
    kvc_table_init(&kvc);
    if (strcmp(name, "@OPTIONS-kvs@\n") == 0)
        print_options(out, &kvs, false);
    else if (strcmp(name, "@OPTIONS-kvc@\n") == 0)
        print_options(out, &kvc, false);
    else if (strcmp(name, "@OPTIONS-commands@\n") == 0)
        print_options_of_several(out, &kvc);
    else if (strcmp(name, "@OPTIONS-bench@\n") == 0)
        print_options_of(out, &kvc, "bench");
    else if (strcmp(name, "@LIMITS-kvs@\n") == 0)
        print_options(out, &kvs, true);
    else if (strcmp(name, "@LIMITS-kvc@\n") == 0)
        print_options(out, &kvc, true);
    else if (strcmp(name, "@ENVIRONMENT-kvc@\n") == 0)
        print_environment(out, &kvc);
    else if (strcmp(name, "@COMMANDS@\n") == 0)
        print_commands(out);
    else if (strcmp(name, "@COMMANDS-prompt@\n") == 0)
        print_local_commands(out);
    else if (strcmp(name, "@EXITS-kvc@\n") == 0)
        print_exit_codes(out);
    else if (strcmp(name, "@TRANSPORTS@\n") == 0)
        print_streams(out);
    else if (strcmp(name, "@CODECS@\n") == 0)
        print_codecs(out);
    else if (strcmp(name, "@STORES@\n") == 0)
        print_stores(out);
    else if (strcmp(name, "@SERVICES@\n") == 0)
        print_services(out);
    else if (strcmp(name, "@ERRORS@\n") == 0)
        print_errors(out);
    else
        return -1;
    return 0;
}

int generate_manual(FILE *template, FILE *out)
{
    static const char version[] = "@VERSION@";
    char line[1024];
    while (fgets(line, sizeof line, template)) {
        char *at = strstr(line, version);
        if (at) {
            fprintf(out, "%.*s%s%s", (int)(at - line), line, WEFT_VERSION, at + strlen(version));
        } else if (*line != '@') {
            fputs(line, out);
        } else if (print_thing(out, line) < 0) {
            fprintf(stderr, "generate: unknown: %s", line);
            return -1;
        }
    }
    return 0;
}
