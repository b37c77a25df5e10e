/* SPDX-License-Identifier: MIT
 *
 * Messages as JSON, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "rpc_fixture.h"
#include "services/rpc/json.h"

static struct weft_arena arena;
static char why[200];
static bool malformed;

static ProtobufCMessage *read_json(const ProtobufCMessageDescriptor *type, const char *json)
{
    weft_arena_fini(&arena);
    weft_arena_init(&arena, 1 << 20);
    return weft__rpc_read_json(type, weft_view_str(json), &arena, why, sizeof why, &malformed);
}

static void expect_json(const ProtobufCMessage *message, const char *json)
{
    struct weft_text text = {.failed = false};
    weft__rpc_write_json(&text, message);
    assert_false(text.failed);
    const struct weft_view view = weft_text_view(&text);
    char *copy = calloc(1, view.size + 1);
    assert_non_null(copy);
    memcpy(copy, view.data, view.size);
    assert_string_equal(copy, json);
    free(copy);
    weft_text_fini(&text);
}

/* Reads one form and writes the canonical one; NULL: the same. What lies between is a message that protobuf-c packs
 * and unpacks. */
static void expect_of(const ProtobufCMessageDescriptor *type, const char *json,
                      const char *canonical)
{
    ProtobufCMessage *message = read_json(type, json);
    if (!message)
        fail_msg("%s: %s", json, why);
    expect_json(message, canonical ? canonical : json);
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(size + 1);
    assert_non_null(packed);
    assert_int_equal(protobuf_c_message_pack(message, packed), size);
    ProtobufCMessage *again = protobuf_c_message_unpack(type, NULL, size, packed);
    free(packed);
    assert_non_null(again);
    expect_json(again, canonical ? canonical : json);
    protobuf_c_message_free_unpacked(again, NULL);
}

static void test_each_type_has_its_canonical_form(void **state)
{
    static const char *const rows[][2] = {
        {"{}", NULL},
        {" { } ", "{}"},
        {"{\"int32\":-2147483648,\"sint32\":2147483647,\"sfixed32\":-1}", NULL},
        {"{\"uint32\":4294967295,\"fixed32\":1}", NULL},
        {"{\"int64\":\"-9223372036854775808\",\"sint64\":\"9223372036854775807\"}", NULL},
        {"{\"sfixed64\":\"-1\",\"uint64\":\"18446744073709551615\",\"fixed64\":\"1\"}", NULL},
        {"{\"int64\":5,\"uint64\":1e3}", "{\"int64\":\"5\",\"uint64\":\"1000\"}"},
        {"{\"int32\":\"7\",\"uint32\":8.0}", "{\"int32\":7,\"uint32\":8}"},
        {"{\"int32\":0,\"int64\":\"0\",\"text\":\"\",\"bytes\":\"\",\"bool\":false}", "{}"},
        {"{\"float\":0.1,\"double\":0.1}", NULL},
        {"{\"float\":\"1.5\",\"double\":-1e300}", "{\"float\":1.5,\"double\":-1e+300}"},
        {"{\"float\":\"NaN\",\"double\":\"-Infinity\"}", NULL},
        {"{\"float\":\"Infinity\"}", NULL},
        {"{\"bool\":true,\"colour\":\"GREEN\"}", NULL},
        {"{\"colour\":-2}", "{\"colour\":\"DARK_BLUE\"}"},
        {"{\"colour\":77}", NULL},
        {"{\"text\":\"a\\u00e9\\n\\ud83d\\ude00\"}", "{\"text\":\"aé\\n😀\"}"},
        {"{\"bytes\":\"AP8=\"}", NULL},
        {"{\"bytes\":\"-_8\"}", "{\"bytes\":\"+/8=\"}"},
        {"{\"inside\":{\"inside\":{}}}", NULL},
        {"{\"numbers\":[1,2,3,4,5,-6]}", NULL},
        {"{\"numbers\":[],\"byText\":{}}", "{}"},
        {"{\"texts\":[\"\",\"b\"],\"moreInside\":[{},{\"int32\":1}]}", NULL},
        {"{\"more_inside\":[{}]}", "{\"moreInside\":[{}]}"},
        {"{\"byText\":{\"a\":\"1\",\"\":\"-2\"},\"byBool\":{\"true\":{\"text\":\"x\"},\"false\":{}}"
         "}",
         NULL},
        {"{\"byNumber\":{\"-5\":\"five\"}}", NULL},
        {"{\"left\":\"\"}", NULL},
        {"{\"right\":0}", NULL},
        {"{\"both\":{}}", NULL},
        {"{\"chunks\":[\"AA==\",\"\"],\"colours\":[\"RED\",\"GREEN\"]}", NULL},
        {"{\"int32\":null,\"numbers\":null,\"inside\":null,\"left\":null}", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_of(&sample__everything__descriptor, rows[i][0], rows[i][1]);
}

static void test_fields_of_proto2_know_if_they_are_set(void **state)
{
    static const char *const rows[][2] = {
        {"{\"number\":0}", NULL},
        {"{\"number\":1,\"text\":\"\",\"flag\":false,\"bytes\":\"\"}", NULL},
        {"{\"number\":1,\"inside\":{\"number\":2}}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_of(&old__old__descriptor, rows[i][0], rows[i][1]);
}

static void test_what_is_no_message_is_refused_with_its_place(void **state)
{
    static const char *const rows[][2] = {
        {"", "An object is expected, at byte 0 of the body"},
        {"[]", "An object is expected, at byte 1 of the body"},
        {"{} {}", "Something follows the message, at byte 4 of the body"},
        {"{\"nothing\":1}", "The message has no field of that name, at byte 10 of the body"},
        {"{\"int32\":1,}", "The name of a field is expected, at byte 12 of the body"},
        {"{\"int32\" 1}", "A colon is expected, at byte 10 of the body"},
        {"{\"int32\":1 \"int64\"",
         "A comma or the end of an object is expected, at byte 18 of the body"},
        {"{\"int32\":1,\"int32\":1}", "A field comes twice, at byte 19 of the body"},
        {"{\"left\":\"\",\"right\":1}", "A oneof has two values, at byte 20 of the body"},
        {"{\"int32\":true}", "A number is expected, at byte 13 of the body"},
        {"{\"int32\":\"\"}", "A number has no or more than 127 characters, at byte 11 of the body"},
        {"{\"int32\":\" 1\"}", "A number is expected, at byte 13 of the body"},
        {"{\"int32\":\"0x1\"}", "A number is expected, at byte 14 of the body"},
        {"{\"int32\":\"+1\"}", "A number is expected, at byte 13 of the body"},
        {"{\"int32\":\"1-1\"}", "A whole number is expected, at byte 14 of the body"},
        {"{\"int32\":\"1e\"}", "A whole number is expected, at byte 13 of the body"},
        {"{\"int32\":1.5}", "A whole number is expected, at byte 12 of the body"},
        {"{\"int64\":1e17}", "A whole number is expected, at byte 13 of the body"},
        {"{\"int32\":2147483648}",
         "A number is out of the range of its type, at byte 19 of the body"},
        {"{\"int32\":-2147483649}",
         "A number is out of the range of its type, at byte 20 of the body"},
        {"{\"uint32\":-1}", "A number is out of the range of its type, at byte 12 of the body"},
        {"{\"uint64\":18446744073709551616}",
         "A number is out of the range of its type, at byte 30 of the body"},
        {"{\"int64\":-9223372036854775809}",
         "A number is out of the range of its type, at byte 29 of the body"},
        {"{\"float\":1e39}", "A number is out of the range of its type, at byte 13 of the body"},
        {"{\"double\":1e309}", "A number is out of the range of its type, at byte 15 of the body"},
        {"{\"double\":\"1..\"}", "A number is expected, at byte 15 of the body"},
        {"{\"double\":\"nan\"}", "A number is expected, at byte 15 of the body"},
        {"{\"double\":{}}", "A number is expected, at byte 11 of the body"},
        {"{\"bool\":\"true\"}", "true or false is expected, at byte 14 of the body"},
        {"{\"colour\":\"MAUVE\"}", "An enum has no value of that name, at byte 17 of the body"},
        {"{\"colour\":2147483648}",
         "A number is out of the range of its type, at byte 20 of the body"},
        {"{\"colour\":\"\\ud800\"}",
         "A string has half of a surrogate pair, at byte 18 of the body"},
        {"{\"\\ud800\":1}", "A string has half of a surrogate pair, at byte 9 of the body"},
        {"{\"text\":1}", "A string is expected, at byte 9 of the body"},
        {"{\"text\":\"a\\u0000\"}",
         "A string has a NUL, which C cannot hold, at byte 17 of the body"},
        {"{\"text\":\"\\ud800\"}", "A string has half of a surrogate pair, at byte 16 of the body"},
        {"{\"bytes\":1}", "Bytes are expected, as base64 in a string, at byte 10 of the body"},
        {"{\"bytes\":\"A\"}", "Bytes are not base64, at byte 12 of the body"},
        {"{\"bytes\":\"\\ud800\"}",
         "A string has half of a surrogate pair, at byte 17 of the body"},
        {"{\"inside\":1}", "An object is expected, at byte 11 of the body"},
        {"{\"numbers\":1}", "An array is expected, at byte 12 of the body"},
        {"{\"numbers\":[1 2]}",
         "A comma or the end of an array is expected, at byte 15 of the body"},
        {"{\"numbers\":[null]}", "A number is expected, at byte 16 of the body"},
        {"{\"byText\":[]}", "An object is expected, at byte 11 of the body"},
        {"{\"byText\":{1:1}}", "The key of a map is expected, at byte 12 of the body"},
        {"{\"byText\":{\"a\" 1}}", "A colon is expected, at byte 16 of the body"},
        {"{\"byText\":{\"a\":1 \"b\"}}",
         "A comma or the end of an object is expected, at byte 20 of the body"},
        {"{\"byBool\":{\"yes\":{}}}", "true or false is expected, at byte 16 of the body"},
        {"{\"byNumber\":{\"x\":\"\"}}", "A number is expected, at byte 16 of the body"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(read_json(&sample__everything__descriptor, rows[i][0]));
        assert_true(malformed);
        assert_string_equal(why, rows[i][1]);
    }
    assert_null(read_json(&old__old__descriptor, "{\"flag\":true}"));
    assert_string_equal(why, "A required field is missing, at byte 13 of the body");
}

static void test_json_that_is_none_says_what_the_reader_says(void **state)
{
    (void)state;
    assert_null(read_json(&sample__everything__descriptor, "{\"text\":\"a"));
    assert_non_null(strstr(why, "at byte"));
}

static void test_depth_of_json_is_bounded(void **state)
{
    static char json[1 << 20];
    (void)state;
    for (size_t depth = 99; depth <= 100; depth++) {
        char *at = json;
        for (size_t i = 0; i < depth; i++)
            at += sprintf(at, "{\"inside\":");
        at += sprintf(at, "{}");
        for (size_t i = 0; i < depth; i++)
            *at++ = '}';
        *at = '\0';
        assert_true(!read_json(&sample__everything__descriptor, json) == (depth == 100));
    }
    assert_non_null(strstr(why, "too many messages"));
}

static void test_memory_of_json_is_bounded(void **state)
{
    static char json[1 << 20];
    char *at = json + sprintf(json, "{\"moreInside\":[{}");
    (void)state;
    for (size_t i = 0; i < 20000; i++)
        at += sprintf(at, ",{}");
    sprintf(at, "]}");
    assert_null(read_json(&sample__everything__descriptor, json));
    assert_false(malformed);
    assert_non_null(strstr(why, "more memory than a request may have"));
}

static void test_strings_of_a_service_that_are_not_utf_8_are_replaced(void **state)
{
    Sample__Text text = SAMPLE__TEXT__INIT;
    char *none = NULL;
    Sample__Everything message = SAMPLE__EVERYTHING__INIT;
    Sample__Everything *missing = NULL;
    (void)state;
    text.text = (char *)(uintptr_t) "a\xff";
    expect_json(&text.base, "{\"text\":\"a?\"}");
    message.n_texts = message.n_more_inside = 1;
    message.texts = &none;
    message.more_inside = &missing;
    expect_json(&message.base, "{\"texts\":[\"\"],\"moreInside\":[{}]}");
}

static void there_and_back(void *arg)
{
    struct weft_text text = {.failed = false};
    ProtobufCMessage *message = read_json(&sample__everything__descriptor, arg);
    assert_true(message || (!malformed && fault_failed() > 0));
    if (message)
        weft__rpc_write_json(&text, message);
    if (!text.failed && message)
        assert_int_equal(weft_text_view(&text).size, strlen(arg));
    weft_text_fini(&text);
    weft_arena_fini(&arena);
}

static void test_json_survives_every_failing_allocation(void **state)
{
    static char json[100000];
    char *at =
        json + sprintf(json, "{\"text\":\"%s\",\"bytes\":\"%s\",\"numbers\":[1", "x", "AP8=");
    (void)state;
    for (size_t i = 0; i < 20000; i++)
        at += sprintf(at, ",%d", (int)(i % 10));
    sprintf(at, "],\"moreInside\":[{\"bytes\":\"AAAA\"}],\"byText\":{\"a\":\"1\"},\"right\":3}");
    weft_arena_fini(&arena); /* it is not this test's */
    fault_each(there_and_back, json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_has_its_canonical_form),
        cmocka_unit_test(test_fields_of_proto2_know_if_they_are_set),
        cmocka_unit_test(test_what_is_no_message_is_refused_with_its_place),
        cmocka_unit_test(test_json_that_is_none_says_what_the_reader_says),
        cmocka_unit_test(test_depth_of_json_is_bounded),
        cmocka_unit_test(test_memory_of_json_is_bounded),
        cmocka_unit_test(test_strings_of_a_service_that_are_not_utf_8_are_replaced),
        cmocka_unit_test(test_json_survives_every_failing_allocation),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    weft_arena_fini(&arena);
    return failed;
}
