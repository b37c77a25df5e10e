/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"
#include "lib/random.h"
#include "services/payload/resp/reader.h"

enum { MOST = 16 };

/* Splits a copy of the command that ends where memory ends. */
static ssize_t split(struct weft_view command, struct weft_view args[MOST], uint8_t **space)
{
    ssize_t count = weft_resp_count(command);
    *space = malloc(command.size + 1);
    assert_non_null(*space);
    if (count > MOST)
        fail_msg("%zd arguments", count);
    if (count < 0)
        return count;
    int err = weft_resp_split(command, args, (size_t)count, *space);

    /* The function for a few arguments finds the same, or leaves the command to these two. */
    struct weft_view few[MOST];
    ssize_t found = weft_resp_split_few(command, few, MOST);
    bool is_array = weft_resp_is_array(command) && count > 0;
    assert_int_equal(found, !is_array ? 0 : err < 0 ? err : count);
    for (ssize_t i = 0; i < found; i++)
        assert_true(weft_view_equal(few[i], args[i]));
    if (found > 1)
        assert_int_equal(weft_resp_split_few(command, few, (size_t)found - 1), 0);
    return err < 0 ? err : count;
}

static void assert_words(const char *command, size_t count, const char *const *words)
{
    struct weft_view args[MOST];
    uint8_t *space;
    assert_int_equal(split(weft_view_str(command), args, &space), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(args[i].size, strlen(words[i]));
        assert_memory_equal(args[i].data, words[i], args[i].size);
    }
    free(space);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__})

static void test_arrays_are_read_in_place(void **state)
{
    (void)state;
    assert_words("*1\r\n$4\r\nPING\r\n", 1, WORDS("PING"));
    assert_words("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nhello\r\nworld\r\n", 3,
                 WORDS("SET", "", "hello\r\nworld"));
    assert_words("*0\r\n", 0, NULL);
}

static void test_lines_are_split_as_redis_does(void **state)
{
    (void)state;
    assert_words("PING\r\n", 1, WORDS("PING"));
    assert_words("  set\ta  b \n", 3, WORDS("set", "a", "b"));
    assert_words("set a \"b c\"", 3, WORDS("set", "a", "b c"));
    assert_words("set a 'b \"c'\r\n", 3, WORDS("set", "a", "b \"c"));
    assert_words("set \"\" ''", 3, WORDS("set", "", ""));
    assert_words("set a b\"c d\"", 3, WORDS("set", "a", "bc d"));
    assert_words("\"\\x41\\x6a\\n\\r\\t\\b\\a\\\\\\q\\\"\"", 1, WORDS("Aj\n\r\t\b\a\\q\""));
    assert_words("\"\\xg1\\x4\"", 1, WORDS("xg1x4"));
    assert_words("'\\'\\n'", 1, WORDS("'\\n"));
    assert_words("a\\ b", 2, WORDS("a\\", "b"));
    assert_words("", 0, NULL);
    assert_words(" \r\n", 0, NULL);
}

static void test_nul_ends_a_line(void **state)
{
    struct weft_view args[MOST];
    uint8_t *space;
    (void)state;
    assert_int_equal(split(weft_view("a b\0c d\n", 8), args, &space), 2);
    assert_int_equal(args[1].size, 1);
    free(space);
}

static void test_what_is_no_command_is_malformed(void **state)
{
    static const char *const wrong[] = {"*",
                                        "*1",
                                        "*1\r\n",
                                        "*1\r\n$",
                                        "*1\r\n$4\r\n",
                                        "*1\r\n$4\r\nPIN",
                                        "*1\r\n$4\r\nPING",
                                        "*1\r\n$4\r\nPING\r",
                                        "*2\r\n$4\r\nPING\r\n",
                                        "*1\r\n$4\r\nPING\r\nx",
                                        "*1\r\n$99999999999999999999\r\nPING\r\n",
                                        "*x\r\n",
                                        "*1\r\n:4\r\nPING\r\n",
                                        "\"a",
                                        "'a",
                                        "\"a\"b",
                                        "'a'b"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_view args[MOST];
        uint8_t *space;
        assert_int_equal(split(weft_view_str(wrong[i]), args, &space), WEFT_EMALFORMED);
        free(space);
    }
}

/* The codec and the reader find the same commands: what one lets pass, the other can read. */
static void test_codec_lets_nothing_pass_that_cannot_be_read(void **state)
{
    static const char letters[] = "*$'\"\\x 10\r\n\ta\0-";
    struct test_random random = {.state = 1};
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    size_t good = 0;
    (void)state;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_resp, "", &limits, NULL), 0);
    for (int i = 0; i < 20000; i++) {
        char line[20];
        size_t size = 1 + test_random_below(&random, sizeof line - 3);
        for (size_t k = 0; k < size; k++)
            line[k] = letters[test_random_below(&random, sizeof letters - 1)];
        memcpy(line + size, "\r\n", 2);
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_bytes(&feed, weft_view(line, size + 2));
        for (size_t k = 0; k < feed.count; k++) {
            const struct feed_message *message = &feed.messages[k];
            if (message->status != WEFT_MESSAGE_OK)
                continue;
            good++;
            struct weft_view args[MOST];
            uint8_t *space;
            if (split(weft_view(message->payload, message->size), args, &space) <= 0)
                fail_msg("%.*s", (int)message->size, (const char *)message->payload);
            free(space);
        }
        feed_fini(&feed);
    }
    assert_true(good > 1000);
    feed_codec_fini(&fc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_are_read_in_place),
        cmocka_unit_test(test_lines_are_split_as_redis_does),
        cmocka_unit_test(test_nul_ends_a_line),
        cmocka_unit_test(test_what_is_no_command_is_malformed),
        cmocka_unit_test(test_codec_lets_nothing_pass_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
