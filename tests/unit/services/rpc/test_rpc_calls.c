/* SPDX-License-Identifier: MIT
 *
 * The life of a call, over frames: how it ends, at once and later, and what it hears until then. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "rpc_fixture.h"

static struct fake_request request;

/* Checks the only reply of a request and ends that. */
static void expect(uint32_t code, const char *text)
{
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 1);
    const struct rpc_reply reply = rpc_reply_at(&request, 0);
    assert_int_equal(reply.code, code);
    assert_string_equal(code == 0 ? reply.text : reply.message, text);
    assert_int_equal(reply.has_response, code == 0);
    assert_false(reply.more);
    assert_int_equal(request.request.status, weft_rpc_code_http((enum weft_rpc_code)code));
    fake_request_fini(&request);
}

/* --- at once ------------------------------------------------------------------------------------------ */

static void test_function_answers_at_once(void **state)
{
    rpc_call_frame(*state, &request, "Say", "hello", 41);
    assert_int_equal(rpc_reply_at(&request, 0).count, 42);
    assert_false(request.kept);
    expect(0, "hello");
}

static void test_function_ends_with_a_code_and_words(void **state)
{
    rpc_call_frame(*state, &request, "Say", "fail", WEFT_RPC_NOT_FOUND);
    assert_false(request.bad);
    expect(WEFT_RPC_NOT_FOUND, "as you wish");
}

static void test_unary_call_that_ends_without_an_answer_is_internal(void **state)
{
    rpc_call_frame(*state, &request, "Say", "fail", WEFT_RPC_OK);
    expect(WEFT_RPC_INTERNAL, "The function has ended without an answer");
    rpc_call_frame(*state, &request, "Say", "null", 0);
    expect(WEFT_RPC_INTERNAL, "The function has no answer");
    rpc_call_frame(*state, &request, "Say", "other", 0);
    expect(WEFT_RPC_INTERNAL, "The answer is of another type than the method's");
}

static void test_what_is_not_there_is_unimplemented(void **state)
{
    rpc_call_frame(*state, &request, "Nothing", "", 0);
    expect(WEFT_RPC_UNIMPLEMENTED, "There is no such method");
    rpc_call_frame(*state, &request, "Missing", "", 0);
    expect(WEFT_RPC_UNIMPLEMENTED, "The method has no function");
}

static void test_metadata_is_found_in_any_case(void **state)
{
    rpc_call_frame(*state, &request, "Say", "metadata", 0);
    expect(0, "green");
    /* Without one: a target alone. */
    rpc_call(*state, FRAMES, &request,
             weft_view("\x0a\x11sample.Sample/Say\x12\x0a\x0a\x08metadata", 31));
    expect(0, "none");
}

/* --- layers ------------------------------------------------------------------------------------------- */

static void test_layer_is_asked_about_the_method_and_may_deny_it(void **state)
{
    struct rpc_world *world = *state;
    uint8_t frame[1024];
    const size_t size = rpc_frame(frame, "Say", "hello", 1, 0);
    for (int denied = 0; denied < 2; denied++) {
        fake_request_init(&request, weft_view(frame, size), 1 << 20);
        request.request.layers = &request;
        request.denied = denied;
        fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
        assert_string_equal(request.asked, "sample.Sample/Say");
        assert_int_equal(request.refused, denied);
        assert_true(request.ended);
        fake_request_fini(&request);
    }
}

/* --- later -------------------------------------------------------------------------------------------- */

static void answer(const char *text)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    reply.text = (char *)(uintptr_t)text;
    weft__rpc_closure(&reply.base, rpc_open.call);
}

static void test_function_answers_later(void **state)
{
    rpc_call_frame(*state, &request, "Say", "open", 0);
    assert_false(request.ended);
    assert_null(weft_rpc_keep(rpc_open.call));
    assert_ptr_equal(weft_rpc_loop(rpc_open.call), ((struct rpc_world *)*state)->loop);
    assert_string_equal(weft_rpc_method(rpc_open.call), "sample.Sample/Say");
    assert_non_null(weft_rpc_peer(rpc_open.call));
    assert_true(weft_rpc_deadline(rpc_open.call) == INT64_MAX);
    answer("later");
    expect(0, "later");
}

static void test_message_that_is_kept_lives_until_the_end(void **state)
{
    rpc_call_frame(*state, &request, "Say", "keep", 7);
    assert_true(request.kept);
    assert_string_equal(rpc_open.text->text, "keep");
    assert_int_equal(rpc_open.text->count, 7);
    assert_ptr_equal(weft_rpc_keep(rpc_open.call), rpc_open.text);
    assert_non_null(weft_rpc_alloc(rpc_open.call, 100));
    struct weft_view value;
    assert_true(weft_rpc_metadata(rpc_open.call, "X-COLOUR", &value));
    assert_false(weft_rpc_metadata(rpc_open.call, "X-SHAPE", &value));
    answer(rpc_open.text->text);
    expect(0, "keep");
}

static void test_answer_without_room_is_held_until_there_is_some(void **state)
{
    rpc_call_frame(*state, &request, "Say", "open", 0);
    request.refuse = 2;
    answer("held");
    assert_false(request.ended);
    fake_request_drain(&request);
    expect(0, "held");
    rpc_call_frame(*state, &request, "Say", "open", 0);
    request.refuse = 2;
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, "words");
    fake_request_drain(&request);
    expect(WEFT_RPC_ABORTED, "words");
    assert_int_equal(rpc_open.rooms, 0);
}

static void test_call_whose_client_has_gone_hears_it_and_ends_without_an_answer(void **state)
{
    rpc_call_frame(*state, &request, "Say", "open", 0);
    request.gone = true;
    request.request.on_cancel(&request.request, WEFT_REASON_PEER_CLOSED);
    assert_int_equal(rpc_open.cancels, 1);
    assert_int_equal(rpc_open.code, WEFT_RPC_CANCELLED);
    answer("nobody reads this");
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 0);
    assert_int_equal(request.request.status, 499);
    fake_request_fini(&request);
}

static void test_held_answer_of_a_client_that_has_gone_is_dropped(void **state)
{
    for (int words = 0; words < 2; words++) {
        rpc_call_frame(*state, &request, "Say", "open", 0);
        request.refuse = 1;
        if (words)
            weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, "words");
        else
            answer("held");
        request.gone = true;
        request.owes_drain = false; /* on_cancel comes in place of on_room */
        request.request.on_cancel(&request.request, WEFT_REASON_PEER_CLOSED);
        assert_true(request.ended);
        assert_int_equal(rpc_open.cancels, 0);
        fake_request_fini(&request);
    }
}

static void open_with_timeout(struct rpc_world *world, uint64_t timeout_ms)
{
    uint8_t frame[1024];
    const size_t size = rpc_frame(frame, "Say", "open", 0, timeout_ms);
    rpc_call(world, FRAMES, &request, weft_view(frame, size));
}

static void test_client_hears_that_its_deadline_has_passed(void **state)
{
    struct rpc_world *world = *state;
    open_with_timeout(world, 20);
    assert_true(weft_rpc_deadline(rpc_open.call) == weft_loop_now(world->loop) + 20000000);
    assert_true(virtual_loop_advance(world->loop, 19999999));
    assert_int_equal(rpc_open.cancels, 0);
    assert_true(virtual_loop_advance(world->loop, 1));
    assert_int_equal(rpc_open.cancels, 1);
    assert_int_equal(rpc_open.code, WEFT_RPC_DEADLINE_EXCEEDED);
    answer("too late");
    expect(WEFT_RPC_DEADLINE_EXCEEDED, "The time that the client had set is over");
}

static void test_deadline_means_nothing_to_a_call_that_is_over(void **state)
{
    struct rpc_world *world = *state;
    open_with_timeout(world, 20);
    request.refuse = 1;
    answer("in time");
    assert_true(virtual_loop_advance(world->loop, 30000000));
    fake_request_drain(&request);
    expect(0, "in time");
    open_with_timeout(world, UINT64_MAX);
    answer("in time");
    assert_int_equal(virtual_loop_next_timer(world->loop), INT64_MAX);
    expect(0, "in time");
}

/* --- streams ------------------------------------------------------------------------------------------ */

static void test_closure_of_a_stream_is_called_once_a_message(void **state)
{
    rpc_call_frame(*state, &request, "Stream", "part", 3);
    assert_int_equal(request.reply_count, 4);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(rpc_reply_at(&request, i).more);
        assert_int_equal(rpc_reply_at(&request, i).count, i);
    }
    const struct rpc_reply last = rpc_reply_at(&request, 3);
    assert_false(last.more || last.has_response);
    assert_int_equal(last.code, 0);
    fake_request_fini(&request);
}

static int send(const char *text)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    reply.text = (char *)(uintptr_t)text;
    return weft_rpc_send(rpc_open.call, &reply.base);
}

static void test_stream_waits_for_room(void **state)
{
    rpc_call_frame(*state, &request, "Stream", "open", 0);
    assert_true(request.endless);
    assert_int_equal(send("one"), 0);
    request.refuse = 1;
    assert_int_equal(send("two"), -EAGAIN);
    request.owes_drain = false;
    request.request.on_room(&request.request);
    assert_int_equal(rpc_open.rooms, 1);
    assert_int_equal(send("two"), 0);
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    assert_int_equal(request.reply_count, 3);
    assert_string_equal(rpc_reply_at(&request, 1).text, "two");
    fake_request_fini(&request);
}

static void test_messages_of_a_closure_without_room_end_the_call_badly(void **state)
{
    struct rpc_world *world = *state;
    uint8_t frame[1024];
    const size_t size = rpc_frame(frame, "Stream", "part", 3, 0);
    fake_request_init(&request, weft_view(frame, size), 1 << 20);
    request.refuse = 1;
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
    fake_request_drain(&request);
    assert_int_equal(request.reply_count, 1);
    assert_int_equal(rpc_reply_at(&request, 0).code, WEFT_RPC_RESOURCE_EXHAUSTED);
    fake_request_fini(&request);
}

static void test_stream_sends_nothing_that_nobody_reads(void **state)
{
    Sample__Everything other = SAMPLE__EVERYTHING__INIT;
    rpc_call_frame(*state, &request, "Stream", "open", 0);
    assert_int_equal(weft_rpc_send(rpc_open.call, &other.base), -EINVAL);
    request.gone = true;
    request.request.on_cancel(&request.request, WEFT_REASON_PEER_CLOSED);
    assert_int_equal(send("one"), -ECANCELED);
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    assert_int_equal(request.reply_count, 0);
    fake_request_fini(&request);
    rpc_call_frame(*state, &request, "Say", "open", 0);
    assert_int_equal(send("no stream"), -EINVAL);
    answer("unary");
    expect(0, "unary");
}

static void test_stream_of_a_server_that_drains_says_its_last_words(void **state)
{
    rpc_call_frame(*state, &request, "Stream", "open", 0);
    request.request.on_cancel(&request.request, WEFT_REASON_DRAINED);
    assert_int_equal(rpc_open.code, WEFT_RPC_UNAVAILABLE);
    assert_int_equal(send("bye"), 0);
    weft_rpc_end(rpc_open.call, WEFT_RPC_UNAVAILABLE, "the server drains");
    assert_string_equal(rpc_reply_at(&request, 0).text, "bye");
    assert_int_equal(rpc_reply_at(&request, 1).code, WEFT_RPC_UNAVAILABLE);
    fake_request_fini(&request);
}

/* --- words -------------------------------------------------------------------------------------------- */

static void test_words_are_cut_between_two_characters(void **state)
{
    char words[301] = "";
    for (size_t i = 0; i < 100; i++)
        strcat(words, "€");
    rpc_call_frame(*state, &request, "Say", "open", 0);
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, words);
    words[198] = '\0'; /* 66 times 3 bytes */
    expect(WEFT_RPC_ABORTED, words);
}

static void test_each_rejection_has_words_in_each_face(void **state)
{
    struct rpc_world *world = *state;
    uint8_t words[WEFT_REJECT_MAX];
    for (int face = 0; face < WEFT__RPC_FACES; face++)
        for (int cause = WEFT_REJECT_MALFORMED; cause <= WEFT_REJECT_RATE; cause++) {
            const struct weft_rejection plain = {.cause = (enum weft_reject_cause)cause};
            const struct weft_rejection full = {
                .cause = plain.cause, .what = "max-frame", .size = 9, .limit = 8};
            const struct weft_service *service = &world->rpc->services[face];
            const size_t size = service->reject(world->states[face], &plain, words);
            assert_in_range(size, 10, WEFT_REJECT_MAX);
            assert_in_range(service->reject(world->states[face], &full, words), size + 1,
                            WEFT_REJECT_MAX);
        }
}

/* --- memory ------------------------------------------------------------------------------------------- */

static void converse(void *arg)
{
    struct rpc_world world;
    (void)arg;
    rpc_open = (struct rpc_open){.call = NULL};
    if (rpc_world_init(&world)) {
        static const char *const texts[] = {"hello", "open", "keep"};
        for (size_t i = 0; i < 3; i++) {
            rpc_open.call = NULL;
            rpc_call_frame(&world, &request, "Say", texts[i], 1);
            request.refuse = i == 0 || request.ended ? 0 : 1;
            if (rpc_open.call && !request.ended)
                answer("later");
            fake_request_drain(&request);
            assert_true(request.ended);
            assert_true(request.refused || request.reply_count == 1);
            fake_request_fini(&request);
        }
    }
    rpc_world_fini(&world);
}

static void test_calls_survive_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(converse, NULL);
}

static void test_many_open_calls_leave_few_spare(void **state)
{
    static struct fake_request many[100];
    struct weft_rpc_call *calls[100];
    struct rpc_world *world = *state;
    for (size_t i = 0; i < 100; i++) {
        rpc_call_frame(world, &many[i], "Say", "open", 0);
        calls[i] = rpc_open.call;
    }
    for (size_t i = 0; i < 100; i++) {
        weft_rpc_end(calls[i], WEFT_RPC_ABORTED, NULL);
        fake_request_fini(&many[i]);
    }
    const struct weft__rpc_loop *loop = world->states[FRAMES];
    assert_int_equal(loop->spare_count, 64);
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_function_answers_at_once),
        RPC_TEST(test_function_ends_with_a_code_and_words),
        RPC_TEST(test_unary_call_that_ends_without_an_answer_is_internal),
        RPC_TEST(test_what_is_not_there_is_unimplemented),
        RPC_TEST(test_metadata_is_found_in_any_case),
        RPC_TEST(test_layer_is_asked_about_the_method_and_may_deny_it),
        RPC_TEST(test_function_answers_later),
        RPC_TEST(test_message_that_is_kept_lives_until_the_end),
        RPC_TEST(test_answer_without_room_is_held_until_there_is_some),
        RPC_TEST(test_call_whose_client_has_gone_hears_it_and_ends_without_an_answer),
        RPC_TEST(test_held_answer_of_a_client_that_has_gone_is_dropped),
        RPC_TEST(test_client_hears_that_its_deadline_has_passed),
        RPC_TEST(test_deadline_means_nothing_to_a_call_that_is_over),
        RPC_TEST(test_closure_of_a_stream_is_called_once_a_message),
        RPC_TEST(test_stream_waits_for_room),
        RPC_TEST(test_messages_of_a_closure_without_room_end_the_call_badly),
        RPC_TEST(test_stream_sends_nothing_that_nobody_reads),
        RPC_TEST(test_stream_of_a_server_that_drains_says_its_last_words),
        RPC_TEST(test_words_are_cut_between_two_characters),
        RPC_TEST(test_each_rejection_has_words_in_each_face),
        cmocka_unit_test(test_calls_survive_every_failing_allocation),
        RPC_TEST(test_many_open_calls_leave_few_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
