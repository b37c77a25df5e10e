/* SPDX-License-Identifier: MIT
 *
 * One redis-server, and a client of it that stands in for services/kv/stores/redis/redis.h. The client asks within a
 * deferred call and waits for the answer there, so a store on Redis works on the loop with virtual time. A plan makes
 * calls fail. Main thread only, but for the functions of redis.h. */
#ifndef TEST_REDIS_STAND_IN_H
#define TEST_REDIS_STAND_IN_H

#include <hiredis/hiredis.h>

#include "services/kv/stores/redis/redis.h"

/* kv_redis_timeout returns this, though it ends no call here. */
#define REDIS_STAND_IN_TIMEOUT INT64_C(4000000000)

/* Starts a server, and makes all clients that are started later use it. Ends it. */
void redis_stand_in_begin(void);
void redis_stand_in_end(void);

/* Executes a command on a connection of the test's own, as redisCommand does. The caller frees the reply. */
redisReply *redis_stand_in_command(const char *format, ...);

/* Returns a store that is `store` on the server, with buckets tables' buckets. Its init empties the server. The last
 * one that was made counts. */
const struct kv_store *redis_stand_in_store(const struct kv_store *store, const char *buckets);

/* A plan says how calls of all clients fail, from now on. */
struct redis_stand_in_plan {
    /* Which calls: those with this command, or that call the script with this digest. NULL: all. */
    const char *only;
    size_t after; /* so many of them are left alone first */
    size_t count; /* so many are then treated: */
    /* If it is set, it is called before each of them, which the server then answers. */
    void (*before)(void);
    bool execute; /* the server gets it, whatever the outcome is */
    enum redis_outcome outcome;
    /* With REDIS_ANSWERED: the answer, an error or a text. Both NULL: none comes, and the call waits for ever. */
    const char *error, *text;
};
void redis_stand_in_plan(const struct redis_stand_in_plan *plan);

/* Returns how many calls were answered since the last time that this was asked. */
size_t redis_stand_in_calls(void);
/* Tells the subscriptions of all clients a message of a channel, as they are told what a client publishes. */
void redis_stand_in_tell(struct weft_view channel, struct weft_view payload);
/* Says that all subscriptions were in force, once more: messages may be missing. */
void redis_stand_in_begin_again(void);
/* Makes each client say that its node was connected again. */
void redis_stand_in_reconnect(void);

#endif
