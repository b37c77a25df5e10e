/* SPDX-License-Identifier: MIT
 *
 * Messages of subscriptions, told apart from replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_with_a_topic_is_a_push),
        cmocka_unit_test(test_message_without_memory_is_told_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
