/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include <errno.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "http.h"
#include "programs/kvc/format/json.h"
#include "services/payload/base64.h"

enum { URL_SIZE = 320, REQUEST_SIZE = 2048, DETAIL_SIZE = 256 };

void kvc_ask_init(struct kvc_ask *ask, const struct cli_run *run)
{
    *ask = (struct kvc_ask){.run = run};
    memcpy(ask->registry.transports, run->session->registry->transports,
           sizeof ask->registry.transports);
    memcpy(ask->registry.filters, run->session->registry->filters, sizeof ask->registry.filters);
    (void)!weft_registry_add_codec(&ask->registry, &kvc_http_codec);
}

static void disconnect(struct kvc_ask *ask)
{
    weft_client_close(ask->client);
    ask->client = NULL;
}

void kvc_ask_fini(struct kvc_ask *ask)
{
    disconnect(ask);
    weft_bytes_fini(&ask->reply);
}

/* --- connecting ------------------------------------------------------------------------------------ */

/* Writes the URL of --admin as a transport has it: http://127.0.0.1:9528/ is what people copy from a browser. */
static const char *url_of(const char *given, char dst[URL_SIZE])
{
    bool plain = strncmp(given, "http://", 7) == 0, tls = strncmp(given, "https://", 8) == 0;
    if (!plain && !tls)
        return given;
    const char *rest = given + (plain ? 7 : 8);
    snprintf(dst, URL_SIZE, "%s%.*s", plain ? "tcp://" : "tls://", (int)strcspn(rest, "/"), rest);
    return dst;
}

static void on_connect(struct weft_client *client, int status, const struct weft_error *error)
{
    struct kvc_ask *ask = weft_client_data(client);
    if (status == 0)
        return;
    weft_error_set(&ask->error, status, "%.400s; kvs serves it with --admin URL", error->text);
    ask->status = status;
    ask->answered = true;
}

static enum cli_exit connect(struct kvc_ask *ask)
{
    const struct kvc_config *config = ask->run->session->config;
    char url[URL_SIZE];
    if (ask->client && weft_client_status(ask->client) < 0)
        disconnect(ask);
    if (ask->client)
        return CLI_EXIT_DONE;
    struct weft_limits limits = config->limits;
    limits.max_message = WEFT_MIB(64);
    const struct weft_client_options options = {
        .registry = &ask->registry,
        .loop = ask->run->session->loop,
        .url = url_of(config->admin, url),
        .codec = "http",
        .limits = limits,
        .connect_timeout = (int64_t)config->timeout,
        .on_connect = on_connect,
        .data = ask,
    };
    int err = weft_client_new(&ask->client, &options, &ask->error);
    if (err < 0)
        return cli_run_fail(ask->run, err == WEFT_ECONFIG ? CLI_EXIT_USAGE : CLI_EXIT_CONNECT,
                            ask->error.text);
    return CLI_EXIT_DONE;
}

/* --- asking ---------------------------------------------------------------------------------------- */

static void on_done(struct weft_call *call, int status, struct weft_view payload, bool last)
{
    struct kvc_ask *ask = weft_container_of(call, struct kvc_ask, call);
    (void)last;
    if (ask->answered)
        return;
    weft_bytes_fini(&ask->reply);
    ask->status = status < 0 ? status : weft_bytes_copy(&ask->reply, payload);
    if (ask->status < 0)
        weft_error_set(&ask->error, ask->status, "%.400s",
                       status < 0 && status != -ETIMEDOUT ? weft_client_trouble(ask->client)
                                                          : weft_strerror(ask->status));
    ask->answered = true;
}

/* Writes the head of a request, with the name and the password of --user. */
static int write_head(const struct kvc_ask *ask, char dst[REQUEST_SIZE], const char *method,
                      const char *path, const char *accept)
{
    const struct cli_session *session = ask->run->session;
    char login[512] = "", pair[CLI_PASSWORD_SIZE + 80];
    if (session->config->user && session->secret) {
        int n = snprintf(pair, sizeof pair, "%.64s:%.*s", session->config->user,
                         (int)session->secret->size, session->secret->text);
        size_t size = (size_t)n < sizeof pair ? (size_t)n : sizeof pair - 1;
        if (weft_base64_size(size) < sizeof login)
            *weft_base64_put((uint8_t *)login, weft_view(pair, size)) = '\0';
        explicit_bzero(pair, sizeof pair);
    }
    return snprintf(dst, REQUEST_SIZE,
                    "%s %s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n%s%s%s"
                    "Content-Length: 0\r\n\r\n",
                    method, path, accept, *login ? "Authorization: Basic " : "", login,
                    *login ? "\r\n" : "");
}

/* Prints what the service says about a request that it has refused. */
static enum cli_exit refuse(struct kvc_ask *ask)
{
    char text[DETAIL_SIZE + 32];
    json_error_t unread;
    json_t *json = json_loadb((const char *)ask->body.data, ask->body.size, 0, &unread);
    const char *detail = json_string_value(json_object_get(json, "detail"));
    snprintf(text, sizeof text, "%u %.*s", ask->code, DETAIL_SIZE,
             detail ? detail : "without a reason");
    json_decref(json);
    return cli_run_fail(ask->run, CLI_EXIT_REFUSED, text);
}

static enum cli_exit send(struct kvc_ask *ask, const char *method, const char *path,
                          const char *accept)
{
    char head[REQUEST_SIZE];
    int size = write_head(ask, head, method, path, accept);
    const struct weft_body_bytes body = weft_body_from_view(weft_view(head, (size_t)size));
    ask->call =
        (struct weft_call){.done = on_done, .timeout = (int64_t)ask->run->session->config->timeout};
    ask->answered = false;
    int err = weft_client_call(ask->client, &ask->call, &body.body, &ask->error);
    explicit_bzero(head, sizeof head);
    return err < 0 ? cli_run_fail(ask->run, CLI_EXIT_PROTOCOL, ask->error.text) : CLI_EXIT_DONE;
}

static enum cli_exit code_of(int status)
{
    switch (status) {
    case -ECONNREFUSED:
    case -ENOENT:
    case -EACCES:
    case -EHOSTUNREACH:
        return CLI_EXIT_CONNECT;
    case -ETIMEDOUT:
        return CLI_EXIT_TIMEOUT;
    default:
        return CLI_EXIT_PROTOCOL;
    }
}

enum cli_exit kvc_ask(struct kvc_ask *ask, const char *method, const char *path, const char *accept)
{
    struct cli_session *session = ask->run->session;
    struct kvc_http_response response;
    enum cli_exit code = connect(ask);
    if (code == CLI_EXIT_DONE)
        code = send(ask, method, path, accept);
    if (code != CLI_EXIT_DONE)
        return code;
    while (!ask->answered && !session->interrupted)
        weft_loop_turn(session->loop);
    if (!ask->answered)
        return cli_session_signal_code(session);
    if (ask->status < 0) {
        disconnect(ask);
        return cli_run_fail(ask->run, code_of(ask->status), ask->error.text);
    }
    if (!kvc_http_read(weft_view(ask->reply.data, ask->reply.size), &response))
        return cli_run_fail(ask->run, CLI_EXIT_PROTOCOL, "the answer is no HTTP");
    ask->code = response.status;
    ask->body = response.body;
    return ask->code == 200 ? CLI_EXIT_DONE : refuse(ask);
}

json_t *kvc_ask_json(struct kvc_ask *ask)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)ask->body.data, ask->body.size, 0, &error);
    if (!json)
        (void)cli_run_fail(ask->run, CLI_EXIT_PROTOCOL, "the answer is no JSON");
    return json;
}
