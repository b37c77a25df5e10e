/* SPDX-License-Identifier: MIT
 *
 * Messages of subscriptions, told apart from replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "services/kv/client_topics.h"

static size_t told, told_nothing;

static void on_message(void *arg, const struct weft_kv_reply *message)
{
    assert_ptr_equal(arg, &told);
    told++;
    told_nothing += !message;
    if (!message)
        return;
    assert_int_equal(message->status, 200);
    assert_true(message->is_push);
    assert_true(weft_view_equal(message->topic, weft_view_str("lobby")));
    assert_int_equal(message->value_count, 1);
    assert_true(weft_view_equal(message->values[0].bytes, weft_view_str("hello")));
}

/* 200, the value "hello", the topic "lobby". */
#define PUSH "\x08\xc8\x01\x1a\x07\x0a\x05hello\x32\x05lobby"

static bool take(struct weft_kv_client *client, const char *bytes, size_t size)
{
    return weft_kv_client_take_push(client, weft_view(bytes, size), on_message, &told);
}

static void test_message_with_a_topic_is_a_push(void **state)
{
    struct weft_kv_client client = {0};
    (void)state;
    told = told_nothing = 0;
    assert_true(take(&client, PUSH, sizeof PUSH - 1));
    assert_int_equal(told, 1);
    assert_false(take(&client, "\x08\xc8\x01\x1a\x00", 5));
    assert_false(take(&client, "\xff", 1));
    client.in_lines = true;
    assert_false(take(&client, PUSH, sizeof PUSH - 1));
    assert_int_equal(told, 1);
    assert_int_equal(told_nothing, 0);
}

static struct weft_kv_reply line; /* the last one, but for its arrays */
static struct weft_kv_value line_value;
static char line_topic[64], line_text[64];

static void on_line(void *arg, const struct weft_kv_reply *message)
{
    (void)arg;
    told++;
    told_nothing += !message;
    if (!message)
        return;
    assert_true(message->is_push);
    assert_int_equal(message->value_count, 1);
    line = *message;
    line_value = message->values[0];
    snprintf(line_topic, sizeof line_topic, "%.*s", (int)message->topic.size,
             (const char *)message->topic.data);
    snprintf(line_text, sizeof line_text, "%.*s", (int)message->message.size,
             (const char *)message->message.data);
}

static bool take_line(const char *text)
{
    struct weft_kv_client client = {.in_lines = true};
    line = (struct weft_kv_reply){0};
    return weft_kv_client_take_push(&client, weft_view_str(text), on_line, NULL);
}

static void test_line_that_begins_with_a_letter_is_a_push(void **state)
{
    (void)state;
    told = told_nothing = 0;
    assert_false(take_line("200\t1"));
    assert_false(take_line(""));
    assert_int_equal(told, 0);
    assert_true(take_line("message\ta\\tb\tint:-5"));
    assert_int_equal(line.status, 200);
    assert_string_equal(line_topic, "a\tb");
    assert_int_equal(line_value.integer, -5);
    assert_true(take_line("lost\tnews-*\t12\t3"));
    assert_int_equal(line.status, 410);
    assert_int_equal(line.number, 12);
    assert_string_equal(line_topic, "news-*");
    assert_int_equal(line_value.integer, 3);
    assert_true(take_line("end\t4\t403\tNot allowed any more"));
    assert_int_equal(line.status, 403);
    assert_int_equal(line_value.integer, 4);
    assert_string_equal(line_text, "Not allowed any more");
    assert_int_equal(told, 3);
    assert_int_equal(told_nothing, 0);
}

static void test_line_that_is_no_message_is_told_as_nothing(void **state)
{
    static const char *const lines[] = {
        "message",       "message\tt",     "message\tt\tint:x",    "lost\tt\tx\t1",
        "lost\tt\t1\tx", "lost\tt\t1\t",   "end\tx\t503\tthe end", "end\t1\tx\tthe end",
        "ends\t1\t2\t3", "message\t\\q\tv"};
    (void)state;
    told = told_nothing = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_true(take_line(lines[i]));
    assert_int_equal(told_nothing, sizeof lines / sizeof *lines);
}

static void take_one_line(void *arg)
{
    (void)arg;
    told = told_nothing = 0;
    assert_true(take_line("message\ta\\tb\thex:00ff"));
    assert_int_equal(told, 1);
    assert_int_equal(told_nothing, fault_failed() > 0);
}

static void take_one(void *arg)
{
    struct weft_kv_client client = {0};
    (void)arg;
    told = told_nothing = 0;
    assert_true(take(&client, PUSH, sizeof PUSH - 1));
    assert_int_equal(told, 1);
    assert_int_equal(told_nothing, fault_failed() > 0);
}

static void test_message_without_memory_is_told_as_nothing(void **state)
{
    (void)state;
    fault_each(take_one, NULL);
    fault_each(take_one_line, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_with_a_topic_is_a_push),
        cmocka_unit_test(test_line_that_begins_with_a_letter_is_a_push),
        cmocka_unit_test(test_line_that_is_no_message_is_told_as_nothing),
        cmocka_unit_test(test_message_without_memory_is_told_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
