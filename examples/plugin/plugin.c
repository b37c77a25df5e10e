/* SPDX-License-Identifier: MIT
 *
 * A plugin: the codec netstring, and a service that counts the messages of each connection. It is
 * linked with no library of weft, because the program that loads it has their functions.
 *
 *     cc -std=c17 -shared -fPIC -o plugin.so plugin.c netstring.c $(pkg-config --cflags weft)
 *     kvs --plugin ./plugin.so --listen 'unix:/tmp/kv.sock?codec=netstring' \
 *         --listen 'unix:/tmp/count.sock?codec=netstring&service=counter&from=100'
 *     kvc --plugin ./plugin.so --server 'unix:/tmp/kv.sock?codec=netstring' hset table key value
 */
#include <inttypes.h>
#include <stdio.h>

#include <weft/base/units.h>
#include <weft/plugin.h>

#include "netstring.h"

struct counter_config {
    uint64_t from;
};

struct counter_loop {
    const struct counter_config *config;
};

struct counter_conn {
    uint64_t count;
};

static const struct weft_option options[] = {
    {.name = "from", .values = "N", .help = "what the first message of a connection is answered"},
    {.name = NULL},
};

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)context, (void)limits;
    struct counter_config *counter = config;
    const char *from = weft_option_get(set, "from");
    counter->from = 1;
    if (from && weft_parse_count(from, &counter->from) < 0)
        return weft_error_set(error, WEFT_ECONFIG, "from: '%.64s' is not a number", from);
    return 0;
}

static int start(void *loop_state, const void *config, struct weft_loop *loop)
{
    (void)loop;
    ((struct counter_loop *)loop_state)->config = config;
    return 0;
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    const struct counter_loop *loop = loop_state;
    struct counter_conn *conn = conn_state;
    char text[24];
    int size = snprintf(text, sizeof text, "%" PRIu64, loop->config->from + conn->count++);
    struct weft_body_bytes body = weft_body_from_view(weft_view(text, (size_t)size));
    /* A request that ends within call() is never told to wait, see weft_request_end. */
    (void)!weft_request_end(request, &body.body);
}

static const struct weft_service counter = {
    .name = "counter",
    .speaks = "text",
    .options = options,
    .config_size = sizeof(struct counter_config),
    .loop_size = sizeof(struct counter_loop),
    .conn_size = sizeof(struct counter_conn),
    .configure = configure,
    .start = start,
    .call = call,
};

static const struct weft_codec *const codecs[] = {&codec_netstring, NULL};
static const struct weft_service *const services[] = {&counter, NULL};

WEFT_PLUGIN(.name = "counter", .version = "1.0", .licence = "MIT", .codecs = codecs,
            .services = services);
