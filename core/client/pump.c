/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>

#include "client_private.h"
#include "core/base/compiler.h"
#include "core/base/units.h"

enum {
    READ_SIZE = 65536,
    READS_A_TURN = 4,   /* then others of the loop have their turn */
    READS_AT_END = 256, /* after a failed write, or when time is up: no turn will follow */
    BUF_KEPT = 1 << 20, /* an emptied input buffer larger than this is freed */
};

void weft__client_wake_at(struct weft_client *client, int64_t deadline)
{
    if (deadline >= client->wake)
        return;
    int64_t now = weft_loop_now(client->loop);
    client->wake = deadline;
    weft_loop_after(client->loop, &client->timer, deadline > now ? deadline - now : 0);
}

/* Called when a byte has moved: a wait for room begins anew. */
static void renew_room_deadline(struct weft_client *client)
{
    if (!client->room_owed || client->room_timeout <= 0)
        return;
    int64_t now = weft_loop_now(client->loop);
    if (client->room_timeout >= WEFT__NEVER - now)
        return;
    client->room_deadline = now + client->room_timeout;
    weft__client_wake_at(client, client->room_deadline);
}

/* While the client connects, the connect timeout bounds the wait. */
void weft__client_owe_room(struct weft_client *client)
{
    if (client->room_owed)
        return;
    client->room_owed = true;
    if (client->state == WEFT__OPEN)
        renew_room_deadline(client);
}

/* Takes a reply while no call was sent. Before our first byte this is how a server turns away a
 * connection that it has no room for: the reply answers the oldest call, and the others fail. */
static void deliver_unasked(struct weft_client *client, const struct weft_message *msg)
{
    bool refusal = client->taken == 0 && client->calls.head != client->calls.tail &&
                   msg->status == WEFT_MESSAGE_OK;
    if (!refusal) {
        weft__client_fail(client, WEFT_EUNASKED, "%s sent %s", client->address,
                          weft_strerror(WEFT_EUNASKED));
        return;
    }
    struct weft_call *call = weft__calls_slot(&client->calls, client->calls.head++)->call;
    client->calls.unsent = client->calls.head;
    if (call)
        call->done(call, 0, msg->payload, true);
    /* Does nothing where done closed the client. */
    weft__client_fail(client, -ECONNRESET, "%s turned the connection away", client->address);
}

/* Hands one reply to the oldest call, unless it is none. */
static void deliver(struct weft_client *client, const struct weft_message *msg)
{
    if (client->on_push && msg->status == WEFT_MESSAGE_OK && client->on_push(client, msg->payload))
        return;
    if (client->calls.head == client->calls.unsent) {
        deliver_unasked(client, msg);
        return;
    }
    struct weft__client_slot *slot = weft__calls_slot(&client->calls, client->calls.head);
    struct weft_call *call = slot->call;
    int status = 0;
    if (msg->status == WEFT_MESSAGE_MALFORMED) {
        status = weft_error_set(&client->trouble, WEFT_EMALFORMED, "the reply is malformed: %s",
                                msg->why);
    } else if (msg->status == WEFT_MESSAGE_TOO_BIG) {
        char limit[WEFT_UNITS_TEXT];
        status = weft_error_set(&client->trouble, WEFT_ETOOBIG,
                                "the reply has %" PRIu64 " bytes, more than the %s of %s",
                                msg->size, weft_format_size(msg->limit, limit), msg->why);
    }
    slot->replies_due--;
    if (status < 0)
        slot->call = NULL;
    bool last = status < 0 || slot->replies_due == 0;
    if (slot->replies_due == 0)
        client->calls.head++;
    if (call)
        call->done(call, status, status < 0 ? weft_view(NULL, 0) : msg->payload, last);
}

static void lose(struct weft_client *client, int status, const char *detail)
{
    if (status == WEFT_EOVER)
        weft__client_fail(client, -ECONNRESET, "%s closed the connection", client->address);
    else if (status == -ENOMEM)
        weft__client_fail(client, status, "%s", weft_strerror(status));
    else if (status == WEFT_EFOREIGN)
        weft__client_fail(client, status,
                          "the server %s, not in codec '%s': is %s the right address?",
                          detail ? detail : "answered in another protocol",
                          client->endpoint.codec->name, client->address);
    else
        weft__client_fail(client, status, "what %s sent is not codec '%s': %s", client->address,
                          client->endpoint.codec->name, detail ? detail : weft_strerror(status));
}

static void decode(struct weft_client *client, bool eof)
{
    const struct weft_codec *codec = client->endpoint.codec;
    while (client->state == WEFT__OPEN) {
        struct weft_view view = weft_buf_view(&client->in);
        if (view.size < client->need && !eof)
            return;
        struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
        struct weft_decode_io io = {.eof = eof, .out = &client->out};
        ssize_t n = codec->decode(&client->codec, view, &msg, &io);
        if (n < 0) {
            lose(client, (int)n, io.detail);
            return;
        }
        if (msg.kind == WEFT_MESSAGE_DATA)
            deliver(client, &msg);
        weft_buf_consume(&client->in, (size_t)n);
        client->need = io.need;
        client->inside = io.inside;
        if (n == 0 && msg.kind == WEFT_MESSAGE_NONE)
            break;
    }
    if (weft_buf_size(&client->in) == 0 && client->in.cap > BUF_KEPT)
        weft_buf_fini(&client->in);
}

/* Returns what the stream has to say of the server, or NULL. */
static const char *trouble_of(const struct weft_client *client)
{
    const struct weft_stream *stream = weft__client_stream(client);
    return stream->ops->trouble ? stream->ops->trouble(stream) : NULL;
}

static void closed_by_server(struct weft_client *client)
{
    const char *trouble = trouble_of(client);

    weft__client_fail(client, -ECONNRESET, "%s closed the connection%s%s", client->address,
                      trouble ? "; " : "", trouble ? trouble : "");
}

static void end_of_input(struct weft_client *client)
{
    decode(client, true);
    if (client->inside || weft_buf_size(&client->in) > 0)
        weft__client_fail(client, WEFT_ETRUNCATED, "%s closed the connection inside a reply",
                          client->address);
    else
        closed_by_server(client);
}

/* Says what a filter found wrong with the server. */
static void refused_by_filter(struct weft_client *client)
{
    const char *trouble = trouble_of(client);

    weft__client_fail(client, -EPROTO, "%s %s: %s",
                      client->state == WEFT__CONNECTING ? "cannot connect to"
                                                        : "the connection broke to",
                      client->address, trouble ? trouble : weft_strerror(-EPROTO));
}

static void connection_failed(struct weft_client *client, int status)
{
    if (status == -EPROTO || status == WEFT_ETRUNCATED) {
        refused_by_filter(client);
        return;
    }
    const char *trouble = trouble_of(client);
    if (client->state == WEFT__CONNECTING)
        weft__client_fail(client, status, "cannot connect to %s: %s%s", client->address,
                          weft_strerror(status),
                          status == -ECONNREFUSED ? "; is a server listening there?" : "");
    else
        weft__client_fail(client, status, "the connection to %s broke: %s%s%s", client->address,
                          weft_strerror(status), trouble ? "; " : "", trouble ? trouble : "");
}

/* Reads the bytes that are there. The first read after a connect says how the connect went. */
static void read_input(struct weft_client *client, int reads, bool until_end)
{
    struct weft_stream *stream = weft__client_stream(client);
    while (client->state != WEFT__BROKEN && reads-- > 0) {
        uint8_t *dst = weft_buf_reserve(&client->in, READ_SIZE);
        ssize_t n = dst ? stream->ops->read(stream, dst, READ_SIZE) : -ENOMEM;
        if (n == WEFT_EOVER)
            n = 0;
        if (n < 0 && n != -EAGAIN) {
            connection_failed(client, (int)n);
            return;
        }
        if (client->state == WEFT__CONNECTING) {
            client->state = WEFT__OPEN;
            client->connect_deadline = WEFT__NEVER;
            renew_room_deadline(client);
            if (client->on_connect)
                client->on_connect(client, 0, NULL);
        }
        if (n == -EAGAIN)
            return;
        if (n == 0) {
            end_of_input(client);
            return;
        }
        weft_buf_commit(&client->in, (size_t)n);
        client->given += (uint64_t)n;
        renew_room_deadline(client);
        decode(client, false);
        if (n < READ_SIZE && !until_end)
            return;
    }
}

/* Reads on after a failed write: the server's last words tell more than the error does. */
static void write_failed(struct weft_client *client, int status)
{
    read_input(client, READS_AT_END, true);
    if (client->state == WEFT__OPEN)
        connection_failed(client, status);
}

static void write_output(struct weft_client *client)
{
    struct weft_stream *stream = weft__client_stream(client);
    while (client->out.bytes > 0) {
        struct iovec vec[WEFT_IOV_MAX];
        int count = weft_chain_peek(&client->out, vec, WEFT_IOV_MAX);
        ssize_t n = stream->ops->writev(stream, vec, count);
        if (n == -EAGAIN)
            break;
        if (n < 0) {
            write_failed(client, (int)n);
            return;
        }
        weft__client_wipe(client, (size_t)n);
        weft_chain_consume(&client->out, (size_t)n);
        client->taken += (uint64_t)n;
        renew_room_deadline(client);
        weft__calls_mark_sent(&client->calls, client->taken);
    }
    stream->ops->want(stream, WEFT_READABLE | (client->out.bytes > 0 ? WEFT_WRITABLE : 0));
}

/* Calls on_room if that is owed and there is room. It does so once per entry, so that a caller who always
 * has more to send does not keep the loop from its other work. If room is owed again by then, the next
 * turn gives it. */
static void give_room(struct weft_client *client)
{
    bool ended = client->state == WEFT__BROKEN;
    if (!client->room_owed || client->closed || !(ended || weft__client_has_room(client)))
        return;
    client->room_owed = false;
    client->room_deadline = WEFT__NEVER;
    if (client->on_room)
        client->on_room(client);
    if (client->state == WEFT__OPEN)
        write_output(client);
    ended = client->state == WEFT__BROKEN;
    if (client->room_owed && !client->closed && (ended || weft__client_has_room(client)))
        weft_loop_defer(client->loop, &client->flush);
}

/* Ends every entry from the loop: the calls that its callbacks made leave in one write. */
static void leave(struct weft_client *client)
{
    if (client->state == WEFT__OPEN)
        write_output(client);
    give_room(client);
    client->in_pump = false;
    if (client->closed)
        weft__client_free(client);
}

/* Calls nothing back, since no call is pending and on_room waits for the next turn. */
void weft__client_look(struct weft_client *client)
{
    client->in_pump = true;
    read_input(client, READS_A_TURN, false);
    client->in_pump = false;
    if (client->room_owed)
        weft_loop_defer(client->loop, &client->flush);
}

void weft__client_on_ready(struct weft_stream *stream, unsigned events)
{
    struct weft_client *client =
        weft_container_of(stream, struct weft__client_link, stream)->client;
    client->in_pump = true;
    if ((events & WEFT_READABLE) || client->state == WEFT__CONNECTING)
        read_input(client, READS_A_TURN, false);
    leave(client);
}

void weft__client_on_flush(struct weft_deferred *deferred)
{
    struct weft_client *client = weft_container_of(deferred, struct weft_client, flush);
    client->in_pump = true;
    leave(client);
}

/* Completes every call whose time has run out, and returns when the next deadline is. Callbacks may close
 * the client, and may add calls behind `end`, which have set the timer themselves. */
static int64_t expire(struct weft_client *client, int64_t now)
{
    int64_t next = client->connect_deadline;
    next = client->room_deadline < next ? client->room_deadline : next;
    const uint64_t end = client->calls.tail;
    for (uint64_t i = client->calls.head; i != end && client->state != WEFT__BROKEN; i++) {
        struct weft__client_slot *slot = weft__calls_slot(&client->calls, i);
        struct weft_call *call = slot->call;
        if (!call)
            continue;
        if (slot->deadline > now) {
            next = slot->deadline < next ? slot->deadline : next;
            continue;
        }
        slot->call = NULL;
        char seconds[WEFT_UNITS_TEXT];
        const char *trouble = trouble_of(client);
        int status =
            weft_error_set(&client->trouble, -ETIMEDOUT, "no reply from %s within %s s%s%s",
                           client->address, weft_format_seconds((uint64_t)call->timeout, seconds),
                           trouble ? "; " : "", trouble ? trouble : "");
        call->done(call, status, weft_view(NULL, 0), true);
    }
    return next;
}

/* Judges every deadline. Returns when the next one is due. */
static int64_t judge(struct weft_client *client, int64_t now)
{
    char seconds[WEFT_UNITS_TEXT];
    if (client->connect_deadline <= now) {
        weft__client_fail(client, -ETIMEDOUT, "cannot connect to %s within %s s", client->address,
                          weft_format_seconds((uint64_t)client->connect_timeout, seconds));
        return WEFT__NEVER;
    }
    if (client->room_deadline <= now) {
        weft__client_fail(client, -ETIMEDOUT, "%s has neither read nor sent anything for %s s",
                          client->address,
                          weft_format_seconds((uint64_t)client->room_timeout, seconds));
        return WEFT__NEVER;
    }
    return expire(client, now);
}

/* Reads and writes first, as much as is possible at once and not only a turn's share. A process that was
 * stopped, or whose turn was long, so finds the replies that arrived in time. */
void weft__client_on_timer(struct weft_timer *timer)
{
    struct weft_client *client = weft_container_of(timer, struct weft_client, timer);
    client->in_pump = true;
    client->wake = WEFT__NEVER;
    if (client->state == WEFT__OPEN)
        read_input(client, READS_AT_END, true);
    if (client->state == WEFT__OPEN)
        write_output(client);
    if (client->state != WEFT__BROKEN) {
        int64_t next = judge(client, weft_loop_now(client->loop));
        if (client->state != WEFT__BROKEN)
            weft__client_wake_at(client, next);
    }
    leave(client);
}
