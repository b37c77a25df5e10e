/* SPDX-License-Identifier: MIT
 *
 * http: an input as bytes of a peer, in a small configuration and in the usual one, and as the body of a
 * request, with its length and in chunks of a size that the input says. */
#include <stdio.h>
#include <stdlib.h>

#include "codecs/codecs.h"
#include "fuzz_codec.h"
#include "lib/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_MAX = 128, BODY_MAX = 4096 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static void feed_in_chunks(struct feed *feed, struct weft_view body, size_t chunk)
{
    while (body.size > 0) {
        char head[32];
        size_t n = body.size < chunk ? body.size : chunk;
        snprintf(head, sizeof head, "%zx\r\n", n);
        feed_bytes(feed, weft_view_str(head));
        feed_bytes(feed, weft_view(body.data, n));
        feed_bytes(feed, weft_view_str("\r\n"));
        body = weft_view_skip(body, n);
    }
    feed_bytes(feed, weft_view_str("0\r\n\r\n"));
}

static void as_body(const struct feed_codec *fc, struct weft_view body, size_t chunk)
{
    char head[HEAD_MAX], length[48];
    snprintf(length, sizeof length, "Content-Length: %zu", body.size);
    snprintf(head, sizeof head, "PUT / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
             chunk > 0 ? "Transfer-Encoding: chunked" : length);
    struct feed feed;
    feed_init(&feed, fc, WEFT_SERVER);
    feed_bytes(&feed, weft_view_str(head));
    if (chunk > 0)
        feed_in_chunks(&feed, body, chunk);
    else
        feed_bytes(&feed, body);
    must(!feed.broken_rule && feed.ended == 0 && feed.count == 1, "one message comes");
    const struct feed_message *message = &feed.messages[0];
    must(message->status == WEFT_MESSAGE_OK && message->size == strlen(head) + body.size &&
             memcmp(message->payload, head, strlen(head)) == 0 &&
             (body.size == 0 || memcmp(message->payload + strlen(head), body.data, body.size) == 0),
         "the payload is the head and the body");
    feed_fini(&feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_codec(&weft_codec_http, "", data, size);
    fuzz_codec(&weft_codec_http, "max-line=128&max-head=256&max-fields=4", data, size);
    if (size < 1 || size > BODY_MAX)
        return 0;
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    must(feed_codec_init(&fc, &weft_codec_http, "", &limits, NULL) == 0, "the configuration");
    as_body(&fc, weft_view(data + 1, size - 1), 0);
    as_body(&fc, weft_view(data + 1, size - 1), 1u + data[0]);
    feed_codec_fini(&fc);
    return 0;
}
