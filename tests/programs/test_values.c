/* SPDX-License-Identifier: MIT
 *
 * Values of 16 KiB and of about 8 MiB through real kvs and kvc, where they shrink and where not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static char folder[64], file_argument[96];

static int make_folder(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(file_argument, sizeof file_argument, "file:%s/value", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

/* Bytes that gzip cannot shrink (xorshift64*), or that shrink to a hundredth. */
static void make_value(struct wire_bytes *value, size_t size, bool random)
{
    uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
    *value = (struct wire_bytes){.data = malloc(size), .size = size};
    assert_non_null(value->data);
    for (size_t i = 0; i < size; i++) {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        value->data[i] = random ? (uint8_t)(x * UINT64_C(0x2545f4914f6cdd1d) >> 56) : 'a';
    }
    FILE *file = fopen(file_argument + strlen("file:"), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(value->data, 1, size, file), size);
    fclose(file);
}

/* "hex:" and the digits, with the newline. */
static void assert_is_hex_of(const char *text, size_t length, const struct wire_bytes *value)
{
    static const char digits[] = "0123456789abcdef";
    assert_int_equal(length, 4 + 2 * value->size + 1);
    assert_memory_equal(text, "hex:", 4);
    for (size_t i = 0; i < value->size; i++) {
        if (text[4 + 2 * i] != digits[value->data[i] >> 4] ||
            text[5 + 2 * i] != digits[value->data[i] & 15])
            fail_msg("byte %zu differs", i);
    }
}

/* Stores a value under a new key and reads it back, with one more option for kvc, or NULL. */
static void round_trip(const char *url, size_t size, bool random, const char *option)
{
    static unsigned rounds;
    struct wire_bytes value;
    struct process kvc;
    char key[16];
    snprintf(key, sizeof key, "k%u", rounds++);
    make_value(&value, size, random);
    kvc_expect(url, WORDS("hset", "big", key, file_argument, option), "\n");
    assert_int_equal(kvc_run(&kvc, url, WORDS("hget", "big", key, option)), 0);
    assert_is_hex_of(kvc.out.text, kvc.out.size, &value);
    process_kill(&kvc);
    wire_free(&value);
}

/* Both codecs on one server, with one more option, or NULL. */
static void start_both(struct kvs *kvs, char raw[160], const char *option)
{
    kvs_start(kvs, WORDS("--listen", KVS_ANY_PORT, "--listen", KVS_ANY_PORT "?codec=raw", option));
    snprintf(raw, 160, "%s?codec=raw", kvs->urls[1]);
}

static void stop(struct kvs *kvs)
{
    kvs_end(kvs);
}

static void test_16_kib_in_both_codecs(void **state)
{
    (void)state;
    struct kvs kvs;
    char raw[160];
    start_both(&kvs, raw, NULL);
    round_trip(kvs.urls[0], 16 * KIB, true, NULL);
    round_trip(kvs.urls[0], 16 * KIB, false, NULL);
    round_trip(raw, 16 * KIB, true, NULL);
    stop(&kvs);
}

static void test_8_mib_with_max_frame_raised_at_both_ends(void **state)
{
    (void)state;
    struct kvs kvs;
    char raw[160];
    start_both(&kvs, raw, "--max-frame=16MiB");
    round_trip(kvs.urls[0], 8 * MIB, true, "--max-frame=16MiB");
    round_trip(kvs.urls[0], 8 * MIB, false, "--max-frame=16MiB");
    round_trip(raw, 8 * MIB, true, "--max-frame=16MiB");
    stop(&kvs);
}

static void test_8_mib_at_the_default_is_answered_413_and_naught_is_stored(void **state)
{
    (void)state;
    struct kvs kvs;
    struct wire_bytes value;
    char raw[160];
    start_both(&kvs, raw, NULL);
    make_value(&value, 8 * MIB, true);
    kvc_expect_error(kvs.urls[0], WORDS("hset", "t", "k", file_argument), 1, "kvc: 413 ");
    kvc_expect_error(kvs.urls[0], WORDS("hset", "t", "k", file_argument), 1, "max-frame");
    kvc_expect_error(raw, WORDS("hset", "t", "k", file_argument), 1, "kvc: 413 ");
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    wire_free(&value);
    stop(&kvs);
}

static void test_8_mib_less_1_kib_at_the_default_is_stored(void **state)
{
    (void)state;
    struct kvs kvs;
    char raw[160];
    start_both(&kvs, raw, NULL);
    round_trip(kvs.urls[0], 8 * MIB - KIB, true, NULL);
    round_trip(kvs.urls[0], 8 * MIB - KIB, false, NULL);
    round_trip(raw, 8 * MIB - KIB, true, NULL);
    stop(&kvs);
}

/* 8 MiB of one letter fit a frame in gzip, and are stored; raw has no frame for them. */
static void test_reply_that_fits_gzip_alone_is_413_in_raw(void **state)
{
    (void)state;
    struct kvs kvs;
    struct process kvc;
    struct wire_bytes value;
    char raw[160], gzip[160];
    start_both(&kvs, raw, NULL);
    make_value(&value, 8 * MIB, false);
    snprintf(gzip, sizeof gzip, "%s?level=1", kvs.urls[0]);
    kvc_expect(gzip, WORDS("hset", "t", "k", file_argument), "\n");
    assert_int_equal(kvc_run(&kvc, kvs.urls[0], WORDS("hget", "t", "k")), 0);
    assert_is_hex_of(kvc.out.text, kvc.out.size, &value);
    process_kill(&kvc);
    kvc_expect_error(raw, WORDS("hget", "t", "k"), 1, "kvc: 413 ");
    wire_free(&value);
    stop(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_16_kib_in_both_codecs),
        cmocka_unit_test(test_8_mib_with_max_frame_raised_at_both_ends),
        cmocka_unit_test(test_8_mib_at_the_default_is_answered_413_and_naught_is_stored),
        cmocka_unit_test(test_8_mib_less_1_kib_at_the_default_is_stored),
        cmocka_unit_test(test_reply_that_fits_gzip_alone_is_413_in_raw),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
