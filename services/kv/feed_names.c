/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sodium.h>

#include "feed_private.h"

enum { FIRST_SIZE = 16 };

_Static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == sizeof(uint64_t),
               "the key and the hash are of these sizes");

/* A topic and a pattern of one name share a bucket, which is rare. */
static uint64_t hash_of(const struct kv__names *names, struct weft_view name)
{
    uint64_t hash;
    crypto_shorthash((uint8_t *)&hash, name.data, name.size, names->key);
    return hash;
}

static struct kv__name **place_of(const struct kv__names *names, uint64_t hash)
{
    return &names->buckets[hash & (names->size - 1)];
}

struct kv__name *kv__names_find(const struct kv__names *names, const struct kv_feed_source *source)
{
    if (names->count == 0)
        return NULL;
    uint64_t hash = hash_of(names, source->name);
    struct kv__name *name = *place_of(names, hash);
    while (name && (name->hash != hash || name->source.matches != source->matches ||
                    !weft_view_equal(name->source.name, source->name)))
        name = name->next;
    return name;
}

static int grow(struct kv__names *names)
{
    struct kv__names larger = {.size = names->size == 0 ? FIRST_SIZE : 2 * names->size};
    larger.buckets = weft_calloc(larger.size, sizeof *larger.buckets);
    if (!larger.buckets)
        return -ENOMEM;
    for (size_t i = 0; i < names->size; i++) {
        while (names->buckets[i]) {
            struct kv__name *name = names->buckets[i], **place = place_of(&larger, name->hash);
            names->buckets[i] = name->next;
            name->next = *place;
            *place = name;
        }
    }
    weft_free(names->buckets);
    names->buckets = larger.buckets;
    names->size = larger.size;
    return 0;
}

int kv__names_add(struct kv__names *names, struct kv__name *name)
{
    /* A table that cannot grow is slower, but complete. */
    if (names->count == names->size && grow(names) < 0 && names->size == 0)
        return -ENOMEM;
    name->hash = hash_of(names, name->source.name);
    struct kv__name **place = place_of(names, name->hash);
    name->next = *place;
    *place = name;
    names->count++;
    return 0;
}

void kv__names_remove(struct kv__names *names, struct kv__name *name)
{
    struct kv__name **at = place_of(names, name->hash);
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    if (--names->count > 0)
        return;
    weft_free(names->buckets);
    names->buckets = NULL;
    names->size = 0;
}
