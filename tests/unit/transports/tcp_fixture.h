/* SPDX-License-Identifier: MIT
 *
 * A tcp listener and a connection to it on a real loop, where every system call can be made to
 * fail. The functions that return an int answer what the transport did. */
#ifndef WEFT_TEST_TCP_FIXTURE_H
#define WEFT_TEST_TCP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transports/transports.h"
#include "lib/syscall_fault.h"

extern const struct weft_transport *const tcp;

struct tcp_fixture {
    struct weft_loop *loop;
    struct weft_listener *listener;
    struct weft_stream *client, *server;
    struct weft_error error;
    bool connected, accepted;
};

/* cmocka's fixtures; the state is a struct tcp_fixture without a listener. */
int tcp_setup(void **state);
int tcp_teardown(void **state);

#define TEST(function) cmocka_unit_test_setup_teardown(function, tcp_setup, tcp_teardown)

int listen_on(struct tcp_fixture *fixture, const char *url);
int connect_to(struct tcp_fixture *fixture, const char *url);
/* Accepts, and attaches to the server's stream. */
int attach(struct tcp_fixture *fixture);
/* Turns until the client's stream says that it is connected, or has failed. */
void wait_for_client(struct tcp_fixture *fixture);
/* All of it, where nothing fails: the peer waits to be accepted. */
void listen_and_connect(struct tcp_fixture *fixture);

ssize_t write_text(struct weft_stream *stream, const char *text);

#endif
