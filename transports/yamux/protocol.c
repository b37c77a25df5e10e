/* SPDX-License-Identifier: MIT */
#include "protocol.h"

#include <errno.h>

#include "core/base/compiler.h"

#define SECOND INT64_C(1000000000)

enum {
    CONTROL_EXTRA = 64 * 1024, /* output beyond `output` that answers and updates may take */
};

/* The last id that is given out; Go's session.go, OpenStream, ends with it as well. */
static const uint32_t last_id = UINT32_MAX - 2;

void weft__yamux_init(struct weft__yamux *yamux, const struct weft__yamux_config *config,
                      const struct weft__yamux_events *events, struct weft_piece_pool *pool,
                      bool is_server)
{
    yamux->config = config;
    yamux->events = events;
    yamux->is_server = is_server;
    /* spec.md, "StreamID Field": odd ids are the client's, even ones the server's. */
    yamux->next_id = is_server ? 2 : 1;
    weft_chain_init(&yamux->out, pool);
}

void weft__yamux_fini(struct weft__yamux *yamux)
{
    weft_chain_fini(&yamux->out);
    weft__yamux_table_fini(&yamux->flows);
}

/* The first error wins. */
static int fail(struct weft__yamux *yamux, int error, const char *why)
{
    if (yamux->error == 0) {
        yamux->error = error;
        yamux->why = why;
        if (error == -EPROTO)
            weft__yamux_go_away(yamux, WEFT__YAMUX_PROTOCOL_ERROR);
        else if (error == -ENOMEM)
            weft__yamux_go_away(yamux, WEFT__YAMUX_INTERNAL_ERROR);
    }
    return yamux->error;
}

static int broken(struct weft__yamux *yamux, const char *why)
{
    return fail(yamux, -EPROTO, why);
}

/* Sends a frame without payload. A peer that makes us answer and reads nothing is ended by the room that is left. */
static void say(struct weft__yamux *yamux, enum weft__yamux_type type, unsigned flags, uint32_t id,
                uint32_t length)
{
    if (yamux->error != 0 && type != WEFT__YAMUX_GO_AWAY)
        return;
    uint8_t *dst = weft_chain_reserve(&yamux->out, WEFT__YAMUX_HEADER);
    if (!dst) {
        fail(yamux, -ENOMEM, "an allocation failed");
        return;
    }
    weft__yamux_put_header(dst, type, flags, id, length);
    weft_chain_commit(&yamux->out, WEFT__YAMUX_HEADER);
    if (yamux->out.bytes > yamux->config->output + CONTROL_EXTRA)
        broken(yamux, "the peer does not read what it has asked for");
}

void weft__yamux_go_away(struct weft__yamux *yamux, enum weft__yamux_code code)
{
    bool said = yamux->said_away;

    yamux->takes_streams = false;
    yamux->said_away = true;
    if (!said || code != WEFT__YAMUX_NORMAL)
        say(yamux, WEFT__YAMUX_GO_AWAY, 0, WEFT__YAMUX_SESSION, (uint32_t)code);
}

void weft__yamux_ping(struct weft__yamux *yamux)
{
    say(yamux, WEFT__YAMUX_PING, WEFT__YAMUX_SYN, WEFT__YAMUX_SESSION, 0);
}

/* Counts a frame that carries nothing, or a stream that was reset. They cost the peer as little as anything can, so a
 * peer may send so many per second. */
static int count_idle(struct weft__yamux *yamux)
{
    if (yamux->now - yamux->idle_from >= SECOND) {
        yamux->idle_from = yamux->now;
        yamux->idle_frames = 0;
    }
    if (++yamux->idle_frames > yamux->config->idle_frames)
        return broken(yamux, "more idle-frames per second than it may send");
    return 0;
}

static bool is_of_peer(const struct weft__yamux *yamux, uint32_t id)
{
    return (id % 2 == 1) == yamux->is_server;
}

/* True if a stream with this id was opened once. */
static bool was_opened(const struct weft__yamux *yamux, uint32_t id)
{
    return is_of_peer(yamux, id) ? id <= yamux->latest_id : id < yamux->next_id;
}

static void remove_flow(struct weft__yamux *yamux, struct weft__yamux_flow *flow)
{
    if (flow->reset)
        return;
    flow->reset = true;
    weft__yamux_table_remove(&yamux->flows, flow->id);
    yamux->unanswered -= flow->is_ours && !flow->answered;
    if (yamux->target == flow)
        yamux->target = NULL;
}

static void refuse_stream(struct weft__yamux *yamux, uint32_t id)
{
    say(yamux, WEFT__YAMUX_UPDATE, WEFT__YAMUX_RST, id, 0);
    (void)count_idle(yamux);
}

/* SYN: the peer opens a stream, whose ids may come in any order, since a client with threads sends them so. */
static struct weft__yamux_flow *open_stream(struct weft__yamux *yamux, uint32_t id)
{
    struct weft__yamux_flow *flow = NULL;

    if (!is_of_peer(yamux, id)) {
        broken(yamux, "SYN with an id of our side");
        return NULL;
    }
    if (weft__yamux_table_find(&yamux->flows, id)) {
        broken(yamux, "SYN with the id of an open stream");
        return NULL;
    }
    if (id > yamux->latest_id)
        yamux->latest_id = id;
    if (yamux->takes_streams && yamux->flows.count < yamux->config->streams)
        flow = yamux->events->open(yamux);
    if (!flow) {
        refuse_stream(yamux, id);
        return NULL;
    }
    flow->id = id;
    flow->may_send = flow->may_receive = WEFT__YAMUX_WINDOW;
    if (weft__yamux_table_add(&yamux->flows, flow) < 0) {
        flow->reset = true;
        yamux->events->changed(yamux, flow);
        refuse_stream(yamux, id);
        return NULL;
    }
    return flow;
}

/* Ends the peer's direction, when the bytes of the frame have come. */
static void end_input(struct weft__yamux *yamux, struct weft__yamux_flow *flow)
{
    flow->got_end = true;
    yamux->events->changed(yamux, flow);
}

static void reset_by_peer(struct weft__yamux *yamux, struct weft__yamux_flow *flow)
{
    remove_flow(yamux, flow);
    yamux->events->changed(yamux, flow);
    (void)count_idle(yamux);
}

/* A peer that grants more than it has been sent enlarges the window, which it need not do often: it is free to say how
 * large that is when it opens or accepts the stream. */
static int update_window(struct weft__yamux *yamux, struct weft__yamux_flow *flow,
                         const struct weft__yamux_header *h)
{
    const uint32_t size = h->length;
    bool enlarges = size > flow->sent;

    if (size > UINT32_MAX - flow->may_send)
        return broken(yamux, "a window of more than 4 GiB");
    flow->sent -= enlarges ? flow->sent : size;
    flow->may_send += size;
    if (size > 0)
        yamux->events->changed(yamux, flow);
    return enlarges && h->flags == 0 ? count_idle(yamux) : yamux->error;
}

/* Applies what a frame says of a stream that is open. */
static int apply(struct weft__yamux *yamux, struct weft__yamux_flow *flow,
                 const struct weft__yamux_header *h)
{
    bool is_data = h->type == WEFT__YAMUX_DATA;

    if ((h->flags & WEFT__YAMUX_ACK) && flow->is_ours && !flow->answered) {
        flow->answered = true;
        yamux->unanswered--;
    }
    if (flow->got_fin && (h->flags & WEFT__YAMUX_FIN))
        return broken(yamux, "a second FIN of a stream");
    if (flow->got_fin && is_data && h->length > 0)
        return broken(yamux, "data behind the FIN of a stream");
    if (is_data && h->length > flow->may_receive)
        return broken(yamux, "data beyond the window of a stream");
    if (h->flags & WEFT__YAMUX_RST) {
        reset_by_peer(yamux, flow);
        return yamux->error;
    }
    flow->got_fin |= (h->flags & WEFT__YAMUX_FIN) != 0;
    if (is_data) {
        flow->may_receive -= h->length;
        yamux->target = h->length > 0 ? flow : NULL;
    } else if (update_window(yamux, flow, h) < 0 || flow->reset) {
        return yamux->error;
    }
    if ((h->flags & WEFT__YAMUX_FIN) && yamux->payload == 0)
        end_input(yamux, flow);
    return yamux->error;
}

/* A frame of a stream that is not open any more may have crossed our last words about it. Data tell that the peer has
 * not heard of the end, or has seen only a half of it. */
static int pass_over(struct weft__yamux *yamux, const struct weft__yamux_header *h)
{
    if (!was_opened(yamux, h->id))
        return broken(yamux, "a frame of a stream that was never opened");
    if (h->type == WEFT__YAMUX_DATA && h->length > yamux->config->window)
        return broken(yamux, "data beyond the window of a stream");
    bool is_end = h->flags & (WEFT__YAMUX_FIN | WEFT__YAMUX_RST);
    if (h->type == WEFT__YAMUX_DATA && h->length > 0 && !is_end)
        say(yamux, WEFT__YAMUX_UPDATE, WEFT__YAMUX_RST, h->id, 0);
    if (is_end && yamux->owed_ends > 0) {
        yamux->owed_ends--;
        return yamux->error;
    }
    return count_idle(yamux);
}

static int take_stream_frame(struct weft__yamux *yamux, const struct weft__yamux_header *h)
{
    const unsigned both = WEFT__YAMUX_SYN | WEFT__YAMUX_ACK;
    bool is_data = h->type == WEFT__YAMUX_DATA;

    if (h->id == WEFT__YAMUX_SESSION)
        return broken(yamux, "a frame of a stream with the id 0");
    if ((h->flags & both) == both)
        return broken(yamux, "SYN and ACK in one frame");
    if (is_data)
        yamux->payload = h->length;
    /* The target stays NULL until the stream is known, so that the bytes of an unknown one are dropped. */
    yamux->target = NULL;
    struct weft__yamux_flow *flow = h->flags & WEFT__YAMUX_SYN
                                        ? open_stream(yamux, h->id)
                                        : weft__yamux_table_find(&yamux->flows, h->id);
    if (yamux->error != 0)
        return yamux->error;
    if (!flow && (h->flags & WEFT__YAMUX_SYN))
        return is_data && h->length > WEFT__YAMUX_WINDOW
                   ? broken(yamux, "data beyond the window of a stream")
                   : 0;
    if (!flow)
        return pass_over(yamux, h);
    if (h->flags == 0 && h->length == 0 && count_idle(yamux) < 0)
        return yamux->error;
    return apply(yamux, flow, h);
}

static int take_ping(struct weft__yamux *yamux, const struct weft__yamux_header *h)
{
    if (h->id != WEFT__YAMUX_SESSION)
        return broken(yamux, "a ping of a stream");
    if (h->flags != WEFT__YAMUX_SYN && h->flags != WEFT__YAMUX_ACK)
        return broken(yamux, "a ping with other flags than SYN or ACK");
    if (h->flags == WEFT__YAMUX_SYN)
        say(yamux, WEFT__YAMUX_PING, WEFT__YAMUX_ACK, WEFT__YAMUX_SESSION, h->length);
    return count_idle(yamux);
}

static int take_go_away(struct weft__yamux *yamux, const struct weft__yamux_header *h)
{
    if (h->id != WEFT__YAMUX_SESSION || h->flags != 0)
        return broken(yamux, "a GO_AWAY with an id or with flags");
    switch (h->length) {
    case WEFT__YAMUX_NORMAL:
        yamux->heard_away = true;
        return count_idle(yamux);
    case WEFT__YAMUX_PROTOCOL_ERROR:
        return fail(yamux, -ECONNABORTED, "the peer says that we broke a rule of yamux");
    case WEFT__YAMUX_INTERNAL_ERROR:
        return fail(yamux, -ECONNABORTED, "the peer says that it has failed");
    default:
        return broken(yamux, "a GO_AWAY with an unknown code");
    }
}

static int take_header(struct weft__yamux *yamux)
{
    const struct weft__yamux_header h = weft__yamux_get_header(yamux->head);

    if (h.version != WEFT__YAMUX_VERSION)
        return broken(yamux, "another version than 0");
    if (h.flags & ~(unsigned)WEFT__YAMUX_FLAGS)
        return broken(yamux, "an unknown flag");
    switch (h.type) {
    case WEFT__YAMUX_DATA:
    case WEFT__YAMUX_UPDATE:
        return take_stream_frame(yamux, &h);
    case WEFT__YAMUX_PING:
        return take_ping(yamux, &h);
    case WEFT__YAMUX_GO_AWAY:
        return take_go_away(yamux, &h);
    default:
        return broken(yamux, "an unknown type of frame");
    }
}

/* Hands on bytes of a data frame, and ends the stream's input behind the last one if the frame says so. Returns false
 * if the session is gone. */
static bool take_payload(struct weft__yamux *yamux, struct weft_view *in)
{
    size_t size = in->size < yamux->payload ? in->size : yamux->payload;
    const struct weft_view bytes = weft_view(in->data, size);

    *in = weft_view_skip(*in, size);
    yamux->payload -= (uint32_t)size;
    if (yamux->target && !yamux->events->data(yamux, yamux->target, bytes))
        return false;
    if (yamux->payload == 0 && yamux->target) {
        struct weft__yamux_flow *flow = yamux->target;
        yamux->target = NULL;
        if (flow->got_fin)
            end_input(yamux, flow);
    }
    return true;
}

int weft__yamux_read(struct weft__yamux *yamux, struct weft_view in, int64_t now)
{
    yamux->now = now;
    while (in.size > 0 && yamux->error == 0) {
        if (yamux->payload > 0) {
            if (!take_payload(yamux, &in))
                return -ECANCELED;
            continue;
        }
        size_t size = sizeof yamux->head - yamux->head_size;
        if (size > in.size)
            size = in.size;
        memcpy(yamux->head + yamux->head_size, in.data, size);
        yamux->head_size += size;
        in = weft_view_skip(in, size);
        if (!yamux->begun && yamux->head_size >= WEFT__YAMUX_TELLING) {
            const char *why = weft__yamux_find_other_protocol(yamux->head, yamux->is_server);
            if (why)
                return broken(yamux, why);
        }
        if (yamux->head_size < sizeof yamux->head)
            break;
        yamux->head_size = 0;
        yamux->begun = true;
        yamux->frames++;
        (void)take_header(yamux);
    }
    return yamux->error;
}

int weft__yamux_open(struct weft__yamux *yamux, struct weft__yamux_flow *flow)
{
    if (yamux->error != 0 || yamux->heard_away)
        return -ECONNREFUSED;
    if (yamux->next_id > last_id)
        return -EADDRNOTAVAIL;
    if (yamux->unanswered >= yamux->config->backlog || yamux->flows.count >= yamux->config->streams)
        return -EAGAIN;
    *flow = (struct weft__yamux_flow){
        .id = yamux->next_id,
        .may_send = WEFT__YAMUX_WINDOW,
        .may_receive = (uint32_t)yamux->config->window,
        .is_ours = true,
    };
    int err = weft__yamux_table_add(&yamux->flows, flow);
    if (err < 0)
        return err;
    yamux->next_id += 2;
    yamux->unanswered++;
    say(yamux, WEFT__YAMUX_UPDATE, WEFT__YAMUX_SYN, flow->id,
        flow->may_receive - WEFT__YAMUX_WINDOW);
    if (yamux->error == 0)
        return 0;
    remove_flow(yamux, flow);
    return yamux->error;
}

int weft__yamux_answer(struct weft__yamux *yamux, struct weft__yamux_flow *flow)
{
    uint32_t more = (uint32_t)yamux->config->window - WEFT__YAMUX_WINDOW;

    flow->answered = true;
    flow->may_receive += more;
    say(yamux, WEFT__YAMUX_UPDATE, WEFT__YAMUX_ACK, flow->id, more);
    return yamux->error == -ENOMEM ? -ENOMEM : 0;
}

void weft__yamux_move(struct weft__yamux *yamux, struct weft__yamux_flow *to,
                      struct weft__yamux_flow *from)
{
    *to = *from;
    if (from->reset)
        return;
    weft__yamux_table_replace(&yamux->flows, to);
    if (yamux->target == from)
        yamux->target = to;
}

/* Returns the bytes of a frame that may be sent now. */
static size_t room_of(const struct weft__yamux *yamux, const struct weft__yamux_flow *flow,
                      const struct iovec *vec, int count)
{
    size_t room = yamux->config->output > yamux->out.bytes
                      ? (size_t)yamux->config->output - yamux->out.bytes
                      : 0;
    size_t size = 0;

    if (room > flow->may_send)
        room = flow->may_send;
    for (int i = 0; i < count && size < room; i++)
        size += vec[i].iov_len;
    return size < room ? size : room;
}

/* Appends the first size bytes of the vectors. */
static int append(struct weft_chain *out, const struct iovec *vec, size_t size)
{
    int err = 0;

    for (; size > 0 && err == 0; vec++) {
        size_t part = vec->iov_len < size ? vec->iov_len : size;
        err = part > 0 ? weft_chain_append(out, weft_view(vec->iov_base, part)) : 0;
        size -= part;
    }
    return err;
}

ssize_t weft__yamux_send(struct weft__yamux *yamux, struct weft__yamux_flow *flow,
                         const struct iovec *vec, int count)
{
    size_t size = room_of(yamux, flow, vec, count);
    struct weft_chain_mark mark = weft_chain_mark(&yamux->out);

    if (size == 0)
        return 0;
    uint8_t *dst = weft_chain_reserve(&yamux->out, WEFT__YAMUX_HEADER);
    if (!dst)
        return -ENOMEM;
    weft__yamux_put_header(dst, WEFT__YAMUX_DATA, 0, flow->id, (uint32_t)size);
    weft_chain_commit(&yamux->out, WEFT__YAMUX_HEADER);
    if (append(&yamux->out, vec, size) < 0) {
        weft_chain_rollback(&yamux->out, mark);
        return -ENOMEM;
    }
    flow->may_send -= (uint32_t)size;
    flow->sent += (uint32_t)size;
    return (ssize_t)size;
}

void weft__yamux_count_read(struct weft__yamux *yamux, struct weft__yamux_flow *flow, size_t size)
{
    flow->read += (uint32_t)size;
    /* Half of the window has to be free first, so that updates are few. Go's stream.go, sendWindowUpdate, waits so,
     * too. */
    if (flow->reset || flow->got_fin || flow->read < yamux->config->window / 2)
        return;
    flow->may_receive += flow->read;
    say(yamux, WEFT__YAMUX_UPDATE, 0, flow->id, flow->read);
    flow->read = 0;
}

void weft__yamux_end(struct weft__yamux *yamux, struct weft__yamux_flow *flow)
{
    if (flow->reset || flow->sent_end)
        return;
    flow->sent_end = true;
    say(yamux, WEFT__YAMUX_UPDATE, WEFT__YAMUX_FIN, flow->id, 0);
}

void weft__yamux_forget(struct weft__yamux *yamux, struct weft__yamux_flow *flow, bool with_reset)
{
    if (flow->reset)
        return;
    if (with_reset)
        say(yamux, WEFT__YAMUX_UPDATE, WEFT__YAMUX_RST, flow->id, 0);
    yamux->owed_ends += !flow->got_fin && yamux->owed_ends < yamux->config->streams;
    remove_flow(yamux, flow);
}
