/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bulk.h"
#include "core/base/compiler.h"
#include "programs/kvc/format/json.h"
#include "programs/kvc/format/output.h"
#include "programs/kvc/words.h"
#include "programs/lib/output.h"

struct batch {
    struct cli_bulk bulk;
    enum cli_format format;
    uint64_t answered, unknown; /* commands that were sent: with an answer, without one */
    int unprinted;              /* why the answers cannot be printed, -errno; 0: they can */
};

static void fail(struct batch *batch, enum cli_exit code, uint64_t line, const char *text)
{
    cli_bulk_fail(&batch->bulk, code, line, line, text, strlen(text));
}

/* Prints one line, whatever is in the items, with tabs between them. */
static void print_items(FILE *out, const struct cli_bulk_call *call,
                        const struct weft_kv_reply *reply)
{
    for (size_t i = 0; i < reply->value_count; i++) {
        fputs(i > 0 ? "\t" : "", out);
        cli_reply_print_item(out, call->command, reply, i, CLI_ESCAPE_LINE);
    }
    for (size_t i = 0; i < reply->pair_count; i++) {
        fputs(i > 0 ? "\t" : "", out);
        cli_text_print_as(out, reply->pairs[i].key, CLI_ESCAPE_LINE);
        if (call->counts.keys_only)
            continue;
        fputc('\t', out);
        cli_value_print_typed(out, &reply->pairs[i].value, CLI_ESCAPE_LINE);
    }
    for (size_t i = 0; i < reply->table_count; i++) {
        fputs(i > 0 ? "\t" : "", out);
        cli_text_print_as(out, reply->tables[i].name, CLI_ESCAPE_LINE);
        fprintf(out, "\t%" PRIu64, reply->tables[i].count);
    }
    fputc('\n', out);
}

static void print_json(struct batch *batch, const struct cli_bulk_call *call,
                       const struct weft_kv_reply *reply)
{
    int err = cli_json_print_reply(batch->bulk.out, call->command, reply, call->first_line);
    if (err < 0)
        fail(batch, CLI_EXIT_REFUSED, call->first_line, weft_strerror(err));
}

static void print_result(struct batch *batch, const struct cli_bulk_call *call,
                         const struct weft_kv_reply *reply)
{
    FILE *out = batch->bulk.out;
    if (batch->format == CLI_JSON)
        print_json(batch, call, reply);
    else if (call->command->shape == CLI_NOTHING)
        fputs("pong\n", out);
    else
        print_items(out, call, reply);
    if (batch->format == CLI_TEXT)
        cli_reply_print_cursor(batch->bulk.err, call->command, reply);
}

static void refuse(struct batch *batch, const struct cli_bulk_call *call,
                   const struct weft_kv_reply *reply)
{
    struct cli_bulk *bulk = &batch->bulk;
    if (batch->format == CLI_JSON) {
        print_json(batch, call, reply);
        bulk->code = bulk->code == CLI_EXIT_DONE ? CLI_EXIT_REFUSED : bulk->code;
        bulk->ended = bulk->ended || !bulk->keep_going;
        return;
    }
    char text[512];
    const char *advice = cli_reply_advice(call->command, reply);
    snprintf(text, sizeof text, "%" PRIu32 " %.*s%s%s", reply->status,
             (int)(reply->message.size < 400 ? reply->message.size : 400),
             (const char *)reply->message.data, advice ? "; " : "", advice ? advice : "");
    fail(batch, CLI_EXIT_REFUSED, call->first_line, text);
}

/* Flushes the answers. If nobody can read them, no more commands are sent. */
static void flush(struct batch *batch)
{
    int err = cli_flush(batch->bulk.out);
    if (err == 0 || batch->unprinted < 0)
        return;
    batch->unprinted = err;
    batch->bulk.ended = true;
}

static void on_answer(struct cli_bulk *bulk, const struct cli_bulk_call *call,
                      const struct weft_kv_reply *reply)
{
    struct batch *batch = weft_container_of(bulk, struct batch, bulk);
    struct weft_error error;
    if (!reply) {
        batch->unknown++;
        return;
    }
    batch->answered++;
    if (reply->status != 200)
        refuse(batch, call, reply);
    else if (cli_reply_check(&call->counts, reply, &error) < 0)
        fail(batch, CLI_EXIT_PROTOCOL, call->first_line, error.text);
    else
        print_result(batch, call, reply);
    /* The reader of the results may wait for this one before it writes the next command. */
    if (bulk->in_flight == 0)
        flush(batch);
}

static enum cli_bulk_step send_invocation(struct batch *batch,
                                          const struct cli_invocation *invocation)
{
    uint64_t line = batch->bulk.records.line;
    const struct cli_bulk_call about = {
        .command = invocation->command, .first_line = line, .last_line = line, .rows = 1};
    struct weft_error error;
    enum cli_bulk_step step = cli_bulk_send(&batch->bulk, &about, &invocation->request, &error);
    if (step != CLI_BULK_BAD)
        return step;
    fail(batch, CLI_EXIT_USAGE, line, error.text);
    return CLI_BULK_AGAIN;
}

static enum cli_bulk_step send_words(struct batch *batch, const struct cli_words *words)
{
    const struct cli_value_source source = {.file_max =
                                                batch->bulk.session->config->limits.max_message};
    struct cli_invocation invocation;
    struct weft_error error;
    if (words->count == 0)
        return CLI_BULK_AGAIN;
    if (cli_invocation_init(&invocation, words->list, words->count, &source, &error) < 0) {
        fail(batch, CLI_EXIT_USAGE, batch->bulk.records.line, error.text);
        return CLI_BULK_AGAIN;
    }
    char warning[CLI_WARNING_TEXT];
    bool doubtful = cli_invocation_warn(&invocation, warning);
    enum cli_bulk_step step = send_invocation(batch, &invocation);
    if (doubtful && step != CLI_BULK_WAIT)
        cli_bulk_warn(&batch->bulk, batch->bulk.records.line, batch->bulk.records.line, warning);
    cli_invocation_fini(&invocation);
    return step;
}

static enum cli_bulk_step send_text(struct batch *batch, struct weft_view line)
{
    struct cli_words words;
    struct weft_error error;
    if (cli_words_split(&words, line, &error) < 0) {
        fail(batch, CLI_EXIT_USAGE, batch->bulk.records.line, error.text);
        return CLI_BULK_AGAIN;
    }
    enum cli_bulk_step step = send_words(batch, &words);
    cli_words_fini(&words);
    return step;
}

static enum cli_bulk_step send_json(struct batch *batch, struct weft_view line)
{
    struct cli_invocation invocation;
    struct weft_error error;
    json_t *json = cli_json_parse(line, &error);
    enum cli_bulk_step step = CLI_BULK_AGAIN;
    if (json && cli_invocation_init_json(&invocation, json, &error) == 0) {
        step = send_invocation(batch, &invocation);
        cli_invocation_fini(&invocation);
    } else {
        fail(batch, CLI_EXIT_USAGE, batch->bulk.records.line, error.text);
    }
    json_decref(json);
    return step;
}

static enum cli_bulk_step send_line(struct batch *batch, const struct cli_record *record)
{
    struct weft_view line = record->text;
    if (!record->is_too_large)
        return line.data[0] == '[' ? send_json(batch, line) : send_text(batch, line);
    fail(batch, CLI_EXIT_USAGE, record->first_line, "a line of more than --max-message");
    return CLI_BULK_AGAIN;
}

static enum cli_bulk_step step(struct cli_bulk *bulk)
{
    struct batch *batch = weft_container_of(bulk, struct batch, bulk);
    struct cli_record record;
    enum cli_bulk_step result;
    if (!cli_bulk_find(bulk, &record, &result))
        return result;
    result = send_line(batch, &record);
    if (result != CLI_BULK_WAIT)
        cli_records_take(&bulk->records, &record);
    return result;
}

enum cli_exit cli_batch(const struct cli_run *run, const char *path)
{
    struct weft_error error;
    struct batch batch = {
        .bulk = {.session = run->session,
                 .out = run->out,
                 .err = run->err,
                 .json = run->format == CLI_JSON,
                 .keep_going = run->session->config->keep_going,
                 .step = step,
                 .answered = on_answer},
        .format = run->format,
    };
    enum cli_exit code = cli_bulk_init(&batch.bulk, path, CLI_RECORDS_LINES, &error);
    if (code != CLI_EXIT_DONE)
        return cli_run_fail(run, code, error.text);
    cli_bulk_run(&batch.bulk);
    cli_bulk_fini(&batch.bulk);
    if (run->session->interrupted)
        fprintf(run->err, "kvc: interrupted after %" PRIu64 " answers\n", batch.answered);
    if (batch.unknown > 0)
        fprintf(run->err,
                "kvc: %" PRIu64 " commands were sent without an answer; those that write may "
                "have taken effect\n",
                batch.unknown);
    flush(&batch);
    if (batch.unprinted < 0) {
        fprintf(run->err, "kvc: cannot print the answers: %s\n", weft_strerror(batch.unprinted));
        return batch.bulk.code == CLI_EXIT_DONE ? CLI_EXIT_REFUSED : batch.bulk.code;
    }
    return batch.bulk.code;
}
