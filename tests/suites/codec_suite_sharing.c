/* SPDX-License-Identifier: MIT
 *
 * The slots probe and finish: they let codecs share an address, and frame replies by the requests that
 * they answer. A codec that has neither passes. */
#include "codec_suite_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "lib/random.h"

/* The first bytes of peers of many kinds. */
static const struct weft_view beginnings[] = {
#define BYTES(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    BYTES("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    BYTES("POST /v1/batch HTTP/1.0\r\n\r\n"),
    BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    BYTES("*1\r\n$4\r\nPING\r\n"),
    BYTES("PING\r\n"),
    BYTES("hget t k\n"),
    BYTES("\n"),
    BYTES("\r\n"),
    BYTES("SSH-2.0-OpenSSH_9.2\r\n"),
    BYTES("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
    BYTES("\0\0\0\x05hello"),
    BYTES("\x80\0\0\x20\x1f\x8b\x08\0"),
    BYTES("\x7f\xff\xff\xff"),
    BYTES("\xff\xff\xff\xff"),
    BYTES("\x05hello"),
    BYTES("5:hello,"),
#undef BYTES
};

enum { BEGINNINGS = sizeof beginnings / sizeof *beginnings, RANDOM_BEGINNINGS = 2000 };

/* Asks about a copy that ends where memory ends, and asks twice. */
static enum weft_probe ask(const struct feed_codec *fc, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    enum weft_probe answer = fc->codec->probe(fc->config, weft_view(copy, size));
    assert_int_equal(fc->codec->probe(fc->config, weft_view(copy, size)), answer);
    free(copy);
    return answer;
}

static void assert_answers_are_final(const struct feed_codec *fc, const uint8_t *bytes, size_t size)
{
    enum weft_probe before = WEFT_PROBE_MORE;
    for (size_t n = 1; n <= size; n++) {
        enum weft_probe answer = ask(fc, bytes, n);
        assert_true(answer == WEFT_PROBE_NO || answer == WEFT_PROBE_MORE ||
                    answer == WEFT_PROBE_YES);
        if (before != WEFT_PROBE_MORE)
            assert_int_equal(answer, before);
        before = answer;
    }
}

static void test_answer_of_a_probe_is_final(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (size_t i = 0; i < BEGINNINGS; i++)
        assert_answers_are_final(&fc, beginnings[i].data, beginnings[i].size);
    struct test_random random = test_random_start(1);
    for (size_t i = 0; i < RANDOM_BEGINNINGS; i++) {
        uint8_t bytes[WEFT_PROBE_MAX];
        /* Each begins with one of those above, cut somewhere. */
        struct weft_view from = beginnings[i % BEGINNINGS];
        size_t kept = test_random_below(&random, from.size + 1);
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = k < kept ? from.data[k] : (uint8_t)test_random_next(&random);
        assert_answers_are_final(&fc, bytes, sizeof bytes);
    }
    feed_codec_fini(&fc);
}

/* True if the frame is a request as well. In some protocols replies look different. */
static bool is_request(const struct feed_codec *fc, const struct feed_frame *frame)
{
    struct feed feed;
    feed_init(&feed, fc, WEFT_SERVER);
    feed_bytes(&feed, feed_frame_view(frame));
    bool is = feed.count == 1 && feed.messages[0].status == WEFT_MESSAGE_OK;
    feed_fini(&feed);
    return is;
}

/* However little of it has come, and whatever it holds. */
static void test_probe_claims_every_request_that_encode_makes(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    for (size_t size = 0; size < LIMIT / 2; size = size < 70 ? size + 1 : size * 2) {
        for (enum content content = ZEROS; content < CONTENTS; content++) {
            struct feed_frame frame = good_frame(&fc, content, size);
            if (!is_request(&fc, &frame)) {
                free(frame.data);
                continue;
            }
            size_t most = frame.size < WEFT_PROBE_MAX ? frame.size : WEFT_PROBE_MAX;
            for (size_t n = 1; n < most; n++)
                assert_int_not_equal(ask(&fc, frame.data, n), WEFT_PROBE_NO);
            assert_int_equal(ask(&fc, frame.data, most), WEFT_PROBE_YES);
            free(frame.data);
        }
    }
    feed_codec_fini(&fc);
}

/* A peer that is not the codec's own has to be left to another. */
static void test_probe_leaves_some_peers_to_others(void **state)
{
    struct feed_codec fc = codec_of(*state, LIMIT);
    size_t left = 0;
    for (size_t i = 0; i < BEGINNINGS; i++)
        left += ask(&fc, beginnings[i].data, beginnings[i].size) == WEFT_PROBE_NO;
    assert_true(left > 0);
    feed_codec_fini(&fc);
}

/* A streamed answer of two messages, as far as memory lets it, whose end is finish. */
static void stream_an_answer(void *arg)
{
    struct feed_codec fc;
    int err = codec_try_init(&fc, arg, ROOM);
    if (err < 0) {
        assert_true(err == -ENOMEM && fault_failed() > 0);
        return;
    }
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    struct weft_chain out;
    weft_chain_init(&out, NULL);
    struct weft_body_bytes body = weft_body_from_view(weft_view_str("part"));
    for (int i = 0; i < 3 && err == 0; i++) {
        size_t before = out.bytes;
        struct weft_encode_io io = {.out = &out, .last = i == 2};
        err = i < 2 ? fc.codec->encode(&feed.state, &body.body, &io)
                    : fc.codec->finish(&feed.state, &io);
        assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
        if (err < 0)
            assert_int_equal(out.bytes, before);
    }
    weft_chain_fini(&out);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_every_allocation_of_a_streamed_answer_may_fail(void **state)
{
    fault_each(stream_an_answer, *state);
}

int codec_suite__run_sharing(const struct weft_codec_suite *suite, const char *name)
{
    const struct CMUnitTest probing[] = {
        cmocka_unit_test(test_answer_of_a_probe_is_final),
        cmocka_unit_test(test_probe_claims_every_request_that_encode_makes),
        cmocka_unit_test(test_probe_leaves_some_peers_to_others),
    };
    const struct CMUnitTest finishing[] = {
        cmocka_unit_test(test_every_allocation_of_a_streamed_answer_may_fail),
    };
    int failed = 0;
    if (suite->codec->probe)
        failed += cmocka_run_group_tests_name(name, probing, codec_suite_setup, NULL);
    if (suite->codec->finish)
        failed += cmocka_run_group_tests_name(name, finishing, codec_suite_setup, NULL);
    return failed;
}
