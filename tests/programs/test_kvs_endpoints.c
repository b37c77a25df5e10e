/* SPDX-License-Identifier: MIT
 *
 * Tests the endpoints that real kvs adds and removes at a reload, in its sandbox. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/listener.h"
#include "lib/wire.h"
#include "lib/wire_assert.h"

static char folder[64], path[96], other[112], admin[112];

static int set_up(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/kvs.conf", folder);
    snprintf(other, sizeof other, "unix:%s/other", folder);
    snprintf(admin, sizeof admin, "unix:%s/admin", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

/* Writes a file that has the first two endpoints, and these lines. The sandbox lets kvs make Unix sockets in the folder
 * of one that it began with. */
static void put(const char *lines)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "listen tcp://127.0.0.1:0\nlisten unix:%s/first\n%s", folder, lines);
    assert_int_equal(fclose(file), 0);
}

static void put_listen(const char *url)
{
    char line[200];
    snprintf(line, sizeof line, "listen %s\n", url);
    put(line);
}

static void reload(struct kvs *kvs, const char *expected)
{
    process_signal(&kvs->process, SIGHUP);
    process_wait_error(&kvs->process, expected);
}

static void assert_served(const char *url)
{
    kvc_expect(url, WORDS("hexist", "t", "k"), "false\n");
}

static void test_endpoint_is_added_and_removed(void **state)
{
    (void)state;
    struct kvs kvs;
    char expected[256];
    put("");
    kvs_start(&kvs, WORDS("--config", path, "--threads", "3"));
    int first = wire_open(kvs.urls[0]);
    put_listen(other);
    snprintf(expected, sizeof expected, "asked=SIGHUP changed=\"listen\" added=\"%s\"\n", other);
    reload(&kvs, expected);
    assert_non_null(strstr(kvs.process.err.text, "event=endpoint-added endpoint=unix:"));
    int fds[6];
    for (int i = 0; i < 6; i++) {
        fds[i] = wire_open(other);
        assert_served(other);
    }
    put("");
    snprintf(expected, sizeof expected, "asked=SIGHUP changed=\"listen\" removed=\"%s\"\n", other);
    reload(&kvs, expected);
    for (int i = 0; i < 6; i++) {
        wire_expect_end(fds[i]);
        close(fds[i]);
    }
    process_wait_error(&kvs.process, "event=endpoint-ended");
    assert_int_equal(access(strchr(other, ':') + 1, F_OK), -1);
    assert_true(wire_connect(other) < 0);
    assert_served(kvs.urls[0]);
    close(first);
    kvs_end(&kvs);
}

static void test_changed_options_keep_the_socket(void **state)
{
    (void)state;
    struct kvs kvs;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "listen %s?codec=raw\n", other);
    assert_int_equal(fclose(file), 0);
    kvs_start(&kvs, WORDS("--config", path));
    int before = wire_open(other);
    assert_served(other);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "listen %s?codec=line\n", other);
    assert_int_equal(fclose(file), 0);
    char expected[256];
    snprintf(expected, sizeof expected, "changed=\"listen\" replaced=\"%s\"\n", other);
    process_signal(&kvs.process, SIGHUP);
    /* No connection is refused meanwhile, whichever codec it gets. */
    for (int i = 0; i < 200; i++)
        close(wire_open(other));
    process_wait_error(&kvs.process, expected);
    wire_expect_end(before);
    close(before);
    char url[160];
    snprintf(url, sizeof url, "%s?codec=line", other);
    assert_served(url);
    kvs_end(&kvs);
    assert_int_equal(access(strchr(other, ':') + 1, F_OK), -1);
}

static void test_port_of_an_endpoint_that_stays_refuses_nobody(void **state)
{
    (void)state;
    struct kvs kvs;
    put("");
    kvs_start(&kvs, WORDS("--config", path, "--threads", "2"));
    for (int round = 0; round < 10; round++) {
        put_listen(other);
        process_signal(&kvs.process, SIGHUP);
        for (int i = 0; i < 20; i++)
            close(wire_open(kvs.urls[0]));
        process_wait_error(&kvs.process, "added=");
        put("");
        reload(&kvs, "removed=");
        free(kvs.process.err.text);
        kvs.process.err.text = strdup("");
        kvs.process.err.size = 0;
        kvs.process.err.capacity = 1;
    }
    assert_served(kvs.urls[0]);
    kvs_end(&kvs);
}

static void test_busy_port_refuses_the_whole_reload_and_is_named(void **state)
{
    (void)state;
    struct kvs kvs;
    struct listener busy;
    char lines[512], expected[256];
    listener_open(&busy);
    put("");
    kvs_start(&kvs, WORDS("--config", path, "--threads", "2"));
    snprintf(lines, sizeof lines, "log-level debug\nlisten %s\nlisten %s\n", other, busy.url);
    put(lines);
    snprintf(expected, sizeof expected, "cannot listen on %s: ", busy.url);
    reload(&kvs, "event=reload-failed asked=SIGHUP part=settings");
    process_wait_error(&kvs.process, "changed=nothing");
    assert_non_null(strstr(kvs.process.err.text, strchr(expected, '/') + 2));
    assert_true(wire_connect(other) < 0);
    assert_served(kvs.urls[0]);
    assert_null(strstr(kvs.process.err.text, "level=debug"));
    close(busy.fd);
    reload(&kvs, "changed=\"listen,log-level\" added=");
    assert_served(other);
    assert_served(busy.url);
    kvs_end(&kvs);
}

static void test_admin_shows_endpoints_that_were_added(void **state)
{
    (void)state;
    struct kvs kvs;
    char expected[256];
    put("");
    kvs_start(&kvs, WORDS("--config", path, "--admin", admin));
    put_listen(other);
    snprintf(expected, sizeof expected, "changed=listen added=%s", other);
    struct process kvc;
    assert_int_equal(process_run(&kvc, WORDS(KVC_PATH, "reload", "--admin", admin)), 0);
    if (!strstr(kvc.out.text, expected))
        fail_msg("%s: not in %s", expected, kvc.out.text);
    process_kill(&kvc);
    assert_served(other);
    kvs_end(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint_is_added_and_removed),
        cmocka_unit_test(test_changed_options_keep_the_socket),
        cmocka_unit_test(test_port_of_an_endpoint_that_stays_refuses_nobody),
        cmocka_unit_test(test_busy_port_refuses_the_whole_reload_and_is_named),
        cmocka_unit_test(test_admin_shows_endpoints_that_were_added),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
