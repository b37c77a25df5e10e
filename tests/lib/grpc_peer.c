/* SPDX-License-Identifier: MIT */
#include "grpc_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"

static void demand(bool holds)
{
    if (!holds) {
        (void)fprintf(stderr, "grpc_peer: broken\n");
        abort();
    }
}

static struct grpc_peer_call *call_of(struct grpc_peer *peer, int32_t id)
{
    for (size_t i = 0; i < peer->count; i++)
        if (peer->calls[i].id == id)
            return &peer->calls[i];
    return NULL;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t size, int flags,
                       void *user)
{
    (void)session, (void)flags;
    struct grpc_peer *peer = user;
    if (peer->out_size + size > peer->out_cap) {
        peer->out_cap = 2 * (peer->out_size + size);
        peer->out = realloc(peer->out, peer->out_cap);
        demand(peer->out != NULL);
    }
    memcpy(peer->out + peer->out_size, data, size);
    peer->out_size += size;
    return (ssize_t)size;
}

static ssize_t read_request(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                            uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session, (void)id, (void)user;
    struct grpc_peer_call *call = source->ptr;
    size_t left = call->request_size - call->request_at;
    size_t size = left < length ? left : length;
    if (left == 0 && call->open)
        return NGHTTP2_ERR_DEFERRED;
    if (size > 0)
        memcpy(buf, call->request + call->request_at, size);
    call->request_at += size;
    if (size == left && !call->open)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

static void add_text(char *text, const char *name, const char *value)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, GRPC_PEER_TEXT - used, "%s=%s;", name, value);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user)
{
    (void)session, (void)flags, (void)name_size, (void)value_size;
    struct grpc_peer_call *call = call_of(user, frame->hd.stream_id);
    const char *n = (const char *)name, *v = (const char *)value;
    demand(call != NULL);
    if (strcmp(n, ":status") == 0)
        call->http = atoi(v);
    else if (strcmp(n, "grpc-status") == 0)
        call->code = atoi(v);
    else if (strcmp(n, "grpc-message") == 0)
        (void)snprintf(call->words, sizeof call->words, "%s", v);
    else if (strcmp(n, "grpc-encoding") == 0)
        (void)snprintf(call->coding, sizeof call->coding, "%s", v);
    else
        add_text(call->has_header ? call->trailer : call->header, n, v);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *user)
{
    (void)session, (void)flags;
    struct grpc_peer_call *call = call_of(user, id);
    demand(call != NULL);
    call->reply = realloc(call->reply, call->reply_size + size + 1);
    demand(call->reply != NULL);
    memcpy(call->reply + call->reply_size, data, size);
    call->reply_size += size;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct grpc_peer *peer = user;
    struct grpc_peer_call *call = call_of(peer, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS && call)
        call->has_header = true;
    if (frame->hd.type == NGHTTP2_PING)
        *(frame->hd.flags & NGHTTP2_FLAG_ACK ? &peer->ping_answers : &peer->pings) += 1;
    if (frame->hd.type == NGHTTP2_SETTINGS)
        peer->settings++;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        peer->goaways++;
        peer->goaway_error = frame->goaway.error_code;
        peer->goaway_last = frame->goaway.last_stream_id;
        (void)snprintf(peer->goaway_words, sizeof peer->goaway_words, "%.*s",
                       (int)frame->goaway.opaque_data_len, (const char *)frame->goaway.opaque_data);
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    (void)session;
    struct grpc_peer_call *call = call_of(user, id);
    demand(call != NULL);
    call->closed = true;
    call->error = error;
    return 0;
}

void grpc_peer_init(struct grpc_peer *peer, uint32_t window, bool auto_window)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    const nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    *peer = (struct grpc_peer){0};
    demand(nghttp2_session_callbacks_new(&callbacks) == 0);
    demand(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, !auto_window);
    nghttp2_option_set_peer_max_concurrent_streams(option, GRPC_PEER_CALLS);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    demand(nghttp2_session_client_new2(&peer->session, callbacks, peer, option) == 0);
    demand(nghttp2_submit_settings(peer->session, NGHTTP2_FLAG_NONE, &entry, window > 0) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
}

void grpc_peer_fini(struct grpc_peer *peer)
{
    nghttp2_session_del(peer->session);
    for (size_t i = 0; i < peer->count; i++) {
        free(peer->calls[i].request);
        free(peer->calls[i].reply);
    }
    free(peer->out);
}

static void set_field(nghttp2_nv *fields, size_t *count, const char *name, const char *value)
{
    size_t i = 0;
    while (i < *count && strcmp((const char *)fields[i].name, name) != 0)
        i++;
    if (!value) {
        if (i < *count)
            memmove(&fields[i], &fields[i + 1], (--*count - i) * sizeof *fields);
        return;
    }
    if (i == *count || name[0] != ':')
        i = i < *count ? i : (*count)++;
    demand(i < GRPC_PEER_FIELDS);
    fields[i] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                             .value = (uint8_t *)(uintptr_t)value,
                             .namelen = strlen(name),
                             .valuelen = strlen(value)};
}

struct grpc_peer_call *grpc_peer_ask(struct grpc_peer *peer, const char *path,
                                     const struct grpc_peer_field *fields, const void *bytes,
                                     size_t size, bool open)
{
    nghttp2_nv all[GRPC_PEER_FIELDS];
    size_t count = 0;
    demand(peer->count < GRPC_PEER_CALLS);
    struct grpc_peer_call *call = &peer->calls[peer->count];
    *call = (struct grpc_peer_call){.http = -1, .code = -1, .open = open};
    set_field(all, &count, ":method", "POST");
    set_field(all, &count, ":scheme", "http");
    set_field(all, &count, ":path", path);
    set_field(all, &count, ":authority", "localhost");
    set_field(all, &count, "content-type", "application/grpc");
    set_field(all, &count, "te", "trailers");
    for (; fields && fields->name; fields++)
        set_field(all, &count, fields->name, fields->value);
    grpc_peer_add(peer, call, bytes, size, open);
    const nghttp2_data_provider provider = {.source.ptr = call, .read_callback = read_request};
    call->id = nghttp2_submit_request(peer->session, NULL, all, count, &provider, NULL);
    demand(call->id > 0);
    peer->count++;
    return call;
}

size_t grpc_prefixed(uint8_t *dst, const void *message, size_t size, bool compressed)
{
    dst[0] = compressed;
    weft_store_be32(dst + 1, (uint32_t)size);
    if (size > 0)
        memcpy(dst + 5, message, size);
    return size + 5;
}

struct grpc_peer_call *grpc_peer_say(struct grpc_peer *peer, const char *path, const char *text)
{
    uint8_t bytes[GRPC_PEER_TEXT];
    demand(strlen(text) + 5 <= sizeof bytes);
    return grpc_peer_ask(peer, path, NULL, bytes, grpc_prefixed(bytes, text, strlen(text), false),
                         false);
}

void grpc_peer_add(struct grpc_peer *peer, struct grpc_peer_call *call, const void *bytes,
                   size_t size, bool open)
{
    call->request = realloc(call->request, call->request_size + size + 1);
    demand(call->request != NULL);
    if (size > 0)
        memcpy(call->request + call->request_size, bytes, size);
    call->request_size += size;
    call->open = open;
    if (call->id > 0)
        (void)nghttp2_session_resume_data(peer->session, call->id);
}

void grpc_peer_make(struct grpc_peer *peer)
{
    demand(nghttp2_session_send(peer->session) == 0);
}

void grpc_peer_sent(struct grpc_peer *peer)
{
    peer->out_size = 0;
}

void grpc_peer_hear(struct grpc_peer *peer, const uint8_t *data, size_t size)
{
    if (size > 0 && nghttp2_session_mem_recv(peer->session, data, size) != (ssize_t)size)
        peer->broken = true;
}

const uint8_t *grpc_peer_message(const struct grpc_peer_call *call, size_t n, size_t *size,
                                 bool *compressed)
{
    for (size_t at = 0; at + 5 <= call->reply_size; n--) {
        *compressed = call->reply[at];
        *size = weft_load_be32(call->reply + at + 1);
        if (at + 5 + *size > call->reply_size)
            return NULL;
        if (n == 0)
            return call->reply + at + 5;
        at += 5 + *size;
    }
    return NULL;
}
