/* SPDX-License-Identifier: MIT
 *
 * A folder for sockets, two listeners and a client's stream on a real loop, where every system call
 * can be made to fail. listen_with and connect_to return what the transport did. */
#ifndef WEFT_TEST_UNIX_FIXTURE_H
#define WEFT_TEST_UNIX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/syscall_fault.h"
#include "transports/transports.h"

extern const struct weft_transport *const unix_sockets;

struct unix_fixture {
    struct weft_loop *loop;
    struct weft_listener *listener, *second;
    struct weft_stream *client;
    struct weft_error error;
    char directory[32], path[64], url[80];
};

/* cmocka's fixtures; the state is a struct unix_fixture without a listener. */
int unix_setup(void **state);
int unix_teardown(void **state);

#define UNIX_TEST(function) cmocka_unit_test_setup_teardown(function, unix_setup, unix_teardown)

int listen_with(struct unix_fixture *fixture, struct weft_listener *listener, const char *url);
int connect_to(struct unix_fixture *fixture, const char *url);

#endif
