/* SPDX-License-Identifier: MIT
 *
 * The codec grpc with clients that send too much of something: how many frames it takes from them, and what memory. */
#include <stdlib.h>
#include <string.h>

#include "grpc_world.h"
#include "lib/fault.h"

enum { LIMIT = 100000 };

static const char path[] = "/p.S/M";

static int setup(void **state)
{
    fault_install();
    *state = grpc_world_new("max-streams=8", LIMIT, LIMIT);
    return 0;
}

static int teardown(void **state)
{
    grpc_world_free(*state);
    fault_remove();
    return 0;
}

/* The peer hears once that it should calm down, whatever the core has the codec say behind it. */
static void assert_calm(struct grpc_world *w, const char *detail)
{
    feed_eof(&w->feed);
    weft_codec_grpc.goodbye(&w->feed.state, true, &w->feed.out);
    grpc_world_hear(w);
    assert_int_equal(w->feed.ended, WEFT_ELOST);
    assert_string_equal(w->feed.detail, detail);
    assert_int_equal(w->peer.goaways, 1);
    assert_int_equal(w->peer.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* --- frames that bring nothing ------------------------------------------------------------------------ */

enum { AT_ONCE = 1000 };

struct flood {
    const char *name;
    uint8_t type, flags;
    uint32_t stream; /* 1: a call that has its answer; 3: a call whose request is open */
    size_t size;
    uint8_t payload[8];
};

static const struct flood floods[] = {
    {"SETTINGS", NGHTTP2_SETTINGS, 0, 0, 0, {0}},
    {"answers to pings that nobody sent", NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, 8, {1}},
    {"PRIORITY", NGHTTP2_PRIORITY, 0, 3, 5, {0}},
    {"frames of an unknown type", 0x16, 0, 0, 1, {0}},
    {"GOAWAY", NGHTTP2_GOAWAY, 0, 0, 8, {0}},
    {"WINDOW_UPDATE of the connection", NGHTTP2_WINDOW_UPDATE, 0, 0, 4, {0, 0, 0, 1}},
    {"WINDOW_UPDATE of a stream", NGHTTP2_WINDOW_UPDATE, 0, 3, 4, {0, 0, 0, 1}},
    {"WINDOW_UPDATE of a stream that is gone", NGHTTP2_WINDOW_UPDATE, 0, 1, 4, {0, 0, 0, 1}},
    {"empty DATA", NGHTTP2_DATA, 0, 3, 0, {0}},
    {"DATA that is padding alone", NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 3, 4, {3}},
    {"DATA of a stream that is gone", NGHTTP2_DATA, 0, 1, 1, {0}},
    {"HEADERS of a stream that is gone", NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, 1, {0x82}},
};

/* One call that was answered, and one whose request goes on. */
static void make_calls(struct grpc_world *w)
{
    uint8_t bytes[8];
    struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    assert_answered(call, "A", 0, "");
    (void)grpc_peer_ask(&w->peer, path, NULL, bytes, grpc_prefixed(bytes, "b", 1, false), true);
    grpc_world_talk(w);
}

/* Notes a GOAWAY, for a client that does not mind answers to what it has not asked. */
static void listen(struct grpc_world *w)
{
    uint8_t *bytes = feed_chain_copy(&w->feed.out);
    for (size_t at = 0; at < w->feed.out.bytes; at += 9 + (weft_load_be32(bytes + at) >> 8)) {
        if (bytes[at + 3] != NGHTTP2_GOAWAY)
            continue;
        w->peer.goaways++;
        w->peer.goaway_error = weft_load_be32(bytes + at + 13);
    }
    weft_chain_consume(&w->feed.out, w->feed.out.bytes);
    free(bytes);
}

static size_t send_flood(struct grpc_world *w, const struct flood *flood, size_t most)
{
    size_t sent = 0;
    while (w->feed.ended == 0 && sent < most) {
        grpc_world_frame(w, flood->type, flood->flags, flood->stream, flood->payload, flood->size);
        listen(w);
        sent++;
    }
    return sent;
}

static void test_frames_that_bring_nothing_end_the_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        struct grpc_world *w = grpc_world_new("max-streams=8", LIMIT, LIMIT);
        make_calls(w);
        const size_t before = fault_bytes();
        (void)send_flood(w, &floods[i], AT_ONCE / 2);
        const size_t grown = fault_bytes() - before;
        const size_t sent = AT_ONCE / 2 + send_flood(w, &floods[i], 2 * (size_t)AT_ONCE);
        if (w->feed.ended == 0 || grown > 4096)
            fail_msg("%s: %zu frames sent, grown by %zu", floods[i].name, sent, grown);
        assert_in_range(sent, AT_ONCE - 10,
                        AT_ONCE + 20); /* the calls and the beginning count, too */
        assert_calm(w, "too many frames that bring nothing");
        grpc_world_free(w);
    }
}

static void test_frames_that_bring_nothing_are_fine_in_time(void **state)
{
    struct grpc_world *w = *state;
    make_calls(w);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(send_flood(w, &floods[6], 100), 100);
        w->feed.now += (int64_t)WEFT_SECONDS(1);
    }
    assert_int_equal(w->feed.ended, 0);
    w->feed.now += (int64_t)WEFT_SECONDS(3600); /* no more than that, however long it was quiet */
    assert_in_range(send_flood(w, &floods[6], 3 * (size_t)AT_ONCE), AT_ONCE, 2 * AT_ONCE + 20);
    assert_calm(w, "too many frames that bring nothing");
}

/* A client may open its windows only when it has read all, for each frame of DATA. */
static void test_windows_that_open_late_are_no_flood(void **state)
{
    struct grpc_world *w = *state;
    enum { MESSAGES = 3000 };
    make_calls(w);
    struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "c");
    grpc_world_talk(w);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(grpc_world_answer(w, w->feed.count - 1, "message", false, NULL), 0);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(send_flood(w, &floods[5], 1), 1);
        assert_int_equal(send_flood(w, &floods[6], 1), 1);
    }
    assert_int_equal(grpc_world_answer(w, w->feed.count - 1, NULL, true, NULL), 0);
    assert_int_equal(w->feed.ended, 0);
    assert_true(call->closed);
}

/* --- resets ------------------------------------------------------------------------------------------- */

static void test_rapid_resets_end_the_connection(void **state)
{
    struct grpc_world *w = *state;
    size_t resets = 0;
    while (w->feed.ended == 0 && w->peer.count < GRPC_PEER_CALLS && w->peer.goaways == 0) {
        struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "a");
        grpc_world_talk(w);
        (void)nghttp2_submit_rst_stream(w->peer.session, 0, call->id, NGHTTP2_CANCEL);
        grpc_world_talk(w);
        if (w->feed.resets > resets)
            assert_int_equal(grpc_world_answer(w, w->feed.count - 1, NULL, true, NULL), 0);
        resets = w->feed.resets;
    }
    assert_calm(w, "too many streams that were reset");
    assert_int_equal(resets, 201);
}

static void test_resets_are_fine_in_time(void **state)
{
    struct grpc_world *w = *state;
    for (size_t i = 0; i < 400; i++) {
        struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "a");
        grpc_world_talk(w);
        (void)nghttp2_submit_rst_stream(w->peer.session, 0, call->id, NGHTTP2_CANCEL);
        grpc_world_talk(w);
        assert_int_equal(grpc_world_answer(w, i, NULL, true, NULL), 0);
        w->feed.now += (int64_t)WEFT_SECONDS(1) / 100;
    }
    assert_int_equal(w->feed.ended, 0);
    assert_int_equal(w->feed.resets, 400);
}

/* A peer can have us reset its streams, which costs the same. */
static void test_resets_for_the_mistakes_of_a_peer_count(void **state)
{
    struct grpc_world *w = *state;
    /* POST, http, / and a name in capitals, which is malformed */
    static const uint8_t block[] = {0x83, 0x86, 0x84, 0x00, 1, 'X', 1, 'y'};
    uint32_t made = 0;
    grpc_world_talk(w);
    while (w->feed.ended == 0 && made < 1000) {
        grpc_world_frame(w, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
                         2 * made + 1, block, sizeof block);
        weft_chain_consume(&w->feed.out, w->feed.out.bytes);
        made++;
        if (made == 200)
            assert_int_equal(w->feed.ended, 0);
    }
    assert_in_range(made, 201, 203);
    assert_int_equal(w->feed.ended, WEFT_ELOST);
    assert_string_equal(w->feed.detail, "too many streams that were reset");
}

/* --- headers ------------------------------------------------------------------------------------------ */

static void test_continuation_flood_ends_the_connection(void **state)
{
    struct grpc_world *w = *state;
    static const uint8_t field[] = {0, 1, 'x', 1, 'y'};
    grpc_world_talk(w);
    grpc_world_frame(w, NGHTTP2_HEADERS, 0, 1, field, sizeof field);
    assert_true(w->feed.inside);
    int sent = 0;
    while (w->feed.ended == 0 && sent++ < 1000)
        grpc_world_frame(w, NGHTTP2_CONTINUATION, 0, 1, field, sizeof field);
    assert_in_range(sent, 8, 9);
    grpc_world_hear(w);
    assert_calm(w, "Too many CONTINUATION frames following a HEADER frame");
}

/* One field of 4 KiB in HPACK's table, and then two bytes for each time it is meant. */
static void test_header_bomb_ends_the_connection(void **state)
{
    struct grpc_world *w = *state;
    uint8_t block[16000];
    size_t size = 0;
    grpc_world_talk(w);
    block[size++] = 0x40;
    block[size++] = 1;
    block[size++] = 'x';
    block[size++] = 0x7f; /* a value of 127 + 3873 bytes, plain */
    block[size++] = 0xa1;
    block[size++] = 0x1e;
    memset(block + size, 'v', 4000);
    size += 4000;
    memset(block + size, 0xbe, sizeof block - size); /* the newest entry, again and again */
    grpc_world_frame(w, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block, sizeof block);
    feed_eof(&w->feed);
    grpc_world_hear(w);
    assert_calm(w, "too many header fields");
    assert_int_equal(w->feed.count, 0);
}

/* nghttp2 skips what is told of priorities, and would let this pass. */
static void test_priority_without_a_stream_ends_the_connection(void **state)
{
    struct grpc_world *w = *state;
    static const uint8_t payload[5] = {0, 0, 0, 0, 255};
    grpc_world_talk(w);
    grpc_world_frame(w, NGHTTP2_PRIORITY, 0, 1, payload, sizeof payload);
    assert_int_equal(w->feed.ended, 0);
    grpc_world_frame(w, NGHTTP2_PRIORITY, 0, UINT32_C(1) << 31, payload, sizeof payload);
    feed_eof(&w->feed);
    grpc_world_hear(w);
    assert_int_equal(w->feed.ended, WEFT_ELOST);
    assert_string_equal(w->feed.detail, "PRIORITY without a stream");
    assert_int_equal(w->peer.goaway_error, NGHTTP2_PROTOCOL_ERROR);
}

/* --- pings -------------------------------------------------------------------------------------------- */

static void ping(struct grpc_world *w)
{
    static const uint8_t opaque[8] = {1};
    if (w->feed.ended < 0)
        return;
    (void)nghttp2_submit_ping(w->peer.session, 0, opaque);
    grpc_world_talk(w);
}

static void test_pings_too_often_end_the_connection_as_grpc_does(void **state)
{
    struct grpc_world *w = *state;
    struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    ping(w);
    for (int i = 0; i < 10; i++) { /* five minutes apart they are fine while a call is open */
        w->feed.now += (int64_t)WEFT_SECONDS(300);
        ping(w);
    }
    assert_int_equal(w->peer.ping_answers, 11);
    for (int i = 0; i < 10; i++) { /* and so they are with an answer between */
        assert_int_equal(grpc_world_answer(w, 0, "x", false, NULL), 0);
        ping(w);
        ping(w);
    }
    assert_int_equal(w->feed.ended, 0);
    assert_int_equal(grpc_world_answer(w, 0, NULL, true, NULL), 0);
    assert_true(call->closed);
    for (int i = 0; i < 4; i++) {
        w->feed.now += (int64_t)WEFT_SECONDS(301); /* without a call it is two hours */
        assert_int_equal(w->peer.goaways, 0);
        ping(w);
    }
    assert_calm(w, "too many pings");
    assert_string_equal(w->peer.goaway_words, "too_many_pings");
}

#define FLOOD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOOD_TEST(test_frames_that_bring_nothing_end_the_connection),
        FLOOD_TEST(test_frames_that_bring_nothing_are_fine_in_time),
        FLOOD_TEST(test_windows_that_open_late_are_no_flood),
        FLOOD_TEST(test_rapid_resets_end_the_connection),
        FLOOD_TEST(test_resets_are_fine_in_time),
        FLOOD_TEST(test_resets_for_the_mistakes_of_a_peer_count),
        FLOOD_TEST(test_continuation_flood_ends_the_connection),
        FLOOD_TEST(test_header_bomb_ends_the_connection),
        FLOOD_TEST(test_priority_without_a_stream_ends_the_connection),
        FLOOD_TEST(test_pings_too_often_end_the_connection_as_grpc_does),
    };
    return cmocka_run_group_tests_name("grpc floods", tests, NULL, NULL);
}
