/* SPDX-License-Identifier: MIT
 *
 * A server with a service of one's own: a message is a text, the answer its lines, words and bytes,
 * as wc(1) counts them. Any codec will do, an endpoint each.
 *
 *     cc -std=c17 -o wc_server wc_server.c $(pkg-config --cflags --libs weft weft-codecs)
 *     ./wc_server 'tcp://127.0.0.1:9600?codec=raw' 'unix:/tmp/wc.sock'
 */
#include <ctype.h>
#include <stdio.h>

#include <weft/codecs.h>
#include <weft/serve.h>
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

int main(int argc, char **argv)
{
    const struct weft_plugins plugins = {
        .transports = weft_transports_basic(),
        .codecs = weft_codecs_all(),
        .services = (const struct weft_service *const[]){&wc_service, NULL},
    };
    struct weft_registry registry = {0};
    struct weft_error error;
    int err = weft_registry_add_all(&registry, &plugins, &error);
    if (err == 0)
        err = weft_serve(&registry, argc, argv, &error); /* until SIGTERM or SIGINT */
    if (err != 0)
        fprintf(stderr, "wc_server: %s\n", error.text);
    return err == 0 ? 0 : 1;
}
