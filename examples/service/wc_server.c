/* SPDX-License-Identifier: MIT
 *
 * A server with a service of one's own: a message is a text, the answer its lines, words and bytes,
 * as wc(1) counts them. Any codec will do, an endpoint each.
 *
 *     cc -std=c17 -o wc_server wc_server.c $(pkg-config --cflags --libs weft weft-codecs)
 *     ./wc_server 'tcp://127.0.0.1:9600?codec=raw' 'unix:/tmp/wc.sock'
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <weft/codecs.h>
#include <weft/base/compiler.h>
#include <weft/server.h>
#include <weft/transports.h>

/* --- the service ---------------------------------------------------------------------------- */

struct counts {
    size_t lines, words;
};

static struct counts count(struct weft_view text)
{
    struct counts counts = {0};
    bool in_word = false;
    for (size_t i = 0; i < text.size; i++) {
        const bool space = isspace(text.data[i]);
        counts.lines += text.data[i] == '\n';
        counts.words += !space && !in_word;
        in_word = !space;
    }
    return counts;
}

/* A service that ends each request within call() has nothing to keep and nothing to cancel. */
static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state;
    const struct counts counts = count(request->payload);
    char text[96];
    const int size = snprintf(text, sizeof text, "%zu %zu %zu\n", counts.lines, counts.words,
                              request->payload.size);
    const struct weft_body_bytes body = weft_body_from_view(weft_view(text, (size_t)size));
    /* Taken at once: that an end must wait cannot happen here, see weft_request_end. */
    (void)!weft_request_end(request, &body.body);
}

/* A message that never became a request is answered in the service's own language too. */
static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    (void)loop_state;
    const char *what = rejection->what ? rejection->what : "refused";
    const int size = snprintf((char *)dst, WEFT_REJECT_MAX, "error: %s\n", what);
    return size < WEFT_REJECT_MAX ? (size_t)size : WEFT_REJECT_MAX;
}

static const struct weft_service wc_service = {
    .name = "wc",
    .speaks = "text",
    .call = call,
    .reject = reject,
};

/* --- the program ---------------------------------------------------------------------------- */

struct stopper {
    struct weft_signal signal;
    struct weft_server *server;
};

static void on_signal(struct weft_signal *raised)
{
    weft_server_stop(weft_container_of(raised, struct stopper, signal)->server);
}

static int fill(struct weft_registry *registry)
{
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_unix);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_raw);
    if (err == 0)
        err = weft_registry_add_service(registry, &wc_service, NULL);
    return err;
}

static int serve(struct weft_server *server)
{
    struct stopper stopper = {.server = server};
    const char *address;
    for (size_t i = 0; (address = weft_server_listening(server, i)) != NULL; i++)
        printf("listening %s\n", address);
    fflush(stdout);

    /* SIGTERM drains: what was asked is answered, then run returns. */
    weft_signal_start(&stopper.signal, weft_server_loop(server), SIGTERM, on_signal);
    const int err = weft_server_run(server);
    weft_signal_stop(&stopper.signal);
    return err;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: wc_server URL...\n");
        return 2;
    }
    const struct weft_log log = {.level = WEFT_LOG_WARN, .fd = STDERR_FILENO};
    struct weft_registry registry = {0};
    const struct weft_server_options options = {
        .registry = &registry,
        .urls = (const char *const *)(argv + 1),
        .url_count = (size_t)argc - 1,
        .codec = "length-delimited-gzip",
        .service = "wc",
        .limits = weft_limits_default(),
        .threads = 2,
        .log = &log,
    };
    struct weft_server *server = NULL;
    struct weft_error error = {0};
    int err = fill(&registry);
    if (err == 0)
        err = weft_server_new(&server, &options, &error);
    if (err == 0)
        err = weft_server_listen(server, &error);
    if (err < 0)
        fprintf(stderr, "wc_server: %s\n", *error.text ? error.text : weft_strerror(err));
    else
        err = serve(server);
    weft_server_free(server);
    return err == 0 ? 0 : 1;
}
