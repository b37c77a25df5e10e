/* SPDX-License-Identifier: MIT
 *
 * One connection to one node: it connects, logs in, sends commands and reads replies, and connects again after it broke,
 * with a growing pause. What the commands are for is its owner's matter. */
#ifndef KV_REDIS_LINK_H
#define KV_REDIS_LINK_H

#include "core/base/chain.h"
#include "core/loop.h"
#include "core/transport.h"
#include "reply.h"
#include "shared.h"

enum redis_link_state {
    REDIS_LINK_CLOSED,
    REDIS_LINK_PAUSING, /* it connects when the timer fires */
    REDIS_LINK_CONNECTING,
    REDIS_LINK_GREETING, /* the password is on its way */
    REDIS_LINK_UP,
};

struct redis_link;

/* The owner's. All are called from the loop, never from within a function of this header but kv_redis_link_break. */
struct redis_link_events {
    void (*up)(struct redis_link *link);
    /* Adds commands with kv_redis_link_send, as far as kv_redis_link_has_room. */
    void (*fill)(struct redis_link *link);
    void (*answer)(struct redis_link *link, redisReply *reply);
    /* The connection broke, or the attempt failed. `taken` is as it was at the end. */
    void (*down)(struct redis_link *link);
};

/* The memory is the owner's, zeroed before open. */
struct redis_link {
    const struct redis_link_events *events;
    struct redis_shared *shared;
    struct redis_counts *counts;
    struct weft_loop *loop;
    struct weft_piece_pool *pool;
    uint64_t *random;    /* state of a generator, for the pauses */
    const char *purpose; /* for the log: "calls", "writes" or "messages" */
    int64_t silence;     /* nanoseconds after which a node that owes an answer counts as frozen */
    bool has_waits;      /* it sends WAIT or WAITAOF */
    char host[REDIS_HOST_MAX];
    char name[REDIS_NAME_MAX]; /* HOST:PORT */
    uint16_t port;

    enum redis_link_state state;
    bool was_up;        /* it has been up since the last line of the log about it */
    unsigned failures;  /* in a row */
    unsigned greetings; /* replies of the greeting that are still to come */
    size_t expected;    /* replies to come */
    uint64_t given,
        taken; /* bytes of this connection: sent to the chain, and taken by the stream */
    int64_t
        heard; /* when the last byte came, or when the first reply became due after all had come */
    struct weft_dialer *dialer;
    struct weft_stream *stream;
    struct weft_chain out;
    struct redis_reader reader;
    struct weft_timer timer;
    struct weft_deferred flush;
};

/* Sets up a link to a node; host, shared, counts, loop, pool, random and events are set by then. */
void kv_redis_link_init(struct redis_link *link);
/* Begins to connect, in a later turn, unless it has begun. */
void kv_redis_link_open(struct redis_link *link);
/* Has a link that is closed, or whose connection broke, connect to another node next time. */
void kv_redis_link_move(struct redis_link *link, const char *host, uint16_t port);
/* Closes the connection and frees what it has. No event follows. The link can be opened again. */
void kv_redis_link_close(struct redis_link *link);
/* Ends a connection of which `why` tells that it is no good: down is called, and it connects again. */
void kv_redis_link_break(struct redis_link *link, const char *why);

/* Has fill called, and what it adds sent, later in this turn or in the next. */
void kv_redis_link_wake(struct redis_link *link);
/* True if one more command may be added: the chain holds no more than enough. */
bool kv_redis_link_has_room(const struct redis_link *link);
/* Adds a command, to be sent when up or fill returns. It has `replies` replies. Returns 0, or -ENOMEM: nothing was
 * added. */
WEFT_MUST_USE int kv_redis_link_send(struct redis_link *link, const struct weft_view *args,
                                     size_t count, size_t replies);

/* Returns a number of 0 to most - 1 for pauses and turns, not for secrets. */
uint64_t kv_redis_random(uint64_t *state, uint64_t most);

#endif
