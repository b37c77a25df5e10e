/* SPDX-License-Identifier: MIT
 *
 * Shared by the topics of the transport suite: a listener, the two ends of one connection, and a
 * loop that has turns until a test's step says that it is done. Private to the suite. */
#ifndef WEFT_TEST_TRANSPORT_SUITE_WORLD_H
#define WEFT_TEST_TRANSPORT_SUITE_WORLD_H

#include <stdbool.h>

#include "core/loop.h"
#include "core/transport.h"

/* The topics beside the suite's own: each runs its group and returns how many failed. */
int transport_suite__run_ends(const char *name);
int transport_suite__run_listeners(const char *name);
int transport_suite__run_readiness(const char *name);

/* One end of the connection under test. */
struct side {
    struct suite *suite;
    void (*ready)(struct side *side, unsigned events); /* NULL: only counted */
    int calls;
    unsigned events; /* of the last call */
    bool open;
    size_t sent, received;
    uint8_t buf[256];
    struct weft_stream *stream;
};

struct suite {
    const struct weft_transport *transport;
    struct weft_url url, name;
    struct weft_loop *loop;
    struct weft_listener *listener;
    bool listening;
    int listener_calls;
    int turns;
    struct weft_deferred every_turn;
    bool (*step)(struct suite *suite); /* once a turn until it is true */
    int stage;
    struct side client, server;
};

/* Which transport the tests are of, and where it listens. Borrowed. */
void suite_choose(const struct weft_transport *transport, const char *url);

/* cmocka's fixtures; the state is a struct suite that listens. */
int suite_setup(void **state);
int suite_teardown(void **state);

#define SUITE_TEST(function) cmocka_unit_test_setup_teardown(function, suite_setup, suite_teardown)

/* Has turns, and calls step in each until it answers true. */
void suite_run(struct suite *suite, bool (*step)(struct suite *suite));

void *suite_zeroed(size_t size);
void suite_unlisten(struct suite *suite);
void suite_connect(struct suite *suite);
/* True once the server has its end, which it asks for in each call. */
bool suite_accept(struct suite *suite);

/* Stages below this one make the connection. */
enum { CONNECTED = 10 };

/* True from the turn on in which both ends are there. */
bool suite_connected(struct suite *suite);
/* A step: one message each way. */
bool suite_exchange(struct suite *suite);

/* Sets the interest, which must call nothing back. */
void side_want(struct side *side, unsigned interest);
/* Closing once more is fine. */
void side_close(struct side *side);
void side_reset(struct side *side);
/* Text goes as a whole or not at all. */
bool side_say(struct side *side, const char *text);
/* Reads on, and answers what read did. */
ssize_t side_hear(struct side *side);
/* True once all of the text has come, and nothing else. */
bool side_heard(struct side *side, const char *text);
bool side_heard_end(struct side *side);

#endif
