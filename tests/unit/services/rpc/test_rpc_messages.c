/* SPDX-License-Identifier: MIT
 *
 * Frames and messages of strangers: what is refused, and that it buys no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rpc_fixture.h"
#include "services/payload/protobuf/writer.h"
#include "services/rpc/message.h"

static void expect(struct rpc_world *world, struct weft_view payload, uint32_t code, bool bad,
                   const char *words)
{
    struct fake_request request;
    rpc_call(world, FRAMES, &request, payload);
    assert_true(request.ended);
    assert_int_equal(request.bad, bad);
    const struct rpc_reply reply = rpc_reply_at(&request, 0);
    assert_int_equal(reply.code, code);
    assert_string_equal(reply.message, words);
    fake_request_fini(&request);
}

#define BYTES(text) weft_view(text, sizeof(text) - 1)

static void test_frame_that_is_no_call_is_bad(void **state)
{
    static const struct weft_view frames[] = {
        {(const uint8_t *)"\x0a", 1},                     /* no length */
        {(const uint8_t *)"\x0a\x05sam", 5},              /* too short */
        {(const uint8_t *)"\x00\x00", 2},                 /* the number 0 */
        {(const uint8_t *)"\xff\xff\xff\xff\x7f\x00", 6}, /* a number beyond 2^29 */
        {(const uint8_t *)"\x08\x01", 2},                 /* method as a number */
        {(const uint8_t *)"\x1a\x01x", 3},                /* timeout_ms as bytes */
        {(const uint8_t *)"\x2b\x2c", 2},                 /* a group */
        {(const uint8_t *)"\x2d\x00\x00\x00", 4},         /* half of a fixed32 */
        {(const uint8_t *)"\x29\x00\x00\x00\x00", 5},     /* half of a fixed64 */
        {(const uint8_t *)"\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        expect(*state, frames[i], WEFT_RPC_INVALID_ARGUMENT, true, "The frame is no weft.rpc.Call");
}

static void test_fields_that_a_call_does_not_have_are_passed_over(void **state)
{
    struct fake_request request;
    rpc_call(*state, FRAMES, &request,
             BYTES("\x0a\x12/sample.Sample/Say\x28\x01\x2d\x01\x02\x03\x04\x29\x01\x02\x03\x04\x05"
                   "\x06\x07\x08\x32\x01x"));
    assert_int_equal(rpc_reply_at(&request, 0).count, 1);
    fake_request_fini(&request);
}

/* A call of Echo with these bytes as its message. */
static struct weft_view echo_of(uint8_t *dst, struct weft_view message)
{
    uint8_t *end = weft_pb_put_text(dst, 1, weft_view_str("sample.Sample/Echo"));
    end = weft_pb_put_text(end, 2, message);
    return weft_view(dst, (size_t)(end - dst));
}

static void test_malformed_message_is_an_invalid_argument(void **state)
{
    static const struct {
        struct weft_view message;
        const char *words;
    } rows[] = {
        {{(const uint8_t *)"\x08", 1}, "The message is malformed"},
        {{(const uint8_t *)"\x0a\x01x", 3}, "The message is malformed, or lacks a required field"},
        {{(const uint8_t *)"\x7a\x01\xff", 3}, "A string of the message is not UTF-8"},
        {{(const uint8_t *)"\x7a\x03"
                           "a\0b",
          5},
         "A string of the message has a NUL, which C cannot hold"},
        {{(const uint8_t *)"\x8a\x01\x03\x7a\x01\xff", 6}, "A string of the message is not UTF-8"},
        {{(const uint8_t *)"\x8a\x01\x02\x7a\x01", 5}, "The message is malformed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t frame[128];
        expect(*state, echo_of(frame, rows[i].message), WEFT_RPC_INVALID_ARGUMENT, true,
               rows[i].words);
    }
}

/* Field 17 in field 17, so often. Returns where it begins: at the end of dst. */
static struct weft_view nest(uint8_t *dst, size_t room, size_t depth)
{
    uint8_t *at = dst + room;
    for (size_t i = 0; i < depth; i++) {
        uint8_t head[16];
        const size_t inside = (size_t)(dst + room - at);
        const size_t size = weft_pb_head_size(17, inside);
        weft_pb_put_head(head, 17, inside);
        at -= size;
        memcpy(at, head, size);
    }
    return weft_view(at, (size_t)(dst + room - at));
}

static void test_messages_within_messages_end_at_a_hundred(void **state)
{
    static uint8_t nested[1 << 19], frame[1 << 20];
    struct fake_request request;
    rpc_call(*state, FRAMES, &request, echo_of(frame, nest(nested, sizeof nested, 99)));
    assert_int_equal(request.reply_count, 1);
    assert_true(fake_request_reply(&request).size > 198);
    fake_request_fini(&request);
    static const size_t depths[] = {100, 50000};
    for (size_t i = 0; i < 2; i++)
        expect(*state, echo_of(frame, nest(nested, sizeof nested, depths[i])),
               WEFT_RPC_INVALID_ARGUMENT, true,
               "The message has too many messages within messages");
}

/* Each empty message takes two bytes of the frame and hundreds of the server. */
static void test_message_that_takes_more_memory_than_a_request_may_have_is_refused(void **state)
{
    static uint8_t message[3 * 20000], frame[sizeof message + 64];
    for (size_t i = 0; i < sizeof message; i += 3)
        memcpy(message + i, "\xa2\x01\x00", 3);
    expect(*state, echo_of(frame, weft_view(message, sizeof message)), WEFT_RPC_RESOURCE_EXHAUSTED,
           false, "The message takes more memory than a request may have");
}

static void test_message_of_proto2_needs_its_required_fields(void **state)
{
    expect(*state, BYTES("\x0a\x0dold.Olds/Echo\x12\x02\x18\x01"), WEFT_RPC_INVALID_ARGUMENT, true,
           "The message is malformed, or lacks a required field");
}

static void test_fields_are_found_by_number(void **state)
{
    const ProtobufCMessageDescriptor *type = &sample__everything__descriptor;
    (void)state;
    for (uint32_t number = 1; number <= type->n_fields; number++) {
        const ProtobufCFieldDescriptor *field = weft__rpc_field_of(type, number);
        assert_non_null(field);
        assert_int_equal(field->id, number);
    }
    assert_null(weft__rpc_field_of(type, 0));
    assert_null(weft__rpc_field_of(type, type->n_fields + 1));
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_frame_that_is_no_call_is_bad),
        RPC_TEST(test_fields_that_a_call_does_not_have_are_passed_over),
        RPC_TEST(test_malformed_message_is_an_invalid_argument),
        RPC_TEST(test_messages_within_messages_end_at_a_hundred),
        RPC_TEST(test_message_that_takes_more_memory_than_a_request_may_have_is_refused),
        RPC_TEST(test_message_of_proto2_needs_its_required_fields),
        RPC_TEST(test_fields_are_found_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
