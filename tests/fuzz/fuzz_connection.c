/* SPDX-License-Identifier: MIT
 *
 * Any bytes on a connection: codec, core and kv together, on a scripted stream and virtual time. The
 * same bytes must get the same answer however they are split, the connection must end, and nothing
 * may be left. The first byte chooses the codec, the next two seed the splitting. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs/codecs.h"
#include "core/server/server_private.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"

enum { HEADER = 3, ANSWER_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fuzz_connection: %s\n", rule);
    abort();
}

/* Small, so that small inputs come to them. */
static struct weft_limits small_limits(void)
{
    struct weft_limits limits = weft_limits_default();
    limits.max_frame = WEFT_KIB(4);
    limits.max_message = WEFT_KIB(64);
    limits.max_pending = 8;
    limits.output_high = WEFT_KIB(8);
    limits.output_low = WEFT_KIB(2);
    limits.max_connections = 4;
    return limits;
}

struct answer {
    uint8_t *data;
    size_t size;
};

static void take_answer(struct script_end *peer, struct answer *answer)
{
    size_t size;
    const uint8_t *data = script_received(peer, &size);
    demand(answer->size + size <= ANSWER_MAX, "an answer without end");
    if (size > 0)
        memcpy(answer->data + answer->size, data, size);
    answer->size += size;
    script_consume(peer, size);
}

/* One client's whole visit: says all of input, ends its side, and hears until the server's end. */
static void visit(struct weft_loop *loop, const struct script_rules *rules, struct weft_view input,
                  struct answer *answer)
{
    script_set_default_rules(rules);
    struct script_end *peer = script_dial("fuzz");
    demand(peer != NULL, "nobody listens");
    script_send(peer, input.data, input.size);
    demand(virtual_loop_run_until_idle(loop), "the loop does not come to rest");
    script_shutdown(peer);
    demand(virtual_loop_run_until_idle(loop), "the loop does not come to rest");
    take_answer(peer, answer);
    /* Longer than the linger; no deadline may be what ends it. */
    demand(virtual_loop_advance(loop, (int64_t)WEFT_SECONDS(2)), "time does not pass");
    take_answer(peer, answer);
    demand(script_is_gone(peer), "the connection did not end");
    script_close(peer);
}

/* A fresh server for each visit, since the store remembers. */
static void serve(const char *url, const struct script_rules *rules, struct weft_view input,
                  uint64_t seed, struct answer *answer)
{
    static const uint8_t store_seed[16] = {0};
    const struct weft_limits limits = small_limits();
    struct weft_registry registry = {0};
    struct weft_kv_context kv;
    struct weft_server *server;
    struct weft_error error;
    script_begin(seed);
    struct weft_kv_limits kv_limits = weft_kv_limits_default();
    kv_limits.decode_elements = 100;
    demand(weft_kv_context_init(&kv, &weft_kv_store_memory, &kv_limits, store_seed, &error) == 0 &&
               weft_registry_add_transport(&registry, &script_transport) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_raw) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_length_delimited_gzip) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_varint) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_length_field) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_line) == 0 &&
#ifdef WEFT_HAS_HTTP
               weft_registry_add_codec(&registry, &weft_codec_http) == 0 &&
               weft_registry_add_service(&registry, &weft_kv_http_service, &kv) == 0 &&
#endif
               weft_registry_add_service(&registry, &weft_kv_service, &kv) == 0 &&
               weft_registry_add_service(&registry, &weft_kv_line_service, &kv) == 0,
           "no registry");
    const struct weft_server_options options = {
        .registry = &registry,
        .urls = &url,
        .url_count = 1,
        .codec = "raw",
        .service = "kv",
        .limits = limits,
        .threads = 1,
    };
    demand(weft_server_new(&server, &options, &error) == 0 &&
               weft_server_listen(server, &error) == 0,
           "no server");
    weft__server_begin(server);
    visit(weft_server_loop(server), rules, input, answer);
    weft_server_free(server);
    weft_kv_context_fini(&kv);
    demand(script_finish() == 0, "a stream was not closed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole_data[ANSWER_MAX], split_data[ANSWER_MAX];
    struct answer whole = {.data = whole_data}, split = {.data = split_data};
    if (size < HEADER)
        return 0;
    static const char *const urls[] = {
        "script:fuzz?codec=raw",
        "script:fuzz?codec=length-delimited-gzip&threshold=64",
        "script:fuzz?codec=varint",
        "script:fuzz?codec=length-field&width=2&offset=1&endian=little",
        "script:fuzz?codec=line&max-line=500",
        "script:fuzz?codec=auto:length-delimited-gzip,line",
#ifdef WEFT_HAS_HTTP
        "script:fuzz?codec=http&max-line=200&max-head=400&max-fields=8&cors=http://a",
#endif
    };
    const char *url = urls[data[0] % (sizeof urls / sizeof *urls)];
    const struct script_rules at_once = {0};
    const struct script_rules in_pieces = {
        .random_chunks = true,
        .read_chunk = 1 + data[1] % 64,
        .write_chunk = 1 + data[2],
        .read_eagain = data[1] & 128 ? 3 : 0,
        .write_eagain = data[2] & 1 ? 2 : 0,
    };
    struct weft_view input = weft_view(data + HEADER, size - HEADER);
    serve(url, &at_once, input, 1, &whole);
    serve(url, &in_pieces, input, data[1] * 256u + data[2], &split);
    demand(whole.size == split.size && memcmp(whole.data, split.data, whole.size) == 0,
           "the answer depends on how the input was split");
    return 0;
}
