/* SPDX-License-Identifier: MIT
 *
 * Frames of blobs, and the pool that keeps them. */
#include "codec_suite_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/fault.h"

enum { BUDGET = 1 << 20 };

/* A codec with a pool, or without. */
static int try_init(struct feed_codec *fc, const struct weft_codec_suite *suite, size_t limit,
                    size_t budget)
{
    int err = codec_try_init(fc, suite, limit);
    if (err == 0 && budget > 0)
        fc->frames = weft_frame_cache_new(budget);
    return err;
}

static void fini(struct feed_codec *fc)
{
    weft_frame_cache_free(fc->frames);
    feed_codec_fini(fc);
}

static struct feed_frame frame_of(const struct feed_codec *fc, struct weft_blob *blob, bool lasting,
                                  enum content content)
{
    struct weft_body body = weft_body_from_blob(blob);
    body.lasting = lasting;
    struct feed_frame frame = feed_encode(fc, &body);
    assert_null(frame.broken_rule);
    codec_suite_as_request(&frame, content, body.size);
    return frame;
}

/* A header, a payload or a trailer that goes beyond what was reserved for it would leave the piece. */
static void test_encode_writes_no_more_than_it_reserved(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 200, 1500};
    struct feed_codec fc;
    assert_int_equal(try_init(&fc, *state, LIMIT, 0), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        uint8_t *message = message_of(TEXT, &size);
        struct weft_body_bytes bytes = weft_body_from_view(weft_view(message, size));
        for (size_t room = 0; room < size + 40; room++) {
            struct feed_frame frame = feed_encode_within(&fc, &bytes.body, room);
            assert_null(frame.broken_rule);
            assert_int_equal(frame.result, 0);
            codec_suite_as_request(&frame, TEXT, sizes[i]);
            assert_stands_for(&fc, &frame, TEXT, sizes[i]);
            free(frame.data);
        }
        free(message);
    }
    fini(&fc);
}

/* A message, and the frame that it has without a cache. */
struct expected {
    enum content content;
    size_t size;
    struct feed_frame frame;
};

static void assert_frame(const struct feed_codec *fc, struct weft_blob *blob, bool lasting,
                         const struct expected *expected)
{
    struct feed_frame frame = frame_of(fc, blob, lasting, expected->content);
    assert_int_equal(frame.result, expected->frame.result);
    assert_int_equal(frame.announced, expected->frame.announced);
    assert_int_equal(frame.limit, expected->frame.limit);
    if (frame.result == 0)
        assert_stands_for(fc, &frame, expected->content, expected->size);
    free(frame.data);
}

/* The first time it is made, the second it may be found; for a third configuration it may be made
 * again, and for a blob that ends it may be found but is not kept. */
static void assert_good_frames(const struct weft_codec_suite *suite, size_t limit,
                               enum content content, size_t size)
{
    struct feed_codec fresh, pooled;
    assert_int_equal(try_init(&fresh, suite, limit, 0), 0);
    assert_int_equal(try_init(&pooled, suite, limit, BUDGET), 0);
    struct weft_blob *blob = blob_of(content, size), *passing = blob_of(content, size);
    const struct expected expected = {content, size, frame_of(&fresh, blob, false, content)};
    for (int i = 0; i < 3; i++)
        assert_frame(&pooled, blob, true, &expected);
    assert_frame(&pooled, blob, false, &expected);
    pooled.config_id++;
    for (int i = 0; i < 2; i++)
        assert_frame(&pooled, blob, true, &expected);
    size_t kept = weft_frame_cache_bytes(pooled.frames);
    assert_frame(&pooled, passing, false, &expected);
    assert_int_equal(weft_frame_cache_bytes(pooled.frames), kept);
    weft_blob_unref(blob);
    weft_blob_unref(passing);
    assert_int_equal(weft_frame_cache_bytes(pooled.frames), 0);
    free(expected.frame.data);
    fini(&pooled);
    fini(&fresh);
}

static void test_kept_frame_stands_for_its_message(void **state)
{
    static const size_t sizes[] = {0, 1, 20, 100, 1436, 1437, 5000, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (enum content content = ZEROS; content < CONTENTS; content++)
            assert_good_frames(*state, STREAM_ROOM / 2, content, sizes[i]);
}

static void test_encode_with_a_pool_keeps_the_limits(void **state)
{
    for (enum content content = ZEROS; content < CONTENTS; content++)
        for (size_t size = LIMIT - 1; size <= LIMIT + 1; size++)
            assert_good_frames(*state, LIMIT, content, size);
}

static void encode_thrice(void *arg)
{
    struct feed_codec fc;
    if (try_init(&fc, arg, STREAM_ROOM, BUDGET) < 0)
        return;
    struct weft_blob *blob = blob_of(TEXT, 3000);
    for (int i = 0; blob && i < 3; i++) {
        struct feed_frame frame = frame_of(&fc, blob, true, TEXT);
        assert_true(frame.result == 0 || (frame.result == -ENOMEM && fault_failed() > 0));
        free(frame.data);
    }
    weft_blob_unref(blob);
    fini(&fc);
}

static void test_every_allocation_beside_a_pool_may_fail(void **state)
{
    fault_each(encode_thrice, *state);
}

int codec_suite__run_frames(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_writes_no_more_than_it_reserved),
        cmocka_unit_test(test_kept_frame_stands_for_its_message),
        cmocka_unit_test(test_encode_with_a_pool_keeps_the_limits),
        cmocka_unit_test(test_every_allocation_beside_a_pool_may_fail),
    };
    return cmocka_run_group_tests_name(name, tests, codec_suite_setup, NULL);
}
