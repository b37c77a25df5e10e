/* SPDX-License-Identifier: MIT */
#include "key.h"

#include "record.h"
#include "services/kv/update.h"

static void begin(struct kv_key *key, enum kv_space space)
{
    key->bytes[0] = (uint8_t)space;
    key->size = 1;
}

static void add_number(struct kv_key *key, uint64_t number)
{
    kv_store_be64(key->bytes + key->size, number);
    key->size += 8;
}

static void add_bytes(struct kv_key *key, struct weft_view bytes)
{
    if (bytes.size > 0)
        memcpy(key->bytes + key->size, bytes.data, bytes.size);
    key->size += bytes.size;
}

static void add_name(struct kv_key *key, struct weft_view name)
{
    if (!kv_name_is_long(name)) {
        add_bytes(key, name);
        return;
    }
    _Static_assert((int)KV_NAME_DIGEST == (int)KV_VERSION_SIZE, "a name's digest is a version's");
    add_bytes(key, weft_view(name.data, KV_NAME_BEGINNING));
    weft_kv_version(name, key->bytes + key->size);
    key->size += KV_NAME_DIGEST;
}

void kv_key_of_meta(struct kv_key *key)
{
    begin(key, KV_SPACE_META);
}

void kv_key_of_table(struct kv_key *key, struct weft_view name)
{
    begin(key, KV_SPACE_TABLES);
    add_name(key, name);
}

void kv_key_of_garbage(struct kv_key *key, uint64_t table)
{
    begin(key, KV_SPACE_GARBAGE);
    add_number(key, table);
}

void kv_key_of_name(struct kv_key *key, uint64_t table)
{
    begin(key, KV_SPACE_NAMES);
    add_number(key, table);
}

void kv_key_of_pair(struct kv_key *key, uint64_t table, struct weft_view name)
{
    begin(key, KV_SPACE_DATA);
    add_number(key, table);
    add_name(key, name);
}

void kv_key_of_expiry(struct kv_key *key, int64_t expires, struct weft_view pair)
{
    begin(key, KV_SPACE_EXPIRY);
    add_number(key, (uint64_t)expires);
    add_bytes(key, weft_view_skip(pair, 1));
}

void kv_key_of_prefix(struct kv_key *key, enum kv_space space, uint64_t table,
                      struct weft_view prefix)
{
    begin(key, space);
    if (space == KV_SPACE_DATA)
        add_number(key, table);
    if (prefix.size > KV_NAME_BEGINNING)
        prefix.size = KV_NAME_BEGINNING;
    add_bytes(key, prefix);
}

bool kv_key_read_expiry(struct weft_view key, int64_t *expires, struct kv_key *pair)
{
    if (key.size < 1 + 8 + 8 || key.size > KV_KEY_MAX || key.data[0] != KV_SPACE_EXPIRY)
        return false;
    *expires = (int64_t)kv_load_be64(key.data + 1);
    begin(pair, KV_SPACE_DATA);
    add_bytes(pair, weft_view_skip(key, 1 + 8));
    return true;
}
