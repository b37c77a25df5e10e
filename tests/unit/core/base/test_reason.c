/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <errno.h>

#include "core/base/reason.h"

static void test_names_are_those_of_the_table(void **state)
{
    (void)state;
    assert_string_equal(weft_reason_name(WEFT_REASON_NONE), "none");
    assert_string_equal(weft_reason_name(WEFT_REASON_FRAME_TIMEOUT), "frame-timeout");
    assert_string_equal(weft_reason_text(WEFT_REASON_DRAINED), "the server drained");
}

/* Counters are indexed by the enum and named by these. */
static void test_broken_stream_says_whether_the_peer_vanished(void **state)
{
    static const int vanished[] = {-ETIMEDOUT, -EHOSTUNREACH, -EHOSTDOWN, -ENETUNREACH, -ENETDOWN};
    (void)state;
    for (size_t i = 0; i < sizeof vanished / sizeof *vanished; i++)
        assert_int_equal(weft_reason_of_stream(vanished[i]), WEFT_REASON_PEER_VANISHED);
    assert_int_equal(weft_reason_of_stream(-ECONNRESET), WEFT_REASON_PEER_RESET);
    assert_int_equal(weft_reason_of_stream(-EPIPE), WEFT_REASON_PEER_RESET);
}

static void test_every_reason_has_a_name_and_text_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < WEFT_REASON_COUNT; i++) {
        const char *name = weft_reason_name((enum weft_reason)i);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        assert_string_not_equal(name, "unknown");
        assert_string_not_equal(weft_reason_text((enum weft_reason)i), "unknown");
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, weft_reason_name((enum weft_reason)j));
    }
}

static void test_anything_else_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(weft_reason_name(WEFT_REASON_COUNT), "unknown");
    assert_string_equal(weft_reason_text(WEFT_REASON_COUNT), "unknown");
    assert_string_equal(weft_reason_name((enum weft_reason)31), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_those_of_the_table),
        cmocka_unit_test(test_broken_stream_says_whether_the_peer_vanished),
        cmocka_unit_test(test_every_reason_has_a_name_and_text_of_its_own),
        cmocka_unit_test(test_anything_else_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
