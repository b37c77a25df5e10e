/* SPDX-License-Identifier: MIT
 *
 * A yamux session meets peers that break rules or flood; the table of docs/yamux.md names these tests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "yamux_fixture.h"

enum {
    DATA = WEFT__YAMUX_DATA,
    UPDATE = WEFT__YAMUX_UPDATE,
    PING = WEFT__YAMUX_PING,
    AWAY = WEFT__YAMUX_GO_AWAY,
    SYN = WEFT__YAMUX_SYN,
    ACK = WEFT__YAMUX_ACK,
    FIN = WEFT__YAMUX_FIN,
    RST = WEFT__YAMUX_RST,
    WINDOW = WEFT__YAMUX_WINDOW,
};

#define SECOND INT64_C(1000000000)

static struct world world;

enum { OPEN = 1, UNKNOWN = 9 };

/* Frames behind SYN of stream 1. */
static const struct violation {
    uint8_t version;
    unsigned type, flags;
    uint32_t id, length;
    bool again; /* twice */
    const char *why;
} violations[] = {
    {71, 'E', 0, 0, 0, false, "another version than 0"},
    {0, 4, 0, 0, 0, false, "an unknown type"},
    {0, DATA, 0x10, OPEN, 0, false, "an unknown flag"},
    {0, UPDATE, 0x8000, OPEN, 0, false, "an unknown flag"},
    {0, DATA, 0, 0, 5, false, "with the id 0"},
    {0, UPDATE, SYN, 0, 0, false, "with the id 0"},
    {0, UPDATE, SYN | ACK, 3, 0, false, "SYN and ACK"},
    {0, UPDATE, SYN, 2, 0, false, "an id of our side"},
    {0, UPDATE, SYN, OPEN, 0, false, "the id of an open stream"},
    {0, UPDATE, 0, UNKNOWN, 1, false, "never opened"},
    {0, DATA, FIN, 2, 0, false, "never opened"},
    {0, DATA, 0, OPEN, WINDOW + 1, false, "beyond the window"},
    {0, DATA, SYN, 3, WINDOW + 1, false, "beyond the window"},
    {0, UPDATE, 0, OPEN, UINT32_MAX - WINDOW + 1, false, "more than 4 GiB"},
    {0, UPDATE, FIN, OPEN, 0, true, "a second FIN"},
    {0, PING, SYN, OPEN, 0, false, "a ping of a stream"},
    {0, PING, 0, 0, 0, false, "a ping with other flags"},
    {0, PING, SYN | ACK, 0, 0, false, "a ping with other flags"},
    {0, AWAY, 0, OPEN, 0, false, "with an id or with flags"},
    {0, AWAY, SYN, 0, 0, false, "with an id or with flags"},
    {0, AWAY, 0, 0, 3, false, "an unknown code"},
};

static void check_violation(const struct violation *v)
{
    uint8_t header[WEFT__YAMUX_HEADER];

    world_begin(&world, "", true);
    world_send(&world, UPDATE, SYN, OPEN, 0, NULL);
    world_run(&world);
    world_expect(&world, UPDATE, ACK, OPEN, 0);
    weft__yamux_put_header(header, (enum weft__yamux_type)v->type, v->flags, v->id, v->length);
    header[0] = v->version;
    for (int i = 0; i <= v->again; i++)
        script_send(world.peer, header, sizeof header);
    world_run(&world);
    world_expect(&world, AWAY, 0, 0, WEFT__YAMUX_PROTOCOL_ERROR);
    world_expect_nothing(&world);
    assert_true(script_at_eof(world.peer));
    assert_true(world.owners[0].result == -EPROTO || world.owners[0].result == 0);
    script_shutdown(world.peer);
    world_run(&world);
    assert_int_equal(world.over, -EPROTO);
    assert_non_null(world.why);
    if (!strstr(world.why, v->why))
        fail_msg("'%s' where '%s' is due", world.why, v->why);
    world_end(&world);
}

static void test_broken_rules_end_the_session_with_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof violations / sizeof *violations; i++)
        check_violation(&violations[i]);
}

/* Whoever sends these speaks no yamux, and is told so before a whole header has come. */
static void test_first_bytes_of_another_protocol_are_named(void **state)
{
    static const struct {
        const char *first;
        size_t size;
        bool is_server;
        const char *why;
    } cases[] = {
        {"GET / HTTP/1.1", 14, true, "its first bytes are HTTP, not yamux"},
        {"HTTP/1.1 400 Bad", 16, false, "its first bytes are HTTP, not yamux"},
        {"\x16\x03\x01\x02", 4, true, "its first bytes are TLS, not yamux"},
        {"\x15\x03\x03\0", 4, false, "its first bytes are TLS, not yamux"},
        {"*1\r\n$4\r\nPING", 12, true, "its first bytes are RESP, not yamux"},
        {"-ERR", 4, false, "its first bytes are RESP, not yamux"},
        {"\0\0\0\x1b", 4, true, "does the client's URL say yamux?"},
        {"\0\0\0\2", 4, true, "does the client's URL say yamux?"},
        {"\0\4\0\1", 4, true, "does the client's URL say yamux?"},
        {"\0\0\0\x1b", 4, false, "does the server's URL say yamux?"},
        {"\1\1\0\1", 4, true, "does the client's URL say yamux?"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_begin(&world, "", cases[i].is_server);
        if (!cases[i].is_server)
            world_take(&world);
        for (size_t at = 0; at < cases[i].size; at++) {
            assert_int_equal(world.over, 0);
            script_send(world.peer, cases[i].first + at, 1);
        }
        script_shutdown(world.peer);
        world_run(&world);
        world_expect(&world, AWAY, 0, 0, WEFT__YAMUX_PROTOCOL_ERROR);
        assert_int_equal(world.over, -EPROTO);
        if (!strstr(world.why, cases[i].why))
            fail_msg("'%s' where '%s' is due", world.why, cases[i].why);
        world_end(&world);
    }
}

static void test_data_behind_the_end_of_a_stream_breaks_a_rule(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    world_send(&world, DATA, SYN | FIN, 1, 4, "last");
    world_send(&world, DATA, 0, 1, 4, "more");
    script_shutdown(world.peer);
    world_run(&world);
    assert_int_equal(world.over, -EPROTO);
    assert_string_equal(world.why, "data behind the FIN of a stream");
    world_end(&world);
}

static void check_last_words(uint32_t code)
{
    world_begin(&world, "", true);
    world_send(&world, UPDATE, SYN, 1, 0, NULL);
    world_run(&world);
    (void)world_count(&world, UPDATE, 0);
    world_send(&world, AWAY, 0, 0, code, NULL);
    script_shutdown(world.peer);
    world_run(&world);
    world_expect_nothing(&world);
    assert_int_equal(world.owners[0].result, -ECONNRESET);
    assert_int_equal(world.over, -ECONNABORTED);
    world_end(&world);
}

static void test_peer_that_leaves_with_an_error_is_answered_with_the_end(void **state)
{
    (void)state;
    check_last_words(WEFT__YAMUX_PROTOCOL_ERROR);
    check_last_words(WEFT__YAMUX_INTERNAL_ERROR);
}

/* Whoever says GO_AWAY takes no streams, but may open some, as Go's library does. */
static void test_peer_that_takes_no_streams_may_open_some(void **state)
{
    int error;
    (void)state;
    world_begin(&world, "", true);
    world_send(&world, AWAY, 0, 0, WEFT__YAMUX_NORMAL, NULL);
    world_send(&world, UPDATE, SYN, 1, 0, NULL);
    world_run(&world);
    world_expect(&world, UPDATE, ACK, 1, 0);
    assert_null(world_dial(&world, &error));
    assert_int_equal(error, -ECONNREFUSED);
    world_end(&world);
}

static void test_flood_of_streams_is_reset_and_then_ends(void **state)
{
    (void)state;
    world_begin(&world, "streams=20&idle-frames=30", true);
    for (uint32_t i = 0; i < 45; i++)
        world_send(&world, UPDATE, SYN, 1 + 2 * i, 0, NULL);
    world_run(&world);
    assert_int_equal(world.count, 20);
    assert_int_equal(world_count(&world, UPDATE, RST), 25);
    assert_int_equal(world.over, 0);
    for (uint32_t i = 0; i < 10; i++)
        world_send(&world, UPDATE, SYN, 101 + 2 * i, 0, NULL);
    world_run(&world);
    assert_int_equal(world_count(&world, AWAY, 0), 1);
    world_end(&world);
}

static void test_streams_beyond_the_backlog_are_reset(void **state)
{
    (void)state;
    world_begin(&world, "backlog=3", true);
    world.lazy = true;
    for (uint32_t i = 0; i < 5; i++)
        world_send(&world, UPDATE, SYN, 1 + 2 * i, 0, NULL);
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    world_expect(&world, UPDATE, RST, 7, 0);
    world_expect(&world, UPDATE, RST, 9, 0);
    /* One that waits may be reset by the peer, too. */
    world_send(&world, UPDATE, RST, 3, 0, NULL);
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    world.lazy = false;
    world_run(&world);
    assert_int_equal(world_count(&world, UPDATE, ACK), 2);
    assert_int_equal(world.count, 2);
    world_end(&world);
}

static void test_rapid_resets_end_the_session(void **state)
{
    (void)state;
    world_begin(&world, "idle-frames=50", true);
    for (uint32_t i = 0; i < 51; i++) {
        world_send(&world, UPDATE, SYN, 1 + 2 * i, 0, NULL);
        world_send(&world, UPDATE, RST, 1 + 2 * i, 0, NULL);
    }
    script_shutdown(world.peer);
    world_run(&world);
    assert_int_equal(world.over, -EPROTO);
    world_end(&world);
}

static void test_flood_of_pings_ends_the_session(void **state)
{
    (void)state;
    world_begin(&world, "idle-frames=100", true);
    for (int seconds = 0; seconds < 3; seconds++) { /* so many each second are fine */
        for (uint32_t i = 0; i < 100; i++)
            world_send(&world, PING, SYN, 0, i, NULL);
        assert_true(virtual_loop_advance(world.loop, SECOND));
        assert_int_equal(world_count(&world, PING, ACK), 100);
    }
    for (uint32_t i = 0; i < 101; i++)
        world_send(&world, PING, SYN, 0, i, NULL);
    world_run(&world);
    assert_int_equal(world_count(&world, AWAY, 0), 1);
    script_shutdown(world.peer);
    world_run(&world);
    assert_int_equal(world.over, -EPROTO);
    world_end(&world);
}

static void test_answers_that_nobody_reads_end_the_session(void **state)
{
    const struct script_rules rules = {.window = 100};
    (void)state;
    world_begin(&world, "idle-frames=1000000", true);
    script_set_rules(world.peer, &rules);
    for (uint32_t i = 0; i < 12000 && world.over == 0; i++)
        world_send(&world, PING, SYN, 0, i, NULL);
    world_run(&world);
    assert_true(virtual_loop_advance(world.loop, 20 * SECOND));
    assert_int_equal(world.over, -EPROTO);
    assert_non_null(strstr(world.why, "does not read"));
    world_end(&world);
}

/* The answer that is too much may be said by a stream, and no byte may come after it. */
static void test_last_answer_that_nobody_reads_ends_the_session_without_more_input(void **state)
{
    const struct script_rules rules = {.window = 100};
    (void)state;
    world_begin(&world, "idle-frames=1000000&session-output=16KiB", true);
    world_send(&world, UPDATE, SYN, 1, 0, NULL);
    world_run(&world);
    script_set_rules(world.peer, &rules);
    /* 16 KiB and 64 KiB are all but full. */
    for (uint32_t i = 0; i < (16 + 64) * 1024 / WEFT__YAMUX_HEADER; i++)
        world_send(&world, PING, SYN, 0, i, NULL);
    world_run(&world);
    for (int i = 0; i < 20 && world.over == 0; i++)
        world_send(&world, UPDATE, SYN, 3 + 2 * (uint32_t)i, 0, NULL);
    world_run(&world);
    assert_true(virtual_loop_advance(world.loop, 20 * SECOND));
    assert_int_equal(world.over, -EPROTO);
    world_end(&world);
}

static void test_frames_without_use_end_the_session(void **state)
{
    (void)state;
    static const struct {
        unsigned type, flags;
        uint32_t id, length;
    } cases[] = {{DATA, 0, 3, 0},   {UPDATE, 0, 3, 0}, {DATA, 0, 1, 1}, {UPDATE, 0, 1, 5},
                 {UPDATE, 0, 3, 5}, {PING, ACK, 0, 1}, {AWAY, 0, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_begin(&world, "idle-frames=20", true);
        world_send(&world, UPDATE, SYN, 1, 0, NULL);
        world_run(&world);
        owner_close(&world.owners[0]);
        world_send(&world, UPDATE, FIN, 1, 0, NULL); /* owed, so it is no idle frame */
        world_send(&world, UPDATE, SYN, 3, 0, NULL);
        world_run(&world);
        for (int frames = 0; frames <= 20; frames++) {
            assert_int_equal(world.over, 0);
            world_send(&world, cases[i].type, cases[i].flags, cases[i].id, cases[i].length,
                       cases[i].type == DATA && cases[i].length > 0 ? "x" : NULL);
            if (frames == 20)
                script_shutdown(world.peer);
            world_run(&world);
        }
        assert_int_equal(world.over, -EPROTO);
        assert_non_null(strstr(world.why, "idle-frames"));
        world_end(&world);
    }
}

/* However small the pieces are in which a peer grants what it has read. */
static void test_updates_for_what_was_sent_are_of_use(void **state)
{
    enum { SENT = 100 };
    (void)state;
    world_begin(&world, "idle-frames=10", true);
    world_send(&world, UPDATE, SYN, 1, 0, NULL);
    world_run(&world);
    owner_write(&world.owners[0], SENT);
    world_run(&world);
    for (int i = 0; i < SENT + 10; i++)
        world_send(&world, UPDATE, 0, 1, 1, NULL);
    world_run(&world);
    assert_int_equal(world_count(&world, AWAY, 0), 0);
    world_send(&world, UPDATE, 0, 1, 1, NULL);
    world_run(&world);
    assert_int_equal(world_count(&world, AWAY, 0), 1);
    world_end(&world);
}

/* The last words are told, and then the time is over that the peer has to end by itself. */
static void test_flood_behind_the_last_words_is_not_read_for_long(void **state)
{
    enum { PIECE = 4096, MOST = 64 * 1024 };
    static uint8_t bytes[PIECE];
    size_t sent = 0;
    (void)state;
    world_begin(&world, "", true);
    world_send(&world, UPDATE, SYN, 1, 0, NULL);
    world_send(&world, DATA, 0, 1, UINT32_MAX, NULL);
    world_run(&world);
    assert_int_equal(world_count(&world, AWAY, 0), 1);
    while (world.over == 0 && sent < 2 * MOST) {
        script_send(world.peer, bytes, sizeof bytes);
        sent += sizeof bytes;
        world_run(&world);
    }
    assert_int_equal(world.over, -EPROTO);
    assert_int_equal(sent, MOST + PIECE);
    world_end(&world);
}

/* The frame that is too much ends a turn, and what lies behind it is dropped by turns. */
static void test_turn_ends_with_the_frame_that_breaks_a_rule(void **state)
{
    enum { READ = 16 * 1024 };
    static uint8_t bytes[4 * READ];
    (void)state;
    world_begin(&world, "", true);
    world_send(&world, DATA, 0, UNKNOWN, 5, NULL);
    script_send(world.peer, bytes, sizeof bytes);
    for (size_t turn = 1; turn <= 4; turn++) {
        virtual_loop_turn(world.loop);
        assert_int_equal(script_unread(world.peer),
                         WEFT__YAMUX_HEADER + sizeof bytes - turn * READ);
    }
    script_shutdown(world.peer);
    world_run(&world);
    assert_int_equal(world.over, -EPROTO);
    world_end(&world);
}

/* Others of the loop have their turn, however small the frames are and however many there may be. */
static void test_small_frames_are_read_by_turns(void **state)
{
    enum { PINGS = 10000, TURN = 2000, TURNS = 8 };
    (void)state;
    world_begin(&world, "idle-frames=1000000&session-output=1MiB", true);
    for (uint32_t i = 0; i < PINGS; i++)
        world_send(&world, PING, SYN, 0, i, NULL);
    size_t before = script_unread(world.peer);
    for (int turn = 0; turn < TURNS; turn++) {
        virtual_loop_turn(world.loop);
        size_t left = script_unread(world.peer);
        assert_true(before - left <= TURN * WEFT__YAMUX_HEADER);
        before = left;
    }
    world_run(&world);
    assert_int_equal(world_count(&world, PING, ACK), PINGS);
    world_end(&world);
}

static void test_fullest_stream_is_reset_when_memory_is_used_up(void **state)
{
    static uint8_t bytes[WINDOW];
    (void)state;
    world_begin(&world, "session-memory=512KiB", true);
    for (uint32_t i = 0; i < 4; i++) {
        world_send(&world, UPDATE, SYN, 1 + 2 * i, 0, NULL);
        world_run(&world);
        owner_want(&world.owners[i], 0);
    }
    (void)world_count(&world, UPDATE, ACK);
    world_send(&world, DATA, 0, 1, 100, bytes);
    world_send(&world, DATA, 0, 3, WINDOW, bytes);
    world_send(&world, DATA, 0, 5, 200000, bytes);
    world_run(&world);
    world_expect_nothing(&world);
    world_send(&world, DATA, 0, 7, 100000, bytes);
    world_run(&world);
    world_expect(&world, UPDATE, RST, 3, 0);
    world_expect_nothing(&world);
    owner_want(&world.owners[0], WEFT_READABLE);
    owner_want(&world.owners[1], WEFT_READABLE);
    world_run(&world);
    assert_int_equal(weft_buf_size(&world.owners[0].got), 100);
    assert_int_equal(world.owners[1].result, -ECONNRESET);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_rules_end_the_session_with_words),
        cmocka_unit_test(test_first_bytes_of_another_protocol_are_named),
        cmocka_unit_test(test_data_behind_the_end_of_a_stream_breaks_a_rule),
        cmocka_unit_test(test_peer_that_leaves_with_an_error_is_answered_with_the_end),
        cmocka_unit_test(test_peer_that_takes_no_streams_may_open_some),
        cmocka_unit_test(test_flood_of_streams_is_reset_and_then_ends),
        cmocka_unit_test(test_streams_beyond_the_backlog_are_reset),
        cmocka_unit_test(test_rapid_resets_end_the_session),
        cmocka_unit_test(test_flood_of_pings_ends_the_session),
        cmocka_unit_test(test_answers_that_nobody_reads_end_the_session),
        cmocka_unit_test(test_last_answer_that_nobody_reads_ends_the_session_without_more_input),
        cmocka_unit_test(test_frames_without_use_end_the_session),
        cmocka_unit_test(test_updates_for_what_was_sent_are_of_use),
        cmocka_unit_test(test_flood_behind_the_last_words_is_not_read_for_long),
        cmocka_unit_test(test_turn_ends_with_the_frame_that_breaks_a_rule),
        cmocka_unit_test(test_small_frames_are_read_by_turns),
        cmocka_unit_test(test_fullest_stream_is_reset_when_memory_is_used_up),
    };
    return cmocka_run_group_tests_name("yamux hostile", tests, NULL, NULL);
}
