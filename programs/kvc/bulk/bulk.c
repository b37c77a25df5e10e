/* SPDX-License-Identifier: MIT */
#include "bulk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "programs/kvc/format/value.h"

static void defer_fill(struct cli_bulk *bulk)
{
    weft_loop_defer(bulk->session->loop, &bulk->fill);
}

static void on_ready(struct cli_input *input)
{
    defer_fill(weft_container_of(input, struct cli_bulk, input));
}

static void on_fill(struct weft_deferred *deferred)
{
    struct cli_bulk *bulk = weft_container_of(deferred, struct cli_bulk, fill);
    enum cli_bulk_step step = CLI_BULK_AGAIN;
    while (!bulk->ended && bulk->free && step == CLI_BULK_AGAIN)
        step = bulk->step(bulk);
    if (step == CLI_BULK_END)
        bulk->ended = true;
}

enum cli_exit cli_bulk_init(struct cli_bulk *bulk, const char *path, struct weft_error *error)
{
    bulk->name = path && strcmp(path, "-") != 0 ? path : "standard input";
    bulk->line = 1;
    bulk->fill.run = on_fill;
    for (size_t i = 0; i < CLI_BULK_WINDOW; i++) {
        bulk->calls[i].next = bulk->free;
        bulk->free = &bulk->calls[i];
    }
    if (cli_input_open(&bulk->input, path, bulk->session->loop, error) < 0)
        return CLI_EXIT_USAGE;
    bulk->input.ready = on_ready;
    return CLI_EXIT_DONE;
}

void cli_bulk_fini(struct cli_bulk *bulk)
{
    cli_session_disconnect(bulk->session);
    weft_deferred_cancel(&bulk->fill);
    cli_input_close(&bulk->input);
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

/* The words and where they belong: "kvc: rows.csv:3: ...". */
static void print_failure(const struct cli_bulk *bulk, uint64_t first, uint64_t last,
                          struct weft_view text)
{
    fprintf(bulk->err, "kvc: %s:%" PRIu64, bulk->name, first);
    if (last != first)
        fprintf(bulk->err, "-%" PRIu64, last);
    fputs(": ", bulk->err);
    cli_text_print(bulk->err, text, isatty(fileno(bulk->err)));
    fputc('\n', bulk->err);
}

void cli_bulk_fail(struct cli_bulk *bulk, enum cli_exit code, uint64_t first, uint64_t last,
                   const char *text, size_t size)
{
    if (bulk->code == CLI_EXIT_DONE)
        bulk->code = code;
    if (!bulk->keep_going)
        bulk->ended = true;
    print_failure(bulk, first, last, weft_view(text, size));
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
    bulk->code = code;
    print_failure(bulk, call->first_line, call->last_line, weft_view_str(error.text));
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

enum cli_bulk_step cli_bulk_send(struct cli_bulk *bulk, const struct cli_bulk_call *about,
                                 const struct weft_kv_request *request)
{
    struct weft_error error;
    enum cli_exit code = cli_session_connect(bulk->session, &error);
    if (code != CLI_EXIT_DONE) {
        bulk->keep_going = false;
        cli_bulk_fail(bulk, code, about->first_line, about->last_line, error.text,
                      strlen(error.text));
        return CLI_BULK_END;
    }
    struct cli_bulk_call *call = bulk->free, *next = call->next;
    *call = *about;
    call->bulk = bulk;
    call->counts = (struct weft_kv_request){
        .op = request->op, .key_count = request->key_count, .pair_count = request->pair_count};
    call->call =
        (struct weft_kv_call){.done = on_done, .timeout = (int64_t)bulk->session->config->timeout};
    int err = weft_kv_client_send(&bulk->session->client, &call->call, request, &error);
    if (err == 0) {
        bulk->free = next;
        bulk->in_flight++;
        return CLI_BULK_AGAIN;
    }
    call->next = next;
    if (err == -EAGAIN)
        return CLI_BULK_WAIT;
    cli_bulk_fail(bulk, err == -ENOTCONN ? CLI_EXIT_PROTOCOL : CLI_EXIT_USAGE, about->first_line,
                  about->last_line, error.text, strlen(error.text));
    return CLI_BULK_AGAIN;
}

void cli_bulk_skip_line(struct cli_bulk *bulk)
{
    struct weft_view view = weft_buf_view(&bulk->input.buf);
    const uint8_t *newline = memchr(view.data, '\n', view.size);
    weft_buf_consume(&bulk->input.buf, newline ? (size_t)(newline - view.data) + 1 : view.size);
    bulk->line++;
}
