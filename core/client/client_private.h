/* SPDX-License-Identifier: MIT
 *
 * The files of this folder, each of which calls only those below it:
 *
 *      client.c   the public functions
 *      pump.c     what the loop calls: input, output, time
 *      life.c     how a connection begins and ends
 *      session.c  streams that several clients share
 *      calls.c    the calls in flight */
#ifndef WEFT_CLIENT_PRIVATE_H
#define WEFT_CLIENT_PRIVATE_H

#include <stddef.h>

#include "calls.h"
#include "core/base/buf.h"
#include "core/client.h"
#include "core/server/endpoint.h"
#include "session.h"

enum weft__client_state { WEFT__CONNECTING, WEFT__OPEN, WEFT__BROKEN };

/* The stream's memory, and the way back from the stream to its client. */
struct weft__client_link {
    struct weft_client *client;
    _Alignas(max_align_t) unsigned char stream[];
};

struct weft_client {
    struct weft_loop *loop;
    struct weft_limits limits;
    struct weft_endpoint endpoint;
    struct weft_codec_state codec;
    struct weft__client_link *link;
    struct weft__client_session
        *session;               /* owned; NULL: the URL names no multiplexer, or it is another's */
    struct weft_client *beside; /* whose session this one uses, or NULL */
    char address[256];          /* the URL without its options, for texts */
    void (*on_connect)(struct weft_client *client, int status, const struct weft_error *error);
    void (*on_room)(struct weft_client *client);
    bool (*on_push)(struct weft_client *client, struct weft_view payload);
    void *data;

    enum weft__client_state state;
    bool in_pump; /* callbacks are being called, and the memory must outlive them */
    bool closed;
    bool room_owed;  /* a call was refused for want of room, and on_room has not told of any yet */
    bool ended_idle; /* the peer ended the connection while nothing was pending */
    int end_status;  /* why the connection has ended, once it has */
    struct weft_error trouble;

    struct weft_buf in;
    size_t need; /* the size that the codec asked `in` to reach; 0: unknown */
    bool inside; /* the consumed part of the input ends inside a frame */

    struct weft_piece_pool pool;
    struct weft_chain out;
    uint64_t taken;      /* bytes that the transport has taken from us */
    uint64_t given;      /* bytes that it has given us */
    uint64_t secret_end; /* what leaves before so many bytes are taken is overwritten */
    struct weft_deferred flush;

    struct weft__calls calls;

    struct weft_timer timer;
    int64_t wake; /* when the timer fires */
    int64_t connect_deadline, connect_timeout;
    int64_t room_deadline, room_timeout; /* room_deadline: WEFT__NEVER unless room is owed */
};

/* Overwrites what is secret of the first size bytes of the output, which are about to go. */
static inline void weft__client_wipe(struct weft_client *client, size_t size)
{
    uint64_t secret = client->secret_end > client->taken ? client->secret_end - client->taken : 0;
    if (secret > 0)
        weft_chain_wipe(&client->out, size < secret ? size : (size_t)secret);
}

static inline struct weft_stream *weft__client_stream(const struct weft_client *client)
{
    return (struct weft_stream *)(void *)client->link->stream;
}

/* True if one more call may be made, as far as the limits are concerned. */
static inline bool weft__client_has_room(const struct weft_client *client)
{
    return weft__calls_pending(&client->calls) < client->limits.max_pending &&
           client->out.bytes < client->limits.output_high;
}

/* pump.c: the three entries from the loop. Callbacks come from nowhere else. */
void weft__client_on_ready(struct weft_stream *stream, unsigned events);
void weft__client_on_flush(struct weft_deferred *deferred);
void weft__client_on_timer(struct weft_timer *timer);
/* Reads what is there, for a client outside its pump that has no call pending. */
void weft__client_look(struct weft_client *client);
/* Owes the caller a call of on_room. */
void weft__client_owe_room(struct weft_client *client);
/* Makes the timer fire at deadline, unless it fires earlier anyway. */
void weft__client_wake_at(struct weft_client *client, int64_t deadline);

/* life.c. Each start returns 0, or -errno or WEFT_ECONFIG with nothing started and *error set. */
WEFT_MUST_USE int weft__client_start_codec(struct weft_client *client, struct weft_error *error);
void weft__client_stop_codec(struct weft_client *client);
WEFT_MUST_USE int weft__client_start_stream(struct weft_client *client,
                                            void (*on_ready)(struct weft_stream *, unsigned),
                                            struct weft_error *error);
/* Ends the connection: closes the stream and stops the timer. The memory, and what a callback may
 * be looking at, stay. */
void weft__client_stop_io(struct weft_client *client);
/* Ends the connection with status: stops its I/O, tells on_connect if that still waits, and ends
 * every call. Does nothing if the connection has ended already. Called within the pump only. */
void weft__client_fail(struct weft_client *client, int status, const char *fmt, ...)
    WEFT_PRINTF(3, 4);
/* Frees a client whose I/O is stopped. */
void weft__client_free(struct weft_client *client);

#endif
