/* SPDX-License-Identifier: MIT */
#include "stay.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/compiler.h"
#include "programs/lib/output.h"

/* How long to wait before another attempt to connect, in nanoseconds. */
static const int64_t pause_first = 100 * 1000 * 1000, pause_most = 5000 * INT64_C(1000000);

enum { TEXT_MOST = 300 };

void cli_stay_end(struct cli_stay *stay, enum cli_exit code, int err, const char *text)
{
    if (stay->ended)
        return;
    stay->ended = true;
    stay->code = code;
    weft_error_set(&stay->error, err, "%s", text);
}

void cli_stay_lose(struct cli_stay *stay, int err, struct weft_view text)
{
    stay->lost = true;
    weft_error_set(&stay->error, err, "%.*s", (int)(text.size < TEXT_MOST ? text.size : TEXT_MOST),
                   (const char *)text.data);
}

void cli_stay_fail(struct cli_stay *stay, int status, const char *why)
{
    struct cli_session *session = stay->session;
    bool connects = session->code != CLI_EXIT_DONE;
    if (status == -ECANCELED && !connects)
        return;
    const char *text = connects ? session->error.text
                       : why    ? why
                                : weft_client_trouble(session->connection);
    cli_stay_lose(stay, status, weft_view_str(text));
    /* Only who was once connected waits for the server to come back. */
    if (!stay->ever_began || why || session->code == CLI_EXIT_REFUSED)
        cli_stay_end(stay, connects ? session->code : CLI_EXIT_PROTOCOL, status, text);
}

void cli_stay_refuse(struct cli_stay *stay, const struct weft_kv_reply *reply, const char *hint)
{
    char text[TEXT_MOST + 150];
    size_t size = reply->message.size < TEXT_MOST ? reply->message.size : TEXT_MOST;
    snprintf(text, sizeof text, "%" PRIu32 " %.*s%s", reply->status, (int)size,
             (const char *)reply->message.data, hint);
    cli_stay_end(stay, CLI_EXIT_REFUSED, -EPROTO, text);
}

void cli_stay_hear(struct cli_stay *stay)
{
    const struct kvc_config *config = stay->session->config;
    if (config->timeout_is_explicit)
        weft_loop_after(stay->session->loop, &stay->timer, (int64_t)config->timeout);
    else
        weft_timer_stop(&stay->timer);
}

void cli_stay_begin(struct cli_stay *stay)
{
    stay->began = stay->ever_began = true;
    stay->pause = pause_first;
    cli_stay_hear(stay);
}

void cli_stay_count(struct cli_stay *stay)
{
    if (++stay->count == stay->session->config->count)
        cli_stay_end(stay, CLI_EXIT_DONE, 0, "");
}

void cli_stay_flush(struct cli_stay *stay)
{
    int err = cli_flush(stay->run->out);
    if (err < 0)
        cli_stay_end(stay, CLI_EXIT_REFUSED, err, weft_strerror(err));
}

static void on_timer(struct weft_timer *timer)
{
    weft_container_of(timer, struct cli_stay, timer)->fired = true;
}

/* A connection on which nothing is asked any more has no call that would fail with it. */
static bool is_lost(struct cli_stay *stay)
{
    struct weft_client *connection = stay->session->connection;
    if (!stay->lost && connection && weft_client_status(connection) < 0)
        cli_stay_lose(stay, weft_client_status(connection),
                      weft_view_str(weft_client_trouble(connection)));
    return stay->lost;
}

/* Has turns until something happens, or for so long. */
static void wait_for(struct cli_stay *stay, int64_t wait)
{
    weft_loop_after(stay->session->loop, &stay->timer, wait);
    while (!stay->ended && !is_lost(stay) && !stay->fired && !stay->session->interrupted)
        weft_loop_turn(stay->session->loop);
    weft_timer_stop(&stay->timer);
}

/* Connects, and stays until that ends. */
static void stay_once(struct cli_stay *stay)
{
    struct weft_error error;
    enum cli_exit code = cli_session_connect(stay->session, &error);
    stay->began = stay->lost = stay->fired = false;
    if (code == CLI_EXIT_DONE && stay->ask(stay, &error) < 0)
        code = CLI_EXIT_USAGE;
    if (code != CLI_EXIT_DONE) {
        cli_stay_lose(stay, error.code, weft_view_str(error.text));
        if (!stay->ever_began || code == CLI_EXIT_USAGE)
            cli_stay_end(stay, code, error.code, error.text);
        return;
    }
    wait_for(stay, (int64_t)stay->session->config->timeout);
    if (stay->fired && !stay->ended)
        cli_stay_end(stay, CLI_EXIT_TIMEOUT, -ETIMEDOUT,
                     stay->began ? stay->nothing_came : "no answer in time");
}

static void rest(struct cli_stay *stay)
{
    cli_session_disconnect(stay->session);
    if (stay->began)
        fprintf(stay->run->err, "kvc: %s; connecting again\n", stay->error.text);
    stay->lost = stay->fired = false;
    wait_for(stay, stay->pause);
    stay->fired = false;
    stay->pause = 2 * stay->pause < pause_most ? 2 * stay->pause : pause_most;
}

enum cli_exit cli_stay(struct cli_stay *stay)
{
    struct cli_session *session = stay->session;
    stay->timer.fire = on_timer;
    stay->pause = pause_first;
    cli_session_watch_all(session);
    while (!stay->ended && !session->interrupted) {
        stay_once(stay);
        if (!stay->ended && !session->interrupted)
            rest(stay);
    }
    cli_session_disconnect(session);
    enum cli_exit code = stay->ended ? stay->code : cli_session_signal_code(session);
    cli_session_unwatch(session);
    return code;
}
