/* SPDX-License-Identifier: MIT
 *
 * What tcp adds to the suite that all transports pass: addresses, names, and what the system can do
 * to them. The faults of a socket's calls are tested here for unix as well, which shares them. */
#include "core/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/loop.h"
#include "core/socket.h"
#include "lib/fault.h"
#include "lib/syscall_fault.h"

static const struct weft_transport *const tcp = &weft_transport_tcp;

struct fixture {
    struct weft_loop *loop;
    struct weft_listener *listener;
    struct weft_stream *client, *server;
    struct weft_error error;
    bool connected, accepted;
};

/* The stream tells readiness by stopping the loop. */
static struct fixture *current;

static void on_ready(struct weft_stream *stream, unsigned events)
{
    (void)events;
    stream->ops->want(stream, 0);
    weft_loop_stop(current->loop);
}

static void on_listener_ready(struct weft_listener *listener)
{
    (void)listener;
}

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);

    assert_non_null(p);
    return p;
}

static int setup(void **state)
{
    struct fixture *fixture = zeroed(sizeof(*fixture));

    syscall_fault_reset();
    *state = current = fixture;
    assert_int_equal(weft_loop_new(&fixture->loop, 64), 0);
    fixture->listener = zeroed(tcp->listener_size);
    fixture->listener->on_ready = on_listener_ready;
    fixture->client = zeroed(tcp->stream_size);
    fixture->server = zeroed(tcp->stream_size);
    fixture->client->on_ready = fixture->server->on_ready = on_ready;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    syscall_fault_reset();
    if (fixture->connected)
        fixture->client->ops->close(fixture->client);
    if (fixture->accepted)
        fixture->server->ops->close(fixture->server);
    tcp->unlisten(fixture->listener);
    weft_loop_free(fixture->loop);
    free(fixture->listener);
    free(fixture->client);
    free(fixture->server);
    free(fixture);
    return 0;
}

static int listen_on(struct fixture *fixture, const char *text)
{
    struct weft_url url;

    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    return tcp->listen(fixture->listener, fixture->loop, &url, &fixture->error);
}

static int connect_to(struct fixture *fixture, const char *text)
{
    struct weft_url url;
    int err;

    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    err = tcp->connect(fixture->client, fixture->loop, &url, &fixture->error);
    fixture->connected = err == 0;
    return err;
}

static int attach(struct fixture *fixture)
{
    struct weft_accepted accepted;
    int err;

    assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), 0);
    err = tcp->attach(fixture->server, fixture->loop, &accepted);
    fixture->accepted = err == 0;
    return err;
}

/* Until the client's stream says that it is connected, or has failed. */
static void wait_for_client(struct fixture *fixture)
{
    fixture->client->ops->want(fixture->client, WEFT_READABLE | WEFT_WRITABLE);
    weft_loop_run(fixture->loop);
}

static void listen_and_connect(struct fixture *fixture)
{
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
}

static ssize_t write_text(struct weft_stream *stream, const char *text)
{
    struct iovec vec = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};

    return stream->ops->writev(stream, &vec, 1);
}

static unsigned port_of(const struct fixture *fixture)
{
    return (unsigned)strtoul(strrchr(fixture->listener->name, ':') + 1, NULL, 10);
}

static void test_port_0_is_named_by_the_real_one(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    assert_memory_equal(fixture->listener->name, "tcp://127.0.0.1:", 16);
    assert_in_range(port_of(fixture), 1, 65535);
}

static void test_accepted_peer_is_named_by_address_and_port(void **state)
{
    struct fixture *fixture = *state;
    struct weft_accepted accepted;

    listen_and_connect(fixture);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), 0);
    assert_memory_equal(accepted.peer, "127.0.0.1:", 10);
    tcp->drop(&accepted);
}

/* Where the machine has no IPv6 the refusal names the address, and that is all there is to see. */
static void test_ipv6_address_is_named_in_brackets(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;

    syscall_resolve(hosts);
    assert_int_equal(listen_on(fixture, "tcp://example:0"), 0);
    assert_memory_equal(fixture->listener->name, "tcp://127.0.0.1:", 16);
}

static void test_foreign_address_is_refused_with_advice(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://192.0.2.1:9527"), -EADDRNOTAVAIL);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp://192.0.2.1:9527: Cannot assign requested address; "
                        "no interface of this machine has that address");
}

static void test_port_in_use_is_refused_with_advice(void **state)
{
    struct fixture *fixture = *state;

    syscall_fail(SYSCALL_bind, 0, 1, EADDRINUSE);
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:9527"), -EADDRINUSE);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp://127.0.0.1:9527: Address already in use; is another "
                        "server running there? stop it or choose another port");
}

static void test_name_that_does_not_resolve_is_refused(void **state)
{
    struct fixture *fixture = *state;

    syscall_fail(SYSCALL_getaddrinfo, 0, 1, EAI_NONAME);
    assert_int_equal(listen_on(fixture, "tcp://nowhere.invalid:9527"), -EADDRNOTAVAIL);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp://nowhere.invalid:9527: the host name cannot be "
                        "resolved: Name or service not known");
}

static void test_resolver_out_of_memory_is_told_as_such(void **state)
{
    struct fixture *fixture = *state;

    syscall_fail(SYSCALL_getaddrinfo, 0, 1, EAI_MEMORY);
    assert_int_equal(connect_to(fixture, "tcp://localhost:9527"), -ENOMEM);
}

static void test_resolver_refused_by_the_system_is_told_as_such(void **state)
{
    struct fixture *fixture = *state;

    syscall_fail(SYSCALL_getaddrinfo, 0, 1, EAI_SYSTEM);
    assert_int_equal(connect_to(fixture, "tcp://localhost:9527"), -EIO);
    assert_non_null(strstr(fixture->error.text, "Input/output error"));
}

static void test_path_is_no_address(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp:somewhere"), WEFT_ECONFIG);
    assert_string_equal(fixture->error.text,
                        "cannot listen on tcp:somewhere: the form is tcp://HOST:PORT");
    assert_int_equal(connect_to(fixture, "tcp:somewhere"), WEFT_ECONFIG);
}

static void test_listen_holds_nothing_after_any_failing_call(void **state)
{
    static const enum syscall_id calls[] = {SYSCALL_socket,      SYSCALL_setsockopt, SYSCALL_bind,
                                            SYSCALL_getsockname, SYSCALL_listen,     SYSCALL_open};
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;

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
    struct fixture *fixture = *state;

    listen_and_connect(fixture);
    assert_int_equal(attach(fixture), 0);
    assert_true(option_of(fixture->client, IPPROTO_TCP, TCP_NODELAY));
    assert_true(option_of(fixture->server, IPPROTO_TCP, TCP_NODELAY));
}

static void test_connecting_goes_on_to_the_next_address_when_one_refuses_at_once(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.1", NULL};
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_resolve(hosts);
    syscall_fail(SYSCALL_connect, 0, 1, ENETUNREACH);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
    assert_int_equal(write_text(fixture->client, "x"), 1);
}

static void test_connecting_goes_on_where_there_was_no_socket_for_one_address(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.1", NULL};
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_resolve(hosts);
    syscall_fail(SYSCALL_socket, 0, 1, EAFNOSUPPORT);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
    assert_int_equal(write_text(fixture->client, "x"), 1);
}

/* As with "localhost", where nobody listens on ::1. */
static void test_connecting_goes_on_to_the_next_address_when_one_refuses_later(void **state)
{
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_resolve(hosts);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
    assert_int_equal(write_text(fixture->client, "x"), 1);
    assert_int_equal(attach(fixture), 0);
}

static void test_stream_breaks_with_the_last_addresses_error(void **state)
{
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.3", NULL};
    struct fixture *fixture = *state;
    uint8_t byte;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_resolve(hosts);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
    assert_int_equal(fixture->client->ops->read(fixture->client, &byte, 1), -ECONNREFUSED);
    assert_int_equal(write_text(fixture->client, "x"), -ECONNREFUSED);
    assert_int_equal(fixture->client->ops->shutdown(fixture->client), -ECONNREFUSED);
}

static void test_stream_breaks_when_the_next_address_fails_at_once(void **state)
{
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.3", NULL};
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_resolve(hosts);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    syscall_fail(SYSCALL_connect, 0, 1, ENETUNREACH);
    wait_for_client(fixture);
    assert_int_equal(write_text(fixture->client, "x"), -ENETUNREACH);
}

/* Wanted only after the last address has refused. */
static void test_broken_stream_is_ready_whenever_it_is_wanted(void **state)
{
    struct fixture *fixture = *state;
    struct weft_stream *client = fixture->client;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    syscall_fail(SYSCALL_getsockopt, 0, 1, ENOBUFS);
    wait_for_client(fixture);
    assert_int_equal(write_text(client, "x"), -ENOBUFS);
    client->ops->want(client, WEFT_READABLE);
    client->ops->want(client, 0);
    assert_int_equal(write_text(client, "x"), -ENOBUFS);
}

static void test_nothing_passes_while_connecting(void **state)
{
    struct fixture *fixture = *state;
    struct weft_stream *client = fixture->client;
    uint8_t byte;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    assert_int_equal(client->ops->read(client, &byte, 1), -EAGAIN);
    assert_int_equal(write_text(client, "x"), -EAGAIN);
    assert_int_equal(client->ops->shutdown(client), -ENOTCONN);
}

static void test_connect_that_fails_at_once_says_where_and_why(void **state)
{
    struct fixture *fixture = *state;

    syscall_fail(SYSCALL_connect, 0, 1, ECONNREFUSED);
    assert_int_equal(connect_to(fixture, "tcp://[::1]:9527"), -ECONNREFUSED);
    assert_string_equal(fixture->error.text,
                        "cannot connect to tcp://[::1]:9527: Connection refused; is the server "
                        "running?");
}

static void test_interrupted_connect_goes_on(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_fail(SYSCALL_connect, 0, 1, EINTR);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
}

static void connect_once(void *arg)
{
    struct fixture *fixture = arg;
    int err = connect_to(fixture, fixture->listener->name);

    if (fault_failed() > 0) {
        assert_int_equal(err, -ENOMEM);
        assert_non_null(strstr(fixture->error.text, fixture->listener->name));
        return;
    }
    assert_int_equal(err, 0);
    fixture->client->ops->close(fixture->client);
    fixture->connected = false;
}

static void test_connect_survives_every_failing_allocation(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    fault_each(connect_once, fixture);
}

static void test_attach_that_fails_closes_the_handle(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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

static void test_short_counts_are_told_as_they_are(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
    struct weft_accepted accepted;

    listen_and_connect(fixture);
    syscall_fail(SYSCALL_accept4, 0, 1, EMFILE);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 1), -ECONNABORTED);
    assert_int_equal(tcp->accept(fixture->listener, &accepted, 1), -EAGAIN);
}

static void test_shed_works_again_once_the_reserve_could_be_filled(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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

static void test_stream_is_small(void **state)
{
    (void)state;
    assert_in_range(tcp->stream_size, 1, 112);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_port_0_is_named_by_the_real_one),
        TEST(test_accepted_peer_is_named_by_address_and_port),
        TEST(test_ipv6_address_is_named_in_brackets),
        TEST(test_host_name_listens_on_the_first_address_that_can_be_bound),
        TEST(test_foreign_address_is_refused_with_advice),
        TEST(test_port_in_use_is_refused_with_advice),
        TEST(test_name_that_does_not_resolve_is_refused),
        TEST(test_resolver_out_of_memory_is_told_as_such),
        TEST(test_resolver_refused_by_the_system_is_told_as_such),
        TEST(test_path_is_no_address),
        TEST(test_listen_holds_nothing_after_any_failing_call),
        TEST(test_ipv6_socket_that_would_take_ipv4_is_not_used),
        TEST(test_both_ends_send_without_delay),
        TEST(test_connecting_goes_on_to_the_next_address_when_one_refuses_at_once),
        TEST(test_connecting_goes_on_where_there_was_no_socket_for_one_address),
        TEST(test_connecting_goes_on_to_the_next_address_when_one_refuses_later),
        TEST(test_stream_breaks_with_the_last_addresses_error),
        TEST(test_stream_breaks_when_the_next_address_fails_at_once),
        TEST(test_broken_stream_is_ready_whenever_it_is_wanted),
        TEST(test_nothing_passes_while_connecting),
        TEST(test_connect_that_fails_at_once_says_where_and_why),
        TEST(test_interrupted_connect_goes_on),
        TEST(test_connect_survives_every_failing_allocation),
        TEST(test_attach_that_fails_closes_the_handle),
        TEST(test_interrupted_calls_are_repeated),
        TEST(test_errors_of_a_stream_are_passed_on),
        TEST(test_short_counts_are_told_as_they_are),
        TEST(test_accept_tells_what_the_system_refuses),
        TEST(test_peer_lost_before_it_was_accepted_is_told_as_aborted),
        TEST(test_shed_drops_the_peer_that_there_is_no_descriptor_for),
        TEST(test_shed_works_again_once_the_reserve_could_be_filled),
        TEST(test_unlisten_is_fine_without_a_reserve),
        TEST(test_stream_is_small),
    };

    return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
