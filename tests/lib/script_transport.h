/* SPDX-License-Identifier: MIT
 *
 * A transport in memory, for tests: core/transport.h without sockets, whose every chunk, short
 * write, error and stall can be told, or drawn from a seed. Its URLs are `script:NAME`, and
 * `script:NAME+NAME` to listen at several addresses. It works on either loop; all of it on one thread. Its own memory is not weft_malloc's, so a test that fails
 * allocations fails those of the code under test.
 *
 * A connection has two ends. An end is the core's, as the stream that attach or connect made, or
 * the test's, which the functions below work on. It has TCP's hard habits: who closes with bytes
 * unread resets the other end, a reset destroys what that one had not read yet, and a write to
 * a closed end is taken before the reset comes back. */
#ifndef WEFT_TEST_SCRIPT_TRANSPORT_H
#define WEFT_TEST_SCRIPT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/transport.h"

extern const struct weft_transport script_transport;

struct script_end;

/* The fate of the core's calls on its end. Zeroed: nothing happens to them. */
struct script_rules {
    size_t read_chunk, write_chunk;     /* the most bytes of one call; 0: any */
    bool random_chunks;                 /* each call takes 1 byte to the above (0: 64 KiB), drawn */
    unsigned read_eagain, write_eagain; /* each n-th call answers -EAGAIN; n > 1, or 0: none */
    size_t window;                      /* bytes that the other end has not read; 0: any number */
    int read_error, write_error;        /* after so many bytes, -ECONNRESET and the like; 0: none */
    size_t read_error_after, write_error_after;
    bool stalled;         /* no call is ready or gets anything */
    const char *protocol; /* what the two ends have negotiated; NULL: nothing */
    /* The core's end says this of the test's end: the name of a certificate, and a claim. */
    const char *subject, *credentials;
};

/* Makes the world that names and dice belong to; URLs have no room for it, so there is one at
 * a time. */
void script_begin(uint64_t seed);
/* Unmakes it. How many ends and listeners were not closed. */
size_t script_finish(void);

/* The rules that the core's ends begin with, from now on. */
void script_set_default_rules(const struct script_rules *rules);
/* The rules of the core's end that is opposite the test's. */
void script_set_rules(struct script_end *end, const struct script_rules *rules);

/* Connects to what listens at `script:NAME`: the test's end, or NULL where nobody does. */
struct script_end *script_dial(const char *name);

/* The test listens: the core can connect to `script:NAME`, and take gives the test's end of the
 * next connection, or NULL. */
void script_serve(const char *name);
struct script_end *script_take(const char *name);

/* The next `count` connects of the core fail: at once, or (late) by the first read or write. */
void script_refuse_connects(int count, bool late);
/* The next accepts at name answer err. With shed set, -EMFILE and -ENFILE cost the peer instead. */
void script_fail_accepts(const char *name, int err, int count);
/* The next attaches answer err. */
void script_fail_attaches(int err, int count);

/* Bytes towards the core: all are taken. */
void script_send(struct script_end *end, const void *data, size_t size);
/* Ends the test's direction. */
void script_shutdown(struct script_end *end);
/* Lets go of the test's end, and then with a reset in any case. */
void script_close(struct script_end *end);
void script_reset(struct script_end *end);

/* Returns what came from the core and was not consumed; valid until the loop has a turn. */
const uint8_t *script_received(const struct script_end *end, size_t *size);
void script_consume(struct script_end *end, size_t size);
/* The core ended its direction, and all before it is in script_received. */
bool script_at_eof(const struct script_end *end);
bool script_is_reset(const struct script_end *end);
/* The core has closed its end. */
bool script_is_gone(const struct script_end *end);
/* Bytes sent to the core that it has not read. */
size_t script_unread(const struct script_end *end);

#endif
