/* SPDX-License-Identifier: MIT */
#include "repair.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "claim.h"
#include "recover.h"

/* The changes of a record need not be done, but they must be whole. */
static int check_record(void *owner, const struct kv_record *record, struct weft_error *error)
{
    struct kv_record_change change;
    struct weft_view rest = record->rest;
    int n;
    (void)owner, (void)error;
    while ((n = kv_record_next(&rest, &change)) > 0)
        continue;
    return n;
}

int64_t kv_repair(const char *path, bool drop, void (*say)(void *arg, const char *line), void *arg,
                  struct weft_error *error)
{
    int lock;
    /* A directory that is not there is a mistake, not one to be made. */
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return weft_error_set(error, -errno, "memory store: %.300s: %s", path,
                              weft_strerror(-errno));
    int err = kv_claim(&lock, path, error);
    if (err < 0) {
        close(dir);
        return err;
    }
    struct kv_recovery recovery = {.mode = drop ? KV_RECOVER_REPAIR : KV_RECOVER_SHOW,
                                   .path = path,
                                   .dir = dir,
                                   .apply = check_record,
                                   .say = say,
                                   .owner = arg};
    err = kv_recover(&recovery, error);
    kv_unclaim(lock);
    close(dir);
    return err < 0 ? err : (int64_t)recovery.dropped;
}
