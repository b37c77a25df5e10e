/* SPDX-License-Identifier: MIT */
#include "kv_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "abi.pb-c.h"
#include "services/payload/protobuf/reader.h"
#include "services/payload/protobuf/writer.h"

enum { TABLE = 1, ITEM = 2, PAIR_KEY = 1, PAIR_VALUE = 2, HEAD_MAX = 16 };

static uint8_t *take_memory(size_t size)
{
    uint8_t *p = malloc(size);
    assert_non_null(p);
    return p;
}

/* A command's fields are written at room for the head, and moved up to it. */
static struct weft_bytes as_command(int command, uint8_t *memory, const uint8_t *end)
{
    size_t size = (size_t)(end - memory) - HEAD_MAX;
    uint8_t *dst = weft_pb_put_head(memory, (uint32_t)command, size);
    memmove(dst, memory + HEAD_MAX, size);
    return (struct weft_bytes){memory, (size_t)(dst - memory) + size};
}

struct weft_bytes ask_keys(int command, const char *table, const struct weft_view *keys,
                           size_t count)
{
    size_t room = HEAD_MAX + HEAD_MAX + strlen(table);
    for (size_t i = 0; i < count; i++)
        room += HEAD_MAX + keys[i].size;
    uint8_t *memory = take_memory(room);
    uint8_t *dst = weft_pb_put_text(memory + HEAD_MAX, TABLE, weft_view_str(table));
    for (size_t i = 0; i < count; i++)
        dst = weft_pb_put_bytes(dst, ITEM, keys[i]);
    return as_command(command, memory, dst);
}

struct weft_bytes ask_key(int command, const char *table, const char *key)
{
    struct weft_view view = weft_view_str(key);
    return ask_keys(command, table, &view, command == ASK_HGETALL ? 0 : 1);
}

struct weft_bytes ask_pairs(int command, const char *table, const struct ask_pair *pairs,
                            size_t count)
{
    size_t room = HEAD_MAX + HEAD_MAX + strlen(table);
    for (size_t i = 0; i < count; i++)
        room += 3 * HEAD_MAX + pairs[i].key.size + pairs[i].value.size;
    uint8_t *memory = take_memory(room);
    uint8_t *dst = weft_pb_put_text(memory + HEAD_MAX, TABLE, weft_view_str(table));
    for (size_t i = 0; i < count; i++) {
        size_t size = weft_pb_text_size(PAIR_KEY, pairs[i].key.size) +
                      weft_pb_bytes_size(PAIR_VALUE, pairs[i].value.size);
        dst = weft_pb_put_head(dst, ITEM, size);
        dst = weft_pb_put_text(dst, PAIR_KEY, pairs[i].key);
        dst = weft_pb_put_bytes(dst, PAIR_VALUE, pairs[i].value);
    }
    return as_command(command, memory, dst);
}

struct weft_bytes ask_hset(const char *table, const char *key, struct weft_view value)
{
    struct ask_pair pair = {weft_view_str(key), value};
    return ask_pairs(ASK_HSET, table, &pair, 1);
}

struct weft_bytes ask_hscan(const char *table, struct weft_view cursor, uint32_t limit)
{
    enum { SCAN_CURSOR = 2, SCAN_LIMIT = 3 };
    uint8_t *memory = take_memory(4 * HEAD_MAX + strlen(table) + cursor.size);
    uint8_t *dst = weft_pb_put_text(memory + HEAD_MAX, TABLE, weft_view_str(table));
    dst = weft_pb_put_bytes(dst, SCAN_CURSOR, cursor);
    dst = weft_pb_put_uint(dst, SCAN_LIMIT, limit);
    return as_command(ASK_HSCAN, memory, dst);
}

struct weft_bytes string_value(size_t size, char fill)
{
    uint8_t *memory = take_memory(HEAD_MAX + size);
    uint8_t *dst = weft_pb_put_head(memory, 1, size);
    memset(dst, fill, size);
    return (struct weft_bytes){memory, (size_t)(dst - memory) + size};
}

static struct ask_pair pair_of(struct weft_view message, struct weft_pb_budget *budget)
{
    struct ask_pair pair = {0};
    struct weft_pb_reader reader = weft_pb_read(message, &abi__kvpair__descriptor, budget);
    struct weft_pb_field field;
    while (weft_pb_next(&reader, &field) > 0)
        *(field.number == PAIR_KEY ? &pair.key : &pair.value) = field.bytes;
    return pair;
}

struct told told_of(struct weft_view reply)
{
    struct told told = {0};
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    struct weft_pb_reader reader = weft_pb_read(reply, &abi__command_response__descriptor, &budget);
    struct weft_pb_field field;
    assert_int_equal(weft_pb_check(reply, &abi__command_response__descriptor, &budget), 0);
    while (weft_pb_next(&reader, &field) > 0) {
        switch (field.number) {
        case 1:
            told.status = field.scalar;
            break;
        case 2:
            told.message = field.bytes;
            break;
        case 3:
            if (told.value_count < TOLD_MAX)
                told.values[told.value_count] = field.bytes;
            told.value_count++;
            break;
        case 5:
            told.cursor = field.bytes;
            break;
        case 7:
        case 8: /* states and tables: weft__kv_reply_read has them */
            break;
        default:
            if (told.pair_count < TOLD_MAX)
                told.pairs[told.pair_count] = pair_of(field.bytes, &budget);
            told.pair_count++;
            break;
        }
    }
    return told;
}
