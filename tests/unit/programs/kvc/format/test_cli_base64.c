/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/format/base64.h"

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

enum { VECTORS = sizeof vectors / sizeof *vectors };

static char *printed(struct weft_view bytes)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cli_base64_print(out, bytes);
    fclose(out);
    return text;
}

static void test_vectors_of_the_rfc_are_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        char *text = printed(weft_view_str(vectors[i][0]));
        assert_string_equal(text, vectors[i][1]);
        free(text);
    }
}

static void test_vectors_of_the_rfc_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct weft_bytes bytes;
        assert_int_equal(cli_base64_read(weft_view_str(vectors[i][1]), &bytes), 0);
        assert_true(
            weft_view_equal(weft_view(bytes.data, bytes.size), weft_view_str(vectors[i][0])));
        weft_bytes_fini(&bytes);
    }
}

static void test_every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t all[256];
    struct weft_bytes bytes;
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    char *text = printed(weft_view(all, sizeof all));
    assert_int_equal(cli_base64_read(weft_view_str(text), &bytes), 0);
    assert_int_equal(bytes.size, sizeof all);
    assert_memory_equal(bytes.data, all, sizeof all);
    weft_bytes_fini(&bytes);
    free(text);
}

static void expect_malformed(const char *text)
{
    struct weft_bytes bytes = {0};
    assert_int_equal(cli_base64_read(weft_view_str(text), &bytes), WEFT_EMALFORMED);
    assert_null(bytes.data);
}

static void test_what_is_not_padded_is_malformed(void **state)
{
    (void)state;
    expect_malformed("Zg");
    expect_malformed("Zg=");
    expect_malformed("Zm9vYg=");
    expect_malformed("====");
    expect_malformed("Z===");
}

static void test_other_characters_are_malformed(void **state)
{
    (void)state;
    expect_malformed("Zg-=");
    expect_malformed("Z m9");
    expect_malformed("Zg==Zg==");
    expect_malformed("Zm9v\n\n\n\n");
}

static void test_bits_left_over_are_malformed(void **state)
{
    (void)state;
    expect_malformed("Zh==");
    expect_malformed("Zm9=");
}

static void read_with_failures(void *arg)
{
    struct weft_bytes bytes = {0};
    int err = cli_base64_read(weft_view_str(arg), &bytes);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    weft_bytes_fini(&bytes);
}

static void test_survives_every_failing_allocation(void **state)
{
    (void)state;
    char text[] = "Zm9v", none[] = "";
    fault_each(read_with_failures, text);
    fault_each(read_with_failures, none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_the_rfc_are_printed),
        cmocka_unit_test(test_vectors_of_the_rfc_are_read),
        cmocka_unit_test(test_every_byte_comes_back),
        cmocka_unit_test(test_what_is_not_padded_is_malformed),
        cmocka_unit_test(test_other_characters_are_malformed),
        cmocka_unit_test(test_bits_left_over_are_malformed),
        cmocka_unit_test(test_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
