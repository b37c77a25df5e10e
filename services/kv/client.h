/* SPDX-License-Identifier: MIT
 *
 * The kv commands as typed calls over a weft_client of any codec. A call is asynchronous: its done is
 * called later, on the loop's thread. Any number may be in flight, and replies keep the order of the
 * calls. Use everything here on the loop's thread only. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include "core/base/bytes.h"
#include "core/client.h"
#include "core/base/mem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The members of `Value` (proto/abi.proto). */
enum weft_kv_type {
    WEFT_KV_EMPTY,
    WEFT_KV_STRING,
    WEFT_KV_BINARY,
    WEFT_KV_INTEGER,
    WEFT_KV_FLOAT,
    WEFT_KV_BOOL
};

struct weft_kv_value {
    enum weft_kv_type type;
    union {
        struct weft_view bytes; /* WEFT_KV_STRING (UTF-8, NUL is a character), WEFT_KV_BINARY */
        int64_t integer;
        double number;
        bool boolean;
    };
};

struct weft_kv_pair {
    struct weft_view key;
    struct weft_kv_value value;
};

enum weft_kv_op {
    WEFT_KV_HGET = 1, /* the numbers are those of CommandRequest's fields */
    WEFT_KV_HGETALL,
    WEFT_KV_HMGET,
    WEFT_KV_HSET,
    WEFT_KV_HMSET,
    WEFT_KV_HDEL,
    WEFT_KV_HMDEL,
    WEFT_KV_HEXIST,
    WEFT_KV_HMEXIST,
    WEFT_KV_HSCAN = 16
};

/* One command. hget, hdel and hexist take exactly one key; hmget, hmdel and hmexist take any number of
 * keys. hset takes exactly one pair, hmset any number. hgetall and hscan take no keys and no pairs. */
struct weft_kv_request {
    enum weft_kv_op op;
    struct weft_view table;
    const struct weft_view *keys;
    size_t key_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    struct weft_view cursor; /* hscan: the cursor of the page before; empty: the first page */
    uint32_t limit;          /* hscan: the most pairs of a page; 0: the server chooses */
};

/* The server's answer. */
struct weft_kv_reply {
    uint32_t status;          /* 200, 404, ...: docs/wire.md */
    struct weft_view message; /* the server's text, empty with 200 */
    const struct weft_kv_value *values;
    size_t value_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    struct weft_view cursor; /* hscan: where the next page begins; empty: this was the last */
};

/* State that the kv calls of one connection share. It lies in the caller's memory. */
struct weft_kv_client {
    struct weft_client *connection; /* the caller's, who makes it and closes it */
    struct weft_arena arena;        /* holds the reply that a done is looking at */
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
};

/* The commands. Each encodes its arguments before it returns, and borrows them no longer. Returns 0:
 * done will be called. Otherwise done will not be called, and *error says why: -EINVAL (a table, a key
 * or a string value is not UTF-8, or the number of keys or pairs is wrong for the op), or an error of
 * weft_client_call. */
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

#ifdef __cplusplus
}
#endif

#endif
