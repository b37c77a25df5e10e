/* SPDX-License-Identifier: MIT
 *
 * Tests the command line and the endpoints of real kvs. */
#include <dirent.h>
#include <sched.h>
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

/* Runs kvs with options that it refuses: it exits with the code, prints nothing, and writes one
 * line with the fragment to standard error. */
static void expect_refused(const char *const *options, int code, const char *fragment)
{
    struct process kvs;
    const char *words[PROCESS_WORDS_MAX] = {KVS_PATH};
    for (size_t i = 1; *options; i++)
        words[i] = *options++;
    int got = process_run(&kvs, words);
    assert_one_line(kvs.err.text, fragment);
    assert_string_equal(kvs.out.text, "");
    assert_int_equal(got, code);
    process_kill(&kvs);
}

static void test_mistakes_of_the_command_line_exit_2(void **state)
{
    (void)state;
    expect_refused(WORDS("--colour"), 2, "kvs: unknown option '--colour'; there are: --config, ");
    expect_refused(WORDS("here"), 2, "unexpected argument 'here'");
    expect_refused(WORDS("--listen"), 2, "--listen: needs a value");
    expect_refused(WORDS("--codec", "morse"), 2, "'morse'");
    expect_refused(WORDS("--codec", "morse"), 2, "length-delimited-gzip");
    expect_refused(WORDS("--store", "attic"), 2, "'attic'");
    expect_refused(WORDS("--store", "attic"), 2, "memory");
    expect_refused(WORDS("--threads", "0"), 2, "--threads");
    expect_refused(WORDS("--log-level", "loud"), 2, "debug");
    expect_refused(WORDS("--max-frame", "0"), 2, "max-frame");
    expect_refused(WORDS("--output-low", "2MiB"), 2, "output-high");
    expect_refused(WORDS("--max-frame", "2GiB", "--max-message", "4GiB", "--output-hard", "4GiB"),
                   2, "a frame's length has 31 bits");
}

static void test_bad_endpoints_exit_2_and_name_what_there_is(void **state)
{
    (void)state;
    expect_refused(WORDS("--listen", "udp://127.0.0.1:1"), 2, "unix");
    expect_refused(WORDS("--listen", "somewhere:1"), 2, "tcp://somewhere:1");
    expect_refused(WORDS("--listen", "tcp://127.0.0.1:0?codec=morse"), 2, "raw");
    expect_refused(WORDS("--listen", "tcp://127.0.0.1:0?service=mail"), 2, "echo");
    expect_refused(WORDS("--listen", "tcp://127.0.0.1:0?colour=red"), 2, "threshold");
    expect_refused(WORDS("--listen", "tcp://127.0.0.1:0?level=11"), 2, "level");
    expect_refused(WORDS("--listen", "tcp://127.0.0.1:0?codec=raw&level=1"), 2, "level");
}

static void test_port_in_use_exits_1(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    expect_refused(WORDS("--listen", kvs.urls[0]), 1, kvs.urls[0]);
    expect_refused(WORDS("--listen", kvs.urls[0]), 1, "in use");
    kvs_end(&kvs);
}

static void test_one_endpoint_refused_binds_none(void **state)
{
    (void)state;
    char folder[64], path[96], url[128];
    struct kvs kvs;
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/kvs.sock", folder);
    snprintf(url, sizeof url, "unix:%s", path);
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    expect_refused(WORDS("--listen", url, "--listen", kvs.urls[0]), 1, "in use");
    assert_int_equal(access(path, F_OK), -1);
    kvs_end(&kvs);
    scratch_remove(folder);
}

static void test_folder_that_is_not_there_exits_1(void **state)
{
    (void)state;
    expect_refused(WORDS("--listen", "unix:/nowhere/kvs.sock"), 1, "/nowhere/kvs.sock");
}

static void test_listening_lines_tell_endpoints_in_the_order_given(void **state)
{
    (void)state;
    char folder[64], url[128], wanted[256];
    struct kvs kvs;
    scratch_make(folder, sizeof folder);
    snprintf(url, sizeof url, "unix:%s/kvs.sock?codec=raw", folder);
    kvs_start(&kvs, WORDS("--listen", url, "--listen", KVS_ANY_PORT, "--listen",
                          KVS_ANY_PORT "?service=echo"));
    snprintf(wanted, sizeof wanted, "unix:%s/kvs.sock codec=raw service=kv", folder);
    assert_string_equal(kvs.endpoints[0], wanted);
    assert_non_null(strstr(kvs.endpoints[1], " codec=length-delimited-gzip service=kv"));
    assert_non_null(strstr(kvs.endpoints[2], " codec=length-delimited-gzip service=echo"));
    assert_null(strstr(kvs.endpoints[1], ":0 "));
    assert_string_not_equal(kvs.urls[1], kvs.urls[2]);
    kvs_end(&kvs);
    scratch_remove(folder);
}

static void test_check_prints_endpoints_and_limits_and_serves_nothing(void **state)
{
    (void)state;
    struct process kvs;
    assert_int_equal(
        process_run(&kvs, WORDS(KVS_PATH, "--check", "--listen", "tcp://127.0.0.1:9527?codec=raw",
                                "--max-frame", "16MiB")),
        0);
    assert_non_null(strstr(
        kvs.out.text, "endpoint tcp://127.0.0.1:9527 codec=raw service=kv speaks=protobuf:abi\n"));
    assert_non_null(strstr(kvs.out.text, "\nmax-frame 16MiB\n"));
    assert_non_null(strstr(kvs.out.text, "\nidle-timeout 0\n"));
    assert_null(strstr(kvs.out.text, "listening"));
    process_kill(&kvs);
    expect_refused(WORDS("--check", "--codec", "morse"), 2, "morse");
}

static void test_help_and_version(void **state)
{
    (void)state;
    struct process kvs;
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--version")), 0);
    assert_string_equal(kvs.out.text, "kvs 0.1.0\n");
    process_kill(&kvs);
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--help")), 0);
    assert_non_null(strstr(kvs.out.text, "Usage: kvs [OPTION]...\n"));
    process_kill(&kvs);
}

static void test_two_codecs_side_by_side_serve_one_store(void **state)
{
    (void)state;
    char raw[256];
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--listen", KVS_ANY_PORT "?codec=raw"));
    snprintf(raw, sizeof raw, "%s?codec=raw", kvs.urls[1]);
    kvc_expect(kvs.urls[0], WORDS("hset", "t", "k", "of gzip"), "\n");
    kvc_expect(raw, WORDS("hset", "t", "k", "of raw"), "of gzip\n");
    kvc_expect(kvs.urls[0], WORDS("hget", "t", "k"), "of raw\n");
    kvs_end(&kvs);
}

static void test_codec_option_is_for_urls_that_name_none(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--codec", "raw", "--listen", KVS_ANY_PORT, "--listen",
                          KVS_ANY_PORT "?codec=length-delimited-gzip"));
    assert_non_null(strstr(kvs.endpoints[0], " codec=raw "));
    assert_non_null(strstr(kvs.endpoints[1], " codec=length-delimited-gzip "));
    kvs_end(&kvs);
}

static void test_unix_socket_serves_and_is_removed(void **state)
{
    (void)state;
    char folder[64], path[96], url[128];
    struct kvs kvs;
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/kvs.sock", folder);
    snprintf(url, sizeof url, "unix:%s", path);
    kvs_start(&kvs, WORDS("--listen", url));
    kvc_expect(url, WORDS("hset", "t", "k", "v"), "\n");
    kvc_expect(url, WORDS("hget", "t", "k"), "v\n");
    assert_int_equal(kvs_stop(&kvs), 0);
    assert_int_equal(access(path, F_OK), -1);
    kvs_kill(&kvs);
    scratch_remove(folder);
}

/* A machine without IPv6 refuses the address as one that it does not have. */
static void test_ipv6_address_stands_in_brackets(void **state)
{
    (void)state;
    if (access("/proc/net/if_inet6", F_OK) != 0) {
        expect_refused(WORDS("--listen", "tcp://[::1]:0"), 1, "tcp://[::1]:0");
        return;
    }
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", "tcp://[::1]:0"));
    assert_int_equal(strncmp(kvs.urls[0], "tcp://[::1]:", 12), 0);
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    kvs_end(&kvs);
}

/* True if a thread of the process has that name by now. */
static bool has_thread(pid_t pid, const char *name)
{
    char path[300], own[32] = "";
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    for (const struct dirent *task; !found && (task = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/comm", (int)pid, task->d_name);
        FILE *comm = fopen(path, "re");
        if (!comm)
            continue;
        found = fgets(own, sizeof own, comm) && strncmp(own, name, strlen(name)) == 0 &&
                own[strlen(name)] == '\n';
        fclose(comm);
    }
    closedir(tasks);
    return found;
}

/* top -H and gdb show them. A thread gives itself its name, soon after it has begun. */
static void test_threads_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"weft-loop-1", "kvs-admin", "kv-journal", "kv-snapshots"};
    char folder[64], store[128], admin[128], line[512];
    struct process kvs;
    scratch_make(folder, sizeof folder);
    snprintf(store, sizeof store, "memory:%s/data", folder);
    snprintf(admin, sizeof admin, "unix:%s/admin.sock", folder);
    process_start(&kvs, WORDS(KVS_PATH, "--listen", KVS_ANY_PORT, "--threads", "2", "--store",
                              store, "--admin", admin));
    process_wait_line(&kvs, 2, line, sizeof line);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        while (!has_thread(kvs.pid, names[i]))
            sched_yield();
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    process_kill(&kvs);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_of_the_command_line_exit_2),
        cmocka_unit_test(test_bad_endpoints_exit_2_and_name_what_there_is),
        cmocka_unit_test(test_port_in_use_exits_1),
        cmocka_unit_test(test_one_endpoint_refused_binds_none),
        cmocka_unit_test(test_folder_that_is_not_there_exits_1),
        cmocka_unit_test(test_listening_lines_tell_endpoints_in_the_order_given),
        cmocka_unit_test(test_check_prints_endpoints_and_limits_and_serves_nothing),
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_two_codecs_side_by_side_serve_one_store),
        cmocka_unit_test(test_codec_option_is_for_urls_that_name_none),
        cmocka_unit_test(test_unix_socket_serves_and_is_removed),
        cmocka_unit_test(test_ipv6_address_stands_in_brackets),
        cmocka_unit_test(test_threads_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
