/* SPDX-License-Identifier: MIT
 *
 * Each reply is judged twice: read whole, and once more when one like it has been seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/bench/replies.h"
#include "services/payload/protobuf/writer.h"

enum { VALUE_SIZE = 64, PAYLOAD_MAX = 256, STRING = 1, BINARY = 2, INTEGER = 3, BOOL = 5 };

struct fixture {
    struct cli_bench_values values;
    struct cli_bench_replies replies;
    struct cli_bench_key key;
    uint8_t value[VALUE_SIZE]; /* of the key */
    uint8_t payload[PAYLOAD_MAX];
    size_t size;
};

static int begin(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    if (cli_bench_values_init(&f.values, CLI_BENCH_JSON, VALUE_SIZE, 1) < 0)
        return -1;
    cli_bench_replies_init(&f.replies, &f.values, 1 << 20);
    cli_bench_key_set(&f.key, 7);
    cli_bench_value_write(&f.values, &f.key, f.value);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    cli_bench_replies_fini(&f->replies);
    cli_bench_values_fini(&f->values);
    return 0;
}

/* A response of a status and, unless it is NULL, one value whose message is inner. */
static void make_reply(struct fixture *f, uint32_t status, const uint8_t *inner, size_t size)
{
    uint8_t *end = weft_pb_put_uint(f->payload, 1, status);
    if (status != 200)
        end = weft_pb_put_bytes(end, 2, weft_view_str("words of the server"));
    if (inner)
        end = weft_pb_put_bytes(end, 3, weft_view(inner, size));
    f->size = (size_t)(end - f->payload);
}

static void make_bytes(struct fixture *f, uint32_t field, const void *bytes, size_t size)
{
    uint8_t inner[PAYLOAD_MAX];
    uint8_t *end = weft_pb_put_bytes(inner, field, weft_view(bytes, size));
    make_reply(f, 200, inner, (size_t)(end - inner));
}

static void make_number(struct fixture *f, uint32_t field, uint64_t number)
{
    uint8_t inner[PAYLOAD_MAX];
    uint8_t *end = weft_pb_put_uint(inner, field, number);
    make_reply(f, 200, inner, (size_t)(end - inner));
}

static void expect(struct fixture *f, enum cli_bench_command command,
                   enum cli_bench_verdict verdict)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            cli_bench_reply_check(&f->replies, command, &f->key, weft_view(f->payload, f->size)),
            verdict);
}

static void test_value_that_was_stored_is_right(void **state)
{
    struct fixture *f = *state;
    make_bytes(f, STRING, f->value, VALUE_SIZE);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_RIGHT);
    expect(f, CLI_BENCH_HSET, CLI_BENCH_RIGHT);
    expect(f, CLI_BENCH_HDEL, CLI_BENCH_RIGHT);
}

static void test_any_other_byte_is_wrong_before_and_after_a_right_one(void **state)
{
    struct fixture *f = *state;
    for (int seen = 0; seen < 2; seen++) {
        for (size_t i = 0; i < VALUE_SIZE; i++) {
            f->value[i] ^= 1;
            make_bytes(f, STRING, f->value, VALUE_SIZE);
            expect(f, CLI_BENCH_HGET, CLI_BENCH_WRONG);
            assert_string_equal(f->replies.why.text, "another value than was stored");
            f->value[i] ^= 1;
        }
        make_bytes(f, STRING, f->value, VALUE_SIZE);
        expect(f, CLI_BENCH_HGET, CLI_BENCH_RIGHT);
    }
}

/* Every byte around the value, which is compared only once a reply was right. */
static void test_other_bytes_around_the_value_are_read_anew(void **state)
{
    struct fixture *f = *state;
    make_bytes(f, STRING, f->value, VALUE_SIZE);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_RIGHT);
    for (size_t i = 0; i < f->size - VALUE_SIZE; i++) {
        f->payload[i] ^= 1;
        assert_int_not_equal(cli_bench_reply_check(&f->replies, CLI_BENCH_HGET, &f->key,
                                                   weft_view(f->payload, f->size)),
                             CLI_BENCH_RIGHT);
        f->payload[i] ^= 1;
    }
    expect(f, CLI_BENCH_HGET, CLI_BENCH_RIGHT);
}

static void test_value_of_another_key_is_wrong(void **state)
{
    struct fixture *f = *state;
    make_bytes(f, STRING, f->value, VALUE_SIZE);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_RIGHT);
    cli_bench_key_set(&f->key, 8);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_WRONG);
}

static void test_value_of_another_type_is_wrong(void **state)
{
    struct fixture *f = *state;
    make_bytes(f, BINARY, f->value, VALUE_SIZE);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_WRONG);
    make_number(f, INTEGER, 7);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_WRONG);
}

/* Fields may come in any order, and others in between. */
static void test_right_value_is_right_however_it_is_written(void **state)
{
    struct fixture *f = *state;
    uint8_t inner[PAYLOAD_MAX];
    uint8_t *inner_end = weft_pb_put_bytes(inner, STRING, weft_view(f->value, VALUE_SIZE));
    uint8_t *end = weft_pb_put_bytes(f->payload, 3, weft_view(inner, (size_t)(inner_end - inner)));
    end = weft_pb_put_uint(end, 99, 1);
    end = weft_pb_put_uint(end, 1, 200);
    f->size = (size_t)(end - f->payload);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_RIGHT);
}

static void test_no_value_or_two_are_wrong(void **state)
{
    struct fixture *f = *state;
    make_reply(f, 200, NULL, 0);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_WRONG);
    assert_string_equal(f->replies.why.text, "not one value");
    uint8_t *end = weft_pb_put_bytes(f->payload + f->size, 3, weft_view(NULL, 0));
    end = weft_pb_put_bytes(end, 3, weft_view(NULL, 0));
    f->size = (size_t)(end - f->payload);
    expect(f, CLI_BENCH_HSET, CLI_BENCH_WRONG);
}

static void test_what_is_no_response_is_wrong(void **state)
{
    struct fixture *f = *state;
    memset(f->payload, 0xff, 10);
    f->size = 10;
    expect(f, CLI_BENCH_HGET, CLI_BENCH_WRONG);
    f->size = 0; /* a response whose status is 0 */
    expect(f, CLI_BENCH_HGET, CLI_BENCH_REFUSED);
}

static void test_error_is_refused_with_its_status_and_words(void **state)
{
    struct fixture *f = *state;
    make_reply(f, 507, NULL, 0);
    expect(f, CLI_BENCH_HSET, CLI_BENCH_REFUSED);
    assert_int_equal(f->replies.status, 507);
    assert_string_equal(f->replies.why.text, "507 words of the server");
    make_reply(f, 404, NULL, 0);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_REFUSED);
}

static void test_presence_is_right_if_it_is_true(void **state)
{
    struct fixture *f = *state;
    make_number(f, BOOL, 1);
    expect(f, CLI_BENCH_HEXIST, CLI_BENCH_RIGHT);
    make_number(f, BOOL, 0);
    expect(f, CLI_BENCH_HEXIST, CLI_BENCH_WRONG);
    make_number(f, INTEGER, 1);
    expect(f, CLI_BENCH_HEXIST, CLI_BENCH_WRONG);
}

static void test_absence_is_a_miss_where_keys_are_deleted(void **state)
{
    struct fixture *f = *state;
    static const uint8_t nothing[1];
    f->replies.may_miss = true;
    make_reply(f, 404, NULL, 0);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_MISS);
    make_number(f, BOOL, 0);
    expect(f, CLI_BENCH_HEXIST, CLI_BENCH_MISS);
    make_reply(f, 200, nothing, 0);
    expect(f, CLI_BENCH_HSET, CLI_BENCH_MISS);
    expect(f, CLI_BENCH_HDEL, CLI_BENCH_MISS);
    expect(f, CLI_BENCH_HGET, CLI_BENCH_WRONG);
}

static void test_absence_is_wrong_where_none_are(void **state)
{
    struct fixture *f = *state;
    static const uint8_t nothing[1];
    make_reply(f, 200, nothing, 0);
    expect(f, CLI_BENCH_HSET, CLI_BENCH_WRONG);
}

/* Whatever was in the table before is replaced while it is filled. */
static void test_filling_takes_any_old_value(void **state)
{
    struct fixture *f = *state;
    f->replies.any_old = true;
    make_number(f, INTEGER, 7);
    expect(f, CLI_BENCH_HSET, CLI_BENCH_RIGHT);
    f->replies.any_old = false;
    expect(f, CLI_BENCH_HSET, CLI_BENCH_WRONG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_value_that_was_stored_is_right),
        TEST(test_any_other_byte_is_wrong_before_and_after_a_right_one),
        TEST(test_other_bytes_around_the_value_are_read_anew),
        TEST(test_value_of_another_key_is_wrong),
        TEST(test_value_of_another_type_is_wrong),
        TEST(test_right_value_is_right_however_it_is_written),
        TEST(test_no_value_or_two_are_wrong),
        TEST(test_what_is_no_response_is_wrong),
        TEST(test_error_is_refused_with_its_status_and_words),
        TEST(test_presence_is_right_if_it_is_true),
        TEST(test_absence_is_a_miss_where_keys_are_deleted),
        TEST(test_absence_is_wrong_where_none_are),
        TEST(test_filling_takes_any_old_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
