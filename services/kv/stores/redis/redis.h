/* SPDX-License-Identifier: MIT
 *
 * A client of Redis, for a store: a cluster (`redis-cluster:`) or one node (`redis:`), with one pipelined connection
 * per master and loop, and one more for writes that wait for replicas. hiredis reads the replies; the bytes go over streams of the core (transport.h), so TLS is the
 * filter tls. Nothing here blocks, but a connect to a node that the cluster names by a host name, which is resolved then.
 *
 * Everything of a cluster is used on its loop's thread. Protocol: RESP2,
 * https://redis.io/docs/latest/develop/reference/protocol-spec; slots, MOVED and ASK:
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec. Redis 6.2 to 7 and Valkey. */
#ifndef KV_REDIS_H
#define KV_REDIS_H

#include <hiredis/hiredis.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "core/base/samples.h"
#include "services/kv/store.h"

struct redis_shared;  /* what the clusters of all loops share: the options and the counters */
struct redis_cluster; /* the connections of one loop */
struct redis_node;    /* one node, as one loop knows it */
struct redis_list;

enum { REDIS_SLOTS = 16384, REDIS_ANY_SLOT = -1 };

/* Reads where ("//HOST:PORT,HOST:PORT..." of `--store redis-cluster://HOST:PORT,...`), the options of
 * REDIS_OPTIONS (options.h), and the registry of *options. With `single` there is one node and no slot map. Connects
 * to nothing yet. Returns 0, or an error with one line in *error. */
WEFT_MUST_USE int kv_redis_shared_new(struct redis_shared **shared,
                                      const struct kv_store_options *options, bool single,
                                      struct weft_error *error);
/* Finds out if calls can be made at all: connects, asks for a key, and closes the connections. It blocks until there is
 * an answer, at most for the option `timeout`, and is called before any start. Returns 0, or an error with one line in
 * *error, which says what was wrong last: -EHOSTUNREACH if no call was answered. */
WEFT_MUST_USE int kv_redis_check(struct redis_shared *shared, struct weft_error *error);
/* Call it after the stop of every cluster. Does nothing with NULL. */
void kv_redis_shared_free(struct redis_shared *shared);
/* Tells the samples of all loops. Any thread. */
void kv_redis_collect(struct redis_shared *shared, struct weft_samples *samples);
/* Returns the option `timeout` in nanoseconds. Any thread. */
int64_t kv_redis_timeout(const struct redis_shared *shared);

/* Returns the number of the database: 0 in a cluster. */
unsigned kv_redis_database(const struct redis_shared *shared);

struct redis_hooks {
    /* NULL, or called when a node is connected and its password is accepted, the first time and after each
     * reconnect. Calls without `ack` that are submitted to the node within the hook are sent before all that wait for it,
     * and writes that wait for replicas only after those are answered, so scripts are loaded before they are used. They
     * end before the hook is called for the node again. */
    void (*node_up)(void *arg, struct redis_node *node);
    /* NULL, or called when the epoch has changed. */
    void (*slots_changed)(void *arg);
    void *arg;
};

/* Begins to connect, once the loop runs. Calls may be submitted at once; they wait until the slots are known.
 * *hooks is copied. Returns 0, or -errno with *cluster NULL. */
WEFT_MUST_USE int kv_redis_start(struct redis_cluster **cluster, struct redis_shared *shared,
                                 struct weft_loop *loop, const struct redis_hooks *hooks);
/* Closes the connections. Each call that is left ends before this returns, and so does any that its done submits, which
 * therefore must not go on for ever. Must not be called within a callback of this header. Does nothing with NULL. */
void kv_redis_stop(struct redis_cluster *cluster);

enum redis_outcome {
    /* `reply` is the answer of the node that executed the call. It may be an error (REDIS_REPLY_ERROR), but none of
     * those that are retried here: MOVED, ASK, TRYAGAIN, CLUSTERDOWN, LOADING, MASTERDOWN, READONLY and BUSY. */
    REDIS_ANSWERED,
    REDIS_UNAVAILABLE, /* nothing took effect: there was no connection, no room, no memory or no time */
    /* A write was sent, and then its time was over or the connection broke; or it took effect, but fewer replicas
     * acknowledged it than `ack` asks for. It may have taken effect, or may still do so. Never the outcome of a read. */
    REDIS_UNKNOWN,
};

/* One command. The memory is the caller's, zeroed before first use, and is borrowed with all that it refers to from
 * submit until done is called or cancel returns. It must not change meanwhile. */
struct redis_call {
    const struct weft_view *args; /* the command's name and its arguments, any bytes */
    size_t count;
    int slot; /* 0 to REDIS_SLOTS - 1: of its keys (kv_redis_slot); REDIS_ANY_SLOT: any master will do */
    /* If it is not NULL, the call goes to this node, whatever its slots are. A redirection (MOVED, ASK) is then an
     * answer like any other, and a read that was sent over a connection that broke is not sent again. */
    struct redis_node *node;
    /* True: it may change something, so once it was sent it is never sent again without an answer that says that
     * nothing took effect. A read is sent again, elsewhere too, if a connection breaks. */
    bool write;
    /* True for a write that has to be acknowledged as the option `ack` says. Then done comes after that, and one WAIT (or
     * WAITAOF) stands for all writes that left in one turn. */
    bool ack;
    int64_t timeout; /* nanoseconds from submit to done; 0: that of the option `timeout` */

    /* Called once, never from within submit, but in a later callback of the loop: in the turn of submit or in a
     * later one. `reply` is NULL unless the outcome is REDIS_ANSWERED, and is valid until done returns. done may
     * submit the call again, free it, and submit and cancel others. */
    void (*done)(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply);

    /* The client's own, from submit to done. */
    struct {
        struct redis_list *list;
        struct redis_call *next, **link;
        struct redis_node *node;
        int64_t deadline, due;
        uint64_t place;
        redisReply *reply;
        uint8_t tries, outcome;
        bool asking, is_hasty;
    } own;
};

/* Submits a call. It always ends by done, or by cancel. Calls of one node are executed there in the order submitted:
 * those with `ack`, unless the option is `master`, and the others by themselves, since each kind has a connection. A
 * call that was redirected or tried again comes later than that, and so do those that wait for the slot map; who
 * needs an order waits for done. */
void kv_redis_submit(struct redis_cluster *cluster, struct redis_call *call);

/* Takes a submitted call back: done is not called any more, and the memory is the caller's again. Returns true if it
 * is a write that was sent, so that it may take effect. */
bool kv_redis_cancel(struct redis_cluster *cluster, struct redis_call *call);

/* Returns the node that has answered. For done, with REDIS_ANSWERED. */
struct redis_node *kv_redis_answered_by(const struct redis_call *call);
/* Returns a copy of a reply, which lies in the arena; NULL: no memory. */
WEFT_MUST_USE redisReply *kv_redis_copy(struct weft_arena *arena, const redisReply *reply);

/* Returns the slot of a key: CRC16 of the key or, if it has braces with bytes between them, of what is between the
 * first `{` and the first `}` behind it. */
unsigned kv_redis_slot(struct weft_view key);

/* The masters that serve slots, at present. There are none until the slots are known; a single node is one master.
 * A node is valid until the caller returns to the loop, or until node_up or slots_changed is called. A call that has it
 * keeps it valid. */
size_t kv_redis_masters(const struct redis_cluster *cluster);
struct redis_node *kv_redis_master(const struct redis_cluster *cluster, size_t i);
/* Returns the master of a slot, or NULL if none is known. */
struct redis_node *kv_redis_master_of(const struct redis_cluster *cluster, unsigned slot);
/* A number that the client keeps for whoever uses the cluster: 0 at first, and as long as the node is known. */
uint64_t *kv_redis_node_mark(struct redis_node *node);
/* Returns "HOST:PORT". */
const char *kv_redis_node_name(const struct redis_node *node);
/* Returns a number that changes whenever a slot gets another master. It is 0 until the slots are known. */
uint64_t kv_redis_epoch(const struct redis_cluster *cluster);

#endif
