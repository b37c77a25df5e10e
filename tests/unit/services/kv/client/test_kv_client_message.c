/* SPDX-License-Identifier: MIT
 *
 * Requests and replies of the client, with protobuf-c's own pack and unpack as the oracle. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "abi.pb-c.h"
#include "lib/fault.h"
#include "services/kv/client/message.h"

/* The bytes of a request, in memory of exactly their size. */
static struct weft_bytes pack(const struct weft_kv_request *request)
{
    struct weft_error error = {0};
    assert_int_equal(weft__kv_request_check(request, &error), 0);
    struct weft__kv_request_body body = weft__kv_request_to_body(request);
    struct weft_bytes bytes = {.data = malloc(body.body.size), .size = body.body.size};
    assert_non_null(bytes.data);
    body.body.write(&body.body, bytes.data);
    return bytes;
}

static Abi__CommandRequest *unpack(const struct weft_kv_request *request)
{
    struct weft_bytes bytes = pack(request);
    Abi__CommandRequest *message = abi__command_request__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(message);
    assert_int_equal(message->request_data_case, request->op);
    assert_int_equal(message->base.n_unknown_fields, 0);
    /* Written as protobuf-c writes it, field by field in the same order and minimal. */
    assert_int_equal(abi__command_request__get_packed_size(message), bytes.size);
    free(bytes.data);
    return message;
}

static const struct weft_view keys[] = {
    {(const uint8_t *)"k1", 2}, {NULL, 0}, {(const uint8_t *)"表", 3}};

static void test_request_with_one_key(void **state)
{
    (void)state;
    struct weft_kv_request request = {
        .op = WEFT_KV_HGET, .table = weft_view_str("t"), .keys = keys, .key_count = 1};
    Abi__CommandRequest *message = unpack(&request);
    assert_string_equal(message->hget->table, "t");
    assert_string_equal(message->hget->key, "k1");
    abi__command_request__free_unpacked(message, NULL);
    request.op = WEFT_KV_HDEL;
    message = unpack(&request);
    assert_string_equal(message->hdel->key, "k1");
    abi__command_request__free_unpacked(message, NULL);
    request.op = WEFT_KV_HEXIST;
    message = unpack(&request);
    assert_string_equal(message->hexist->key, "k1");
    abi__command_request__free_unpacked(message, NULL);
}

static void test_request_with_empty_names_has_no_fields(void **state)
{
    (void)state;
    const struct weft_kv_request request = {.op = WEFT_KV_HEXIST, .keys = &keys[1], .key_count = 1};
    struct weft_bytes bytes = pack(&request);
    assert_int_equal(bytes.size, 2);
    assert_memory_equal(bytes.data, "\x42\x00", 2);
    free(bytes.data);
}

static void test_request_keeps_nul_in_names(void **state)
{
    (void)state;
    const struct weft_view key = weft_view("a\0b", 3);
    const struct weft_kv_request request = {
        .op = WEFT_KV_HGET, .table = weft_view_str("t"), .keys = &key, .key_count = 1};
    struct weft_bytes bytes = pack(&request);
    assert_int_equal(bytes.size, 10);
    assert_memory_equal(bytes.data,
                        "\x0a\x08\x0a\x01t\x12\x03"
                        "a\0b",
                        10);
    free(bytes.data);
}

static void test_request_with_many_keys(void **state)
{
    (void)state;
    struct weft_kv_request request = {
        .op = WEFT_KV_HMGET, .table = weft_view_str("t"), .keys = keys, .key_count = 3};
    Abi__CommandRequest *message = unpack(&request);
    assert_int_equal(message->hmget->n_keys, 3);
    assert_string_equal(message->hmget->keys[0], "k1");
    assert_string_equal(message->hmget->keys[1], "");
    assert_string_equal(message->hmget->keys[2], "表");
    abi__command_request__free_unpacked(message, NULL);
    request.op = WEFT_KV_HMDEL;
    message = unpack(&request);
    assert_int_equal(message->hmdel->n_keys, 3);
    abi__command_request__free_unpacked(message, NULL);
    request.op = WEFT_KV_HMEXIST;
    message = unpack(&request);
    assert_int_equal(message->hmexist->n_keys, 3);
    abi__command_request__free_unpacked(message, NULL);
}

static void test_request_for_a_table(void **state)
{
    (void)state;
    const struct weft_kv_request request = {.op = WEFT_KV_HGETALL, .table = weft_view_str("t")};
    Abi__CommandRequest *message = unpack(&request);
    assert_string_equal(message->hgetall->table, "t");
    abi__command_request__free_unpacked(message, NULL);
}

static void test_request_with_a_value_of_each_type(void **state)
{
    (void)state;
    const struct weft_kv_pair pairs[] = {
        {weft_view_str("s"), {.type = WEFT_KV_STRING, .bytes = weft_view_str("text")}},
        {weft_view_str("b"), {.type = WEFT_KV_BINARY, .bytes = weft_view("\0\xff", 2)}},
        {weft_view_str("i"), {.type = WEFT_KV_INTEGER, .integer = -3}},
        {weft_view_str("f"), {.type = WEFT_KV_FLOAT, .number = 1.5}},
        {weft_view_str("t"), {.type = WEFT_KV_BOOL, .boolean = true}},
        {weft_view_str("e"), {.type = WEFT_KV_EMPTY}},
        {weft_view_str("es"), {.type = WEFT_KV_STRING}},
    };
    const struct weft_kv_request request = {
        .op = WEFT_KV_HMSET, .table = weft_view_str("t"), .pairs = pairs, .pair_count = 7};
    Abi__CommandRequest *message = unpack(&request);
    assert_int_equal(message->hmset->n_pairs, 7);
    Abi__Kvpair **got = message->hmset->pairs;
    assert_string_equal(got[0]->key, "s");
    assert_string_equal(got[0]->value->string, "text");
    assert_int_equal(got[1]->value->binary.len, 2);
    assert_memory_equal(got[1]->value->binary.data, "\0\xff", 2);
    assert_int_equal(got[2]->value->integer, -3);
    assert_true(got[3]->value->float_ == 1.5);
    assert_int_equal(got[4]->value->bool_, 1);
    assert_int_equal(got[5]->value->value_case, ABI__VALUE__VALUE__NOT_SET);
    assert_int_equal(got[6]->value->value_case, ABI__VALUE__VALUE_STRING);
    abi__command_request__free_unpacked(message, NULL);
}

static void test_request_with_one_pair(void **state)
{
    (void)state;
    const struct weft_kv_pair pair = {weft_view_str("k"), {.type = WEFT_KV_BOOL, .boolean = false}};
    const struct weft_kv_request request = {
        .op = WEFT_KV_HSET, .table = weft_view_str("t"), .pairs = &pair, .pair_count = 1};
    Abi__CommandRequest *message = unpack(&request);
    assert_int_equal(message->hset->pair->value->value_case, ABI__VALUE__VALUE_BOOL);
    abi__command_request__free_unpacked(message, NULL);
}

static void assert_unfit(const struct weft_kv_request *request, const char *expected)
{
    struct weft_error error = {0};
    assert_int_equal(weft__kv_request_check(request, &error), -EINVAL);
    assert_string_equal(error.text, expected);
}

static void test_login_is_the_message_that_protobuf_c_writes(void **state)
{
    (void)state;
    struct weft__kv_login_body body;
    struct weft_error error;
    uint8_t bytes[64];
    assert_int_equal(
        weft__kv_login_to_body(&body, weft_view_str("ann"), weft_view_str("s\nm"), false, &error),
        0);
    body.body.write(&body.body, bytes);
    Abi__CommandRequest *message = abi__command_request__unpack(NULL, body.body.size, bytes);
    assert_non_null(message);
    assert_int_equal(message->request_data_case, ABI__COMMAND_REQUEST__REQUEST_DATA_LOGIN);
    assert_int_equal(abi__command_request__get_packed_size(message), body.body.size);
    assert_string_equal(message->login->user, "ann");
    assert_string_equal(message->login->password, "s\nm");
    abi__command_request__free_unpacked(message, NULL);
}

static void test_login_of_no_text_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *user, *password, *why;
    } rows[] = {{"", "x", "the user is empty"},
                {"ann", "", "the password is empty"},
                {"\xff", "x", "the user is not valid UTF-8"},
                {"ann", "\xff", "the password is not valid UTF-8"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weft__kv_login_body body;
        struct weft_error error;
        assert_int_equal(weft__kv_login_to_body(&body, weft_view_str(rows[i].user),
                                                weft_view_str(rows[i].password), false, &error),
                         -EINVAL);
        assert_string_equal(error.text, rows[i].why);
    }
}

static void test_check_counts_keys_and_pairs(void **state)
{
    (void)state;
    static const struct {
        enum weft_kv_op op;
        size_t keys, pairs;
    } wrong[] = {
        {WEFT_KV_HGET, 2, 0},    {WEFT_KV_HDEL, 0, 0},  {WEFT_KV_HEXIST, 1, 1},
        {WEFT_KV_HGETALL, 1, 0}, {WEFT_KV_HMGET, 1, 1}, {WEFT_KV_HSET, 0, 2},
        {WEFT_KV_HSET, 1, 1},    {WEFT_KV_HMSET, 1, 1}, {0, 0, 0},
    };
    static const struct weft_kv_pair pairs[2];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct weft_kv_request request = {.op = wrong[i].op,
                                                .keys = keys,
                                                .key_count = wrong[i].keys,
                                                .pairs = pairs,
                                                .pair_count = wrong[i].pairs};
        assert_unfit(&request, "not as many keys and pairs as the command takes");
    }
}

static void test_request_with_changes_of_each_kind(void **state)
{
    (void)state;
    static const uint8_t version[16] = {1, 2, 3};
    const struct weft_kv_change changes[] = {
        {.key = weft_view_str("a"),
         .what = WEFT_KV_STORE,
         .value = {.type = WEFT_KV_INTEGER, .integer = -1},
         .expiry = {WEFT_KV_EXPIRE_AFTER, 5000},
         .condition = WEFT_KV_IF_ABSENT},
        {.key = weft_view_str("b"),
         .what = WEFT_KV_REMOVE,
         .condition = WEFT_KV_IF_VERSION,
         .version = weft_view(version, sizeof version)},
        {.key = weft_view_str("c"), .expiry = {WEFT_KV_EXPIRE_AT, 0}},
        {.what = WEFT_KV_STORE,
         .expiry = {WEFT_KV_EXPIRE_KEEP, 0},
         .condition = WEFT_KV_IF_PRESENT},
    };
    const struct weft_kv_request request = {.op = WEFT_KV_HPUT,
                                            .table = weft_view_str("t"),
                                            .changes = changes,
                                            .change_count = 4,
                                            .state = true};
    Abi__CommandRequest *message = unpack(&request);
    Abi__Hput *hput = message->hput;
    assert_int_equal(hput->n_changes, 4);
    assert_true(hput->state);
    assert_int_equal(hput->changes[0]->value->integer, -1);
    assert_int_equal(hput->changes[0]->expire_after, 5000);
    assert_true(hput->changes[0]->if_absent);
    assert_true(hput->changes[1]->remove);
    assert_memory_equal(hput->changes[1]->if_version.data, version, sizeof version);
    assert_int_equal(hput->changes[2]->change_case, ABI__CHANGE__CHANGE__NOT_SET);
    assert_int_equal(hput->changes[2]->expiry_case, ABI__CHANGE__EXPIRY_EXPIRE_AT);
    assert_string_equal(hput->changes[3]->key, "");
    assert_int_equal(hput->changes[3]->change_case, ABI__CHANGE__CHANGE_VALUE);
    assert_true(hput->changes[3]->expire_keep && hput->changes[3]->if_present);
    abi__command_request__free_unpacked(message, NULL);
}

static void test_check_refuses_what_no_server_could_read(void **state)
{
    (void)state;
    const struct weft_kv_change change = {.condition = WEFT_KV_IF_VERSION,
                                          .version = weft_view_str("short")};
    assert_unfit(
        &(struct weft_kv_request){.op = WEFT_KV_HPUT, .changes = &change, .change_count = 1},
        "version 1 is not of 16 bytes");
    assert_unfit(
        &(struct weft_kv_request){.op = WEFT_KV_HGET, .changes = &change, .change_count = 1},
        "not as many keys and pairs as the command takes");
    assert_unfit(&(struct weft_kv_request){.op = WEFT_KV_HINCR, .keys = keys, .key_count = 1},
                 "what is added is neither an integer nor a float");
    assert_unfit(
        &(struct weft_kv_request){.op = WEFT_KV_HEXPIRE, .expiry = {WEFT_KV_EXPIRE_KEEP, 0}},
        "hexpire does not keep an expiry: say nothing");
    assert_unfit(&(struct weft_kv_request){.op = WEFT_KV_TABLES, .prefix = weft_view_str("\xff")},
                 "the prefix is not UTF-8");
    assert_unfit(&(struct weft_kv_request){.op = WEFT_KV_HSCAN, .match = weft_view_str("\xff")},
                 "the pattern is not UTF-8");
}

static void test_check_wants_utf8(void **state)
{
    (void)state;
    const struct weft_view bad = weft_view_str("\xff"), both[] = {keys[0], bad};
    const struct weft_kv_pair bad_key = {bad, {.type = WEFT_KV_EMPTY}};
    const struct weft_kv_pair bad_text = {keys[0], {.type = WEFT_KV_STRING, .bytes = bad}};
    assert_unfit(&(struct weft_kv_request){.op = WEFT_KV_HGETALL, .table = bad},
                 "the table is not UTF-8");
    assert_unfit(&(struct weft_kv_request){.op = WEFT_KV_HMGET, .keys = both, .key_count = 2},
                 "key 2 is not UTF-8");
    assert_unfit(&(struct weft_kv_request){.op = WEFT_KV_HSET, .pairs = &bad_key, .pair_count = 1},
                 "key 1 is not UTF-8");
    assert_unfit(&(struct weft_kv_request){.op = WEFT_KV_HSET, .pairs = &bad_text, .pair_count = 1},
                 "string 1 is not UTF-8");
}

/* Reads bytes from a heap copy of their size; what was read lives in it and in the arena. */
struct reading {
    struct weft_bytes bytes;
    struct weft_arena arena;
    struct weft_kv_reply reply;
    const char *why;
    int status;
};

static void read_reply(struct reading *reading, const void *data, size_t size, size_t budget)
{
    *reading = (struct reading){.bytes = {.data = malloc(size), .size = size}};
    assert_true(reading->bytes.data || size == 0);
    if (size > 0)
        memcpy(reading->bytes.data, data, size);
    weft_arena_init(&reading->arena, budget);
    reading->status =
        weft__kv_reply_read(&reading->reply, weft_view(reading->bytes.data, reading->bytes.size),
                            &reading->arena, &reading->why);
}

static void forget(struct reading *reading)
{
    free(reading->bytes.data);
    weft_arena_fini(&reading->arena);
}

enum { BUDGET = 4096 };

static void test_reply_with_a_value_of_each_type(void **state)
{
    (void)state;
    /* status 200; values "a", binary ff, integer -1, float 0.5, bool true, empty */
    static const char bytes[] = "\x08\xc8\x01"
                                "\x1a\x03\x0a\x01"
                                "a"
                                "\x1a\x03\x12\x01\xff"
                                "\x1a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                "\x1a\x09\x21\0\0\0\0\0\0\xe0\x3f"
                                "\x1a\x02\x28\x01"
                                "\x1a\x00";
    struct reading reading;
    read_reply(&reading, bytes, sizeof bytes - 1, BUDGET);
    assert_int_equal(reading.status, 0);
    assert_int_equal(reading.reply.status, 200);
    assert_int_equal(reading.reply.value_count, 6);
    const struct weft_kv_value *values = reading.reply.values;
    assert_int_equal(values[0].type, WEFT_KV_STRING);
    assert_true(weft_view_equal(values[0].bytes, weft_view_str("a")));
    assert_int_equal(values[1].type, WEFT_KV_BINARY);
    assert_true(weft_view_equal(values[1].bytes, weft_view("\xff", 1)));
    assert_int_equal(values[2].type, WEFT_KV_INTEGER);
    assert_int_equal(values[2].integer, -1);
    assert_int_equal(values[3].type, WEFT_KV_FLOAT);
    assert_true(values[3].number == 0.5);
    assert_int_equal(values[4].type, WEFT_KV_BOOL);
    assert_true(values[4].boolean);
    assert_int_equal(values[5].type, WEFT_KV_EMPTY);
    forget(&reading);
}

static void test_reply_with_pairs(void **state)
{
    (void)state;
    /* k: integer 7; a pair without value; an empty pair */
    static const char bytes[] = "\x08\xc8\x01"
                                "\x22\x07\x0a\x01k\x12\x02\x18\x07"
                                "\x22\x03\x0a\x01"
                                "e"
                                "\x22\x00";
    struct reading reading;
    read_reply(&reading, bytes, sizeof bytes - 1, BUDGET);
    assert_int_equal(reading.status, 0);
    assert_int_equal(reading.reply.pair_count, 3);
    const struct weft_kv_pair *pairs = reading.reply.pairs;
    assert_true(weft_view_equal(pairs[0].key, weft_view_str("k")));
    assert_int_equal(pairs[0].value.integer, 7);
    assert_true(weft_view_equal(pairs[1].key, weft_view_str("e")));
    assert_int_equal(pairs[1].value.type, WEFT_KV_EMPTY);
    assert_int_equal(pairs[2].key.size, 0);
    forget(&reading);
}

static void test_reply_with_a_message(void **state)
{
    (void)state;
    struct reading reading;
    read_reply(&reading, "\x08\x94\x03\x12\x02no", 7, BUDGET);
    assert_int_equal(reading.status, 0);
    assert_int_equal(reading.reply.status, 404);
    assert_true(weft_view_equal(reading.reply.message, weft_view_str("no")));
    forget(&reading);
}

static void test_reply_skips_unknown_fields_and_takes_the_last_of_a_oneof(void **state)
{
    (void)state;
    /* cursor (5), then a value that is a string, has an unknown field 9, and is integer 7 */
    static const char bytes[] = "\x2a\x01x\x1a\x07\x0a\x01s\x48\x01\x18\x07";
    struct reading reading;
    read_reply(&reading, bytes, sizeof bytes - 1, BUDGET);
    assert_int_equal(reading.status, 0);
    assert_int_equal(reading.reply.status, 0);
    assert_int_equal(reading.reply.values[0].type, WEFT_KV_INTEGER);
    assert_int_equal(reading.reply.values[0].integer, 7);
    forget(&reading);
}

static void assert_malformed(const void *data, size_t size)
{
    struct reading reading;
    read_reply(&reading, data, size, BUDGET);
    assert_int_equal(reading.status, WEFT_EMALFORMED);
    assert_non_null(reading.why);
    forget(&reading);
}

static void test_reply_that_is_no_message_is_malformed(void **state)
{
    (void)state;
    assert_malformed("HTTP/1.1 400", 12);
    assert_malformed("\x1a\x02\x0a\x05", 4);         /* a value's string goes past its end */
    assert_malformed("\x22\x02\x0a\x05", 4);         /* a pair's key does */
    assert_malformed("\x22\x04\x12\x02\x0a\x05", 6); /* a pair's value's string does */
    assert_malformed("\x12\x01\xff", 3);             /* the message is not UTF-8 */
}

static void test_reply_over_the_budget_is_too_big(void **state)
{
    (void)state;
    struct reading reading;
    read_reply(&reading, "\x1a\x00\x1a\x00\x1a\x00\x1a\x00", 8, 3 * sizeof(struct weft_kv_value));
    assert_int_equal(reading.status, WEFT_ETOOBIG);
    assert_string_equal(reading.why, "the reply has too many items");
    forget(&reading);
}

static void read_with_failures(void *arg)
{
    (void)arg;
    struct reading reading;
    read_reply(&reading, "\x1a\x00\x22\x00\x3a\x00\x42\x00", 8, BUDGET);
    assert_int_equal(reading.status, fault_failed() == 0 ? 0 : -ENOMEM);
    forget(&reading);
}

static void test_reply_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(read_with_failures, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_with_one_key),
        cmocka_unit_test(test_request_with_empty_names_has_no_fields),
        cmocka_unit_test(test_request_keeps_nul_in_names),
        cmocka_unit_test(test_request_with_many_keys),
        cmocka_unit_test(test_request_for_a_table),
        cmocka_unit_test(test_request_with_a_value_of_each_type),
        cmocka_unit_test(test_request_with_one_pair),
        cmocka_unit_test(test_login_is_the_message_that_protobuf_c_writes),
        cmocka_unit_test(test_login_of_no_text_is_refused),
        cmocka_unit_test(test_check_counts_keys_and_pairs),
        cmocka_unit_test(test_request_with_changes_of_each_kind),
        cmocka_unit_test(test_check_refuses_what_no_server_could_read),
        cmocka_unit_test(test_check_wants_utf8),
        cmocka_unit_test(test_reply_with_a_value_of_each_type),
        cmocka_unit_test(test_reply_with_pairs),
        cmocka_unit_test(test_reply_with_a_message),
        cmocka_unit_test(test_reply_skips_unknown_fields_and_takes_the_last_of_a_oneof),
        cmocka_unit_test(test_reply_that_is_no_message_is_malformed),
        cmocka_unit_test(test_reply_over_the_budget_is_too_big),
        cmocka_unit_test(test_reply_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
