/* SPDX-License-Identifier: MIT
 *
 * A test that length-delimited-gzip compresses a blob once if there is a pool for its frame. That the
 * frames are the right ones is the codec suite's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"
#include "lib/stream.h"

/* A codec with a pool, and a blob to send through it. */
struct once {
    struct feed_codec fc;
    struct weft_blob *blob;
};

static struct once once_of(const char *query, enum content content, size_t size)
{
    struct once once = {0};
    struct weft_limits limits = weft_limits_default();
    uint8_t *data = content_new(content, size), *dst;
    assert_int_equal(
        feed_codec_init(&once.fc, &weft_codec_length_delimited_gzip, query, &limits, NULL), 0);
    once.fc.frames = weft_frame_cache_new(1 << 20);
    assert_non_null(once.fc.frames);
    once.blob = weft_blob_new(size, &dst);
    assert_non_null(once.blob);
    memcpy(dst, data, size);
    free(data);
    return once;
}

static void once_fini(struct once *once)
{
    weft_blob_unref(once->blob);
    weft_frame_cache_free(once->fc.frames);
    feed_codec_fini(&once->fc);
}

/* Returns how many of the encodes deflate, which io->heavy tells. */
static size_t deflates(const struct once *once, bool lasting, size_t times)
{
    struct weft_body body = weft_body_from_blob(once->blob);
    size_t count = 0;
    body.lasting = lasting;
    while (times-- > 0) {
        struct feed_frame frame = feed_encode(&once->fc, &body);
        assert_int_equal(frame.result, 0);
        count += frame.heavy;
        free(frame.data);
    }
    return count;
}

static void test_lasting_blob_is_compressed_once(void **state)
{
    (void)state;
    struct once once = once_of("", TEXT, 16384);
    assert_int_equal(deflates(&once, true, 10), 1);
    assert_int_equal(deflates(&once, false, 10), 0);
    once_fini(&once);
}

static void test_lasting_blob_that_does_not_shrink_is_tried_once(void **state)
{
    (void)state;
    struct once once = once_of("", RANDOM, 16384);
    assert_int_equal(deflates(&once, true, 10), 1);
    assert_int_equal(deflates(&once, false, 10), 0);
    once_fini(&once);
}

static void test_blob_that_does_not_last_is_not_kept(void **state)
{
    (void)state;
    struct once once = once_of("", TEXT, 16384);
    assert_int_equal(deflates(&once, false, 10), 10);
    assert_int_equal(weft_frame_cache_bytes(once.fc.frames), 0);
    once_fini(&once);
}

static void test_other_configuration_compresses_for_itself(void **state)
{
    (void)state;
    struct once once = once_of("", TEXT, 16384);
    assert_int_equal(deflates(&once, true, 2), 1);
    once.fc.config_id++;
    assert_int_equal(deflates(&once, true, 10), 1);
    once.fc.config_id--;
    assert_int_equal(deflates(&once, true, 10), 0);
    once_fini(&once);
}

static void test_plain_frames_take_no_place_in_the_pool(void **state)
{
    static const char *const queries[] = {"", "threshold=off"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t size = i == 0 ? 1436 : 16384;
        struct once once = once_of(queries[i], TEXT, size);
        assert_int_equal(deflates(&once, true, 2), 0);
        assert_int_equal(weft_frame_cache_bytes(once.fc.frames), 0);
        once_fini(&once);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lasting_blob_is_compressed_once),
        cmocka_unit_test(test_lasting_blob_that_does_not_shrink_is_tried_once),
        cmocka_unit_test(test_blob_that_does_not_last_is_not_kept),
        cmocka_unit_test(test_other_configuration_compresses_for_itself),
        cmocka_unit_test(test_plain_frames_take_no_place_in_the_pool),
    };
    return cmocka_run_group_tests_name("compress once", tests, NULL, NULL);
}
