/* SPDX-License-Identifier: MIT
 *
 * Answers out of one function that is called for each message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "rpc_fixture.h"

static struct fake_request request;

static void begin(struct rpc_world *world, const char *text, uint32_t count, unsigned refuse)
{
    static uint8_t frame[1024];
    const size_t size = rpc_frame(frame, "Stream", text, count, 0);
    fake_request_init(&request, weft_view(frame, size), 1 << 20);
    request.refuse = refuse;
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
}

static void give_room(unsigned refuse)
{
    assert_true(request.owes_drain);
    request.owes_drain = false;
    request.refuse = refuse;
    request.request.on_room(&request.request);
}

/* The answer is 0, 1, ..., count - 1 and then a code. */
static void expect(uint32_t count, uint32_t code, const char *words)
{
    assert_true(request.ended);
    assert_int_equal(request.reply_count, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(rpc_reply_at(&request, i).more);
        assert_int_equal(rpc_reply_at(&request, i).count, i);
    }
    assert_int_equal(rpc_reply_at(&request, count).code, code);
    assert_string_equal(rpc_reply_at(&request, count).message, words);
    fake_request_fini(&request);
}

static void test_function_is_called_for_each_message_until_it_ends_the_call(void **state)
{
    begin(*state, "each", 3, 0);
    assert_true(request.kept);
    expect(3, WEFT_RPC_OK, "");
    begin(*state, "each", 0, 0);
    expect(0, WEFT_RPC_OK, "");
}

static void test_function_is_not_called_while_there_is_no_room(void **state)
{
    begin(*state, "each", 3, 1);
    assert_int_equal(request.reply_count, 0);
    assert_int_equal(rpc_open.rooms, 1);
    give_room(1);
    assert_int_equal(request.reply_count, 0);
    assert_int_equal(rpc_open.rooms, 1);
    give_room(0);
    assert_int_equal(rpc_open.rooms, 4);
    expect(3, WEFT_RPC_OK, "");
}

static void test_every_message_arrives_wherever_room_ends(void **state)
{
    struct rpc_world *world = *state;
    for (size_t at = 0; at < 4; at++) {
        begin(world, "each", 4, at == 0);
        while (!request.ended)
            give_room(request.reply_count == at && at > 0);
        expect(4, WEFT_RPC_OK, "");
    }
}

static void test_call_ends_by_itself_once_its_client_has_gone(void **state)
{
    begin(*state, "each", 3, 1);
    request.gone = true;
    request.owes_drain = false;
    request.request.on_cancel(&request.request, WEFT_REASON_STREAM_RESET);
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 0);
    fake_request_fini(&request);
}

static void test_call_goes_on_while_the_server_drains(void **state)
{
    begin(*state, "each", 3, 1);
    request.request.on_cancel(&request.request, WEFT_REASON_DRAINED);
    assert_false(request.ended);
    give_room(0);
    expect(3, WEFT_RPC_OK, "");
}

static void test_one_who_listens_decides_what_a_drain_means(void **state)
{
    begin(*state, "each and listen", 3, 1);
    request.request.on_cancel(&request.request, WEFT_REASON_DRAINED);
    assert_int_equal(rpc_open.cancels, 1);
    assert_int_equal(rpc_open.code, WEFT_RPC_UNAVAILABLE);
    weft_rpc_end(rpc_open.call, WEFT_RPC_UNAVAILABLE, "as was said");
    give_room(0);
    expect(1, WEFT_RPC_UNAVAILABLE, "as was said");
}

static void test_error_of_the_function_ends_the_call(void **state)
{
    begin(*state, "each then fail", 2, 0);
    expect(2, WEFT_RPC_INTERNAL, "Input/output error");
    begin(*state, "each then no memory", 2, 0);
    expect(2, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for the answer");
}

static void test_error_waits_behind_the_message_that_waits_for_room(void **state)
{
    begin(*state, "each then fail", 1, 1);
    give_room(0);
    expect(1, WEFT_RPC_INTERNAL, "Input/output error");
}

static void test_function_sends_one_message_for_each_call(void **state)
{
    begin(*state, "each then nothing", 2, 0);
    expect(2, WEFT_RPC_INTERNAL, "The function has neither sent nor ended");
    begin(*state, "each then two", 0, 0);
    expect(1, WEFT_RPC_INTERNAL,
           "A message is of another type than the method's, or was sent behind another");
}

static void test_method_that_does_not_stream_has_no_such_answer(void **state)
{
    rpc_call_frame(*state, &request, "Say", "each", 3);
    expect(0, WEFT_RPC_INTERNAL,
           "The server has not named this method as one that streams its answers");
}

static void test_stream_of_requests_has_no_such_answer(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_open *open = &rpc_open;
    rpc_call_frame(world, &request, "Chat", "hold", 0);
    assert_null(weft_rpc_generate(open->call, NULL, 1));
    assert_true(request.ended);
    assert_string_equal(rpc_reply_at(&request, request.reply_count - 1).message,
                        "The server answers a stream of requests as if it were one request");
    fake_request_fini(&request);
}

static void generate(void *arg)
{
    struct rpc_world world;
    (void)arg;
    if (rpc_world_init(&world)) {
        begin(&world, "each", 3, 1);
        if (!request.ended)
            give_room(0);
        assert_true(request.ended);
        fake_request_fini(&request);
    }
    rpc_world_fini(&world);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(generate, NULL);
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_function_is_called_for_each_message_until_it_ends_the_call),
        RPC_TEST(test_function_is_not_called_while_there_is_no_room),
        RPC_TEST(test_every_message_arrives_wherever_room_ends),
        RPC_TEST(test_call_ends_by_itself_once_its_client_has_gone),
        RPC_TEST(test_call_goes_on_while_the_server_drains),
        RPC_TEST(test_one_who_listens_decides_what_a_drain_means),
        RPC_TEST(test_error_of_the_function_ends_the_call),
        RPC_TEST(test_error_waits_behind_the_message_that_waits_for_room),
        RPC_TEST(test_function_sends_one_message_for_each_call),
        RPC_TEST(test_method_that_does_not_stream_has_no_such_answer),
        RPC_TEST(test_stream_of_requests_has_no_such_answer),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
