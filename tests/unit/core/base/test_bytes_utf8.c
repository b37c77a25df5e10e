/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "lib/random.h"

/* RFC 3629, section 4, row by row: what each byte of a sequence may be. */
static const struct row {
    size_t length;
    uint8_t low[4], high[4];
} rows[] = {
    {1, {0x00}, {0x7F}},
    {2, {0xC2, 0x80}, {0xDF, 0xBF}},
    {3, {0xE0, 0xA0, 0x80}, {0xE0, 0xBF, 0xBF}},
    {3, {0xE1, 0x80, 0x80}, {0xEC, 0xBF, 0xBF}},
    {3, {0xED, 0x80, 0x80}, {0xED, 0x9F, 0xBF}},
    {3, {0xEE, 0x80, 0x80}, {0xEF, 0xBF, 0xBF}},
    {4, {0xF0, 0x90, 0x80, 0x80}, {0xF0, 0xBF, 0xBF, 0xBF}},
    {4, {0xF1, 0x80, 0x80, 0x80}, {0xF3, 0xBF, 0xBF, 0xBF}},
    {4, {0xF4, 0x80, 0x80, 0x80}, {0xF4, 0x8F, 0xBF, 0xBF}},
};

/* The length of the valid sequence at the beginning, by the table; 0: none. */
static size_t table_length(const uint8_t *p, size_t size)
{
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        size_t i = 0;
        while (i < rows[r].length && i < size && p[i] >= rows[r].low[i] && p[i] <= rows[r].high[i])
            i++;
        if (i == rows[r].length)
            return i;
    }
    return 0;
}

static bool table_valid(const uint8_t *p, size_t size)
{
    while (size > 0) {
        size_t n = table_length(p, size);
        if (n == 0)
            return false;
        p += n;
        size -= n;
    }
    return true;
}

static void expect_as_table(const uint8_t *p, size_t size)
{
    struct weft_view view = weft_view(p, size);
    if (weft_utf8_valid(view) != table_valid(p, size))
        fail_msg("valid differs at %02x %02x %02x %02x (%zu)", p[0], p[1], p[2], p[3], size);
    if (weft_utf8_length(view) != table_length(p, size))
        fail_msg("length differs at %02x %02x %02x %02x (%zu)", p[0], p[1], p[2], p[3], size);
}

static void test_every_two_bytes_are_as_rfc_3629(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            const uint8_t text[4] = {(uint8_t)a, (uint8_t)b};
            expect_as_table(text, 1);
            expect_as_table(text, 2);
        }
    }
}

/* Every lead and second byte; of the later ones those around each border of the table. */
static void test_three_and_four_bytes_are_as_rfc_3629(void **state)
{
    (void)state;
    static const uint8_t later[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    for (unsigned a = 0xC0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            for (size_t c = 0; c < sizeof later; c++) {
                for (size_t d = 0; d < sizeof later; d++) {
                    const uint8_t text[4] = {(uint8_t)a, (uint8_t)b, later[c], later[d]};
                    expect_as_table(text, 3);
                    expect_as_table(text, 4);
                }
            }
        }
    }
}

static size_t put_scalar(uint8_t *p, uint32_t c)
{
    if (c < 0x80) {
        p[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        p[0] = (uint8_t)(0xC0 | c >> 6);
        p[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        p[0] = (uint8_t)(0xE0 | c >> 12);
        p[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        p[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    p[0] = (uint8_t)(0xF0 | c >> 18);
    p[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    p[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    p[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

static void test_every_code_point_is_valid_unless_a_surrogate(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t text[4];
        size_t n = put_scalar(text, c);
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        if (weft_utf8_valid(weft_view(text, n)) == surrogate)
            fail_msg("U+%04X", c);
        if (weft_utf8_length(weft_view(text, n)) != (surrogate ? 0 : n))
            fail_msg("length of U+%04X", c);
    }
}

static void test_nul_and_the_empty_text_are_valid(void **state)
{
    (void)state;
    assert_true(weft_utf8_valid(weft_view("a\0b", 3)));
    assert_true(weft_utf8_valid(weft_view(NULL, 0)));
    assert_int_equal(weft_utf8_length(weft_view(NULL, 0)), 0);
}

/* A bad byte is found, and a good sequence taken, wherever it lies to the words of eight. */
static void test_position_among_ascii_does_not_matter(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                         "\x80",     "\xE2\x82",     "\xFF"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t length = strlen(pieces[i]);
        for (size_t before = 0; before < 20; before++) {
            for (size_t after = 0; after < 20; after++) {
                size_t size = before + length + after;
                uint8_t *text = malloc(size);
                assert_non_null(text);
                memset(text, 'a', size);
                memcpy(text + before, pieces[i], length);
                assert_int_equal(weft_utf8_valid(weft_view(text, size)), i < 3);
                free(text);
            }
        }
    }
}

/* Texts of whole characters with, in half of them, one byte changed; in memory of exactly their
 * size, so that a read beyond the end is seen. */
static void test_random_texts_are_as_rfc_3629(void **state)
{
    (void)state;
    struct test_random random = test_random_start(3629);
    for (int run = 0; run < 20000; run++) {
        uint8_t text[200];
        size_t size = 0;
        size_t ascii = test_random_below(&random, 100);
        while (size < sizeof text - 4 && test_random_below(&random, 60) > 0) {
            uint32_t c = (uint32_t)test_random_below(&random, 0x110000);
            if (test_random_below(&random, 100) < ascii)
                c %= 0x80;
            size += put_scalar(text + size, c >= 0xD800 && c <= 0xDFFF ? 'x' : c);
        }
        if (size > 0 && test_random_below(&random, 2))
            text[test_random_below(&random, size)] = (uint8_t)test_random_next(&random);

        uint8_t *exact = malloc(size ? size : 1);
        assert_non_null(exact);
        memcpy(exact, text, size);
        assert_int_equal(weft_utf8_valid(weft_view(exact, size)), table_valid(exact, size));
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_two_bytes_are_as_rfc_3629),
        cmocka_unit_test(test_three_and_four_bytes_are_as_rfc_3629),
        cmocka_unit_test(test_every_code_point_is_valid_unless_a_surrogate),
        cmocka_unit_test(test_nul_and_the_empty_text_are_valid),
        cmocka_unit_test(test_position_among_ascii_does_not_matter),
        cmocka_unit_test(test_random_texts_are_as_rfc_3629),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
