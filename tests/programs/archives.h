/* SPDX-License-Identifier: MIT
 *
 * The archives of the house, and what nm says that they define and need. Compiled with the archives' paths,
 * ARCHIVE_BASE and so on. */
#ifndef TEST_ARCHIVES_H
#define TEST_ARCHIVES_H

#include <stdbool.h>
#include <stddef.h>

struct symbol {
    char name[128];
    char type; /* as nm says it: U is needed, other capitals are defined for others to use */
    size_t file;
};

enum { FILES = 128 };

struct archive {
    const char *path;
    struct symbol *symbols;
    size_t count;
    char files[FILES][64]; /* the object files' names */
    size_t file_count;
};

enum {
    BASE,
    CORE,
    TRANSPORTS,
    YAMUX,
    WEBSOCKET,
    TLS,
    CODECS,
    ECHO,
    ACCESS,
    ADMIN,
    METRICS,
    USERS,
    PAYLOAD,
    RPC,
    KV_UPDATE,
    KV,
    KV_ABI,
    KV_FACES,
    KV_TRAIL,
    KV_MEMORY,
    KV_PARTS,
    KV_LMDB,
    KV_RECORDS,
    KV_JOURNAL,
    KV_ROCKSDB,
    KV_REDIS,
    KV_REDIS_STORE,
    KV_CLIENT,
    PROGRAMS_LIB,
    KVS_SERVICE,
    KVS,
    KVC,
    ARCHIVE_COUNT
};

extern struct archive archives[ARCHIVE_COUNT];

/* Setup and teardown of a group of tests. */
int load_all(void **state);
int free_all(void **state);

/* True if an archive needs a name of the patterns, which are those of fnmatch(3) and end with NULL. */
bool needs(const struct archive *archive, const char *const *patterns);

/* Each name of this project that an archive needs must be among its own definitions, those of `below` (bits
 * of 1 << BASE, ...), or the single names of `beside`. */
void needs_nothing_above(int which, unsigned below, const char *const *beside);
void needs_none_of(int which, const char *const *patterns);

/* Calls go down or return: no file of the archive needs one that needs it, directly or through others. */
void has_no_ring(int which);

#endif
