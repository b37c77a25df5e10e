/* SPDX-License-Identifier: MIT */
#include "bench/kv_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi.pb-c.h"
#include "bench/work.h"
#include "codecs/codecs.h"
#include "core/server_private.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"

enum { FRAME_HEADER = 4 };

static void start_server(struct kv_world *self)
{
    const char *url = "script:bench";
    const struct weft_server_options options = {
        .registry = &self->registry,
        .urls = &url,
        .url_count = 1,
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

void kv_world_init(struct kv_world *self)
{
    static const uint8_t seed[16] = "0123456789abcdef";
    struct weft_error error;
    *self = (struct kv_world){.limits = weft_limits_default()};
    script_begin(1);
    const struct kv_store *store = kv_store_find("memory", &error);
    bench_need(store && kv_context_init(&self->context, store, &self->limits, seed, &error) == 0,
               "a store");
    bench_need(weft_registry_add_transport(&self->registry, &script_transport) == 0 &&
                   weft_registry_add_codec(&self->registry, &weft_codec_length_delimited_gzip) ==
                       0 &&
                   weft_registry_add_service(&self->registry, &kv_service, &self->context) == 0,
               "a registry");
    start_server(self);
    self->client = script_dial("bench");
    bench_need(self->client && virtual_loop_run_until_idle(self->loop), "a connection");
}

void kv_world_fini(struct kv_world *self)
{
    script_close(self->client);
    bench_need(virtual_loop_run_until_idle(self->loop), "a hang-up");
    weft_server_free(self->server);
    kv_context_fini(&self->context);
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

static size_t put_frame(uint8_t *dst, bool sets, size_t number, char *value)
{
    char table[] = "table1", key[32];
    (void)snprintf(key, sizeof key, "key:%010zu", number);
    Abi__Value string = ABI__VALUE__INIT;
    Abi__Kvpair pair = ABI__KVPAIR__INIT;
    Abi__Hset hset = ABI__HSET__INIT;
    Abi__Hget hget = ABI__HGET__INIT;
    Abi__CommandRequest request = ABI__COMMAND_REQUEST__INIT;
    string.value_case = ABI__VALUE__VALUE_STRING;
    string.string = value;
    pair.key = hget.key = key;
    pair.value = &string;
    hset.table = hget.table = table;
    hset.pair = &pair;
    if (sets) {
        request.request_data_case = ABI__COMMAND_REQUEST__REQUEST_DATA_HSET;
        request.hset = &hset;
    } else {
        request.request_data_case = ABI__COMMAND_REQUEST__REQUEST_DATA_HGET;
        request.hget = &hget;
    }
    size_t size = abi__command_request__get_packed_size(&request);
    if (dst) {
        weft_store_be32(dst, (uint32_t)size);
        abi__command_request__pack(&request, dst + FRAME_HEADER);
    }
    return FRAME_HEADER + size;
}

struct weft_bytes kv_world_frames(bool sets, size_t first, size_t count, size_t size)
{
    char *value = bench_zeroed(size + 1);
    bench_fill_text((uint8_t *)value, size);
    struct weft_bytes frames = {0};
    size_t most = put_frame(NULL, sets, first, value);
    frames.data = bench_zeroed(count * most);
    for (size_t i = 0; i < count; i++)
        frames.size += put_frame(frames.data + frames.size, sets, first + i, value);
    free(value);
    return frames;
}
