/* SPDX-License-Identifier: MIT
 *
 * Streams whose bytes come in any pieces, on connections that do not meet, and without memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_suite_world.h"
#include "lib/fault.h"

enum { LARGE = 150, WINDOW = 100 };

static struct feed_codec codec;

/* --- bytes -------------------------------------------------------------------------------------------- */

struct bytes {
    uint8_t *data;
    size_t size;
};

static void take(struct bytes *bytes, const struct weft_codec_suite_peer *is, void *peer)
{
    const struct weft_view more = is->take(peer);
    bytes->data = realloc(bytes->data, bytes->size + more.size + 1);
    assert_non_null(bytes->data);
    if (more.size > 0)
        memcpy(bytes->data + bytes->size, more.data, more.size);
    bytes->size += more.size;
}

/* Returns what a peer sends that hears nothing: requests of all kinds, resets at different times, windows that open. The letter
 * tells it from others. */
static struct bytes session(const struct weft_codec_suite *suite, char letter)
{
    const struct weft_codec_suite_peer *is = suite->peer;
    void *peer = is->make(true);
    struct bytes bytes = {NULL, 0};
    char text[LARGE];
    memset(text, letter, sizeof text);
    const struct weft_view large = weft_view(text, sizeof text), small = weft_view(text, 3);
    const uint32_t a = is->begin(peer), b = is->begin(peer), c = is->begin(peer);
    is->say(peer, a, small);
    is->say(peer, b, large);
    take(&bytes, is, peer);
    is->end(peer, a);
    take(&bytes, is, peer);
    is->reset(peer, b);
    is->say(peer, c, large);
    take(&bytes, is, peer);
    is->open(peer, a, WINDOW);
    is->end(peer, c);
    take(&bytes, is, peer);
    is->open(peer, c, WINDOW);
    const uint32_t d = is->begin(peer);
    is->say(peer, d, weft_view(text, 0));
    is->end(peer, d);
    take(&bytes, is, peer);
    is->reset(peer, c);
    is->reset(peer, d);
    take(&bytes, is, peer);
    is->drop(peer);
    return bytes;
}

static struct weft_view view_of(const struct bytes *bytes)
{
    return weft_view(bytes->data, bytes->size);
}

static struct streams_world *echoing(bool many)
{
    struct streams_world *w = streams_open_alone(&codec, many);
    w->echoes = true;
    return w;
}

static struct streams_world *fed(const struct bytes *bytes, bool many)
{
    struct streams_world *w = echoing(many);
    feed_pieces(&w->feed, view_of(bytes), bytes->size);
    assert_int_equal(w->feed.ended, 0);
    return w;
}

static void check_splits(void **state, bool many)
{
    struct bytes bytes = session(*state, 's');
    struct streams_world *whole = fed(&bytes, many);
    assert_int_equal(whole->unended_count, 0);
    for (size_t at = 0; at <= bytes.size; at++) {
        struct streams_world *w = echoing(many);
        feed_split(&w->feed, view_of(&bytes), at);
        assert_same(&w->feed, &whole->feed);
        streams_close(w);
    }
    for (size_t piece = 1; piece <= bytes.size; piece += piece < 64 ? 1 : 61) {
        struct streams_world *w = echoing(many);
        feed_pieces(&w->feed, view_of(&bytes), piece);
        assert_same(&w->feed, &whole->feed);
        streams_close(w);
    }
    streams_close(whole);
    free(bytes.data);
}

static void test_every_split_gives_the_same_messages(void **state)
{
    check_splits(state, false);
}

static void test_every_split_gives_the_same_of_requests_with_many(void **state)
{
    if (codec.codec->want)
        check_splits(state, true);
}

/* --- connections -------------------------------------------------------------------------------------- */

static void test_two_connections_do_not_meet(void **state)
{
    struct bytes of_a = session(*state, 'a'), of_b = session(*state, 'b');
    struct streams_world *alone_a = fed(&of_a, false), *alone_b = fed(&of_b, false);
    for (size_t late = 0; late < of_a.size; late += 31) {
        struct streams_world *a = echoing(false), *b = echoing(false);
        for (size_t at = 0; at < of_a.size || at < of_b.size + late; at++) {
            if (at < of_a.size)
                feed_bytes(&a->feed, weft_view(of_a.data + at, 1));
            if (at >= late && at - late < of_b.size)
                feed_bytes(&b->feed, weft_view(of_b.data + at - late, 1));
        }
        feed_eof(&a->feed);
        feed_eof(&b->feed);
        assert_same(&a->feed, &alone_a->feed);
        assert_same(&b->feed, &alone_b->feed);
        streams_close(a);
        streams_close(b);
    }
    streams_close(alone_a);
    streams_close(alone_b);
    free(of_a.data);
    free(of_b.data);
}

static void test_backlogs_of_two_connections_do_not_meet(void **state)
{
    struct streams_world *a = streams_open(*state, &codec, true, false),
                         *b = streams_open(*state, &codec, true, false);
    const uint32_t of_a = streams_asked(a, "a"), of_b = streams_asked(b, "b");
    assert_int_equal(streams_encode(a, of_a, "for a", true, NULL), 0);
    assert_int_equal(streams_backlog(b, 0), 0);
    assert_int_equal(streams_encode(b, of_b, "for b, and longer", true, NULL), 0);
    b->is->reset(b->peer, of_b);
    streams_talk(b);
    assert_int_equal(streams_backlog(b, 0), 0);
    assert_true(streams_backlog(a, 0) > 0);
    a->is->open(a->peer, of_a, WINDOW);
    streams_talk(a);
    assert_streams_heard(a, of_a, "for a", true);
    streams_close(b);
    streams_close(a);
}

static void test_connection_that_is_cut_off_leaves_nothing_to_the_next(void **state)
{
    struct bytes bytes = session(*state, 'c');
    struct streams_world *alone = fed(&bytes, false);
    for (size_t size = 0; size < bytes.size; size += 3) {
        struct streams_world *cut = echoing(size % 2 && codec.codec->want);
        feed_bytes(&cut->feed, weft_view(bytes.data, size));
        streams_close(cut);
        struct streams_world *next = fed(&bytes, false);
        assert_same(&next->feed, &alone->feed);
        streams_close(next);
    }
    streams_close(alone);
    free(bytes.data);
}

/* --- memory ------------------------------------------------------------------------------------------- */

/* Encodes, and once more if there was no memory: the second time it works, or there is still none. */
static bool encode(struct streams_world *w, uint32_t stream, const char *text, bool last,
                   const struct weft_answer *answer)
{
    if (w->feed.ended < 0)
        return false;
    if (streams_encode(w, stream, text, last, answer) == -ENOMEM) {
        assert_true(fault_failed() > 0);
        w->feed.ended = 0;
        return streams_encode(w, stream, text, last, answer) == 0;
    }
    return true;
}

/* All that may happen to streams. A failure ends the connection, or it is as if nothing had failed. */
static void converse(struct streams_world *w, bool many)
{
    const struct weft_answer answer = {.code = 5,
                                       .words = weft_view_str("words"),
                                       .header = weft_view_str("h: 1\n"),
                                       .trailer = weft_view_str("t: 2\n")};
    char text[LARGE + 1];
    memset(text, 'l', LARGE);
    text[LARGE] = '\0';
    const uint32_t a = streams_ask(w, "a"), b = streams_ask(w, text), c = w->is->begin(w->peer),
                   d = streams_ask(w, "d");
    w->is->say(w->peer, c, weft_view_str(text));
    streams_talk(w);
    bool good = w->feed.ended == 0 && encode(w, a, text, false, &answer);
    good = good && encode(w, b, "b", true, NULL) && encode(w, d, text, true, NULL);
    if (good)
        w->is->open(w->peer, a, 50);
    w->is->end(w->peer, c);
    w->is->reset(w->peer, d);
    if (good)
        streams_talk(w);
    good = good && w->feed.ended == 0 && encode(w, a, text, true, &answer);
    good = good && encode(w, c, NULL, true, &answer);
    if (good && w->feed.codec->goodbye)
        w->feed.codec->goodbye(&w->feed.state, false, &w->feed.out);
    w->is->open(w->peer, a, (size_t)4 * LARGE);
    w->is->open(w->peer, b, LARGE);
    w->is->open(w->peer, c, LARGE);
    if (good)
        streams_talk(w);
    if (good && w->feed.ended == 0) {
        /* Whatever has failed, what the peer heard is whole. */
        struct weft_view message;
        assert_true(w->is->ended(w->peer, a));
        for (size_t i = 0; i < 2; i++) {
            assert_true(w->is->message(w->peer, a, i, &message));
            assert_int_equal(message.size, LARGE);
        }
        assert_streams_heard(w, b, "b", true);
        assert_streams_heard(w, c, "", true);
        assert_streams_came(w, d, many ? "HEAD d END" : "DATA:d");
    }
    if (w->feed.codec->goodbye)
        w->feed.codec->goodbye(&w->feed.state, true, &w->feed.out);
}

static void serve(const struct weft_codec_suite *suite, bool many)
{
    struct feed_codec fc;
    const int err = codec_try_init(&fc, suite, ROOM);
    if (err < 0) {
        assert_int_equal(err, -ENOMEM);
        assert_true(fault_failed() > 0);
        return;
    }
    struct streams_world *w = streams_open(suite, &fc, true, many);
    w->sinking = true;
    converse(w, many);
    if (fault_failed() == 0)
        assert_int_equal(w->feed.ended, 0);
    else if (w->feed.ended < 0)
        assert_int_equal(w->feed.ended, -ENOMEM);
    streams_close(w);
    feed_codec_fini(&fc);
}

static void serve_one(void *suite)
{
    serve(suite, false);
}

static void serve_many(void *suite)
{
    serve(suite, true);
}

static void test_every_allocation_may_fail(void **state)
{
    fault_each(serve_one, *state);
}

static void test_every_allocation_for_requests_with_many_may_fail(void **state)
{
    if (codec.codec->want)
        fault_each(serve_many, *state);
}

/* --- what is over ------------------------------------------------------------------------------------- */

/* One request that is reset, one that is answered, and one whose messages nobody asks for. */
static void round_of(struct streams_world *w)
{
    const uint32_t a = streams_asked(w, "a"), b = streams_asked(w, "b"), c = streams_asked(w, "c");
    w->is->reset(w->peer, a);
    streams_talk(w);
    assert_int_equal(streams_encode(w, a, "A", true, NULL), 0);
    assert_int_equal(streams_encode(w, b, "B", true, NULL), 0);
    assert_int_equal(streams_encode(w, c, "C", false, NULL), 0);
    w->is->reset(w->peer, c);
    streams_talk(w);
    assert_int_equal(streams_encode(w, c, NULL, true, NULL), 0);
    streams_talk(w);
}

static void test_streams_that_are_over_hold_no_memory(void **state)
{
    struct feed_codec fc = streams_codec(*state);
    struct streams_world *w = streams_open(*state, &fc, false, codec.codec->want);
    w->feed.lazy = true;
    for (size_t i = 0; i < 5; i++)
        round_of(w);
    const size_t live = fault_live();
    for (size_t i = 0; i < 5; i++)
        round_of(w);
    assert_true(fault_live() <= live);
    streams_close(w);
    feed_codec_fini(&fc);
}

static int setup(void **state)
{
    (void)codec_suite_setup(state);
    codec = streams_codec(*state);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    feed_codec_fini(&codec);
    return 0;
}

int codec_suite__run_streams_hostile(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split_gives_the_same_messages),
        cmocka_unit_test(test_every_split_gives_the_same_of_requests_with_many),
        cmocka_unit_test(test_two_connections_do_not_meet),
        cmocka_unit_test(test_backlogs_of_two_connections_do_not_meet),
        cmocka_unit_test(test_connection_that_is_cut_off_leaves_nothing_to_the_next),
        FAULT_TEST(test_streams_that_are_over_hold_no_memory),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_allocation_for_requests_with_many_may_fail),
    };
    return cmocka_run_group_tests_name(name, tests, setup, teardown);
}
