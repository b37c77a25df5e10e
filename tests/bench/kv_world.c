/* SPDX-License-Identifier: MIT */
#include "kv_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "work.h"
#include "codecs/codecs.h"
#include "core/server/server_private.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/stores.h"
#include "services/layers/metrics/metrics.h"
#include "services/layers/users/private.h"
#include "services/payload/protobuf/writer.h"

enum { FRAME_HEADER = 4 };

/* The hash of "sesame", of a method that costs little. */
#define HASH "$5$rounds=1000$salt$rloU6KpfKKm9G.NUT4Kh3.lZ3eQ67D/GrlYTTZlly7."

/* Field numbers of proto/abi.proto. */
enum {
    REQUEST_HGET = 1,
    REQUEST_HSET = 4,
    REQUEST_LOGIN = 40,
    COMMAND_TABLE = 1,
    COMMAND_ITEM = 2,
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
    VALUE_STRING = 1,
};

static void start_server(struct kv_world *self, const char *variant)
{
    const char *const urls[] = {self->users && self->metrics ? "script:bench?layers=metrics,users"
                                : self->users                ? "script:bench?layers=users"
                                : self->metrics              ? "script:bench?layers=metrics"
                                                             : "script:bench",
                                variant};
    const struct weft_server_options options = {
        .registry = &self->registry,
        .urls = urls,
        .url_count = variant ? 2 : 1,
        .codec = "length-delimited-gzip",
        .service = "kv",
        .limits = self->limits,
        .threads = 1,
    };
    struct weft_error error;
    bench_need(weft_server_new(&self->server, &options, &error) == 0, "a server");
    bench_need(weft_server_listen(self->server, &error) == 0, "listen");
    weft__server_set_accepting(self->server, true);
    self->loop = weft_server_loop(self->server);
}

/* Registers users of one, whose password is "sesame". */
static void add_users(struct kv_world *self, const char *rules)
{
    char path[] = "/tmp/weft-bench-XXXXXX";
    struct weft_error error;
    int fd = mkstemp(path);
    bench_need(fd >= 0 && dprintf(fd, "ann %s %s\n", HASH, rules) > 0 && close(fd) == 0,
               "a file of users");
    bench_need(weft_users_open(&self->users, path, NULL, &error) == 0, "users");
    (void)unlink(path);
    self->users->pool.by_hand = true;
    bench_need(weft_registry_add_layer(&self->registry, &weft_users_layer, self->users) == 0,
               "a layer");
}

static void add_metrics(struct kv_world *self)
{
    const struct weft_metrics_options options = {.slow_log = NULL};
    bench_need(weft_metrics_new(&self->metrics, &options) == 0, "metrics");
    bench_need(weft_registry_add_layer(&self->registry, &weft_metrics_layer, self->metrics) == 0,
               "a layer");
}

static void log_in(struct kv_world *self)
{
    uint8_t frame[64];
    struct weft_view user = weft_view_str("ann"), password = weft_view_str("sesame");
    size_t inner = weft_pb_bytes_size(1, user.size) + weft_pb_bytes_size(2, password.size);
    uint8_t *at = weft_pb_put_head(frame + FRAME_HEADER, REQUEST_LOGIN, inner);
    at = weft_pb_put_bytes(weft_pb_put_bytes(at, 1, user), 2, password);
    weft_store_be32(frame, (uint32_t)(at - frame) - FRAME_HEADER);
    bench_need(kv_world_exchange(self, weft_view(frame, (size_t)(at - frame))) == 0, "a login");
    bench_need(users_pool_step(&self->users->pool), "a hash");
    /* Status 200 takes three bytes. */
    bench_need(kv_world_exchange(self, weft_view(NULL, 0)) == FRAME_HEADER + 3, "a right password");
}

void kv_world_init(struct kv_world *self, const struct kv_world_options *options)
{
    static const uint8_t seed[16] = "0123456789abcdef";
    struct weft_error error;
    *self = (struct kv_world){.limits = weft_limits_default()};
    const struct weft_kv_limits kv_limits = weft_kv_limits_default();
    script_begin(1);
    bench_need(
        weft_kv_context_init(&self->context, &weft_kv_store_memory, &kv_limits, seed, &error) == 0,
        "a store");
    bench_need(
        weft_registry_add_transport(&self->registry, &script_transport) == 0 &&
            weft_registry_add_codec(&self->registry, &weft_codec_length_delimited_gzip) == 0 &&
            weft_registry_add_codec(&self->registry, &weft_codec_line) == 0 &&
            weft_registry_add_codec(&self->registry, &weft_codec_resp) == 0 &&
            weft_registry_add_service(&self->registry, &weft_kv_service, &self->context) == 0 &&
            weft_registry_add_service(&self->registry, &weft_kv_line_service, &self->context) ==
                0 &&
            weft_registry_add_service(&self->registry, &weft_kv_resp_service, &self->context) == 0,
        "a registry");
    if (options->rules)
        add_users(self, options->rules);
    if (options->measured)
        add_metrics(self);
    start_server(self, options->variant);
    self->client = script_dial("bench");
    bench_need(self->client && virtual_loop_run_until_idle(self->loop), "a connection");
    if (options->rules)
        log_in(self);
}

void kv_world_fini(struct kv_world *self)
{
    script_close(self->client);
    bench_need(virtual_loop_run_until_idle(self->loop), "a hang-up");
    weft_server_free(self->server);
    weft_users_close(self->users);
    weft_metrics_free(self->metrics);
    weft_kv_context_fini(&self->context);
    bench_need(script_finish() == 0, "all connections closed");
}

size_t kv_world_exchange(struct kv_world *self, struct weft_view bytes)
{
    size_t size;
    script_send(self->client, bytes.data, bytes.size);
    bench_need(virtual_loop_run_until_idle(self->loop), "an exchange");
    (void)script_received(self->client, &size);
    script_consume(self->client, size);
    return size;
}

/* A frame of one request; dst NULL: only its size. */
static size_t put_frame(uint8_t *dst, bool sets, size_t number, struct weft_view value)
{
    char text[32];
    struct weft_view table = weft_view_str("table1");
    (void)snprintf(text, sizeof text, "key:%010zu", number);
    struct weft_view key = weft_view_str(text);
    size_t value_size = weft_pb_bytes_size(VALUE_STRING, value.size);
    size_t pair_size =
        weft_pb_bytes_size(PAIR_KEY, key.size) + weft_pb_bytes_size(PAIR_VALUE, value_size);
    size_t item_size = sets ? pair_size : key.size;
    size_t command_size =
        weft_pb_bytes_size(COMMAND_TABLE, table.size) + weft_pb_bytes_size(COMMAND_ITEM, item_size);
    uint32_t command = sets ? REQUEST_HSET : REQUEST_HGET;
    size_t size = weft_pb_bytes_size(command, command_size);
    if (!dst)
        return FRAME_HEADER + size;

    weft_store_be32(dst, (uint32_t)size);
    dst = weft_pb_put_head(dst + FRAME_HEADER, command, command_size);
    dst = weft_pb_put_bytes(dst, COMMAND_TABLE, table);
    if (sets) {
        dst = weft_pb_put_head(dst, COMMAND_ITEM, item_size);
        dst = weft_pb_put_bytes(dst, PAIR_KEY, key);
        dst = weft_pb_put_head(dst, PAIR_VALUE, value_size);
        (void)weft_pb_put_bytes(dst, VALUE_STRING, value);
    } else {
        (void)weft_pb_put_bytes(dst, COMMAND_ITEM, key);
    }
    return FRAME_HEADER + size;
}

struct weft_bytes kv_world_frames(bool sets, size_t first, size_t count, size_t size)
{
    uint8_t *text = bench_zeroed(size);
    bench_fill_text(text, size);
    struct weft_view value = weft_view(text, size);
    struct weft_bytes frames = {0};
    size_t most = put_frame(NULL, sets, first, value);
    frames.data = bench_zeroed(count * most);
    for (size_t i = 0; i < count; i++)
        frames.size += put_frame(frames.data + frames.size, sets, first + i, value);
    free(text);
    return frames;
}

struct weft_bytes kv_world_commands(const char *command, size_t first, size_t count, size_t size)
{
    enum { HEAD_MAX = 128 };
    bool of_hash = command[0] == 'H', sets = strchr(command, 'S') != NULL;
    struct weft_bytes commands = {0};
    uint8_t *text = bench_zeroed(size);
    bench_fill_text(text, size);
    commands.data = bench_zeroed(count * (HEAD_MAX + size));
    for (size_t i = 0; i < count; i++) {
        char *at = (char *)commands.data + commands.size;
        int n = snprintf(at, HEAD_MAX, "*%d\r\n$%zu\r\n%s\r\n%s$16\r\nkey:%012zu\r\n",
                         2 + of_hash + sets, strlen(command), command,
                         of_hash ? "$4\r\nhash\r\n" : "", first + i);
        commands.size += (size_t)n;
        if (!sets)
            continue;
        at += n;
        n = snprintf(at, HEAD_MAX, "$%zu\r\n", size);
        memcpy(at + n, text, size);
        memcpy(at + n + size, "\r\n", 2);
        commands.size += (size_t)n + size + 2;
    }
    free(text);
    return commands;
}
