/* SPDX-License-Identifier: MIT
 *
 * The line face over the memory store: what is typed, and the line that answers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../kv_fixture.h"
#include "lib/fault.h"
#include "services/kv/session.h"

static struct kv_fixture kv;

static int setup(void **state)
{
    (void)state;
    const struct weft_option_set none = {0};
    struct weft_limits limits = weft_limits_default();
    limits.decode_bytes = WEFT_KIB(64);
    limits.max_message = limits.max_frame = WEFT_KIB(32);
    kv_fixture_init_service(&kv, &weft_kv_line_service, &none, NULL, &limits);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_fixture_fini(&kv);
    return 0;
}

static char *ask_view(struct weft_view line)
{
    bool bad = false;
    struct weft_bytes reply = kv_fixture_ask(&kv, line, &bad);
    char *text = calloc(1, reply.size + 1);
    assert_non_null(text);
    if (reply.size > 0)
        memcpy(text, reply.data, reply.size);
    weft_bytes_fini(&reply);
    return text;
}

static void expect(const char *line, const char *answer)
{
    char *text = ask_view(weft_view_str(line));
    assert_string_equal(text, answer);
    free(text);
}

static void expect_begin(const char *line, const char *answer)
{
    char *text = ask_view(weft_view_str(line));
    if (strncmp(text, answer, strlen(answer)) != 0)
        fail_msg("'%s': '%s'", line, text);
    free(text);
}

static void test_each_command_is_answered_in_one_line(void **state)
{
    (void)state;
    expect("hget t k", "404\tNot found for table: t, key: k");
    expect("hset t k world", "200\t");
    expect("hget t k", "200\tworld");
    expect("hset t k there", "200\tworld");
    expect("hmset t a 1 b 2", "200\t\t");
    expect("hmget t a x b", "200\t1\t\t2");
    expect("hexist t a", "200\ttrue");
    expect("hmexist t a x", "200\ttrue\tfalse");
    expect("hdel t a", "200\t1");
    expect("hmdel t a b", "200\t\t2");
    expect("hgetall t", "200\tk\tthere");
    expect("hscan t", "200\t-\tk\tthere");
    expect("hgetall nothing", "200");
    expect("hscan nothing", "200\t-");
    expect("httl t k x", "200\tnever\tabsent");
    expect("ping", "200");
    expect("PING", "200");
    expect_begin("help", "200\thget hgetall ");
}

static void test_values_are_written_and_read_as_kvc_does(void **state)
{
    static const char *const values[] = {
        "hello",     "int:-3",    "float:0.1", "bool:true", "hex:00ff",
        "str:int:3", "float:nan", "hex:",      "str:",      "\xc3\xbc",
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char line[64], answer[64];
        snprintf(line, sizeof line, "hset t k %s", values[i]);
        snprintf(answer, sizeof answer, "200\t%s", values[i]);
        expect_begin(line, "200\t");
        expect("hget t k", answer);
    }
    expect_begin("hset t k empty:", "200\t");
    expect("hget t k", "200\t");
    expect_begin("hset t k base64:AP8=", "200\t");
    expect("hget t k", "200\thex:00ff");
}

static void test_words_are_quoted_as_in_a_shell(void **state)
{
    (void)state;
    expect("hset 'my table' \"a \\\"key\\\"\" two\\ words", "200\t");
    expect("hget 'my table' 'a \"key\"'  # and a comment", "200\ttwo words");
    expect("hget t 'k", "400\tnothing closes the '");
}

/* Whatever is stored, an answer is one line, and its fields can be told apart. */
static void test_nothing_in_a_name_or_a_value_can_begin_another_line_or_field(void **state)
{
    (void)state;
    expect("hset t 'a\nb' 'c\td\x1b\\'", "200\t");
    expect("hget t 'a\nb'", "200\tc\\td\\x1b\\\\");
    expect("hgetall t", "200\ta\\nb\tc\\td\\x1b\\\\");
    expect("hget 'x\ny' 'k\r'", "404\tNot found for table: x\\ny, key: k\\r");
    expect("hget t", "400\tusage: hget TABLE KEY");
    expect_begin("'\n200\tok' t", "501\tunknown command \"\\\\n200\\\\tok\"");
}

static void test_pages_continue_at_their_cursor(void **state)
{
    (void)state;
    expect("hmset t a 1 b 2 c 3", "200\t\t\t");
    char *first = ask_view(weft_view_str("hscan t - 2"));
    char *cursor = first + 4, *end = strchr(cursor, '\t');
    assert_non_null(end);
    assert_true(cursor[0] != '-' && end > cursor);
    char line[300];
    snprintf(line, sizeof line, "hscan t %.*s 2", (int)(end - cursor), cursor);
    char *second = ask_view(weft_view_str(line));
    assert_true(strncmp(second, "200\t-\t", 6) == 0);
    assert_true(strlen(first) > strlen("200\t") && strlen(second) > strlen("200\t-\t"));
    free(first);
    free(second);
    expect("hscan t no-cursor", "400\tcursor \"no-cursor\": not one that was answered");
    expect("hscan t AAAA", "410\tcursor expired: start again");
    expect("hscan t - x", "400\tlimit \"x\": not a number below 2^32");
    expect("hscan t --prefix b", "200\t-\tb\t2");
    expect("hscan t --keys-only --match '[b]'", "200\t-\tb");
    expect("hscan t --prefix b --state", "200\t-\tb\t2\tnever\tnever");
}

static void test_wrong_line_says_what_is_wrong_and_changes_nothing(void **state)
{
    static const char *const lines[][2] = {
        {"", "400\tno command; help lists them"},
        {"  # a comment", "400\tno command; help lists them"},
        {"hset t k", "400\tusage: hset TABLE KEY VALUE"},
        {"hset t k v w", "400\tusage: hset TABLE KEY VALUE"},
        {"hmset t k v w", "400\tusage: hmset TABLE KEY VALUE [KEY VALUE]..."},
        {"hget t a b", "400\tusage: hget TABLE KEY"},
        {"hgetall", "400\tusage: hgetall TABLE"},
        {"hgetall t x", "400\tusage: hgetall TABLE"},
        {"ping x", "400\tusage: ping"},
        {"hset t k int:x", "400\tvalue \"int:x\": not an integer"},
        {"hset t k hex:0", "400\tvalue \"hex:0\": an odd number of hex digits"},
        {"hset t k \xff",
         "400\tvalue \"\\\\xff\": not valid UTF-8; use hex: or base64: for binary"},
        {"hset t \xff v", "400\tkey \"\\\\xff\": not valid UTF-8"},
        {"hset \xff k v", "400\ttable \"\\\\xff\": not valid UTF-8"},
        {"hget t k --ttl 5", "400\t--ttl is an option of hset and hmset"},
        {"hset t k v --ttl", "400\tthe last option needs a value"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect(lines[i][0], lines[i][1]);
    expect("hgetall t", "200");
}

static void test_word_behind_two_dashes_is_no_option(void **state)
{
    (void)state;
    expect("hset t -- --ttl --state", "200\t");
    expect("hget t -- --ttl", "200\t--state");
    expect("hset t --unknown x", "200\t");
    expect("hget t --unknown", "200\tx");
}

/* A line of many short words wants more memory than it has bytes. */
static void test_line_of_many_words_is_held_to_decode_bytes(void **state)
{
    (void)state;
    char line[8000] = "hmget t";
    for (size_t at = strlen(line); at + 2 < sizeof line; at += 2)
        memcpy(line + at, " k", 3);
    expect("hget t k", "404\tNot found for table: t, key: k");
    expect(line, "413\tRequest is too big: over decode-bytes, which is 65536");
    expect("hset t k v", "200\t");
}

static void test_rejection_is_a_line_of_its_own_status(void **state)
{
    (void)state;
    uint8_t words[WEFT_REJECT_MAX];
    const struct weft_rejection rejection = {WEFT_REJECT_TOO_BIG, "max-line", 17, 16};
    size_t size = weft_kv_line_service.reject(kv.loop_state, &rejection, words);
    assert_int_equal(size, strlen("413\tRequest is too big: 17 bytes, max-line is 16"));
    assert_memory_equal(words, "413\tRequest is too big: 17 bytes, max-line is 16", size);
}

static const char *const hungry[] = {
    "hmset t a 1 b 'two words' c hex:00ff d base64:AP8= e 5 f 6 g 7",
    "hmget t a b c d e f g h i j",
    "hgetall t",
    "hscan t - 3",
    "hdel t a",
};

/* With the n-th allocation failing, and perhaps all after it. Returns how many were refused. */
static size_t ask_hungrily(enum fault_mode mode, size_t n)
{
    fault_arm(mode, n);
    for (size_t i = 0; i < sizeof hungry / sizeof *hungry; i++) {
        char *text = ask_view(weft_view_str(hungry[i]));
        if (strncmp(text, "200", 3) != 0 && (fault_failed() == 0 || strncmp(text, "503\t", 4) != 0))
            fail_msg("%s: %s", hungry[i], text);
        free(text);
    }
    size_t failed = fault_failed();
    fault_disarm();
    return failed;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 0; ask_hungrily(FAULT_ONE, n) > 0; n++)
        assert_true(ask_hungrily(FAULT_FROM, n) > 0);
}

static int setup_fault(void **state)
{
    fault_install();
    return setup(state);
}

static int teardown_fault(void **state)
{
    int result = teardown(state);
    fault_remove();
    return result;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_command_is_answered_in_one_line),
        TEST(test_values_are_written_and_read_as_kvc_does),
        TEST(test_words_are_quoted_as_in_a_shell),
        TEST(test_nothing_in_a_name_or_a_value_can_begin_another_line_or_field),
        TEST(test_pages_continue_at_their_cursor),
        TEST(test_wrong_line_says_what_is_wrong_and_changes_nothing),
        TEST(test_word_behind_two_dashes_is_no_option),
        TEST(test_line_of_many_words_is_held_to_decode_bytes),
        TEST(test_rejection_is_a_line_of_its_own_status),
        cmocka_unit_test_setup_teardown(test_every_allocation_may_fail, setup_fault,
                                        teardown_fault),
    };
    return cmocka_run_group_tests_name("kv: line face", tests, NULL, NULL);
}
