/* SPDX-License-Identifier: MIT
 *
 * Failures of the system calls of a socket that listens or is connected. Through tcp, and for
 * unix as well, which shares them. */
#include <errno.h>
#include <unistd.h>

#include "core/peer.h"
#include "tcp_fixture.h"

static void test_attach_that_fails_closes_the_handle(void **state)
{
    struct tcp_fixture *fixture = *state;
    int next;

    listen_and_connect(fixture);
    next = dup(0);
    close(next);
    syscall_fail(SYSCALL_setsockopt, 0, 1, EINVAL);
    assert_int_equal(attach(fixture), -EINVAL);
    assert_int_equal(dup(0), next);
    close(next);
}

static void test_interrupted_calls_are_repeated(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_stream *client = fixture->client;
    struct iovec two[2] = {{(void *)(uintptr_t) "a", 1}, {(void *)(uintptr_t) "b", 1}};
    uint8_t byte;

    listen_and_connect(fixture);
    syscall_fail(SYSCALL_accept4, 0, 2, EINTR);
    assert_int_equal(attach(fixture), 0);
    syscall_fail(SYSCALL_send, 0, 2, EINTR);
    assert_int_equal(write_text(client, "x"), 1);
    syscall_fail(SYSCALL_sendmsg, 0, 2, EINTR);
    assert_int_equal(client->ops->writev(client, two, 2), 2);
    syscall_fail(SYSCALL_recv, 0, 2, EINTR);
    assert_int_equal(fixture->server->ops->read(fixture->server, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(syscall_calls(SYSCALL_recv), 3);
}

static void test_errors_of_a_stream_are_passed_on(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_stream *client = fixture->client;
    struct iovec two[2] = {{(void *)(uintptr_t) "a", 1}, {(void *)(uintptr_t) "b", 1}};
    uint8_t byte;

    listen_and_connect(fixture);
    syscall_fail(SYSCALL_send, 0, 1, ENOBUFS);
    assert_int_equal(write_text(client, "x"), -ENOBUFS);
    syscall_fail(SYSCALL_sendmsg, 0, 1, EPIPE);
    assert_int_equal(client->ops->writev(client, two, 2), -EPIPE);
    syscall_fail(SYSCALL_recv, 0, 1, ETIMEDOUT);
    assert_int_equal(client->ops->read(client, &byte, 1), -ETIMEDOUT);
    syscall_fail(SYSCALL_shutdown, 0, 1, ENOTCONN);
    assert_int_equal(client->ops->shutdown(client), -ENOTCONN);
}

/* If a network was broken meanwhile, the system may deliver what it has taken long after a close. */
static void test_reset_takes_back_what_the_peer_has_not_got(void **state)
{
    struct tcp_fixture *fixture = *state;
    static uint8_t bytes[65536];
    struct iovec vec = {bytes, sizeof bytes};
    size_t written = 0, received = 0;
    ssize_t n;

    listen_and_connect(fixture);
    assert_int_equal(attach(fixture), 0);
    while ((n = fixture->client->ops->writev(fixture->client, &vec, 1)) > 0)
        written += (size_t)n;
    assert_int_equal(n, -EAGAIN);
    fixture->connected = false;
    weft_stream_reset(fixture->client);
    while ((n = fixture->server->ops->read(fixture->server, bytes, sizeof bytes)) > 0)
        received += (size_t)n;
    assert_int_equal(n, -ECONNRESET);
    assert_true(received < written);
}

static void test_short_counts_are_told_as_they_are(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_stream *client = fixture->client;
    struct iovec two[2] = {{(void *)(uintptr_t) "abc", 3}, {(void *)(uintptr_t) "def", 3}};

    listen_and_connect(fixture);
    syscall_cap(2);
    assert_int_equal(write_text(client, "hello"), 2);
    assert_int_equal(client->ops->writev(client, two, 2), 2);
}

static void test_accept_tells_what_the_system_refuses(void **state)
{
    static const int refused[] = {EMFILE, ENFILE, ENOMEM};
    struct tcp_fixture *fixture = *state;
    struct weft_accepted accepted;
    size_t i;

    listen_and_connect(fixture);
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        syscall_fail(SYSCALL_accept4, 0, 1, refused[i]);
        assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), -refused[i]);
    }
    syscall_fail(SYSCALL_accept4, 0, 1, ENOBUFS);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), -ENOMEM);
    assert_int_equal(attach(fixture), 0);
}

static void test_peer_lost_before_it_was_accepted_is_told_as_aborted(void **state)
{
    static const int lost[] = {ECONNABORTED, EPERM,        EPROTO,    ENOPROTOOPT,
                               EOPNOTSUPP,   ENETDOWN,     ENONET,    ENETUNREACH,
                               EHOSTDOWN,    EHOSTUNREACH, ETIMEDOUT, ECONNABORTED};
    struct tcp_fixture *fixture = *state;
    struct weft_accepted accepted;
    size_t i;

    listen_and_connect(fixture);
    for (i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        syscall_fail(SYSCALL_accept4, 0, 1, lost[i]);
        assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), -ECONNABORTED);
    }
}

static void test_shed_drops_the_peer_that_there_is_no_descriptor_for(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_accepted accepted;

    listen_and_connect(fixture);
    syscall_fail(SYSCALL_accept4, 0, 1, EMFILE);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 1), -ECONNABORTED);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 1), -EAGAIN);
}

static void test_shed_works_again_once_the_reserve_could_be_filled(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_accepted accepted;

    listen_and_connect(fixture);
    syscall_fail(SYSCALL_accept4, 0, 2, EMFILE);
    syscall_fail(SYSCALL_open, 0, 1, EMFILE);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 1), -EMFILE);
    syscall_fail(SYSCALL_accept4, 0, 1, EMFILE);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 1), -ECONNABORTED);
}

static void test_unlisten_is_fine_without_a_reserve(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_accepted accepted;
    int next;

    next = dup(0);
    close(next);
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_fail(SYSCALL_accept4, 0, 2, EMFILE);
    syscall_fail(SYSCALL_open, 0, 1, EMFILE);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 1), -EMFILE);
    tcp->unlisten(fixture->listener);
    assert_int_equal(dup(0), next);
    close(next);
}

/* TCP proves nothing of whom it connects. */
static void test_stream_of_tcp_knows_no_process(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_peer peer = {.uid = -1, .gid = -1, .pid = -1};

    listen_and_connect(fixture);
    assert_int_equal(attach(fixture), 0);
    fixture->server->ops->identify(fixture->server, &peer);
    assert_true(peer.uid == -1 && peer.gid == -1 && peer.pid == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_attach_that_fails_closes_the_handle),
        TEST(test_interrupted_calls_are_repeated),
        TEST(test_errors_of_a_stream_are_passed_on),
        TEST(test_reset_takes_back_what_the_peer_has_not_got),
        TEST(test_short_counts_are_told_as_they_are),
        TEST(test_accept_tells_what_the_system_refuses),
        TEST(test_peer_lost_before_it_was_accepted_is_told_as_aborted),
        TEST(test_shed_drops_the_peer_that_there_is_no_descriptor_for),
        TEST(test_shed_works_again_once_the_reserve_could_be_filled),
        TEST(test_unlisten_is_fine_without_a_reserve),
        TEST(test_stream_of_tcp_knows_no_process),
    };

    return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
