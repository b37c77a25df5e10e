/* SPDX-License-Identifier: MIT
 *
 * Tests how real kvs stops: the requests it still answers, the connections it cuts, the signals
 * that do not end it. */
#include <setjmp.h>
#include <signal.h>
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

static void test_sigterm_answers_what_came_and_exits_0(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    int fd = wire_open(kvs.urls[0]);
    exchange(fd);
    process_signal(&kvs.process, SIGTERM);
    wire_expect_end(fd);
    close(fd);
    assert_int_equal(process_wait(&kvs.process), 0);
    kvs_kill(&kvs);
}

static void test_sigint_exits_0(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    process_signal(&kvs.process, SIGINT);
    assert_int_equal(process_wait(&kvs.process), 0);
    kvs_kill(&kvs);
}

/* A reply that is an hour away is owed: drain waits for it. */
static int owe_a_reply(struct kvs *kvs, const char *const *options)
{
    kvs_start(kvs, options);
    int fd = wire_open(kvs->urls[0]);
    assert_int_equal(wire_send_frame(fd, "x", 1), 0);
    process_wait_error(&kvs->process, "event=open");
    process_signal(&kvs->process, SIGTERM);
    return fd;
}

static void test_drain_timeout_cuts_what_is_left_and_exits_1(void **state)
{
    (void)state;
    struct kvs kvs;
    int fd = owe_a_reply(&kvs, WORDS("--listen", KVS_ANY_PORT "?service=echo&delay=3600000",
                                     "--log-level", "debug", "--drain-timeout", "0.1"));
    assert_int_equal(process_wait(&kvs.process), 1);
    assert_non_null(strstr(kvs.process.err.text, "kvs: cut 1 connections that had not drained\n"));
    close(fd);
    kvs_kill(&kvs);
}

static void test_second_signal_cuts_what_is_left_and_exits_1(void **state)
{
    (void)state;
    struct kvs kvs;
    int fd = owe_a_reply(&kvs, WORDS("--listen", KVS_ANY_PORT "?service=echo&delay=3600000",
                                     "--log-level", "debug", "--drain-timeout", "3600"));
    process_wait_error(&kvs.process, "event=drain");
    process_signal(&kvs.process, SIGTERM);
    assert_int_equal(process_wait(&kvs.process), 1);
    assert_non_null(strstr(kvs.process.err.text, "kvs: cut 1 connections that had not drained\n"));
    close(fd);
    kvs_kill(&kvs);
}

static void test_sighup_reloads_and_the_server_serves_on(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    process_signal(&kvs.process, SIGHUP);
    process_wait_error(&kvs.process, "event=reload asked=SIGHUP changed=\"nothing\"");
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    kvs_end(&kvs);
}

static void test_output_that_nobody_reads_does_not_end_it(void **state)
{
    (void)state;
    char folder[64], url[128], line[512];
    struct process kvs;
    scratch_make(folder, sizeof folder);
    snprintf(url, sizeof url, "unix:%s/kvs.sock", folder);
    /* Standard input and output are closed, so their numbers are free for sockets. */
    snprintf(line, sizeof line, "exec %s --listen '%s' <&- >&-", KVS_PATH, url);
    process_start(&kvs, WORDS("/bin/sh", "-c", line));
    process_wait_error(&kvs, "event=start");
    kvc_expect(url, WORDS("hexist", "t", "k"), "false\n");
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    process_kill(&kvs);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sigterm_answers_what_came_and_exits_0),
        cmocka_unit_test(test_sigint_exits_0),
        cmocka_unit_test(test_drain_timeout_cuts_what_is_left_and_exits_1),
        cmocka_unit_test(test_second_signal_cuts_what_is_left_and_exits_1),
        cmocka_unit_test(test_sighup_reloads_and_the_server_serves_on),
        cmocka_unit_test(test_output_that_nobody_reads_does_not_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
