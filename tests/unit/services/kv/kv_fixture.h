/* SPDX-License-Identifier: MIT
 *
 * A kv service as a server holds it: a store, a loop with virtual time and one connection, without
 * sockets and codecs. */
#ifndef TEST_KV_FIXTURE_H
#define TEST_KV_FIXTURE_H

#include "lib/fake_request.h"
#include "services/kv/service.h"

struct kv_fixture {
    struct weft_limits limits; /* may be changed before the first request */
    struct weft_kv_context context;
    const struct weft_service *service;
    struct weft_loop *loop;
    void *config, *loop_state, *conn_state;
};

/* Makes the service; any failure ends the test. store NULL: the memory store. */
void kv_fixture_init(struct kv_fixture *self, const struct kv_store *store);
/* kv_fixture_init with limits other than the defaults. */
void kv_fixture_init_limited(struct kv_fixture *self, const struct kv_store *store,
                             const struct weft_limits *limits);
/* kv_fixture_init with another face of kv, and with options as in a URL. */
void kv_fixture_init_service(struct kv_fixture *self, const struct weft_service *service,
                             const struct weft_option_set *options, const struct kv_store *store,
                             const struct weft_limits *limits);
void kv_fixture_fini(struct kv_fixture *self);

/* Runs body(arg) within a turn of loop. */
void kv_in_turn(struct weft_loop *loop, void (*body)(void *arg), void *arg);

/* Hands request to the service within a turn. */
void kv_fixture_call(struct kv_fixture *self, struct fake_request *request);

/* Makes *request of payload and calls the service with it. The caller ends it with fake_request_fini. */
void kv_fixture_send(struct kv_fixture *self, struct fake_request *request,
                     struct weft_view payload);

/* Sends a request that is answered at once and returns the reply, which weft_bytes_fini frees. Sets *bad,
 * unless bad is NULL, to true if it ended as a bad request. */
struct weft_bytes kv_fixture_ask(struct kv_fixture *self, struct weft_view payload, bool *bad);

#endif
