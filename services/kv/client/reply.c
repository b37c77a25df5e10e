/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "abi.pb-c.h"
#include "message.h"
#include "services/kv/faces/protobuf/abi.h"
#include "services/payload/protobuf/reader.h"

static void set_value(struct weft_kv_value *value, const struct weft_pb_field *field)
{
    switch (field->descriptor ? field->number : 0) {
    case KV_TYPE_STRING:
        *value = (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = field->bytes};
        break;
    case KV_TYPE_BINARY:
        *value = (struct weft_kv_value){.type = WEFT_KV_BINARY, .bytes = field->bytes};
        break;
    case KV_TYPE_INTEGER:
        *value = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = (int64_t)field->scalar};
        break;
    case KV_TYPE_FLOAT:
        *value = (struct weft_kv_value){.type = WEFT_KV_FLOAT};
        memcpy(&value->number, &field->scalar, sizeof value->number);
        break;
    case KV_TYPE_BOOL:
        *value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = field->scalar != 0};
        break;
    }
}

static int read_value(struct weft_kv_value *value, struct weft_view bytes,
                      struct weft_pb_budget *budget)
{
    struct weft_pb_reader reader = weft_pb_read(bytes, &abi__value__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *value = (struct weft_kv_value){.type = WEFT_KV_EMPTY};
    while ((err = weft_pb_next(&reader, &field)) > 0)
        set_value(value, &field);
    return err;
}

int weft_kv_value_read(struct weft_view packed, struct weft_kv_value *value)
{
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    return read_value(value, packed, &budget) < 0 ? WEFT_EMALFORMED : 0;
}

static int read_pair(struct weft_kv_pair *pair, struct weft_view bytes,
                     struct weft_pb_budget *budget)
{
    struct weft_pb_reader reader = weft_pb_read(bytes, &abi__kvpair__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *pair = (struct weft_kv_pair){0};
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.number == ABI_PAIR_KEY)
            pair->key = field.bytes;
        else if (field.number == ABI_PAIR_VALUE)
            err = read_value(&pair->value, field.bytes, budget);
        if (err < 0)
            return err;
    }
    return err;
}

static int read_state(struct weft_kv_state *state, struct weft_view bytes,
                      struct weft_pb_budget *budget)
{
    struct weft_pb_reader reader = weft_pb_read(bytes, &abi__state__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *state = (struct weft_kv_state){0};
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.number == ABI_STATE_VERSION)
            state->version = field.bytes;
        else if (field.number == ABI_STATE_EXPIRES)
            state->expires = field.scalar;
        else if (field.number == ABI_STATE_LEFT)
            state->left = field.scalar;
        else if (field.number == ABI_STATE_UNMET)
            state->unmet = field.scalar != 0;
    }
    return err;
}

static int read_table(struct weft_kv_table *table, struct weft_view bytes,
                      struct weft_pb_budget *budget)
{
    struct weft_pb_reader reader = weft_pb_read(bytes, &abi__table__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *table = (struct weft_kv_table){0};
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.number == ABI_TABLE_NAME)
            table->name = field.bytes;
        else if (field.number == ABI_TABLE_COUNT)
            table->count = field.scalar;
    }
    return err;
}

static int read_changed(struct weft_kv_changed *changed, struct weft_view bytes,
                        struct weft_pb_budget *budget)
{
    struct weft_pb_reader reader = weft_pb_read(bytes, &abi__changed__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *changed = (struct weft_kv_changed){.how = WEFT_KV_CHANGED_SET};
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        switch (field.descriptor ? field.number : 0) {
        case ABI_CHANGED_NUMBER:
            changed->number = field.scalar;
            break;
        case ABI_CHANGED_TABLE:
            changed->table = field.bytes;
            break;
        case ABI_CHANGED_KEY:
            changed->key = field.bytes;
            break;
        case ABI_CHANGED_VALUE:
            changed->how = WEFT_KV_CHANGED_SET;
            err = read_value(&changed->value, field.bytes, budget);
            break;
        case ABI_CHANGED_REMOVED:
            changed->how = WEFT_KV_CHANGED_REMOVED;
            break;
        case ABI_CHANGED_EXPIRED:
            changed->how = WEFT_KV_CHANGED_EXPIRED;
            break;
        case ABI_CHANGED_DROPPED:
            changed->how = WEFT_KV_CHANGED_DROPPED;
            break;
        case ABI_CHANGED_EXPIRES:
            changed->expires = field.scalar;
            break;
        case ABI_CHANGED_VERSION:
            changed->version = field.bytes;
            break;
        }
        if (err < 0)
            return err;
    }
    return err;
}

/* The arrays of a reply while they are filled. */
struct target {
    struct weft_kv_reply *reply;
    struct weft_kv_value *values;
    struct weft_kv_pair *pairs;
    struct weft_kv_state *states;
    struct weft_kv_table *tables;
    struct weft_kv_changed *changes;
};

static int take_field(struct target *target, const struct weft_pb_field *field,
                      struct weft_pb_budget *budget)
{
    struct weft_kv_reply *reply = target->reply;
    switch (field->number) {
    case ABI_RESPONSE_STATUS:
        reply->status = (uint32_t)field->scalar;
        return 0;
    case ABI_RESPONSE_MESSAGE:
        reply->message = field->bytes;
        return 0;
    case ABI_RESPONSE_VALUES:
        return read_value(&target->values[reply->value_count++], field->bytes, budget);
    case ABI_RESPONSE_PAIRS:
        return read_pair(&target->pairs[reply->pair_count++], field->bytes, budget);
    case ABI_RESPONSE_CURSOR:
        reply->cursor = field->bytes;
        return 0;
    case ABI_RESPONSE_STATES:
        return read_state(&target->states[reply->state_count++], field->bytes, budget);
    case ABI_RESPONSE_TABLES:
        return read_table(&target->tables[reply->table_count++], field->bytes, budget);
    case ABI_RESPONSE_CHANGES:
        return read_changed(&target->changes[reply->change_count++], field->bytes, budget);
    case ABI_RESPONSE_NUMBER:
        reply->number = field->scalar;
        return 0;
    case ABI_RESPONSE_TOPIC:
        reply->is_push = true;
        reply->topic = field->bytes;
        return 0;
    default:
        return 0;
    }
}

/* The numbers of a reply's items. */
struct counts {
    size_t values, pairs, states, tables, changes;
};

static int count_items(struct weft_view payload, struct weft_pb_budget *budget,
                       struct counts *counts)
{
    struct weft_pb_reader reader =
        weft_pb_read(payload, &abi__command_response__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *counts = (struct counts){0};
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        counts->values += field.number == ABI_RESPONSE_VALUES;
        counts->pairs += field.number == ABI_RESPONSE_PAIRS;
        counts->states += field.number == ABI_RESPONSE_STATES;
        counts->tables += field.number == ABI_RESPONSE_TABLES;
        counts->changes += field.number == ABI_RESPONSE_CHANGES;
    }
    return err;
}

/* No product overflows, because each item takes at least two bytes of the payload. */
static int allocate(struct target *target, const struct counts *counts, struct weft_arena *arena)
{
    target->values = weft_arena_alloc(arena, counts->values * sizeof *target->values);
    if (target->values)
        target->pairs = weft_arena_alloc(arena, counts->pairs * sizeof *target->pairs);
    if (target->pairs && counts->states > 0)
        target->states = weft_arena_alloc(arena, counts->states * sizeof *target->states);
    if (target->pairs && counts->tables > 0)
        target->tables = weft_arena_alloc(arena, counts->tables * sizeof *target->tables);
    if (target->pairs && counts->changes > 0)
        target->changes = weft_arena_alloc(arena, counts->changes * sizeof *target->changes);
    if (!target->pairs || (counts->changes > 0 && !target->changes) ||
        (counts->states > 0 && !target->states) || (counts->tables > 0 && !target->tables))
        return arena->over_budget ? WEFT_ETOOBIG : -ENOMEM;
    target->reply->values = target->values;
    target->reply->pairs = target->pairs;
    target->reply->states = target->states;
    target->reply->tables = target->tables;
    target->reply->changes = target->changes;
    return 0;
}

int weft__kv_reply_read(struct weft_kv_reply *reply, struct weft_view payload,
                        struct weft_arena *arena, const char **why)
{
    /* The arena's budget bounds the items of a reply, and its size the elements. */
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    struct target target = {.reply = reply};
    struct counts counts;
    *reply = (struct weft_kv_reply){0};
    int err = count_items(payload, &budget, &counts);
    *why = budget.what;
    if (err < 0)
        return err;
    err = allocate(&target, &counts, arena);
    *why = err == WEFT_ETOOBIG ? "the reply has too many items" : weft_strerror(err);
    if (err < 0)
        return err;
    struct weft_pb_reader reader =
        weft_pb_read(payload, &abi__command_response__descriptor, &budget);
    struct weft_pb_field field;
    while (err == 0 && weft_pb_next(&reader, &field) > 0)
        err = take_field(&target, &field, &budget);
    *why = budget.what;
    return err;
}
