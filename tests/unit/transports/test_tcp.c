/* SPDX-License-Identifier: MIT
 *
 * What tcp adds to the suite that all transports pass: addresses and names to listen on, and what
 * a stream of it is. */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transports/socket.h"
#include "tcp_fixture.h"

static unsigned port_of(const struct tcp_fixture *fixture)
{
    return (unsigned)strtoul(strrchr(fixture->listener->name, ':') + 1, NULL, 10);
}

static void test_port_0_is_named_by_the_real_one(void **state)
{
    struct tcp_fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    assert_memory_equal(fixture->listener->name, "tcp://127.0.0.1:", 16);
    assert_in_range(port_of(fixture), 1, 65535);
}

static void test_accepted_peer_is_named_by_address_and_port(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_accepted accepted;

    listen_and_connect(fixture);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), 0);
    assert_memory_equal(accepted.peer, "127.0.0.1:", 10);
    tcp->drop(&accepted);
}

/* Where the machine has no IPv6 the refusal names the address, and that is all there is to see. */
static void test_ipv6_address_is_named_in_brackets(void **state)
{
    struct tcp_fixture *fixture = *state;
    struct weft_accepted accepted;

    if (listen_on(fixture, "tcp://[::1]:0") < 0) {
        assert_non_null(strstr(fixture->error.text, "tcp://[::1]:0"));
        return;
    }
    assert_memory_equal(fixture->listener->name, "tcp://[::1]:", 12);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), 0);
    assert_memory_equal(accepted.peer, "[::1]:", 6);
    tcp->drop(&accepted);
}

static void test_host_name_listens_on_the_first_address_that_can_be_bound(void **state)
{
    static const char *const hosts[] = {"192.0.2.1", "127.0.0.1", NULL};
    struct tcp_fixture *fixture = *state;

    syscall_resolve(hosts);
    assert_int_equal(listen_on(fixture, "tcp://example:0"), 0);
    assert_memory_equal(fixture->listener->name, "tcp://127.0.0.1:", 16);
}

static void test_foreign_address_is_refused_with_advice(void **state)
{
    struct tcp_fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://192.0.2.1:9527"), -EADDRNOTAVAIL);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp://192.0.2.1:9527: Cannot assign requested address; "
                        "no interface of this machine has that address");
}

static void test_port_in_use_is_refused_with_advice(void **state)
{
    struct tcp_fixture *fixture = *state;

    syscall_fail(SYSCALL_bind, 0, 1, EADDRINUSE);
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:9527"), -EADDRINUSE);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp://127.0.0.1:9527: Address already in use; is another "
                        "server running there? stop it or choose another port");
}

static void test_port_for_the_privileged_is_refused_with_advice(void **state)
{
    struct tcp_fixture *fixture = *state;

    syscall_fail(SYSCALL_bind, 0, 1, EACCES);
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:80"), -EACCES);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp://127.0.0.1:80: Permission denied; ports below 1024 "
                        "need privileges: choose another port");
}

static void test_name_that_does_not_resolve_is_refused(void **state)
{
    struct tcp_fixture *fixture = *state;

    syscall_fail(SYSCALL_getaddrinfo, 0, 1, EAI_NONAME);
    assert_int_equal(listen_on(fixture, "tcp://nowhere.invalid:9527"), -EADDRNOTAVAIL);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp://nowhere.invalid:9527: the host name cannot be "
                        "resolved: Name or service not known");
}

static void test_resolver_out_of_memory_is_told_as_such(void **state)
{
    struct tcp_fixture *fixture = *state;

    syscall_fail(SYSCALL_getaddrinfo, 0, 1, EAI_MEMORY);
    assert_int_equal(connect_to(fixture, "tcp://localhost:9527"), -ENOMEM);
}

static void test_resolver_refused_by_the_system_is_told_as_such(void **state)
{
    struct tcp_fixture *fixture = *state;

    syscall_fail(SYSCALL_getaddrinfo, 0, 1, EAI_SYSTEM);
    assert_int_equal(connect_to(fixture, "tcp://localhost:9527"), -EIO);
    assert_non_null(strstr(fixture->error.text, "Input/output error"));
}

static void test_path_is_no_address(void **state)
{
    struct tcp_fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp:somewhere"), WEFT_ECONFIG);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp:somewhere: the form is tcp://HOST:PORT");
    assert_int_equal(connect_to(fixture, "tcp:somewhere"), WEFT_ECONFIG);
}

static void test_listen_holds_nothing_after_any_failing_call(void **state)
{
    static const enum syscall_id calls[] = {SYSCALL_socket,      SYSCALL_setsockopt, SYSCALL_bind,
                                            SYSCALL_getsockname, SYSCALL_listen,     SYSCALL_open};
    struct tcp_fixture *fixture = *state;
    int next = dup(0);
    size_t i;

    close(next);
    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        syscall_fail(calls[i], 0, 1, EMFILE);
        assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), -EMFILE);
        tcp->unlisten(fixture->listener);
        assert_int_equal(dup(0), next);
        close(next);
    }
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
}

static void test_ipv6_socket_that_would_take_ipv4_is_not_used(void **state)
{
    struct tcp_fixture *fixture = *state;

    /* The first option is SO_REUSEADDR, the second IPV6_V6ONLY. */
    syscall_fail(SYSCALL_setsockopt, 1, 1, ENOPROTOOPT);
    assert_true(listen_on(fixture, "tcp://[::1]:0") < 0);
}

static int option_of(struct weft_stream *stream, int level, int name)
{
    /* Streams of tcp begin with what all sockets share. */
    struct weft__socket_stream *socket = (struct weft__socket_stream *)(void *)stream;
    socklen_t size = sizeof(int);
    int value = 0;

    assert_int_equal(getsockopt(socket->fd, level, name, &value, &size), 0);
    return value;
}

static void test_both_ends_send_without_delay(void **state)
{
    struct tcp_fixture *fixture = *state;

    listen_and_connect(fixture);
    assert_int_equal(attach(fixture), 0);
    assert_true(option_of(fixture->client, IPPROTO_TCP, TCP_NODELAY));
    assert_true(option_of(fixture->server, IPPROTO_TCP, TCP_NODELAY));
}

static void test_stream_is_small(void **state)
{
    (void)state;
    assert_in_range(tcp->stream_size, 1, 112);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_port_0_is_named_by_the_real_one),
        TEST(test_accepted_peer_is_named_by_address_and_port),
        TEST(test_ipv6_address_is_named_in_brackets),
        TEST(test_host_name_listens_on_the_first_address_that_can_be_bound),
        TEST(test_foreign_address_is_refused_with_advice),
        TEST(test_port_in_use_is_refused_with_advice),
        TEST(test_port_for_the_privileged_is_refused_with_advice),
        TEST(test_name_that_does_not_resolve_is_refused),
        TEST(test_resolver_out_of_memory_is_told_as_such),
        TEST(test_resolver_refused_by_the_system_is_told_as_such),
        TEST(test_path_is_no_address),
        TEST(test_listen_holds_nothing_after_any_failing_call),
        TEST(test_ipv6_socket_that_would_take_ipv4_is_not_used),
        TEST(test_both_ends_send_without_delay),
        TEST(test_stream_is_small),
    };

    return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
