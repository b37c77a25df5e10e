/* SPDX-License-Identifier: MIT
 *
 * The directory of a store on disk, which one process at a time may use. */
#ifndef KV_PARTS_DIRECTORY_H
#define KV_PARTS_DIRECTORY_H

#include "core/base/err.h"

struct kv_directory {
    int lock; /* the descriptor of the file `kvs.lock`, which is locked */
};

/* Makes the directory if there is none (its parent must be there), and locks it. `store` is the name of
 * the kind of store, which is written into the lock's file: a directory that holds another kind is
 * refused. Returns 0, or -errno with one line in *error and nothing held: -EBUSY if another process has
 * it, -EACCES or -EROFS if it cannot be written. */
WEFT_MUST_USE int kv_directory_open(struct kv_directory *directory, const char *path,
                                    const char *store, struct weft_error *error);
/* Unlocks it. */
void kv_directory_close(struct kv_directory *directory);

#endif
