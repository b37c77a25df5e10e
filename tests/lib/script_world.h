/* SPDX-License-Identifier: MIT
 *
 * Shared by the two sides of the scripted transport: script_transport.c is the core's,
 * script_peer.c the test's. */
#ifndef WEFT_TEST_SCRIPT_WORLD_H
#define WEFT_TEST_SCRIPT_WORLD_H

#include "core/loop.h"
#include "random.h"
#include "script_transport.h"

struct script_bytes {
    uint8_t *data;
    size_t begin, end, capacity;
};

struct script_stream {
    struct weft_stream base;
    struct weft_loop *loop;
    struct weft_deferred told; /* the call of on_ready to come */
    struct script_end *end;
    unsigned interest;
    bool connected;
};

struct script_end {
    struct script_pair *pair;
    struct script_end *other, *next; /* next: in a port's queue */
    struct script_stream *stream;    /* the core's; NULL at the test's, and while nobody has it */
    struct script_bytes inbound;
    bool ended; /* no more bytes come after inbound */
    bool shut;  /* no more bytes go out */
    bool closed;
    int error;
    struct script_rules rules;
    unsigned reads, writes;
    size_t bytes_read, bytes_written;
};

struct script_pair {
    struct script_end ends[2];
};

struct script_listener {
    struct weft_listener base;
    struct weft_loop *loop;
    struct weft_deferred told;
    struct script_port *port; /* NULL: not listening */
    struct script_listener
        *lender; /* the one whose socket it shares, while that listens; or NULL */
    bool enabled;
};

/* A name, which the core or the test listens at. */
struct script_port {
    struct script_port *next;
    struct script_listener *listener;
    bool served;
    struct script_end *queue;
    int accept_error, accept_errors;
    char name[];
};

struct script_world {
    struct script_port *ports;
    struct script_rules rules;
    struct test_random random;
    size_t open; /* ends and listeners */
    int refusals, attach_error, attach_errors;
    bool refuse_late;
};
extern struct script_world script__world;

size_t script__size(const struct script_bytes *bytes);
void script__clear(struct script_bytes *bytes);

/* NULL where there is none of that name; the second makes it then. */
struct script_port *script__find_port(const char *name);
struct script_port *script__need_port(const char *name);

/* Two ends that are connected with each other; the first. */
struct script_end *script__pair(void);
/* Puts an end behind the others that wait at a port, and takes the first, or NULL. */
void script__enqueue(struct script_port *port, struct script_end *end);
struct script_end *script__dequeue(struct script_port *port);

/* Something about it changed: the core is to look, if it is the core's. */
void script__notify(struct script_end *end);
void script__notify_listener(struct script_port *port);

/* Bytes from end to the other one, size of those that vec has. */
void script__move(struct script_end *end, const struct iovec *vec, size_t size);
/* No more bytes from end. */
void script__shut(struct script_end *end);
/* An end hears that the other one reset it. */
void script__reset(struct script_end *end);
void script__close(struct script_end *end, bool with_reset);

#endif
