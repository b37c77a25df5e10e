/* SPDX-License-Identifier: MIT
 *
 * The file of a unix socket; the suite that all transports pass has the rest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/peer.h"
#include "unix_fixture.h"

static struct stat stat_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st;
}

/* Leaves behind what a server does that was killed. */
static void leave_stale_socket(const struct unix_fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    strcpy(address.sun_path, fixture->path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static void test_socket_is_its_owners_alone(void **state)
{
    struct unix_fixture *fixture = *state;
    mode_t old = umask(0);

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    umask(old);
    assert_int_equal(stat_of(fixture->path).st_mode, S_IFSOCK | 0600);
}

static void test_process_keeps_its_umask(void **state)
{
    struct unix_fixture *fixture = *state;
    mode_t old = umask(027);

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_int_equal(umask(old), 027);
}

static void test_path_goes_with_the_listener(void **state)
{
    struct unix_fixture *fixture = *state;
    struct stat st;

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    unix_sockets->unlisten(fixture->listener);
    assert_int_equal(lstat(fixture->path, &st), -1);
    assert_int_equal(errno, ENOENT);
}

static void test_stale_socket_is_replaced(void **state)
{
    struct unix_fixture *fixture = *state;

    leave_stale_socket(fixture);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_int_equal(connect_to(fixture, fixture->url), 0);
    fixture->client->ops->close(fixture->client);
}

static void test_live_socket_is_not_replaced(void **state)
{
    struct unix_fixture *fixture = *state;
    char expected[256];

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_int_equal(listen_with(fixture, fixture->second, fixture->url), -EADDRINUSE);
    snprintf(expected, sizeof(expected),
             "cannot listen on %s: Address already in use; another server is listening there: stop "
             "it or choose another path",
             fixture->url);
    assert_string_equal(fixture->error.text, expected);
    assert_int_equal(connect_to(fixture, fixture->url), 0);
    fixture->client->ops->close(fixture->client);
}

static void test_live_socket_with_a_full_queue_is_not_replaced(void **state)
{
    struct unix_fixture *fixture = *state;

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    syscall_fail(SYSCALL_connect, 0, 1, EAGAIN);
    assert_int_equal(listen_with(fixture, fixture->second, fixture->url), -EADDRINUSE);
    assert_int_equal(stat_of(fixture->path).st_mode & S_IFMT, S_IFSOCK);
}

static void test_socket_that_cannot_be_tried_is_not_replaced(void **state)
{
    struct unix_fixture *fixture = *state;

    leave_stale_socket(fixture);
    syscall_fail(SYSCALL_connect, 0, 1, EACCES);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), -EACCES);
    syscall_fail(SYSCALL_socket, 1, 1, EMFILE);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), -EMFILE);
    assert_int_equal(stat_of(fixture->path).st_mode & S_IFMT, S_IFSOCK);
}

static void test_file_that_is_no_socket_is_left_alone(void **state)
{
    struct unix_fixture *fixture = *state;
    int fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), -ENOTSOCK);
    assert_non_null(strstr(fixture->error.text, "a file of another kind is there"));
    assert_true(S_ISREG(stat_of(fixture->path).st_mode));
}

static void test_symbolic_link_is_not_followed(void **state)
{
    struct unix_fixture *fixture = *state;

    assert_int_equal(symlink("/nowhere/at-all", fixture->path), 0);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), -ENOTSOCK);
    assert_true(S_ISLNK(stat_of(fixture->path).st_mode));
}

static void test_unlisten_leaves_the_socket_of_another_server(void **state)
{
    struct unix_fixture *fixture = *state;

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(listen_with(fixture, fixture->second, fixture->url), 0);
    unix_sockets->unlisten(fixture->listener);
    assert_int_equal(connect_to(fixture, fixture->url), 0);
    fixture->client->ops->close(fixture->client);
}

static void test_unlisten_is_fine_where_the_path_is_gone(void **state)
{
    struct unix_fixture *fixture = *state;

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_int_equal(unlink(fixture->path), 0);
    unix_sockets->unlisten(fixture->listener);
    assert_int_equal(connect_to(fixture, fixture->url), -ENOENT);
}

static void test_longest_path_is_taken_and_a_longer_one_refused(void **state)
{
    struct unix_fixture *fixture = *state;
    char url[160];
    size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    int prefix = snprintf(url, sizeof(url), "unix:%s/", fixture->directory);

    memset(url + prefix, 'x', sizeof(url) - (size_t)prefix);
    url[sizeof("unix:") - 1 + room] = '\0';
    assert_int_equal(listen_with(fixture, fixture->listener, url), 0);
    assert_string_equal(fixture->listener->name, url);
    unix_sockets->unlisten(fixture->listener);

    memset(url + prefix, 'x', sizeof(url) - (size_t)prefix);
    url[sizeof("unix:") + room] = '\0';
    assert_int_equal(listen_with(fixture, fixture->listener, url), WEFT_ECONFIG);
    assert_non_null(strstr(fixture->error.text, "the path has 108 bytes"));
    assert_int_equal(connect_to(fixture, url), WEFT_ECONFIG);
}

static void test_host_is_no_path(void **state)
{
    struct unix_fixture *fixture = *state;

    assert_int_equal(listen_with(fixture, fixture->listener, "unix://host:1"), WEFT_ECONFIG);
    assert_string_equal(fixture->error.text,
                        "cannot listen on unix: the form is unix:PATH or unix:@NAME");
}

static void test_name_is_a_url_that_means_the_same_path(void **state)
{
    struct unix_fixture *fixture = *state;
    struct weft_url url;
    char text[128];

    snprintf(text, sizeof(text), "unix:%s/a%%3fb%%25%%20c%%0a\xc3\xa9", fixture->directory);
    assert_int_equal(listen_with(fixture, fixture->listener, text), 0);
    assert_int_equal(weft_url_parse(&url, fixture->listener->name, &fixture->error), 0);
    assert_non_null(strstr(fixture->listener->name, "/a%3Fb%25%20c%0A\xc3\xa9"));
    assert_int_equal(stat_of(url.path).st_mode, S_IFSOCK | 0600);
}

static void test_relative_path_is_of_the_working_directory(void **state)
{
    struct unix_fixture *fixture = *state;
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(here >= 0);
    assert_int_equal(chdir(fixture->directory), 0);
    assert_int_equal(listen_with(fixture, fixture->listener, "unix:socket"), 0);
    assert_string_equal(fixture->listener->name, "unix:socket");
    stat_of(fixture->path);
    unix_sockets->unlisten(fixture->listener);
    assert_int_equal(fchdir(here), 0);
    close(here);
}

static void test_missing_directory_is_told(void **state)
{
    struct unix_fixture *fixture = *state;

    assert_int_equal(listen_with(fixture, fixture->listener, "unix:/nowhere/at-all"), -ENOENT);
    assert_non_null(strstr(fixture->error.text, "unix:/nowhere/at-all"));
}

static void test_listen_holds_nothing_after_any_failing_call(void **state)
{
    static const struct {
        enum syscall_id call;
        unsigned skip;
    } calls[] = {
        {SYSCALL_socket, 0}, {SYSCALL_lstat, 0}, {SYSCALL_fchmod, 0}, {SYSCALL_bind, 0},
        {SYSCALL_lstat, 1},  {SYSCALL_open, 1},  {SYSCALL_listen, 0},
    };
    struct unix_fixture *fixture = *state;
    struct stat st;
    int next = dup(0);
    size_t i;

    close(next);
    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        syscall_fault_reset();
        syscall_fail(calls[i].call, calls[i].skip, 1, EIO);
        assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), -EIO);
        syscall_fault_reset();
        assert_int_equal(lstat(fixture->path, &st), -1);
        assert_int_equal(dup(0), next);
        close(next);
    }
}

static void test_directory_that_cannot_be_locked_does_not_matter(void **state)
{
    struct unix_fixture *fixture = *state;

    syscall_fail(SYSCALL_open, 0, 1, EACCES);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
}

static void test_stale_socket_that_cannot_be_removed_is_told(void **state)
{
    struct unix_fixture *fixture = *state;

    leave_stale_socket(fixture);
    syscall_fail(SYSCALL_unlink, 0, 1, EPERM);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), -EPERM);
}

static void test_connect_says_where_and_why(void **state)
{
    struct unix_fixture *fixture = *state;
    char expected[256];

    assert_int_equal(connect_to(fixture, fixture->url), -ENOENT);
    snprintf(expected, sizeof(expected),
             "cannot connect to %s: No such file or directory; is the server running, and is the "
             "path right?",
             fixture->url);
    assert_string_equal(fixture->error.text, expected);
    leave_stale_socket(fixture);
    assert_int_equal(connect_to(fixture, fixture->url), -ECONNREFUSED);
    assert_non_null(strstr(fixture->error.text, "is the server running?"));
}

static void test_accept_passes_on_what_the_system_refuses(void **state)
{
    struct unix_fixture *fixture = *state;
    struct weft_accepted accepted;

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    syscall_fail(SYSCALL_accept4, 0, 1, EMFILE);
    assert_int_equal(unix_sockets->accept(fixture->listener, &accepted, 0), -EMFILE);
}

static void test_stream_knows_the_process_at_its_other_end(void **state)
{
    struct unix_fixture *fixture = *state;
    struct weft_peer peer = {.uid = -1, .gid = -1, .pid = -1};

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_int_equal(connect_to(fixture, fixture->url), 0);
    fixture->client->ops->identify(fixture->client, &peer);
    assert_int_equal(peer.uid, getuid());
    assert_int_equal(peer.gid, getgid());
    assert_int_equal(peer.pid, getpid());
    fixture->client->ops->close(fixture->client);
}

/* A lock that somebody holds on the directory for a purpose of his own. */
static void test_lock_of_somebody_else_is_not_waited_for(void **state)
{
    struct unix_fixture *fixture = *state;
    int lock = open(fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    leave_stale_socket(fixture);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_int_equal(connect_to(fixture, fixture->url), 0);
    fixture->client->ops->close(fixture->client);
    close(lock);
}

static void test_lock_is_given_back_at_once(void **state)
{
    struct unix_fixture *fixture = *state;
    int lock = open(fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), 0);
    assert_true(listen_with(fixture, fixture->second, fixture->url) < 0);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    close(lock);
}

static void test_listen_where_no_file_can_be_made_is_refused_with_advice(void **state)
{
    struct unix_fixture *fixture = *state;
    char url[128], text[256];

    snprintf(url, sizeof url, "unix:%s/none/s", fixture->directory);
    snprintf(text, sizeof text,
             "cannot listen on %s: No such file or directory; there is no such folder: make it or "
             "choose another path",
             url);
    assert_int_equal(listen_with(fixture, fixture->listener, url), -ENOENT);
    assert_string_equal(fixture->error.text, text);
    syscall_fail(SYSCALL_bind, 0, 1, EACCES);
    assert_int_equal(listen_with(fixture, fixture->listener, fixture->url), -EACCES);
    assert_non_null(
        strstr(fixture->error.text, "; this user may not make files there: choose another path"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIX_TEST(test_socket_is_its_owners_alone),
        UNIX_TEST(test_process_keeps_its_umask),
        UNIX_TEST(test_path_goes_with_the_listener),
        UNIX_TEST(test_stale_socket_is_replaced),
        UNIX_TEST(test_live_socket_is_not_replaced),
        UNIX_TEST(test_live_socket_with_a_full_queue_is_not_replaced),
        UNIX_TEST(test_socket_that_cannot_be_tried_is_not_replaced),
        UNIX_TEST(test_file_that_is_no_socket_is_left_alone),
        UNIX_TEST(test_symbolic_link_is_not_followed),
        UNIX_TEST(test_unlisten_leaves_the_socket_of_another_server),
        UNIX_TEST(test_unlisten_is_fine_where_the_path_is_gone),
        UNIX_TEST(test_longest_path_is_taken_and_a_longer_one_refused),
        UNIX_TEST(test_host_is_no_path),
        UNIX_TEST(test_name_is_a_url_that_means_the_same_path),
        UNIX_TEST(test_relative_path_is_of_the_working_directory),
        UNIX_TEST(test_missing_directory_is_told),
        UNIX_TEST(test_listen_holds_nothing_after_any_failing_call),
        UNIX_TEST(test_directory_that_cannot_be_locked_does_not_matter),
        UNIX_TEST(test_stale_socket_that_cannot_be_removed_is_told),
        UNIX_TEST(test_connect_says_where_and_why),
        UNIX_TEST(test_accept_passes_on_what_the_system_refuses),
        UNIX_TEST(test_stream_knows_the_process_at_its_other_end),
        UNIX_TEST(test_lock_of_somebody_else_is_not_waited_for),
        UNIX_TEST(test_lock_is_given_back_at_once),
        UNIX_TEST(test_listen_where_no_file_can_be_made_is_refused_with_advice),
    };

    return cmocka_run_group_tests_name("unix", tests, NULL, NULL);
}
