/* SPDX-License-Identifier: MIT
 *
 * A codec (a varint of length, then the payload) with a mistake that is chosen by number, under the
 * contract suite: varint_mutants N fails for every N but 0, where there is no mistake. Each mutant is
 * one that an author could make. Without a number it prints how many there are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "suites/codec_suite.h"

enum { HEADER_MAX = 5, SKIP_MAX = 4 };

enum mutant {
    NONE,
    SKIP_SHARED_BY_ALL,
    SKIP_IN_LOOP_STATE,
    LIMIT_SHARED_BY_ALL,
    MAX_MESSAGE_FOR_MAX_FRAME,
    NO_LIMIT_IN_DECODE,
    LIMIT_OFF_BY_ONE_IN_DECODE,
    LIMIT_TOO_LOW_IN_DECODE,
    NO_LIMIT_IN_ENCODE,
    LIMIT_OFF_BY_ONE_IN_ENCODE,
    LIMIT_TOO_LOW_IN_ENCODE,
    NEED_BEYOND_FRAME,
    NEED_OF_HEADER_ALONE,
    NEED_OF_WHAT_THERE_IS,
    READS_ONE_BYTE_BEYOND,
    PAYLOAD_ONE_SHORT,
    CONSUMES_ONE_TOO_FEW,
    CONSUMES_ONE_TOO_MANY,
    INSIDE_NOT_SAID,
    INSIDE_SAID_FOR_EVER,
    SKIPS_ONE_TOO_FEW,
    SKIPS_ONE_TOO_MANY,
    SKIPS_NOTHING,
    TOO_BIG_WITHOUT_WHY,
    TOO_BIG_WITHOUT_SIZE,
    TOO_BIG_WITH_PAYLOAD,
    TOO_BIG_CALLED_MALFORMED,
    WAITS_FOR_OVERSIZE_BODY,
    OVERLONG_VARINT_WITHOUT_END,
    LENGTH_IN_32_BITS,
    MESSAGE_WITH_ERROR,
    EMPTY_MESSAGE_IS_NONE,
    ENCODE_LEAVES_HEADER_BEHIND,
    ENCODE_WRITES_SECOND_BYTE_WRONG,
    ENCODE_FORGETS_BLOB,
    ENCODE_ERROR_WITHOUT_LIMIT,
    BUFFERS_WHAT_IS_PROMISED,
    NAME_WITH_SPACE,
    TOO_BIG_NAMES_OTHER_LIMIT,
    ENCODE_ERROR_NAMES_OTHER_LIMIT,
    ENDS_WITH_AN_ERRNO,
    SAYS_TOO_BIG_FOR_EVER,
    RESERVES_ONE_TOO_FEW,
    STATE_SMALLER_THAN_USED,
    CONFIG_HOLDS_AN_ADDRESS,
    PROBE_CLAIMS_EVERYTHING,
    PROBE_CHANGES_ITS_MIND,
    PROBE_READS_ONE_BYTE_BEYOND,
    PROBE_MISSES_LONG_FRAMES,
    PROBE_IS_NEVER_SURE,
    PROBE_REMEMBERS,
    FINISH_LEAVES_HALF_BEHIND,
    FINISH_IS_NOT_SUPPORTED,
    MUTANTS
};

static enum mutant mutant;

struct config {
    uint64_t max_frame;
    const void *address; /* NULL unless by mistake */
};

struct connection {
    uint64_t skip;
    void *buffer;
    bool lost;
};

struct loop {
    struct connection shared;
};

static struct connection shared_by_all;
static uint64_t limit_of_all;

static struct connection *connection_of(const struct weft_codec_state *state)
{
    if (mutant == SKIP_SHARED_BY_ALL)
        return &shared_by_all;
    if (mutant == SKIP_IN_LOOP_STATE)
        return &((struct loop *)state->loop)->shared;
    return state->conn;
}

static uint64_t limit_of(const struct weft_codec_state *state)
{
    const struct config *config = state->config;
    return mutant == LIMIT_SHARED_BY_ALL ? limit_of_all : config->max_frame;
}

static int configure(void *memory, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set;
    (void)error;
    struct config *config = memory;
    if (mutant == CONFIG_HOLDS_AN_ADDRESS)
        config->address = limits;
    config->max_frame =
        mutant == MAX_MESSAGE_FOR_MAX_FRAME ? limits->max_message : limits->max_frame;
    limit_of_all = config->max_frame;
    return 0;
}

static void fini(const struct weft_codec_state *state)
{
    weft_free(((struct connection *)state->conn)->buffer);
}

/* Bytes of the header, 0 where more are needed, -1 where it has no end. */
static int parse(struct weft_view in, uint64_t *length)
{
    *length = 0;
    for (int i = 0; i < HEADER_MAX; i++) {
        if ((size_t)i >= in.size)
            return 0;
        *length |= (uint64_t)(in.data[i] & 0x7f) << 7 * i;
        if (!(in.data[i] & 0x80)) {
            if (mutant == LENGTH_IN_32_BITS)
                *length &= UINT64_C(0xfff);
            return i + 1;
        }
    }
    return mutant == OVERLONG_VARINT_WITHOUT_END ? 0 : -1;
}

static ssize_t skip(struct connection *conn, struct weft_view in, struct weft_decode_io *io)
{
    size_t size = in.size < conn->skip ? in.size : (size_t)conn->skip;
    if (size == 0)
        io->need = 1;
    conn->skip -= size;
    io->inside = conn->skip > 0 && mutant != INSIDE_NOT_SAID;
    if (mutant == INSIDE_SAID_FOR_EVER)
        io->inside = true;
    return (ssize_t)size;
}

static ssize_t refuse(struct connection *conn, struct weft_view in, int header, uint64_t length,
                      uint64_t limit, struct weft_message *msg, struct weft_decode_io *io)
{
    msg->kind = WEFT_MESSAGE_DATA;
    msg->status =
        mutant == TOO_BIG_CALLED_MALFORMED ? WEFT_MESSAGE_MALFORMED : WEFT_MESSAGE_TOO_BIG;
    msg->size = mutant == TOO_BIG_WITHOUT_SIZE ? 0 : length;
    msg->limit = limit;
    msg->why = mutant == TOO_BIG_WITHOUT_WHY ? NULL : "max-frame";
    if (mutant == TOO_BIG_NAMES_OTHER_LIMIT)
        msg->why = "max-message";
    if (mutant == TOO_BIG_WITH_PAYLOAD)
        msg->payload = in;
    if (length > SKIP_MAX * limit) {
        conn->lost = mutant != SAYS_TOO_BIG_FOR_EVER;
        return 0;
    }
    conn->skip = length;
    if (mutant == SKIPS_ONE_TOO_FEW)
        conn->skip--;
    if (mutant == SKIPS_ONE_TOO_MANY)
        conn->skip++;
    if (mutant == SKIPS_NOTHING)
        conn->skip = 0;
    io->inside = conn->skip > 0 && mutant != INSIDE_NOT_SAID;
    return header;
}

static ssize_t wait_for(struct connection *conn, size_t frame, struct weft_view in,
                        struct weft_decode_io *io)
{
    if (mutant == BUFFERS_WHAT_IS_PROMISED && !conn->buffer)
        conn->buffer = weft_malloc(4 * 1024 * 1024);
    io->need = frame;
    if (mutant == NEED_BEYOND_FRAME)
        io->need++;
    if (mutant == NEED_OF_WHAT_THERE_IS)
        io->need = in.size;
    return 0;
}

static ssize_t give(struct weft_view in, int header, uint64_t length, struct weft_message *msg)
{
    if (mutant == EMPTY_MESSAGE_IS_NONE && length == 0)
        return header;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = weft_view(in.data + header, (size_t)length);
    if (mutant == READS_ONE_BYTE_BEYOND)
        msg->heavy = in.data[in.size] == 7;
    if (mutant == PAYLOAD_ONE_SHORT && length > 200)
        msg->payload.size--;
    ssize_t size = (ssize_t)((size_t)header + length);
    if (mutant == CONSUMES_ONE_TOO_FEW && length > 200)
        return size - 1;
    if (mutant == CONSUMES_ONE_TOO_MANY && length > 200)
        return size + 1;
    return size;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    struct connection *conn = connection_of(state);
    uint64_t limit = limit_of(state), length;
    if (conn->lost) {
        if (mutant == MESSAGE_WITH_ERROR)
            msg->kind = WEFT_MESSAGE_DATA;
        return WEFT_ELOST;
    }
    if (conn->skip > 0)
        return skip(conn, in, io);
    int header = parse(in, &length);
    if (header < 0)
        return mutant == ENDS_WITH_AN_ERRNO ? -EPROTO : WEFT_ELOST;
    if (header == 0) {
        io->need = in.size + 1;
        return 0;
    }
    size_t frame = (size_t)header + (size_t)length;
    uint64_t most = limit;
    if (mutant == LIMIT_OFF_BY_ONE_IN_DECODE)
        most++;
    if (mutant == LIMIT_TOO_LOW_IN_DECODE)
        most--;
    if (length > most && mutant != NO_LIMIT_IN_DECODE) {
        if (mutant == WAITS_FOR_OVERSIZE_BODY && in.size < frame && length < SKIP_MAX * limit)
            return wait_for(conn, frame, in, io);
        return refuse(conn, in, header, length, limit, msg, io);
    }
    if (in.size < frame) {
        if (mutant == NEED_OF_HEADER_ALONE) {
            io->need = (size_t)header;
            return 0;
        }
        return wait_for(conn, frame, in, io);
    }
    return give(in, header, length, msg);
}

static size_t put_header(uint8_t *dst, uint64_t length)
{
    size_t size = 0;
    for (; length >= 0x80; length >>= 7)
        dst[size++] = (uint8_t)(length | 0x80);
    dst[size++] = (uint8_t)length;
    if (mutant == ENCODE_WRITES_SECOND_BYTE_WRONG && size == 3)
        dst[1] ^= 1;
    return size;
}

static int too_big(struct weft_encode_io *io, uint64_t size, uint64_t limit)
{
    io->size = size;
    io->limit = mutant == ENCODE_ERROR_WITHOUT_LIMIT ? 0 : limit;
    io->why = mutant == ENCODE_ERROR_NAMES_OTHER_LIMIT ? "max-message" : "max-frame";
    return WEFT_ETOOBIG;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    uint8_t header[HEADER_MAX];
    uint64_t limit = limit_of(state), most = limit;
    if (mutant == LIMIT_OFF_BY_ONE_IN_ENCODE)
        most++;
    if (mutant == LIMIT_TOO_LOW_IN_ENCODE)
        most--;
    if (body->size > most && mutant != NO_LIMIT_IN_ENCODE)
        return too_big(io, body->size, limit);
    size_t size = put_header(header, body->size);
    struct weft_chain_mark mark = weft_chain_mark(io->out);
    if (weft_chain_append(io->out, weft_view(header, size)) < 0)
        return -ENOMEM;
    int err = 0;
    if (body->blob && mutant == ENCODE_FORGETS_BLOB)
        return 0;
    if (body->blob) {
        err = weft_chain_append_blob(io->out, body->blob);
    } else if (body->size > 0) {
        uint8_t *data = weft_chain_reserve(io->out, mutant == RESERVES_ONE_TOO_FEW ? body->size - 1
                                                                                   : body->size);
        if (data) {
            weft_body_write(body, data);
            weft_chain_commit(io->out, body->size);
        }
        err = data ? 0 : -ENOMEM;
    }
    if (err < 0 && mutant != ENCODE_LEAVES_HEADER_BEHIND)
        weft_chain_rollback(io->out, mark);
    return err;
}

/* Appends a long frame, so that the memory for it may be missing in the middle. */
static int finish(const struct weft_codec_state *state, struct weft_encode_io *io)
{
    enum { LENGTH = 40000 };
    uint8_t header[HEADER_MAX];
    (void)state;
    if (mutant == FINISH_IS_NOT_SUPPORTED)
        return -ENOTSUP;
    struct weft_chain_mark mark = weft_chain_mark(io->out);
    if (weft_chain_append(io->out, weft_view(header, put_header(header, LENGTH))) < 0)
        return -ENOMEM;
    uint8_t *data = weft_chain_reserve(io->out, LENGTH);
    if (!data && mutant != FINISH_LEAVES_HALF_BEHIND)
        weft_chain_rollback(io->out, mark);
    if (!data)
        return -ENOMEM;
    memset(data, 0, LENGTH);
    weft_chain_commit(io->out, LENGTH);
    return 0;
}

/* It claims frames within the limit. */
static enum weft_probe probe(const void *memory, struct weft_view in)
{
    const struct config *config = memory;
    uint64_t length;
    int header = parse(in, &length);
    if (mutant == PROBE_CLAIMS_EVERYTHING)
        return WEFT_PROBE_YES;
    if (mutant == PROBE_IS_NEVER_SURE)
        return WEFT_PROBE_MORE;
    if (mutant == PROBE_CHANGES_ITS_MIND && in.size > 2 && in.data[2] == '-')
        return WEFT_PROBE_NO;
    if (mutant == PROBE_READS_ONE_BYTE_BEYOND && in.data[in.size] == 7)
        return WEFT_PROBE_NO;
    if (mutant == PROBE_REMEMBERS)
        return shared_by_all.skip++ % 2 ? WEFT_PROBE_YES : WEFT_PROBE_MORE;
    if (header < 0 || length > config->max_frame)
        return WEFT_PROBE_NO;
    if (mutant == PROBE_MISSES_LONG_FRAMES && length > 200)
        return WEFT_PROBE_NO;
    return header == 0 ? WEFT_PROBE_MORE : WEFT_PROBE_YES;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return printf("%d\n", MUTANTS) < 0;
    alarm(60); /* a mutant may never come to an end */
    if (strcmp(argv[1], "0") != 0)
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* the first failure tells enough */
    mutant = (enum mutant)strtol(argv[1], NULL, 10);
    const struct weft_codec varint = {
        .name = mutant == NAME_WITH_SPACE ? "var int" : "varint",
        .speaks = "*",
        .config_size = sizeof(struct config),
        .loop_size = sizeof(struct loop),
        .conn_size = sizeof(struct connection) - (mutant == STATE_SMALLER_THAN_USED ? 8 : 0),
        .configure = configure,
        .fini = fini,
        .decode = decode,
        .encode = encode,
        .finish = finish,
        .probe = probe,
    };
    return weft_codec_suite_run(&(struct weft_codec_suite){.codec = &varint}) > 0;
}
