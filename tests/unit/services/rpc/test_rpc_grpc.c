/* SPDX-License-Identifier: MIT
 *
 * Calls over gRPC: the payload is the message, and the code goes beside the answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rpc_fixture.h"

static struct fake_request request;

static void call(struct rpc_world *world, const char *target, const char *text, uint32_t count)
{
    Sample__Text message = SAMPLE__TEXT__INIT;
    uint8_t packed[256];
    message.text = (char *)(uintptr_t)text;
    message.count = count;
    fake_request_init(&request, weft_view(packed, sample__text__pack(&message, packed)), 1 << 20);
    request.request.target = weft_view_str(target);
    request.request.metadata = weft_view_str("user-agent: test\nx-colour: red\n");
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
}

static void expect_text(size_t i, const char *text)
{
    assert_true(i < request.reply_count);
    Sample__Text *reply =
        sample__text__unpack(NULL, request.replies[i].size, request.replies[i].data);
    assert_non_null(reply);
    assert_string_equal(reply->text, text);
    sample__text__free_unpacked(reply, NULL);
}

static void expect_end(size_t messages, uint32_t code, const char *words)
{
    assert_true(request.ended);
    assert_int_equal(request.reply_count, messages);
    assert_int_equal(request.code, code);
    assert_string_equal(request.words, words);
    fake_request_fini(&request);
}

static void test_message_is_answered_with_a_message(void **state)
{
    call(*state, "/sample.Sample/Say", "hello", 1);
    expect_text(0, "hello");
    expect_end(1, 0, "");
}

static void test_code_and_words_go_beside_the_answer(void **state)
{
    call(*state, "/sample.Sample/Say", "fail", WEFT_RPC_DATA_LOSS);
    expect_end(0, WEFT_RPC_DATA_LOSS, "as you wish");
    call(*state, "/sample.Sample/Nothing", "", 0);
    expect_end(0, WEFT_RPC_UNIMPLEMENTED, "There is no such method");
}

static void test_stream_ends_with_its_code(void **state)
{
    call(*state, "/sample.Sample/Stream", "part", 2);
    expect_text(1, "part");
    expect_end(2, 0, "");
    call(*state, "/sample.Sample/Stream", "fail", 2);
    expect_end(2, WEFT_RPC_ABORTED, "half \"way\"");
}

static void test_metadata_is_found_in_any_case(void **state)
{
    struct weft_view value;
    call(*state, "/sample.Sample/Say", "metadata", 0);
    expect_text(0, "red");
    expect_end(1, 0, "");
    call(*state, "/sample.Sample/Say", "keep", 0);
    assert_true(weft_rpc_metadata(rpc_open.call, "User-Agent", &value));
    assert_true(weft_view_equal(value, weft_view_str("test")));
    assert_false(weft_rpc_metadata(rpc_open.call, "agent", &value));
    assert_string_equal(rpc_open.text->text, "keep");
    weft_rpc_end(rpc_open.call, WEFT_RPC_NOT_FOUND, NULL);
    expect_end(0, WEFT_RPC_NOT_FOUND, "");
}

static void test_deadline_of_the_core_is_heard_and_needs_no_answer(void **state)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    call(*state, "/sample.Sample/Stream", "open", 0);
    request.gone = true;
    request.request.on_cancel(&request.request, WEFT_REASON_DEADLINE);
    assert_int_equal(rpc_open.code, WEFT_RPC_DEADLINE_EXCEEDED);
    assert_int_equal(weft_rpc_send(rpc_open.call, &reply.base), -ECANCELED);
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    expect_end(0, 0, "");
    call(*state, "/sample.Sample/Say", "open", 0);
    request.gone = true;
    request.request.on_cancel(&request.request, WEFT_REASON_STREAM_RESET);
    assert_int_equal(rpc_open.code, WEFT_RPC_CANCELLED);
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    expect_end(0, 0, "");
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_message_is_answered_with_a_message),
        RPC_TEST(test_code_and_words_go_beside_the_answer),
        RPC_TEST(test_stream_ends_with_its_code),
        RPC_TEST(test_metadata_is_found_in_any_case),
        RPC_TEST(test_deadline_of_the_core_is_heard_and_needs_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
