/* SPDX-License-Identifier: MIT
 *
 * Tests the limits of real kvs as a client meets them. Their details are tested on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire_assert.h"

/* hexist of the empty key in the empty table, and its answer. */
static const uint8_t request[] = {0x42, 0};
static const uint8_t reply_false[] = {0x08, 0xc8, 0x01, 0x1a, 0x02, 0x28, 0x00};

static void exchange(int fd)
{
    assert_int_equal(wire_send_frame(fd, request, sizeof request), 0);
    wire_expect(fd, true, reply_false, sizeof reply_false);
}

static void test_connection_over_max_connections_is_answered_503(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--max-connections", "1"));
    int fd = wire_open(kvs.urls[0]);
    exchange(fd);
    int other = wire_open(kvs.urls[0]);
    wire_expect_status(other, 503);
    wire_expect_end(other);
    close(other);
    kvc_expect_error(kvs.urls[0], WORDS("ping"), 1, "kvc: 503 Too many connections");
    exchange(fd);
    close(fd);
    kvs_end(&kvs);
}

static void test_value_over_max_memory_is_answered_507(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--max-memory", "64KiB"));
    kvc_expect_error(kvs.urls[0], WORDS("hset", "t", "k", "file:" KVS_PATH), 1, "kvc: 507 ");
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    kvs_end(&kvs);
}

static void test_idle_connection_is_closed_after_idle_timeout(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--idle-timeout", "0.1"));
    int fd = wire_open(kvs.urls[0]);
    wire_expect_end(fd);
    close(fd);
    kvs_end(&kvs);
}

static void test_frame_that_does_not_complete_is_closed_after_frame_timeout(void **state)
{
    (void)state;
    struct kvs kvs;
    struct wire_bytes reply;
    kvs_start(&kvs,
              WORDS("--listen", KVS_ANY_PORT, "--frame-timeout", "0.1", "--log-level", "debug"));
    int fd = wire_open(kvs.urls[0]);
    assert_int_equal(wire_send(fd, "\0\0", 2), 0);
    assert_true(wire_receive(fd, true, &reply) <= 0);
    process_wait_error(&kvs.process, "reason=frame-timeout");
    close(fd);
    kvs_end(&kvs);
}

static void test_descriptor_limit_lowers_max_connections_and_says_so(void **state)
{
    (void)state;
    char line[512];
    struct process kvs;
    snprintf(line, sizeof line, "ulimit -n 200; exec %s --check", KVS_PATH);
    assert_int_equal(process_run(&kvs, WORDS("/bin/sh", "-c", line)), 0);
    assert_one_line(kvs.err.text, "level=warn event=descriptor-limit open-files=200 "
                                  "max-connections=10000 lowered-to=");
    assert_null(strstr(kvs.out.text, "max-connections 10000\n"));
    process_kill(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_over_max_connections_is_answered_503),
        cmocka_unit_test(test_value_over_max_memory_is_answered_507),
        cmocka_unit_test(test_idle_connection_is_closed_after_idle_timeout),
        cmocka_unit_test(test_frame_that_does_not_complete_is_closed_after_frame_timeout),
        cmocka_unit_test(test_descriptor_limit_lowers_max_connections_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
