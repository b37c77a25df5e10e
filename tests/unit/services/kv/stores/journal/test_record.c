/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/kv/stores/journal/records/record.h"

enum { ROOM = 512 };

/* Writes a record of two puts and a removal; returns its size. */
static size_t write_record(uint8_t *bytes, size_t *size_said)
{
    const struct kv_record_change changes[] = {
        {.key = weft_view_str("k"), .value = weft_view_str("value")},
        {.key = weft_view_str(""),
         .value = weft_view_str(""),
         .expires = INT64_C(0x0102030405060708)},
        {.removal = true, .key = weft_view_str("gone")},
    };
    struct weft_view table = weft_view_str("table");
    uint8_t *end = kv_record_put_table(bytes + KV_RECORD_HEAD, table);
    *size_said = KV_RECORD_HEAD + kv_record_table_size(table);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        *size_said += kv_record_change_size(&changes[i]);
        end = kv_record_put_change(end, &changes[i]);
    }
    size_t size = (size_t)(end - bytes);
    kv_record_seal(bytes, KV_RECORD_CHANGES, 77, 70,
                   weft_view(bytes + KV_RECORD_HEAD, size - KV_RECORD_HEAD));
    return size;
}

static void test_record_is_read_as_it_was_written(void **state)
{
    uint8_t bytes[ROOM];
    size_t said;
    size_t size = write_record(bytes, &said);
    struct kv_record record;
    struct kv_record_change change;
    (void)state;
    assert_int_equal(size, said);
    assert_int_equal(kv_record_read(weft_view(bytes, size), &record), 0);
    assert_int_equal(record.kind, KV_RECORD_CHANGES);
    assert_int_equal(record.number, 77);
    assert_int_equal(record.durable, 70);
    assert_true(weft_view_equal(record.table, weft_view_str("table")));
    assert_int_equal(kv_record_next(&record.rest, &change), 1);
    assert_true(weft_view_equal(change.key, weft_view_str("k")));
    assert_true(weft_view_equal(change.value, weft_view_str("value")));
    assert_false(change.removal);
    assert_int_equal(change.expires, 0);
    assert_int_equal(kv_record_next(&record.rest, &change), 1);
    assert_int_equal(change.key.size + change.value.size, 0);
    assert_int_equal(change.expires, INT64_C(0x0102030405060708));
    assert_int_equal(kv_record_next(&record.rest, &change), 1);
    assert_true(change.removal);
    assert_true(weft_view_equal(change.key, weft_view_str("gone")));
    assert_int_equal(kv_record_next(&record.rest, &change), 0);
}

static void test_every_changed_byte_and_every_shorter_record_is_noticed(void **state)
{
    uint8_t bytes[ROOM];
    size_t said;
    size_t size = write_record(bytes, &said);
    struct kv_record record;
    (void)state;
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(kv_record_read(weft_view(bytes, i), &record), -EBADMSG);
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(kv_record_read(weft_view(bytes, size), &record), -EBADMSG);
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
}

/* The bytes are in a block of their own size, so that ASan sees a read behind them. */
static void test_changes_that_are_cut_are_refused_at_every_byte(void **state)
{
    uint8_t bytes[ROOM];
    size_t said;
    struct kv_record record;
    struct kv_record_change change;
    (void)state;
    assert_int_equal(kv_record_read(weft_view(bytes, write_record(bytes, &said)), &record), 0);
    for (size_t size = 1; size < record.rest.size; size++) {
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, record.rest.data, size);
        struct weft_view rest = weft_view(copy, size);
        int n;
        while ((n = kv_record_next(&rest, &change)) > 0)
            continue;
        assert_true(n == 0 || n == -EBADMSG);
        free(copy);
    }
}

static void test_varints_of_every_length_are_read_back(void **state)
{
    uint8_t bytes[KV_RECORD_VARINT_MAX];
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        uint64_t value = UINT64_C(1) << bits, read;
        size_t size = (size_t)(kv_record_put_varint(bytes, value) - bytes);
        struct weft_view rest = weft_view(bytes, size);
        assert_int_equal(kv_record_take_varint(&rest, &read), 0);
        assert_int_equal(read, value);
        assert_int_equal(rest.size, 0);
        rest = weft_view(bytes, size - 1);
        assert_int_equal(kv_record_take_varint(&rest, &read), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_is_read_as_it_was_written),
        cmocka_unit_test(test_every_changed_byte_and_every_shorter_record_is_noticed),
        cmocka_unit_test(test_changes_that_are_cut_are_refused_at_every_byte),
        cmocka_unit_test(test_varints_of_every_length_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
