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

/* The members of `Value` (proto/abi.proto). */
enum kvc_type { KVC_EMPTY, KVC_STRING, KVC_BINARY, KVC_INTEGER, KVC_FLOAT, KVC_BOOL };

struct kvc_value {
    enum kvc_type type;
    union {
        struct weft_view bytes; /* KVC_STRING (UTF-8, NUL is a character), KVC_BINARY */
        int64_t integer;
        double number;
        bool boolean;
    };
};

struct kvc_pair {
    struct weft_view key;
    struct kvc_value value;
};

enum kvc_op {
    KVC_HGET = 1, /* as the fields of CommandRequest are numbered */
    KVC_HGETALL,
    KVC_HMGET,
    KVC_HSET,
    KVC_HMSET,
    KVC_HDEL,
    KVC_HMDEL,
    KVC_HEXIST,
    KVC_HMEXIST,
    KVC_HSCAN = 16
};

/* One command. hget, hdel and hexist take one key, their m-forms any number, hset one pair, hmset
 * any number, hgetall and hscan none. */
struct kvc_request {
    enum kvc_op op;
    struct weft_view table;
    const struct weft_view *keys;
    size_t key_count;
    const struct kvc_pair *pairs;
    size_t pair_count;
    struct weft_view cursor; /* hscan: of the page before; empty: the first page */
    uint32_t limit;          /* hscan: of pairs, 0: as the server likes */
};

/* What the server answered. */
struct kvc_reply {
    uint32_t status;          /* 200, 404, ...: docs/wire.md */
    struct weft_view message; /* the server's words, empty with 200 */
    const struct kvc_value *values;
    size_t value_count;
    const struct kvc_pair *pairs;
    size_t pair_count;
    struct weft_view cursor; /* hscan: where the next page begins; empty: this was the last */
};

/* What the kv calls of one connection share. In the caller's memory. */
struct kvc_client {
    struct weft_client *connection; /* the caller's, who makes and closes it */
    struct weft_arena arena;        /* the reply being handed to a done */
};

/* budget: bytes that one reply may become in memory, beside its own; a reply of more is done with
 * WEFT_ETOOBIG. Cannot fail. */
void kvc_client_init(struct kvc_client *client, struct weft_client *connection, size_t budget);

/* After weft_client_close(connection), not from within a done. A zeroed one is fine. */
void kvc_client_fini(struct kvc_client *client);

/* One call; the caller's memory until done was called. */
struct kvc_call {
    /* Exactly once, on the loop's thread, never from within the call that starts it. status 0: the
     * reply, whatever its own status says, is valid until done returns. Otherwise reply is NULL and
     * status is one of weft_call's, or WEFT_EMALFORMED where the message is no CommandResponse, or
     * -ENOMEM. done may make calls, close the connection, or free *call. */
    void (*done)(struct kvc_call *call, int status, const struct kvc_reply *reply);
    int64_t timeout;           /* nanoseconds from the call, 0: none */
    const char *why;           /* out, where the message was bad: what is wrong with it, static */
    struct weft_call call;     /* ours; call.sent says whether the server may have acted on it */
    struct kvc_client *client; /* ours */
};

/* The commands. Arguments are borrowed until the call returns: it encodes them. 0: done will be
 * called. Otherwise it will not, and *error says why: -EINVAL (a table or key is not UTF-8, or a
 * request has too many keys or pairs for its op), or what weft_client_call returns. */
WEFT_MUST_USE int kvc_send(struct kvc_client *client, struct kvc_call *call,
                           const struct kvc_request *request, struct weft_error *error);

WEFT_MUST_USE int kvc_hget(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
                           struct weft_view key, struct weft_error *error);
WEFT_MUST_USE int kvc_hgetall(struct kvc_client *client, struct kvc_call *call,
                              struct weft_view table, struct weft_error *error);
WEFT_MUST_USE int kvc_hmget(struct kvc_client *client, struct kvc_call *call,
                            struct weft_view table, const struct weft_view *keys, size_t count,
                            struct weft_error *error);
WEFT_MUST_USE int kvc_hset(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
                           const struct kvc_pair *pair, struct weft_error *error);
WEFT_MUST_USE int kvc_hmset(struct kvc_client *client, struct kvc_call *call,
                            struct weft_view table, const struct kvc_pair *pairs, size_t count,
                            struct weft_error *error);
WEFT_MUST_USE int kvc_hdel(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
                           struct weft_view key, struct weft_error *error);
WEFT_MUST_USE int kvc_hmdel(struct kvc_client *client, struct kvc_call *call,
                            struct weft_view table, const struct weft_view *keys, size_t count,
                            struct weft_error *error);
WEFT_MUST_USE int kvc_hexist(struct kvc_client *client, struct kvc_call *call,
                             struct weft_view table, struct weft_view key,
                             struct weft_error *error);
WEFT_MUST_USE int kvc_hmexist(struct kvc_client *client, struct kvc_call *call,
                              struct weft_view table, const struct weft_view *keys, size_t count,
                              struct weft_error *error);

/* One page; a server that has no hscan answers 501 or 400, and hgetall then says the same in one. */
WEFT_MUST_USE int kvc_hscan(struct kvc_client *client, struct kvc_call *call,
                            struct weft_view table, struct weft_view cursor, uint32_t limit,
                            struct weft_error *error);

#endif
