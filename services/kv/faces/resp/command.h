/* SPDX-License-Identifier: MIT
 *
 * The table of the commands of Redis that this face knows. A command consists of an entry in the table and a function
 * that begins it. Arities and flags are those of Redis 7. */
#ifndef KV_RESP_COMMAND_H
#define KV_RESP_COMMAND_H

#include <stdint.h>

#include "core/base/bytes.h"

struct resp_task;

enum resp_flag {
    RESP_WRITE = 1,     /* may change the store */
    RESP_READONLY = 2,  /* reads the store and changes nothing */
    RESP_DENYOOM = 4,   /* may make the store larger */
    RESP_FAST = 8,      /* its time does not depend on what is stored */
    RESP_ADMIN = 16,    /* concerns the server rather than its data */
    RESP_OPEN = 32,     /* is allowed before AUTH */
    RESP_HASH = 64,     /* its first argument names a hash, which is a table of the store */
    RESP_UPDATES = 128, /* needs a store with KV_STORE_UPDATE */
    RESP_ANYTIME = 512, /* is allowed while a connection of RESP2 has subscriptions */
    RESP_EXPIRES = 256, /* needs a store with KV_STORE_EXPIRY */
};

struct resp_command {
    const char *name; /* lower case */
    /* The number of arguments, the name included; -N means at least N. */
    int arity;
    /* Begins the command. It sets up the first operation of the store and returns true, or it answers the task and
     * returns false. */
    bool (*begin)(struct resp_task *task);
    unsigned flags; /* bits of resp_flag */
    /* Which arguments are keys: the first, the last (negative: counted from the end), and the step between keys. */
    int first, last, step;
    const char *group, *since, *summary; /* for COMMAND DOCS */
};

enum { RESP_INDEX_SIZE = 256 };

/* All commands. The last entry has a NULL name. */
extern const struct resp_command resp_commands[];

/* An index of a table by name: a hash table. It has no pointers of its own to free, so it can be a member of a
 * configuration. */
struct resp_index {
    const struct resp_command *commands;
    size_t count; /* the number of commands */
    /* The first 8 letters of the name, its size, and its index in commands plus 1; 0: the place is empty. */
    struct resp_place {
        uint64_t letters;
        uint8_t size, place;
    } places[RESP_INDEX_SIZE];
};

/* Makes the index of a table that ends with a NULL name and has fewer than 256 commands. The table is borrowed. */
void resp_index_make(struct resp_index *index, const struct resp_command *commands);

/* Returns the command of that name, in upper or lower case, or NULL. */
const struct resp_command *resp_index_find(const struct resp_index *index, struct weft_view name);

/* True if view is that word, in upper or lower case. */
bool resp_is_word(struct weft_view view, const char *word);

#endif
