/* SPDX-License-Identifier: MIT */
#include "kv_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/stores.h"

/* The fixture's own memory comes from the C library, so that failing allocations are the
 * service's. */
static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    assert_non_null(p);
    return p;
}

void kv_fixture_init_service(struct kv_fixture *self, const struct weft_service *service,
                             const struct weft_option_set *options, const struct kv_store *store,
                             const struct weft_limits *limits)
{
    const struct weft_kv_limits kv_limits = weft_kv_limits_default();
    struct weft_error error;
    self->limits = *limits;
    self->service = service;
    if (!store)
        store = &weft_kv_store_memory;
    assert_int_equal(weft_loop_new(&self->loop, 0), 0);
    assert_int_equal(weft_kv_context_init(&self->context, store, &kv_limits, NULL, &error), 0);
    self->config = zeroed(self->service->config_size);
    self->loop_state = zeroed(self->service->loop_size);
    self->conn_state = zeroed(self->service->conn_size);
    assert_int_equal(
        self->service->configure(self->config, &self->context, options, &self->limits, &error), 0);
    assert_int_equal(self->service->start(self->loop_state, self->config, self->loop), 0);
    assert_int_equal(self->service->open(self->conn_state, self->loop_state), 0);
}

void kv_fixture_init_limited(struct kv_fixture *self, const struct kv_store *store,
                             const struct weft_limits *limits)
{
    const struct weft_option_set none = {0};
    kv_fixture_init_service(self, &weft_kv_service, &none, store, limits);
}

void kv_fixture_init(struct kv_fixture *self, const struct kv_store *store)
{
    struct weft_limits limits = weft_limits_default();
    kv_fixture_init_limited(self, store, &limits);
}

void kv_fixture_fini(struct kv_fixture *self)
{
    self->service->close(self->conn_state, self->loop_state);
    self->service->stop(self->loop_state);
    weft_kv_context_fini(&self->context);
    weft_loop_free(self->loop);
    free(self->config);
    free(self->loop_state);
    free(self->conn_state);
}

struct in_turn {
    struct weft_deferred deferred;
    void (*body)(void *arg);
    void *arg;
};

static void run_in_turn(struct weft_deferred *deferred)
{
    struct in_turn *self = weft_container_of(deferred, struct in_turn, deferred);
    self->body(self->arg);
}

void kv_in_turn(struct weft_loop *loop, void (*body)(void *arg), void *arg)
{
    struct in_turn self = {.deferred.run = run_in_turn, .body = body, .arg = arg};
    weft_loop_defer(loop, &self.deferred);
    virtual_loop_turn(loop);
}

struct call {
    struct kv_fixture *fixture;
    struct fake_request *request;
};

static void run_call(void *arg)
{
    struct call *call = arg;
    fake_request_call(call->request, call->fixture->service, call->fixture->loop_state,
                      call->fixture->conn_state);
}

void kv_fixture_call(struct kv_fixture *self, struct fake_request *request)
{
    struct call call = {self, request};
    kv_in_turn(self->loop, run_call, &call);
}

void kv_fixture_send(struct kv_fixture *self, struct fake_request *request,
                     struct weft_view payload)
{
    fake_request_init(request, payload, self->limits.decode_bytes);
    kv_fixture_call(self, request);
}

struct weft_bytes kv_fixture_ask(struct kv_fixture *self, struct weft_view payload, bool *bad)
{
    struct fake_request request;
    struct weft_bytes reply;
    kv_fixture_send(self, &request, payload);
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 1);
    if (bad)
        *bad = request.bad;
    /* The copy is taken over as it is. */
    reply = request.replies[0];
    request.reply_count = 0;
    fake_request_fini(&request);
    return reply;
}
