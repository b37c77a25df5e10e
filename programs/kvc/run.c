/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <unistd.h>

#include "core/base/compiler.h"
#include "format/json.h"
#include "format/output.h"
#include "format/pretty.h"
#include "programs/lib/output.h"

struct running {
    const struct cli_run *run;
    const struct cli_invocation *invocation;
    struct cli_exchange exchange;
};

int cli_run_check(const struct cli_run *run, const struct cli_command *command,
                  struct weft_error *error)
{
    if (run->format != CLI_RAW || cli_command_is_single(command))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG,
                          "--raw: %s answers more or less than one value; --json tells them apart",
                          command->name);
}

enum cli_exit cli_run_fail(const struct cli_run *run, enum cli_exit code, const char *text)
{
    if (run->format == CLI_JSON)
        cli_json_print_error(run->out, (int)code, weft_view_str(text), 0);
    else
        fprintf(run->err, "kvc: %s\n", text);
    return code;
}

static void print_status(const struct cli_run *run, const struct cli_command *command,
                         const struct weft_kv_reply *reply)
{
    const char *advice = cli_reply_advice(command, reply);
    fprintf(run->err, "kvc: %u ", reply->status);
    cli_text_print(run->err, reply->message, isatty(fileno(run->err)));
    cli_reply_print_unmet(run->err, reply);
    fprintf(run->err, "%s%s\n", advice ? "; " : "", advice ? advice : "");
}

static void print_pong(const struct running *running)
{
    const struct cli_session *session = running->run->session;
    FILE *out = running->run->out;
    int64_t now = weft_loop_refresh(session->loop);
    double milliseconds = (double)(now - running->exchange.began) / 1e6;
    int length = cli_session_address_length(session);
    if (running->run->format == CLI_TEXT) {
        fprintf(out, "pong from %.*s in %.2f ms\n", length, session->config->server, milliseconds);
        return;
    }
    fputs("{\"status\": 200, \"server\": ", out);
    cli_json_print_string(out, weft_view(session->config->server, (size_t)length));
    fprintf(out, ", \"milliseconds\": %.3f}\n", milliseconds);
}

static int print_text(const struct running *running, const struct weft_kv_reply *reply)
{
    const struct cli_run *run = running->run;
    const struct cli_command *command = running->invocation->command;
    int err;
    if (running->exchange.request.keys_only)
        err = cli_reply_print_keys(run->out, reply);
    else
        err = run->pretty ? cli_pretty_print(run->out, command, reply, run->colours)
                          : cli_reply_print(run->out, command, reply, isatty(fileno(run->out)));
    if (err == 0)
        cli_reply_print_cursor(run->err, command, reply);
    return err;
}

static int print_answer(const struct running *running, const struct weft_kv_reply *reply)
{
    const struct cli_run *run = running->run;
    const struct cli_command *command = running->invocation->command;
    int err = 0;
    if (command->shape == CLI_NOTHING)
        print_pong(running);
    else if (run->format == CLI_JSON)
        err = cli_json_print_reply(run->out, command, reply, 0);
    else if (run->format == CLI_RAW)
        cli_reply_print_raw(run->out, reply);
    else
        err = print_text(running, reply);
    int flushed = cli_flush(run->out);
    return err < 0 ? err : flushed;
}

static enum cli_exit on_answer(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    const struct running *running = weft_container_of(exchange, struct running, exchange);
    const struct cli_run *run = running->run;
    if (reply->status != 200) {
        const struct cli_command *command = running->invocation->command;
        if (run->format != CLI_JSON || cli_json_print_reply(run->out, command, reply, 0) < 0)
            print_status(run, command, reply);
        return CLI_EXIT_REFUSED;
    }
    if (cli_reply_check(&exchange->request, reply, &exchange->error) < 0)
        return CLI_EXIT_PROTOCOL;
    int err = print_answer(running, reply);
    if (err == 0)
        return CLI_EXIT_DONE;
    weft_error_set(&exchange->error, err, "cannot print the answer: %s", weft_strerror(err));
    return CLI_EXIT_REFUSED;
}

/* The reply to hgetall was larger than this client takes. */
static bool is_too_big(const struct running *running, const struct weft_error *error)
{
    return error->code == WEFT_ETOOBIG && running->invocation->command->shape == CLI_TABLE;
}

enum cli_exit cli_run_invocation(const struct cli_run *run, const struct cli_invocation *invocation)
{
    struct weft_error error = {0};
    char warning[CLI_WARNING_TEXT];
    if (cli_invocation_warn(invocation, warning))
        fprintf(run->err, "kvc: %s\n", warning);
    struct running running = {
        .run = run,
        .invocation = invocation,
        .exchange = {.request = invocation->request,
                     .writes = invocation->command->writes,
                     .answered = on_answer},
    };
    enum cli_exit code = cli_session_exchange(run->session, &running.exchange, &error);
    if (code == CLI_EXIT_DONE || error.text[0] == '\0')
        return code;
    char text[sizeof error.text + 128];
    bool advised = is_too_big(&running, &error);
    snprintf(text, sizeof text, "%s%s", error.text, advised ? "; " CLI_TABLE_ADVICE : "");
    return cli_run_fail(run, code, text);
}
