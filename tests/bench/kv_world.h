/* SPDX-License-Identifier: MIT
 *
 * All of kvs but the kernel: server, default codec, kv and the memory store on one virtual loop, and
 * one client at the other end of a scripted connection. The seed of the store's hash is fixed, so
 * that two runs do the same. One at a time: the scripted transport has one world. */
#ifndef BENCH_KV_WORLD_H
#define BENCH_KV_WORLD_H

#include "core/server.h"
#include "services/kv/service.h"

struct script_end;
struct weft_metrics;
struct weft_users;

struct kv_world {
    struct weft_kv_context context;
    struct weft_limits limits;
    struct weft_registry registry;
    struct weft_server *server;
    struct weft_loop *loop;
    struct script_end *client;
    struct weft_users *users;     /* NULL: it has none */
    struct weft_metrics *metrics; /* NULL: nobody counts */
};

/* A world may have these besides the server, the store and the client. */
struct kv_world_options {
    const char *variant; /* the URL of another codec at the same address, or NULL */
    const char *rules;   /* of the user that the client logs in as, or NULL: nobody has to log in */
    bool measured;       /* the layer of metrics counts; not together with rules */
};

/* A failure in either ends the program. */
void kv_world_init(struct kv_world *self, const struct kv_world_options *options);
void kv_world_fini(struct kv_world *self);

/* Sends bytes at once, and has turns until all is answered: so many bytes. */
size_t kv_world_exchange(struct kv_world *self, struct weft_view bytes);

/* Frames of `count` requests, hset or hget of table1's keys "key:0000000000" and on from number
 * `first`; a value is size bytes. free() them. */
struct weft_bytes kv_world_frames(bool sets, size_t first, size_t count, size_t size);

/* `count` commands of Redis: SET or GET of keys, HSET or HGET of fields of one hash. free() them. */
struct weft_bytes kv_world_commands(const char *command, size_t first, size_t count, size_t size);

#endif
