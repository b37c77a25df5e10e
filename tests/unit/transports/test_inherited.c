/* SPDX-License-Identifier: MIT
 *
 * Listening sockets that a process was given: which of them a listener takes, and what happens where that fails.
 * test_service.py has what real managers pass. */
#include "tcp_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct weft_inherited items[3];
static struct weft_inheritance inheritance = {.items = items};

/* Adds a listening socket of loopback, and returns its port. */
static int inherit(size_t at, bool kept)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    items[at] = (struct weft_inherited){.handle = fd, .kept = kept};
    inheritance.count = at + 1;
    return ntohs(address.sin_port);
}

static int listen_at_port(struct tcp_fixture *fixture, int port)
{
    char url[64];
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    fixture->listener->inheritance = &inheritance;
    return listen_on(fixture, url);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void test_listener_takes_the_socket_of_its_address(void **state)
{
    struct tcp_fixture *fixture = *state;
    char name[64];
    int other = inherit(0, true), port = inherit(1, true);
    assert_int_not_equal(other, port);
    assert_int_equal(listen_at_port(fixture, port), 0);
    assert_false(items[0].taken);
    assert_true(items[1].taken);
    assert_true(fixture->listener->inherited);
    assert_true(fixture->listener->kept);
    assert_int_equal(fixture->listener->handle, items[1].handle);
    snprintf(name, sizeof name, "tcp://127.0.0.1:%d", port);
    assert_string_equal(fixture->listener->name, name);
    assert_true(fcntl((int)items[1].handle, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl((int)items[1].handle, F_GETFD) & FD_CLOEXEC);
    close((int)items[0].handle);
}

static void test_port_0_takes_any_port_of_the_address(void **state)
{
    struct tcp_fixture *fixture = *state;
    int port = inherit(0, false);
    char name[64];
    assert_int_equal(listen_at_port(fixture, 0), 0);
    snprintf(name, sizeof name, "tcp://127.0.0.1:%d", port);
    assert_string_equal(fixture->listener->name, name);
    assert_false(fixture->listener->kept);
}

static void test_socket_that_is_taken_is_nobody_elses(void **state)
{
    struct tcp_fixture *fixture = *state;
    inherit(0, false);
    items[0].taken = true;
    assert_int_equal(listen_at_port(fixture, 0), 0);
    assert_false(fixture->listener->inherited);
    close((int)items[0].handle);
}

static void test_socket_of_another_kind_is_left(void **state)
{
    struct tcp_fixture *fixture = *state;
    inherit(0, false);
    close((int)items[0].handle);
    assert_int_equal(listen_at_port(fixture, 0), 0);
    assert_false(items[0].taken);
}

static void expect_failure(struct tcp_fixture *fixture, enum syscall_id call, unsigned skip)
{
    int port = inherit(0, false);
    syscall_fail(call, skip, 1, ENOBUFS);
    assert_int_equal(listen_at_port(fixture, port), -ENOBUFS);
    syscall_fault_reset();
}

static void test_socket_is_the_givers_where_it_cannot_be_taken(void **state)
{
    expect_failure(*state, SYSCALL_setsockopt, 0);
    assert_true(is_open((int)items[0].handle));
    close((int)items[0].handle);
    expect_failure(*state, SYSCALL_listen, 0);
    assert_true(is_open((int)items[0].handle));
    close((int)items[0].handle);
}

static void test_socket_without_a_name_is_closed(void **state)
{
    expect_failure(*state, SYSCALL_getsockname, 1);
    assert_false(is_open((int)items[0].handle));
}

/* A listener for a path, and the socket of it. */
struct unix_case {
    struct weft_listener *listener;
    struct weft_url url;
    char folder[32], path[64];
};

static void set_up_unix(struct unix_case *unix_case, bool kept)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct weft_error error;
    char text[80];
    strcpy(unix_case->folder, "/tmp/weft-test-XXXXXX");
    assert_non_null(mkdtemp(unix_case->folder));
    snprintf(unix_case->path, sizeof unix_case->path, "%s/socket", unix_case->folder);
    strcpy(address.sun_path, unix_case->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    items[0] = (struct weft_inherited){.handle = fd, .kept = kept};
    inheritance.count = 1;
    snprintf(text, sizeof text, "unix:%s", unix_case->path);
    assert_int_equal(weft_url_parse(&unix_case->url, text, &error), 0);
    unix_case->listener = calloc(1, weft_transport_unix.listener_size);
    assert_non_null(unix_case->listener);
    unix_case->listener->inheritance = &inheritance;
}

static void tear_down_unix(struct unix_case *unix_case)
{
    free(unix_case->listener);
    unlink(unix_case->path);
    assert_int_equal(rmdir(unix_case->folder), 0);
}

static void unlisten_leaves_file(struct tcp_fixture *fixture, bool kept)
{
    struct unix_case unix_case;
    struct stat st;
    set_up_unix(&unix_case, kept);
    assert_int_equal(weft_transport_unix.listen(unix_case.listener, fixture->loop, &unix_case.url,
                                                &fixture->error),
                     0);
    assert_true(unix_case.listener->inherited);
    weft_transport_unix.unlisten(unix_case.listener);
    assert_false(is_open((int)items[0].handle));
    assert_int_equal(stat(unix_case.path, &st), kept ? 0 : -1);
    tear_down_unix(&unix_case);
}

static void test_file_of_a_socket_goes_unless_the_giver_keeps_it(void **state)
{
    unlisten_leaves_file(*state, true);
    unlisten_leaves_file(*state, false);
}

/* Nobody can connect to a socket whose file is gone, so a new one is made. */
static void test_socket_whose_file_is_gone_is_left(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct unix_case unix_case;
    set_up_unix(&unix_case, true);
    unlink(unix_case.path);
    assert_int_equal(weft_transport_unix.listen(unix_case.listener, fixture->loop, &unix_case.url,
                                                &fixture->error),
                     0);
    assert_false(unix_case.listener->inherited);
    weft_transport_unix.unlisten(unix_case.listener);
    close((int)items[0].handle);
    tear_down_unix(&unix_case);
}

static void test_unix_socket_is_the_givers_where_it_cannot_be_taken(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct unix_case unix_case;
    set_up_unix(&unix_case, true);
    syscall_fail(SYSCALL_listen, 0, 1, ENOBUFS);
    assert_int_equal(weft_transport_unix.listen(unix_case.listener, fixture->loop, &unix_case.url,
                                                &fixture->error),
                     -ENOBUFS);
    assert_true(is_open((int)items[0].handle));
    close((int)items[0].handle);
    tear_down_unix(&unix_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listener_takes_the_socket_of_its_address),
        TEST(test_port_0_takes_any_port_of_the_address),
        TEST(test_socket_that_is_taken_is_nobody_elses),
        TEST(test_socket_of_another_kind_is_left),
        TEST(test_socket_is_the_givers_where_it_cannot_be_taken),
        TEST(test_socket_without_a_name_is_closed),
        TEST(test_file_of_a_socket_goes_unless_the_giver_keeps_it),
        TEST(test_socket_whose_file_is_gone_is_left),
        TEST(test_unix_socket_is_the_givers_where_it_cannot_be_taken),
    };
    return cmocka_run_group_tests_name("inherited sockets", tests, NULL, NULL);
}
