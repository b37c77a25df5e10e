/* SPDX-License-Identifier: MIT */
#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "programs/kvc/progress.h"
#include "rows.h"

struct exporting {
    const struct cli_run *run;
    FILE *out;
    enum cli_rows form;
    struct cli_progress progress;
    int64_t began;
    uint64_t rows, bytes;
    struct cli_exchange exchange;
    struct weft_view table;
    struct weft_bytes cursor; /* where the next page begins */
    struct weft_buf empty;    /* keys of the page that came without a value: size and bytes each */
    struct weft_view key;     /* of these, the one that is asked for */
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

static enum cli_exit refuse_to_write(struct weft_error *error)
{
    int err = errno != 0 ? -errno : -EIO;
    weft_error_set(error, err, "cannot write the rows: %s", weft_strerror(err));
    return CLI_EXIT_REFUSED;
}

static enum cli_exit print_row(struct exporting *self, const struct weft_kv_pair *pair)
{
    errno = 0;
    cli_row_print(self->out, self->form, pair);
    if (ferror(self->out))
        return refuse_to_write(&self->exchange.error);
    self->rows++;
    return CLI_EXIT_DONE;
}

/* A pair without a value has an empty one, or one that is larger than a page: hget tells. */
static int put_aside(struct exporting *self, struct weft_view key)
{
    int err = weft_buf_append(&self->empty, weft_view(&key.size, sizeof key.size));
    return err < 0 ? err : weft_buf_append(&self->empty, key);
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
        if (pair->value.type == WEFT_KV_EMPTY && exchange->request.op == WEFT_KV_HSCAN)
            err = put_aside(self, pair->key);
        else
            code = print_row(self, pair);
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
    return print_row(self, &pair);
}

static enum cli_exit ask(struct exporting *self, struct weft_error *error)
{
    return cli_session_exchange(self->run->session, &self->exchange, error);
}

static enum cli_exit ask_for_empty(struct exporting *self, struct weft_error *error)
{
    enum cli_exit code = CLI_EXIT_DONE;
    while (code == CLI_EXIT_DONE && weft_buf_size(&self->empty) > 0) {
        struct weft_view view = weft_buf_view(&self->empty);
        size_t size;
        memcpy(&size, view.data, sizeof size);
        self->key = weft_view(view.data + sizeof size, size);
        self->exchange.request = (struct weft_kv_request){
            .op = WEFT_KV_HGET, .table = self->table, .keys = &self->key, .key_count = 1};
        self->exchange.answered = on_value;
        code = ask(self, error);
        weft_buf_consume(&self->empty, sizeof size + size);
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
                                     .cursor = weft_view(self->cursor.data, self->cursor.size)};
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

static enum cli_exit close_output(struct exporting *self, enum cli_exit code,
                                  struct weft_error *error)
{
    errno = 0;
    bool is_file = self->out != self->run->out;
    long size = is_file ? ftell(self->out) : 0;
    self->bytes = size > 0 ? (uint64_t)size : 0;
    int err = is_file ? fclose(self->out) : fflush(self->out);
    if (err == 0 || code != CLI_EXIT_DONE)
        return code;
    return refuse_to_write(error);
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

static enum cli_exit run_export(struct exporting *self)
{
    struct weft_error error = {0};
    struct cli_session *session = self->run->session;
    cli_progress_start(&self->progress, self->run->err, "rows", self->began);
    cli_session_watch(session);
    enum cli_exit code = export_pages(self, &error);
    cli_session_unwatch(session);
    cli_progress_end(&self->progress);
    code = close_output(self, code, &error);
    if (code != CLI_EXIT_DONE)
        fprintf(self->run->err, "kvc: %s\n", error.text);
    print_summary(self, code);
    weft_bytes_fini(&self->cursor);
    weft_buf_fini(&self->empty);
    return code;
}

enum cli_exit cli_export(const struct cli_run *run, const char *table, const char *path)
{
    bool standard = !path || strcmp(path, "-") == 0;
    struct exporting self = {
        .run = run,
        .out = standard ? run->out : fopen(path, "we"),
        .form = cli_rows_of(run->session->config->rows, path),
        .began = weft_loop_refresh(run->session->loop),
        .table = weft_view_str(table),
    };
    if (self.out)
        return run_export(&self);
    fprintf(run->err, "kvc: cannot write %s: %s\n", path, weft_strerror(-errno));
    return CLI_EXIT_USAGE;
}
