/* SPDX-License-Identifier: MIT
 *
 * A connection for requests that are detached or endless, with low marks. */
#ifndef TEST_LOOSE_FIXTURE_H
#define TEST_LOOSE_FIXTURE_H

#include "server_fixture.h"

enum { PUSH_HIGH = 1000, LOW = 4000, HIGH = 10000 };

struct weft__conn *only_conn(struct server_fixture *f);

/* A peer with a window of so many bytes; 0: of any size. */
struct test_peer *start(struct server_fixture *f, size_t window);

/* Ends a request with "bye". */
void say_farewell(struct probe *probe, const char *name);

#endif
