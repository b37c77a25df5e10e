/* SPDX-License-Identifier: MIT */
#include "admin.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "core/base/units.h"
#include "programs/lib/output.h"
#include "table.h"
#include "top.h"

static const char wants_json[] = "application/json";

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "-";
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* --- printing -------------------------------------------------------------------------------------- */

static void print_value(FILE *out, const char *name, const json_t *value)
{
    fprintf(out, "%s\t", name);
    if (json_is_string(value))
        kvc_put_cell(out, json_string_value(value), 0);
    else if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        fprintf(out, "%.15g", json_number_value(value));
    fputc('\n', out);
}

static void print_info(FILE *out, json_t *info)
{
    const char *name;
    json_t *value;
    json_object_foreach(info, name, value) if (!json_is_object(value))
        print_value(out, name, value);
    json_object_foreach(json_object_get(info, "totals"), name, value) print_value(out, name, value);
}

/* Prints a connection, or a session, which has streams instead of requests. */
static void print_client(FILE *out, const json_t *row)
{
    char age[KVC_CELL], idle[KVC_CELL], count[KVC_CELL], in[KVC_CELL], sent[KVC_CELL];
    char streams[KVC_CELL + sizeof " streams"];
    bool is_session = json_object_get(row, "streams") != NULL;
    (void)snprintf(streams, sizeof streams, "%s streams",
                   kvc_show_count(number_of(row, "streams"), count));
    fprintf(out, "%-8.0f ", number_of(row, "id"));
    kvc_put_cell(out, text_of(row, "address"), 22);
    kvc_put_cell(out, is_session ? streams : text_of(row, "codec"), 24);
    kvc_put_cell(out, text_of(row, "user"), 12);
    kvc_put_cell(out, text_of(row, "state"), 9);
    fprintf(out, "%8s ", kvc_show_seconds(number_of(row, "age"), age));
    if (is_session)
        fprintf(out, "%8s %10s %10s %10s\n", "-", "-", "-", "-");
    else
        fprintf(out, "%8s %10s %10s %10s\n", kvc_show_seconds(number_of(row, "idle"), idle),
                kvc_show_count(number_of(row, "requests"), count),
                kvc_show_bytes(number_of(row, "received_bytes"), in),
                kvc_show_bytes(number_of(row, "sent_bytes"), sent));
}

static void print_clients(FILE *out, json_t *answer)
{
    size_t i;
    json_t *row;
    fprintf(out, "%-8s %-22s %-24s %-12s %-9s %8s %8s %10s %10s %10s\n", "ID", "ADDRESS", "CODEC",
            "USER", "STATE", "AGE", "IDLE", "REQUESTS", "RECEIVED", "SENT");
    json_array_foreach(json_object_get(answer, "connections"), i, row) print_client(out, row);
    if (json_is_true(json_object_get(answer, "more")))
        fputs("and more\n", out);
}

static void print_slow_log(FILE *out, json_t *answer)
{
    size_t i;
    json_t *row;
    fprintf(out, "%-8s %-20s %9s %-12s %-16s %6s %-22s %s\n", "ID", "ENDED", "TOOK", "COMMAND",
            "TABLE", "STATUS", "ADDRESS", "USER");
    json_array_foreach(json_object_get(answer, "entries"), i, row)
    {
        time_t at = (time_t)number_of(row, "at");
        struct tm tm;
        char ended[32] = "-", took[KVC_CELL];
        if (gmtime_r(&at, &tm))
            (void)strftime(ended, sizeof ended, "%Y-%m-%dT%H:%M:%SZ", &tm);
        fprintf(out, "%-8.0f %-20s %9s ", number_of(row, "id"), ended,
                kvc_show_seconds(number_of(row, "duration"), took));
        kvc_put_cell(out, text_of(row, "command"), 12);
        kvc_put_cell(out, text_of(row, "object"), 16);
        fprintf(out, "%6.0f ", number_of(row, "status"));
        kvc_put_cell(out, text_of(row, "address"), 22);
        kvc_put_cell(out, text_of(row, "user"), 0);
        fputc('\n', out);
    }
}

static void print_done(FILE *out, json_t *answer)
{
    const char *result = json_string_value(json_object_get(answer, "result"));
    fprintf(out, "%s\n", result && *result ? result : "done");
}

/* --- commands -------------------------------------------------------------------------------------- */

static const struct known {
    const char *name, *method, *path; /* a path that ends with / or = takes the argument */
    void (*print)(FILE *out, json_t *answer);
} known[] = {
    {"info", "GET", "/info", print_info},
    {"clients", "GET", "/connections?limit=10000", print_clients},
    {"kill", "DELETE", "/connections/", print_done},
    {"slowlog", "GET", "/slowlog", print_slow_log},
    {"loglevel", "POST", "/log-level?level=", print_done},
    {"reload", "POST", "/reload", print_done},
    {"drain", "POST", "/drain", print_done},
};

static const struct known *find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

static enum cli_exit print(struct kvc_ask *ask, const struct known *what)
{
    FILE *out = ask->run->out;
    if (ask->run->format == CLI_JSON) {
        (void)fwrite(ask->body.data, 1, ask->body.size, out);
    } else {
        json_t *json = kvc_ask_json(ask);
        if (!json)
            return CLI_EXIT_PROTOCOL;
        what->print(out, json);
        json_decref(json);
    }
    int err = cli_flush(out);
    return err < 0 ? cli_run_fail(ask->run, CLI_EXIT_REFUSED, weft_strerror(err)) : CLI_EXIT_DONE;
}

/* True if the argument may stand in a path: a number, or the name of a level. */
static bool is_word_good(const char *word)
{
    return *word && strlen(word) < 32 &&
           strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(word);
}

enum cli_exit cli_admin(const struct cli_run *run, const struct cli_command *command,
                        const char *word)
{
    const struct known *what = find(command->name);
    struct kvc_ask ask;
    char path[96];
    if (word && !is_word_good(word))
        return cli_run_fail(run, CLI_EXIT_USAGE,
                            "the argument is a number as clients prints, or the name of a level");
    kvc_ask_init(&ask, run);
    cli_session_watch_all(run->session);
    enum cli_exit code;
    if (!what) {
        code = kvc_top(&ask);
    } else {
        (void)snprintf(path, sizeof path, "%s%s", what->path, word ? word : "");
        code = kvc_ask(&ask, what->method, path, wants_json);
        if (code == CLI_EXIT_DONE)
            code = print(&ask, what);
    }
    kvc_ask_fini(&ask);
    return code;
}
