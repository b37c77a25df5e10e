/* SPDX-License-Identifier: MIT
 *
 * The contract of core/codec.h as tests that every codec joins with one line:
 *
 *     int main(void)
 *     {
 *         return weft_codec_suite_run(&(struct weft_codec_suite){.codec = &weft_codec_raw});
 *     }
 */
#ifndef WEFT_CODEC_SUITE_H
#define WEFT_CODEC_SUITE_H

#include <stdbool.h>

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A frame that is bad by itself: what comes after it must come out unharmed. */
struct weft_codec_suite_frame {
    const char *name;
    const void *data;
    size_t size;
    enum weft_message_status status;
};

/* A peer of a codec of streams, as bytes: it makes requests and reads answers. Each is one connection. Its memory is not
 * weft_malloc's. Views are valid until its next call. */
struct weft_codec_suite_peer {
    /* Makes one. shut: it lets answers come only as `open` says; otherwise nothing holds them up. */
    void *(*make)(bool shut);
    void (*drop)(void *peer);

    /* Begins a request, and returns the number that decode gives it. */
    uint32_t (*begin)(void *peer);
    void (*say)(void *peer, uint32_t stream, struct weft_view message);
    /* Ends the request, which has had its last message. */
    void (*end)(void *peer, uint32_t stream);
    void (*reset)(void *peer, uint32_t stream);
    /* Lets so many bytes more of the stream's answer come. */
    void (*open)(void *peer, uint32_t stream, size_t size);
    /* Takes the bytes that it sends: all that it may. */
    struct weft_view (*take)(void *peer);
    void (*hear)(void *peer, struct weft_view bytes);

    /* These tell what it has heard: the i-th message of an answer (false: there is none), if the answer has ended, and
     * how often the server has said goodbye. */
    bool (*message)(void *peer, uint32_t stream, size_t i, struct weft_view *message);
    bool (*ended)(void *peer, uint32_t stream);
    unsigned (*goodbyes)(void *peer);
    /* Returns how many bytes of a request it may not send yet. */
    size_t (*held)(void *peer, uint32_t stream);
};

struct weft_codec_suite {
    const struct weft_codec *codec;
    const char *query; /* options as in a URL ("threshold=0&level=9"); NULL: none */
    const struct weft_codec_suite_frame *bad; /* for max_frame = 8 KiB; NULL: none */
    size_t bad_count;
    bool text;        /* it carries printable text alone: nothing else is tried */
    bool delimited;   /* a frame ends at a mark, and no header announces its length */
    bool ends_at_eof; /* the end of the stream ends a frame as well as its mark does */
    /* NULL: any bytes are a message. Otherwise makes one that the codec carries, out of `size` bytes of
     * content. It has exactly `size` bytes too, or as many as the shortest one has, if that is more. Writes it
     * to dst, unless that is NULL, and returns its size. */
    size_t (*message)(const uint8_t *content, size_t size, uint8_t *dst);

    /* For a codec whose requests look different from its replies. wrap writes the request that brings
     * `message` and returns its size; dst NULL: it measures. unwrap returns the part of a payload that is the
     * message. encode must then leave a message as it is. NULL: encode makes requests too, and the payload is
     * the message. */
    size_t (*wrap)(struct weft_view message, uint8_t *dst);
    struct weft_view (*unwrap)(struct weft_view payload);
    size_t header; /* the most bytes before the message in a request; 0: 16 */

    const struct weft_codec_suite_peer *peer; /* for weft_codec_suite_run_streams */
};

/* Runs all of them, a cmocka group a topic, on the main thread; returns how many failed. */
int weft_codec_suite_run(const struct weft_codec_suite *suite);
/* Runs those of a codec of streams, which may take the place of the others: codec, query and peer are enough. */
int weft_codec_suite_run_streams(const struct weft_codec_suite *suite);

#ifdef __cplusplus
}
#endif

#endif
