/* SPDX-License-Identifier: MIT
 *
 * Requests that are streams: their messages, what goes wrong with one, and protocols where a call has one message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "rpc_fixture.h"

static struct fake_request request;

static void begin(struct rpc_world *world, const char *method)
{
    static char target[64];
    (void)snprintf(target, sizeof target, "/sample.Sample/%s", method);
    fake_request_init(&request, weft_view("", 0), 1 << 20);
    request.request.target = weft_view_str(target);
    assert_true(
        world->rpc->services[FRAMES].streams(world->states[FRAMES], request.request.target));
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
}

static void say(const char *text, uint32_t count)
{
    Sample__Text message = SAMPLE__TEXT__INIT;
    uint8_t packed[256];
    message.text = (char *)(uintptr_t)text;
    message.count = count;
    const struct weft_view bytes = weft_view(packed, sample__text__pack(&message, packed));
    fake_request_message(&request, &bytes);
}

static void expect_text(size_t i, const char *text, uint32_t count)
{
    assert_true(i < request.reply_count);
    Sample__Text *reply =
        sample__text__unpack(NULL, request.replies[i].size, request.replies[i].data);
    assert_non_null(reply);
    assert_string_equal(reply->text, text);
    assert_int_equal(reply->count, count);
    sample__text__free_unpacked(reply, NULL);
}

static void expect_end(size_t replies, uint32_t code, const char *words)
{
    assert_true(request.ended);
    assert_int_equal(request.reply_count, replies);
    assert_int_equal(request.code, code);
    assert_string_equal(request.words, words);
    fake_request_fini(&request);
}

static void test_each_message_comes_when_it_is_asked_for(void **state)
{
    begin(*state, "Chat");
    assert_true(request.endless);
    say("one", 1);
    expect_text(0, "one", 1);
    assert_true(request.next);
    say("hold", 2);
    assert_false(request.next);
    weft_rpc_next(rpc_open.call);
    weft_rpc_next(rpc_open.call);
    assert_true(request.next);
    fake_request_message(&request, NULL);
    expect_end(2, 0, "");
}

static void test_stream_of_requests_may_have_one_answer(void **state)
{
    begin(*state, "Sum");
    assert_true(request.kept);
    say("", 40);
    say("", 2);
    fake_request_message(&request, NULL);
    expect_text(0, "", 42);
    expect_end(1, 0, "");
}

static void test_other_methods_have_one_message(void **state)
{
    struct rpc_world *world = *state;
    const struct weft_service *service = &world->rpc->services[FRAMES];
    assert_false(service->streams(world->states[FRAMES], weft_view_str("/sample.Sample/Say")));
    assert_false(service->streams(world->states[FRAMES], weft_view_str("/sample.Sample/No")));
    assert_int_equal(weft_rpc_stream_requests(world->rpc, "sample.Sample/Say", NULL), -EPERM);
    struct weft_rpc *rpc = weft_rpc_new("x");
    assert_non_null(rpc);
    assert_int_equal(weft_rpc_stream_requests(rpc, "sample.Sample/Say", NULL), -ENOENT);
    weft_rpc_free(rpc);
    rpc_call_frame(world, &request, "Say", "open", 0);
    weft_rpc_next(rpc_open.call);
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
    fake_request_fini(&request);
}

static void test_message_that_cannot_be_read_ends_the_call(void **state)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    const struct weft_view bad = weft_view("\x0a", 1);
    begin(*state, "Chat");
    fake_request_message(&request, &bad);
    assert_int_equal(rpc_open.cancels, 1);
    assert_int_equal(rpc_open.code, WEFT_RPC_INVALID_ARGUMENT);
    assert_true(request.bad);
    expect_end(0, WEFT_RPC_INVALID_ARGUMENT, "The message is malformed");
    begin(*state, "Sum");
    fake_request_message(&request, &bad);
    expect_end(0, WEFT_RPC_INVALID_ARGUMENT, "The message is malformed");
    (void)reply;
}

static void note_cancel(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    (void)call;
    rpc_open.cancels++;
    rpc_open.code = code;
}

static void fail_message(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    (void)call, (void)message;
    fail();
}

static void test_nothing_follows_a_message_that_could_not_be_read(void **state)
{
    static const struct weft_rpc_events events = {.on_cancel = note_cancel,
                                                  .on_message = fail_message};
    const struct weft_view bad = weft_view("\x0a", 1);
    begin(*state, "Chat");
    weft_rpc_listen(rpc_open.call, &events, NULL);
    fake_request_message(&request, &bad);
    assert_int_equal(rpc_open.cancels, 1);
    weft_rpc_next(rpc_open.call);
    assert_false(request.next);
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    expect_end(0, WEFT_RPC_INVALID_ARGUMENT, "The message is malformed");
}

static void test_cancel_ends_the_messages(void **state)
{
    begin(*state, "Chat");
    request.gone = true;
    request.request.on_cancel(&request.request, WEFT_REASON_STREAM_RESET);
    assert_int_equal(rpc_open.code, WEFT_RPC_CANCELLED);
    expect_end(0, 0, "");
    begin(*state, "Chat");
    request.request.on_cancel(&request.request, WEFT_REASON_DRAINED);
    expect_end(0, WEFT_RPC_UNAVAILABLE, "as was said");
}

/* --- one message -------------------------------------------------------------------------------------- */

static void test_frame_is_a_stream_of_one_message(void **state)
{
    struct rpc_world *world = *state;
    rpc_call_frame(world, &request, "Chat", "one", 5);
    assert_int_equal(request.reply_count, 1);
    assert_int_equal(rpc_reply_at(&request, 0).count, 5);
    assert_true(rpc_reply_at(&request, 0).more);
    assert_false(request.ended);
    assert_true(virtual_loop_advance(world->loop, 1));
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 2);
    fake_request_fini(&request);
    rpc_call_json(world, &request, "/sample.Sample/Sum", "{\"count\":42}");
    assert_true(virtual_loop_advance(world->loop, 1));
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 1);
    fake_request_fini(&request);
}

static void test_only_message_is_not_followed_unasked(void **state)
{
    struct rpc_world *world = *state;
    rpc_call_frame(world, &request, "Chat", "hold", 0);
    assert_true(virtual_loop_advance(world->loop, 1));
    assert_false(request.ended);
    weft_rpc_next(rpc_open.call);
    assert_true(virtual_loop_advance(world->loop, 1));
    assert_true(request.ended);
    fake_request_fini(&request);
    request = (struct fake_request){.called = false};
    uint8_t frame[1024];
    fake_request_init(&request, weft_view(frame, rpc_frame(frame, "Chat", "full", 0, 0)), 1 << 20);
    request.refuse = 1;
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
    fake_request_drain(&request);
    assert_int_equal(rpc_reply_at(&request, 0).code, WEFT_RPC_RESOURCE_EXHAUSTED);
    fake_request_fini(&request);
}

/* --- memory ------------------------------------------------------------------------------------------- */

static void converse(void *arg)
{
    struct rpc_world world;
    (void)arg;
    rpc_open = (struct rpc_open){.call = NULL};
    if (rpc_world_init(&world)) {
        static const char *const methods[] = {"Chat", "Sum"};
        for (size_t i = 0; i < 2; i++) {
            begin(&world, methods[i]);
            if (!request.ended)
                say("one", 1);
            if (!request.ended)
                fake_request_message(&request, NULL);
            assert_true(request.ended);
            fake_request_fini(&request);
            rpc_call_frame(&world, &request, methods[i], "one", 1);
            if (!request.ended)
                assert_true(virtual_loop_advance(world.loop, 1));
            assert_true(request.ended);
            fake_request_fini(&request);
        }
    }
    rpc_world_fini(&world);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(converse, NULL);
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_each_message_comes_when_it_is_asked_for),
        RPC_TEST(test_stream_of_requests_may_have_one_answer),
        RPC_TEST(test_other_methods_have_one_message),
        RPC_TEST(test_message_that_cannot_be_read_ends_the_call),
        RPC_TEST(test_nothing_follows_a_message_that_could_not_be_read),
        RPC_TEST(test_cancel_ends_the_messages),
        RPC_TEST(test_frame_is_a_stream_of_one_message),
        RPC_TEST(test_only_message_is_not_followed_unasked),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
