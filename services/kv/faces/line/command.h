/* SPDX-License-Identifier: MIT
 *
 * The commands of the line face. They are those of kvc and take the same words. All functions may be called by any
 * thread. */
#ifndef KV_LINE_COMMAND_H
#define KV_LINE_COMMAND_H

#include "services/kv/command.h"

/* The words that follow the name of a command. */
enum kv_line_shape {
    KV_LINE_NOTHING,
    KV_LINE_TABLE,
    KV_LINE_PAGE,   /* a table and, optionally, a cursor and a limit */
    KV_LINE_NAMES,  /* optionally a prefix, a cursor and a limit */
    KV_LINE_KEY,    /* a table and a key */
    KV_LINE_KEYS,   /* a table and keys */
    KV_LINE_PAIR,   /* a table, a key and a value */
    KV_LINE_PAIRS,  /* a table, and keys with values */
    KV_LINE_SUM,    /* a table, a key and, optionally, the number to add */
    KV_LINE_EXPIRE, /* a table, a key and a time */
    KV_LINE_NAME,   /* a user and a password */
    KV_LINE_TOPICS, /* topics */
    KV_LINE_ID,     /* the number of a subscription */
    KV_LINE_VALUES, /* a topic and values */
};

/* The groups of options that a command takes, as bits. */
enum kv_line_takes {
    KV_LINE_TAKES_EXPIRY = 1,    /* --ttl, --expire-at, --keep-ttl */
    KV_LINE_TAKES_CONDITION = 2, /* --if-absent, --if-present */
    KV_LINE_TAKES_VERSION = 4,   /* --if-version */
    KV_LINE_TAKES_STATE = 8,     /* --state */
    KV_LINE_TAKES_FILTER = 16,   /* --prefix, --match, --keys-only */
    KV_LINE_TAKES_PATTERN = 32,  /* --pattern */
};

struct kv_line_command {
    const char *name;
    enum kv_command_id id; /* KV_COMMAND_COUNT for those that are about no table */
    enum kv_line_shape shape;
    unsigned takes; /* bits of kv_line_takes */
};

/* Returns the command of that name, in upper or lower case, or NULL. */
const struct kv_line_command *kv_line_command_find(struct weft_view name);

/* True for the commands that the face answers itself. */
bool kv_line_command_is_login(const struct kv_line_command *command);
bool kv_line_command_is_ping(const struct kv_line_command *command);
bool kv_line_command_is_help(const struct kv_line_command *command);
/* True for subscribe, unsubscribe and publish. */
bool kv_line_command_is_topical(const struct kv_line_command *command);

/* Returns the words of a shape for a usage message, such as "TABLE KEY VALUE". The text is static. */
const char *kv_line_shape_words(enum kv_line_shape shape);

/* True if a command of this shape takes `count` words. */
bool kv_line_count_fits(enum kv_line_shape shape, size_t count);

/* Writes the names of all commands, as "hget hgetall ...", with a NUL to dst, which has `size` bytes. */
void kv_line_command_list(char *dst, size_t size);

#endif
