/* SPDX-License-Identifier: MIT
 *
 * A client on the virtual loop, and its peer at the other end of a scripted connection. The
 * callbacks write a text, in their order, which the tests compare:
 *
 *     connected a=hello b+first b=last c!ETIMEDOUT */
#ifndef WEFT_TEST_CLIENT_FIXTURE_H
#define WEFT_TEST_CLIENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/client.h"
#include "core/server/endpoint.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"

#define SECONDS(n) ((int64_t)(n)*1000000000)

struct client_fixture;

/* A call with a name for the log. */
struct test_call {
    struct weft_call call;
    struct client_fixture *fixture;
    const char *name;
    void (*then)(struct test_call *call); /* from done, when last; where set */
    size_t size;                          /* of the last reply */
    bool ended;
};

enum { TEST_CALLS = 512 };

struct client_fixture {
    const char *url; /* the codec of this test, from its initial state */
    struct weft_loop *loop;
    struct weft_registry registry;
    struct weft_client_options options; /* a test changes them before it connects */
    struct weft_client *client;
    struct weft_error error; /* of the last new or call */
    char log[8192];
    void (*on_connected)(struct client_fixture *f); /* from on_connect, where set */
    void (*on_room)(struct client_fixture *f);      /* from on_room, where set */

    struct script_end *peer; /* the server's end, once connected */
    struct weft_endpoint peer_endpoint;
    struct weft_codec_state peer_codec;
    char heard[8192];

    struct test_call calls[TEST_CALLS]; /* here, since they must outlive a test that fails */
    size_t call_count;
};

/* A test for each codec: raw, and length-delimited-gzip that compresses all it can. */
#define TEST_RAW(test)                                                                             \
    {                                                                                              \
#test "/raw", test, client_fixture_setup, client_fixture_teardown, client_url_raw          \
    }
#define TEST_GZIP(test)                                                                            \
    {                                                                                              \
#test "/gzip", test, client_fixture_setup, client_fixture_teardown, client_url_gzip        \
    }
#define TEST_BOTH(test) TEST_RAW(test), TEST_GZIP(test)

extern char client_url_raw[], client_url_gzip[];

int client_fixture_setup(void **state);
/* Fails where the client left a stream, a timer or memory behind. */
int client_fixture_teardown(void **state);

/* Makes the client and, on success, takes the peer's end. Runs no turn. */
int client_fixture_new(struct client_fixture *f);
/* Makes the client and runs turns until it has connected. The log is empty then. */
void client_fixture_connect(struct client_fixture *f);
void client_fixture_turns(struct client_fixture *f);
void client_fixture_advance(struct client_fixture *f, int64_t ns);

/* A call whose done writes to the log; the fixture's. */
struct test_call *test_call(struct client_fixture *f, const char *name);
/* Such a call, sent with a text; the client takes it. */
struct test_call *ask(struct client_fixture *f, const char *name, const char *text);
/* Connects and asks "1" by the call "a" and "2" by "b"; the peer has heard both. */
void connect_and_ask(struct client_fixture *f);
/* Asks the same before it has connected. */
void ask_early(struct client_fixture *f);
/* weft_client_call with a text. */
int test_call_send(struct test_call *call, const char *text);
/* Sends a call with size times the letter x. */
int test_call_send_size(struct test_call *call, size_t size);

/* The frame of a reply: into dst, which has room for all that the tests make; returns its size. */
size_t peer_frame(struct client_fixture *f, struct weft_view payload, uint8_t *dst);
/* Sends one. */
void peer_queue(struct client_fixture *f, const char *text);
/* Sends one, and lets the client read it. */
void peer_reply(struct client_fixture *f, const char *text);
/* Returns the requests that came since the last peer_heard, as text: "one two" for two of them. */
const char *peer_heard(struct client_fixture *f);

/* Compares the log and empties it. */
#define assert_log(f, text)                                                                        \
    do {                                                                                           \
        assert_string_equal((f)->log, text);                                                       \
        (f)->log[0] = '\0';                                                                        \
    } while (0)

#endif
