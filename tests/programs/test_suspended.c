/* SPDX-License-Identifier: MIT
 *
 * kvs and kvc, stopped for longer than their deadlines (Ctrl-Z and fg, SIGSTOP) while what they
 * wait for arrives in time: it is read before any deadline is judged. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/listener.h"
#include "lib/wire.h"

/* hexist of "table1" and "hello": 17 bytes behind a header. */
static const char request_hex[] = "0a0f0a067461626c6531120568656c6c6f";

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

/* The clock alone decides, and both programs are stopped meanwhile. */
static void let_time_pass_until(int64_t ms)
{
    while (now_ms() < ms)
        poll(NULL, 0, (int)(ms - now_ms()));
}

static struct wire_bytes frame_of_request(void)
{
    struct wire_bytes payload = wire_from_hex(request_hex), frame;

    assert_non_null(payload.data);
    frame = (struct wire_bytes){.data = malloc(4 + payload.size), .size = 4 + payload.size};
    assert_non_null(frame.data);
    wire_header(frame.data, (uint32_t)payload.size);
    memcpy(frame.data + 4, payload.data, payload.size);
    wire_free(&payload);
    return frame;
}

static void expect_reply(int fd)
{
    struct wire_bytes message = {0};

    assert_int_equal(wire_receive(fd, true, &message), 1);
    wire_free(&message);
}

static void test_stopped_server_reads_what_came_before_it_judges_deadlines(void **state)
{
    struct wire_bytes frame = frame_of_request();
    struct kvs kvs;
    int half, idle;
    int64_t begin;

    (void)state;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--threads", "1", "--frame-timeout", "1",
                          "--idle-timeout", "1"));
    half = wire_connect(kvs.urls[0]);
    idle = wire_connect(kvs.urls[0]);
    /* A whole request with the first half of another: once it is answered the half is known. */
    assert_int_equal(wire_send(idle, frame.data, frame.size), 0);
    expect_reply(idle);
    assert_int_equal(wire_send(half, frame.data, frame.size), 0);
    assert_int_equal(wire_send(half, frame.data, 6), 0);
    expect_reply(half);
    process_suspend(&kvs.process);
    begin = now_ms();
    assert_int_equal(wire_send(half, frame.data + 6, frame.size - 6), 0);
    assert_int_equal(wire_send(idle, frame.data, frame.size), 0);
    let_time_pass_until(begin + 1500);
    process_resume(&kvs.process);
    expect_reply(half);
    expect_reply(idle);
    close(half);
    close(idle);
    wire_free(&frame);
    kvs_end(&kvs);
}

static void test_stopped_client_reads_its_reply_before_it_judges_the_timeout(void **state)
{
    static const uint8_t reply[] = {0x08, 0xc8, 0x01, 0x1a, 0x00}; /* as kvs replies to hdel */
    struct listener listener;
    struct wire_bytes request = {0};
    struct process kvc;
    int64_t begin;
    int fd;

    (void)state;
    listener_open(&listener);
    process_start(&kvc,
                  WORDS(KVC_PATH, "--server", listener.url, "--timeout", "1", "hdel", "t", "k"));
    fd = listener_accept(&listener);
    assert_int_equal(wire_receive(fd, true, &request), 1);
    wire_free(&request);
    process_suspend(&kvc);
    begin = now_ms();
    assert_int_equal(wire_send_frame(fd, reply, sizeof reply), 0);
    let_time_pass_until(begin + 1500);
    process_resume(&kvc);
    assert_int_equal(process_wait(&kvc), 0);
    assert_string_equal(kvc.err.text, "");
    process_kill(&kvc);
    close(fd);
    close(listener.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped_server_reads_what_came_before_it_judges_deadlines),
        cmocka_unit_test(test_stopped_client_reads_its_reply_before_it_judges_the_timeout),
    };

    return cmocka_run_group_tests_name("suspended", tests, NULL, NULL);
}
