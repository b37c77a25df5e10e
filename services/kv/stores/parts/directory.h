/* SPDX-License-Identifier: MIT
 *
 * The directory of a store on disk. One process at a time may use it, which a locked file ensures. */
#ifndef KV_PARTS_DIRECTORY_H
#define KV_PARTS_DIRECTORY_H

#include "core/base/err.h"

struct kv_directory {
    int lock; /* the descriptor of the file `kvs.lock`, which is locked */
};

/* Makes the directory if it does not exist (its parent must exist), and locks it. `store` is the name of the kind of
 * store. It is written into the lock's file, and a directory of another kind is refused. Returns 0, or -errno with
 * one line in *error, and then nothing is held: -EBUSY if another process uses the directory, -EACCES or -EROFS if
 * it cannot be written. */
WEFT_MUST_USE int kv_directory_open(struct kv_directory *directory, const char *path,
                                    const char *store, struct weft_error *error);
/* Unlocks the directory. */
void kv_directory_close(struct kv_directory *directory);

#endif
