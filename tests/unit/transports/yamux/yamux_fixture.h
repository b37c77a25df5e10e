/* SPDX-License-Identifier: MIT
 *
 * A session of yamux whose peer is the test: frames are sent and looked at as bytes, over the scripted transport and
 * the virtual loop. */
#ifndef TEST_YAMUX_FIXTURE_H
#define TEST_YAMUX_FIXTURE_H

#include "core/base/buf.h"
#include "core/base/chain.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "transports/transports.h"
#include "transports/yamux/frame.h"

enum { STREAMS = 300 };

struct world;

/* A stream's owner. It reads all that comes, unless told otherwise. */
struct owner {
    struct world *world;
    struct weft_stream *stream; /* NULL: closed, or never opened */
    char peer[64];
    struct weft_buf got;
    ssize_t result; /* of the last read */
    size_t told;    /* calls of on_ready */
    bool reads;     /* takes what comes */
    size_t writes;  /* bytes that are left to be written, all 'w' */
    size_t written;
    bool closes;                /* when it is told the next time */
    bool ends_session;          /* likewise: unlisten */
    struct owner *closes_other; /* likewise: this one */
};

struct world {
    struct weft_loop *loop;
    struct weft_piece_pool pool;
    void *config;
    struct weft_listener *listener; /* NULL: it is closed */
    struct weft_stream *below;
    struct script_end *peer; /* the test's end */
    struct owner owners[STREAMS];
    size_t count;    /* of owners that had a stream */
    bool lazy;       /* does not accept by itself */
    int over;        /* what accept said at the end; 0: it has not ended */
    const char *why; /* in words */
};

/* Begins a session; options are those of a URL, as "streams=3&window=1MiB", or "". A client's peer has not taken the
 * connection before world_take. */
void world_begin(struct world *world, const char *options, bool is_server);
void world_take(struct world *world);
/* Ends everything, and frees it. */
void world_end(struct world *world);

/* Lets the loop come to rest. */
void world_run(struct world *world);

/* Sends a frame, with bytes behind it if it is DATA and `data` is not NULL. The loop does not run. */
void world_send(struct world *world, unsigned type, unsigned flags, uint32_t id, uint32_t length,
                const void *data);

/* Opens a stream of the session's own side. Returns its owner, or NULL with *error set. */
struct owner *world_dial(struct world *world, int *error);

/* Looks at the frames that the session has sent. next returns false if there is no whole one; *data is valid until the
 * next call. */
bool world_next(struct world *world, struct weft__yamux_header *header, const uint8_t **data);
/* The next frame is this one. */
void world_expect(struct world *world, unsigned type, unsigned flags, uint32_t id, uint32_t length);
/* No frame is left. */
void world_expect_nothing(struct world *world);
/* Passes over the frames that are there; returns how many were of the type and had all the flags. */
size_t world_count(struct world *world, unsigned type, unsigned flags);

void owner_want(struct owner *owner, unsigned interest);
void owner_close(struct owner *owner);
/* The owner writes so many bytes, as it is told of room. */
void owner_write(struct owner *owner, size_t size);
/* The bytes are all that has come to it. */
void owner_expect(const struct owner *owner, const char *text);

#endif
