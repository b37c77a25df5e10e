/* SPDX-License-Identifier: MIT
 *
 * What client.c (its face and its life) and client_pump.c (its input, output and time) share.
 *
 * Calls stand in a ring in the order of the wire and are counted, never renumbered:
 *
 *      head                 unsent                tail
 *       |  sent, replies due   |  still in `out`    |
 *
 * A call that is done before its last reply came leaves its slot in place with no call in it, so
 * that the replies behind it still meet their own. */
#ifndef WEFT_CLIENT_INTERNAL_H
#define WEFT_CLIENT_INTERNAL_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/client.h"
#include "core/server/endpoint.h"

#define WEFT__NEVER INT64_MAX

struct weft__client_slot {
    struct weft_call *call; /* NULL: done already, what comes is dropped */
    uint64_t begin;         /* how many bytes were sent before its first */
    int64_t deadline;       /* WEFT__NEVER: none */
    uint32_t replies_due;
};

enum weft__client_state { WEFT__CONNECTING, WEFT__OPEN, WEFT__BROKEN };

/* The stream's memory with the way back to the client. */
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
    char address[256]; /* the URL without its options, for texts */
    void (*on_connect)(struct weft_client *client, int status, const struct weft_error *error);
    void *data;

    enum weft__client_state state;
    bool in_pump; /* callbacks are being called: memory must outlive them */
    bool closed;
    struct weft_error trouble;

    struct weft_buf in;
    size_t need; /* what the codec asked `in` to reach; 0: unknown */
    bool inside; /* what was consumed of the input ends inside a frame */

    struct weft_piece_pool pool;
    struct weft_chain out;
    uint64_t taken; /* bytes the transport took since the beginning */
    uint64_t given; /* bytes it gave us */
    struct weft_deferred flush;

    struct weft__client_slot *slots;
    size_t slot_capacity; /* a power of two, or 0 */
    uint64_t head, unsent, tail;

    struct weft_timer timer;
    int64_t wake; /* when the timer fires */
    int64_t connect_deadline, connect_timeout;
};

static inline struct weft_stream *weft__client_stream(const struct weft_client *client)
{
    return (struct weft_stream *)(void *)client->link->stream;
}

static inline struct weft__client_slot *weft__client_slot(const struct weft_client *client,
                                                          uint64_t number)
{
    return &client->slots[number & (client->slot_capacity - 1)];
}

/* client_pump.c: the three entries from the loop, the only places that callbacks come from. */
void weft__client_on_ready(struct weft_stream *stream, unsigned events);
void weft__client_on_flush(struct weft_deferred *deferred);
void weft__client_on_timer(struct weft_timer *timer);
/* Has the timer fire at deadline, or earlier where it does already. */
void weft__client_wake_at(struct weft_client *client, int64_t deadline);

/* client.c. The connection ends with status: closes the stream, tells on_connect if it still waits,
 * completes every call. Nothing happens where it has ended already. Within the pump only. */
void weft__client_fail(struct weft_client *client, int status, const char *fmt, ...)
    WEFT_PRINTF(3, 4);
void weft__client_free(struct weft_client *client);

#endif
