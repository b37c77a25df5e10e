/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "format/json.h"
#include "format/value.h"
#include "programs/lib/output.h"
#include "services/kv/client_watch.h"

/* How long to wait before another attempt to connect, in nanoseconds. */
static const int64_t pause_first = 100 * 1000 * 1000, pause_most = 5000 * INT64_C(1000000);

struct watching {
    const struct cli_run *run;
    struct cli_session *session;
    struct weft_kv_watched watched;
    struct weft_kv_watch watch;
    struct weft_timer timer; /* ends the wait for an answer or a change, or a pause */
    bool fired;
    bool ever_began; /* the server has answered once */
    bool began;      /* it has answered on this connection */
    bool lost;       /* the connection is */
    bool missed;     /* changes are: the next watch begins with what comes then */
    bool ended;      /* with `code` */
    enum cli_exit code;
    struct weft_error error;
    uint64_t count;
    int64_t pause;
};

static void end(struct watching *self, enum cli_exit code, int err, const char *text)
{
    if (self->ended)
        return;
    self->ended = true;
    self->code = code;
    weft_error_set(&self->error, err, "%s", text);
}

static const char *name_of(enum weft_kv_changed_how how)
{
    switch (how) {
    case WEFT_KV_CHANGED_SET:
        break;
    case WEFT_KV_CHANGED_REMOVED:
        return "remove";
    case WEFT_KV_CHANGED_EXPIRED:
        return "expire";
    case WEFT_KV_CHANGED_DROPPED:
        return "drop";
    }
    return "set";
}

static void print_json(FILE *out, const struct weft_kv_changed *change)
{
    fprintf(out, "{\"number\": %" PRIu64 ", \"change\": \"%s\", \"table\": ", change->number,
            name_of(change->how));
    cli_json_print_string(out, change->table);
    if (change->how != WEFT_KV_CHANGED_DROPPED) {
        fputs(", \"key\": ", out);
        cli_json_print_string(out, change->key);
    }
    if (change->how == WEFT_KV_CHANGED_SET) {
        fputs(", \"value\": ", out);
        cli_json_print_value(out, &change->value);
    }
    if (change->expires > 0)
        fprintf(out, ", \"expires\": %" PRIu64, change->expires);
    fputs("}\n", out);
}

static void print_text(FILE *out, const struct weft_kv_changed *change)
{
    fprintf(out, "%" PRIu64 "\t%s\t", change->number, name_of(change->how));
    cli_text_print_as(out, change->table, CLI_ESCAPE_LINE);
    if (change->how != WEFT_KV_CHANGED_DROPPED) {
        fputc('\t', out);
        cli_text_print_as(out, change->key, CLI_ESCAPE_LINE);
    }
    if (change->how == WEFT_KV_CHANGED_SET) {
        fputc('\t', out);
        cli_value_print_typed(out, &change->value, CLI_ESCAPE_LINE);
    }
    if (change->expires > 0)
        fprintf(out, "\t%" PRIu64 ".%03" PRIu64, change->expires / 1000, change->expires % 1000);
    fputc('\n', out);
}

/* Says between which numbers changes are not known. Programs read it among the changes. */
static void note_gap(const struct watching *self, uint64_t number)
{
    const struct cli_run *run = self->run;
    if (run->format == CLI_JSON)
        fprintf(run->out, "{\"missed\": true, \"after\": %" PRIu64 ", \"number\": %" PRIu64 "}\n",
                self->watched.from, number);
    else
        fprintf(run->err,
                "kvc: connected again; what changed after number %" PRIu64 " and up to %" PRIu64
                " is missed: read the table again\n",
                self->watched.from, number);
}

/* The first answer on a connection has no change. People are told from which number on they may watch again. */
static void note_begin(struct watching *self, uint64_t number)
{
    const struct cli_run *run = self->run;
    if (self->began)
        return;
    if (self->missed) {
        note_gap(self, number);
        self->watched.from = number;
    } else if (self->ever_began) {
        fprintf(run->err, "kvc: connected again; no change was missed\n");
    } else if (run->format == CLI_JSON) {
        fprintf(run->out, "{\"watching\": true, \"number\": %" PRIu64 "}\n", number);
    } else {
        fprintf(run->err, "kvc: watching from number %" PRIu64 " on\n", number);
    }
    self->began = self->ever_began = true;
    self->missed = false;
    self->pause = pause_first;
}

/* Each change, or else the first answer, begins a new wait. */
static void renew_patience(struct watching *self)
{
    const struct kvc_config *config = self->session->config;
    if (config->timeout_is_explicit)
        weft_loop_after(self->session->loop, &self->timer, (int64_t)config->timeout);
    else
        weft_timer_stop(&self->timer);
}

static void on_changed(struct weft_kv_watch *watch, const struct weft_kv_reply *reply)
{
    struct watching *self = weft_container_of(watch, struct watching, watch);
    const struct cli_run *run = self->run;
    uint64_t most = self->session->config->count;
    if (self->ended)
        return;
    if (!self->began || reply->change_count > 0)
        renew_patience(self);
    note_begin(self, reply->number);
    for (size_t i = 0; i < reply->change_count && !self->ended; i++) {
        if (run->format == CLI_JSON)
            print_json(run->out, &reply->changes[i]);
        else
            print_text(run->out, &reply->changes[i]);
        self->watched.from = reply->changes[i].number;
        if (++self->count == most)
            end(self, CLI_EXIT_DONE, 0, "");
    }
    if (!self->ended && reply->number > self->watched.from)
        self->watched.from = reply->number;
    int err = cli_flush(run->out);
    if (err < 0)
        end(self, CLI_EXIT_REFUSED, err, weft_strerror(err));
}

static void end_refused(struct watching *self, const struct weft_kv_reply *reply)
{
    char text[400];
    int size = (int)(reply->message.size < 300 ? reply->message.size : 300);
    /* A server that shuts down may come back, and then knows if something was missed. Where it was, the watch goes on
     * with what comes next. */
    bool misses = reply->status == 410 && self->ever_began;
    if (misses || (reply->status == 503 && self->began)) {
        self->lost = true;
        self->missed |= misses;
        weft_error_set(&self->error, -ECONNRESET, "%.*s", size, (const char *)reply->message.data);
        return;
    }
    snprintf(text, sizeof text, "%" PRIu32 " %.*s%s", reply->status, size,
             (const char *)reply->message.data,
             reply->status == 410
                 ? "; what changed since then is missed: read the table again, and "
                   "watch without --from"
                 : "");
    end(self, CLI_EXIT_REFUSED, -EPROTO, text);
}

static void on_ended(struct weft_kv_watch *watch, int status, const struct weft_kv_reply *reply)
{
    struct watching *self = weft_container_of(watch, struct watching, watch);
    struct cli_session *session = self->session;
    if (status == 0) {
        end_refused(self, reply);
        return;
    }
    bool connects = session->code != CLI_EXIT_DONE;
    if (status == -ECANCELED && !connects)
        return;
    const char *text = connects     ? session->error.text
                       : watch->why ? watch->why
                                    : weft_client_trouble(session->connection);
    /* Only who was once connected waits for the server to come back. */
    self->lost = true;
    weft_error_set(&self->error, status, "%s", text);
    if (!self->ever_began || watch->why || session->code == CLI_EXIT_REFUSED)
        end(self, connects ? session->code : CLI_EXIT_PROTOCOL, status, text);
}

static void on_timer(struct weft_timer *timer)
{
    weft_container_of(timer, struct watching, timer)->fired = true;
}

static void run_turns(struct watching *self)
{
    while (!self->ended && !self->lost && !self->fired && !self->session->interrupted)
        weft_loop_turn(self->session->loop);
}

/* Connects, and watches until that ends. */
static void watch_once(struct watching *self)
{
    struct cli_session *session = self->session;
    struct weft_error error;
    struct weft_kv_watched watched = self->watched;
    if (self->missed)
        watched.from = 0;
    enum cli_exit code = cli_session_connect(session, &error);
    self->began = self->lost = self->fired = false;
    if (code == CLI_EXIT_DONE &&
        weft_kv_client_watch(&session->client, &self->watch, &watched, &error) < 0)
        code = CLI_EXIT_USAGE;
    if (code != CLI_EXIT_DONE) {
        self->lost = true;
        if (!self->ever_began || code == CLI_EXIT_USAGE)
            end(self, code, error.code, error.text);
        return;
    }
    weft_loop_after(session->loop, &self->timer, (int64_t)session->config->timeout);
    run_turns(self);
    if (self->fired && !self->ended)
        end(self, CLI_EXIT_TIMEOUT, -ETIMEDOUT,
            self->began ? "no change came in time" : "no answer in time");
    weft_timer_stop(&self->timer);
}

/* Waits before the next attempt to connect. */
static void rest(struct watching *self)
{
    struct cli_session *session = self->session;
    cli_session_disconnect(session);
    if (self->began)
        fprintf(self->run->err, "kvc: %s; connecting again\n", self->error.text);
    self->lost = self->fired = false;
    weft_loop_after(session->loop, &self->timer, self->pause);
    run_turns(self);
    weft_timer_stop(&self->timer);
    self->fired = false;
    self->pause = 2 * self->pause < pause_most ? 2 * self->pause : pause_most;
}

/* A key that ends with a star stands for all that begin with what is before it. */
static void take_keys(struct weft_kv_watched *watched, const char *key, const char *prefix)
{
    if (key) {
        watched->key = weft_view_str(key);
        watched->one = watched->key.size == 0 || key[watched->key.size - 1] != '*';
        watched->key.size -= watched->one ? 0 : 1;
    } else if (prefix) {
        watched->key = weft_view_str(prefix);
    }
}

enum cli_exit cli_watch(const struct cli_run *run, const char *table, const char *key)
{
    struct cli_session *session = run->session;
    const char *prefix = session->config->command.prefix;
    struct watching self = {
        .run = run,
        .session = session,
        .watched = {.all_tables = !table,
                    .table = weft_view_str(table ? table : ""),
                    .from = session->config->from},
        .watch = {.changed = on_changed, .ended = on_ended},
        .timer.fire = on_timer,
        .pause = pause_first,
    };
    if (key && prefix)
        return cli_run_fail(run, CLI_EXIT_USAGE, "KEY and --prefix: choose one of them");
    take_keys(&self.watched, key, prefix);
    cli_session_watch_all(session);
    while (!self.ended && !session->interrupted) {
        watch_once(&self);
        if (!self.ended && !session->interrupted)
            rest(&self);
    }
    cli_session_disconnect(session);
    enum cli_exit code = self.ended ? self.code : cli_session_signal_code(session);
    cli_session_unwatch(session);
    if (self.ever_began && code != CLI_EXIT_DONE && run->format != CLI_JSON)
        fprintf(run->err, "kvc: %" PRIu64 " changes, up to number %" PRIu64 "\n", self.count,
                self.watched.from);
    return self.ended && code != CLI_EXIT_DONE ? cli_run_fail(run, code, self.error.text) : code;
}
