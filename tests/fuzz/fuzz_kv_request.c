/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a kv request: the short decoder, the long one and protobuf-c must agree on them, the
 * service must answer them once, with a reply that is well formed, and must do what it does for the
 * request that protobuf-c writes of them. */
#include <stdio.h>
#include <stdlib.h>

#include "abi.pb-c.h"
#include "core/base/compiler.h"
#include "core/loop.h"
#include "lib/fake_request.h"
#include "lib/kv_oracle.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"
#include "services/payload/protobuf/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fuzz_kv_request: %s\n", rule);
    abort();
}

struct server {
    struct weft_limits limits;
    struct weft_kv_context context;
    struct weft_loop *loop;
    void *config, *loop_state, *conn_state;
    struct weft_deferred deferred;
    struct fake_request request;
    bool
        streamed; /* the request was a stream, whose words name the time at which the store began */
};

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    demand(p != NULL, "no memory");
    return p;
}

/* The seed is fixed, so that an input does the same every time. */
static void server_init(struct server *self)
{
    static const uint8_t seed[16] = {0};
    struct weft_option_set options = {0};
    struct weft_error error;
    const struct weft_kv_limits kv_limits = weft_kv_limits_default();
    self->limits = weft_limits_default();
    demand(weft_loop_new(&self->loop, 0) == 0, "no loop");
    demand(weft_kv_context_init(&self->context, &weft_kv_store_memory, &kv_limits, seed, &error) ==
               0,
           "no store");
    self->config = zeroed(weft_kv_service.config_size);
    self->loop_state = zeroed(weft_kv_service.loop_size);
    self->conn_state = zeroed(weft_kv_service.conn_size);
    demand(weft_kv_service.configure(self->config, &self->context, &options, &self->limits,
                                     &error) == 0 &&
               weft_kv_service.start(self->loop_state, self->config, self->loop) == 0 &&
               weft_kv_service.open(self->conn_state, self->loop_state) == 0,
           "no service");
}

static void server_fini(struct server *self)
{
    weft_kv_service.close(self->conn_state, self->loop_state);
    weft_kv_service.stop(self->loop_state);
    weft_kv_context_fini(&self->context);
    weft_loop_free(self->loop);
    free(self->config);
    free(self->loop_state);
    free(self->conn_state);
}

static void call(struct weft_deferred *deferred)
{
    struct server *self = weft_container_of(deferred, struct server, deferred);
    fake_request_call(&self->request, &weft_kv_service, self->loop_state, self->conn_state);
}

static void cancel(struct weft_deferred *deferred)
{
    struct server *self = weft_container_of(deferred, struct server, deferred);
    self->request.request.on_cancel(&self->request.request, WEFT_REASON_DRAINED);
}

static void take_turn(struct server *self, void (*run)(struct weft_deferred *deferred))
{
    self->deferred.run = run;
    weft_loop_defer(self->loop, &self->deferred);
    virtual_loop_turn(self->loop);
}

/* Sends one request in a turn of its own. It must end within call() with one well-formed reply; a watch must end
 * when it is cancelled. The last reply is returned and lives until fake_request_fini. */
static struct weft_view ask(struct server *self, struct weft_view payload)
{
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    fake_request_init(&self->request, payload, self->limits.decode_bytes);
    take_turn(self, call);
    bool streams = self->streamed = !self->request.ended && self->request.request.on_cancel;
    if (streams)
        take_turn(self, cancel);
    demand(self->request.ended, "no end");
    demand(self->request.reply_count == 1 || (streams && self->request.reply_count > 1),
           "not one reply");
    struct weft_view reply = fake_request_reply(&self->request);
    demand(weft_pb_check(reply, &abi__command_response__descriptor, &budget) == 0,
           "a reply that is malformed");
    return reply;
}

/* Two services, one asked with the payload and one with the request that protobuf-c makes of it, must
 * answer alike, and alike the second time, when the first has had its effect. */
static void compare_effects(struct server *self, struct server *other, struct weft_view payload)
{
    struct weft_view reply = ask(self, payload);
    if (!self->request.bad) {
        struct weft_bytes plain = kv_oracle_repack(payload);
        demand(plain.data != NULL, "a request that protobuf-c cannot read");
        struct weft_view again = ask(other, weft_view(plain.data, plain.size));
        demand(self->streamed == other->streamed &&
                   (self->streamed || weft_view_equal(reply, again)),
               "the reply to the same request in its plain form");
        fake_request_fini(&other->request);
        free(plain.data);
    }
    fake_request_fini(&self->request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server server = {0}, other = {0};
    struct weft_view payload = weft_view(data, size);
    const char *difference = kv_oracle_differs(payload);
    if (difference)
        demand(false, difference);
    server_init(&server);
    server_init(&other);
    compare_effects(&server, &other, payload);
    compare_effects(&server, &other, payload);
    server_fini(&server);
    server_fini(&other);
    return 0;
}
