/* SPDX-License-Identifier: MIT
 *
 * A file of users, read. A table never changes, and is counted, since loops and logged-in peers refer to it. */
#ifndef USERS_TABLE_H
#define USERS_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum users_what {
    USERS_READ = 1,
    USERS_WRITE = 2,
    USERS_SUBSCRIBE = 4,
    USERS_ADMIN = 8,
};

enum users_proof { USERS_SECRET, USERS_CERTIFICATE, USERS_UID };

enum { USERS_NAME_MAX = 64, USERS_FILE_MAX = 1 << 20 };

struct users_rule {
    unsigned what; /* enum users_what, several */
    const char *glob;
};

struct users_entry {
    const char *name;
    const char *proof; /* the hash, the common name or the number, as text */
    enum users_proof kind;
    int64_t uid;
    unsigned everywhere; /* what it may do with every table */
    const struct users_rule *rules;
    size_t rule_count;
    unsigned line;
};

struct users_table {
    _Atomic unsigned references;
    char *text; /* the file, in which all texts lie, with NULs behind its words */
    size_t size;
    struct users_entry *entries; /* by name */
    size_t count;
    struct users_rule *rules;
    const char
        *setting; /* a hash of the file, with which the secrets of unknown users are hashed too */
};

/* Reads a file. Returns 0, with a reference; or an error, and *error names the file and the line. */
WEFT_MUST_USE int users_table_read(struct users_table **table, const char *path,
                                   struct weft_error *error);
/* Does so with a text, which is overwritten; path is for errors. On success the table owns the text, which
 * has to be from weft_malloc and ends with a NUL at text[size]. */
WEFT_MUST_USE int users_table_parse(struct users_table **table, char *text, size_t size,
                                    const char *path, struct weft_error *error);
struct users_table *users_table_ref(struct users_table *table);
void users_table_unref(struct users_table *table); /* any thread; NULL: does nothing */

/* Return the user, or NULL. */
const struct users_entry *users_table_find(const struct users_table *table, struct weft_view name);
const struct users_entry *users_table_find_certificate(const struct users_table *table,
                                                       const char *common_name);
const struct users_entry *users_table_find_uid(const struct users_table *table, int64_t uid);

/* True if a rule of the user allows all of `what` for the object. */
bool users_may(const struct users_entry *user, unsigned what, struct weft_view object);

/* True if the text is matched: `*` is any bytes, `?` is one. */
bool users_glob(const char *glob, struct weft_view text);

#endif
