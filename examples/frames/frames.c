/* SPDX-License-Identifier: MIT
 *
 * A codec without an event loop: lines of standard input become frames on standard output, or
 * frames lines again. Nothing but the codec library is linked.
 *
 *     cc -std=c17 -o frames frames.c $(pkg-config --cflags --libs weft-codecs)
 *     ./frames encode length-delimited-gzip < text | ./frames decode length-delimited-gzip
 */
#define _POSIX_C_SOURCE 200809L /* getline */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/base/buf.h>
#include <weft/codecs.h>

enum { CHUNK = 65536 };

static const struct weft_codec *find(const char *name)
{
    if (strcmp(name, weft_codec_raw.name) == 0)
        return &weft_codec_raw;
    if (strcmp(name, weft_codec_length_delimited_gzip.name) == 0)
        return &weft_codec_length_delimited_gzip;
    return NULL;
}

/* --- the three states, which the user of a codec allocates ----------------------------------- */

struct states {
    void *config;
    struct weft_codec_state of;
};

/* A codec never looks at a state of 0 bytes. One byte is allocated all the same, so that NULL means no
 * memory. */
static void *zeroed(size_t size)
{
    return calloc(1, size > 0 ? size : 1);
}

static void states_free(struct states *states)
{
    free(states->of.conn);
    free(states->of.loop);
    free(states->config);
}

/* On failure nothing is held. */
static int states_init(struct states *states, const struct weft_codec *codec, enum weft_role role,
                       struct weft_error *error)
{
    const struct weft_limits limits = weft_limits_default();
    const struct weft_option_set no_options = {0};
    states->config = zeroed(codec->config_size);
    states->of = (struct weft_codec_state){
        .config = states->config,
        .loop = zeroed(codec->loop_size),
        .conn = zeroed(codec->conn_size),
    };
    int err = 0;
    if (!states->config || !states->of.loop || !states->of.conn)
        err = -ENOMEM;
    if (err == 0 && codec->configure)
        err = codec->configure(states->config, &no_options, &limits, error);
    if (err == 0 && codec->loop_init)
        err = codec->loop_init(states->of.loop, states->config);
    if (err != 0)
        states_free(states);
    else if (codec->init)
        codec->init(&states->of, role);
    return err;
}

static void states_fini(struct states *states, const struct weft_codec *codec)
{
    if (codec->fini)
        codec->fini(&states->of);
    if (codec->loop_fini)
        codec->loop_fini(states->of.loop);
    states_free(states);
}

/* --- lines to frames -------------------------------------------------------------------------- */

static int write_out(struct weft_chain *chain)
{
    struct iovec vec;
    while (weft_chain_peek(chain, &vec, 1) > 0) {
        if (fwrite(vec.iov_base, 1, vec.iov_len, stdout) != vec.iov_len)
            return -EIO;
        weft_chain_consume(chain, vec.iov_len);
    }
    return 0;
}

static int encode(const struct weft_codec *codec, const struct weft_codec_state *state)
{
    struct weft_chain chain;
    weft_chain_init(&chain, NULL);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    int err = 0;
    while (err == 0 && (size = getline(&line, &capacity, stdin)) >= 0) {
        if (size > 0 && line[size - 1] == '\n')
            size--;
        const struct weft_body_bytes body = weft_body_from_view(weft_view(line, (size_t)size));
        struct weft_encode_io io = {.out = &chain, .last = true};
        err = codec->encode(state, &body.body, &io);
        if (err == 0)
            err = write_out(&chain);
    }
    free(line);
    weft_chain_fini(&chain);
    return err;
}

/* --- frames to lines -------------------------------------------------------------------------- */

/* Prints the messages that buf holds whole; what is left is the beginning of the next. */
static int print_messages(const struct weft_codec *codec, const struct weft_codec_state *state,
                          struct weft_buf *buf, bool eof)
{
    struct weft_chain own; /* for bytes of the codec's own; a file has nobody to send them to */
    weft_chain_init(&own, NULL);
    ssize_t taken;
    bool inside;
    for (;;) {
        struct weft_message message = {.kind = WEFT_MESSAGE_NONE};
        struct weft_decode_io io = {.eof = eof, .out = &own};
        taken = codec->decode(state, weft_buf_view(buf), &message, &io);
        inside = io.inside;
        if (taken < 0 || (taken == 0 && message.kind == WEFT_MESSAGE_NONE))
            break;
        /* The payload may lie in buf: it is used before the bytes are dropped. */
        if (message.kind == WEFT_MESSAGE_DATA && message.status == WEFT_MESSAGE_OK)
            printf("%.*s\n", (int)message.payload.size, (const char *)message.payload.data);
        else if (message.kind == WEFT_MESSAGE_DATA)
            fprintf(stderr, "frames: a bad frame: %s\n", message.why);
        weft_buf_consume(buf, (size_t)taken);
    }
    weft_chain_fini(&own);
    if (taken < 0)
        return (int)taken;
    return eof && (inside || weft_buf_size(buf) > 0) ? WEFT_ETRUNCATED : 0;
}

static int decode(const struct weft_codec *codec, const struct weft_codec_state *state)
{
    struct weft_buf buf = {0};
    size_t size;
    int err = 0;
    do {
        uint8_t *dst = weft_buf_reserve(&buf, CHUNK);
        if (!dst) {
            err = -ENOMEM;
            break;
        }
        size = fread(dst, 1, CHUNK, stdin);
        weft_buf_commit(&buf, size);
        err = print_messages(codec, state, &buf, size == 0);
    } while (err == 0 && size > 0);
    weft_buf_fini(&buf);
    return err;
}

int main(int argc, char **argv)
{
    const bool encoding = argc == 3 && strcmp(argv[1], "encode") == 0;
    const bool decoding = argc == 3 && strcmp(argv[1], "decode") == 0;
    const struct weft_codec *codec = argc == 3 ? find(argv[2]) : NULL;
    if ((!encoding && !decoding) || !codec) {
        fprintf(stderr, "usage: frames encode|decode raw|length-delimited-gzip\n");
        return 2;
    }
    struct states states;
    struct weft_error error = {0};
    int err = states_init(&states, codec, encoding ? WEFT_CLIENT : WEFT_SERVER, &error);
    if (err == 0) {
        err = encoding ? encode(codec, &states.of) : decode(codec, &states.of);
        states_fini(&states, codec);
    }
    if (err < 0)
        fprintf(stderr, "frames: %s\n", *error.text ? error.text : weft_strerror(err));
    return err == 0 ? 0 : 1;
}
