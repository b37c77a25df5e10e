/* SPDX-License-Identifier: MIT
 *
 * A copy of a store that is made and kept by following it: follow, walk, apply. One thread, that of the client's
 * loop. What fails aborts. */
#ifndef TEST_CHANGE_MIRROR_H
#define TEST_CHANGE_MIRROR_H

#include "store_client.h"

struct change_mirror_node;

enum { CHANGE_MIRROR_BUCKETS = 1 << 14 };

struct change_mirror {
    struct kv_follow follow;
    bool follows;
    int err;   /* of follow */
    bool lost; /* changes were lost, or follow was refused */
    bool ready;
    unsigned changes;         /* those that came */
    uint64_t last;            /* the number of the last one */
    enum kv_change_kind kind; /* of the last one */
    enum kv_change_part part; /* of the last one */
    int64_t expires;          /* of the last one */
    size_t count;             /* keys */
    struct change_mirror_node **buckets;
};

/* Follows from a number on (0: from now on), with an empty copy. */
void change_mirror_open(struct change_mirror *self, struct store_client *client, uint64_t from);
void change_mirror_close(struct change_mirror *self, struct store_client *client);

/* Applies all changes that have come, after some turns of the loop. */
void change_mirror_settle(struct change_mirror *self, struct store_client *client);

/* Walks all tables of the store, into the copy. */
void change_mirror_walk(struct change_mirror *self, struct store_client *client);

/* Demands that the copy is like the store, which nobody writes meanwhile. */
void change_mirror_expect(struct change_mirror *self, struct store_client *client);

/* Returns the value as text, static until the next call, or NULL. */
const char *change_mirror_get(const struct change_mirror *self, const char *table, const char *key);

/* A kv_follow.ready that does nothing. */
void change_mirror_ignore(struct kv_follow *follow);

#endif
