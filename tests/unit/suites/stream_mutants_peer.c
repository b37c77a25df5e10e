/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stream_mutants.h"

enum { CALLS = 256 };

struct bytes {
    uint8_t *data;
    size_t size;
};

struct call {
    struct bytes request; /* frames that were not sent */
    size_t credit;
    struct bytes reply; /* frames that came */
    bool ended;
};

struct peer {
    struct bytes out, taken, in;
    struct call calls[CALLS];
    uint32_t count;
    unsigned goodbyes;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void add(struct bytes *bytes, const void *data, size_t size)
{
    bytes->data = realloc(bytes->data, bytes->size + size + 1);
    must(bytes->data);
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void drop_front(struct bytes *bytes, size_t size)
{
    bytes->size -= size;
    if (bytes->size > 0)
        memmove(bytes->data, bytes->data + size, bytes->size);
}

static void add_frame(struct bytes *bytes, enum frame_type type, uint32_t stream,
                      struct weft_view view)
{
    uint8_t header[FRAME_HEADER];
    frame_header(header, type, stream, view.size);
    add(bytes, header, sizeof header);
    add(bytes, view.data, view.size);
}

static struct call *call_of(struct peer *peer, uint32_t stream)
{
    must(stream > 0 && stream <= peer->count);
    return &peer->calls[stream - 1];
}

static void *make(bool shut)
{
    struct peer *peer = calloc(1, sizeof *peer);
    must(peer);
    if (shut)
        add_frame(&peer->out, SHUT, 0, weft_view(NULL, 0));
    return peer;
}

static void drop(void *self)
{
    struct peer *peer = self;
    for (uint32_t i = 0; i < peer->count; i++) {
        free(peer->calls[i].request.data);
        free(peer->calls[i].reply.data);
    }
    free(peer->out.data);
    free(peer->taken.data);
    free(peer->in.data);
    free(peer);
}

static uint32_t begin(void *self)
{
    struct peer *peer = self;
    must(peer->count < CALLS);
    peer->calls[peer->count++] = (struct call){.credit = CREDIT};
    add_frame(&peer->out, BEGIN, peer->count, weft_view_str("target"));
    return peer->count;
}

static void say(void *self, uint32_t stream, struct weft_view message)
{
    add_frame(&call_of(self, stream)->request, MESSAGE, stream, message);
}

static void end(void *self, uint32_t stream)
{
    add_frame(&call_of(self, stream)->request, END, stream, weft_view(NULL, 0));
}

/* Sends what the credit lets it. */
static void send_request(struct peer *peer, struct call *call)
{
    while (call->request.size > 0) {
        const struct frame frame = frame_at(call->request.data);
        if (frame.size > call->credit)
            return;
        call->credit -= frame.size;
        add(&peer->out, call->request.data, FRAME_HEADER + frame.size);
        drop_front(&call->request, FRAME_HEADER + frame.size);
    }
}

static void reset(void *self, uint32_t stream)
{
    struct peer *peer = self;
    struct call *call = call_of(peer, stream);
    send_request(peer, call);
    call->request.size = 0;
    add_frame(&peer->out, RESET, stream, weft_view(NULL, 0));
}

static void open_window(void *self, uint32_t stream, size_t size)
{
    uint8_t number[4];
    weft_store_be32(number, (uint32_t)size);
    add_frame(&((struct peer *)self)->out, WINDOW, stream, weft_view(number, sizeof number));
}

static struct weft_view take(void *self)
{
    struct peer *peer = self;
    for (uint32_t i = 0; i < peer->count; i++)
        send_request(peer, &peer->calls[i]);
    peer->taken.size = 0;
    add(&peer->taken, peer->out.data, peer->out.size);
    peer->out.size = 0;
    return weft_view(peer->taken.data, peer->taken.size);
}

static void hear_frame(struct peer *peer, struct frame frame, const uint8_t *bytes)
{
    if (frame.type == SOON || frame.type == GONE) {
        peer->goodbyes++;
        if (frame.type == SOON)
            add_frame(&peer->out, OK, 0, weft_view(NULL, 0));
        return;
    }
    struct call *call = call_of(peer, frame.stream);
    if (frame.type == MORE)
        call->credit += weft_load_be32(bytes);
    else if (frame.type == LAST)
        call->ended = true;
    else
        add_frame(&call->reply, REPLY, frame.stream, weft_view(bytes, frame.size));
}

static void hear(void *self, struct weft_view bytes)
{
    struct peer *peer = self;
    add(&peer->in, bytes.data, bytes.size);
    while (peer->in.size >= FRAME_HEADER) {
        const struct frame frame = frame_at(peer->in.data);
        if (peer->in.size < FRAME_HEADER + frame.size)
            return;
        hear_frame(peer, frame, peer->in.data + FRAME_HEADER);
        drop_front(&peer->in, FRAME_HEADER + frame.size);
    }
}

static bool message_of(void *self, uint32_t stream, size_t i, struct weft_view *message)
{
    const struct call *call = call_of(self, stream);
    struct weft_view rest = weft_view(call->reply.data, call->reply.size);
    while (rest.size > 0) {
        const struct frame frame = frame_at(rest.data);
        *message = weft_view(rest.data + FRAME_HEADER, frame.size);
        if (i-- == 0)
            return true;
        rest = weft_view_skip(rest, FRAME_HEADER + frame.size);
    }
    return false;
}

static bool has_ended(void *self, uint32_t stream)
{
    return call_of(self, stream)->ended;
}

static unsigned goodbyes(void *self)
{
    return ((struct peer *)self)->goodbyes;
}

static size_t held(void *self, uint32_t stream)
{
    return call_of(self, stream)->request.size;
}

const struct weft_codec_suite_peer stream_mutants_peer = {
    .make = make,
    .drop = drop,
    .begin = begin,
    .say = say,
    .end = end,
    .reset = reset,
    .open = open_window,
    .take = take,
    .hear = hear,
    .message = message_of,
    .ended = has_ended,
    .goodbyes = goodbyes,
    .held = held,
};
