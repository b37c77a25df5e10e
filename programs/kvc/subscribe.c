/* SPDX-License-Identifier: MIT */
#include "subscribe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "format/json.h"
#include "format/value.h"
#include "services/kv/client_topics.h"
#include "stay.h"

struct subscribing;

struct asked {
    struct weft_kv_call call;
    struct subscribing *self;
};

struct subscribing {
    struct cli_stay stay;
    char *const *topics;
    size_t topic_count;
    struct asked *asked; /* one per topic */
    size_t answered;     /* of them, on this connection */
};

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
    if (message->number > 0)
        fprintf(run->err, ": %" PRIu64 " messages were lost\n", message->number);
    else
        fputs(": messages may be missing, because the server's store was away\n", run->err);
}

static void on_message(void *arg, const struct weft_kv_reply *message)
{
    struct subscribing *self = arg;
    struct cli_stay *stay = &self->stay;
    if (stay->ended || stay->lost)
        return;
    if (!message) {
        cli_stay_end(stay, CLI_EXIT_PROTOCOL, -ENOMEM, weft_strerror(-ENOMEM));
        return;
    }
    if (message->status == 200)
        cli_stay_hear(stay);
    else if (message->status == 410 || message->number > 0)
        print_lost(stay->run, message);
    for (size_t i = 0; message->status == 200 && i < message->value_count && !stay->ended; i++) {
        print(stay->run, message->topic, &message->values[i]);
        cli_stay_count(stay);
    }
    /* A server that shuts down may come back; a user who is refused may not. */
    if (message->status == 503)
        cli_stay_lose(stay, -ECONNRESET, message->message);
    else if (message->status != 200 && message->status != 410)
        cli_stay_refuse(stay, message, "");
    cli_stay_flush(stay);
}

static bool on_push(struct cli_session *session, struct weft_view payload)
{
    return weft_kv_client_take_push(&session->client, payload, on_message, session->push_data);
}

/* Says once that all subscriptions have begun; what came while the connection was lost is missed. */
static void note_begin(struct subscribing *self)
{
    struct cli_stay *stay = &self->stay;
    const struct cli_run *run = stay->run;
    if (stay->ever_began)
        fprintf(run->err, "kvc: connected again; messages may have been missed\n");
    else if (run->format == CLI_JSON)
        fprintf(run->out, "{\"subscribed\": %zu}\n", self->topic_count);
    else
        fprintf(run->err, "kvc: subscribed to %zu %s%s\n", self->topic_count,
                stay->session->config->pattern ? "pattern" : "topic",
                self->topic_count == 1 ? "" : "s");
    cli_stay_begin(stay);
    cli_stay_flush(stay);
}

static void on_answer(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct subscribing *self = weft_container_of(call, struct asked, call)->self;
    if (status < 0)
        cli_stay_fail(&self->stay, status, call->why);
    else if (reply->status != 200)
        cli_stay_refuse(&self->stay, reply, "");
    else if (++self->answered == self->topic_count)
        note_begin(self);
}

static int ask(struct cli_stay *stay, struct weft_error *error)
{
    struct subscribing *self = weft_container_of(stay, struct subscribing, stay);
    struct cli_session *session = stay->session;
    self->answered = 0;
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

enum cli_exit cli_subscribe(const struct cli_run *run, char *const *topics, size_t count)
{
    struct cli_session *session = run->session;
    struct subscribing self = {
        .stay = {.run = run,
                 .session = session,
                 .ask = ask,
                 .nothing_came = "no message came in time"},
        .topics = topics,
        .topic_count = count,
        .asked = weft_calloc(count, sizeof *self.asked),
    };
    if (!self.asked)
        return cli_run_fail(run, CLI_EXIT_CONNECT, weft_strerror(-ENOMEM));
    session->on_push = on_push;
    session->push_data = &self;
    enum cli_exit code = cli_stay(&self.stay);
    weft_free(self.asked);
    return self.stay.ended && code != CLI_EXIT_DONE ? cli_run_fail(run, code, self.stay.error.text)
                                                    : code;
}
