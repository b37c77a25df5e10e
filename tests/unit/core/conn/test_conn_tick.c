/* SPDX-License-Identifier: MIT
 *
 * The slot tick of a codec: when the core calls it, what it is told, and what its result does. The codec is raw with a
 * tick that notes its calls and does as the test says. */
#include <errno.h>

#include "codecs/codecs.h"
#include "server_fixture.h"

enum { EVERY = 100 }; /* seconds between the ticks that the codec asks for */

static struct {
    int count;
    int64_t at, heard; /* of the last call */
    int64_t began;     /* when the first came */
    int64_t result;    /* < 0: what is returned in place of a time */
    bool never;        /* 0 is returned */
    const char *words; /* a message to append, or NULL */
} ticks;

static int64_t tick(const struct weft_codec_state *state, int64_t heard, struct weft_chain *out)
{
    int64_t now = *state->now;
    uint8_t frame[32];

    if (ticks.count++ == 0)
        ticks.began = now;
    ticks.at = now;
    ticks.heard = heard;
    if (ticks.words)
        assert_int_equal(weft_chain_append(out, weft_view(frame, peer_frame(frame, ticks.words,
                                                                            strlen(ticks.words)))),
                         0);
    if (ticks.result < 0)
        return ticks.result;
    return ticks.never ? 0 : now + SECONDS(EVERY) - (now - ticks.began) % SECONDS(EVERY);
}

static enum weft_probe probe(const void *config, struct weft_view in)
{
    (void)config;
    if (in.size < 5)
        return WEFT_PROBE_MORE;
    return in.data[4] == 'n' ? WEFT_PROBE_YES : WEFT_PROBE_NO;
}

static enum weft_probe probe_nobody(const void *config, struct weft_view in)
{
    (void)config, (void)in;
    return WEFT_PROBE_NO;
}

static struct weft_codec ticking, other;
static char url_ticking[] = "script:server?codec=ticking&service=probe";

static int setup(void **state)
{
    memset(&ticks, 0, sizeof ticks);
    if (server_fixture_setup(state) < 0)
        return -1;
    ticking = weft_codec_raw;
    ticking.name = "ticking";
    ticking.tick = tick;
    ticking.probe = probe;
    other = weft_codec_raw;
    other.name = "other";
    other.probe = probe_nobody;
    struct server_fixture *f = *state;
    return weft_registry_add_codec(&f->registry, &ticking) < 0 ||
                   weft_registry_add_codec(&f->registry, &other) < 0
               ? -1
               : 0;
}

/* A client whose connection has had the tick of its begin. */
static struct test_peer *serve(struct server_fixture *f)
{
    struct test_peer *peer = serve_one(f);
    turns(f);
    assert_int_equal(ticks.count, 1);
    return peer;
}

static void assert_ended(struct test_peer *peer, enum weft_reason reason)
{
    turns(peer->fixture);
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(peer->fixture, reason), 1);
}

static void test_ticks_come_when_the_codec_asks_for_them(void **state)
{
    struct server_fixture *f = *state;
    (void)serve(f);
    for (int i = 1; i <= 3; i++) {
        advance(f, SECONDS(EVERY) - 1);
        assert_int_equal(ticks.count, i);
        advance(f, 1);
        assert_int_equal(ticks.count, i + 1);
        assert_int_equal(ticks.at, ticks.began + i * SECONDS(EVERY));
    }
}

static void test_no_tick_comes_when_none_is_asked_for(void **state)
{
    struct server_fixture *f = *state;
    ticks.never = true;
    (void)serve(f);
    advance(f, SECONDS(1000000));
    assert_int_equal(ticks.count, 1);
}

static void test_tick_is_told_when_the_last_byte_came(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f);
    advance(f, SECONDS(40));
    peer_say(peer, "now a");
    advance(f, SECONDS(EVERY));
    assert_int_equal(ticks.heard, ticks.began + SECONDS(40));
}

/* The timer may have been armed for the frame, and what ends the frame does not move it. */
static void test_sooner_deadlines_cost_no_tick(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f);
    peer_send(peer, "\0\0", 2);
    advance(f, SECONDS(1));
    peer_send(peer, "\0\5now a", 7);
    assert_heard(peer, "a");
    advance(f, SECONDS(EVERY - 1) - 1);
    int before = ticks.count;
    advance(f, 1);
    assert_int_equal(ticks.count, before + 1);
    assert_int_equal(ticks.at, ticks.began + SECONDS(EVERY));
}

static void test_words_of_a_tick_leave_before_earlier_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f);
    peer_say(peer, "wait a");
    ticks.words = "tick";
    advance(f, SECONDS(EVERY));
    assert_heard(peer, "tick");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A");
}

/* The peer may have sent something that is not read. */
static void test_silence_says_nothing_while_reading_is_paused(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    struct test_peer *peer = serve(f);
    peer_say(peer, "wait a");
    advance(f, SECONDS(EVERY));
    assert_int_equal(ticks.count, 2);
    assert_int_equal(ticks.heard, ticks.at);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    advance(f, SECONDS(EVERY));
    assert_int_equal(ticks.heard, ticks.began);
}

/* The words of the codec may not have left. */
static void test_silence_says_nothing_while_output_waits(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.write_timeout = WEFT_SECONDS(EVERY + 1);
    struct test_peer *peer = serve(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_say(peer, "size x 1000");
    advance(f, SECONDS(EVERY));
    assert_int_equal(ticks.heard, ticks.at);
    script_set_rules(peer->end, &(struct script_rules){0});
    turns(f);
    advance(f, SECONDS(EVERY));
    assert_int_equal(ticks.heard, ticks.began);
}

static void test_peer_that_gave_no_sign_of_life_is_closed(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f);
    peer_say(peer, "wait a");
    ticks.result = -ETIMEDOUT;
    advance(f, SECONDS(EVERY));
    assert_noted(f, "open a a!peer-vanished");
    assert_ended(peer, WEFT_REASON_PEER_VANISHED);
}

static void test_tick_without_memory_ends_the_connection(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f);
    ticks.result = -ENOMEM;
    advance(f, SECONDS(EVERY) + SECONDS(1));
    assert_ended(peer, WEFT_REASON_NO_MEMORY);
}

static void test_first_tick_may_end_the_connection(void **state)
{
    struct server_fixture *f = *state;
    ticks.result = -ETIMEDOUT;
    assert_ended(serve(f), WEFT_REASON_PEER_VANISHED);
}

static void test_closing_connection_has_no_tick(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    f->options.limits.max_bad_frames = 1;
    struct test_peer *peer = serve(f);
    peer_queue(peer, "wait a");
    peer_send_frame(peer, "", 101);
    advance(f, SECONDS(2 * EVERY));
    assert_int_equal(ticks.count, 1);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A too-big:max-frame:101:100 EOF");
}

static void test_ticks_go_on_while_the_server_drains(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.drain_timeout = WEFT_SECONDS(2 * EVERY);
    struct test_peer *peer = serve(f);
    peer_say(peer, "wait a");
    weft_server_stop(f->server);
    turns(f);
    ticks.result = -ETIMEDOUT;
    advance(f, SECONDS(EVERY));
    assert_noted(f, "open a a!peer-vanished");
    assert_ended(peer, WEFT_REASON_PEER_VANISHED);
}

/* Its state is not there before. */
static void test_undecided_connection_has_no_tick(void **state)
{
    struct server_fixture *f = *state;
    f->urls[1] = "?codec=other";
    f->options.url_count = 2;
    f->options.limits.frame_timeout = WEFT_SECONDS(2 * EVERY);
    f->options.limits.idle_timeout = WEFT_SECONDS(EVERY);
    struct test_peer *peer = serve_one(f);
    advance(f, SECONDS(EVERY - 1));
    peer_send(peer, "\0", 1);
    advance(f, SECONDS(EVERY - 1));
    assert_int_equal(ticks.count, 0);
    peer_send(peer, "\0\0\5now a", 8);
    assert_heard(peer, "a");
    assert_int_equal(ticks.count, 1);
    assert_int_equal(ticks.heard, ticks.at);
}

static void test_ticks_do_not_make_an_idle_connection_busy(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5 * EVERY / 2);
    struct test_peer *peer = serve(f);
    ticks.words = "tick";
    advance(f, SECONDS(5 * EVERY / 2) - 1);
    assert_heard(peer, "tick*2");
    assert_int_equal(closed(f), 0);
    advance(f, 1);
    assert_ended(peer, WEFT_REASON_IDLE_TIMEOUT);
}

#define TEST_TICK(test)                                                                            \
    {                                                                                              \
#test, test, setup, server_fixture_teardown, url_ticking                                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_TICK(test_ticks_come_when_the_codec_asks_for_them),
        TEST_TICK(test_no_tick_comes_when_none_is_asked_for),
        TEST_TICK(test_tick_is_told_when_the_last_byte_came),
        TEST_TICK(test_sooner_deadlines_cost_no_tick),
        TEST_TICK(test_words_of_a_tick_leave_before_earlier_replies),
        TEST_TICK(test_silence_says_nothing_while_reading_is_paused),
        TEST_TICK(test_silence_says_nothing_while_output_waits),
        TEST_TICK(test_peer_that_gave_no_sign_of_life_is_closed),
        TEST_TICK(test_tick_without_memory_ends_the_connection),
        TEST_TICK(test_first_tick_may_end_the_connection),
        TEST_TICK(test_closing_connection_has_no_tick),
        TEST_TICK(test_ticks_go_on_while_the_server_drains),
        TEST_TICK(test_undecided_connection_has_no_tick),
        TEST_TICK(test_ticks_do_not_make_an_idle_connection_busy),
    };
    return cmocka_run_group_tests_name("conn tick", tests, NULL, NULL);
}
