/* SPDX-License-Identifier: MIT
 *
 * A hash table of sources, and lists. Private to the files of the feed. */
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

/* --- lists ----------------------------------------------------------------------------------------- */

/* A circular list. A link that is in no list points to itself. */
struct kv__link {
    struct kv__link *next, *previous;
};

static inline void kv__link_init(struct kv__link *link)
{
    link->next = link->previous = link;
}

static inline bool kv__list_is_empty(const struct kv__link *list)
{
    return list->next == list;
}

static inline void kv__unlink(struct kv__link *link)
{
    link->next->previous = link->previous;
    link->previous->next = link->next;
    kv__link_init(link);
}

static inline void kv__append(struct kv__link *list, struct kv__link *link)
{
    link->next = list;
    link->previous = list->previous;
    list->previous->next = link;
    list->previous = link;
}

/* Moves all of `from` to the end of `to`. */
static inline void kv__splice(struct kv__link *to, struct kv__link *from)
{
    if (kv__list_is_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    kv__link_init(from);
}

#endif
