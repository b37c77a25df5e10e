/* SPDX-License-Identifier: MIT */
#include "claim.h"

#include "services/kv/stores/parts/directory.h"

int kv_claim(int *lock, const char *path, struct weft_error *error)
{
    struct kv_directory directory;
    int err = kv_directory_open(&directory, path, "memory", error);
    if (err == 0)
        *lock = directory.lock;
    return err;
}

void kv_unclaim(int lock)
{
    struct kv_directory directory = {.lock = lock};
    kv_directory_close(&directory);
}
