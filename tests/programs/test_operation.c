/* SPDX-License-Identifier: MIT
 *
 * Tests real kvs as its operator sees it: the addresses it exposes, the user it runs as, its
 * counters, log and refusals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/settings.h"
#include "core/base/units.h"
#include "lib/kvs.h"
#include "lib/listener.h"
#include "lib/scratch.h"
#include "lib/wire_assert.h"

/* inet_pton(3) does not know the short form, so it counts as a name; the resolver makes it
 * 127.0.0.1. */
#define FAR_AS_FAR_AS_KVS_KNOWS "tcp://127.1:0"

/* Reads a file of /proc about kvs into text, cut to size. */
static void read_proc(const struct kvs *kvs, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)kvs->process.pid, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void test_listening_beyond_loopback_needs_allow_remote(void **state)
{
    (void)state;
    struct process kvs;
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--listen", FAR_AS_FAR_AS_KVS_KNOWS)), 2);
    assert_one_line(kvs.err.text, "--allow-remote");
    process_kill(&kvs);
}

static void test_allow_remote_serves_and_warns(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", FAR_AS_FAR_AS_KVS_KNOWS, "--allow-remote"));
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    assert_int_equal(kvs_stop(&kvs), 0);
    assert_non_null(strstr(kvs.process.err.text, "level=warn event=remote listen=tcp://127.1:0"));
    kvs_kill(&kvs);
}

static void test_loopback_is_not_warned_of(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    assert_int_equal(kvs_stop(&kvs), 0);
    assert_null(strstr(kvs.process.err.text, "event=remote"));
    kvs_kill(&kvs);
}

static void test_core_dumps_are_off_unless_asked_for(void **state)
{
    (void)state;
    struct kvs kvs;
    char text[4096];
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    read_proc(&kvs, "limits", text, sizeof text);
    const char *line = strstr(text, "Max core file size");
    assert_non_null(line);
    assert_true(strtoul(line + strlen("Max core file size"), NULL, 10) <= 1);
    kvs_end(&kvs);
}

static void expect_lost_output(const char *options)
{
    struct process shell;
    char line[256];
    snprintf(line, sizeof line, "exec %s %s > /dev/full", KVS_PATH, options);
    assert_int_equal(process_run(&shell, WORDS("/bin/sh", "-c", line)), 1);
    assert_one_line(shell.err.text,
                    "kvs: cannot write to standard output: No space left on device");
    process_kill(&shell);
}

static void test_texts_that_cannot_be_written_are_a_failure(void **state)
{
    (void)state;
    expect_lost_output("--help");
    expect_lost_output("--help-all");
    expect_lost_output("--version");
    expect_lost_output("--check --listen " KVS_ANY_PORT);
}

static void test_listening_lines_that_are_lost_are_logged(void **state)
{
    (void)state;
    struct process kvs;
    char line[256];
    snprintf(line, sizeof line, "exec %s --listen %s > /dev/full", KVS_PATH, KVS_ANY_PORT);
    process_start(&kvs, WORDS("/bin/sh", "-c", line));
    process_wait_error(&kvs, "event=output lost=listening cause=\"No space left on device\"\n");
    process_wait_error(&kvs, "event=start");
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    process_kill(&kvs);
}

static void expect_check_refuses(const char *const *options, int code, const char *text)
{
    struct process kvs;
    const char *words[PROCESS_WORDS_MAX] = {KVS_PATH};
    for (size_t i = 1; *options; i++)
        words[i] = *options++;
    assert_int_equal(process_run(&kvs, words), code);
    assert_one_line(kvs.err.text, text);
    process_kill(&kvs);
}

static void test_check_refuses_what_serving_would(void **state)
{
    (void)state;
    expect_check_refuses(WORDS("--check", "--listen", "unix:/no such folder/s"), 1,
                         "kvs: cannot listen on unix:/no such folder/s: /no such folder: No such "
                         "file or directory");
    expect_check_refuses(WORDS("--check", "--user", "n o"), 2, "there is no user 'n o'");
    expect_check_refuses(WORDS("--check", "--listen", "unix:/x", "--listen", "unix:/x"), 2,
                         "kvs: --listen unix:/x: an address that --listen unix:/x has already");
}

/* 192.0.2.1 is an address of documentation (RFC 5737), which no machine has. */
static void test_check_refuses_an_address_that_cannot_be_bound(void **state)
{
    (void)state;
    expect_check_refuses(
        WORDS("--check", "--allow-remote", "--listen", "tcp://192.0.2.1:9527"), 1,
        "kvs: cannot listen on tcp://192.0.2.1:9527: Cannot assign requested address");
    expect_check_refuses(WORDS("--check", "--allow-remote", "--listen", KVS_ANY_PORT, "--admin",
                               "tcp://192.0.2.1:9528"),
                         1, "kvs: --admin: cannot listen on tcp://192.0.2.1:9528: ");
}

static void expect_check_tells_of(const char *option, const char *url)
{
    struct process kvs;
    char line[256];
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--check", "--listen",
                                             "unix:/tmp/never-made", option, url)),
                     0);
    snprintf(line, sizeof line,
             "kvs: %s is in use now: kvs can listen there once whoever does has ended, or passes "
             "the socket on",
             url);
    assert_one_line(kvs.err.text, line);
    assert_int_equal(access("/tmp/never-made", F_OK), -1);
    process_kill(&kvs);
}

static void test_check_tells_of_an_address_that_is_in_use(void **state)
{
    (void)state;
    struct listener listener;
    listener_open(&listener);
    expect_check_tells_of("--listen", listener.url);
    expect_check_tells_of("--admin", listener.url);
    close(listener.fd);
}

static void test_check_goes_on_without_a_store_that_another_kvs_has(void **state)
{
    (void)state;
    struct kvs kvs;
    struct process check;
    char folder[64], store[96];
    scratch_make(folder, sizeof folder);
    snprintf(store, sizeof store, "memory:%s/data", folder);
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--store", store));
    assert_int_equal(
        process_run(&check, WORDS(KVS_PATH, "--check", "--listen", KVS_ANY_PORT, "--store", store)),
        0);
    assert_one_line(check.err.text, "; the rest is checked with an empty store");
    assert_one_line(check.err.text, "another process uses it");
    process_kill(&check);
    assert_int_equal(
        process_run(&check, WORDS(KVS_PATH, "--check", "--codec", "morse", "--store", store)), 2);
    process_kill(&check);
    kvs_end(&kvs);
    scratch_remove(folder);
}

static void test_unix_socket_is_given_to_the_user(void **state)
{
    (void)state;
    struct kvs kvs;
    struct stat status;
    char folder[64], url[96];
    const char *user = geteuid() == 0 ? "nobody" : NULL;
    scratch_make(folder, sizeof folder);
    snprintf(url, sizeof url, "unix:%s/s", folder);
    if (user)
        kvs_start(&kvs, WORDS("--listen", url, "--user", user));
    else
        kvs_start(&kvs, WORDS("--listen", url));
    assert_int_equal(stat(url + strlen("unix:"), &status), 0);
    assert_int_equal(status.st_uid, user ? 65534 : geteuid());
    kvs_end(&kvs);
    scratch_remove(folder);
}

static void test_unknown_user_exits_2(void **state)
{
    (void)state;
    struct process kvs;
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--listen", KVS_ANY_PORT, "--user", "n o")),
                     2);
    assert_one_line(kvs.err.text, "there is no user 'n o'");
    process_kill(&kvs);
}

/* Only root can become another user. Without root, kvs says so and does not serve. */
static void test_user_drops_privileges_or_nothing_serves(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        struct process kvs;
        assert_int_equal(
            process_run(&kvs, WORDS(KVS_PATH, "--listen", KVS_ANY_PORT, "--user", "root")), 1);
        assert_one_line(kvs.err.text, "only root can");
        assert_string_equal(kvs.out.text, "");
        process_kill(&kvs);
        return;
    }
    struct kvs kvs;
    char text[4096];
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--user", "nobody", "--threads", "2"));
    read_proc(&kvs, "status", text, sizeof text);
    assert_non_null(strstr(text, "\nUid:\t65534\t65534\t65534\t65534\n"));
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    kvs_end(&kvs);
}

/* Root has no limit of threads, so root serves as nobody. The sanitizer would need a thread to look for
 * leaks. */
static void test_server_without_its_threads_says_so_and_does_not_listen(void **state)
{
    (void)state;
    struct process kvs;
    process_start(&kvs,
                  geteuid() == 0
                      ? WORDS("/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0", "/usr/bin/prlimit",
                              "--nproc=0", KVS_PATH, "--listen", KVS_ANY_PORT, "--threads", "8",
                              "--no-sandbox", "--user", "nobody")
                      : WORDS("/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0", "/usr/bin/prlimit",
                              "--nproc=0", KVS_PATH, "--listen", KVS_ANY_PORT, "--threads", "8",
                              "--no-sandbox"));
    assert_int_equal(process_wait(&kvs), 1);
    assert_one_line(kvs.err.text,
                    "--threads: cannot start thread 2 of 8: Resource temporarily unavailable; "
                    "choose fewer, or raise the limit of processes and threads (RLIMIT_NPROC: 0)");
    assert_string_equal(kvs.out.text, "");
    process_kill(&kvs);
}

static void test_counts_are_logged_on_sigusr1_and_at_the_end(void **state)
{
    (void)state;
    struct kvs kvs;
    char wanted[400];
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--listen", KVS_ANY_PORT "?codec=raw"));
    int fd = wire_open(kvs.urls[0]);
    assert_int_equal(wire_send(fd, "\0\0\0", 3), 0);
    wire_shutdown(fd);
    wire_expect_end(fd);
    close(fd);
    process_wait_error(&kvs.process, "reason=truncated");
    process_signal(&kvs.process, SIGUSR1);
    process_wait_error(&kvs.process, "codec=raw service=kv accepted=0 open=0 requests=0");
    snprintf(wanted, sizeof wanted,
             "event=counts endpoint=%s accepted=1 open=0 requests=0 rejected=0 bytes-in=3 "
             "bytes-out=0 closed.truncated=1\n",
             kvs.endpoints[0]);
    const char *first = strstr(kvs.process.err.text, wanted);
    assert_non_null(first);
    assert_int_equal(kvs_stop(&kvs), 0);
    first = strstr(kvs.process.err.text, wanted);
    assert_non_null(strstr(first + 1, wanted));
    kvs_kill(&kvs);
}

static void test_log_at_debug_holds_no_value(void **state)
{
    (void)state;
    static const char hset[] = "\x22\x16\x0a\x01t\x12\x11\x0a\x01k\x12\x0c\x0a\x0asecretword";
    struct kvs kvs;
    struct wire_bytes reply;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--log-level", "debug"));
    int fd = wire_open(kvs.urls[0]);
    assert_int_equal(wire_send_frame(fd, hset, sizeof hset - 1), 0);
    wire_expect_status(fd, 200);
    /* Now hset cut short, in a bad frame, in one that is too big, and in place of a frame. */
    assert_int_equal(wire_send_frame(fd, hset, sizeof hset - 3), 0);
    assert_int_equal(wire_send(fd, "\xff\xff\xff\xff", 4), 0);
    assert_int_equal(wire_send(fd, hset, sizeof hset - 1), 0);
    wire_shutdown(fd);
    while (wire_receive(fd, true, &reply) == 1)
        wire_free(&reply);
    close(fd);
    assert_int_equal(kvs_stop(&kvs), 0);
    assert_non_null(strstr(kvs.process.err.text, "event=close"));
    assert_null(strstr(kvs.process.err.text, "secretword"));
    kvs_kill(&kvs);
}

static void test_every_limit_is_an_option_that_check_shows(void **state)
{
    (void)state;
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        struct process kvs;
        char option[64], line[64];
        const char *value = limit->unit != WEFT_LIMIT_BYTES           ? "77"
                            : strcmp(limit->name, "output-hard") == 0 ? "600KiB"
                                                                      : "300KiB";
        snprintf(option, sizeof option, "--%s", limit->name);
        snprintf(line, sizeof line, "\n%s %s\n", limit->name, value);
        /* Sets the other limits so that any single one may have that value. */
        int code = process_run(&kvs, WORDS(KVS_PATH, "--check", "--max-frame", "200KiB",
                                           "--output-high", "300KiB", option, value));
        if (code != 0 || !strstr(kvs.out.text, line))
            fail_msg("%s: exit code %d: %s", option, code, kvs.err.text);
        process_kill(&kvs);
    }
}

static void expect_combination_refused(const char *const *options, const char *one,
                                       const char *other)
{
    struct process kvs;
    const char *words[PROCESS_WORDS_MAX] = {KVS_PATH, "--check"};
    for (size_t i = 2; *options; i++)
        words[i] = *options++;
    assert_int_equal(process_run(&kvs, words), 2);
    assert_one_line(kvs.err.text, one);
    assert_one_line(kvs.err.text, other);
    process_kill(&kvs);
}

static void test_limits_that_contradict_are_refused_with_both_names(void **state)
{
    (void)state;
    expect_combination_refused(WORDS("--output-low", "2MiB"), "output-low", "output-high");
    expect_combination_refused(WORDS("--output-high", "65MiB"), "output-high", "output-hard");
    expect_combination_refused(WORDS("--max-frame", "33MiB"), "max-frame", "max-message");
}

static void test_refusal_of_a_frame_names_its_limit(void **state)
{
    (void)state;
    struct kvs kvs;
    struct wire_bytes reply;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--max-frame", "1KiB"));
    int fd = wire_open(kvs.urls[0]);
    uint8_t zeros[1025] = {0};
    assert_int_equal(wire_send_frame(fd, zeros, sizeof zeros), 0);
    assert_int_equal(wire_receive(fd, true, &reply), 1);
    assert_int_equal(wire_status(&reply), 413);
    assert_non_null(memmem(reply.data, reply.size, "max-frame", 9));
    assert_non_null(memmem(reply.data, reply.size, "1025", 4));
    wire_free(&reply);
    close(fd);
    kvs_end(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listening_beyond_loopback_needs_allow_remote),
        cmocka_unit_test(test_allow_remote_serves_and_warns),
        cmocka_unit_test(test_loopback_is_not_warned_of),
        cmocka_unit_test(test_core_dumps_are_off_unless_asked_for),
        cmocka_unit_test(test_texts_that_cannot_be_written_are_a_failure),
        cmocka_unit_test(test_listening_lines_that_are_lost_are_logged),
        cmocka_unit_test(test_check_refuses_what_serving_would),
        cmocka_unit_test(test_check_refuses_an_address_that_cannot_be_bound),
        cmocka_unit_test(test_check_tells_of_an_address_that_is_in_use),
        cmocka_unit_test(test_check_goes_on_without_a_store_that_another_kvs_has),
        cmocka_unit_test(test_unix_socket_is_given_to_the_user),
        cmocka_unit_test(test_unknown_user_exits_2),
        cmocka_unit_test(test_user_drops_privileges_or_nothing_serves),
        cmocka_unit_test(test_server_without_its_threads_says_so_and_does_not_listen),
        cmocka_unit_test(test_counts_are_logged_on_sigusr1_and_at_the_end),
        cmocka_unit_test(test_log_at_debug_holds_no_value),
        cmocka_unit_test(test_every_limit_is_an_option_that_check_shows),
        cmocka_unit_test(test_limits_that_contradict_are_refused_with_both_names),
        cmocka_unit_test(test_refusal_of_a_frame_names_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
