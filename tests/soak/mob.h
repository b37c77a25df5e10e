/* SPDX-License-Identifier: MIT
 *
 * The mob: threads that attack, one way after another. What a well-defended server does about each
 * attack is checked where docs/wire.md says what that is. */
#ifndef SOAK_MOB_H
#define SOAK_MOB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/random.h"
#include "lib/wire.h"

enum { MOB_ATTACKS_MAX = 32, MOB_PARKED = 64 };

/* A connection that an attack left behind, for the server to end. */
struct mob_parked {
    int fd; /* -1: none */
    bool trickles;
    int64_t deadline; /* by when it must be ended; 0: some day */
};

/* Frames that are costly to make, shared by all attackers and constant. */
struct mob_arsenal {
    struct wire_bytes bomb, zeros, pairs; /* of more pairs than decode-elements lets pass */
};

struct mob {
    pthread_t thread;
    const char *gzip_url, *raw_url;
    const struct mob_arsenal *arsenal;
    int64_t timeout; /* nanoseconds that the server's timeouts are set to */
    const atomic_bool *stop;
    struct test_random random;
    struct mob_parked parked[MOB_PARKED];
    size_t next_parked;
    int64_t next_tending;

    /* After the join. */
    uint64_t thrown[MOB_ATTACKS_MAX]; /* in the order of attacks() */
    char failure[256];                /* what was wrong first; "": nothing */
};

struct attack {
    const char *name;
    unsigned weight; /* how often, against the others' */
    /* Returns NULL where the server did what it should, else what it did. */
    const char *(*run)(struct mob *mob);
};

/* Ended by a NULL name. */
const struct attack *attacks(void);

void mob_arsenal_init(struct mob_arsenal *arsenal);
void mob_arsenal_fini(struct mob_arsenal *arsenal);

/* gzip_url, raw_url, arsenal, timeout, stop and random are set, the rest is zero. */
void mob_start(struct mob *mob);
void mob_join(struct mob *mob);

/* For attacks: leaves fd open until the server ends it, which it does within its timeouts where
 * `ends`, or its place is needed. */
void mob_park(struct mob *mob, int fd, bool ends, bool trickles);

#endif
