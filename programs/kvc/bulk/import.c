/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bulk.h"
#include "core/base/compiler.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "programs/kvc/format/json.h"
#include "programs/kvc/progress.h"
#include "rows.h"

/* An hmset of about this size is one packet, and below what the default codec compresses. */
enum { REQUEST_BYTES = 1300, REQUEST_ROWS = 128, PAIR_FRAME = 16 };

struct count {
    uint64_t rows, bytes;
};

/* The rows of a request, by which its refusal can name them. The keys lie behind the array. */
struct sent_rows {
    size_t count;
    struct sent_row {
        uint64_t first_line, last_line;
        struct weft_view key; /* its beginning */
    } rows[];
};

static const char no_memory[] = "out of memory";

enum { KEY_SHOWN = 128 }; /* more than a quoted text shows */

struct import {
    struct cli_bulk bulk;
    bool all;               /* tables: each row has its own */
    struct weft_view table; /* of the request being made */
    struct cli_progress progress;
    int64_t began;
    bool warned;
    struct count stored, refused, unknown;

    /* The request being made. It has copies, because the input moves. */
    struct weft_arena arena;
    struct weft_kv_pair pairs[REQUEST_ROWS];
    struct weft_kv_change changes[REQUEST_ROWS]; /* the pairs, if one of them expires */
    uint64_t expires[REQUEST_ROWS];              /* of the pairs; 0: never */
    bool removed[REQUEST_ROWS];                  /* the pair is only a key, which is removed */
    bool any_expires, any_removed;
    bool drops; /* the request removes the table; the pair is nothing */
    uint64_t first_lines[REQUEST_ROWS], last_lines[REQUEST_ROWS]; /* of the pairs */
    uint64_t sizes[REQUEST_ROWS];                                 /* of their rows */
    size_t pair_count, size;
    size_t done; /* of the pairs: those before it were sent or refused by themselves */
    bool alone;  /* the pairs could not be sent together, so each is sent by itself */
};

static void add(struct count *count, const struct cli_bulk_call *call)
{
    count->rows += call->rows;
    count->bytes += call->bytes;
}

static size_t shown(const struct weft_kv_pair *pair)
{
    return pair->key.size < KEY_SHOWN ? pair->key.size : KEY_SHOWN;
}

/* Notes the rows that are not done, up to `end`. NULL: no memory. */
static struct sent_rows *note_rows(const struct import *import, size_t end)
{
    struct sent_rows *sent = NULL;
    size_t count = end - import->done, head = sizeof *sent + count * sizeof *sent->rows,
           size = head;
    for (size_t i = import->done; i < end; i++)
        size += shown(&import->pairs[i]);
    sent = weft_malloc(size);
    if (!sent)
        return NULL;
    uint8_t *dst = (uint8_t *)sent + head;
    sent->count = 0;
    for (size_t i = import->done; i < end; i++) {
        size_t key = shown(&import->pairs[i]);
        if (key > 0)
            memcpy(dst, import->pairs[i].key.data, key);
        sent->rows[sent->count++] =
            (struct sent_row){import->first_lines[i], import->last_lines[i], weft_view(dst, key)};
        dst += key;
    }
    return sent;
}

static struct cli_bulk_call make_call(const struct import *import, size_t end)
{
    struct cli_bulk_call call = {
        .first_line = import->first_lines[import->done],
        .last_line = import->last_lines[end - 1],
        .rows = end - import->done,
    };
    for (size_t i = import->done; i < end; i++)
        call.bytes += import->sizes[i];
    return call;
}

static void fail_key(struct cli_bulk *bulk, enum cli_exit code, const struct sent_row *row,
                     const char *text)
{
    char quoted[WEFT_LOG_QUOTE_TEXT], words[700];
    int size = snprintf(words, sizeof words, "key %s: %s", weft_log_quote(row->key, quoted), text);
    cli_bulk_fail(bulk, code, row->first_line, row->last_line, words, (size_t)size);
}

/* Says why the rows of a call are not stored. With --keep-going each row gets a line of its own. Without
 * it the first refusal ends the reading, and those of requests that were in flight then are only
 * counted. */
static void refuse_rows(struct import *import, enum cli_exit code, const struct cli_bulk_call *call,
                        const char *text)
{
    struct cli_bulk *bulk = &import->bulk;
    const struct sent_rows *sent = call->context;
    bool said = import->refused.rows > 0 && !bulk->keep_going;
    add(&import->refused, call);
    if (said)
        return;
    cli_progress_end(&import->progress);
    if (!bulk->keep_going && sent->count > 1) {
        cli_bulk_fail(bulk, code, call->first_line, call->last_line, text, strlen(text));
        return;
    }
    for (size_t i = 0; i < sent->count; i++)
        fail_key(bulk, code, &sent->rows[i], text);
}

static void refuse(struct import *import, const struct cli_bulk_call *call,
                   const struct weft_kv_reply *reply)
{
    char text[512];
    snprintf(text, sizeof text, "%" PRIu32 " %.*s", reply->status,
             (int)(reply->message.size < 400 ? reply->message.size : 400),
             (const char *)reply->message.data);
    refuse_rows(import, CLI_EXIT_REFUSED, call, text);
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
                            import->stored.rows, import->stored.bytes, bulk->records.input.size);
    } else {
        refuse(import, call, reply);
    }
    weft_free(call->context);
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

/* There was no memory to note the rows of a request. */
static void refuse_unnamed(struct import *import, const struct cli_bulk_call *about)
{
    add(&import->refused, about);
    cli_bulk_fail(&import->bulk, CLI_EXIT_USAGE, about->first_line, about->last_line, no_memory,
                  strlen(no_memory));
}

static void forget_request(struct import *import)
{
    weft_arena_reset(&import->arena);
    import->pair_count = import->done = 0;
    import->size = 0;
    import->any_expires = import->any_removed = import->drops = import->alone = false;
}

/* Makes the request of the rows that are not done, up to `end`. One whose pairs never expire is an hmset, which
 * older servers have, too. */
static struct weft_kv_request make_request(struct import *import, size_t end)
{
    size_t begin = import->done;
    if (import->drops)
        return (struct weft_kv_request){.op = WEFT_KV_DROP, .table = import->table};
    if (!import->any_expires && !import->any_removed)
        return (struct weft_kv_request){.op = WEFT_KV_HMSET,
                                        .table = import->table,
                                        .pairs = import->pairs + begin,
                                        .pair_count = end - begin};
    for (size_t i = begin; i < end; i++) {
        struct weft_kv_change *change = &import->changes[i];
        *change = (struct weft_kv_change){
            .key = import->pairs[i].key, .what = WEFT_KV_STORE, .value = import->pairs[i].value};
        if (import->removed[i])
            *change = (struct weft_kv_change){.key = change->key, .what = WEFT_KV_REMOVE};
        else if (import->expires[i] > 0)
            change->expiry = (struct weft_kv_expiry){WEFT_KV_EXPIRE_AT, import->expires[i]};
    }
    return (struct weft_kv_request){.op = WEFT_KV_HPUT,
                                    .table = import->table,
                                    .changes = import->changes + begin,
                                    .change_count = end - begin};
}

/* Sends the rows that are not done, up to `end`. If they cannot be sent together, nothing was sent, and each goes by
 * itself from now on: the codec may carry some of them, and who is told of a refusal learns which row it is. */
static enum cli_bulk_step send_some(struct import *import, size_t end)
{
    struct cli_bulk *bulk = &import->bulk;
    struct cli_bulk_call about = make_call(import, end);
    const struct weft_kv_request request = make_request(import, end);
    struct weft_error error;
    enum cli_bulk_step step = CLI_BULK_BAD;
    struct sent_rows *sent = note_rows(import, end);
    about.context = sent;
    if (sent)
        step = cli_bulk_send(bulk, &about, &request, &error);
    bool splits = step == CLI_BULK_BAD && sent && about.rows > 1;
    if (splits)
        import->alone = true;
    else if (step == CLI_BULK_BAD && sent)
        refuse_rows(import, CLI_EXIT_USAGE, &about, error.text);
    else if (step == CLI_BULK_BAD)
        refuse_unnamed(import, &about);
    if (step != CLI_BULK_AGAIN)
        weft_free(sent);
    if (!splits && (step == CLI_BULK_AGAIN || step == CLI_BULK_BAD))
        import->done = end;
    return step == CLI_BULK_BAD ? CLI_BULK_AGAIN : step;
}

/* Sends the rows that have come together, if there are any. Those that could not be sent for want of
 * room stay for the next time. */
static enum cli_bulk_step send_rows(struct import *import)
{
    const struct cli_bulk *bulk = &import->bulk;
    while (import->done < import->pair_count && !bulk->ended) {
        if (!bulk->free)
            return CLI_BULK_WAIT;
        enum cli_bulk_step step =
            send_some(import, import->alone ? import->done + 1 : import->pair_count);
        if (step != CLI_BULK_AGAIN)
            return step;
    }
    forget_request(import);
    return CLI_BULK_AGAIN;
}

static void fail_row(struct import *import, const struct cli_record *record, const char *text)
{
    cli_progress_end(&import->progress);
    cli_bulk_fail(&import->bulk, CLI_EXIT_USAGE, record->first_line, record->last_line, text,
                  strlen(text));
    import->refused.rows++;
}

static void take_row(struct import *import, const struct cli_row *row,
                     const struct cli_record *record)
{
    size_t i = import->pair_count;
    struct weft_kv_pair *pair = &import->pairs[i];
    pair->key = copy(&import->arena, row->pair.key);
    pair->value = row->pair.value;
    if (has_bytes(&pair->value))
        pair->value.bytes = copy(&import->arena, row->pair.value.bytes);
    if (import->all && i == 0)
        import->table = copy(&import->arena, row->table);
    if (!pair->key.data || (import->all && !import->table.data) ||
        (has_bytes(&pair->value) && !pair->value.bytes.data)) {
        fail_row(import, record, no_memory);
        return;
    }
    import->pair_count++;
    import->expires[i] = row->expires;
    import->any_expires |= row->expires > 0;
    import->removed[i] = row->is_removed;
    import->any_removed |= row->is_removed;
    import->drops = row->is_dropped;
    import->first_lines[i] = record->first_line;
    import->last_lines[i] = record->last_line;
    import->sizes[i] = import->bulk.records.size;
    import->size += size_of(pair);
}

/* A prefix that was meant is probably meant in many rows: the first one is said. */
static void warn(struct import *import, const struct cli_row *row, const struct cli_record *record)
{
    char text[CLI_WARNING_TEXT];
    if (import->warned || !cli_text_warn(row->doubtful, text))
        return;
    import->warned = true;
    cli_progress_end(&import->progress);
    cli_bulk_warn(&import->bulk, record->first_line, record->last_line, text);
}

/* A request of changes has each key once, and a table is dropped by a request of its own. */
static bool disagrees(const struct import *import, const struct cli_row *next)
{
    if (next->number == 0)
        return false;
    for (size_t i = 0; i < import->pair_count; i++)
        if (weft_view_equal(import->pairs[i].key, next->pair.key))
            return true;
    return next->is_dropped || import->drops;
}

/* True if the next row has to go into another request. */
static bool is_full(const struct import *import, const struct cli_row *next)
{
    if (import->pair_count == 0)
        return false;
    return import->alone || import->pair_count == REQUEST_ROWS ||
           import->size + size_of(&next->pair) > REQUEST_BYTES ||
           (import->all && !weft_view_equal(import->table, next->table)) || disagrees(import, next);
}

/* Whoever waits for input, or finds its end, sends what there is. */
static enum cli_bulk_step send_rest(struct import *import, enum cli_bulk_step found)
{
    enum cli_bulk_step sent = found == CLI_BULK_AGAIN ? CLI_BULK_AGAIN : send_rows(import);
    return sent == CLI_BULK_AGAIN ? found : sent;
}

static enum cli_bulk_step refuse_record(struct import *import, const struct cli_record *record,
                                        const char *text)
{
    /* The rows before it are stored. */
    enum cli_bulk_step sent = send_rows(import);
    if (sent != CLI_BULK_AGAIN)
        return sent;
    fail_row(import, record, text);
    cli_records_take(&import->bulk.records, record);
    return CLI_BULK_AGAIN;
}

static enum cli_bulk_step step(struct cli_bulk *bulk)
{
    struct import *import = weft_container_of(bulk, struct import, bulk);
    struct cli_record record;
    struct weft_error error;
    struct cli_row row;
    enum cli_bulk_step result;
    if (!cli_bulk_find(bulk, &record, &result))
        return send_rest(import, result);
    bool is_csv = bulk->records.form == CLI_RECORDS_CSV;
    if (record.is_too_large)
        return refuse_record(import, &record,
                             "a row of more than --max-message; is the form right? see --rows");
    if (cli_row_read(&row, is_csv ? CLI_ROWS_CSV : CLI_ROWS_NDJSON, import->all, record.text,
                     &error) < 0)
        return refuse_record(import, &record, error.text);
    result = is_full(import, &row) ? send_rows(import) : CLI_BULK_AGAIN;
    if (result == CLI_BULK_AGAIN && bulk->free) {
        warn(import, &row, &record);
        take_row(import, &row, &record);
        cli_records_take(&bulk->records, &record);
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
                ", \"seconds\": %.3f, \"refused\": %" PRIu64 ", \"unknown\": %" PRIu64,
                stored->rows, stored->bytes, seconds, import->refused.rows, unknown);
        if (bulk->first[0] != '\0') {
            fputs(", \"error\": ", bulk->out);
            cli_json_print_string(bulk->out, weft_view_str(bulk->first));
        }
        fputs("}\n", bulk->out);
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
        .all = !table,
        .table = weft_view_str(table ? table : ""),
        .began = weft_loop_refresh(run->session->loop),
    };
    enum cli_records_form form = cli_rows_records(config->rows, path);
    if (import.all && form == CLI_RECORDS_CSV)
        return cli_run_fail(run, CLI_EXIT_USAGE, "--all: CSV has no tables; give NDJSON");
    if (import.all)
        form = CLI_RECORDS_LINES;
    enum cli_exit code = cli_bulk_init(&import.bulk, path, form, &error);
    if (code != CLI_EXIT_DONE)
        return cli_run_fail(run, code, error.text);
    weft_arena_init(&import.arena, SIZE_MAX);
    cli_progress_start(&import.progress, run->err, "rows", import.began);
    cli_bulk_run(&import.bulk);
    cli_bulk_fini(&import.bulk);
    print_summary(&import, run->format);
    weft_arena_fini(&import.arena);
    return import.bulk.code;
}
