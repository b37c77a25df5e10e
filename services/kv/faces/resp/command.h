/* SPDX-License-Identifier: MIT
 *
 * The table of the commands of Redis that this face knows. A command is a line in it and a function that begins
 * it. Its arity and flags are those of Redis 7. */
#ifndef KV_RESP_COMMAND_H
#define KV_RESP_COMMAND_H

#include <stdint.h>

#include "core/base/bytes.h"

struct resp_task;

enum resp_flag {
    RESP_WRITE = 1,     /* may change the store */
    RESP_READONLY = 2,  /* reads the store and changes nothing */
    RESP_DENYOOM = 4,   /* may need memory */
    RESP_FAST = 8,      /* takes the same time whatever is stored */
    RESP_ADMIN = 16,    /* is about the server rather than its data */
    RESP_OPEN = 32,     /* works before AUTH */
    RESP_HASH = 64,     /* its first argument is a hash, which means a table */
    RESP_UPDATES = 128, /* needs a store with KV_STORE_UPDATE */
    RESP_EXPIRES = 256, /* needs a store with KV_STORE_EXPIRY */
};

struct resp_command {
    const char *name; /* lower case */
    /* The number of arguments, the name included; below 0: at least so many. */
    int arity;
    /* Begins the command: sets up the first operation of the store and returns true, or answers the task
     * and returns false. */
    bool (*begin)(struct resp_task *task);
    unsigned flags; /* of resp_flag */
    /* Which arguments are keys: the first, the last (below 0: from the end), and the distance between. */
    int first, last, step;
    const char *group, *since, *summary; /* for COMMAND DOCS */
};

enum { RESP_INDEX_SIZE = 256 };

/* The commands, ended by a NULL name. */
extern const struct resp_command resp_commands[];

/* An index of a table by name. It is a plain value, so it can stand in a configuration. */
struct resp_index {
    const struct resp_command *commands;
    size_t count; /* of commands */
    /* The first 8 letters of the name, its size, and its place in commands, from 1 on; 0: none. */
    struct resp_place {
        uint64_t letters;
        uint8_t size, place;
    } places[RESP_INDEX_SIZE];
};

/* Makes the index of a table that ends with a NULL name and has less than 256 commands. */
void resp_index_make(struct resp_index *index, const struct resp_command *commands);

/* Returns the command of that name in any case, or NULL. */
const struct resp_command *resp_index_find(const struct resp_index *index, struct weft_view name);

/* True if view is that word, in any case. */
bool resp_is_word(struct weft_view view, const char *word);

#endif
