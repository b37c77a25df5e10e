/* SPDX-License-Identifier: MIT
 *
 * The places where a real kvs listens: every address of a name, names of the abstract space, and whom it finds
 * vanished. */
#include <fcntl.h>
#include <linux/filter.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire.h"

/* Runs kvs with options, which it refuses with code 2 (a mistake) or 1 (the system), in one line. */
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

/* Pings the address of the n-th `listening` line, whose URL is left in url. */
static void expect_pong(struct process *kvs, size_t n, char url[256])
{
    char line[512];
    struct process kvc;

    process_wait_line(kvs, n, line, sizeof line);
    assert_int_equal(sscanf(line, "listening %255s ", url), 1);
    assert_int_equal(kvc_run(&kvc, url, WORDS("ping")), 0);
    process_kill(&kvc);
}

static void test_star_is_both_families(void **state)
{
    struct process kvs;
    char v4[256], v6[256];
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    process_start(&kvs, WORDS(KVS_PATH, "--allow-remote", "--listen",
                              "tcp://"
                              "*"
                              ":0"));
    expect_pong(&kvs, 1, v4);
    assert_memory_equal(v4, "tcp://0.0.0.0:", 14);
    if (probe >= 0) { /* the machine has IPv6 */
        expect_pong(&kvs, 2, v6);
        assert_memory_equal(v6, "tcp://[::]:", 11);
        assert_string_equal(strrchr(v6, ':'), strrchr(v4, ':'));
        close(probe);
    }
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    process_kill(&kvs);
}

/* Whatever addresses the name has, a second server cannot take one of them. */
static void test_name_is_bound_whole_or_not_at_all(void **state)
{
    struct process kvs;
    char url[256], name[256];

    (void)state;
    process_start(&kvs, WORDS(KVS_PATH, "--listen", "tcp://localhost:0"));
    expect_pong(&kvs, 1, url);
    snprintf(name, sizeof name, "tcp://localhost%s", strrchr(url, ':'));
    expect_refused(WORDS("--listen", name), 1, "Address already in use; is another server running");
    snprintf(name, sizeof name, "tcp://127.0.0.1%s", strrchr(url, ':'));
    kvc_expect(name, WORDS("hexist", "t", "k"), "false\n");
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    process_kill(&kvs);
}

static void test_check_finds_what_listen_would_refuse_anywhere(void **state)
{
    char path[200] = "unix:/";

    (void)state;
    memset(path + 6, 'x', 107);
    expect_refused(WORDS("--check", "--listen", path), 2, "the path has 108 bytes");
    expect_refused(WORDS("--check", "--listen", "unix:@"), 2, "unix:@NAME");
    expect_refused(WORDS("--check", "--listen", "tcp:here"), 2, "the form is tcp://HOST:PORT");
    expect_refused(WORDS("--check", "--listen", "tcp://127.0.0.1:0?keepalive=0"), 2,
                   "keepalive=0: it takes 1 to 32767 seconds, or off");
    expect_refused(WORDS("--check", "--listen", "unix:/tmp/s?keepalive=1"), 2,
                   "unknown option 'keepalive'");
}

static void test_abstract_name_is_served_without_a_file(void **state)
{
    struct kvs kvs;
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "unix:@weft-test-%d", (int)getpid());
    kvs_start(&kvs, WORDS("--listen", url));
    assert_string_equal(kvs.urls[0], url);
    kvc_expect(url, WORDS("hexist", "t", "k"), "false\n");
    assert_int_equal(access(url + strlen("unix:"), F_OK), -1);
    expect_refused(WORDS("--listen", url), 1, "another server is listening there");
    kvs_end(&kvs);
    kvs_start(&kvs, WORDS("--listen", url));
    kvs_end(&kvs);
}

static void test_lock_on_the_sockets_folder_does_not_keep_it_from_starting(void **state)
{
    char folder[64], url[128];
    struct kvs kvs;

    (void)state;
    scratch_make(folder, sizeof folder);
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    snprintf(url, sizeof url, "unix:%s/s", folder);
    kvs_start(&kvs, WORDS("--listen", url));
    kvc_expect(url, WORDS("hexist", "t", "k"), "false\n");
    kvs_end(&kvs);
    close(lock);
    scratch_remove(folder);
}

/* A filter that takes nothing in makes a peer deaf: as behind a cut cable, no probe is answered. */
static void test_vanished_peer_is_found_and_counted(void **state)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog filter = {.len = 1, .filter = &drop};
    struct kvs kvs;

    (void)state;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT "?keepalive=1"));
    int fd = wire_connect(kvs.urls[0]);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
    process_wait_error(&kvs.process, "reason=peer-vanished");
    close(fd);
    assert_int_equal(kvs_stop(&kvs), 0);
    assert_non_null(strstr(kvs.process.err.text, " closed.peer-vanished=1"));
    kvs_kill(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_star_is_both_families),
        cmocka_unit_test(test_name_is_bound_whole_or_not_at_all),
        cmocka_unit_test(test_check_finds_what_listen_would_refuse_anywhere),
        cmocka_unit_test(test_abstract_name_is_served_without_a_file),
        cmocka_unit_test(test_lock_on_the_sockets_folder_does_not_keep_it_from_starting),
        cmocka_unit_test(test_vanished_peer_is_found_and_counted),
    };

    return cmocka_run_group_tests_name("listening", tests, NULL, NULL);
}
