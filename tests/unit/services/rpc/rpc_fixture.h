/* SPDX-License-Identifier: MIT
 *
 * The service of sample.proto, whose functions do what the text of a request says, and requests to it that have
 * no connection. */
#ifndef TEST_RPC_FIXTURE_H
#define TEST_RPC_FIXTURE_H

#include "lib/fake_request.h"
#include "lib/virtual_loop.h"
#include "old.pb-c.h"
#include "sample.pb-c.h"
#include "services/rpc/set.h"

enum { FRAMES, HTTP };

struct rpc_world {
    struct weft_loop *loop;
    struct weft_rpc *rpc;
    struct weft_registry registry;
    void *states[WEFT__RPC_FACES];
};

/* The call whose function has returned without an end, and what it has heard. */
struct rpc_open {
    struct weft_rpc_call *call;
    const Sample__Text *text; /* kept, or NULL */
    unsigned rooms, cancels;
    enum weft_rpc_code code; /* of the last cancel */
};
extern struct rpc_open rpc_open;

/* False: there was no memory for all of it. */
bool rpc_world_init(struct rpc_world *self);
void rpc_world_fini(struct rpc_world *self);

/* Fixtures of cmocka: the world is the state of a test. */
int rpc_setup(void **state);
int rpc_teardown(void **state);

/* Makes the payload of a frame: a Call of "sample.Sample/METHOD" with a Text. Returns its size. */
size_t rpc_frame(uint8_t *dst, const char *method, const char *text, uint32_t count,
                 uint64_t timeout_ms);
/* Makes the payload of an HTTP request. */
size_t rpc_post(char *dst, size_t room, const char *target, const char *fields, const char *json);

/* Calls a face with a payload. The request is to be ended with fake_request_fini. */
void rpc_call(struct rpc_world *self, int face, struct fake_request *request,
              struct weft_view payload);
void rpc_call_frame(struct rpc_world *self, struct fake_request *request, const char *method,
                    const char *text, uint32_t count);
void rpc_call_json(struct rpc_world *self, struct fake_request *request, const char *target,
                   const char *json);

/* A Reply of a frame. */
struct rpc_reply {
    uint32_t code;
    char message[256], text[256]; /* text: of the response, a Text */
    uint32_t count;
    bool has_response, more;
};
struct rpc_reply rpc_reply_at(const struct fake_request *request, size_t i);

#endif
