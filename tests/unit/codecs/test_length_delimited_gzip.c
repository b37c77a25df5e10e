/* SPDX-License-Identifier: MIT
 *
 * Tests of length-delimited-gzip's own behaviour: when it compresses, how hard, and the memory it holds.
 * test_length_delimited_gzip_contract holds what every codec must do, and test_gzip what a member is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "codecs/compress/gzip.h"
#include "delimited_fixture.h"
#include "lib/fault.h"

static const struct weft_codec *const codec = &weft_codec_length_delimited_gzip;

static bool is_compressed(const char *query, size_t size)
{
    struct feed_codec fc = codec_of(query, 8 * MIB, 32 * MIB);
    struct feed_frame frame = frame_of(&fc, size);
    assert_int_equal(frame.result, 0);
    bool gzip = frame.data[0] & 0x80;
    free(frame.data);
    feed_codec_fini(&fc);
    return gzip;
}

static void test_messages_of_more_than_threshold_are_compressed(void **state)
{
    (void)state;
    assert_false(is_compressed("", 1436));
    assert_true(is_compressed("", 1437));
    assert_false(is_compressed("threshold=5000", 5000));
    assert_true(is_compressed("threshold=5000", 5001));
    assert_false(is_compressed("threshold=4KiB", 4096));
    assert_true(is_compressed("threshold=4KiB", 4097));
    assert_true(is_compressed("threshold=0", 300));
    assert_false(is_compressed("threshold=off", MIB));
}

static void test_message_that_does_not_shrink_goes_plain(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("threshold=0&level=9", 8 * MIB, 32 * MIB);
    for (size_t size = 1; size < 5000; size += 1 + size / 2) {
        struct feed_frame frame = random_frame_of(&fc, size);
        assert_int_equal(frame.result, 0);
        assert_int_equal(frame.size, 4 + size);
        assert_int_equal(weft_load_be32(frame.data), size);
        free(frame.data);
    }
    feed_codec_fini(&fc);
}

/* From sizes at which gzip only adds to those at which it saves, one byte at a time. */
static void test_gzip_is_sent_only_where_it_is_smaller(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("threshold=0&level=9", 8 * MIB, 32 * MIB);
    size_t compressed = 0;
    for (size_t size = 1; size < 200; size++) {
        struct feed_frame frame = frame_of(&fc, size);
        bool gzip = frame.data[0] & 0x80;
        assert_true(gzip ? frame.size < 4 + size : frame.size == 4 + size);
        compressed += gzip;
        free(frame.data);
    }
    assert_in_range(compressed, 1, 198);
    feed_codec_fini(&fc);
}

static void test_wrong_options_are_refused_and_say_what_is_taken(void **state)
{
    static const char *const wrong[][2] = {
        {"threshold=-1", "BYTES or off"},   {"threshold=", "BYTES or off"},
        {"threshold=none", "BYTES or off"}, {"level=0", "1 to 9 or auto"},
        {"level=10", "1 to 9 or auto"},     {"level=best", "1 to 9 or auto"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct feed_codec fc;
        struct weft_error error;
        assert_int_equal(try_init(&fc, wrong[i][0], MIB, MIB, &error), WEFT_ECONFIG);
        assert_non_null(strstr(error.text, wrong[i][0]));
        assert_non_null(strstr(error.text, wrong[i][1]));
    }
}

static void test_max_frame_must_fit_31_bits(void **state)
{
    struct feed_codec fc;
    struct weft_error error;
    uint64_t over = UINT64_C(0x80000000);
    (void)state;
    assert_int_equal(try_init(&fc, "", over, over, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "max-frame is 2147483648, but a frame's length has 31 bits: at "
                                    "most 2147483647");
}

static void test_equal_options_give_equal_configurations(void **state)
{
    (void)state;
    struct feed_codec a = codec_of("", MIB, MIB),
                      b = codec_of("level=auto&threshold=1436", MIB, MIB);
    struct feed_codec c = codec_of("level=1", MIB, MIB);
    assert_memory_equal(a.config, b.config, codec->config_size);
    assert_memory_not_equal(a.config, c.config, codec->config_size);
    feed_codec_fini(&a);
    feed_codec_fini(&b);
    feed_codec_fini(&c);
}

/* True if both give frames of nearly one size, or plain ones, as one level does. */
static bool are_alike(const char *query_a, const char *query_b, size_t size)
{
    enum { SOME = 16 };
    struct feed_codec a = codec_of(query_a, 8 * MIB, 32 * MIB);
    struct feed_codec b = codec_of(query_b, 8 * MIB, 32 * MIB);
    struct feed_frame frame_a = frame_of(&a, size), frame_b = frame_of(&b, size);
    bool alike = frame_a.size < frame_b.size + SOME && frame_b.size < frame_a.size + SOME;
    free(frame_a.data);
    free(frame_b.data);
    feed_codec_fini(&a);
    feed_codec_fini(&b);
    return alike;
}

static void test_auto_is_the_level_of_the_size_then_plain(void **state)
{
    (void)state;
    for (size_t size = 2000; size < 8 * MIB; size *= 4) {
        char query[16];
        int level = weft__gzip_auto_level(size);
        snprintf(query, sizeof query, "level=%d", level);
        assert_true(are_alike("level=auto", level > 0 ? query : "threshold=off", size));
    }
    assert_false(are_alike("level=auto", "level=9", 100000));
    assert_false(is_compressed("level=auto", 8 * MIB));
    assert_true(is_compressed("level=1", 8 * MIB));
}

static void test_level_changes_from_frame_to_frame(void **state)
{
    static const size_t sizes[] = {60000, 100000, 60000};
    (void)state;
    struct feed_codec fc = codec_of("", 8 * MIB, 32 * MIB);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct feed_frame frame = frame_of(&fc, sizes[i]);
        assert_decodes_to_text(&fc, feed_frame_view(&frame), sizes[i]);
        free(frame.data);
    }
    feed_codec_fini(&fc);
}

static void test_message_over_max_frame_is_sent_if_it_shrinks_enough(void **state)
{
    static const char *const queries[] = {"", "threshold=1GiB", "level=9"};
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct feed_codec fc = codec_of(queries[i], 500000, MIB);
        struct feed_frame frame = frame_of(&fc, MIB);
        assert_int_equal(frame.result, 0);
        assert_true(frame.size < 500000);
        assert_decodes_to_text(&fc, feed_frame_view(&frame), MIB);
        free(frame.data);
        feed_codec_fini(&fc);
    }
}

static void test_message_that_fits_in_neither_form_is_over_max_frame(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("", 10000, MIB), off = codec_of("threshold=off", 10000, MIB);
    assert_too_big(random_frame_of(&fc, 10001), 10001, 10000, "max-frame");
    assert_too_big(frame_of(&fc, MIB), MIB, 10000, "max-frame");
    assert_too_big(frame_of(&off, 10001), 10001, 10000,
                   "max-frame (not compressed; gzip may make it fit)");
    feed_codec_fini(&fc);
    feed_codec_fini(&off);
}

static void test_message_over_max_message_is_refused_however_it_shrinks(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("", MIB, MIB);
    assert_too_big(frame_of(&fc, MIB + 1), MIB + 1, MIB, "max-message");
    feed_codec_fini(&fc);
}

static void never_write(const struct weft_body *body, uint8_t *dst)
{
    (void)body;
    (void)dst;
    fail_msg("written");
}

static void test_message_that_no_member_can_hold_is_refused_unread(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("level=1", MIB, 8192 * MIB);
    struct weft_body body = {.size = (size_t)UINT32_MAX + 1, .write = never_write};
    assert_too_big(feed_encode(&fc, &body), (size_t)UINT32_MAX + 1, MIB, "max-frame");
    feed_codec_fini(&fc);
}

/* One decode of a whole frame, straight at the slot. */
static ssize_t decode_once(const struct feed_codec *fc, struct weft_view in,
                           struct weft_message *msg)
{
    uint64_t conn[2] = {0}; /* an idle connection should cost next to nothing */
    struct weft_codec_state state = {.config = fc->config, .loop = fc->loop, .conn = conn};
    struct weft_chain out;
    struct weft_decode_io io = {.out = &out};
    assert_true(codec->conn_size <= sizeof conn);
    weft_chain_init(&out, NULL);
    *msg = (struct weft_message){.kind = WEFT_MESSAGE_NONE};
    codec->init(&state, WEFT_SERVER);
    ssize_t n = codec->decode(&state, in, msg, &io);
    weft_chain_fini(&out);
    return n;
}

static void test_bomb_is_refused_without_an_allocation(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("", MIB, MIB);
    struct weft_message msg;
    static const uint8_t bomb[4 + 18] = {0x80, 0, 0, 18, 0x1f, 0x8b, 8, [4 + 17] = 0x40};
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(decode_once(&fc, weft_view(bomb, sizeof bomb), &msg), sizeof bomb);
    assert_int_equal(fault_allocations(), 0);
    fault_disarm();
    assert_int_equal(msg.status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(msg.size, 1 << 30);
    assert_int_equal(msg.limit, MIB);
    assert_string_equal(msg.why, "max-message");
    feed_codec_fini(&fc);
}

static void test_decode_scratch_over_1_mib_goes_with_the_next_decode(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("level=1", 8 * MIB, 32 * MIB);
    struct feed_frame large = frame_of(&fc, 2 * MIB), small = frame_of(&fc, MIB);
    struct weft_message msg;
    assert_true(decode_once(&fc, feed_frame_view(&small), &msg) > 0);
    size_t with_scratch = fault_live();
    assert_true(decode_once(&fc, feed_frame_view(&large), &msg) > 0);
    assert_int_equal(msg.payload.size, 2 * MIB);
    assert_int_equal(fault_live(), with_scratch);
    assert_int_equal(decode_once(&fc, weft_view(NULL, 0), &msg), 0);
    assert_int_equal(fault_live(), with_scratch - 1);
    free(large.data);
    free(small.data);
    feed_codec_fini(&fc);
}

/* A connection that ends with its last message, as one that is refused does. */
static void test_decode_scratch_over_1_mib_goes_with_the_connection(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("level=1", 8 * MIB, 32 * MIB);
    struct feed_frame large = frame_of(&fc, 2 * MIB);
    struct weft_message msg;
    assert_true(decode_once(&fc, feed_frame_view(&large), &msg) > 0);
    size_t with_scratch = fault_live();
    codec->fini(&(struct weft_codec_state){.config = fc.config, .loop = fc.loop});
    assert_int_equal(fault_live(), with_scratch - 1);
    free(large.data);
    feed_codec_fini(&fc);
}

static void test_decode_scratch_up_to_1_mib_is_kept(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("level=1", 8 * MIB, 32 * MIB);
    struct feed_frame frame = frame_of(&fc, MIB);
    struct weft_message msg;
    assert_true(decode_once(&fc, feed_frame_view(&frame), &msg) > 0);
    fault_arm(FAULT_FROM, 0);
    assert_true(decode_once(&fc, feed_frame_view(&frame), &msg) > 0);
    assert_int_equal(msg.status, WEFT_MESSAGE_OK);
    assert_int_equal(fault_allocations(), 0);
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_encode_scratch_over_1_mib_goes_with_the_encode(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("level=1", 8 * MIB, 32 * MIB);
    struct feed_frame small = frame_of(&fc, 2000);
    size_t with_scratch = fault_live();
    struct feed_frame large = frame_of(&fc, 2 * MIB);
    assert_int_equal(fault_live(), with_scratch - 1);
    free(small.data);
    free(large.data);
    feed_codec_fini(&fc);
}

static void test_large_payload_outlives_an_encode(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("level=1", 8 * MIB, 32 * MIB);
    struct feed_frame frame = frame_of(&fc, 2 * MIB);
    uint8_t *expected = text_of(2 * MIB);
    struct weft_codec_state same_loop = {.config = fc.config, .loop = fc.loop};
    struct weft_message msg;
    struct weft_chain out;
    weft_chain_init(&out, NULL);
    assert_true(decode_once(&fc, feed_frame_view(&frame), &msg) > 0);
    struct weft_body_bytes echo = weft_body_from_view(msg.payload);
    assert_int_equal(codec->encode(&same_loop, &echo.body, &(struct weft_encode_io){.out = &out}),
                     0);
    assert_int_equal(out.bytes, frame.size);
    assert_true(weft_view_equal(msg.payload, weft_view(expected, 2 * MIB)));
    weft_chain_fini(&out);
    free(expected);
    free(frame.data);
    feed_codec_fini(&fc);
}

static void test_only_compressed_frames_are_heavy(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of("", 8 * MIB, 32 * MIB);
    for (size_t size = 1000; size <= 2000; size += 1000) {
        struct feed_frame frame = frame_of(&fc, size);
        struct weft_message msg;
        assert_true(decode_once(&fc, feed_frame_view(&frame), &msg) > 0);
        assert_int_equal(msg.heavy, size == 2000);
        assert_int_equal(frame.heavy, size == 2000);
        free(frame.data);
    }
    feed_codec_fini(&fc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_more_than_threshold_are_compressed),
        cmocka_unit_test(test_message_that_does_not_shrink_goes_plain),
        cmocka_unit_test(test_gzip_is_sent_only_where_it_is_smaller),
        cmocka_unit_test(test_wrong_options_are_refused_and_say_what_is_taken),
        cmocka_unit_test(test_max_frame_must_fit_31_bits),
        cmocka_unit_test(test_equal_options_give_equal_configurations),
        cmocka_unit_test(test_auto_is_the_level_of_the_size_then_plain),
        cmocka_unit_test(test_level_changes_from_frame_to_frame),
        cmocka_unit_test(test_message_over_max_frame_is_sent_if_it_shrinks_enough),
        cmocka_unit_test(test_message_that_fits_in_neither_form_is_over_max_frame),
        cmocka_unit_test(test_message_over_max_message_is_refused_however_it_shrinks),
        cmocka_unit_test(test_message_that_no_member_can_hold_is_refused_unread),
        FAULT_TEST(test_bomb_is_refused_without_an_allocation),
        FAULT_TEST(test_decode_scratch_over_1_mib_goes_with_the_next_decode),
        FAULT_TEST(test_decode_scratch_over_1_mib_goes_with_the_connection),
        FAULT_TEST(test_decode_scratch_up_to_1_mib_is_kept),
        FAULT_TEST(test_encode_scratch_over_1_mib_goes_with_the_encode),
        cmocka_unit_test(test_large_payload_outlives_an_encode),
        cmocka_unit_test(test_only_compressed_frames_are_heavy),
    };
    return cmocka_run_group_tests_name("length-delimited-gzip", tests, NULL, NULL);
}
