/* SPDX-License-Identifier: MIT */
#include "meanwhile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/compiler.h"
#include "rows.h"

enum { ATTEMPTS = 10 };

static struct cli_meanwhile *meanwhile_of(struct weft_kv_watch *watch)
{
    return weft_container_of(watch, struct cli_meanwhile, watch);
}

static void fail(struct cli_meanwhile *self, enum cli_exit code, int err, const char *text)
{
    if (self->failed)
        return;
    self->failed = true;
    self->code = code;
    weft_error_set(&self->error, err, "%s", text);
}

static void on_changed(struct weft_kv_watch *watch, const struct weft_kv_reply *reply)
{
    struct cli_meanwhile *self = meanwhile_of(watch);
    errno = 0;
    for (size_t i = 0; i < reply->change_count; i++)
        cli_row_print_change(self->file, &reply->changes[i]);
    if (ferror(self->file))
        fail(self, CLI_EXIT_REFUSED, -errno, "cannot keep the changes that come meanwhile");
    self->began = true;
    self->changes += reply->change_count;
    self->number = reply->number;
}

static void on_ended(struct weft_kv_watch *watch, int status, const struct weft_kv_reply *reply)
{
    struct cli_meanwhile *self = meanwhile_of(watch);
    struct cli_session *watching = &self->watching;
    char text[400];
    if (status < 0) {
        bool connects = watching->code != CLI_EXIT_DONE;
        fail(self, connects ? watching->code : CLI_EXIT_PROTOCOL, status,
             connects ? watching->error.text : weft_client_trouble(watching->connection));
        return;
    }
    snprintf(text, sizeof text, "%" PRIu32 " %.*s", reply->status,
             (int)(reply->message.size < 300 ? reply->message.size : 300),
             (const char *)reply->message.data);
    self->missed_the_begin = reply->status == 410 && !self->began;
    fail(self, CLI_EXIT_REFUSED, -EPROTO, text);
}

struct patience {
    struct weft_timer timer;
    bool ended;
};

static void on_timer(struct weft_timer *timer)
{
    weft_container_of(timer, struct patience, timer)->ended = true;
}

/* Has turns of the loop until the watch has begun and has told so much. It may take long, but something has to come
 * within the timeout. */
static enum cli_exit wait_for(struct cli_meanwhile *self, uint64_t number, struct weft_error *error)
{
    struct cli_session *session = self->session;
    struct patience patience = {.timer.fire = on_timer};
    uint64_t before = 0;
    while (!self->failed && (!self->began || self->number < number) && !session->interrupted) {
        if (patience.ended && self->number == before)
            fail(self, CLI_EXIT_TIMEOUT, -ETIMEDOUT,
                 "the changes did not come in time; --timeout SECONDS waits longer");
        if (!weft_timer_is_armed(&patience.timer)) {
            before = self->number;
            patience.ended = false;
            weft_loop_after(session->loop, &patience.timer, (int64_t)session->config->timeout);
        }
        if (!self->failed)
            weft_loop_turn(session->loop);
    }
    weft_timer_stop(&patience.timer);
    if (session->interrupted)
        return cli_session_signal_code(session);
    *error = self->error;
    return self->failed ? self->code : CLI_EXIT_DONE;
}

/* The first watch of a store makes it keep changes from then on. A write that was under way at that moment may be missed,
 * which ends the watch before it has told anything; the next one begins in time. */
static enum cli_exit watch(struct cli_meanwhile *self, struct weft_error *error)
{
    const struct weft_kv_watched watched = {.all_tables = true};
    for (int left = ATTEMPTS;; left--) {
        self->failed = self->missed_the_begin = false;
        struct weft_error cause;
        int err = weft_kv_client_watch(&self->watching.client, &self->watch, &watched, &cause);
        if (err < 0) {
            weft_error_set(error, err, "a backup has to watch, and %s", cause.text);
            return CLI_EXIT_USAGE;
        }
        enum cli_exit code = wait_for(self, 0, error);
        if (!self->missed_the_begin || left == 1)
            return code;
    }
}

enum cli_exit cli_meanwhile_begin(struct cli_meanwhile *self, struct cli_session *session,
                                  struct weft_error *error)
{
    *self = (struct cli_meanwhile){.session = session,
                                   .watch = {.changed = on_changed, .ended = on_ended}};
    self->watching = (struct cli_session){
        .config = session->config,
        .registry = session->registry,
        .loop = session->loop,
        .secret = session->secret,
    };
    self->file = tmpfile();
    if (!self->file) {
        weft_error_set(error, -errno, "cannot make a temporary file: %s", weft_strerror(-errno));
        return CLI_EXIT_USAGE;
    }
    enum cli_exit code = cli_session_connect(&self->watching, error);
    if (code != CLI_EXIT_DONE)
        return code;
    return watch(self, error);
}

static enum cli_exit on_number(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    struct cli_meanwhile *self = weft_container_of(exchange, struct cli_meanwhile, exchange);
    if (reply->status != 200) {
        weft_error_set(&exchange->error, -EPROTO, "%" PRIu32 " %.*s", reply->status,
                       (int)(reply->message.size < 300 ? reply->message.size : 300),
                       (const char *)reply->message.data);
        return CLI_EXIT_REFUSED;
    }
    self->fence = reply->number;
    return CLI_EXIT_DONE;
}

static int copy(FILE *from, FILE *to)
{
    char bytes[16384];
    size_t size;
    errno = 0;
    if (fflush(from) != 0 || fseek(from, 0, SEEK_SET) != 0)
        return errno != 0 ? -errno : -EIO;
    while ((size = fread(bytes, 1, sizeof bytes, from)) > 0)
        if (fwrite(bytes, 1, size, to) != size)
            return errno != 0 ? -errno : -EIO;
    return ferror(from) ? -EIO : 0;
}

enum cli_exit cli_meanwhile_end(struct cli_meanwhile *self, FILE *out, struct weft_error *error)
{
    self->exchange = (struct cli_exchange){.request.op = WEFT_KV_NUMBER, .answered = on_number};
    enum cli_exit code = cli_session_exchange(self->session, &self->exchange, error);
    if (code == CLI_EXIT_DONE)
        code = wait_for(self, self->fence, error);
    if (code != CLI_EXIT_DONE)
        return code;
    cli_session_disconnect(&self->watching);
    int err = copy(self->file, out);
    if (err == 0)
        return CLI_EXIT_DONE;
    weft_error_set(error, err, "cannot write the rows: %s", weft_strerror(err));
    return CLI_EXIT_REFUSED;
}

void cli_meanwhile_drop(struct cli_meanwhile *self)
{
    if (self->session)
        cli_session_disconnect(&self->watching);
    if (self->file)
        fclose(self->file);
    *self = (struct cli_meanwhile){0};
}
