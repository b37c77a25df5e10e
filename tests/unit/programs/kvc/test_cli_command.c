/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/command.h"

enum { WORDS_MAX = 16, FILE_MAX = 1000 };

static const struct cli_value_source source = {.file_max = FILE_MAX};

/* Words as main() has them. */
struct words {
    char texts[WORDS_MAX][64];
    char *list[WORDS_MAX];
    size_t count;
};

static void split(struct words *words, const char *line)
{
    *words = (struct words){0};
    for (; *line; words->count++) {
        size_t length = strcspn(line, " ");
        assert_true(words->count < WORDS_MAX && length < sizeof words->texts[0]);
        memcpy(words->texts[words->count], line, length);
        words->list[words->count] = words->texts[words->count];
        line += length + (line[length] == ' ');
    }
}

static int init(struct cli_invocation *invocation, struct words *words, const char *line,
                struct weft_error *error)
{
    split(words, line);
    return cli_invocation_init(invocation, words->list, words->count, &source, error);
}

static void assert_refused(const char *line, const char *expected)
{
    struct words words;
    struct cli_invocation invocation;
    struct weft_error error = {0};
    assert_int_equal(init(&invocation, &words, line, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

/* Command, table and how many keys and pairs. */
static void assert_request(const char *line, enum weft_kv_op op, size_t keys, size_t pairs)
{
    struct words words;
    struct cli_invocation invocation;
    struct weft_error error = {0};
    if (init(&invocation, &words, line, &error) < 0)
        fail_msg("%s: %s", line, error.text);
    assert_int_equal(invocation.request.op, op);
    assert_int_equal(invocation.request.key_count, keys);
    assert_int_equal(invocation.request.pair_count, pairs);
    cli_invocation_fini(&invocation);
}

static void test_every_command_becomes_its_request(void **state)
{
    (void)state;
    assert_request("hget t k", WEFT_KV_HGET, 1, 0);
    assert_request("hgetall t", WEFT_KV_HGETALL, 0, 0);
    assert_request("hmget t a b c", WEFT_KV_HMGET, 3, 0);
    assert_request("hset t k v", WEFT_KV_HSET, 0, 1);
    assert_request("hmset t a 1 b 2", WEFT_KV_HMSET, 0, 2);
    assert_request("hdel t k", WEFT_KV_HDEL, 1, 0);
    assert_request("hmdel t a b", WEFT_KV_HMDEL, 2, 0);
    assert_request("hexist t k", WEFT_KV_HEXIST, 1, 0);
    assert_request("hmexist t a", WEFT_KV_HMEXIST, 1, 0);
    assert_request("ping", WEFT_KV_HEXIST, 1, 0);
    assert_request("HGET t k", WEFT_KV_HGET, 1, 0);
    assert_request("HmSet t a 1", WEFT_KV_HMSET, 0, 1);
}

static void test_arguments_stand_in_their_order(void **state)
{
    (void)state;
    struct words words;
    struct cli_invocation invocation;
    struct weft_error error;
    assert_int_equal(init(&invocation, &words, "hmset tab a int:1 b hex:ff", &error), 0);
    const struct weft_kv_request *request = &invocation.request;
    assert_true(weft_view_equal(request->table, weft_view_str("tab")));
    assert_true(weft_view_equal(request->pairs[0].key, weft_view_str("a")));
    assert_int_equal(request->pairs[0].value.integer, 1);
    assert_true(weft_view_equal(request->pairs[1].key, weft_view_str("b")));
    assert_true(weft_view_equal(request->pairs[1].value.bytes, weft_view("\xff", 1)));
    cli_invocation_fini(&invocation);
}

static void test_only_what_stores_or_removes_writes(void **state)
{
    (void)state;
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        static const char *const others[] = {"hincr", "hexpire", "hpersist",
                                             "drop",  "restore", "publish"};
        bool writes = strstr(command->name, "set") || strstr(command->name, "del") ||
                      command->shape == CLI_BATCH || command->shape == CLI_IMPORT ||
                      command->shape == CLI_BENCH;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            writes = writes || strcmp(command->name, others[i]) == 0;
        assert_int_equal(command->writes, writes);
    }
}

static void test_refuses_no_command(void **state)
{
    (void)state;
    assert_refused("", "no command given: kvc [OPTION]... COMMAND ARGUMENT..., see --help");
}

static void test_refuses_unknown_command_and_lists_what_there_is(void **state)
{
    (void)state;
    assert_refused("select t",
                   "unknown command \"select\"; there are: hget, hgetall, hmget, hset, hmset, "
                   "hincr, hdel, hmdel, hexist, hmexist, hexpire, httl, hpersist, hscan, tables, "
                   "count, drop, publish, ping");
}

static void test_refuses_unknown_command_and_says_what_may_be_meant(void **state)
{
    (void)state;
    assert_refused("get t k", "unknown command \"get\"; did you mean hget?");
    assert_refused("exists t k", "unknown command \"exists\"; did you mean hexist?");
}

static void test_refuses_what_is_no_request(void **state)
{
    (void)state;
    assert_refused("help", "help is a command of kvc's command line only");
    assert_refused("import t f", "import is a command of kvc's command line only");
}

static void test_refuses_wrong_number_of_arguments_with_the_usage(void **state)
{
    (void)state;
    assert_refused("hget t", "wrong number of arguments; usage: kvc hget TABLE KEY");
    assert_refused("hget t a b", "wrong number of arguments; usage: kvc hget TABLE KEY");
    assert_refused("hgetall", "wrong number of arguments; usage: kvc hgetall TABLE");
    assert_refused("hmget t", "wrong number of arguments; usage: kvc hmget TABLE KEY...");
    assert_refused("hset t k", "wrong number of arguments; usage: kvc hset TABLE KEY VALUE");
    assert_refused("hmset t a 1 b",
                   "wrong number of arguments; usage: kvc hmset TABLE KEY VALUE [KEY VALUE]...");
    assert_refused("ping t", "wrong number of arguments; usage: kvc ping");
}

static void test_refuses_names_that_are_not_utf8(void **state)
{
    (void)state;
    assert_refused("hget \xff k", "table \"\\xff\": not valid UTF-8");
    assert_refused("hget t \xff", "key \"\\xff\": not valid UTF-8");
    assert_refused("hset t \xff v", "key \"\\xff\": not valid UTF-8");
}

static void test_refuses_bad_value_and_keeps_nothing(void **state)
{
    (void)state;
    assert_refused("hmset t a hex:00 b int:x", "value \"int:x\": not an integer");
}

static void invoke_with_failures(void *arg)
{
    struct words words;
    struct cli_invocation invocation;
    struct weft_error error;
    int err = init(&invocation, &words, arg, &error);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    if (err == 0)
        cli_invocation_fini(&invocation);
}

static void test_survives_every_failing_allocation(void **state)
{
    (void)state;
    char keys[] = "hmget t a b", pairs[] = "hmset t a hex:00 b base64:Zg==";
    fault_each(invoke_with_failures, keys);
    fault_each(invoke_with_failures, pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_becomes_its_request),
        cmocka_unit_test(test_arguments_stand_in_their_order),
        cmocka_unit_test(test_only_what_stores_or_removes_writes),
        cmocka_unit_test(test_refuses_no_command),
        cmocka_unit_test(test_refuses_unknown_command_and_lists_what_there_is),
        cmocka_unit_test(test_refuses_unknown_command_and_says_what_may_be_meant),
        cmocka_unit_test(test_refuses_what_is_no_request),
        cmocka_unit_test(test_refuses_wrong_number_of_arguments_with_the_usage),
        cmocka_unit_test(test_refuses_names_that_are_not_utf8),
        cmocka_unit_test(test_refuses_bad_value_and_keeps_nothing),
        cmocka_unit_test(test_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
