/* SPDX-License-Identifier: MIT
 *
 * The commands of the line face: those of kvc, with the words that they take there. */
#ifndef KV_LINE_COMMAND_H
#define KV_LINE_COMMAND_H

#include "services/kv/command.h"

/* The words behind a command. */
enum kv_line_shape {
    KV_LINE_NOTHING,
    KV_LINE_TABLE,
    KV_LINE_PAGE,   /* a table, perhaps a cursor, perhaps a limit */
    KV_LINE_NAMES,  /* perhaps a prefix, a cursor, a limit */
    KV_LINE_KEY,    /* a table and a key */
    KV_LINE_KEYS,   /* a table and keys */
    KV_LINE_PAIR,   /* a table, a key and a value */
    KV_LINE_PAIRS,  /* a table, and keys with values */
    KV_LINE_SUM,    /* a table, a key, perhaps what is added */
    KV_LINE_EXPIRE, /* a table, a key and a time */
};

/* The options that a command takes among its words, as bits. */
enum kv_line_takes {
    KV_LINE_TAKES_EXPIRY = 1,    /* --ttl, --expire-at, --keep-ttl */
    KV_LINE_TAKES_CONDITION = 2, /* --if-absent, --if-present */
    KV_LINE_TAKES_VERSION = 4,   /* --if-version */
    KV_LINE_TAKES_STATE = 8,     /* --state */
    KV_LINE_TAKES_FILTER = 16,   /* --prefix, --match, --keys-only */
};

struct kv_line_command {
    const char *name;
    enum kv_command_id id; /* of ping and help: none */
    enum kv_line_shape shape;
    unsigned takes;
};

/* Returns the command of that name, in which case does not count, or NULL. */
const struct kv_line_command *kv_line_command_find(struct weft_view name);

/* True for the commands that the face answers itself. */
bool kv_line_command_is_ping(const struct kv_line_command *command);
bool kv_line_command_is_help(const struct kv_line_command *command);

/* Returns the words that a shape takes, for a usage: "TABLE KEY VALUE". Static. */
const char *kv_line_shape_words(enum kv_line_shape shape);

/* True if a command of this shape takes `count` words. */
bool kv_line_count_fits(enum kv_line_shape shape, size_t count);

/* Writes "hget hgetall ..." to dst, which has size bytes, with its NUL. */
void kv_line_command_list(char *dst, size_t size);

#endif
