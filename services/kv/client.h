/* SPDX-License-Identifier: MIT
 *
 * The kv commands as typed calls over a weft_client of any codec that carries protobuf or lines: with one that
 * speaks "line" they go as docs/wire.md has it under "kv in lines", otherwise as messages of abi.proto. A call is asynchronous: its done is
 * called later, on the loop's thread. Any number may be in flight, and replies keep the order of the
 * calls. Use everything here on the loop's thread only. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "core/client.h"
#include "services/kv/client_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* State that the kv calls of one connection share. It lies in the caller's memory. */
struct weft_kv_client {
    struct weft_client *connection; /* the caller's, who makes it and closes it */
    struct weft_arena arena;        /* holds the reply that a done is looking at */
    bool in_lines;                  /* ours: the codec speaks "line" */
};

/* Sets up *client; this cannot fail. `budget` limits the bytes that reading one reply may allocate; the
 * reply's own bytes do not count. A call whose reply needs more fails with WEFT_ETOOBIG. */
void weft_kv_client_init(struct weft_kv_client *client, struct weft_client *connection,
                         size_t budget);

/* Call it after weft_client_close(connection), and not from within a done. A zeroed client is fine. */
void weft_kv_client_fini(struct weft_kv_client *client);

/* One call. It is the caller's memory, which must stay in place until done is called. */
struct weft_kv_call {
    /* Called exactly once, on the loop's thread, never from within the call that starts it. With
     * status 0 there is a reply, whatever its own status says; it is valid until done returns.
     * Otherwise reply is NULL, and status is a failure that struct weft_call lists (core/client.h), or
     * WEFT_EMALFORMED (the message is no CommandResponse), WEFT_ETOOBIG (it is over the budget) or
     * -ENOMEM. done may make calls, close the connection, or free *call. */
    void (*done)(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply);
    int64_t timeout; /* nanoseconds from the call, 0: none */
    const char *why; /* out: what is wrong with a reply that could not be read, static; or NULL */
    struct weft_call call; /* ours; call.sent says whether the server may have acted on it */
    struct weft_kv_client *client; /* ours */
    int answer;                    /* ours: how the reply is read, if it is a line */
};

/* The commands. Each encodes its arguments before it returns, and borrows them no longer. Returns 0:
 * done will be called. Otherwise done will not be called, and *error says why: -EINVAL (a table, a key
 * or a string value is not UTF-8, the number of keys or pairs is wrong for the op, or a line cannot say it),
 * or an error of weft_client_call. */
WEFT_MUST_USE int weft_kv_client_send(struct weft_kv_client *client, struct weft_kv_call *call,
                                      const struct weft_kv_request *request,
                                      struct weft_error *error);

WEFT_MUST_USE int weft_kv_client_hget(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, struct weft_view key,
                                      struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hgetall(struct weft_kv_client *client, struct weft_kv_call *call,
                                         struct weft_view table, struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hmget(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, const struct weft_view *keys,
                                       size_t count, struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hset(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, const struct weft_kv_pair *pair,
                                      struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hmset(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, const struct weft_kv_pair *pairs,
                                       size_t count, struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hdel(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, struct weft_view key,
                                      struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hmdel(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, const struct weft_view *keys,
                                       size_t count, struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hexist(struct weft_kv_client *client, struct weft_kv_call *call,
                                        struct weft_view table, struct weft_view key,
                                        struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hmexist(struct weft_kv_client *client, struct weft_kv_call *call,
                                         struct weft_view table, const struct weft_view *keys,
                                         size_t count, struct weft_error *error);

/* Asks for one page. A server without hscan answers 501 or 400; hgetall, which such a server has, puts
 * all the pairs into one reply. */
WEFT_MUST_USE int weft_kv_client_hscan(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, struct weft_view cursor,
                                       uint32_t limit, struct weft_error *error);

/* The commands below need a server that has them, which an older one says with 501. */

/* Makes all changes or none. Unless a condition does not hold (412, and the states say which), the reply
 * has the values that the keys had, and if `state` is true the states that they have now. */
WEFT_MUST_USE int weft_kv_client_hput(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, const struct weft_kv_change *changes,
                                      size_t count, bool state, struct weft_error *error);

/* Adds to an integer or a float; the reply has the sum. 409: it is no number, or the sum is out of range. */
WEFT_MUST_USE int weft_kv_client_hincr(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, struct weft_view key, int64_t delta,
                                       struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hincr_float(struct weft_kv_client *client,
                                             struct weft_kv_call *call, struct weft_view table,
                                             struct weft_view key, double delta,
                                             struct weft_error *error);

/* Changes when keys expire, or asks. The reply has one bool per key, true if it was there, and states. */
WEFT_MUST_USE int weft_kv_client_hexpire(struct weft_kv_client *client, struct weft_kv_call *call,
                                         struct weft_view table, const struct weft_view *keys,
                                         size_t count, struct weft_kv_expiry expiry,
                                         struct weft_error *error);

/* Asks for one page of the tables whose names begin with prefix. */
WEFT_MUST_USE int weft_kv_client_tables(struct weft_kv_client *client, struct weft_kv_call *call,
                                        struct weft_view prefix, struct weft_view cursor,
                                        uint32_t limit, struct weft_error *error);
/* Removes a table; the reply has the number of keys that it had. */
WEFT_MUST_USE int weft_kv_client_drop(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, struct weft_error *error);
/* Asks for the number of a table's keys. */
WEFT_MUST_USE int weft_kv_client_count(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
