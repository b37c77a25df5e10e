/* SPDX-License-Identifier: MIT
 *
 * Times and durations as JSON, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "rpc_fixture.h"
#include "services/rpc/json.h"
#include "times.pb-c.h"

static struct weft_arena arena;
static char why[200];

static ProtobufCMessage *read_json(const ProtobufCMessageDescriptor *type, const char *json)
{
    bool malformed;
    weft_arena_fini(&arena);
    weft_arena_init(&arena, 1 << 20);
    return weft__rpc_read_json(type, weft_view_str(json), &arena, why, sizeof why, &malformed);
}

static void expect_json(const ProtobufCMessage *message, const char *json)
{
    struct weft_text text = {.failed = false};
    weft__rpc_write_json(&text, message);
    weft_text_add(&text, weft_view("", 1));
    assert_false(text.failed);
    assert_string_equal((const char *)weft_text_view(&text).data, json);
    weft_text_fini(&text);
}

static void expect_refusal(const ProtobufCMessageDescriptor *type, const char *json,
                           const char *words)
{
    if (read_json(type, json))
        fail_msg("%s is read", json);
    assert_int_equal(strncmp(why, words, strlen(words)), 0);
}

static void test_times_are_strings(void **state)
{
    static const struct {
        int64_t seconds;
        int32_t nanos;
        const char *json;
    } rows[] = {
        {0, 0, "\"1970-01-01T00:00:00Z\""},
        {-1, 999999999, "\"1969-12-31T23:59:59.999999999Z\""},
        {1672531200, 500000000, "\"2023-01-01T00:00:00.500Z\""},
        {951782400, 1000, "\"2000-02-29T00:00:00.000001Z\""},
        {951868800, 0, "\"2000-03-01T00:00:00Z\""},
        {4107542399, 0, "\"2100-02-28T23:59:59Z\""},
        {4107542400, 0, "\"2100-03-01T00:00:00Z\""},
        {INT64_C(-62135596800), 0, "\"0001-01-01T00:00:00Z\""},
        {INT64_C(253402300799), 999000000, "\"9999-12-31T23:59:59.999Z\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
        time.seconds = rows[i].seconds;
        time.nanos = rows[i].nanos;
        expect_json(&time.base, rows[i].json);
        const Google__Protobuf__Timestamp *read =
            (const void *)read_json(time.base.descriptor, rows[i].json);
        assert_non_null(read);
        assert_int_equal(read->seconds, rows[i].seconds);
        assert_int_equal(read->nanos, rows[i].nanos);
    }
}

static void test_every_day_of_four_centuries_comes_back(void **state)
{
    (void)state;
    for (int64_t day = -146097; day <= 146097; day++) {
        Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
        struct weft_text text = {.failed = false};
        time.seconds = day * 86400 + 86399;
        weft__rpc_write_json(&text, &time.base);
        weft_text_add(&text, weft_view("", 1));
        const Google__Protobuf__Timestamp *read =
            (const void *)read_json(time.base.descriptor, (const char *)weft_text_view(&text).data);
        assert_non_null(read);
        assert_int_equal(read->seconds, time.seconds);
        weft_text_fini(&text);
    }
}

static void test_durations_are_strings(void **state)
{
    static const struct {
        int64_t seconds;
        int32_t nanos;
        const char *json;
    } rows[] = {
        {0, 0, "\"0s\""},
        {1, 500000000, "\"1.500s\""},
        {0, -1000, "\"-0.000001s\""},
        {-3, -1, "\"-3.000000001s\""},
        {INT64_C(315576000000), 0, "\"315576000000s\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
        duration.seconds = rows[i].seconds;
        duration.nanos = rows[i].nanos;
        expect_json(&duration.base, rows[i].json);
        const Google__Protobuf__Duration *read =
            (const void *)read_json(duration.base.descriptor, rows[i].json);
        assert_non_null(read);
        assert_int_equal(read->seconds, rows[i].seconds);
        assert_int_equal(read->nanos, rows[i].nanos);
    }
}

static void test_zones_fractions_and_objects_are_read(void **state)
{
    static const char *const rows[][2] = {
        {"\"2023-01-01T01:30:00+01:30\"", "\"2023-01-01T00:00:00Z\""},
        {"\"2022-12-31T19:00:00.25-05:00\"", "\"2023-01-01T00:00:00.250Z\""},
        {"{\"seconds\":\"1672531200\",\"nanos\":5}", "\"2023-01-01T00:00:00.000000005Z\""},
        {"{}", "\"1970-01-01T00:00:00Z\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const ProtobufCMessage *read =
            read_json(&google__protobuf__timestamp__descriptor, rows[i][0]);
        assert_non_null(read);
        expect_json(read, rows[i][1]);
    }
}

static void test_times_stand_in_fields_lists_and_maps(void **state)
{
    static const char json[] = "{\"at\":\"2023-01-01T00:00:00Z\",\"takes\":[\"1s\",\"-0.500s\"],"
                               "\"byName\":{\"a\":\"1970-01-01T00:00:01Z\"}}";
    Google__Protobuf__Times__ByNameEntry entry = GOOGLE__PROTOBUF__TIMES__BY_NAME_ENTRY__INIT;
    Google__Protobuf__Times__ByNameEntry *entries[] = {&entry};
    Google__Protobuf__Times times = GOOGLE__PROTOBUF__TIMES__INIT;
    (void)state;
    const ProtobufCMessage *read = read_json(&google__protobuf__times__descriptor, json);
    if (!read)
        fail_msg("%s", why);
    expect_json(read, json);
    times.n_by_name = 1;
    times.by_name = entries;
    expect_json(&times.base, "{\"byName\":{\"\":\"1970-01-01T00:00:00Z\"}}");
}

static void test_strings_that_are_no_time_are_refused(void **state)
{
    static const char *const times[] = {
        "\"\"",
        "\"2023-01-01\"",
        "\"2023-01-01T00:00:00\"",
        "\"2023-01-01t00:00:00Z\"",
        "\"2023-02-29T00:00:00Z\"",
        "\"2023-00-01T00:00:00Z\"",
        "\"2023-04-31T00:00:00Z\"",
        "\"2023-01-01T24:00:00Z\"",
        "\"2023-01-01T00:60:00Z\"",
        "\"2023-01-01T00:00:60Z\"",
        "\"2023-01-01T00:00:00.Z\"",
        "\"2023-01-01T00:00:00.1234567890Z\"",
        "\"2023-01-01T00:00:00Z \"",
        "\"2023-01-01T00:00:00+24:00\"",
        "\"2023-01-01T00:00:00+0100\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"0001-01-01T00:00:00+00:01\"",
        "\"9999-12-31T23:59:59-00:01\"",
    };
    static const char *const durations[] = {"\"\"",    "\"s\"",   "\"1\"",    "\"1.s\"",
                                            "\"+1s\"", "\"1 s\"", "\"--1s\"", "\"315576000001s\"",
                                            "\"1s1\"", "\".5s\""};
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        expect_refusal(&google__protobuf__timestamp__descriptor, times[i], "A time is expected");
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        expect_refusal(&google__protobuf__duration__descriptor, durations[i],
                       "A duration is expected");
    expect_refusal(&google__protobuf__timestamp__descriptor, "5", "An object is expected");
    expect_refusal(&google__protobuf__times__descriptor, "\"1s\"", "An object is expected");
}

static void test_times_that_no_string_can_say_are_objects(void **state)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
    (void)state;
    time.seconds = INT64_C(253402300800);
    expect_json(&time.base, "{\"seconds\":\"253402300800\"}");
    time.seconds = 0;
    time.nanos = -1;
    expect_json(&time.base, "{\"nanos\":-1}");
    duration.seconds = 1;
    duration.nanos = -1;
    expect_json(&duration.base, "{\"seconds\":\"1\",\"nanos\":-1}");
    duration.seconds = INT64_MIN;
    duration.nanos = 0;
    expect_json(&duration.base, "{\"seconds\":\"-9223372036854775808\"}");
}

static int drop_arena(void **state)
{
    (void)state;
    weft_arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_strings),
        cmocka_unit_test(test_every_day_of_four_centuries_comes_back),
        cmocka_unit_test(test_durations_are_strings),
        cmocka_unit_test(test_zones_fractions_and_objects_are_read),
        cmocka_unit_test(test_times_stand_in_fields_lists_and_maps),
        cmocka_unit_test(test_strings_that_are_no_time_are_refused),
        cmocka_unit_test(test_times_that_no_string_can_say_are_objects),
    };
    return cmocka_run_group_tests(tests, NULL, drop_arena);
}
