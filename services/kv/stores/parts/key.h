/* SPDX-License-Identifier: MIT
 *
 * The keys under which a store on disk files what it has, in one ordered map of bytes:
 *
 *     'd' table name-of-key           a pair; the value is a record (record.h)
 *     'e' expires table name-of-key   a pair that expires, by the time; no value
 *     'g' table                       a table that was dropped and whose pairs are still to be removed
 *     'm'                             what holds for the whole store (ledger.h)
 *     'n' table                       the name of a table
 *     't' name-of-table               a table: its number and the number of its pairs (ledger.h)
 *
 * A table is a number of eight bytes, which is never given twice, so a dropped table is gone at once
 * and its pairs can go later. Numbers have the high byte first. A name is the bytes themselves up to
 * KV_NAME_PLAIN; a longer one is its beginning and a digest of all of it, is KV_NAME_MAX long, and the
 * record holds the bytes. So keys may have any length, and sort by their first bytes. */
#ifndef KV_PARTS_KEY_H
#define KV_PARTS_KEY_H

#include "services/kv/store.h"

enum {
    KV_NAME_PLAIN = 200,
    KV_NAME_DIGEST = 16,
    KV_NAME_MAX = KV_NAME_PLAIN + 1,
    KV_NAME_BEGINNING = KV_NAME_MAX - KV_NAME_DIGEST, /* of a longer name: bytes that are its own */
    KV_KEY_MAX = 1 + 8 + 8 + KV_NAME_MAX,
};

enum kv_space {
    KV_SPACE_DATA = 'd',
    KV_SPACE_EXPIRY = 'e',
    KV_SPACE_GARBAGE = 'g',
    KV_SPACE_META = 'm',
    KV_SPACE_NAMES = 'n',
    KV_SPACE_TABLES = 't'
};

struct kv_key {
    size_t size;
    uint8_t bytes[KV_KEY_MAX + 1]; /* room for kv_key_pass */
};

static inline struct weft_view kv_key_view(const struct kv_key *key)
{
    return weft_view(key->bytes, key->size);
}

/* True if a name is stored as a digest, so that the record has to hold the bytes. */
static inline bool kv_name_is_long(struct weft_view name)
{
    return name.size > KV_NAME_PLAIN;
}

/* Each makes *key. */
void kv_key_of_meta(struct kv_key *key);
void kv_key_of_table(struct kv_key *key, struct weft_view name);
void kv_key_of_garbage(struct kv_key *key, uint64_t table);
void kv_key_of_name(struct kv_key *key, uint64_t table);
void kv_key_of_pair(struct kv_key *key, uint64_t table, struct weft_view name);
/* Makes the key of the expiry of a pair, which has the key `pair`. */
void kv_key_of_expiry(struct kv_key *key, int64_t expires, struct weft_view pair);

/* Makes the beginning that keys of a space have (KV_SPACE_TABLES), or those of a table's pairs
 * (KV_SPACE_DATA), whose names begin with prefix. Of a long prefix only the beginning counts. */
void kv_key_of_prefix(struct kv_key *key, enum kv_space space, uint64_t table,
                      struct weft_view prefix);

/* Reads the key of an expiry. False: it is none. *pair becomes the key of the pair. */
bool kv_key_read_expiry(struct weft_view key, int64_t *expires, struct kv_key *pair);

/* Makes the key one that no other lies between: from there on a seek does not find it. */
static inline void kv_key_pass(struct kv_key *key)
{
    key->bytes[key->size++] = 0;
}

/* True if key begins with prefix. */
static inline bool kv_key_begins(struct weft_view key, struct weft_view prefix)
{
    return key.size >= prefix.size &&
           (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

#endif
