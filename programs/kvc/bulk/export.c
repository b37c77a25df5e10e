/* SPDX-License-Identifier: MIT */
#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/compiler.h"
#include "programs/kvc/progress.h"
#include "programs/lib/output.h"
#include "meanwhile.h"
#include "rows.h"
#include "target.h"

struct exporting {
    const struct cli_run *run;
    const char *path;
    struct cli_target target; /* opened once the table is known to have rows */
    bool is_open;
    enum cli_rows form;
    struct cli_progress progress;
    int64_t began;
    uint64_t rows, bytes;
    struct cli_exchange exchange;
    bool all; /* tables: each row has its own */
    struct weft_buf
        names; /* of tables that are still to be written, with all: size and bytes each */
    struct weft_view table;
    struct weft_bytes cursor; /* where the next page begins */
    struct weft_buf empty;    /* keys of the page that came without a value: size and bytes each */
    struct weft_view key;     /* of these, the one that is asked for */
    bool backup;              /* what changes meanwhile is written, too */
    struct cli_meanwhile meanwhile;
};

static struct exporting *export_of(struct cli_exchange *exchange)
{
    return weft_container_of(exchange, struct exporting, exchange);
}

static enum cli_exit refuse(struct exporting *self, const struct weft_kv_reply *reply)
{
    int size = (int)(reply->message.size < 400 ? reply->message.size : 400);
    weft_error_set(&self->exchange.error, -EPROTO, "%" PRIu32 " %.*s", reply->status, size,
                   (const char *)reply->message.data);
    return CLI_EXIT_REFUSED;
}

static enum cli_exit fail_to_write(struct weft_error *error, int err)
{
    weft_error_set(error, err, "cannot write the rows: %s", weft_strerror(err));
    return CLI_EXIT_REFUSED;
}

static enum cli_exit open_target(struct exporting *self)
{
    int err = cli_target_open(&self->target, self->path, self->run->out, &self->exchange.error);
    self->is_open = err == 0;
    return err == 0 ? CLI_EXIT_DONE : CLI_EXIT_USAGE;
}

static enum cli_exit print_row(struct exporting *self, const struct weft_kv_pair *pair,
                               uint64_t expires)
{
    enum cli_exit code = self->is_open ? CLI_EXIT_DONE : open_target(self);
    if (code != CLI_EXIT_DONE)
        return code;
    errno = 0;
    cli_row_print(self->target.file, self->form, self->all ? &self->table : NULL, pair, expires);
    if (ferror(self->target.file))
        return fail_to_write(&self->exchange.error, errno != 0 ? -errno : -EIO);
    self->rows++;
    return CLI_EXIT_DONE;
}

static int put_aside(struct weft_buf *buf, struct weft_view text)
{
    int err = weft_buf_append(buf, weft_view(&text.size, sizeof text.size));
    return err < 0 ? err : weft_buf_append(buf, text);
}

/* Returns the text that was put aside first; its bytes in the buffer go with drop_first. */
static struct weft_view first_of(const struct weft_buf *buf)
{
    struct weft_view view = weft_buf_view(buf);
    size_t size;
    memcpy(&size, view.data, sizeof size);
    return weft_view(view.data + sizeof size, size);
}

static void drop_first(struct weft_buf *buf)
{
    weft_buf_consume(buf, sizeof(size_t) + first_of(buf).size);
}

/* An older server tells no states, and has no expiry. */
static uint64_t expiry_of(const struct weft_kv_reply *reply, size_t index)
{
    return index < reply->state_count ? reply->states[index].expires : 0;
}

static enum cli_exit on_page(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    struct exporting *self = export_of(exchange);
    if (reply->status != 200)
        return refuse(self, reply);
    weft_bytes_fini(&self->cursor);
    enum cli_exit code = CLI_EXIT_DONE;
    int err = weft_bytes_copy(&self->cursor, reply->cursor);
    for (size_t i = 0; err == 0 && code == CLI_EXIT_DONE && i < reply->pair_count; i++) {
        const struct weft_kv_pair *pair = &reply->pairs[i];
        /* A pair without a value has an empty one, or one that is larger than a page: hget tells. */
        if (pair->value.type == WEFT_KV_EMPTY && exchange->request.op == WEFT_KV_HSCAN)
            err = put_aside(&self->empty, pair->key);
        else
            code = print_row(self, pair, expiry_of(reply, i));
    }
    if (err == 0)
        return code;
    weft_error_set(&exchange->error, err, "%s", weft_strerror(err));
    return CLI_EXIT_REFUSED;
}

static enum cli_exit on_value(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    struct exporting *self = export_of(exchange);
    if (reply->status == 404)
        return CLI_EXIT_DONE; /* removed since */
    if (reply->status != 200 || reply->value_count != 1)
        return refuse(self, reply);
    const struct weft_kv_pair pair = {self->key, reply->values[0]};
    return print_row(self, &pair, expiry_of(reply, 0));
}

static enum cli_exit on_names(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    struct exporting *self = export_of(exchange);
    if (reply->status != 200)
        return refuse(self, reply);
    weft_bytes_fini(&self->cursor);
    int err = weft_bytes_copy(&self->cursor, reply->cursor);
    for (size_t i = 0; err == 0 && i < reply->table_count; i++)
        err = put_aside(&self->names, reply->tables[i].name);
    if (err == 0)
        return CLI_EXIT_DONE;
    weft_error_set(&exchange->error, err, "%s", weft_strerror(err));
    return CLI_EXIT_REFUSED;
}

static enum cli_exit ask(struct exporting *self, struct weft_error *error)
{
    return cli_session_exchange(self->run->session, &self->exchange, error);
}

static enum cli_exit ask_for_empty(struct exporting *self, struct weft_error *error)
{
    enum cli_exit code = CLI_EXIT_DONE;
    while (code == CLI_EXIT_DONE && weft_buf_size(&self->empty) > 0) {
        self->key = first_of(&self->empty);
        self->exchange.request = (struct weft_kv_request){.op = WEFT_KV_HGET,
                                                          .table = self->table,
                                                          .keys = &self->key,
                                                          .key_count = 1,
                                                          .state = true};
        self->exchange.answered = on_value;
        code = ask(self, error);
        drop_first(&self->empty);
    }
    return code;
}

static enum cli_exit export_pages(struct exporting *self, struct weft_error *error)
{
    struct cli_session *session = self->run->session;
    do {
        self->exchange.request =
            (struct weft_kv_request){.op = WEFT_KV_HSCAN,
                                     .table = self->table,
                                     .cursor = weft_view(self->cursor.data, self->cursor.size),
                                     .state = true};
        self->exchange.answered = on_page;
        enum cli_exit code = ask(self, error);
        if (code == CLI_EXIT_DONE)
            code = ask_for_empty(self, error);
        if (code != CLI_EXIT_DONE)
            return code;
        cli_progress_update(&self->progress, weft_loop_now(session->loop), self->rows, 0, 0);
    } while (self->cursor.size > 0);
    return CLI_EXIT_DONE;
}

/* The tables are read first, so that none comes twice. One that is gone when its turn comes has no rows. */
static enum cli_exit export_tables(struct exporting *self, struct weft_error *error)
{
    enum cli_exit code = CLI_EXIT_DONE;
    do {
        self->exchange.request = (struct weft_kv_request){
            .op = WEFT_KV_TABLES, .cursor = weft_view(self->cursor.data, self->cursor.size)};
        self->exchange.answered = on_names;
        code = ask(self, error);
    } while (code == CLI_EXIT_DONE && self->cursor.size > 0);
    while (code == CLI_EXIT_DONE && weft_buf_size(&self->names) > 0) {
        self->table = first_of(&self->names);
        code = export_pages(self, error);
        drop_first(&self->names);
    }
    if (code != CLI_EXIT_DONE || self->is_open)
        return code;
    code = open_target(self);
    *error = self->exchange.error;
    return code;
}

/* A connection of its own collects the changes that come while the tables are read. */
static enum cli_exit back_up_tables(struct exporting *self, struct weft_error *error)
{
    enum cli_exit code = cli_meanwhile_begin(&self->meanwhile, self->run->session, error);
    if (code == CLI_EXIT_DONE)
        code = export_tables(self, error);
    if (code == CLI_EXIT_DONE)
        code = cli_meanwhile_end(&self->meanwhile, self->target.file, error);
    if (code == CLI_EXIT_DONE)
        self->rows += self->meanwhile.changes;
    cli_meanwhile_drop(&self->meanwhile);
    return code;
}

/* A table exists as long as it has keys, so one without rows is probably misspelt. */
static enum cli_exit refuse_absence(const struct exporting *self, struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    weft_error_set(error, -ENOENT, "there is no table %s; nothing was written",
                   weft_log_quote(self->table, quoted));
    return CLI_EXIT_REFUSED;
}

static enum cli_exit complete(struct exporting *self, struct weft_error *error)
{
    if (!self->is_open)
        return refuse_absence(self, error);
    long size = self->target.partial ? ftell(self->target.file) : 0;
    self->bytes = size > 0 ? (uint64_t)size : 0;
    int err = cli_target_commit(&self->target);
    return err == 0 ? CLI_EXIT_DONE : fail_to_write(error, err);
}

static void print_summary(const struct exporting *self, enum cli_exit code)
{
    const struct cli_session *session = self->run->session;
    double seconds = (double)(weft_loop_refresh(session->loop) - self->began) / 1e9;
    fprintf(self->run->err, "%s%" PRIu64 " rows written",
            code == CLI_EXIT_DONE ? "" : "kvc: after ", self->rows);
    if (self->bytes > 0)
        fprintf(self->run->err, ", %" PRIu64 " bytes", self->bytes);
    fprintf(self->run->err, " in %.2f s\n", seconds);
}

/* A file that was to be replaced is as it was; of what was written directly a part is there. */
static void report_failure(struct exporting *self, enum cli_exit code,
                           const struct weft_error *error)
{
    bool replaces = self->target.partial != NULL;
    bool direct = self->is_open && !replaces;
    if (direct && self->target.file && ferror(self->target.file))
        cli_discard(self->target.file);
    char text[sizeof error->text + PATH_MAX];
    snprintf(text, sizeof text, "%s%s%s", error->text, replaces ? "; nothing was written to " : "",
             replaces ? self->path : "");
    (void)cli_run_fail(self->run, code, text);
    if (direct)
        print_summary(self, code);
    cli_target_drop(&self->target);
}

static enum cli_exit run_export(struct exporting *self, struct weft_error *error)
{
    struct cli_session *session = self->run->session;
    /* Connected to before signals are watched, because resolving a name may block. */
    enum cli_exit code = cli_session_connect(session, error);
    if (code != CLI_EXIT_DONE)
        return code;
    cli_session_watch_all(session);
    cli_progress_start(&self->progress, self->run->err, "rows", self->began);
    code = self->backup ? back_up_tables(self, error)
           : self->all  ? export_tables(self, error)
                        : export_pages(self, error);
    cli_progress_end(&self->progress);
    if (code == CLI_EXIT_DONE)
        code = complete(self, error);
    if (code != CLI_EXIT_DONE && cli_session_is_interrupted(session)) {
        weft_error_set(error, -EINTR, "interrupted");
        code = cli_session_signal_code(session);
    }
    cli_session_unwatch(session);
    return code;
}

static enum cli_exit do_export(const struct cli_run *run, const char *table, const char *path,
                               bool backup)
{
    struct weft_error error = {0};
    struct exporting self = {
        .run = run,
        .path = path,
        .form = cli_rows_of(run->session->config->rows, path),
        .began = weft_loop_refresh(run->session->loop),
        .all = !table,
        .backup = backup,
        .table = weft_view_str(table ? table : ""),
    };
    if (self.all && self.form == CLI_ROWS_CSV) {
        weft_error_set(&error, WEFT_ECONFIG, "--all: CSV has no tables; write NDJSON");
        return cli_run_fail(run, CLI_EXIT_USAGE, error.text);
    }
    enum cli_exit code = run_export(&self, &error);
    if (code == CLI_EXIT_DONE)
        print_summary(&self, code);
    else
        report_failure(&self, code, &error);
    weft_bytes_fini(&self.cursor);
    weft_buf_fini(&self.empty);
    weft_buf_fini(&self.names);
    return code;
}

enum cli_exit cli_export(const struct cli_run *run, const char *table, const char *path)
{
    return do_export(run, table, path, false);
}

enum cli_exit cli_backup(const struct cli_run *run, const char *path)
{
    return do_export(run, NULL, path, true);
}
