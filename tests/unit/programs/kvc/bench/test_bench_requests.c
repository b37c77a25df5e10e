/* SPDX-License-Identifier: MIT
 *
 * The ready-made requests against those that the client's encoder writes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/bench/requests.h"
#include "services/kv/client/message.h"

enum { SIZE = 512 };

static struct cli_bench_values values;
static struct cli_bench_requests requests;

static int end(void **state)
{
    (void)state;
    cli_bench_requests_fini(&requests);
    cli_bench_values_fini(&values);
    return 0;
}

static void begin(const char *table, enum cli_bench_kind kind, size_t size)
{
    struct weft_error error;
    end(NULL);
    assert_int_equal(cli_bench_values_init(&values, kind, size, 1), 0);
    assert_int_equal(cli_bench_requests_init(&requests, weft_view_str(table), &values, &error), 0);
}

static void assert_as_encoded(const char *table, enum cli_bench_command command, uint32_t number)
{
    static uint8_t value[SIZE], made[SIZE], expected[SIZE];
    struct cli_bench_key key;
    cli_bench_key_set(&key, number);
    cli_bench_value_write(&values, &key, value);
    const struct weft_view text = weft_view(key.text, CLI_BENCH_KEY_SIZE);
    const struct weft_kv_pair pair = {
        .key = text,
        .value = {.type = cli_bench_values_type(&values), .bytes = weft_view(value, values.size)}};
    struct weft_kv_request request = {.op = cli_bench_command_op(command),
                                      .table = weft_view_str(table)};
    if (command == CLI_BENCH_HSET)
        request = (struct weft_kv_request){
            .op = WEFT_KV_HSET, .table = request.table, .pairs = &pair, .pair_count = 1};
    else
        request.keys = &text, request.key_count = 1;
    struct weft__kv_request_body encoded = weft__kv_request_to_body(&request);
    struct cli_bench_body body = cli_bench_request_body(&requests, command, &key);
    assert_int_equal(body.body.size, encoded.body.size);
    assert_true(encoded.body.size <= SIZE);
    weft_body_write(&encoded.body, expected);
    weft_body_write(&body.body, made);
    assert_memory_equal(made, expected, body.body.size);
}

static void assert_all_as_encoded(const char *table, enum cli_bench_kind kind, size_t size)
{
    begin(table, kind, size);
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++) {
        assert_as_encoded(table, (enum cli_bench_command)i, 0);
        assert_as_encoded(table, (enum cli_bench_command)i, 4242424242u);
    }
}

static void test_requests_are_those_of_the_clients_encoder(void **state)
{
    (void)state;
    assert_all_as_encoded("kvc-bench", CLI_BENCH_JSON, 64);
    assert_all_as_encoded("kvc-bench", CLI_BENCH_RANDOM, 300);
    assert_all_as_encoded("kvc-bench", CLI_BENCH_JSON, 3);
    assert_all_as_encoded("kvc-bench", CLI_BENCH_JSON, 0);
    assert_all_as_encoded("", CLI_BENCH_JSON, 64);
}

/* The key is looked for in the message. */
static void test_table_may_be_named_like_a_key(void **state)
{
    (void)state;
    assert_all_as_encoded("key:0000000000", CLI_BENCH_JSON, 64);
    assert_all_as_encoded("key:0000000000key:0000000000", CLI_BENCH_JSON, 14);
}

static void init_and_fini(void *arg)
{
    struct weft_error error;
    (void)arg;
    int err = cli_bench_requests_init(&requests, weft_view_str("t"), &values, &error);
    assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
    cli_bench_requests_fini(&requests);
}

static void test_init_survives_failing_allocations(void **state)
{
    (void)state;
    begin("t", CLI_BENCH_JSON, 64);
    cli_bench_requests_fini(&requests);
    fault_each(init_and_fini, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_requests_are_those_of_the_clients_encoder, end),
        cmocka_unit_test_teardown(test_table_may_be_named_like_a_key, end),
        cmocka_unit_test_teardown(test_init_survives_failing_allocations, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
