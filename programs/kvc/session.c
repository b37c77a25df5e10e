/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/base/compiler.h"
#include "programs/lib/exposure.h"
#include "signals.h"

enum { FD_LIMIT = 1024 };

enum cli_exit cli_session_init(struct cli_session *session, const struct kvc_config *config,
                               struct weft_registry *registry, struct weft_error *error)
{
    *session = (struct cli_session){.config = config, .registry = registry};
    int status = weft_loop_new(&session->loop, FD_LIMIT);
    if (status == 0)
        return CLI_EXIT_DONE;
    weft_error_set(error, status, "no event loop: %s", weft_strerror(status));
    return CLI_EXIT_CONNECT;
}

void cli_session_fini(struct cli_session *session)
{
    cli_session_disconnect(session);
    cli_session_unwatch(session);
    weft_loop_free(session->loop);
    *session = (struct cli_session){0};
}

int cli_session_address_length(const struct cli_session *session)
{
    return (int)strcspn(session->config->server, "?");
}

/* Returns the length of the URL's scheme if that has a filter over the transport, as tls and ws; else 0. */
static int filtered_scheme_length(const char *url)
{
    int length = (int)strcspn(url, ":");
    bool is_plain = (length == 3 && strncmp(url, "tcp", 3) == 0) ||
                    (length == 4 && strncmp(url, "unix", 4) == 0);
    return is_plain ? 0 : length;
}

/* Adds what its user can do about a connection that cannot be made. */
static void advise(const struct cli_session *session, struct weft_error *error)
{
    char words[sizeof error->text];
    const char *url = session->config->server;
    int length = cli_session_address_length(session);
    memcpy(words, error->text, sizeof words);
    switch (error->code) {
    case -ECONNREFUSED:
    case -ENOENT:
        weft_error_set(error, error->code, "%s Start one with: kvs --listen %.*s%s", words, length,
                       url, cli_is_remote(url) ? " --allow-remote" : "");
        break;
    case -EACCES:
        weft_error_set(error, error->code, "%s; only the user that runs kvs may use its socket",
                       words);
        break;
    case -ECONNRESET: /* within the handshake */
        if (filtered_scheme_length(url) > 0)
            weft_error_set(error, error->code, "%s; does the server there speak %.*s?", words,
                           filtered_scheme_length(url), url);
        break;
    case -ETIMEDOUT:
        weft_error_set(error, error->code, "%s; --timeout SECONDS waits longer", words);
        break;
    }
}

static void on_connect(struct weft_client *connection, int status, const struct weft_error *error)
{
    struct cli_session *session = weft_client_data(connection);
    session->connected = status == 0;
    session->connected_at = weft_loop_refresh(session->loop);
    if (status == 0)
        return;
    session->code = CLI_EXIT_CONNECT;
    session->error = *error;
    advise(session, &session->error);
}

static void on_room(struct weft_client *connection)
{
    struct cli_session *session = weft_client_data(connection);
    session->has_room = true;
    if (session->wake)
        weft_loop_defer(session->loop, session->wake);
}

static bool on_push(struct weft_client *connection, struct weft_view payload)
{
    struct cli_session *session = weft_client_data(connection);
    return session->on_push(session, payload);
}

static const char *login_advice(uint32_t status)
{
    return status == 400 || status == 501 ? "; leave out --user" : "";
}

/* Without the login each call would be refused by itself, so the connection ends here. */
static void on_login(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct cli_session *session = weft_container_of(call, struct cli_session, login);
    struct weft_client *connection = session->connection;
    if (status < 0 || reply->status == 200)
        return;
    session->code = CLI_EXIT_REFUSED;
    weft_error_set(&session->error, -EACCES,
                   "cannot log in as %.64s with the password from %.128s: "
                   "%u %.*s%s",
                   session->config->user, session->secret->source, reply->status,
                   (int)(reply->message.size < 128 ? reply->message.size : 128),
                   (const char *)reply->message.data, login_advice(reply->status));
    session->connection = NULL;
    session->connected = false;
    on_room(connection);
    weft_client_close(connection);
}

static bool has_secret(const struct cli_session *session)
{
    return session->secret && session->secret->size > 0;
}

static int send_login(struct cli_session *session, struct weft_error *error)
{
    const struct kvc_secret *secret = session->secret;
    session->login =
        (struct weft_kv_call){.done = on_login, .timeout = (int64_t)session->config->timeout};
    return weft_kv_client_login(&session->client, &session->login,
                                weft_view_str(session->config->user),
                                weft_view(secret->text, secret->size), error);
}

static enum cli_exit log_in(struct cli_session *session, struct weft_error *error)
{
    if (!has_secret(session))
        return CLI_EXIT_DONE;
    int err = send_login(session, error);
    if (err == 0)
        return CLI_EXIT_DONE;
    cli_session_disconnect(session);
    return CLI_EXIT_USAGE;
}

enum cli_exit cli_session_connect(struct cli_session *session, struct weft_error *error)
{
    if (session->connection)
        weft_client_look(session->connection);
    if (session->connection && weft_client_ended_idle(session->connection))
        cli_session_disconnect(session);
    if (session->connection)
        return CLI_EXIT_DONE;
    const struct kvc_config *config = session->config;
    const struct weft_client_options options = {
        .registry = session->registry,
        .loop = session->loop,
        .url = config->server,
        .codec = config->codec,
        .codec_is_explicit = config->codec_is_explicit,
        .limits = config->limits,
        .connect_timeout = (int64_t)config->timeout,
        .room_timeout = (int64_t)config->timeout,
        .on_connect = on_connect,
        .on_room = on_room,
        .on_push = session->on_push ? on_push : NULL,
        .data = session,
    };
    session->code = CLI_EXIT_DONE;
    session->connected = false;
    char text[512], seconds[WEFT_UNITS_TEXT];
    snprintf(text, sizeof text,
             "kvc: cannot resolve %.*s within %s s; --timeout SECONDS waits longer\n",
             cli_session_address_length(session), config->server,
             weft_format_seconds(config->timeout, seconds));
    cli_alarm_start((int64_t)config->timeout, text, CLI_EXIT_CONNECT);
    int err = weft_client_new(&session->connection, &options, error);
    cli_alarm_stop();
    if (err == WEFT_ECONFIG)
        return CLI_EXIT_USAGE;
    if (err < 0) {
        advise(session, error);
        return CLI_EXIT_CONNECT;
    }
    weft_kv_client_fini(&session->client);
    weft_kv_client_init(&session->client, session->connection, (size_t)config->limits.decode_bytes);
    return log_in(session, error);
}

void cli_session_disconnect(struct cli_session *session)
{
    weft_client_close(session->connection);
    weft_kv_client_fini(&session->client);
    session->connection = NULL;
    session->connected = false;
}

static void do_nothing(struct weft_deferred *deferred)
{
    (void)deferred;
}

/* Runs a turn of the loop that does not wait: something is deferred to it. */
static void turn_once(struct cli_session *session)
{
    struct weft_deferred look = {.run = do_nothing};
    weft_loop_defer(session->loop, &look);
    weft_loop_turn(session->loop);
}

bool cli_session_has_ended(struct cli_session *session, struct weft_error *error)
{
    if (!session->connection)
        return false;
    turn_once(session);
    const char *trouble = weft_client_trouble(session->connection);
    if (*trouble == '\0')
        return false;
    weft_error_set(error, -ECONNRESET, "%s", trouble);
    cli_session_disconnect(session);
    return true;
}

static void on_signal(struct weft_signal *signal)
{
    struct cli_watch *watch = weft_container_of(signal, struct cli_watch, signal);
    struct cli_session *session = watch->session;
    if (!session->interrupted)
        session->signal = watch->number;
    session->interrupted = true;
}

/* libev restarts system calls after its signals; without that, a write that a slow reader blocks would
 * go on waiting. */
static void interrupt_calls(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) < 0)
        return;
    action.sa_flags &= ~SA_RESTART;
    sigaction(number, &action, NULL);
}

static void watch_signal(struct cli_session *session, int number)
{
    struct cli_watch *watch = &session->watches[session->watch_count++];
    *watch = (struct cli_watch){.session = session, .number = number};
    weft_signal_start(&watch->signal, session->loop, number, on_signal);
    interrupt_calls(number);
}

void cli_session_watch(struct cli_session *session)
{
    session->interrupted = false;
    watch_signal(session, SIGINT);
}

void cli_session_watch_all(struct cli_session *session)
{
    session->interrupted = false;
    for (size_t i = 0; i < CLI_ENDINGS; i++)
        watch_signal(session, cli_endings[i]);
}

void cli_session_unwatch(struct cli_session *session)
{
    while (session->watch_count > 0) {
        struct cli_watch *watch = &session->watches[--session->watch_count];
        weft_signal_stop(&watch->signal);
        cli_signals_restore(watch->number);
    }
}

bool cli_session_is_interrupted(struct cli_session *session)
{
    turn_once(session);
    return session->interrupted;
}

enum cli_exit cli_session_signal_code(const struct cli_session *session)
{
    return (enum cli_exit)(128 + session->signal);
}

enum cli_exit cli_session_explain(const struct cli_session *session,
                                  const struct weft_kv_call *call, int status, bool writes,
                                  struct weft_error *error)
{
    if (session->code != CLI_EXIT_DONE) {
        *error = session->error;
        return session->code;
    }
    const char *why = call->why ? call->why : weft_client_trouble(session->connection);
    weft_error_set(error, status, "%s%s%s%s", call->why ? "the reply is malformed: " : "",
                   *why ? why : weft_strerror(status),
                   status == -ETIMEDOUT ? "; --timeout SECONDS waits longer" : "",
                   writes && call->call.sent ? "; the command may have taken effect" : "");
    return status == -ETIMEDOUT ? CLI_EXIT_TIMEOUT : CLI_EXIT_PROTOCOL;
}

static void on_reply(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply);

static int try_to_send(struct cli_session *session, struct cli_exchange *exchange,
                       struct weft_error *error)
{
    exchange->call =
        (struct weft_kv_call){.done = on_reply, .timeout = (int64_t)session->config->timeout};
    session->has_room = false;
    return weft_kv_client_send(&session->client, &exchange->call, &exchange->request, error);
}

/* Connects and sends. The answer to the command before may have come before all of that command had
 * left: then there may be no room yet, and we wait for it. */
static enum cli_exit send_request(struct cli_session *session, struct cli_exchange *exchange,
                                  struct weft_error *error)
{
    int err = -EAGAIN;
    while (err == -EAGAIN && !session->interrupted) {
        enum cli_exit code = cli_session_connect(session, error);
        if (code != CLI_EXIT_DONE)
            return code;
        err = try_to_send(session, exchange, error);
        while (err == -EAGAIN && !session->has_room && !session->interrupted)
            weft_loop_turn(session->loop);
    }
    if (err == -ENOTCONN)
        return cli_session_explain(session, &exchange->call,
                                   weft_client_status(session->connection), false, error);
    return err < 0 && err != -EAGAIN ? CLI_EXIT_USAGE : CLI_EXIT_DONE;
}

/* A server from before hscan. It could not filter either. */
static bool lacks_hscan(const struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    const struct weft_kv_request *request = &exchange->request;
    bool filters = request->prefix.size > 0 || request->match.size > 0 || request->keys_only;
    return request->op == WEFT_KV_HSCAN && !filters &&
           (reply->status == 400 || reply->status == 501);
}

/* A page with a filter shows nothing if nothing in that part of the table fits. Sets up the request for the
 * page behind it. */
static bool passes_over(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    enum weft_kv_op op = exchange->request.op;
    if ((op != WEFT_KV_HSCAN && op != WEFT_KV_TABLES) || reply->status != 200 ||
        reply->pair_count + reply->table_count > 0 || reply->cursor.size == 0 ||
        reply->cursor.size > sizeof exchange->cursor)
        return false;
    memcpy(exchange->cursor, reply->cursor.data, reply->cursor.size);
    exchange->request.cursor = weft_view(exchange->cursor, reply->cursor.size);
    return true;
}

/* The server has read its users anew since the login. It does nothing for whom it does not know, so the request can go
 * out again, behind another login. */
static bool logs_in_again(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    struct cli_session *session = exchange->session;
    if (reply->status != 401 || exchange->is_repeated || !has_secret(session))
        return false;
    exchange->is_repeated = true;
    return send_login(session, &exchange->error) == 0 &&
           try_to_send(session, exchange, &exchange->error) == 0;
}

static void on_reply(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct cli_exchange *exchange = weft_container_of(call, struct cli_exchange, call);
    struct cli_session *session = exchange->session;
    if (exchange->began == 0)
        exchange->began = session->connected_at;
    if (status < 0) {
        exchange->code =
            cli_session_explain(session, call, status, exchange->writes, &exchange->error);
    } else if (logs_in_again(exchange, reply)) {
        return;
    } else if (lacks_hscan(exchange, reply)) {
        exchange->request.op = WEFT_KV_HGETALL;
        exchange->code = CLI_EXIT_USAGE;
        if (try_to_send(session, exchange, &exchange->error) == 0)
            return;
    } else if (passes_over(exchange, reply)) {
        exchange->code = CLI_EXIT_USAGE;
        if (try_to_send(session, exchange, &exchange->error) == 0)
            return;
    } else {
        exchange->code = exchange->answered(exchange, reply);
    }
    exchange->done = true;
}

enum cli_exit cli_session_exchange(struct cli_session *session, struct cli_exchange *exchange,
                                   struct weft_error *error)
{
    exchange->session = session;
    exchange->done = false;
    exchange->error.text[0] = '\0';
    exchange->began = session->connected ? weft_loop_refresh(session->loop) : 0;
    enum cli_exit code = send_request(session, exchange, error);
    if (code != CLI_EXIT_DONE)
        return code;
    while (!exchange->done && !session->interrupted)
        weft_loop_turn(session->loop);
    if (exchange->done) {
        *error = exchange->error;
        return exchange->code;
    }
    bool sent = exchange->call.call.sent;
    cli_session_disconnect(session);
    weft_error_set(error, -EINTR, "cancelled%s",
                   sent && exchange->writes ? "; the command may have taken effect" : "");
    return cli_session_signal_code(session);
}
