/* SPDX-License-Identifier: MIT */
#include "bulk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "programs/kvc/format/json.h"
#include "programs/kvc/format/value.h"

enum {
    STEPS = 64,   /* of the command, in one turn of the loop */
    GROWTH = 6,   /* a NUL of a string is \\u0000 in JSON */
    FRAME = 1024, /* what a record has beside its value */
};

static void defer_fill(struct cli_bulk *bulk)
{
    weft_loop_defer(bulk->session->loop, &bulk->fill);
}

static void on_ready(struct cli_input *input)
{
    defer_fill(weft_container_of(input, struct cli_bulk, records.input));
}

/* A file is always ready to be read: without a bound a long one would keep the loop from seeing
 * replies and signals. */
static void on_fill(struct weft_deferred *deferred)
{
    struct cli_bulk *bulk = weft_container_of(deferred, struct cli_bulk, fill);
    enum cli_bulk_step step = CLI_BULK_AGAIN;
    for (unsigned i = 0; i < STEPS && !bulk->ended && bulk->free && step == CLI_BULK_AGAIN; i++)
        step = bulk->step(bulk);
    if (step == CLI_BULK_END)
        bulk->ended = true;
    if (!bulk->ended && bulk->free && step == CLI_BULK_AGAIN)
        defer_fill(bulk);
}

enum cli_exit cli_bulk_init(struct cli_bulk *bulk, const char *path, enum cli_records_form form,
                            struct weft_error *error)
{
    uint64_t max = bulk->session->config->limits.max_message;
    max = max < (UINT64_MAX - FRAME) / GROWTH ? max * GROWTH + FRAME : UINT64_MAX;
    bulk->name = path && strcmp(path, "-") != 0 ? path : "standard input";
    bulk->fill.run = on_fill;
    for (size_t i = 0; i < CLI_BULK_WINDOW; i++) {
        bulk->calls[i].next = bulk->free;
        bulk->free = &bulk->calls[i];
    }
    if (cli_records_open(&bulk->records, path, form, max, bulk->session->loop, error) < 0)
        return CLI_EXIT_USAGE;
    bulk->records.input.ready = on_ready;
    bulk->session->wake = &bulk->fill;
    return CLI_EXIT_DONE;
}

void cli_bulk_fini(struct cli_bulk *bulk)
{
    bulk->session->wake = NULL;
    cli_session_disconnect(bulk->session);
    weft_deferred_cancel(&bulk->fill);
    cli_records_close(&bulk->records);
}

void cli_bulk_run(struct cli_bulk *bulk)
{
    cli_session_watch_all(bulk->session);
    defer_fill(bulk);
    while ((!bulk->ended || bulk->in_flight > 0) && !bulk->session->interrupted)
        weft_loop_turn(bulk->session->loop);
    if (cli_session_is_interrupted(bulk->session))
        bulk->code = cli_session_signal_code(bulk->session);
    cli_session_unwatch(bulk->session);
}

/* Prints a text and where it belongs: "kvc: rows.csv:3: ...". */
static void print_line(const struct cli_bulk *bulk, uint64_t first, uint64_t last,
                       struct weft_view text)
{
    fprintf(bulk->err, "kvc: %s:%" PRIu64, bulk->name, first);
    if (last != first)
        fprintf(bulk->err, "-%" PRIu64, last);
    fputs(": ", bulk->err);
    cli_text_print(bulk->err, text, isatty(fileno(bulk->err)));
    fputc('\n', bulk->err);
}

static void note_failure(struct cli_bulk *bulk, enum cli_exit code, uint64_t first, uint64_t last,
                         struct weft_view text)
{
    if (bulk->code == CLI_EXIT_DONE || code > CLI_EXIT_USAGE) {
        bulk->code = code;
        snprintf(bulk->first, sizeof bulk->first, "%.*s", (int)text.size, (const char *)text.data);
    }
    if (bulk->json)
        cli_json_print_error(bulk->out, (int)code, text, first);
    else
        print_line(bulk, first, last, text);
}

void cli_bulk_fail(struct cli_bulk *bulk, enum cli_exit code, uint64_t first, uint64_t last,
                   const char *text, size_t size)
{
    if (!bulk->keep_going)
        bulk->ended = true;
    note_failure(bulk, code, first, last, weft_view(text, size));
}

void cli_bulk_warn(const struct cli_bulk *bulk, uint64_t first, uint64_t last, const char *text)
{
    print_line(bulk, first, last, weft_view_str(text));
}

/* The connection is over, and with it every call: said once. */
static void lose(struct cli_bulk *bulk, const struct cli_bulk_call *call, int status)
{
    struct weft_error error;
    bool said = bulk->code > CLI_EXIT_USAGE;
    enum cli_exit code = cli_session_explain(bulk->session, &call->call, status, false, &error);
    bulk->ended = true;
    if (said)
        return;
    note_failure(bulk, code, call->first_line, call->last_line, weft_view_str(error.text));
}

static void on_done(struct weft_kv_call *base, int status, const struct weft_kv_reply *reply)
{
    struct cli_bulk_call *call = weft_container_of(base, struct cli_bulk_call, call);
    struct cli_bulk *bulk = call->bulk;
    bulk->in_flight--;
    if (status < 0 && !bulk->session->interrupted)
        lose(bulk, call, status);
    bulk->answered(bulk, call, reply);
    call->next = bulk->free;
    bulk->free = call;
    if (!bulk->ended)
        defer_fill(bulk);
}

bool cli_bulk_find(struct cli_bulk *bulk, struct cli_record *record, enum cli_bulk_step *step)
{
    struct cli_records *records = &bulk->records;
    *step = CLI_BULK_END;
    switch (cli_records_find(records, record)) {
    case CLI_RECORD:
        return true;
    case CLI_RECORD_LATER:
        *step = CLI_BULK_AGAIN;
        return false;
    case CLI_RECORD_WAIT:
        *step = CLI_BULK_WAIT;
        return false;
    case CLI_RECORD_END:
        return false;
    case CLI_RECORD_ERROR:
        break;
    }
    const char *text = weft_strerror(records->err);
    cli_bulk_fail(bulk, CLI_EXIT_USAGE, records->line, records->line, text, strlen(text));
    return false;
}

static enum cli_bulk_step stop_without_connection(struct cli_bulk *bulk,
                                                  const struct cli_bulk_call *about,
                                                  enum cli_exit code,
                                                  const struct weft_error *error)
{
    bulk->keep_going = false;
    cli_bulk_fail(bulk, code, about->first_line, about->last_line, error->text,
                  strlen(error->text));
    return CLI_BULK_END;
}

enum cli_bulk_step cli_bulk_send(struct cli_bulk *bulk, const struct cli_bulk_call *about,
                                 const struct weft_kv_request *request, struct weft_error *error)
{
    enum cli_exit code = cli_session_connect(bulk->session, error);
    if (code != CLI_EXIT_DONE)
        return stop_without_connection(bulk, about, code, error);
    struct cli_bulk_call *call = bulk->free, *next = call->next;
    *call = *about;
    call->bulk = bulk;
    call->counts = (struct weft_kv_request){.op = request->op,
                                            .key_count = request->key_count,
                                            .pair_count = request->pair_count,
                                            .change_count = request->change_count,
                                            .expiry = request->expiry,
                                            .keys_only = request->keys_only};
    call->call =
        (struct weft_kv_call){.done = on_done, .timeout = (int64_t)bulk->session->config->timeout};
    int err = weft_kv_client_send(&bulk->session->client, &call->call, request, error);
    if (err == 0) {
        bulk->free = next;
        bulk->in_flight++;
        return CLI_BULK_AGAIN;
    }
    call->next = next;
    if (err == -EAGAIN)
        return CLI_BULK_WAIT;
    if (err != -ENOTCONN)
        return CLI_BULK_BAD;
    code = cli_session_explain(bulk->session, &call->call,
                               weft_client_status(bulk->session->connection), false, error);
    return stop_without_connection(bulk, about, code, error);
}
