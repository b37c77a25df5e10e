/* SPDX-License-Identifier: MIT */
#include "kv_oracle_compare.h"

#include <stdlib.h>

enum { VALUE_MAX = 64 }; /* room for the tag and length of a value, and more */

static struct weft_view view_of(ProtobufCBinaryData data)
{
    return weft_view(data.data, data.len);
}

static void drop_unknown(ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        free(message->unknown_fields[i].data);
    free(message->unknown_fields);
    message->unknown_fields = NULL;
    message->n_unknown_fields = 0;
}

bool kv_oracle_same_value(AbiBytes__Value *value, struct weft_view ours)
{
    /* protobuf-c would pack unknown fields as well. */
    if (value)
        drop_unknown(&value->base);
    size_t size = value ? abi_bytes__value__get_packed_size(value) : 0;
    if (size != ours.size)
        return false;
    uint8_t *packed = malloc(size + VALUE_MAX);
    if (!packed)
        abort();
    bool same = size == 0 || (abi_bytes__value__pack(value, packed) == size &&
                              memcmp(packed, ours.data, size) == 0);
    free(packed);
    return same;
}

static const char *compare_pair(const AbiBytes__Kvpair *pair, const struct kv_item *item)
{
    if (!weft_view_equal(view_of(pair->key), item->key))
        return "a pair's key";
    return kv_oracle_same_value(pair->value, item->value.bytes) ? NULL : "a value";
}

static const char *compare_keys(const ProtobufCBinaryData *keys, size_t count,
                                const struct kv_call *call)
{
    if (call->count != count)
        return "the number of keys";
    for (size_t i = 0; i < count; i++) {
        if (!weft_view_equal(view_of(keys[i]), call->items[i].key))
            return "a key";
    }
    return NULL;
}

static const char *compare_hset(const AbiBytes__Hset *hset, const struct kv_call *call)
{
    if (call->count != (hset->pair ? 1 : 0))
        return "whether there is a pair";
    if (!hset->pair)
        return NULL;
    return compare_pair(hset->pair, &call->items[0]);
}

static const char *compare_hmset(const AbiBytes__Hmset *hmset, const struct kv_call *call)
{
    if (call->count != hmset->n_pairs)
        return "the number of pairs";
    for (size_t i = 0; i < hmset->n_pairs; i++) {
        const char *difference = compare_pair(hmset->pairs[i], &call->items[i]);
        if (difference)
            return difference;
    }
    return NULL;
}

static const char *compare_hscan(const AbiBytes__Hscan *hscan, const struct kv_call *call)
{
    if (!weft_view_equal(view_of(hscan->cursor), call->from))
        return "the cursor";
    if (!weft_view_equal(view_of(hscan->prefix), call->filter.prefix) ||
        !weft_view_equal(view_of(hscan->match), call->filter.match) ||
        (hscan->keys_only != 0) != call->filter.keys_only)
        return "the filter";
    if ((hscan->state != 0) != call->states)
        return "whether there are states";
    return call->limit == hscan->limit ? NULL : "the limit";
}

static const char *compare_tables(const AbiBytes__Tables *tables, const struct kv_call *call)
{
    if (!weft_view_equal(view_of(tables->prefix), call->filter.prefix))
        return "the prefix";
    if (!weft_view_equal(view_of(tables->cursor), call->from))
        return "the cursor";
    return call->limit == tables->limit ? NULL : "the limit";
}

/* Returns the expiry of an item of which a oneof says this, or `unsaid` if it says nothing. */
static int64_t expires_of(bool after, bool at, bool never, bool keep, uint64_t time, int64_t now,
                          int64_t unsaid)
{
    if (after)
        return time < (uint64_t)(INT64_MAX - now) ? now + (int64_t)time : INT64_MAX;
    if (at)
        return time == 0 ? 1 : time < INT64_MAX ? (int64_t)time : INT64_MAX;
    return never ? KV_NEVER : keep ? KV_KEEP_EXPIRY : unsaid;
}

static int64_t expires_of_change(const AbiBytes__Change *change, int64_t now, int64_t unsaid)
{
    bool after = change->expiry_case == ABI_BYTES__CHANGE__EXPIRY_EXPIRE_AFTER;
    bool at = change->expiry_case == ABI_BYTES__CHANGE__EXPIRY_EXPIRE_AT;
    bool never =
        change->expiry_case == ABI_BYTES__CHANGE__EXPIRY_EXPIRE_NEVER && change->expire_never;
    bool keep = change->expiry_case == ABI_BYTES__CHANGE__EXPIRY_EXPIRE_KEEP && change->expire_keep;
    uint64_t time = after ? change->expire_after : at ? change->expire_at : 0;
    return expires_of(after, at, never, keep, time, now, unsaid);
}

static enum kv_if condition_of(const AbiBytes__Change *change)
{
    switch (change->condition_case) {
    case ABI_BYTES__CHANGE__CONDITION_IF_ABSENT:
        return change->if_absent ? KV_IF_ABSENT : KV_IF_ANY;
    case ABI_BYTES__CHANGE__CONDITION_IF_PRESENT:
        return change->if_present ? KV_IF_PRESENT : KV_IF_ANY;
    case ABI_BYTES__CHANGE__CONDITION_IF_VERSION:
        return change->if_version.len > 0 ? KV_IF_VERSION : KV_IF_ABSENT;
    default:
        return KV_IF_ANY;
    }
}

static bool same_version(const AbiBytes__Change *change, const struct kv_update *update)
{
    return change->if_version.len == KV_VERSION_SIZE &&
           memcmp(change->if_version.data, update->version, KV_VERSION_SIZE) == 0;
}

static const char *compare_change(const AbiBytes__Change *change, const struct kv_item *item,
                                  int64_t now)
{
    static const struct kv_update set = {.when = KV_IF_ANY, .then = KV_THEN_SET};
    enum { UNSAID = -2 };
    const struct kv_update *update = item->update ? item->update : &set;
    bool stores = change->change_case == ABI_BYTES__CHANGE__CHANGE_VALUE;
    bool removes = change->change_case == ABI_BYTES__CHANGE__CHANGE_REMOVE && change->remove;
    int64_t expires = expires_of_change(change, now, UNSAID);
    enum kv_then then = stores                                           ? KV_THEN_SET
                        : removes                                        ? KV_THEN_REMOVE
                        : expires != UNSAID && expires != KV_KEEP_EXPIRY ? KV_THEN_EXPIRE
                                                                         : KV_THEN_KEEP;
    if (!weft_view_equal(view_of(change->key), item->key))
        return "a change's key";
    if (!kv_oracle_same_value(stores ? change->value : NULL, item->value.bytes))
        return "a change's value";
    if (update->then != then)
        return "what a change does";
    if (update->when != condition_of(change))
        return "a condition";
    if (update->when == KV_IF_VERSION && !same_version(change, update))
        return "a version";
    if (then != KV_THEN_SET && then != KV_THEN_EXPIRE)
        return NULL;
    return item->expires == (expires == UNSAID ? KV_NEVER : expires) ? NULL : "an expiry";
}

static const char *compare_hput(const AbiBytes__Hput *hput, const struct kv_call *call, int64_t now)
{
    if (call->count != hput->n_changes)
        return "the number of changes";
    for (size_t i = 0; i < hput->n_changes; i++) {
        const char *difference = compare_change(hput->changes[i], &call->items[i], now);
        if (difference)
            return difference;
    }
    return (hput->state != 0) == call->states ? NULL : "whether there are states";
}

static const char *compare_hincr(const AbiBytes__Hincr *hincr, const struct kv_call *call)
{
    const struct kv_update *update = call->items[0].update;
    const char *difference = compare_keys(&hincr->key, 1, call);
    if (difference)
        return difference;
    if (update->when != KV_IF_ANY || call->items[0].expires != KV_KEEP_EXPIRY)
        return "the condition or the expiry";
    if (hincr->delta_case == ABI_BYTES__HINCR__DELTA_FLOAT)
        return update->then == KV_THEN_ADD_REAL &&
                       memcmp(&update->real, &hincr->float_, sizeof update->real) == 0
                   ? NULL
                   : "the float";
    int64_t integer = hincr->delta_case == ABI_BYTES__HINCR__DELTA_INTEGER ? hincr->integer : 1;
    return update->then == KV_THEN_ADD && update->integer == integer ? NULL : "the integer";
}

static const char *compare_hexpire(const AbiBytes__Hexpire *hexpire, const struct kv_call *call,
                                   int64_t now)
{
    enum { UNSAID = -2 };
    bool after = hexpire->expiry_case == ABI_BYTES__HEXPIRE__EXPIRY_EXPIRE_AFTER;
    bool at = hexpire->expiry_case == ABI_BYTES__HEXPIRE__EXPIRY_EXPIRE_AT;
    bool never =
        hexpire->expiry_case == ABI_BYTES__HEXPIRE__EXPIRY_EXPIRE_NEVER && hexpire->expire_never;
    uint64_t time = after ? hexpire->expire_after : at ? hexpire->expire_at : 0;
    int64_t expires = expires_of(after, at, never, false, time, now, UNSAID);
    if (call->command != &kv_commands[expires == UNSAID ? KV_HTTL : KV_HEXPIRE])
        return "whether it only asks";
    for (size_t i = 0; expires != UNSAID && i < call->count; i++) {
        if (call->items[i].update->then != KV_THEN_EXPIRE || call->items[i].expires != expires)
            return "the expiry";
    }
    return compare_keys(hexpire->keys, hexpire->n_keys, call);
}

#define COMMAND(id) (call->command == &kv_commands[id])
#define TABLE(x)    weft_view_equal(view_of((x)->table), call->table)

const char *kv_oracle_compare(const AbiBytes__CommandRequest *request, const struct kv_call *call,
                              int64_t now)
{
    const char *table = "the table";
    const char *command = "the command";
    switch (request->request_data_case) {
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HGET:
        if (!COMMAND(request->hget->state ? KV_HGET_STATE : KV_HGET))
            return command;
        return TABLE(request->hget) ? compare_keys(&request->hget->key, 1, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HGETALL:
        if (!COMMAND(KV_HGETALL))
            return command;
        return TABLE(request->hgetall) ? NULL : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMGET:
        if (!COMMAND(request->hmget->state ? KV_HMGET_STATE : KV_HMGET))
            return command;
        return TABLE(request->hmget)
                   ? compare_keys(request->hmget->keys, request->hmget->n_keys, call)
                   : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HSET:
        if (!COMMAND(KV_HSET))
            return command;
        return TABLE(request->hset) ? compare_hset(request->hset, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMSET:
        if (!COMMAND(KV_HMSET))
            return command;
        return TABLE(request->hmset) ? compare_hmset(request->hmset, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HDEL:
        if (!COMMAND(KV_HDEL))
            return command;
        return TABLE(request->hdel) ? compare_keys(&request->hdel->key, 1, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMDEL:
        if (!COMMAND(KV_HMDEL))
            return command;
        return TABLE(request->hmdel)
                   ? compare_keys(request->hmdel->keys, request->hmdel->n_keys, call)
                   : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HEXIST:
        if (!COMMAND(KV_HEXIST))
            return command;
        return TABLE(request->hexist) ? compare_keys(&request->hexist->key, 1, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMEXIST:
        if (!COMMAND(KV_HMEXIST))
            return command;
        return TABLE(request->hmexist)
                   ? compare_keys(request->hmexist->keys, request->hmexist->n_keys, call)
                   : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HSCAN:
        if (!COMMAND(KV_HSCAN))
            return command;
        return TABLE(request->hscan) ? compare_hscan(request->hscan, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HPUT:
        if (!COMMAND(KV_HPUT))
            return command;
        return TABLE(request->hput) ? compare_hput(request->hput, call, now) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HINCR:
        if (!COMMAND(KV_HINCR))
            return command;
        return TABLE(request->hincr) ? compare_hincr(request->hincr, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HEXPIRE:
        return TABLE(request->hexpire) ? compare_hexpire(request->hexpire, call, now) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_TABLES:
        return COMMAND(KV_TABLES_PAGE) ? compare_tables(request->tables, call) : command;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_DROP:
        if (!COMMAND(KV_TABLE_DROP))
            return command;
        return TABLE(request->drop) ? NULL : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_COUNT:
        if (!COMMAND(KV_TABLE_COUNT))
            return command;
        return TABLE(request->count) ? NULL : table;
    default:
        return command;
    }
}

#undef COMMAND
#undef TABLE
