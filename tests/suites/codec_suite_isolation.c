/* SPDX-License-Identifier: MIT
 *
 * Connections, loops and configurations of one codec know nothing of each other. A codec that keeps
 * what belongs to a connection in the state of its loop, or in a static variable, decodes every whole
 * stream correctly; it fails only where two streams meet in the middle of a frame. */
#include "codec_suite_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 100 };

/* Good frames around one that is skipped: the frames that a codec must remember between calls. */
static struct stream *skipping_stream(const struct feed_codec *sender, size_t first)
{
    struct stream *stream = stream_new();
    stream_add_message(stream, sender, TEXT, first);
    stream_add_message(stream, sender, RANDOM, 3 * SMALL);
    stream_add_message(stream, sender, TEXT, 40);
    stream_add_message(stream, sender, RANDOM, 2 * SMALL);
    stream_add_message(stream, sender, ZEROS, 3);
    return stream;
}

static void feed_alone(struct feed *feed, const struct feed_codec *fc, const struct stream *stream)
{
    feed_init(feed, fc, WEFT_SERVER);
    feed_pieces(feed, stream_view(stream), stream->size);
    assert_whole(feed, stream->count);
}

/* One byte for a, one for b, in turns; b begins `late` bytes after a. */
static void feed_in_turns(struct feed *a, const struct stream *of_a, struct feed *b,
                          const struct stream *of_b, size_t late)
{
    for (size_t at = 0; at < of_a->size || at < of_b->size + late; at++) {
        if (at < of_a->size)
            feed_bytes(a, weft_view(of_a->data + at, 1));
        if (at >= late && at - late < of_b->size)
            feed_bytes(b, weft_view(of_b->data + at - late, 1));
    }
    feed_eof(a);
    feed_eof(b);
}

/* Two streams, each through a codec of its own (or the same), must come out as they do alone. */
static void assert_do_not_meet(const struct feed_codec *fc_a, const struct feed_codec *fc_b,
                               const struct feed_codec *sender)
{
    struct stream *of_a = skipping_stream(sender, 30), *of_b = skipping_stream(sender, 7);
    struct feed alone_a, alone_b;
    feed_alone(&alone_a, fc_a, of_a);
    feed_alone(&alone_b, fc_b, of_b);
    for (size_t late = 0; late <= of_a->size; late += 7) {
        struct feed a, b;
        feed_init(&a, fc_a, WEFT_SERVER);
        feed_init(&b, fc_b, WEFT_SERVER);
        feed_in_turns(&a, of_a, &b, of_b, late);
        assert_same(&a, &alone_a);
        assert_same(&b, &alone_b);
        feed_fini(&a);
        feed_fini(&b);
    }
    feed_fini(&alone_a);
    feed_fini(&alone_b);
    free(of_a);
    free(of_b);
}

static void test_two_connections_do_not_meet_while_a_frame_is_skipped(void **state)
{
    struct feed_codec sender = codec_of(*state, LIMIT), fc = codec_of(*state, SMALL);
    assert_do_not_meet(&fc, &fc, &sender);
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

static void test_two_loops_do_not_meet(void **state)
{
    struct feed_codec sender = codec_of(*state, LIMIT);
    struct feed_codec a = codec_of(*state, SMALL), b = codec_of(*state, SMALL);
    assert_do_not_meet(&a, &b, &sender);
    feed_codec_fini(&sender);
    feed_codec_fini(&a);
    feed_codec_fini(&b);
}

static void test_two_configurations_do_not_meet(void **state)
{
    struct feed_codec sender = codec_of(*state, LIMIT);
    struct feed_codec small = codec_of(*state, SMALL), large = codec_of(*state, LIMIT);
    assert_do_not_meet(&small, &large, &sender);
    assert_do_not_meet(&large, &small, &sender);
    feed_codec_fini(&sender);
    feed_codec_fini(&small);
    feed_codec_fini(&large);
}

/* Equal configs are merged by their bytes, and what configure was handed is gone afterwards. So a config
 * holds no address of it. */
static void test_equal_settings_make_equal_configs(void **state)
{
    const struct weft_codec_suite *suite = *state;
    struct handed {
        struct weft_limits limits;
        struct weft_error error;
    } *handed = malloc(sizeof *handed);
    assert_non_null(handed);
    *handed = (struct handed){.limits = weft_limits_default()};
    handed->limits.max_frame = handed->limits.max_message = LIMIT;
    struct feed_codec a = codec_of(suite, LIMIT), b;
    int err = feed_codec_init(&b, suite->codec, suite->query ? suite->query : "", &handed->limits,
                              &handed->error);
    assert_int_equal(err, 0);
    assert_true(memcmp(a.config, b.config, suite->codec->config_size) == 0);
    free(handed);
    feed_codec_fini(&a);
    feed_codec_fini(&b);
}

static void test_connection_that_ends_within_a_frame_leaves_nothing_to_the_next(void **state)
{
    struct feed_codec sender = codec_of(*state, LIMIT), fc = codec_of(*state, SMALL);
    struct stream *stream = skipping_stream(&sender, 30);
    struct feed alone;
    feed_alone(&alone, &fc, stream);
    for (size_t size = 0; size < stream->size; size++) {
        struct feed cut, next;
        feed_init(&cut, &fc, WEFT_SERVER);
        feed_bytes(&cut, weft_view(stream->data, size));
        feed_fini(&cut);
        feed_init(&next, &fc, WEFT_SERVER);
        feed_pieces(&next, stream_view(stream), stream->size);
        assert_same(&next, &alone);
        feed_fini(&next);
    }
    feed_fini(&alone);
    free(stream);
    feed_codec_fini(&sender);
    feed_codec_fini(&fc);
}

int codec_suite__run_isolation(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_connections_do_not_meet_while_a_frame_is_skipped),
        cmocka_unit_test(test_two_loops_do_not_meet),
        cmocka_unit_test(test_two_configurations_do_not_meet),
        cmocka_unit_test(test_equal_settings_make_equal_configs),
        cmocka_unit_test(test_connection_that_ends_within_a_frame_leaves_nothing_to_the_next),
    };
    return cmocka_run_group_tests_name(name, tests, codec_suite_setup, NULL);
}
