/* SPDX-License-Identifier: MIT
 *
 * Unary calls of weft_rpc from end to end, from the transport's bytes to the transport's bytes: in frames and over gRPC. */
#include <stdio.h>
#include <stdlib.h>

#include "work.h"
#include "codecs/codecs.h"
#include "core/server/server_private.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "sample.pb-c.h"
#include "services/payload/protobuf/writer.h"
#include "services/rpc/rpc.h"

enum {
    COUNTED = 1024,
    ROOM = 512, /* of a call */
    /* HTTP/2, RFC 9113: the head of a frame, its types and flags. */
    HEAD = 9,
    DATA = 0,
    HEADERS = 1,
    SETTINGS = 4,
    WINDOW_UPDATE = 8,
    END_STREAM = 1,
    END_HEADERS = 4,
    ACK = 1,
    STREAM_AT = 5, /* in a head */
};

struct rpc_state {
    struct weft_rpc *rpc;
    struct weft_registry registry;
    struct weft_server *server;
    struct weft_loop *loop;
    struct script_end *client;
    size_t depth;
    struct weft_bytes batch;
    size_t reply_size; /* of a batch */
    size_t call_size;  /* over gRPC: of each call of the batch, which has a number to set */
    uint32_t stream;
};

static void say(Sample__Sample_Service *service, const Sample__Text *request,
                Sample__Text_Closure closure, void *call)
{
    (void)service;
    closure(request, call);
}

static const Sample__Sample_Service sample = {
    .base = {&sample__sample__descriptor, protobuf_c_service_invoke_internal, NULL},
    .say = say,
};

static void start_server(struct rpc_state *self, const struct weft_codec *codec)
{
    static const struct weft_codec *codecs[2];
    static const char *const urls[] = {"script:bench"};
    const struct weft_plugins plugins = {
        .transports = (const struct weft_transport *const[]){&script_transport, NULL},
        .codecs = codecs,
    };
    struct weft_server_options options = {
        .registry = &self->registry,
        .urls = urls,
        .url_count = 1,
        .codec = codec->name,
        .service = "sample",
        .limits = weft_limits_default(),
        .threads = 1,
    };
    struct weft_error error;
    codecs[0] = codec;
    self->rpc = weft_rpc_new("sample");
    bench_need(weft_rpc_add(self->rpc, &sample.base, NULL, &error) == 0 &&
                   weft_rpc_register(self->rpc, &self->registry, &error) == 0 &&
                   weft_registry_add_all(&self->registry, &plugins, &error) == 0,
               "a registry");
    bench_need(weft_server_new(&self->server, &options, &error) == 0, "a server");
    bench_need(weft_server_listen(self->server, &error) == 0, "listen");
    weft__server_set_accepting(self->server, true);
    self->loop = weft_server_loop(self->server);
    self->client = script_dial("bench");
    bench_need(self->client && virtual_loop_run_until_idle(self->loop), "a connection");
}

/* Sends bytes at once, and has turns until all is answered: so many bytes. */
static size_t exchange(struct rpc_state *self, struct weft_view bytes)
{
    size_t size;
    script_send(self->client, bytes.data, bytes.size);
    bench_need(virtual_loop_run_until_idle(self->loop), "an exchange");
    (void)script_received(self->client, &size);
    script_consume(self->client, size);
    return size;
}

/* Packs a Text with a string of the work's size. Returns its size. */
static size_t put_text(uint8_t *dst, size_t size)
{
    char text[ROOM / 2];
    Sample__Text message = SAMPLE__TEXT__INIT;
    bench_need(size < sizeof text, "a text of that size");
    memset(text, 'x', size);
    text[size] = '\0';
    message.text = text;
    message.count = 7;
    return sample__text__pack(&message, dst);
}

/* --- in frames ------------------------------------------------------------------------------------------ */

/* The numbers of proto/rpc.proto. */
enum { METHOD = 1, REQUEST = 2 };

static void *begin_frames(const struct bench_work *work)
{
    struct rpc_state *self = bench_zeroed(sizeof *self);
    uint8_t text[ROOM];
    const struct weft_view message = weft_view(text, put_text(text, work->size));
    self->depth = work->depth;
    self->batch.data = bench_zeroed(work->depth * ROOM);
    uint8_t *at = self->batch.data;
    for (size_t i = 0; i < work->depth; i++) {
        uint8_t *const frame = at;
        at = weft_pb_put_bytes(at + 4, METHOD, weft_view_str("sample.Sample/Say"));
        at = weft_pb_put_bytes(at, REQUEST, message);
        weft_store_be32(frame, (uint32_t)(at - frame) - 4);
    }
    self->batch.size = (size_t)(at - self->batch.data);
    script_begin(1);
    start_server(self, work->codec);
    self->reply_size = exchange(self, weft_view(self->batch.data, self->batch.size));
    bench_need(self->reply_size > work->depth * work->size, "an answer for each call");
    return self;
}

static size_t run_frames(void *state, size_t operations)
{
    struct rpc_state *self = state;
    size_t done = 0;
    for (; done < operations; done += self->depth)
        bench_need(exchange(self, weft_view(self->batch.data, self->batch.size)) ==
                       self->reply_size,
                   "an exchange of known size");
    return done;
}

/* --- over gRPC ------------------------------------------------------------------------------------------ */

static uint8_t *put_head(uint8_t *at, size_t size, unsigned type, unsigned flags)
{
    memset(at, 0, HEAD);
    at[1] = (uint8_t)(size >> 8);
    at[2] = (uint8_t)size;
    at[3] = (uint8_t)type;
    at[4] = (uint8_t)flags;
    return at + HEAD;
}

/* A field that the table takes (RFC 7541, 6.2.1); name is a place in the static table, or 0: `text` is the name. */
static uint8_t *put_field(uint8_t *at, unsigned name, const char *text, const char *value)
{
    *at++ = (uint8_t)(0x40 | name);
    if (name == 0) {
        *at++ = (uint8_t)strlen(text);
        at = (uint8_t *)memcpy(at, text, strlen(text)) + strlen(text);
    }
    *at++ = (uint8_t)strlen(value);
    return (uint8_t *)memcpy(at, value, strlen(value)) + strlen(value);
}

/* Writes a call, whose stream has no number yet. The first one teaches the server's table the fields that it has; from
 * then on a byte stands for each, as stock clients do it. */
static uint8_t *put_call(uint8_t *at, bool first, size_t size)
{
    enum { METHOD_POST = 0x83, SCHEME_HTTP = 0x86, PATH = 4, AUTHORITY = 1, CONTENT_TYPE = 31 };
    static const uint8_t known[] = {METHOD_POST, SCHEME_HTTP, 0xc1, 0xc0, 0xbf, 0xbe};
    uint8_t *const head = at;
    at += HEAD;
    if (first) {
        *at++ = METHOD_POST;
        *at++ = SCHEME_HTTP;
        at = put_field(at, PATH, NULL, "/sample.Sample/Say");
        at = put_field(at, AUTHORITY, NULL, "127.0.0.1:50051");
        at = put_field(at, CONTENT_TYPE, NULL, "application/grpc");
        at = put_field(at, 0, "te", "trailers");
    } else {
        at = (uint8_t *)memcpy(at, known, sizeof known) + sizeof known;
    }
    (void)put_head(head, (size_t)(at - head) - HEAD, HEADERS, END_HEADERS);
    uint8_t *const data = at;
    const size_t message = put_text(at + HEAD + 5, size);
    at = put_head(data, 5 + message, DATA, END_STREAM);
    *at = 0; /* it is not compressed */
    weft_store_be32(at + 1, (uint32_t)message);
    return at + 5 + message;
}

/* Gives the frames of a call the number of the next stream. */
static void number_call(struct rpc_state *self, uint8_t *call, size_t size)
{
    const size_t headers = HEAD + (size_t)(call[1] << 8 | call[2]);
    weft_store_be32(call + STREAM_AT, self->stream);
    bench_need(headers < size, "a call of two frames");
    weft_store_be32(call + headers + STREAM_AT, self->stream);
    self->stream += 2;
}

/* Greets, with windows that stay open, and makes a first call. */
static void greet(struct rpc_state *self, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    uint8_t hello[ROOM];
    uint8_t *at = (uint8_t *)memcpy(hello, preface, strlen(preface)) + strlen(preface);
    at = put_head(at, 6, SETTINGS, 0);
    at = (uint8_t *)memcpy(at, "\0\x04\x7f\xff\xff\xff", 6) + 6; /* INITIAL_WINDOW_SIZE */
    at = put_head(at, 4, WINDOW_UPDATE, 0);
    weft_store_be32(at, INT32_MAX - 65535);
    at = put_head(at + 4, 0, SETTINGS, ACK);
    uint8_t *const call = at;
    at = put_call(at, true, size);
    self->stream = 1;
    number_call(self, call, (size_t)(at - call));
    bench_need(exchange(self, weft_view(hello, (size_t)(at - hello))) > size, "a first call");
}

static size_t exchange_calls(struct rpc_state *self)
{
    for (size_t i = 0; i < self->depth; i++)
        number_call(self, self->batch.data + i * self->call_size, self->call_size);
    return exchange(self, weft_view(self->batch.data, self->batch.size));
}

static void *begin_grpc(const struct bench_work *work)
{
    struct rpc_state *self = bench_zeroed(sizeof *self);
    self->depth = work->depth;
    self->batch.data = bench_zeroed(work->depth * ROOM);
    uint8_t *at = self->batch.data;
    for (size_t i = 0; i < work->depth; i++)
        at = put_call(at, false, work->size);
    self->batch.size = (size_t)(at - self->batch.data);
    self->call_size = self->batch.size / work->depth;
    script_begin(1);
    start_server(self, work->codec);
    greet(self, work->size);
    self->reply_size = exchange_calls(self);
    bench_need(self->reply_size > work->depth * work->size, "an answer for each call");
    return self;
}

/* A batch's answer may have a WINDOW_UPDATE besides. */
static size_t run_grpc(void *state, size_t operations)
{
    struct rpc_state *self = state;
    size_t done = 0;
    for (; done < operations; done += self->depth)
        bench_need(exchange_calls(self) >= self->reply_size, "an exchange of known size");
    return done;
}

/* ---------------------------------------------------------------------------------------------------------- */

static void end(void *state)
{
    struct rpc_state *self = state;
    script_close(self->client);
    bench_need(virtual_loop_run_until_idle(self->loop), "a hang-up");
    weft_server_free(self->server);
    weft_rpc_free(self->rpc);
    bench_need(script_finish() == 0, "all connections closed");
    free(self->batch.data);
    free(self);
}

size_t bench_rpc_works(struct bench_work *works, size_t count)
{
    static const size_t depths[] = {1, 64};
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
        for (int grpc = 0; grpc <= 1; grpc++) {
            struct bench_work *work = &works[count++];
            *work = (struct bench_work){
                .codec = grpc ? &weft_codec_grpc : &weft_codec_length_delimited_gzip,
                .size = 64,
                .depth = depths[d],
                .counted_runs = COUNTED,
                .begin = grpc ? begin_grpc : begin_frames,
                .run = grpc ? run_grpc : run_frames,
                .end = end,
            };
            (void)snprintf(work->name, sizeof work->name, "rpc-%s-64-depth-%zu",
                           grpc ? "grpc" : "frames", depths[d]);
        }
    return count;
}
