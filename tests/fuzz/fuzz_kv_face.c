/* SPDX-License-Identifier: MIT
 *
 * Any bytes as requests of a face of kv, which FACE names: its service must end each of them once, within call(), with
 * one reply. The bytes FF FE separate requests, so that later ones find what earlier ones have stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "lib/fake_request.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_REQUESTS = 64 };

static const struct weft_service *const face = &FACE;

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fuzz_kv_face: %s\n", rule);
    abort();
}

struct server {
    struct weft_limits limits;
    struct weft_kv_context context;
    struct weft_loop *loop;
    void *config, *loop_state, *conn_state;
    struct weft_deferred deferred;
    struct fake_request request;
};

static void *zeroed(size_t size)
{
    void *p = calloc(1, size + 1);
    demand(p != NULL, "no memory");
    return p;
}

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
    self->config = zeroed(face->config_size);
    self->loop_state = zeroed(face->loop_size);
    self->conn_state = zeroed(face->conn_size);
    demand(face->configure(self->config, &self->context, &options, &self->limits, &error) == 0 &&
               face->start(self->loop_state, self->config, self->loop) == 0 &&
               face->open(self->conn_state, self->loop_state) == 0,
           "no service");
}

static void server_fini(struct server *self)
{
    face->close(self->conn_state, self->loop_state);
    face->stop(self->loop_state);
    weft_kv_context_fini(&self->context);
    weft_loop_free(self->loop);
    free(self->config);
    free(self->loop_state);
    free(self->conn_state);
}

static void call(struct weft_deferred *deferred)
{
    struct server *self = weft_container_of(deferred, struct server, deferred);
    fake_request_call(&self->request, face, self->loop_state, self->conn_state);
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

/* Sends one request in a turn of its own. It must end within call() with one reply; a stream of events must begin
 * there, and end when it is cancelled. */
static void ask(struct server *self, struct weft_view payload)
{
    fake_request_init(&self->request, payload, self->limits.decode_bytes);
    take_turn(self, call);
    bool streams = !self->request.ended && self->request.request.on_cancel;
    if (streams)
        take_turn(self, cancel);
    demand(self->request.ended, "no end");
    demand(self->request.reply_count == 1 || (streams && self->request.reply_count > 0),
           "not one reply");
    fake_request_fini(&self->request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server server = {0};
    server_init(&server);
    for (int left = MOST_REQUESTS; left > 0; left--) {
        const uint8_t *end = size > 0 ? memmem(data, size, "\xff\xfe", 2) : NULL;
        size_t of_one = end ? (size_t)(end - data) : size;
        ask(&server, weft_view(data, of_one));
        if (!end)
            break;
        data += of_one + 2;
        size -= of_one + 2;
    }
    server_fini(&server);
    return 0;
}
