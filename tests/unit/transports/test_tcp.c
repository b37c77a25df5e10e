/* SPDX-License-Identifier: MIT
 *
 * Addresses and names that tcp listens on, and the options of its streams; the suite that all
 * transports pass has the rest. */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transports/socket.h"
#include "lib/fault.h"
#include "tcp_fixture.h"

/* In a piece of its own, for a slash and a star begin a comment to those who read only strings. */
#define STAR "*"

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
    assert_int_equal(tcp->accept(fixture->listener, &accepted, false), 0);
    assert_memory_equal(accepted.peer, "127.0.0.1:", 10);
    tcp->drop(&accepted);
}

/* On a machine without IPv6 the refusal names the address, and that is all there is to see. */
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
    assert_int_equal(tcp->accept(fixture->listener, &accepted, false), 0);
    assert_memory_equal(accepted.peer, "[::1]:", 6);
    tcp->drop(&accepted);
}

/* Connects to the listener and expects the connection to wait there. */
static void expect_served(struct tcp_fixture *fixture, struct weft_listener *listener)
{
    struct weft_accepted accepted;

    assert_int_equal(connect_to(fixture, listener->name), 0);
    wait_for_client(fixture);
    assert_int_equal(tcp->accept(listener, &accepted, false), 0);
    tcp->drop(&accepted);
    fixture->client->ops->close(fixture->client);
    fixture->connected = false;
}

static void test_host_name_listens_on_all_its_addresses_with_one_port(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.3", NULL};
    struct tcp_fixture *fixture = *state;
    struct weft_listener *at = fixture->listener;
    char name[64];

    at->owner = fixture;
    syscall_resolve(hosts);
    assert_int_equal(listen_on(fixture, "tcp://example:0"), 0);
    syscall_resolve(NULL);
    for (unsigned i = 1; i <= 3; i++, at = at->next) {
        assert_non_null(at);
        snprintf(name, sizeof name, "tcp://127.0.0.%u:%u", i, port_of(fixture));
        assert_string_equal(at->name, name);
        assert_ptr_equal(at->owner, fixture);
        assert_true(at->on_ready == fixture->listener->on_ready);
        expect_served(fixture, at);
    }
    assert_null(at);
}

/* A port that the system has just given, and that it gives to nobody else soon. */
static unsigned free_port(struct tcp_fixture *fixture)
{
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    unsigned port = port_of(fixture);
    tcp->unlisten(fixture->listener);
    return port;
}

static void test_host_name_is_refused_if_one_address_cannot_be_bound(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "192.0.2.1", NULL};
    struct tcp_fixture *fixture = *state;
    unsigned port = free_port(fixture);
    int next = dup(0);
    char url[64], text[256];

    close(next);
    syscall_resolve(hosts);
    snprintf(url, sizeof url, "tcp://example:%u", port);
    snprintf(text, sizeof text,
             "cannot listen on %s at 192.0.2.1:%u: Cannot assign requested address; no interface "
             "of this machine has that address",
             url, port);
    assert_int_equal(listen_on(fixture, url), -EADDRNOTAVAIL);
    assert_string_equal(fixture->error.text, text);
    assert_null(fixture->listener->next);
    tcp->unlisten(fixture->listener);
    assert_int_equal(dup(0), next);
    close(next);
}

static void test_host_name_is_refused_if_one_address_is_in_use(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct tcp_fixture *fixture = *state;

    unsigned port = free_port(fixture);
    char url[64], text[128];

    syscall_resolve(hosts);
    snprintf(url, sizeof url, "tcp://example:%u", port);
    snprintf(text, sizeof text, "cannot listen on %s at 127.0.0.2:%u: ", url, port);
    syscall_fail(SYSCALL_bind, 1, 1, EADDRINUSE);
    assert_int_equal(listen_on(fixture, url), -EADDRINUSE);
    assert_non_null(strstr(fixture->error.text, text));
}

static void test_port_that_is_free_at_the_first_address_alone_is_changed(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct tcp_fixture *fixture = *state;

    syscall_resolve(hosts);
    syscall_fail(SYSCALL_bind, 1, 1, EADDRINUSE);
    assert_int_equal(listen_on(fixture, "tcp://example:0"), 0);
    assert_int_equal(syscall_calls(SYSCALL_bind), 4);
    assert_non_null(fixture->listener->next);
}

static void test_search_for_a_common_port_has_an_end(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct tcp_fixture *fixture = *state;

    syscall_resolve(hosts);
    syscall_fail(SYSCALL_bind, 0, 1000, EADDRINUSE);
    assert_int_equal(listen_on(fixture, "tcp://example:0"), -EADDRINUSE);
    assert_int_equal(syscall_calls(SYSCALL_bind), 16);
}

static void test_ipv6_address_is_left_out_on_a_machine_without_ipv6(void **state)
{
    static const char *const hosts[] = {"::1", "127.0.0.1", NULL};
    struct tcp_fixture *fixture = *state;

    syscall_resolve(hosts);
    syscall_fail(SYSCALL_socket, 0, 1, EAFNOSUPPORT);
    assert_int_equal(listen_on(fixture, "tcp://localhost:0"), 0);
    assert_memory_equal(fixture->listener->name, "tcp://127.0.0.1:", 16);
    assert_null(fixture->listener->next);
    tcp->unlisten(fixture->listener);

    /* IPv6 that is switched off: neither the address nor the loopback can be bound. */
    syscall_fault_reset();
    syscall_resolve(hosts);
    syscall_fail(SYSCALL_bind, 0, 2, EADDRNOTAVAIL);
    assert_int_equal(listen_on(fixture, "tcp://localhost:0"), 0);
    assert_memory_equal(fixture->listener->name, "tcp://127.0.0.1:", 16);
    assert_null(fixture->listener->next);
}

static void test_ipv6_alone_is_refused_on_a_machine_without_ipv6(void **state)
{
    struct tcp_fixture *fixture = *state;

    syscall_fail(SYSCALL_socket, 0, 2, EAFNOSUPPORT);
    assert_int_equal(listen_on(fixture, "tcp://[::1]:0"), -EAFNOSUPPORT);
}

static void test_star_listens_on_both_families(void **state)
{
    struct tcp_fixture *fixture = *state;

    assert_int_equal(listen_on(fixture, "tcp://" STAR ":0"), 0);
    for (struct weft_listener *at = fixture->listener; at; at = at->next) {
        /* A machine without IPv6 has one address only. */
        assert_true(strncmp(at->name, "tcp://0.0.0.0:", 14) == 0 ||
                    strncmp(at->name, "tcp://[::]:", 11) == 0);
        expect_served(fixture, at);
    }
}

static void test_star_is_nothing_to_connect_to(void **state)
{
    struct tcp_fixture *fixture = *state;

    assert_int_equal(connect_to(fixture, "tcp://" STAR ":9527"), WEFT_ECONFIG);
    assert_non_null(strstr(fixture->error.text, ":9527: that is for servers; name a host"));
}

static void listen_once(void *arg)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3", NULL};
    struct tcp_fixture *fixture = arg;

    syscall_resolve(hosts);
    int err = listen_on(fixture, "tcp://example:0");
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    tcp->unlisten(fixture->listener);
}

static void test_listen_survives_every_failing_allocation(void **state)
{
    int next = dup(0);

    close(next);
    fault_each(listen_once, *state);
    assert_int_equal(dup(0), next);
    close(next);
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

static void expect_keepalive(struct weft_stream *stream, int idle, int interval)
{
    assert_int_equal(option_of(stream, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(stream, IPPROTO_TCP, TCP_KEEPIDLE), idle);
    assert_int_equal(option_of(stream, IPPROTO_TCP, TCP_KEEPINTVL), interval);
    assert_int_equal(option_of(stream, IPPROTO_TCP, TCP_KEEPCNT), 5);
}

static void test_both_ends_probe_a_silent_peer(void **state)
{
    struct tcp_fixture *fixture = *state;

    listen_and_connect(fixture);
    assert_int_equal(attach(fixture), 0);
    expect_keepalive(fixture->client, 60, 12);
    expect_keepalive(fixture->server, 60, 12);
}

static void test_keepalive_is_each_endpoints_option(void **state)
{
    struct tcp_fixture *fixture = *state;
    char url[300];

    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0?keepalive=2"), 0);
    snprintf(url, sizeof url, "%s?keepalive=off", fixture->listener->name);
    assert_int_equal(connect_to(fixture, url), 0);
    wait_for_client(fixture);
    assert_int_equal(attach(fixture), 0);
    expect_keepalive(fixture->server, 2, 1);
    assert_int_equal(option_of(fixture->client, SOL_SOCKET, SO_KEEPALIVE), 0);
}

static void test_keepalive_that_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"0", "32768", "-1", "1s", "", "on"};
    struct tcp_fixture *fixture = *state;
    char text[64], refused[160];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct weft_url url;

        snprintf(text, sizeof text, "tcp://127.0.0.1:0?keepalive=%s", bad[i]);
        snprintf(
            refused, sizeof refused,
            "cannot listen on tcp://127.0.0.1:0: keepalive=%s: it takes 1 to 32767 seconds, or "
            "off",
            bad[i]);
        assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
        assert_int_equal(tcp->check(&url, true, &fixture->error), WEFT_ECONFIG);
        assert_string_equal(fixture->error.text, refused);
        assert_int_equal(tcp->check(&url, false, &fixture->error), WEFT_ECONFIG);
        assert_int_equal(listen_on(fixture, text), WEFT_ECONFIG);
        assert_int_equal(connect_to(fixture, text), WEFT_ECONFIG);
    }
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0?keepalive=32767"), 0);
}

static void test_socket_whose_peer_cannot_be_probed_is_not_used(void **state)
{
    struct tcp_fixture *fixture = *state;

    /* SO_REUSEADDR comes first, then the four of keepalive. */
    for (unsigned skip = 1; skip <= 4; skip++) {
        syscall_fail(SYSCALL_setsockopt, skip, 1, ENOPROTOOPT);
        assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), -ENOPROTOOPT);
    }
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    /* TCP_NODELAY comes first. */
    for (unsigned skip = 0; skip <= 4; skip++) {
        syscall_fail(SYSCALL_setsockopt, skip, 1, ENOPROTOOPT);
        assert_int_equal(connect_to(fixture, fixture->listener->name), -ENOPROTOOPT);
    }
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
        TEST(test_host_name_listens_on_all_its_addresses_with_one_port),
        TEST(test_host_name_is_refused_if_one_address_cannot_be_bound),
        TEST(test_host_name_is_refused_if_one_address_is_in_use),
        TEST(test_port_that_is_free_at_the_first_address_alone_is_changed),
        TEST(test_search_for_a_common_port_has_an_end),
        TEST(test_ipv6_address_is_left_out_on_a_machine_without_ipv6),
        TEST(test_ipv6_alone_is_refused_on_a_machine_without_ipv6),
        TEST(test_star_listens_on_both_families),
        TEST(test_star_is_nothing_to_connect_to),
        TEST(test_listen_survives_every_failing_allocation),
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
        TEST(test_both_ends_probe_a_silent_peer),
        TEST(test_keepalive_is_each_endpoints_option),
        TEST(test_keepalive_that_is_no_time_is_refused),
        TEST(test_socket_whose_peer_cannot_be_probed_is_not_used),
        TEST(test_stream_is_small),
    };

    return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
