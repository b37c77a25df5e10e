/* SPDX-License-Identifier: MIT
 *
 * Many requests in flight on one connection of a real kvs: replies keep the order of the requests,
 * whatever each of them takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire_assert.h"

/* Starts kvs with one endpoint, connects. */
static int start(struct kvs *kvs, const char *listen)
{
    kvs_start(kvs, WORDS("--listen", listen));
    int fd = wire_open(kvs->urls[0]);
    return fd;
}

static void stop(struct kvs *kvs, int fd)
{
    close(fd);
    kvs_end(kvs);
}

/* hset of "t", "k" to the integer n (< 128), as a frame; returns its size. */
static size_t put_hset(uint8_t *frame, uint8_t n)
{
    const uint8_t bytes[] = {0,    0, 0,    14, 0x22, 12,   0x0a, 1,    't',
                             0x12, 7, 0x0a, 1,  'k',  0x12, 2,    0x18, n};
    memcpy(frame, bytes, sizeof bytes);
    return sizeof bytes;
}

/* Each hset answers the value that the one before it stored. */
static void run_commands_in_order(const char *listen, bool gzip)
{
    enum { COUNT = 100 };
    struct kvs kvs;
    uint8_t frames[COUNT * 32];
    size_t size = 0;
    int fd = start(&kvs, listen);
    for (uint8_t i = 0; i < COUNT; i++)
        size += put_hset(frames + size, i);
    assert_int_equal(wire_send(fd, frames, size), 0);
    wire_expect(fd, gzip, "\x08\xc8\x01\x1a\x00", 5);
    for (uint8_t i = 0; i < COUNT - 1; i++) {
        const uint8_t old[] = {0x08, 0xc8, 0x01, 0x1a, 2, 0x18, i};
        wire_expect(fd, gzip, old, sizeof old);
    }
    stop(&kvs, fd);
}

static void test_commands_take_effect_in_order_in_length_delimited_gzip(void **state)
{
    (void)state;
    run_commands_in_order(KVS_ANY_PORT, true);
}

static void test_commands_take_effect_in_order_in_raw(void **state)
{
    (void)state;
    run_commands_in_order(KVS_ANY_PORT "?codec=raw", false);
}

static void test_frame_a_byte_at_a_time_is_answered(void **state)
{
    (void)state;
    struct kvs kvs;
    uint8_t frame[32];
    size_t size = put_hset(frame, 1);
    int fd = start(&kvs, KVS_ANY_PORT);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(wire_send(fd, frame + i, 1), 0);
    wire_expect(fd, true, "\x08\xc8\x01\x1a\x00", 5);
    stop(&kvs, fd);
}

static void test_half_close_answers_everything_then_closes(void **state)
{
    (void)state;
    struct kvs kvs;
    uint8_t frames[64];
    size_t size = put_hset(frames, 1);
    size += put_hset(frames + size, 2);
    int fd = start(&kvs, KVS_ANY_PORT);
    assert_int_equal(wire_send(fd, frames, size), 0);
    wire_shutdown(fd);
    wire_expect(fd, true, "\x08\xc8\x01\x1a\x00", 5);
    wire_expect(fd, true, "\x08\xc8\x01\x1a\x02\x18\x01", 7);
    wire_expect_end(fd);
    stop(&kvs, fd);
}

static void test_eighth_bad_frame_in_a_row_closes(void **state)
{
    (void)state;
    enum { MAX_BAD_FRAMES = 8 };
    struct kvs kvs;
    int fd = start(&kvs, KVS_ANY_PORT);
    for (int i = 0; i < MAX_BAD_FRAMES + 1; i++)
        assert_int_equal(wire_send_frame(fd, "\x0e", 1), 0);
    for (int i = 0; i < MAX_BAD_FRAMES; i++) {
        wire_expect_status(fd, 400);
    }
    wire_expect_end(fd);
    stop(&kvs, fd);
}

static void test_first_bytes_in_http_are_answered_in_http(void **state)
{
    (void)state;
    struct kvs kvs;
    char text[64] = "";
    int fd = start(&kvs, KVS_ANY_PORT);
    static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(wire_send(fd, get, sizeof get - 1), 0);
    assert_int_equal(wire_receive_bytes(fd, text, 12), 0);
    assert_memory_equal(text, "HTTP/1.0 400", 12);
    stop(&kvs, fd);
}

static void test_echo_answers_with_the_message(void **state)
{
    (void)state;
    struct kvs kvs;
    int fd = start(&kvs, KVS_ANY_PORT "?service=echo");
    assert_int_equal(wire_send_frame(fd, "hello", 5), 0);
    wire_expect(fd, true, "hello", 5);
    stop(&kvs, fd);
}

static void test_echo_with_delay_keeps_the_order(void **state)
{
    (void)state;
    struct kvs kvs;
    int fd = start(&kvs, KVS_ANY_PORT "?service=echo&delay=5");
    for (char c = 'a'; c <= 'z'; c++)
        assert_int_equal(wire_send_frame(fd, &c, 1), 0);
    for (char c = 'a'; c <= 'z'; c++)
        wire_expect(fd, true, &c, 1);
    stop(&kvs, fd);
}

static void test_echo_with_repeat_streams_in_order(void **state)
{
    (void)state;
    enum { REPEAT = 1000 };
    struct kvs kvs;
    int fd = start(&kvs, KVS_ANY_PORT "?service=echo&delay=1&repeat=1000");
    assert_int_equal(wire_send_frame(fd, "one", 3), 0);
    assert_int_equal(wire_send_frame(fd, "two", 3), 0);
    for (int i = 0; i < REPEAT; i++)
        wire_expect(fd, true, "one", 3);
    for (int i = 0; i < REPEAT; i++)
        wire_expect(fd, true, "two", 3);
    stop(&kvs, fd);
}

/* More output than any watermark lets wait: it is read while it is made. */
static void test_echo_streams_more_than_may_wait(void **state)
{
    (void)state;
    enum { SIZE = 65536, REPEAT = 200 };
    struct kvs kvs;
    uint8_t *message = malloc(SIZE);
    assert_non_null(message);
    memset(message, 'm', SIZE);
    int fd = start(&kvs, KVS_ANY_PORT "?codec=raw&service=echo&repeat=200");
    assert_int_equal(wire_send_frame(fd, message, SIZE), 0);
    for (int i = 0; i < REPEAT; i++)
        wire_expect(fd, false, message, SIZE);
    free(message);
    stop(&kvs, fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_take_effect_in_order_in_length_delimited_gzip),
        cmocka_unit_test(test_commands_take_effect_in_order_in_raw),
        cmocka_unit_test(test_frame_a_byte_at_a_time_is_answered),
        cmocka_unit_test(test_half_close_answers_everything_then_closes),
        cmocka_unit_test(test_eighth_bad_frame_in_a_row_closes),
        cmocka_unit_test(test_first_bytes_in_http_are_answered_in_http),
        cmocka_unit_test(test_echo_answers_with_the_message),
        cmocka_unit_test(test_echo_with_delay_keeps_the_order),
        cmocka_unit_test(test_echo_with_repeat_streams_in_order),
        cmocka_unit_test(test_echo_streams_more_than_may_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
