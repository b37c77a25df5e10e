/* SPDX-License-Identifier: MIT
 *
 * A hash table of sources. Private to the files of the feed. */
#ifndef KV_FEED_PARTS_H
#define KV_FEED_PARTS_H

#include <stddef.h>

#include "follower.h"

/* --- names (feed_names.c) -------------------------------------------------------------------------- */

/* A hash table of sources. Its members embed a kv__name. */
struct kv__name {
    struct kv__name *next;
    uint64_t hash;
    struct kv_feed_source source; /* the name is the owner's memory */
};

struct kv__names {
    struct kv__name **buckets;
    size_t size, count; /* size: a power of two, or 0 */
    const uint8_t *key; /* of the hash, 16 bytes */
};

struct kv__name *kv__names_find(const struct kv__names *names, const struct kv_feed_source *source);
/* Adds a name that is not there. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int kv__names_add(struct kv__names *names, struct kv__name *name);
void kv__names_remove(struct kv__names *names, struct kv__name *name);

#endif
