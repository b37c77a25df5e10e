/* SPDX-License-Identifier: MIT
 *
 * The kv commands as typed calls over a weft_client, whatever its codec. Asynchronous: a call is
 * made, and its done comes later on the loop's thread; any number may be in flight, replies keep
 * the order of the calls. Loop's thread only. */
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
    WEFT_KV_HGET = 1, /* as the fields of CommandRequest are numbered */
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

/* One command. hget, hdel and hexist take one key, their m-forms any number, hset one pair, hmset
 * any number, hgetall and hscan none. */
struct weft_kv_request {
    enum weft_kv_op op;
    struct weft_view table;
    const struct weft_view *keys;
    size_t key_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    struct weft_view cursor; /* hscan: of the page before; empty: the first page */
    uint32_t limit;          /* hscan: of pairs, 0: as the server likes */
};

/* What the server answered. */
struct weft_kv_reply {
    uint32_t status;          /* 200, 404, ...: docs/wire.md */
    struct weft_view message; /* the server's words, empty with 200 */
    const struct weft_kv_value *values;
    size_t value_count;
    const struct weft_kv_pair *pairs;
    size_t pair_count;
    struct weft_view cursor; /* hscan: where the next page begins; empty: this was the last */
};

/* What the kv calls of one connection share. In the caller's memory. */
struct weft_kv_client {
    struct weft_client *connection; /* the caller's, who makes and closes it */
    struct weft_arena arena;        /* the reply being handed to a done */
};

/* budget: bytes that one reply may become in memory, beside its own; a reply of more is done with
 * WEFT_ETOOBIG. Cannot fail. */
void weft_kv_client_init(struct weft_kv_client *client, struct weft_client *connection,
                         size_t budget);

/* After weft_client_close(connection), not from within a done. A zeroed one is fine. */
void weft_kv_client_fini(struct weft_kv_client *client);

/* One call; the caller's memory until done was called. */
struct weft_kv_call {
    /* Exactly once, on the loop's thread, never from within the call that starts it. status 0: the
     * reply, whatever its own status says, is valid until done returns. Otherwise reply is NULL and
     * status is one of weft_call's, or WEFT_EMALFORMED where the message is no CommandResponse, or
     * -ENOMEM. done may make calls, close the connection, or free *call. */
    void (*done)(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply);
    int64_t timeout;       /* nanoseconds from the call, 0: none */
    const char *why;       /* out, where the message was bad: what is wrong with it, static */
    struct weft_call call; /* ours; call.sent says whether the server may have acted on it */
    struct weft_kv_client *client; /* ours */
};

/* The commands. Arguments are borrowed until the call returns: it encodes them. 0: done will be
 * called. Otherwise it will not, and *error says why: -EINVAL (a table or key is not UTF-8, or a
 * request has too many keys or pairs for its op), or what weft_client_call returns. */
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

/* One page; a server that has no hscan answers 501 or 400, and hgetall then says the same in one. */
WEFT_MUST_USE int weft_kv_client_hscan(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, struct weft_view cursor,
                                       uint32_t limit, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
