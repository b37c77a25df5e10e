/* SPDX-License-Identifier: MIT
 *
 * Memory stores that are kept on disk, for tests: in a directory below the system's temporary one. */
#ifndef TEST_KEPT_STORE_H
#define TEST_KEPT_STORE_H

#include "services/kv/stores/journal/kept.h"

/* How the next stores are made. A test changes what it wants. */
struct kept_plan {
    char dir[64]; /* empty: each store gets a new directory, which goes with it */
    const char *sync;
    uint64_t snapshot; /* bytes of journals that begin a snapshot; 0: the default */
    bool threads; /* the store has its threads; else a loop does their work at the end of a turn */
    const struct weft_log *log;
    struct kv_progress *progress; /* of the next stores */
    char error[600];              /* out: why the last store was not made */
};

extern struct kept_plan kept_plan;

/* Returns a store that follows the plan: its writes are late, or quick. */
struct kv_store kept_store(bool late);

/* Makes a directory and its name, and removes one with the files in it. */
void kept_dir_make(char dir[64]);
void kept_dir_remove(const char *dir);

#endif
