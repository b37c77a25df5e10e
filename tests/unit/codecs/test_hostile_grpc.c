/* SPDX-License-Identifier: MIT
 *
 * The codec grpc with clients that do not behave, with windows that stay shut, and without memory. Floods are in
 * test_grpc_floods.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grpc_world.h"
#include "lib/fault.h"

enum { LIMIT = 100000, SHUT = 1 };

static const char path[] = "/p.S/M";

static int setup(void **state)
{
    *state = grpc_world_new("max-streams=8", LIMIT, LIMIT);
    return 0;
}

/* A client whose windows the test opens. */
static int setup_shut(void **state)
{
    *state = grpc_world_of("max-streams=8&threshold=off", LIMIT, LIMIT, SHUT, false);
    return 0;
}

static int teardown(void **state)
{
    grpc_world_free(*state);
    return 0;
}

static size_t backlog(struct grpc_world *w, uint32_t stream)
{
    return weft_codec_grpc.backlog(&w->feed.state, stream);
}

static void open_window(struct grpc_world *w, int32_t id, int32_t size)
{
    assert_int_equal(nghttp2_submit_window_update(w->peer.session, NGHTTP2_FLAG_NONE, id, size), 0);
    grpc_world_talk(w);
}

static void test_closed_windows_make_a_backlog(void **state)
{
    struct grpc_world *w = *state;
    char text[3001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct grpc_peer_call *a = grpc_peer_say(&w->peer, path, "a");
    struct grpc_peer_call *b = grpc_peer_say(&w->peer, path, "b");
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer(w, 0, text, false, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 0, "end", true, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 1, "b", true, NULL), 0);
    assert_int_equal(backlog(w, 1), 5 + 3000 + 5 + 3 - SHUT);
    assert_int_equal(backlog(w, 3), 5 + 1 - SHUT);
    assert_int_equal(backlog(w, 0), 3012 + 5);
    assert_int_equal(backlog(w, 5), 0);
    open_window(w, b->id, 100);
    assert_answered(b, "b", 0, "");
    for (int i = 0; i < 3012; i += 7)
        open_window(w, a->id, 7);
    assert_int_equal(backlog(w, 0), 0);
    assert_true(a->closed);
    size_t size;
    bool compressed;
    const uint8_t *message = grpc_peer_message(a, 0, &size, &compressed);
    assert_int_equal(size, 3000);
    assert_memory_equal(message, text, 3000);
    assert_memory_equal(grpc_peer_message(a, 1, &size, &compressed), "end", 3);
}

static void test_reset_is_told_and_drops_the_backlog(void **state)
{
    struct grpc_world *w = *state;
    struct grpc_peer_call *a = grpc_peer_say(&w->peer, path, "a");
    struct grpc_peer_call *b = grpc_peer_say(&w->peer, path, "b");
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer(w, 0, "never read", false, NULL), 0);
    assert_true(backlog(w, 0) > 0);
    (void)nghttp2_submit_rst_stream(w->peer.session, 0, a->id, NGHTTP2_CANCEL);
    grpc_world_talk(w);
    assert_int_equal(w->feed.resets, 1);
    assert_int_equal(backlog(w, 0), 0);
    assert_int_equal(grpc_world_answer(w, 0, "more", false, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 0, NULL, true, NULL), 0);
    /* An answer that is over is not reported. */
    assert_int_equal(grpc_world_answer(w, 1, "b", true, NULL), 0);
    (void)nghttp2_submit_rst_stream(w->peer.session, 0, b->id, NGHTTP2_CANCEL);
    grpc_world_talk(w);
    assert_int_equal(w->feed.resets, 1);
    assert_int_equal(backlog(w, 0), 0);
}

/* A frame of SETTINGS opens all windows, and resets each stream whose window is too large then (RFC 9113, 6.9.2). */
static void test_each_stream_that_one_frame_resets_is_told(void **state)
{
    enum { CALLS = 3 };
    static const uint8_t wide[4] = {0x7f, 0xff, 0, 0}, settings[6] = {0, 4, 0, 2, 0, 0};
    struct grpc_world *w = *state;
    for (uint32_t i = 0; i < CALLS; i++)
        (void)grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    for (uint32_t i = 0; i + 1 < CALLS; i++)
        grpc_world_frame(w, NGHTTP2_WINDOW_UPDATE, 0, w->feed.messages[i].stream, wide, 4);
    grpc_world_frame(w, NGHTTP2_SETTINGS, 0, 0, settings, sizeof settings);
    assert_int_equal(w->feed.ended, 0);
    assert_int_equal(w->feed.resets, CALLS - 1);
}

static void test_views_outlive_a_reset_that_comes_with_the_answer(void **state)
{
    struct grpc_world *w = *state;
    (void)grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    /* The stream ends while its request is current: it lives until the next decode. */
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    (void)grpc_peer_say(&w->peer, path, "b");
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 2);
}

static void test_streams_over_the_limit_are_refused(void **state)
{
    struct grpc_world *w = *state;
    uint8_t bytes[8];
    struct grpc_peer_call *calls[12];
    /* Its SETTINGS are not acknowledged yet, so the client does not know the limit. */
    for (size_t i = 0; i < 12; i++)
        calls[i] =
            grpc_peer_ask(&w->peer, path, NULL, bytes, grpc_prefixed(bytes, "a", 1, false), false);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 8);
    assert_int_equal(calls[8]->error, NGHTTP2_REFUSED_STREAM);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(grpc_world_answer(w, i, "A", true, NULL), 0);
    assert_answered(calls[7], "A", 0, "");
}

static void test_header_over_the_limit_is_refused(void **state)
{
    struct grpc_world *w = *state;
    char value[9001];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    const struct grpc_peer_field fields[] = {{"a", value}, {"b", value}, {NULL, NULL}};
    uint8_t bytes[8];
    struct grpc_peer_call *call =
        grpc_peer_ask(&w->peer, path, fields, bytes, grpc_prefixed(bytes, "a", 1, false), false);
    grpc_world_talk(w);
    assert_answered(call, "", 8, "the header fields are over max-head");
    struct grpc_peer_call *good = grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    assert_answered(good, "A", 0, "");
}

static void test_drain_says_two_goodbyes(void **state)
{
    struct grpc_world *w = *state;
    struct grpc_peer_call *a = grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    weft_codec_grpc.goodbye(&w->feed.state, false, &w->feed.out);
    assert_int_equal(backlog(w, 0), 1);
    grpc_world_hear(w);
    assert_int_equal(w->peer.goaways, 1);
    assert_int_equal(w->peer.goaway_last, INT32_MAX);
    grpc_world_talk(w);
    assert_int_equal(backlog(w, 0), 0);
    assert_int_equal(w->peer.goaways, 2);
    assert_int_equal(w->peer.goaway_last, a->id);
    assert_int_equal(w->feed.ended, 0);
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    assert_answered(a, "A", 0, "");
    weft_codec_grpc.goodbye(&w->feed.state, true, &w->feed.out);
    assert_int_equal(w->feed.out.bytes, 0);
}

static void test_connection_turned_away_hears_goodbye(void **state)
{
    struct grpc_world *w = *state;
    weft_codec_grpc.goodbye(&w->feed.state, false, &w->feed.out);
    assert_int_equal(w->feed.out.bytes, 0);
    weft_codec_grpc.goodbye(&w->feed.state, true, &w->feed.out);
    grpc_peer_make(&w->peer);
    grpc_world_hear(w);
    assert_int_equal(w->peer.goaways, 1);
    assert_int_equal(w->peer.goaway_last, 0);
    assert_int_equal(w->peer.goaway_error, 0);
    assert_false(w->peer.broken);
}

/* It is told in HTTP/1.1 that this is no server of that, and frames behind those words would only garble them. */
static void test_goodbye_to_another_protocol_is_silent(void **state)
{
    struct grpc_world *w = *state;
    feed_bytes(&w->feed, weft_view_str("GET / HTTP/1.1\r\n"));
    assert_int_equal(w->feed.ended, WEFT_EFOREIGN);
    size_t said = w->feed.out.bytes;
    assert_true(said > 0);
    weft_codec_grpc.goodbye(&w->feed.state, true, &w->feed.out);
    assert_int_equal(w->feed.out.bytes, said);
}

static void test_goodbye_of_the_client_ends_in_order(void **state)
{
    struct grpc_world *w = *state;
    struct grpc_peer_call *a = grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    (void)nghttp2_submit_goaway(w->peer.session, 0, 0, NGHTTP2_NO_ERROR, NULL, 0);
    grpc_world_talk(w);
    assert_int_equal(w->feed.ended, 0);
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    feed_eof(&w->feed);
    assert_int_equal(w->feed.ended, WEFT_EOVER);
    assert_true(a->closed);
}

static void test_other_protocols_are_foreign(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET / HTTP/1.1\r\n", "PRI * HTTP/1.0\r\n", "*1\r\n$4\r\n",
                                        "x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct grpc_world *w = grpc_world_new("", LIMIT, LIMIT);
        feed_bytes(&w->feed, weft_view_str(texts[i]));
        assert_int_equal(w->feed.ended, WEFT_EFOREIGN);
        grpc_world_free(w);
    }
}

static void test_frame_over_the_limit_ends_the_connection(void **state)
{
    struct grpc_world *w = *state;
    uint8_t header[9] = {0x00, 0x40, 0x01, NGHTTP2_DATA, 0, 0, 0, 0, 1};
    (void)grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    feed_bytes(&w->feed, weft_view(header, sizeof header));
    feed_eof(&w->feed);
    assert_int_equal(w->feed.ended, WEFT_ELOST);
    assert_int_equal(w->feed.count, 1);
}

/* --- every split, every failing allocation ------------------------------------------------------- */

/* Returns the bytes of a client that makes three requests, one of which it resets. */
static uint8_t *session_bytes(size_t *size)
{
    struct grpc_peer *peer = calloc(1, sizeof *peer);
    uint8_t body[600] = {0}, request[700];
    const struct grpc_peer_field fields[] = {
        {"authorization", "Basic x"}, {"grpc-timeout", "1S"}, {NULL, NULL}};
    assert_non_null(peer);
    grpc_peer_init(peer, 0, true);
    (void)grpc_peer_say(peer, path, "a");
    struct grpc_peer_call *open = grpc_peer_ask(peer, path, NULL, body, 3, true);
    (void)grpc_peer_ask(peer, "/p.S/N", fields, request,
                        grpc_prefixed(request, body, sizeof body, false), false);
    grpc_peer_make(peer);
    (void)nghttp2_submit_rst_stream(peer->session, 0, open->id, NGHTTP2_CANCEL);
    (void)grpc_peer_say(peer, path, "last");
    grpc_peer_make(peer);
    uint8_t *bytes = malloc(peer->out_size);
    assert_non_null(bytes);
    memcpy(bytes, peer->out, peer->out_size);
    *size = peer->out_size;
    grpc_peer_fini(peer);
    free(peer);
    return bytes;
}

static void test_decode_resumes_at_every_split(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    struct feed whole;
    size_t size;
    uint8_t *bytes = session_bytes(&size);
    assert_int_equal(feed_codec_init(&fc, &weft_codec_grpc, "", &limits, NULL), 0);
    feed_init(&whole, &fc, WEFT_SERVER);
    feed_pieces(&whole, weft_view(bytes, size), size);
    assert_null(whole.broken_rule);
    assert_int_equal(whole.count, 3);
    assert_int_equal(whole.messages[1].size, 600);
    assert_int_equal(whole.messages[1].deadline, 1000000000);
    for (size_t at = 0; at <= size; at++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_split(&feed, weft_view(bytes, size), at);
        assert_null(feed_difference(&feed, &whole));
        feed_fini(&feed);
    }
    for (size_t piece = 1; piece < 64; piece++) {
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_pieces(&feed, weft_view(bytes, size), piece);
        assert_null(feed_difference(&feed, &whole));
        feed_fini(&feed);
    }
    feed_fini(&whole);
    feed_codec_fini(&fc);
    free(bytes);
}

/* Requests, answers of each kind, a goodbye. A failure ends the connection, or it is as if nothing had failed. */
static void serve(void *arg)
{
    (void)arg;
    struct grpc_world *w = grpc_world_of("threshold=100", LIMIT, LIMIT, 2000, false);
    const struct weft_answer answer = {
        .code = 5, .words = weft_view_str("w"), .trailer = weft_view_str("t: 1\n")};
    const struct grpc_peer_field fields[] = {
        {"grpc-accept-encoding", "gzip"}, {"x", "a value that is long enough"}, {NULL, NULL}};
    static char text[3000];
    uint8_t bytes[3100];
    memset(text, 't', sizeof text - 1);
    (void)grpc_peer_say(&w->peer, path, "a");
    (void)grpc_peer_say(&w->peer, path, "b");
    struct grpc_peer_call *c = grpc_peer_ask(&w->peer, path, fields, bytes,
                                             grpc_prefixed(bytes, text, sizeof text, false), false);
    grpc_world_talk(w);
    bool alive = w->feed.ended == 0 && w->feed.count == 3;
    alive = alive && grpc_world_answer(w, 0, text, true, NULL) == 0;
    alive = alive && grpc_world_answer(w, 1, "B", true, &answer) == 0;
    alive = alive && grpc_world_answer(w, 2, text, true, NULL) == 0;
    if (alive)
        weft_codec_grpc.goodbye(&w->feed.state, false, &w->feed.out);
    grpc_world_talk(w);
    if (fault_failed() == 0) {
        assert_true(alive);
        assert_true(c->closed);
        assert_string_equal(c->coding, "gzip");
    } else if (w->feed.ended < 0) {
        assert_int_equal(w->feed.ended, -ENOMEM);
    }
    grpc_world_free(w);
}

static void test_every_failing_allocation_ends_the_connection_or_nothing(void **state)
{
    (void)state;
    fault_each(serve, NULL);
}

#define GRPC_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define GRPC_SHUT(test) cmocka_unit_test_setup_teardown(test, setup_shut, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GRPC_SHUT(test_closed_windows_make_a_backlog),
        GRPC_SHUT(test_reset_is_told_and_drops_the_backlog),
        GRPC_TEST(test_each_stream_that_one_frame_resets_is_told),
        GRPC_TEST(test_views_outlive_a_reset_that_comes_with_the_answer),
        GRPC_TEST(test_streams_over_the_limit_are_refused),
        GRPC_TEST(test_header_over_the_limit_is_refused),
        GRPC_TEST(test_drain_says_two_goodbyes),
        GRPC_TEST(test_connection_turned_away_hears_goodbye),
        GRPC_TEST(test_goodbye_to_another_protocol_is_silent),
        GRPC_TEST(test_goodbye_of_the_client_ends_in_order),
        cmocka_unit_test(test_other_protocols_are_foreign),
        GRPC_TEST(test_frame_over_the_limit_ends_the_connection),
        cmocka_unit_test(test_decode_resumes_at_every_split),
        FAULT_TEST(test_every_failing_allocation_ends_the_connection_or_nothing),
    };
    return cmocka_run_group_tests_name("hostile grpc", tests, NULL, NULL);
}
