/* SPDX-License-Identifier: MIT
 *
 * The short way through a request: it takes the shapes that make a load, reads them as the long way
 * and protobuf-c do, and leaves all else to the long way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/kv_oracle.h"
#include "services/kv/faces/protobuf/request_usual.h"
#include "services/payload/protobuf/writer.h"

enum { MESSAGE_MAX = 40000, HGET = 1, HMGET = 3, HSET = 4, HDEL = 6, HEXIST = 8, ELEMENTS = 100 };

struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
};

static struct weft_view view_of(const struct message *message)
{
    return weft_view(message->bytes, message->size);
}

static void add(struct message *message, uint32_t number, struct weft_view contents)
{
    uint8_t *end = message->bytes + message->size;
    assert_true(message->size + contents.size + 16 <= MESSAGE_MAX);
    message->size += (size_t)(weft_pb_put_bytes(end, number, contents) - end);
}

static void add_text(struct message *message, uint32_t number, size_t size)
{
    static uint8_t text[MESSAGE_MAX];
    memset(text, 'a', sizeof text);
    add(message, number, weft_view(text, size));
}

/* number {1: table, 2: key} */
static struct weft_view keyed(struct message *request, uint32_t number, size_t table, size_t key)
{
    static struct message command;
    command.size = request->size = 0;
    add_text(&command, 1, table);
    add_text(&command, 2, key);
    add(request, number, view_of(&command));
    return view_of(request);
}

/* hset {1: table, 2: {1: key, 2: {member: value}}} */
static struct weft_view hset(struct message *request, uint32_t member, size_t size)
{
    static struct message value, pair, command;
    value.size = pair.size = command.size = request->size = 0;
    add_text(&value, member, size);
    add_text(&pair, 1, 14);
    add(&pair, 2, view_of(&value));
    add_text(&command, 1, 6);
    add(&command, 2, view_of(&pair));
    add(request, HSET, view_of(&command));
    return view_of(request);
}

static bool is_taken(struct weft_view payload)
{
    struct kv_request request = {.max_elements = ELEMENTS};
    struct kv_call call;
    return kv_request_decode_usual(&request, payload, &call);
}

static void assert_taken(struct weft_view payload)
{
    assert_true(is_taken(payload));
    assert_null(kv_oracle_differs(payload));
}

static void test_keyed_commands_are_taken(void **state)
{
    static const size_t sizes[] = {1, 14, 127, 128, 300, 8000};
    static const uint32_t commands[] = {HGET, HDEL, HEXIST};
    static struct message request;
    (void)state;
    for (size_t c = 0; c < sizeof commands / sizeof *commands; c++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
                assert_taken(keyed(&request, commands[c], sizes[i], sizes[k]));
}

static void test_hset_of_text_and_bytes_is_taken(void **state)
{
    static const size_t sizes[] = {0, 1, 64, 127, 128, 1024, 16000};
    static struct message request;
    (void)state;
    for (uint32_t member = 1; member <= 2; member++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            assert_taken(hset(&request, member, sizes[i]));
}

static void test_other_shapes_are_left_to_the_long_way(void **state)
{
    static struct message request;
    (void)state;
    assert_false(is_taken(weft_view(NULL, 0)));
    assert_false(is_taken(keyed(&request, HMGET, 6, 14)));
    assert_false(is_taken(keyed(&request, HGET, 6, 20000)));
    assert_false(is_taken(hset(&request, 1, 20000)));

    /* A second command, a field behind the key, a length that is longer than it need be. */
    (void)keyed(&request, HGET, 6, 14);
    add_text(&request, HGET, 0);
    assert_false(is_taken(view_of(&request)));
    static const char *const odd[] = {"\x0A\x07\x0A\x01t\x12\x00\x1A\x00",
                                      "\x0A\x08\x0A\x81\x00t\x12\x01k\x00", "\x0A\x03\x12\x01k",
                                      "\x22\x0C\x0A\x01t\x12\x07\x0A\x01k\x12\x02\x18\x05"};
    static const size_t sizes[] = {9, 10, 5, 14};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_false(is_taken(weft_view((const uint8_t *)odd[i], sizes[i])));
        assert_null(kv_oracle_differs(weft_view((const uint8_t *)odd[i], sizes[i])));
    }
}

static void test_bad_utf8_is_left_to_the_long_way(void **state)
{
    static struct message request;
    (void)state;
    (void)keyed(&request, HGET, 6, 14);
    request.bytes[request.size - 1] = 0xFF; /* of the key */
    assert_false(is_taken(view_of(&request)));
    request.bytes[request.size - 1] = 'a';
    request.bytes[4] = 0xFF; /* of the table */
    assert_false(is_taken(view_of(&request)));
    (void)hset(&request, 1, 64);
    request.bytes[request.size - 1] = 0xFF;
    assert_false(is_taken(view_of(&request)));
    (void)hset(&request, 2, 64);
    request.bytes[request.size - 1] = 0xFF;
    assert_taken(view_of(&request));
}

static void test_no_prefix_of_a_request_is_taken(void **state)
{
    static struct message request;
    (void)state;
    struct weft_view payload = hset(&request, 1, 300);
    for (size_t size = 0; size < payload.size; size++)
        assert_false(is_taken(weft_view(payload.data, size)));
}

static void test_a_budget_of_few_elements_is_left_to_the_long_way(void **state)
{
    static struct message request;
    struct kv_request decoded = {.max_elements = 2};
    struct kv_call call;
    (void)state;
    assert_false(kv_request_decode_usual(&decoded, hset(&request, 1, 64), &call));
    assert_int_equal(kv_request_decode(&decoded, view_of(&request), &call), KV_DECODED_ELEMENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyed_commands_are_taken),
        cmocka_unit_test(test_hset_of_text_and_bytes_is_taken),
        cmocka_unit_test(test_other_shapes_are_left_to_the_long_way),
        cmocka_unit_test(test_bad_utf8_is_left_to_the_long_way),
        cmocka_unit_test(test_no_prefix_of_a_request_is_taken),
        cmocka_unit_test(test_a_budget_of_few_elements_is_left_to_the_long_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
