/* SPDX-License-Identifier: MIT
 *
 * Connecting over tcp: names with several addresses, refusals at once and later, and what a stream
 * says that could not connect. */
#include <errno.h>
#include <unistd.h>
#include <string.h>

#include "lib/fault.h"
#include "tcp_fixture.h"

static void test_connecting_goes_on_to_the_next_address_when_one_refuses_at_once(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.1", NULL};
    struct tcp_fixture *fixture = *state;

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
    struct tcp_fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_resolve(hosts);
    syscall_fail(SYSCALL_socket, 0, 1, EAFNOSUPPORT);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
    assert_int_equal(write_text(fixture->client, "x"), 1);
}

/* "localhost" is such a name, if nobody listens on ::1. */
static void test_connecting_goes_on_to_the_next_address_when_one_refuses_later(void **state)
{
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};
    struct tcp_fixture *fixture = *state;

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
    struct tcp_fixture *fixture = *state;
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
    struct tcp_fixture *fixture = *state;

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
    struct tcp_fixture *fixture = *state;
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
    struct tcp_fixture *fixture = *state;
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
    struct tcp_fixture *fixture = *state;

    syscall_fail(SYSCALL_connect, 0, 1, ECONNREFUSED);
    assert_int_equal(connect_to(fixture, "tcp://[::1]:9527"), -ECONNREFUSED);
    assert_string_equal(fixture->error.text,
                        "cannot connect to tcp://[::1]:9527: Connection refused; is the server "
                        "running?");
}

static void test_interrupted_connect_goes_on(void **state)
{
    struct tcp_fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    syscall_fail(SYSCALL_connect, 0, 1, EINTR);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
}

static void test_addresses_that_refuse_at_once_cost_no_descriptor(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct tcp_fixture *fixture = *state;
    int next = dup(0);

    close(next);
    syscall_resolve(hosts);
    syscall_fail(SYSCALL_connect, 0, 2, ECONNREFUSED);
    assert_int_equal(connect_to(fixture, "tcp://example:9527"), -ECONNREFUSED);
    assert_int_equal(syscall_calls(SYSCALL_connect), 2);
    assert_int_equal(dup(0), next);
    close(next);
}

static void connect_once(void *arg)
{
    struct tcp_fixture *fixture = arg;
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
    struct tcp_fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    fault_each(connect_once, fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_connecting_goes_on_to_the_next_address_when_one_refuses_at_once),
        TEST(test_connecting_goes_on_where_there_was_no_socket_for_one_address),
        TEST(test_connecting_goes_on_to_the_next_address_when_one_refuses_later),
        TEST(test_stream_breaks_with_the_last_addresses_error),
        TEST(test_stream_breaks_when_the_next_address_fails_at_once),
        TEST(test_broken_stream_is_ready_whenever_it_is_wanted),
        TEST(test_nothing_passes_while_connecting),
        TEST(test_connect_that_fails_at_once_says_where_and_why),
        TEST(test_interrupted_connect_goes_on),
        TEST(test_addresses_that_refuse_at_once_cost_no_descriptor),
        TEST(test_connect_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("tcp connect", tests, NULL, NULL);
}
