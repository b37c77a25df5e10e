/* SPDX-License-Identifier: MIT
 *
 * A server on the virtual loop whose service does as it is told (lib/probe_service.h), and the
 * clients at the other ends of scripted connections. What a client has received becomes a text, a
 * word for each message, which the tests compare: its text where it is short, else its letter and
 * size, and `*N` where the same came N times in a row; then EOF or RESET:
 *
 *     a b x1000*3 EOF */
#ifndef WEFT_TEST_SERVER_FIXTURE_H
#define WEFT_TEST_SERVER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/conn/conn.h"
#include "core/server/server_private.h"
#include "lib/probe_service.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"

#define SECONDS(n)      ((int64_t)(n)*1000000000)
#define MILLISECONDS(n) ((int64_t)(n)*1000000)

struct server_fixture;

struct test_peer {
    struct server_fixture *fixture;
    struct script_end *end; /* NULL once closed */
    char heard[8192];
};

enum { TEST_PEERS = 1024, TEST_URLS = 4 };

struct server_fixture {
    struct weft_registry registry;
    struct weft_server_options options; /* a test changes them before it starts */
    const char *urls[TEST_URLS];
    struct weft_log log;
    struct weft_server *server;
    struct weft_loop *loop;
    struct weft__worker *worker; /* the first */
    struct weft_error error;
    struct probe probe;
    struct test_peer *peers[TEST_PEERS]; /* here, since they must outlive a test that fails */
    size_t peer_count;
};

/* A test with each codec: raw, and length-delimited-gzip that compresses all it can; and one whose
 * service has no words. */
#define TEST_RAW(test)                                                                             \
    {                                                                                              \
#test "/raw", test, server_fixture_setup, server_fixture_teardown, server_url_raw          \
    }
#define TEST_GZIP(test)                                                                            \
    {                                                                                              \
#test "/gzip", test, server_fixture_setup, server_fixture_teardown, server_url_gzip        \
    }
#define TEST_MUTE(test)                                                                            \
    {                                                                                              \
#test "/mute", test, server_fixture_setup, server_fixture_teardown, server_url_mute        \
    }
#define TEST_BOTH(test) TEST_RAW(test), TEST_GZIP(test)
/* With raw, and the allocator of lib/fault.h from the beginning. */
#define TEST_FAULT(test)                                                                           \
    {                                                                                              \
#test "/fault", test, server_fixture_setup_fault, server_fixture_teardown_fault,           \
            server_url_raw                                                                         \
    }

extern char server_url_raw[], server_url_gzip[], server_url_mute[];

/* *state: the URL. */
int server_fixture_setup(void **state);
/* Ends what has not ended, hangs up, and fails where a connection, a stream or a request is left, or
 * where a connection was not counted. */
int server_fixture_teardown(void **state);
int server_fixture_setup_fault(void **state);
int server_fixture_teardown_fault(void **state);

/* Makes the server; it listens and accepts, but has had no turn. */
void server_fixture_start(struct server_fixture *f);
/* The first two of these can fail: what new or listen answered. */
int server_fixture_try_start(struct server_fixture *f);
/* server_fixture_start, and the one client that most tests have. */
struct test_peer *serve_one(struct server_fixture *f);

/* Turns while there is something to do. */
void turns(struct server_fixture *f);
void advance(struct server_fixture *f, int64_t ns);

/* A client of script:server, or of script:NAME; peer_dial has turns until the server knows it. */
struct test_peer *peer_dial_only(struct server_fixture *f);
struct test_peer *peer_dial_at(struct server_fixture *f, const char *name);
struct test_peer *peer_dial(struct server_fixture *f);

/* Bytes, as they are. */
void peer_send(struct test_peer *peer, const void *bytes, size_t size);
/* Frames with these texts, one behind the other; then turns. */
#define peer_say(peer, ...) peer_say_all((peer), (const char *const[]){__VA_ARGS__, NULL})
void peer_say_all(struct test_peer *peer, const char *const *texts);
/* A frame without turns, as those that follow. */
void peer_queue(struct test_peer *peer, const char *text);
/* One of size bytes that begins with text. */
void peer_send_frame(struct test_peer *peer, const char *text, size_t size);
/* One's first four bytes. */
void peer_send_header(struct test_peer *peer, uint32_t header);
/* One with the gzip bit whose payload is no gzip. */
void peer_send_malformed(struct test_peer *peer);
/* A frame of size bytes that begins with text, into dst (NULL: only its size); its size. */
size_t peer_frame(uint8_t *dst, const char *text, size_t size);
/* Ends the client's side, or all of it. */
void peer_shutdown(struct test_peer *peer);
void peer_close(struct test_peer *peer);
void peer_reset(struct test_peer *peer);

/* Returns what has come since the last call. Valid until the next. */
const char *peer_hear(struct test_peer *peer);

/* Turns, and then compares. */
#define assert_heard(peer, text)                                                                   \
    do {                                                                                           \
        struct test_peer *heard_peer = (peer);                                                     \
        turns(heard_peer->fixture);                                                                \
        assert_string_equal(peer_hear(heard_peer), text);                                          \
    } while (0)

/* Compares the service's log and empties it. */
#define assert_noted(f, text)                                                                      \
    do {                                                                                           \
        assert_string_equal((f)->probe.log, text);                                                 \
        (f)->probe.log[0] = '\0';                                                                  \
    } while (0)

/* Return how many connections have ended for a reason, and in all. */
uint64_t closed_for(struct server_fixture *f, enum weft_reason reason);
uint64_t closed(struct server_fixture *f);

#endif
