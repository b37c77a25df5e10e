/* SPDX-License-Identifier: MIT */
#include "kv_update_fixture.h"

struct bytes text(enum kv_type type, const char *contents)
{
    struct bytes packed = {.size = 2 + strlen(contents)};
    assert_true(strlen(contents) < 128);
    packed.data[0] = (uint8_t)(type << 3 | KV_FORM_BYTES);
    packed.data[1] = (uint8_t)strlen(contents);
    memcpy(packed.data + 2, contents, strlen(contents));
    return packed;
}

struct bytes string(const char *contents)
{
    return text(KV_TYPE_STRING, contents);
}

struct bytes number(enum kv_type type, uint64_t bits)
{
    struct bytes packed = {.data[0] = (uint8_t)(type << 3 | KV_FORM_NUMBER), .size = 1};
    do {
        packed.data[packed.size++] = (uint8_t)((bits & 0x7f) | (bits > 0x7f ? 0x80 : 0));
        bits >>= 7;
    } while (bits > 0);
    return packed;
}

struct bytes integer(int64_t value)
{
    return number(KV_TYPE_INTEGER, (uint64_t)value);
}

struct bytes real(double value)
{
    struct bytes packed = {.data[0] = KV_TYPE_FLOAT << 3 | KV_FORM_EIGHT, .size = 9};
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (unsigned i = 0; i < 8; i++)
        packed.data[1 + i] = (uint8_t)(bits >> (8 * i));
    return packed;
}

struct bytes raw(const void *data, size_t size)
{
    struct bytes packed = {.size = size};
    memcpy(packed.data, data, size);
    return packed;
}

struct made decide(struct given given)
{
    struct kv_item item = {
        .value.bytes = view_of(&given.value), .expires = given.expires, .update = &given.update};
    struct kv_value current = {0};
    struct kv_next next;
    struct made made = {0};
    memset(&next, 0xa5, sizeof next);
    if (given.current)
        current.bytes = view_of(given.current);
    weft_kv_update_decide(&item, given.current ? &current : NULL, given.current_expires, NOW,
                          &next);
    made.verdict = next.verdict;
    made.expires = next.expires;
    if (next.verdict != KV_VERDICT_STORE)
        return made;
    assert_in_range(next.part_count, 1, KV_NEXT_PARTS);
    for (size_t i = 0; i < next.part_count; i++) {
        assert_true(made.value.size + next.parts[i].size <= sizeof made.value.data);
        if (next.parts[i].size > 0)
            memcpy(made.value.data + made.value.size, next.parts[i].data, next.parts[i].size);
        made.value.size += next.parts[i].size;
    }
    return made;
}

void assert_stores(struct given given, struct bytes expected)
{
    struct made made = decide(given);
    assert_int_equal(made.verdict, KV_VERDICT_STORE);
    assert_int_equal(made.value.size, expected.size);
    assert_memory_equal(made.value.data, expected.data, expected.size);
}

void assert_verdict(struct given given, enum kv_verdict verdict)
{
    assert_int_equal(decide(given).verdict, verdict);
}
