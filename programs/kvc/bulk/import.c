/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bulk.h"
#include "core/base/compiler.h"
#include "programs/kvc/progress.h"
#include "rows.h"

/* An hmset of about this size is one packet, and below what the default codec compresses. */
enum { REQUEST_BYTES = 1300, REQUEST_ROWS = 128, PAIR_FRAME = 16 };

/* What has become of rows. */
struct count {
    uint64_t rows, bytes;
};

struct import {
    struct cli_bulk bulk;
    struct weft_view table;
    enum cli_rows form;
    struct cli_progress progress;
    int64_t began;
    struct count stored, refused, unknown;

    /* The request being made: copies, since the input moves. */
    struct weft_arena arena;
    struct weft_kv_pair pairs[REQUEST_ROWS];
    size_t pair_count, size;
    struct cli_bulk_call about;
};

static void add(struct count *count, const struct cli_bulk_call *call)
{
    count->rows += call->rows;
    count->bytes += call->bytes;
}

static void on_answer(struct cli_bulk *bulk, const struct cli_bulk_call *call,
                      const struct weft_kv_reply *reply)
{
    struct import *import = weft_container_of(bulk, struct import, bulk);
    if (!reply) {
        add(&import->unknown, call);
    } else if (reply->status == 200) {
        add(&import->stored, call);
        cli_progress_update(&import->progress, weft_loop_now(bulk->session->loop),
                            import->stored.rows, import->stored.bytes, bulk->input.size);
    } else {
        char text[512];
        bool first = import->refused.rows == 0;
        add(&import->refused, call);
        if (!first)
            return;
        int size = snprintf(text, sizeof text, "%" PRIu32 " %.*s", reply->status,
                            (int)(reply->message.size < 400 ? reply->message.size : 400),
                            (const char *)reply->message.data);
        cli_progress_end(&import->progress);
        cli_bulk_fail(bulk, CLI_EXIT_REFUSED, call->first_line, call->last_line, text,
                      (size_t)size);
    }
}

static struct weft_view copy(struct weft_arena *arena, struct weft_view view)
{
    uint8_t *dst = weft_arena_alloc(arena, view.size);
    if (dst && view.size > 0)
        memcpy(dst, view.data, view.size);
    return weft_view(dst, view.size);
}

static bool has_bytes(const struct weft_kv_value *value)
{
    return value->type == WEFT_KV_STRING || value->type == WEFT_KV_BINARY;
}

static size_t size_of(const struct weft_kv_pair *pair)
{
    return PAIR_FRAME + pair->key.size + (has_bytes(&pair->value) ? pair->value.bytes.size : 0);
}

/* The rows that have come together, unless there are none. Those that could not be sent for want
 * of room stay for the next time. */
static enum cli_bulk_step send_rows(struct import *import)
{
    if (import->pair_count == 0)
        return CLI_BULK_AGAIN;
    const struct weft_kv_request request = {.op = WEFT_KV_HMSET,
                                            .table = import->table,
                                            .pairs = import->pairs,
                                            .pair_count = import->pair_count};
    size_t before = import->bulk.in_flight;
    enum cli_bulk_step step = cli_bulk_send(&import->bulk, &import->about, &request);
    if (step == CLI_BULK_WAIT)
        return step;
    if (import->bulk.in_flight == before)
        add(&import->refused, &import->about);
    weft_arena_reset(&import->arena);
    import->pair_count = 0;
    import->size = 0;
    return step;
}

static enum cli_bulk_step fail_row(struct import *import, const char *text)
{
    struct cli_bulk *bulk = &import->bulk;
    cli_bulk_fail(bulk, CLI_EXIT_USAGE, bulk->line, bulk->line, text, strlen(text));
    import->refused.rows++;
    return CLI_BULK_AGAIN;
}

static enum cli_bulk_step take_row(struct import *import, const struct cli_row *row, size_t size)
{
    struct weft_kv_pair *pair = &import->pairs[import->pair_count];
    pair->key = copy(&import->arena, row->pair.key);
    pair->value = row->pair.value;
    if (has_bytes(&pair->value))
        pair->value.bytes = copy(&import->arena, row->pair.value.bytes);
    if (!pair->key.data || (has_bytes(&pair->value) && !pair->value.bytes.data))
        return fail_row(import, weft_strerror(-ENOMEM));
    struct cli_bulk *bulk = &import->bulk;
    struct cli_bulk_call *about = &import->about;
    if (import->pair_count++ == 0)
        *about = (struct cli_bulk_call){.first_line = bulk->line};
    bulk->line += row->lines;
    about->last_line = bulk->line - 1;
    about->rows++;
    about->bytes += size;
    import->size += size_of(pair);
    return CLI_BULK_AGAIN;
}

static bool is_full(const struct import *import, const struct weft_kv_pair *next)
{
    return import->pair_count == REQUEST_ROWS ||
           (import->pair_count > 0 && import->size + size_of(next) > REQUEST_BYTES);
}

static enum cli_bulk_step read_more(struct import *import)
{
    struct cli_bulk *bulk = &import->bulk;
    if (weft_buf_size(&bulk->input.buf) > bulk->session->config->limits.max_message) {
        bulk->keep_going = false;
        return fail_row(import, "a row of more than --max-message; is the form right? see --rows");
    }
    int err = cli_input_read(&bulk->input);
    if (err == -EAGAIN)
        return send_rows(import) == CLI_BULK_END ? CLI_BULK_END : CLI_BULK_WAIT;
    if (err == 0)
        return CLI_BULK_AGAIN;
    bulk->keep_going = false;
    return fail_row(import, weft_strerror(err));
}

static enum cli_bulk_step end(struct import *import)
{
    enum cli_bulk_step step = send_rows(import);
    return step == CLI_BULK_AGAIN ? CLI_BULK_END : step;
}

static enum cli_bulk_step step(struct cli_bulk *bulk)
{
    struct import *import = weft_container_of(bulk, struct import, bulk);
    struct weft_view view = weft_buf_view(&bulk->input.buf);
    struct weft_error error;
    struct cli_row row;
    if (view.size == 0)
        return bulk->input.eof ? end(import) : read_more(import);
    ssize_t size = cli_row_read(&row, import->form, view, bulk->input.eof, &error);
    if (size == 0)
        return read_more(import);
    if (size < 0) {
        /* The rows before it are stored. */
        enum cli_bulk_step sent = send_rows(import);
        if (sent != CLI_BULK_AGAIN)
            return sent;
        (void)fail_row(import, error.text);
        cli_bulk_skip_line(bulk);
        return CLI_BULK_AGAIN;
    }
    enum cli_bulk_step result = is_full(import, &row.pair) ? send_rows(import) : CLI_BULK_AGAIN;
    if (result == CLI_BULK_AGAIN && bulk->free) {
        result = take_row(import, &row, (size_t)size);
        weft_buf_consume(&bulk->input.buf, (size_t)size);
    }
    cli_row_fini(&row);
    return result;
}

static void print_summary(struct import *import, enum cli_format format)
{
    const struct count *stored = &import->stored;
    const struct cli_bulk *bulk = &import->bulk;
    int64_t now = weft_loop_refresh(bulk->session->loop);
    double seconds = (double)(now - import->began) / 1e9;
    uint64_t unknown = import->unknown.rows;
    cli_progress_end(&import->progress);
    if (format == CLI_JSON) {
        fprintf(bulk->out,
                "{\"rows\": %" PRIu64 ", \"bytes\": %" PRIu64
                ", \"seconds\": %.3f, \"refused\": %" PRIu64 ", \"unknown\": %" PRIu64 "}\n",
                stored->rows, stored->bytes, seconds, import->refused.rows, unknown);
        return;
    }
    fprintf(bulk->out, "%s%" PRIu64 " rows stored, %" PRIu64 " bytes in %.2f s",
            bulk->session->interrupted ? "interrupted: " : "", stored->rows, stored->bytes,
            seconds);
    if (import->refused.rows > 0)
        fprintf(bulk->out, "; %" PRIu64 " refused", import->refused.rows);
    if (unknown > 0)
        fprintf(bulk->out, "; %" PRIu64 " sent without an answer, which may be stored", unknown);
    fputc('\n', bulk->out);
}

enum cli_exit cli_import(const struct cli_run *run, const char *table, const char *path)
{
    struct weft_error error;
    const struct kvc_config *config = run->session->config;
    struct import import = {
        .bulk = {.session = run->session,
                 .out = run->out,
                 .err = run->err,
                 .keep_going = config->keep_going,
                 .step = step,
                 .answered = on_answer},
        .table = weft_view_str(table),
        .form = cli_rows_of(config->rows, path),
        .began = weft_loop_refresh(run->session->loop),
    };
    enum cli_exit code = cli_bulk_init(&import.bulk, path, &error);
    if (code != CLI_EXIT_DONE) {
        fprintf(run->err, "kvc: %s\n", error.text);
        return code;
    }
    weft_arena_init(&import.arena, SIZE_MAX);
    cli_progress_start(&import.progress, run->err, "rows", import.began);
    cli_bulk_run(&import.bulk);
    cli_bulk_fini(&import.bulk);
    print_summary(&import, run->format);
    weft_arena_fini(&import.arena);
    return import.bulk.code;
}
