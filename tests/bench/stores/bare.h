/* SPDX-License-Identifier: MIT
 *
 * The libraries under the stores on disk without a server around them: the most that a store on each could
 * do. One thread replaces the values of keys, many in one commit, and each commit is on disk before the next begins. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stddef.h>

enum { BARE_KEYS = 10000, BARE_VALUE = 64 };

struct bare {
    const char *name;
    /* Each ends the program where the library fails. */
    void (*open)(const char *folder);
    void (*put)(const char *key, const char *value, size_t value_size);
    void (*commit)(void);
    void (*close)(void);
};

extern const struct bare bare_lmdb, bare_rocksdb;

#endif
