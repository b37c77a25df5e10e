/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/compiler.h"
#include "format/json.h"
#include "format/output.h"
#include "format/value.h"
#include "services/kv/client_watch.h"
#include "stay.h"

struct watching {
    struct cli_stay stay;
    struct weft_kv_watched watched;
    struct weft_kv_watch watch;
    bool missed; /* changes are: the next watch begins with what comes then */
};

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
    if (change->version.size > 0) {
        fputs(", \"version\": \"", out);
        cli_version_print(out, change->version);
        fputc('"', out);
    }
    if (change->expires > 0)
        fprintf(out, ", \"expires\": %" PRIu64, change->expires);
    fputs("}\n", out);
}

static void print_expiry(FILE *out, const struct weft_kv_changed *change)
{
    if (change->expires > 0)
        fprintf(out, "\t%" PRIu64 ".%03" PRIu64, change->expires / 1000, change->expires % 1000);
    else if (change->version.size > 0)
        fputs("\tnever", out);
}

/* With --state a value has its version and its expiry behind it, as with hget; otherwise an expiry alone. */
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
    if (change->version.size > 0) {
        fputc('\t', out);
        cli_version_print(out, change->version);
    }
    print_expiry(out, change);
    fputc('\n', out);
}

/* Says between which numbers changes are not known. Programs read it among the changes. */
static void note_gap(const struct watching *self, uint64_t number)
{
    const struct cli_run *run = self->stay.run;
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
    const struct cli_run *run = self->stay.run;
    if (self->missed) {
        note_gap(self, number);
        self->watched.from = number;
    } else if (self->stay.ever_began) {
        fprintf(run->err, "kvc: connected again; no change was missed\n");
    } else if (run->format == CLI_JSON) {
        fprintf(run->out, "{\"watching\": true, \"number\": %" PRIu64 "}\n", number);
    } else {
        fprintf(run->err, "kvc: watching from number %" PRIu64 " on\n", number);
    }
    self->missed = false;
    cli_stay_begin(&self->stay);
}

static void on_changed(struct weft_kv_watch *watch, const struct weft_kv_reply *reply)
{
    struct watching *self = weft_container_of(watch, struct watching, watch);
    struct cli_stay *stay = &self->stay;
    const struct cli_run *run = stay->run;
    if (stay->ended)
        return;
    if (!stay->began)
        note_begin(self, reply->number);
    else if (reply->change_count > 0)
        cli_stay_hear(stay);
    for (size_t i = 0; i < reply->change_count && !stay->ended; i++) {
        if (run->format == CLI_JSON)
            print_json(run->out, &reply->changes[i]);
        else
            print_text(run->out, &reply->changes[i]);
        self->watched.from = reply->changes[i].number;
        cli_stay_count(stay);
    }
    if (!stay->ended && reply->number > self->watched.from)
        self->watched.from = reply->number;
    cli_stay_flush(stay);
}

/* A server that shuts down may come back, and then knows if something was missed. Where it was, the watch goes on with
 * what comes next. */
static void take_refusal(struct watching *self, const struct weft_kv_reply *reply)
{
    struct cli_stay *stay = &self->stay;
    bool misses = reply->status == 410 && stay->ever_began;
    if (misses || (reply->status == 503 && stay->began)) {
        self->missed |= misses;
        cli_stay_lose(stay, -ECONNRESET, reply->message);
        return;
    }
    cli_stay_refuse(stay, reply,
                    reply->status == 410
                        ? "; what changed since then is missed: read the table again, and "
                          "watch without --from"
                        : "");
}

static void on_ended(struct weft_kv_watch *watch, int status, const struct weft_kv_reply *reply)
{
    struct watching *self = weft_container_of(watch, struct watching, watch);
    if (status == 0)
        take_refusal(self, reply);
    else
        cli_stay_fail(&self->stay, status, watch->why);
}

static int ask(struct cli_stay *stay, struct weft_error *error)
{
    struct watching *self = weft_container_of(stay, struct watching, stay);
    struct weft_kv_watched watched = self->watched;
    if (self->missed)
        watched.from = 0;
    return weft_kv_client_watch(&stay->session->client, &self->watch, &watched, error);
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
        .stay = {.run = run,
                 .session = session,
                 .ask = ask,
                 .nothing_came = "no change came in time"},
        .watched = {.all_tables = !table,
                    .table = weft_view_str(table ? table : ""),
                    .from = session->config->from,
                    .versions = run->format == CLI_JSON ||
                                session->config->command.given & CLI_TAKES_STATE},
        .watch = {.changed = on_changed, .ended = on_ended},
    };
    if (key && prefix)
        return cli_run_fail(run, CLI_EXIT_USAGE, "KEY and --prefix: choose one of them");
    take_keys(&self.watched, key, prefix);
    enum cli_exit code = cli_stay(&self.stay);
    if (self.stay.ever_began && code != CLI_EXIT_DONE && run->format != CLI_JSON)
        fprintf(run->err, "kvc: %" PRIu64 " changes, up to number %" PRIu64 "\n", self.stay.count,
                self.watched.from);
    return self.stay.ended && code != CLI_EXIT_DONE ? cli_run_fail(run, code, self.stay.error.text)
                                                    : code;
}
