/* SPDX-License-Identifier: MIT
 *
 * Lists whose links lie in their members. Private to services/kv. */
#ifndef KV_LINK_H
#define KV_LINK_H

#include <stdbool.h>

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
