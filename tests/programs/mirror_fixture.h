/* SPDX-License-Identifier: MIT
 *
 * A kvs, a mirror of one of its tables (client_watch.h) and eight writers of that table, on one loop of this process. A
 * failure is one of the running test. */
#ifndef MIRROR_FIXTURE_H
#define MIRROR_FIXTURE_H

#include "lib/kvs.h"
#include "lib/random.h"
#include "services/kv/client_watch.h"

enum {
    WRITERS = 8,
    PIPELINE = 16,
    BATCH = 8,     /* keys that an hmset of a writer sets */
    SHORT_MS = 50, /* the longest expiry that comes during a test */
    LONG_MS = 3600 * 1000
};

/* The value of each key is a number of at least 1; 0 means that there is none. Keys are numbers, too. */
struct copy {
    struct cell {
        uint64_t value, expires;
    } * cells;
    size_t count; /* keys with a value that has not expired */
};

/* How large a test is. */
struct size {
    size_t keys, writes, rounds;
    size_t drop_rounds; /* the table is dropped once in each of the first rounds */
};

struct writer {
    struct weft_client *connection;
    struct weft_kv_client client;
    struct test_random random;
    uint64_t left, in_flight;
    uint64_t drop_at; /* drops the table when so many writes are left; 0: never */
};

struct world {
    struct kvs kvs;
    struct weft_registry registry;
    struct weft_loop *loop;
    struct weft_client *connections[2];
    struct weft_kv_client clients[2];
    struct weft_kv_mirror mirror;
    struct copy mirrored, walked;
    struct writer writers[WRITERS];
    struct call {
        struct weft_kv_call call;
        struct world *world;
        struct writer *writer;
        struct call *next;
    } calls[WRITERS * PIPELINE], *free;
    struct size size;
    size_t most_held;
    uint64_t changes[WEFT_KV_CHANGED_DROPPED + 1]; /* told, of each kind */
    uint64_t failed, in_flight, fence;
    unsigned again; /* mirrors that had to begin anew */
    bool mirror_ended, mirror_again, is_done;
    char why[sizeof((struct weft_error *)0)->text];
    struct weft_kv_call ask;
    struct weft_bytes cursor;
};

/* The table that is mirrored. */
extern const struct weft_view mirror_table;

/* Milliseconds since 1970. */
uint64_t mirror_wall_ms(void);

/* Starts a kvs with these options, and connects the writers to its first endpoint, of codec raw. */
void mirror_world_start(struct world *world, const char *const *options, const struct size *size);
void mirror_world_stop(struct world *world);

/* Sets all keys, so that the mirror has something to walk. */
void mirror_fill(struct world *world);

/* Lets a writer go on until none of its writes is left. */
void mirror_write_on(struct world *world, struct writer *writer);

/* A new mirror knows nothing. */
void mirror_open(struct world *world);
void mirror_close(struct world *world);

void mirror_put(struct copy *copy, struct weft_view key, uint64_t value, uint64_t expires);
void mirror_clear(struct world *world, struct copy *copy);

#endif
