/* SPDX-License-Identifier: MIT
 *
 * The options that single commands take, among words and behind a JSON array. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/format/json.h"

enum { WORDS_MAX = 16 };

static const struct cli_value_source source = {.file_max = 1000};
static const char version[] = "00112233445566778899aabbccddeeff";

static struct cli_invocation invocation;
static struct weft_error error;
static char line_text[256];
static char *words[WORDS_MAX];

static int init(const char *line)
{
    size_t count = 0;
    char *rest = line_text;
    assert_true(strlen(line) < sizeof line_text);
    memcpy(line_text, line, strlen(line) + 1);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL && count < WORDS_MAX;)
        words[count++] = word;
    error.text[0] = '\0';
    return cli_invocation_init(&invocation, words, count, &source, &error);
}

static const struct weft_kv_change *only_change(const char *line)
{
    if (init(line) < 0)
        fail_msg("%s: %s", line, error.text);
    assert_int_equal(invocation.request.op, WEFT_KV_HPUT);
    assert_int_equal(invocation.request.change_count, 1);
    assert_int_equal(invocation.request.pair_count + invocation.request.key_count, 0);
    return invocation.request.changes;
}

static void refuse(const char *line, const char *text)
{
    assert_int_equal(init(line), WEFT_ECONFIG);
    assert_string_equal(error.text, text);
}

static void test_condition_makes_a_change_of_a_pair(void **state)
{
    (void)state;
    const struct weft_kv_change *change = only_change("hset t k v --if-absent");
    assert_true(weft_view_equal(change->key, weft_view_str("k")));
    assert_int_equal(change->what, WEFT_KV_STORE);
    assert_true(weft_view_equal(change->value.bytes, weft_view_str("v")));
    assert_int_equal(change->condition, WEFT_KV_IF_ABSENT);
    assert_int_equal(change->expiry.when, WEFT_KV_EXPIRE_UNSAID);
    cli_invocation_fini(&invocation);
    assert_int_equal(only_change("hset --if-present t k v")->condition, WEFT_KV_IF_PRESENT);
    cli_invocation_fini(&invocation);
}

static void test_version_is_read_from_its_digits(void **state)
{
    char line[128];
    (void)state;
    (void)snprintf(line, sizeof line, "hdel t k --if-version=%s", version);
    const struct weft_kv_change *change = only_change(line);
    assert_int_equal(change->what, WEFT_KV_REMOVE);
    assert_int_equal(change->condition, WEFT_KV_IF_VERSION);
    assert_true(weft_view_equal(
        change->version,
        weft_view("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16)));
    cli_invocation_fini(&invocation);
}

static void test_times_to_live_are_milliseconds(void **state)
{
    static const struct {
        const char *line;
        enum weft_kv_expire when;
        uint64_t milliseconds;
    } cases[] = {
        {"hset t k v --ttl 10", WEFT_KV_EXPIRE_AFTER, 10000},
        {"hset t k v --ttl 2h", WEFT_KV_EXPIRE_AFTER, 7200000},
        {"hset t k v --ttl=250ms", WEFT_KV_EXPIRE_AFTER, 250},
        {"hset t k v --expire-at 1893456000", WEFT_KV_EXPIRE_AT, 1893456000000},
        {"hset t k v --keep-ttl", WEFT_KV_EXPIRE_KEEP, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct weft_kv_change *change = only_change(cases[i].line);
        assert_int_equal(change->expiry.when, cases[i].when);
        assert_int_equal(change->expiry.milliseconds, cases[i].milliseconds);
        cli_invocation_fini(&invocation);
    }
}

static void test_other_options_stay_in_the_request(void **state)
{
    (void)state;
    assert_int_equal(init("hget t k --version"), 0);
    assert_int_equal(invocation.request.op, WEFT_KV_HGET);
    assert_true(invocation.request.state);
    cli_invocation_fini(&invocation);
    assert_int_equal(init("hscan t --prefix a --match a*z --keys"), 0);
    assert_true(weft_view_equal(invocation.request.prefix, weft_view_str("a")));
    assert_true(weft_view_equal(invocation.request.match, weft_view_str("a*z")));
    assert_true(invocation.request.keys_only);
    cli_invocation_fini(&invocation);
}

static void test_words_that_are_no_options_stay_words(void **state)
{
    (void)state;
    assert_int_equal(init("hset t k --other"), 0);
    assert_true(weft_view_equal(invocation.request.pairs[0].value.bytes, weft_view_str("--other")));
    cli_invocation_fini(&invocation);
    assert_int_equal(init("hset t k -- --ttl"), 0);
    assert_true(weft_view_equal(invocation.request.pairs[0].value.bytes, weft_view_str("--ttl")));
    cli_invocation_fini(&invocation);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    refuse("hset t k v --ttl", "--ttl: needs a value: --ttl TIME");
    refuse("hset t k v --ttl soon",
           "--ttl: 'soon' is not a time: seconds over 0, as 10, 0.25, 500ms or 2h");
    refuse("hset t k v --expire-at soon",
           "--expire-at: 'soon' is not a time: seconds since 1970, as 1893456000 (date +%s)");
    refuse("hset t k v --ttl 1 --keep-ttl",
           "--ttl, --expire-at and --keep-ttl: choose one of them");
    refuse("hset t k v --if-absent --if-present",
           "--if-absent, --if-present and --if-version: choose one of them");
    refuse("hset t k v --if-absent=1", "--if-absent: takes no value");
    refuse("hget t k --if-absent", "--if-absent and --if-present are options of hset and hmset");
    refuse("hdel t k --if-version 12",
           "--if-version: '12' is not a version: 32 hexadecimal digits, as hget --state prints");
    refuse("hexpire t k soon",
           "time \"soon\": neither never nor seconds over 0, as 10, 0.25, 500ms or 2h");
    refuse("hincr t k many", "number \"many\": neither an integer nor a float");
}

static void test_numbers_and_times_are_arguments_of_their_commands(void **state)
{
    (void)state;
    assert_int_equal(init("hincr t k"), 0);
    assert_int_equal(invocation.request.delta.integer, 1);
    cli_invocation_fini(&invocation);
    assert_int_equal(init("hincr t k -0.5"), 0);
    assert_int_equal(invocation.request.delta.type, WEFT_KV_FLOAT);
    assert_true(invocation.request.delta.number == -0.5);
    cli_invocation_fini(&invocation);
    assert_int_equal(init("hexpire t k never"), 0);
    assert_int_equal(invocation.request.expiry.when, WEFT_KV_EXPIRE_NEVER);
    cli_invocation_fini(&invocation);
    assert_int_equal(init("httl t a b"), 0);
    assert_int_equal(invocation.request.op, WEFT_KV_HEXPIRE);
    assert_int_equal(invocation.request.expiry.when, WEFT_KV_EXPIRE_UNSAID);
    assert_int_equal(invocation.request.key_count, 2);
    cli_invocation_fini(&invocation);
    assert_int_equal(init("tables"), 0);
    assert_int_equal(invocation.request.op, WEFT_KV_TABLES);
    cli_invocation_fini(&invocation);
}

static int init_json(const char *text, json_t **json)
{
    *json = cli_json_parse(weft_view_str(text), &error);
    assert_non_null(*json);
    return cli_invocation_init_json(&invocation, *json, &error);
}

static void test_options_stand_in_an_object_behind_an_array(void **state)
{
    json_t *json;
    (void)state;
    assert_int_equal(init_json("[\"hset\", \"t\", \"k\", 1, {\"ttl\": 2.5, \"if_absent\": true, "
                               "\"keep-ttl\": false}]",
                               &json),
                     0);
    const struct weft_kv_change *change = invocation.request.changes;
    assert_int_equal(invocation.request.op, WEFT_KV_HPUT);
    assert_int_equal(change->value.integer, 1);
    assert_int_equal(change->expiry.milliseconds, 2500);
    assert_int_equal(change->condition, WEFT_KV_IF_ABSENT);
    cli_invocation_fini(&invocation);
    json_decref(json);

    assert_int_equal(init_json("[\"hset\", \"t\", \"k\", {\"base64\": \"AP8=\"}]", &json), 0);
    assert_int_equal(invocation.request.op, WEFT_KV_HSET);
    assert_int_equal(invocation.request.pairs[0].value.type, WEFT_KV_BINARY);
    cli_invocation_fini(&invocation);
    json_decref(json);

    assert_int_equal(init_json("[\"hset\", \"t\", \"k\", 1, {\"tll\": 1}]", &json), WEFT_ECONFIG);
    assert_string_equal(error.text, "unknown option 'tll'");
    json_decref(json);
}

static void test_mistakes_in_an_array_are_named(void **state)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"[\"hincr\", \"t\", \"k\", \"many\"]", "hincr adds an integer or a float"},
        {"[\"hincr\", \"t\", \"k\", {\"base64\": \"AP8=\"}]", "hincr adds an integer or a float"},
        {"[\"hexpire\", \"t\", \"k\", null]", "a time is a number of seconds or a text"},
        {"[\"hexpire\", \"t\", \"k\", \"1\\u0000\"]", "a time is a number of seconds or a text"},
        {"[\"hset\", \"t\", \"k\", 1, {\"ttl\": [1]}]", "option 'ttl': neither true nor a text"},
        {"[\"hset\", \"t\", \"k\", 1, {\"ttl\": \"1\\u0000\"}]",
         "option 'ttl': neither true nor a text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *json;
        assert_int_equal(init_json(rows[i].json, &json), WEFT_ECONFIG);
        assert_string_equal(error.text, rows[i].text);
        json_decref(json);
    }
}

static void take_line(void *line)
{
    int err = init(line);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    if (err == 0)
        cli_invocation_fini(&invocation);
}

static void test_no_memory_leaves_nothing_behind(void **state)
{
    char line[] = "hmset t a 1 b 2 --if-absent --ttl 1";
    (void)state;
    fault_each(take_line, line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_condition_makes_a_change_of_a_pair),
        cmocka_unit_test(test_version_is_read_from_its_digits),
        cmocka_unit_test(test_times_to_live_are_milliseconds),
        cmocka_unit_test(test_other_options_stay_in_the_request),
        cmocka_unit_test(test_words_that_are_no_options_stay_words),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_numbers_and_times_are_arguments_of_their_commands),
        cmocka_unit_test(test_options_stand_in_an_object_behind_an_array),
        cmocka_unit_test(test_mistakes_in_an_array_are_named),
        cmocka_unit_test(test_no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
