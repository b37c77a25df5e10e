/* SPDX-License-Identifier: MIT
 *
 * A codec of one's own (lines.c) in a server: each line comes back in capitals.
 *
 *     cc -std=c17 -o line_server line_server.c lines.c $(pkg-config --cflags --libs weft)
 *     ./line_server tcp://127.0.0.1:9601 &
 *     printf 'hello\nworld\n' | nc -N 127.0.0.1 9601
 */
#include <ctype.h>
#include <stdio.h>

#include <weft/serve.h>
#include <weft/transports.h>

#include "lines.h"

/* An answer described rather than stored: the codec says where it goes, and it is written there. */
struct capitals {
    struct weft_body body;
    struct weft_view text;
};

static void write_capitals(const struct weft_body *body, uint8_t *dst)
{
    const struct capitals *capitals = (const struct capitals *)body; /* its first member */
    for (size_t i = 0; i < capitals->text.size; i++)
        dst[i] = (uint8_t)toupper(capitals->text.data[i]);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state;
    const struct capitals answer = {
        .body = {.size = request->payload.size, .write = write_capitals},
        .text = request->payload,
    };
    (void)!weft_request_end(request, &answer.body);
}

static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    (void)loop_state;
    const bool too_big = rejection->cause == WEFT_REJECT_TOO_BIG;
    const struct weft_view words = weft_view_str(too_big ? "(that line is too long)" : "(sorry)");
    memcpy(dst, words.data, words.size);
    return words.size;
}

static const struct weft_service capitals_service = {
    .name = "capitals",
    .speaks = "line",
    .call = call,
    .reject = reject,
};

int main(int argc, char **argv)
{
    const struct weft_plugins plugins = {
        .transports = weft_transports_basic(),
        .codecs = (const struct weft_codec *const[]){&codec_lines, NULL},
        .services = (const struct weft_service *const[]){&capitals_service, NULL},
    };
    struct weft_registry registry = {0};
    struct weft_server_options options = {
        .registry = &registry,
        .urls = (const char *const *)(argv + 1),
        .url_count = argc > 1 ? (size_t)argc - 1 : 0,
        .codec = "lines",
        .service = "capitals",
        .limits = weft_limits_default(),
        .threads = 1,
    };
    options.limits.max_frame = 4096; /* much for a line */

    struct weft_error error;
    int err = weft_registry_add_all(&registry, &plugins, &error);
    if (err == 0)
        err = weft_serve_with(&options, &error);
    if (err != 0)
        fprintf(stderr, "line_server: %s\n", error.text);
    return err == 0 ? 0 : 1;
}
