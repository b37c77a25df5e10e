/* SPDX-License-Identifier: MIT
 *
 * The keys under which a store on disk keeps its data in the one ordered map of its engine. The first byte of a key
 * says what it is (enum kv_space):
 *
 *     'd' table name-of-key           a pair; the value is a record (record.h)
 *     'e' expires table name-of-key   a pair that expires, sorted by the time; the value is empty
 *     'g' table                       a table that was dropped and whose pairs are still to be removed
 *     'm'                             data of the whole store (ledger.h)
 *     'n' table                       the name of a table
 *     't' name-of-table               a table: its number and the number of its pairs (ledger.h)
 *
 * `table` is the table's number in eight bytes, `expires` a time in eight bytes; both have the high byte first. A
 * number is never used twice, so a dropped table is gone at once, and its pairs can be removed later. A name of up to
 * KV_NAME_PLAIN bytes stands as it is. A longer one is stored as its beginning and a digest of all of it, together
 * KV_NAME_MAX bytes, and the record holds the whole name. So names may have any length, and sort by their first
 * bytes. All functions are pure. */
#ifndef KV_PARTS_KEY_H
#define KV_PARTS_KEY_H

#include "services/kv/store.h"

enum {
    KV_NAME_PLAIN = 200,
    KV_NAME_DIGEST = 16,
    KV_NAME_MAX = KV_NAME_PLAIN + 1,
    /* The bytes of a longer name before its digest. */
    KV_NAME_BEGINNING = KV_NAME_MAX - KV_NAME_DIGEST,
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

/* Each sets *key to the key of one kind in the list above. */
void kv_key_of_meta(struct kv_key *key);
void kv_key_of_table(struct kv_key *key, struct weft_view name);
void kv_key_of_garbage(struct kv_key *key, uint64_t table);
void kv_key_of_name(struct kv_key *key, uint64_t table);
void kv_key_of_pair(struct kv_key *key, uint64_t table, struct weft_view name);
/* `pair` is the key of the pair, as kv_key_of_pair makes it. */
void kv_key_of_expiry(struct kv_key *key, int64_t expires, struct weft_view pair);

/* Sets *key to the common beginning of the keys whose names begin with prefix: the tables (KV_SPACE_TABLES), or the
 * pairs of one table (KV_SPACE_DATA). Only the beginning of a long prefix is used, so the caller checks the names. */
void kv_key_of_prefix(struct kv_key *key, enum kv_space space, uint64_t table,
                      struct weft_view prefix);

/* Reads the key of an expiry, and sets *pair to the key of its pair. False: it is not the key of an expiry. */
bool kv_key_read_expiry(struct weft_view key, int64_t *expires, struct kv_key *pair);

/* Changes the key into its direct successor, so that a seek from there does not find it again. */
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
