/* SPDX-License-Identifier: MIT */
#include "subscribe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "format/json.h"
#include "format/value.h"
#include "programs/lib/output.h"
#include "services/kv/client_topics.h"

/* How long to wait before another attempt to connect, in nanoseconds. */
static const int64_t pause_first = 100 * 1000 * 1000, pause_most = 5000 * INT64_C(1000000);

struct subscribing;

struct asked {
    struct weft_kv_call call;
    struct subscribing *self;
};

struct subscribing {
    const struct cli_run *run;
    struct cli_session *session;
    char *const *topics;
    size_t topic_count;
    struct asked *asked;     /* one per topic */
    size_t answered;         /* of them, on this connection */
    struct weft_timer timer; /* ends the wait for an answer or a message, or a pause */
    bool fired;
    bool ever_began; /* all subscriptions were once answered */
    bool lost;       /* the connection is */
    bool ended;      /* with `code` */
    enum cli_exit code;
    struct weft_error error;
    uint64_t count;
    int64_t pause;
};

static void end(struct subscribing *self, enum cli_exit code, int err, const char *text)
{
    if (self->ended)
        return;
    self->ended = true;
    self->code = code;
    weft_error_set(&self->error, err, "%s", text);
}

/* Each message, or else the last answer, begins a new wait. */
static void renew_patience(struct subscribing *self)
{
    const struct kvc_config *config = self->session->config;
    if (config->timeout_is_explicit)
        weft_loop_after(self->session->loop, &self->timer, (int64_t)config->timeout);
    else
        weft_timer_stop(&self->timer);
}

static void print(const struct cli_run *run, struct weft_view topic,
                  const struct weft_kv_value *value)
{
    if (run->format == CLI_JSON) {
        fputs("{\"topic\": ", run->out);
        cli_json_print_string(run->out, topic);
        fputs(", \"value\": ", run->out);
        cli_json_print_value(run->out, value);
        fputs("}\n", run->out);
        return;
    }
    cli_text_print_as(run->out, topic, CLI_ESCAPE_LINE);
    fputc('\t', run->out);
    cli_value_print_typed(run->out, value, CLI_ESCAPE_LINE);
    fputc('\n', run->out);
}

static void print_lost(const struct cli_run *run, const struct weft_kv_reply *message)
{
    if (run->format == CLI_JSON) {
        fputs("{\"topic\": ", run->out);
        cli_json_print_string(run->out, message->topic);
        fprintf(run->out, ", \"lost\": %" PRIu64 "}\n", message->number);
        return;
    }
    fputs("kvc: ", run->err);
    cli_text_print_as(run->err, message->topic, CLI_ESCAPE_LINE);
    fprintf(run->err, ": %" PRIu64 " messages were lost\n", message->number);
}

static void print_values(struct subscribing *self, const struct weft_kv_reply *message)
{
    uint64_t most = self->session->config->count;
    renew_patience(self);
    for (size_t i = 0; i < message->value_count && !self->ended; i++) {
        print(self->run, message->topic, &message->values[i]);
        if (++self->count == most)
            end(self, CLI_EXIT_DONE, 0, "");
    }
}

static void on_message(void *arg, const struct weft_kv_reply *message)
{
    struct subscribing *self = arg;
    if (self->ended || self->lost)
        return;
    if (!message) {
        end(self, CLI_EXIT_PROTOCOL, -ENOMEM, weft_strerror(-ENOMEM));
        return;
    }
    if (message->status == 200)
        print_values(self, message);
    else if (message->number > 0)
        print_lost(self->run, message);
    /* A server that shuts down may come back. */
    if (message->status == 503) {
        self->lost = true;
        weft_error_set(&self->error, -ECONNRESET, "%.*s",
                       (int)(message->message.size < 300 ? message->message.size : 300),
                       (const char *)message->message.data);
    }
    int err = cli_flush(self->run->out);
    if (err < 0)
        end(self, CLI_EXIT_REFUSED, err, weft_strerror(err));
}

static bool on_push(struct cli_session *session, struct weft_view payload)
{
    return weft_kv_client_take_push(&session->client, payload, on_message, session->push_data);
}

/* Says once that all subscriptions have begun; what came while the connection was lost is missed. */
static void note_begin(struct subscribing *self)
{
    const struct cli_run *run = self->run;
    if (self->ever_began)
        fprintf(run->err, "kvc: connected again; messages may have been missed\n");
    else if (run->format == CLI_JSON)
        fprintf(run->out, "{\"subscribed\": %zu}\n", self->topic_count);
    else
        fprintf(run->err, "kvc: subscribed to %zu %s%s\n", self->topic_count,
                self->session->config->pattern ? "pattern" : "topic",
                self->topic_count == 1 ? "" : "s");
    self->ever_began = true;
    self->pause = pause_first;
    renew_patience(self);
    int err = cli_flush(run->out);
    if (err < 0)
        end(self, CLI_EXIT_REFUSED, err, weft_strerror(err));
}

static void end_refused(struct subscribing *self, const struct weft_kv_reply *reply)
{
    char text[400];
    snprintf(text, sizeof text, "%" PRIu32 " %.*s", reply->status,
             (int)(reply->message.size < 300 ? reply->message.size : 300),
             (const char *)reply->message.data);
    end(self, CLI_EXIT_REFUSED, -EPROTO, text);
}

static void on_answer(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct subscribing *self = weft_container_of(call, struct asked, call)->self;
    struct cli_session *session = self->session;
    if (status == -ECANCELED)
        return;
    if (status == 0 && reply->status != 200) {
        end_refused(self, reply);
    } else if (status == 0) {
        if (++self->answered == self->topic_count)
            note_begin(self);
    } else {
        /* Only who was once connected waits for the server to come back. */
        bool connects = session->code != CLI_EXIT_DONE;
        const char *text = connects    ? session->error.text
                           : call->why ? call->why
                                       : weft_client_trouble(session->connection);
        self->lost = true;
        weft_error_set(&self->error, status, "%s", text);
        if (!self->ever_began || call->why)
            end(self, connects ? session->code : CLI_EXIT_PROTOCOL, status, text);
    }
}

static void on_timer(struct weft_timer *timer)
{
    weft_container_of(timer, struct subscribing, timer)->fired = true;
}

/* A connection that carries subscriptions alone has no call that would fail with it. */
static bool is_lost(struct subscribing *self)
{
    struct cli_session *session = self->session;
    if (!self->lost && session->connection && weft_client_status(session->connection) < 0) {
        self->lost = true;
        weft_error_set(&self->error, weft_client_status(session->connection), "%s",
                       weft_client_trouble(session->connection));
    }
    return self->lost;
}

static void run_turns(struct subscribing *self)
{
    while (!self->ended && !is_lost(self) && !self->fired && !self->session->interrupted)
        weft_loop_turn(self->session->loop);
}

static int ask(struct subscribing *self, struct weft_error *error)
{
    struct cli_session *session = self->session;
    for (size_t i = 0; i < self->topic_count; i++) {
        self->asked[i] = (struct asked){.call.done = on_answer, .self = self};
        int err = weft_kv_client_subscribe(&session->client, &self->asked[i].call,
                                           weft_view_str(self->topics[i]), session->config->pattern,
                                           false, error);
        if (err < 0)
            return err;
    }
    return 0;
}

/* Connects, and prints messages until that ends. */
static void subscribe_once(struct subscribing *self)
{
    struct cli_session *session = self->session;
    struct weft_error error;
    enum cli_exit code = cli_session_connect(session, &error);
    self->lost = self->fired = false;
    self->answered = 0;
    if (code == CLI_EXIT_DONE && ask(self, &error) < 0)
        code = CLI_EXIT_USAGE;
    if (code != CLI_EXIT_DONE) {
        self->lost = true;
        weft_error_set(&self->error, error.code, "%s", error.text);
        if (!self->ever_began || code == CLI_EXIT_USAGE)
            end(self, code, error.code, error.text);
        return;
    }
    weft_loop_after(session->loop, &self->timer, (int64_t)session->config->timeout);
    run_turns(self);
    if (self->fired && !self->ended)
        end(self, CLI_EXIT_TIMEOUT, -ETIMEDOUT,
            self->answered == self->topic_count ? "no message came in time" : "no answer in time");
    weft_timer_stop(&self->timer);
}

/* Waits before the next attempt to connect. */
static void rest(struct subscribing *self)
{
    struct cli_session *session = self->session;
    if (self->answered == self->topic_count)
        fprintf(self->run->err, "kvc: %s; connecting again\n", self->error.text);
    cli_session_disconnect(session);
    self->lost = self->fired = false;
    weft_loop_after(session->loop, &self->timer, self->pause);
    run_turns(self);
    weft_timer_stop(&self->timer);
    self->fired = false;
    self->pause = 2 * self->pause < pause_most ? 2 * self->pause : pause_most;
}

enum cli_exit cli_subscribe(const struct cli_run *run, char *const *topics, size_t count)
{
    struct cli_session *session = run->session;
    struct subscribing self = {
        .run = run,
        .session = session,
        .topics = topics,
        .topic_count = count,
        .asked = weft_calloc(count, sizeof *self.asked),
        .timer.fire = on_timer,
        .pause = pause_first,
    };
    if (!self.asked)
        return cli_run_fail(run, CLI_EXIT_CONNECT, weft_strerror(-ENOMEM));
    session->on_push = on_push;
    session->push_data = &self;
    cli_session_watch_all(session);
    while (!self.ended && !session->interrupted) {
        subscribe_once(&self);
        if (!self.ended && !session->interrupted)
            rest(&self);
    }
    cli_session_disconnect(session);
    enum cli_exit code = self.ended ? self.code : cli_session_signal_code(session);
    cli_session_unwatch(session);
    weft_free(self.asked);
    return self.ended && code != CLI_EXIT_DONE ? cli_run_fail(run, code, self.error.text) : code;
}
