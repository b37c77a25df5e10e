/* SPDX-License-Identifier: MIT
 *
 * The keepalive pings of the codec grpc, in a time that the test moves. Below, heard is when the last byte came, as the
 * core would say it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grpc_world.h"
#include "lib/fault.h"

enum { LIMIT = 100000 };

#define SECONDS(n) ((int64_t)WEFT_SECONDS(n))

static const char path[] = "/p.S/M";

static struct grpc_world *begin(const char *query)
{
    struct grpc_world *w = grpc_world_new(query, LIMIT, LIMIT);
    grpc_world_talk(w);
    return w;
}

static int setup(void **state)
{
    *state = begin("keepalive-time=10&keepalive-timeout=5");
    return 0;
}

static int setup_calls(void **state)
{
    *state = begin("keepalive-time=10&keepalive-timeout=5&keepalive-without-calls=off");
    return 0;
}

static int teardown(void **state)
{
    grpc_world_free(*state);
    return 0;
}

static int64_t tick_at(struct grpc_world *w, int64_t now, int64_t heard)
{
    w->feed.now = now;
    return weft_codec_grpc.tick(&w->feed.state, heard, &w->feed.out);
}

/* Returns how many pings have come to the client. Its answers stay with it. */
static int pings(struct grpc_world *w)
{
    grpc_world_hear(w);
    return w->peer.pings;
}

static void test_silent_peer_is_asked_after_keepalive_time(void **state)
{
    struct grpc_world *w = *state;
    assert_int_equal(tick_at(w, 0, 0), SECONDS(10));
    assert_int_equal(tick_at(w, SECONDS(10) - 1, 0), SECONDS(10));
    assert_int_equal(pings(w), 0);
    assert_int_equal(tick_at(w, SECONDS(10), 0), SECONDS(15));
    assert_int_equal(pings(w), 1);
}

static void test_peer_that_sends_bytes_is_not_asked(void **state)
{
    struct grpc_world *w = *state;
    for (int64_t now = 1; now < 100; now += 9)
        assert_int_equal(tick_at(w, SECONDS(now), SECONDS(now - 1)), SECONDS(now + 9));
    assert_int_equal(pings(w), 0);
}

static void test_answer_keeps_the_connection(void **state)
{
    struct grpc_world *w = *state;
    int64_t now = 0;
    for (int i = 1; i < 100; i++) {
        now += SECONDS(10);
        assert_int_equal(tick_at(w, now, now - SECONDS(10)), now + SECONDS(5));
        grpc_world_talk(w);
        assert_int_equal(w->peer.pings, i);
        assert_int_equal(tick_at(w, now + SECONDS(5), now), now + SECONDS(10));
    }
    assert_int_equal(w->feed.ended, 0);
}

static void test_peer_that_sends_nothing_for_keepalive_timeout_is_gone(void **state)
{
    struct grpc_world *w = *state;
    assert_int_equal(tick_at(w, SECONDS(10), 0), SECONDS(15));
    assert_int_equal(tick_at(w, SECONDS(12), 0), SECONDS(15));
    assert_int_equal(tick_at(w, SECONDS(15) - 1, 0), SECONDS(15));
    assert_int_equal(tick_at(w, SECONDS(15), 0), -ETIMEDOUT);
    assert_int_equal(pings(w), 1);
}

/* Without that, the next ping would wait for what was the end of its time to answer. */
static void test_peer_that_answers_at_once_is_asked_again_in_time(void **state)
{
    (void)state;
    struct grpc_world *w = begin("keepalive-time=2&keepalive-timeout=7");
    assert_int_equal(tick_at(w, SECONDS(2), 0), SECONDS(4));
    grpc_world_talk(w);
    assert_int_equal(tick_at(w, SECONDS(4), SECONDS(2)), SECONDS(6));
    assert_int_equal(pings(w), 2);
    assert_int_equal(tick_at(w, SECONDS(6), SECONDS(2)), SECONDS(8));
    assert_int_equal(tick_at(w, SECONDS(10), SECONDS(2)), SECONDS(11));
    assert_int_equal(tick_at(w, SECONDS(11), SECONDS(2)), -ETIMEDOUT);
    grpc_world_free(w);
}

static void test_any_byte_is_a_sign_of_life(void **state)
{
    struct grpc_world *w = *state;
    assert_int_equal(tick_at(w, SECONDS(10), 0), SECONDS(15));
    assert_int_equal(tick_at(w, SECONDS(15), SECONDS(10) + 1), SECONDS(20) + 1);
    assert_int_equal(tick_at(w, SECONDS(20) + 1, SECONDS(10) + 1), SECONDS(25) + 1);
    assert_int_equal(pings(w), 2);
}

static void test_peer_without_calls_is_not_asked_where_that_is_off(void **state)
{
    struct grpc_world *w = *state;
    assert_int_equal(tick_at(w, SECONDS(10), 0), SECONDS(20));
    assert_int_equal(tick_at(w, SECONDS(50), 0), SECONDS(60));
    assert_int_equal(pings(w), 0);
    (void)grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    assert_int_equal(tick_at(w, SECONDS(60), SECONDS(50)), SECONDS(65));
    grpc_world_talk(w);
    assert_int_equal(w->peer.pings, 1);
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    assert_int_equal(tick_at(w, SECONDS(70), SECONDS(60)), SECONDS(80));
    assert_int_equal(pings(w), 1);
}

/* One whose call was answered meanwhile owes a sign of life all the same. */
static void test_question_stays_when_the_last_call_ends(void **state)
{
    struct grpc_world *w = *state;
    (void)grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    assert_int_equal(tick_at(w, SECONDS(10), 0), SECONDS(15));
    assert_int_equal(pings(w), 1);
    const struct weft_answer none = {0};
    struct weft_encode_io io = {
        .out = &w->feed.out, .last = true, .stream = w->feed.messages[0].stream, .answer = &none};
    assert_int_equal(weft_codec_grpc.encode(&w->feed.state, NULL, &io), 0);
    assert_int_equal(tick_at(w, SECONDS(15), 0), -ETIMEDOUT);
}

static void test_peer_without_a_preface_is_not_asked(void **state)
{
    (void)state;
    struct grpc_world *w = grpc_world_new("keepalive-time=10", LIMIT, LIMIT);
    assert_int_equal(tick_at(w, SECONDS(10), 0), SECONDS(20));
    assert_int_equal(w->feed.out.bytes, 0);
    grpc_world_free(w);
}

static void test_draining_server_asks_as_before(void **state)
{
    struct grpc_world *w = *state;
    (void)grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    weft_codec_grpc.goodbye(&w->feed.state, false, &w->feed.out);
    grpc_world_talk(w);
    assert_int_equal(w->peer.goaways, 2);
    int before = w->peer.pings;
    assert_int_equal(tick_at(w, SECONDS(10), 0), SECONDS(15));
    grpc_world_talk(w);
    assert_int_equal(w->peer.pings, before + 1);
    assert_int_equal(tick_at(w, SECONDS(15), SECONDS(10)), SECONDS(20));
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    assert_int_equal(w->feed.ended, 0);
}

/* A peer answers in its own time, and none of these is a frame that brings nothing. */
static void test_late_answers_are_no_flood(void **state)
{
    struct grpc_world *w = *state;
    static const uint8_t opaque[8] = {'w', 'e', 'f', 't', 'p', 'i', 'n', 'g'};
    enum { PINGS = 3000 };
    for (int64_t now = 20; now <= 20 * PINGS;
         now += 20) /* other bytes come in place of an answer */
        assert_int_equal(tick_at(w, SECONDS(now), SECONDS(now - 10)), SECONDS(now + 5));
    weft_chain_consume(&w->feed.out, w->feed.out.bytes);
    for (int i = 0; i < PINGS; i++)
        grpc_world_frame(w, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, opaque, sizeof opaque);
    assert_int_equal(w->feed.ended, 0);
    for (int i = 0; i < 2001; i++) /* but these answer nothing */
        grpc_world_frame(w, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, opaque, sizeof opaque);
    assert_int_equal(w->feed.ended, WEFT_ELOST);
    assert_string_equal(w->feed.detail, "too many frames that bring nothing");
    weft_chain_consume(&w->feed.out, w->feed.out.bytes);
}

static void test_keepalive_is_off_where_that_is_said(void **state)
{
    (void)state;
    struct grpc_world *w = begin("keepalive-time=off");
    assert_int_equal(tick_at(w, SECONDS(1000000), 0), 0);
    assert_int_equal(pings(w), 0);
    grpc_world_free(w);
}

static void test_keepalive_is_that_of_grpc_servers_by_default(void **state)
{
    (void)state;
    struct grpc_world *w = begin("");
    assert_int_equal(tick_at(w, 0, 0), SECONDS(7200));
    assert_int_equal(tick_at(w, SECONDS(7200), 0), SECONDS(7220));
    assert_int_equal(pings(w), 1);
    grpc_world_free(w);
}

static void test_odd_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *query, *error;
    } odd[] = {
        {"keepalive-time=0", "keepalive-time=0: it takes 1 second to 1 day, or off"},
        {"keepalive-time=0.9", "keepalive-time=0.9: it takes 1 second to 1 day, or off"},
        {"keepalive-time=25h", "keepalive-time=25h: it takes 1 second to 1 day, or off"},
        {"keepalive-time=on", "keepalive-time=on: it takes 1 second to 1 day, or off"},
        {"keepalive-timeout=0", "keepalive-timeout=0: it takes 0.1 seconds to 1 hour"},
        {"keepalive-timeout=61m", "keepalive-timeout=61m: it takes 0.1 seconds to 1 hour"},
        {"keepalive-timeout=off", "keepalive-timeout=off: it takes 0.1 seconds to 1 hour"},
        {"keepalive-without-calls=1", "keepalive-without-calls=1: it takes on or off"},
        {"keepalive-without-calls=", "keepalive-without-calls=: it takes on or off"},
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct weft_limits limits = weft_limits_default();
        struct weft_error error = {0};
        struct feed_codec fc;
        assert_int_equal(feed_codec_init(&fc, &weft_codec_grpc, odd[i].query, &limits, &error),
                         WEFT_ECONFIG);
        assert_string_equal(error.text, odd[i].error);
    }
}

/* Without memory for a ping the connection ends, and otherwise the client has it. */
static void ask(void *arg)
{
    (void)arg;
    struct grpc_world *w = begin("keepalive-time=10");
    const bool alive = w->feed.ended == 0;
    const size_t before = fault_failed();
    const int64_t next = alive ? tick_at(w, SECONDS(10), 0) : -ENOMEM;
    if (alive && before == fault_failed()) {
        assert_int_equal(next, SECONDS(20));
        assert_int_equal(pings(w), 1);
    } else if (alive && next < 0) {
        assert_int_equal(next, -ENOMEM);
        assert_int_equal(tick_at(w, SECONDS(20), 0), -ENOMEM);
        feed_bytes(&w->feed, weft_view_str("x"));
        assert_int_equal(w->feed.ended, -ENOMEM);
    }
    grpc_world_free(w);
}

static void test_ping_without_memory_ends_the_connection(void **state)
{
    (void)state;
    fault_each(ask, NULL);
}

#define PING_TEST(test)  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define CALLS_TEST(test) cmocka_unit_test_setup_teardown(test, setup_calls, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PING_TEST(test_silent_peer_is_asked_after_keepalive_time),
        PING_TEST(test_peer_that_sends_bytes_is_not_asked),
        PING_TEST(test_answer_keeps_the_connection),
        PING_TEST(test_peer_that_sends_nothing_for_keepalive_timeout_is_gone),
        cmocka_unit_test(test_peer_that_answers_at_once_is_asked_again_in_time),
        PING_TEST(test_any_byte_is_a_sign_of_life),
        CALLS_TEST(test_peer_without_calls_is_not_asked_where_that_is_off),
        CALLS_TEST(test_question_stays_when_the_last_call_ends),
        cmocka_unit_test(test_peer_without_a_preface_is_not_asked),
        PING_TEST(test_draining_server_asks_as_before),
        PING_TEST(test_late_answers_are_no_flood),
        cmocka_unit_test(test_keepalive_is_off_where_that_is_said),
        cmocka_unit_test(test_keepalive_is_that_of_grpc_servers_by_default),
        cmocka_unit_test(test_odd_values_are_refused),
        FAULT_TEST(test_ping_without_memory_ends_the_connection),
    };
    return cmocka_run_group_tests_name("grpc keepalive", tests, NULL, NULL);
}
