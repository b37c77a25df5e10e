/* SPDX-License-Identifier: MIT
 *
 * The kv commands as typed calls over a weft_client (core/client.h). If the client's codec speaks "line", commands
 * are sent as lines (docs/wire.md), otherwise as messages of proto/abi.proto.
 *
 * A call is asynchronous: its done is called later. Many calls may be in flight; replies come in the order of the
 * calls. Use all functions on the thread of the client's loop only. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "core/client.h"
#include "services/kv/client_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* State that the kv calls of one connection share. The caller provides the memory, which must stay in place from
 * init to fini. Its fields are private. */
struct weft_kv_client {
    struct weft_client *connection; /* borrowed: the caller makes it and closes it */
    struct weft_arena arena;        /* holds the reply that is passed to done */
    bool in_lines;                  /* the codec speaks "line" */
};

/* Sets up *client; this cannot fail. `budget` limits the bytes that may be allocated to read one reply, not
 * counting the bytes received. A call whose reply needs more ends with WEFT_ETOOBIG. */
void weft_kv_client_init(struct weft_kv_client *client, struct weft_client *connection,
                         size_t budget);

/* Frees the memory of *client. Call it after weft_client_close(connection), which ends all calls, and not from
 * within a done. A zeroed client is fine. */
void weft_kv_client_fini(struct weft_kv_client *client);

/* One call. The caller provides the memory, which must stay in place until done is called, and sets done and
 * timeout. */
struct weft_kv_call {
    /* Called exactly once, on the loop's thread, and never before the function that starts the call has returned.
     * Status 0: the server has replied. reply->status may still be an error of the server. The reply is valid
     * until done returns. Otherwise reply is NULL, and status is one of those that struct weft_call lists
     * (core/client.h), or WEFT_EMALFORMED (the reply cannot be read), WEFT_ETOOBIG (it is over the budget) or
     * -ENOMEM. done may make calls, close the connection, or free *call. */
    void (*done)(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply);
    int64_t timeout; /* nanoseconds from the start of the call; 0: none */
    const char *why; /* out: why a reply could not be read, static text; or NULL */
    /* Private, but call.sent may be read: true if the server may have acted on it. */
    struct weft_call call;
    struct weft_kv_client *client; /* private */
    int answer;                    /* private: how to read a reply that is a line */
};

/* Starts the command of *request. The functions below do that for one command each. All borrow their arguments,
 * except client and call, only until they return. They return 0 if done will be called. Otherwise done will not be
 * called, and *error has one line: -EINVAL if the request is not valid (a text that has to be UTF-8 is not, or the
 * op does not take that many keys, pairs or changes) or cannot be expressed as a line; -ENOTSUP if the codec carries
 * lines, which have no such op; or an error of weft_client_call, of which -EAGAIN means that too much is in flight. */
WEFT_MUST_USE int weft_kv_client_send(struct weft_kv_client *client, struct weft_kv_call *call,
                                      const struct weft_kv_request *request,
                                      struct weft_error *error);

/* Proves to a server with users who the client is. The reply has status 200 if it does. Otherwise it has 401 if the
 * user or the password is wrong, 429 if too many logins wait, or 501 if the server has no users; reply->message
 * explains it. A login holds for its connection, so this is the first call on each new one. Other calls may follow at
 * once: the server reads them when the login is answered. Both texts are UTF-8 and not empty. */
WEFT_MUST_USE int weft_kv_client_login(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view user, struct weft_view password,
                                       struct weft_error *error);

/* The reply has the value of the key. It has status 404 if the key is absent. */
WEFT_MUST_USE int weft_kv_client_hget(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, struct weft_view key,
                                      struct weft_error *error);
/* The reply has all pairs of the table. */
WEFT_MUST_USE int weft_kv_client_hgetall(struct weft_kv_client *client, struct weft_kv_call *call,
                                         struct weft_view table, struct weft_error *error);
/* The reply has one value per key; it is WEFT_KV_EMPTY for an absent key. */
WEFT_MUST_USE int weft_kv_client_hmget(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, const struct weft_view *keys,
                                       size_t count, struct weft_error *error);
/* These store or remove keys. The reply has one value per pair or key: the one from before, or WEFT_KV_EMPTY. */
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
/* The reply has one bool per key: true if it is present. */
WEFT_MUST_USE int weft_kv_client_hexist(struct weft_kv_client *client, struct weft_kv_call *call,
                                        struct weft_view table, struct weft_view key,
                                        struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hmexist(struct weft_kv_client *client, struct weft_kv_call *call,
                                         struct weft_view table, const struct weft_view *keys,
                                         size_t count, struct weft_error *error);

/* Asks for one page of the table. An empty cursor asks for the first page; otherwise it is the cursor of the reply
 * before. limit is the most pairs of the page; 0: the server chooses. An old server without hscan answers 501 or
 * 400; use hgetall then, which puts all pairs into one reply. */
WEFT_MUST_USE int weft_kv_client_hscan(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, struct weft_view cursor,
                                       uint32_t limit, struct weft_error *error);

/* An old server without the commands below answers 501. */

/* Makes all changes or none. If a condition does not hold, the reply has status 412, and `unmet` of its states says
 * which. Otherwise it has the values from before, and if `state` is true the states of the keys afterwards. */
WEFT_MUST_USE int weft_kv_client_hput(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, const struct weft_kv_change *changes,
                                      size_t count, bool state, struct weft_error *error);

/* Adds delta to an integer or a float; an absent key counts as 0. The reply has the sum as its one value. It has
 * status 409 if the value is no such number, or if the sum is out of range. */
WEFT_MUST_USE int weft_kv_client_hincr(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, struct weft_view key, int64_t delta,
                                       struct weft_error *error);
WEFT_MUST_USE int weft_kv_client_hincr_float(struct weft_kv_client *client,
                                             struct weft_kv_call *call, struct weft_view table,
                                             struct weft_view key, double delta,
                                             struct weft_error *error);

/* Sets the expiry of keys; a zeroed expiry changes nothing and only asks. The reply has one bool per key, true if
 * the key was present, and one state per key; if the codec carries lines, setting a time is answered without states. */
WEFT_MUST_USE int weft_kv_client_hexpire(struct weft_kv_client *client, struct weft_kv_call *call,
                                         struct weft_view table, const struct weft_view *keys,
                                         size_t count, struct weft_kv_expiry expiry,
                                         struct weft_error *error);

/* Asks for one page of the tables whose names begin with prefix; cursor and limit are as for hscan. */
WEFT_MUST_USE int weft_kv_client_tables(struct weft_kv_client *client, struct weft_kv_call *call,
                                        struct weft_view prefix, struct weft_view cursor,
                                        uint32_t limit, struct weft_error *error);
/* Removes a table. The reply has the number of keys that it had as its one value. */
WEFT_MUST_USE int weft_kv_client_drop(struct weft_kv_client *client, struct weft_kv_call *call,
                                      struct weft_view table, struct weft_error *error);
/* The reply has the number of keys of the table as its one value. */
WEFT_MUST_USE int weft_kv_client_count(struct weft_kv_client *client, struct weft_kv_call *call,
                                       struct weft_view table, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
