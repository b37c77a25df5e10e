/* SPDX-License-Identifier: MIT
 *
 * Requests with many messages: the service gets one after another, as it asks for them. */
#include <errno.h>
#include <stdio.h>

#include "core/reject.h"
#include "lib/fault.h"
#include "lib/stream_codec.h"
#include "server_fixture.h"

static char url_many[] = "script:server?codec=streams&service=many";

/* Written by the service: "call 7", "7=text", "7.", and "7!reason". */
static char noted[1024];
static struct weft_request *last;

static void note(const char *fmt, ...) WEFT_PRINTF(1, 2);
static void note(const char *fmt, ...)
{
    const size_t used = strlen(noted);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(noted + used, sizeof noted - used, fmt, args);
    va_end(args);
    (void)snprintf(noted + strlen(noted), sizeof noted - strlen(noted), " ");
}

static void end_with(struct weft_request *request, const char *text)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    last = NULL;
    assert_int_equal(weft_request_end(request, &body.body), 0);
}

static void on_message(struct weft_request *request, const struct weft_view *message)
{
    if (!message) {
        note("%u.", request->stream);
        end_with(request, "bye");
        return;
    }
    note("%u=%.*s", request->stream, (int)message->size, (const char *)message->data);
    if (weft_view_equal(*message, weft_view_str("end")))
        end_with(request, "early");
    else if (weft_view_equal(*message, weft_view_str("arena")))
        assert_true(weft_arena_alloc(weft_request_scratch(request), 100) || fault_failed() > 0);
    if (last && !weft_view_equal(*message, weft_view_str("hold")))
        weft_request_next(request);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    note("%u!%s", request->stream, weft_reason_name(reason));
    last = NULL;
    (void)!weft_request_end(request, NULL);
}

static bool streams(void *loop_state, struct weft_view target)
{
    (void)loop_state;
    return weft_view_equal(target, weft_view_str("many"));
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state;
    note("call %u", request->stream);
    assert_int_equal(request->payload.size, 0);
    request->on_message = on_message;
    request->on_cancel = on_cancel;
    last = request;
    weft_request_endless(request);
}

static const struct weft_service many_service = {
    .name = "many", .speaks = "*", .streams = streams, .call = call};

static int setup(void **state)
{
    stream_codec_alive = 0;
    *noted = '\0';
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    int err = weft_registry_add_codec(&f->registry, &stream_codec);
    return err < 0 ? err : weft_registry_add_service(&f->registry, &many_service, NULL);
}

/* Each stream had its last encode or went with its connection. */
static int teardown(void **state)
{
    int err = server_fixture_teardown_fault(state);
    return stream_codec_alive == 0 ? err : -1;
}

static void say(struct test_peer *peer, const char *text)
{
    peer_send(peer, text, strlen(text));
    turns(peer->fixture);
}

static void expect(struct test_peer *peer, const char *text, const char *service)
{
    size_t size;
    turns(peer->fixture);
    const uint8_t *data = script_received(peer->end, &size);
    if (size != strlen(text) || (size > 0 && memcmp(data, text, size) != 0))
        fail_msg("got '%.*s', not '%s'", (int)size, (const char *)data, text);
    script_consume(peer->end, size);
    assert_string_equal(noted, service);
    *noted = '\0';
}

static void test_messages_come_one_after_another(void **state)
{
    struct test_peer *peer = serve_one(*state);
    say(peer, "7</many\n");
    expect(peer, "", "call 7 ");
    say(peer, "7>one\n7>arena\n");
    expect(peer, "", "7=one 7=arena ");
    say(peer, "7>.\n");
    expect(peer, "7=bye;7.", "7. ");
}

static void test_next_message_waits_for_the_service(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "7</many\n7>hold\n7>two\n9</many\n9>x\n9>.\n");
    expect(peer, "9=bye;9.", "call 7 7=hold call 9 9=x 9. ");
    last = f->worker->conns->order.detached_part->loose.first
               ? &f->worker->conns->order.detached_part->loose.first->public
               : NULL;
    assert_non_null(last);
    weft_request_next(last);
    weft_request_next(last);
    turns(f);
    expect(peer, "", "7=two ");
    say(peer, "7>.\n");
    expect(peer, "7=bye;7.", "7. ");
}

static void test_heads_of_other_requests_are_passed_over(void **state)
{
    struct test_peer *peer = serve_one(*state);
    say(peer, "7</few\n");
    expect(peer, "", "");
    peer_close(peer);
    turns(*state);
}

static void test_service_may_end_before_its_peer(void **state)
{
    struct test_peer *peer = serve_one(*state);
    say(peer, "7</many\n7>end\n7>more\n7>.\n");
    expect(peer, "7=early;7.", "call 7 7=end ");
}

static void test_bad_message_and_reset_end_the_request(void **state)
{
    struct test_peer *peer = serve_one(*state);
    say(peer, "7</many\n7>?\n7>more\n");
    expect(peer, "7.rejected 0", "call 7 7!stream-reset ");
    say(peer, "9</many\n9>one\n9!\n9>two\n");
    expect(peer, "", "call 9 9=one 9!stream-reset ");
}

/* Nobody waits for messages that cannot come. */
static void test_end_of_the_connection_ends_a_request_that_is_not_whole(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "7</many\n7>one\n");
    expect(peer, "", "call 7 7=one ");
    peer_shutdown(peer);
    turns(f);
    assert_string_equal(noted, "7!stream-reset ");
    turns(f);
    assert_int_equal(f->worker->conn_count, 0);
}

static void test_drain_is_heard(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "7</many\n");
    *noted = '\0';
    weft_server_stop(f->server);
    turns(f);
    assert_string_equal(noted, "7!drained ");
    say(peer, "ok\n");
}

static void test_every_allocation_may_fail(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    for (size_t n = 0; n < 40; n++) {
        struct test_peer *peer = peer_dial(f);
        fault_arm(FAULT_ONE, n);
        say(peer, "7</many\n7>one\n7>arena\n7>.\n");
        fault_disarm();
        peer_close(peer);
        turns(f);
    }
}

#define MANY_TEST(name)                                                                            \
    {                                                                                              \
#name, name, setup, teardown, url_many                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        MANY_TEST(test_messages_come_one_after_another),
        MANY_TEST(test_next_message_waits_for_the_service),
        MANY_TEST(test_heads_of_other_requests_are_passed_over),
        MANY_TEST(test_service_may_end_before_its_peer),
        MANY_TEST(test_bad_message_and_reset_end_the_request),
        MANY_TEST(test_end_of_the_connection_ends_a_request_that_is_not_whole),
        MANY_TEST(test_drain_is_heard),
        MANY_TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
