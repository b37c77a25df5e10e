/* SPDX-License-Identifier: MIT
 *
 * The option `sync` of stores on disk, which says when writes reach the disk. */
#ifndef KV_PARTS_SYNC_H
#define KV_PARTS_SYNC_H

#include "core/base/settings.h"

enum kv_sync_when {
    KV_SYNC_ALWAYS, /* before a write is answered */
    KV_SYNC_LATER,  /* within some time of the answer */
    KV_SYNC_OFF     /* when the operating system decides */
};

struct kv_sync {
    enum kv_sync_when when;
    uint64_t every; /* KV_SYNC_LATER: nanoseconds between two syncs */
};

/* The entry of a store's table of options. */
#define KV_SYNC_OPTION                                                                             \
    {                                                                                              \
        .name = "sync", .values = "always|SECONDS|off",                                            \
        .help = "when writes reach the disk: before the answer, within SECONDS, or some time"      \
    }

/* Sets *sync from the option; the default is KV_SYNC_ALWAYS. Returns 0, or WEFT_ECONFIG if the value is wrong; *error
 * then names the choices. */
WEFT_MUST_USE int kv_sync_read(struct kv_sync *sync, const struct weft_option_set *set,
                               struct weft_error *error);

#endif
