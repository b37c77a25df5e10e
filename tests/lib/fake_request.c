/* SPDX-License-Identifier: MIT */
#include "fake_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fake_request: %s\n", rule);
    abort();
}

static void *take_memory(size_t size)
{
    void *p = malloc(size);
    demand(p != NULL, "no memory for the test itself");
    return p;
}

static struct fake_request *fake_of(const struct weft_request *request)
{
    return (struct fake_request *)(uintptr_t)request;
}

/* Exactly its size, so that a byte read too far is seen. */
static void *copy_of(struct weft_view view)
{
    void *copy = take_memory(view.size);
    if (view.size > 0)
        memcpy(copy, view.data, view.size);
    return copy;
}

void fake_request_init(struct fake_request *self, struct weft_view payload, size_t decode_bytes)
{
    *self = (struct fake_request){.connection = 1};
    self->next = true;
    weft_arena_init(&self->arena, decode_bytes);
    weft_arena_init(&self->scratch, decode_bytes);
    self->payload = copy_of(payload);
    self->request.payload = weft_view(self->payload, payload.size);
}

void fake_request_fini(struct fake_request *self)
{
    demand(!self->called || self->ended, "a request was called and never ended");
    for (size_t i = 0; i < self->reply_count; i++)
        free(self->replies[i].data);
    free(self->replies);
    free(self->payload);
    free((void *)(uintptr_t)self->peer.user);
    free((void *)(uintptr_t)self->peer.label);
    weft_arena_fini(&self->arena);
    weft_arena_fini(&self->scratch);
}

void weft_connections_walk(struct weft_request *request, struct weft_walk *walk)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "a walk began after the end");
    demand(!self->walk, "a second walk began");
    demand(walk->visit && walk->done, "a walk has no visit or no done");
    self->walk = walk;
}

static void visit(struct fake_request *self, const struct weft_connection *row, unsigned *wants)
{
    *wants = self->walk->visit(self->walk, row);
    if (!(*wants & WEFT_VISIT_END))
        return;
    demand(self->end_count < sizeof self->ends / sizeof *self->ends, "too many ends");
    self->ends[self->end_count++] = row->id;
}

static void make_walk(struct fake_request *self)
{
    const struct weft_connection own = {
        .id = self->connection,
        .address = "127.0.0.1:1",
        .transport = "fake",
        .codec = "fake",
        .service = "fake",
        .endpoint = "fake:",
        .state = WEFT_CONNECTION_OPEN,
        .asks = true,
    };
    const struct weft_connection *rows = self->rows ? self->rows : &own;
    size_t count = self->rows ? self->row_count : 1;
    struct weft_walk *walk = self->walk;
    unsigned wants = WEFT_VISIT_NEXT;
    for (size_t i = 0; i < count && !(wants & WEFT_VISIT_STOP); i++)
        visit(self, &rows[i], &wants);
    demand(!self->ended, "a visit ended the request");
    self->walk = NULL;
    walk->done(walk);
}

static void end_call(struct fake_request *self)
{
    if (self->kept)
        return;
    free(self->payload);
    self->payload = NULL;
    /* Whoever reads it from now on faults, with or without a sanitizer. */
    self->request.payload.data = NULL;
    self->request.credentials.data = NULL;
    weft_arena_reset(&self->arena);
    weft_arena_reset(&self->scratch);
}

void fake_request_call(struct fake_request *self, const struct weft_service *service,
                       void *loop_state, void *conn_state)
{
    self->called = true;
    service->call(loop_state, conn_state, &self->request);
    end_call(self);
    if (self->walk)
        make_walk(self);
}

void fake_request_message(struct fake_request *self, const struct weft_view *message)
{
    demand(self->next && !self->ended, "a message was not asked for");
    demand(self->request.on_message != NULL, "on_message is not set");
    void *copy = message ? copy_of(*message) : NULL;
    const struct weft_view view = weft_view(copy, message ? message->size : 0);
    self->next = false;
    self->request.on_message(&self->request, message ? &view : NULL);
    free(copy);
    if (!self->kept)
        weft_arena_reset(&self->arena);
    weft_arena_reset(&self->scratch);
}

void weft_request_next(struct weft_request *request)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "a message was asked for after the end");
    self->next = true;
}

struct weft_arena *weft_request_scratch(struct weft_request *request)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "scratch was asked for after the end");
    return &self->scratch;
}

void fake_request_drain(struct fake_request *self)
{
    while (self->owes_drain) {
        demand(self->request.on_room != NULL, "-EAGAIN was answered and on_room is not set");
        size_t before = self->reply_count;
        self->owes_drain = false;
        self->request.on_room(&self->request);
        demand(self->ended || self->owes_drain || self->reply_count > before,
               "on_room did not try again");
    }
}

struct weft_view fake_request_reply(const struct fake_request *self)
{
    if (self->reply_count == 0)
        return weft_view(NULL, 0);
    const struct weft_bytes *last = &self->replies[self->reply_count - 1];
    return weft_view(last->data, last->size);
}

static void take_body(struct fake_request *self, const struct weft_body *body)
{
    uint8_t *data = take_memory(body->size);
    uint8_t *again = take_memory(body->size);
    demand((body->write == NULL) != (body->blob == NULL), "a body is one of two kinds");
    weft_body_write(body, data);
    weft_body_write(body, again);
    demand(body->size == 0 || memcmp(data, again, body->size) == 0,
           "a body was not the same the second time");
    free(again);

    self->as_blob = body->blob != NULL;
    self->lasting = body->lasting;
    const struct weft_body_parts *parts = weft_body_parts_of(body);
    self->of_blob = parts ? parts->blob : NULL;
    if (parts)
        self->lasting = parts->lasting;
    self->replies = realloc(self->replies, (self->reply_count + 1) * sizeof *self->replies);
    demand(self->replies != NULL, "no memory for the test itself");
    self->replies[self->reply_count++] = (struct weft_bytes){data, body->size};
}

static int give(struct fake_request *self, const struct weft_body *body, bool last, bool bad)
{
    demand(!self->ended, "a request was used after its end");
    demand(!self->owes_drain, "-EAGAIN was answered: on_room is to be waited for");
    if (self->gone && !last)
        return -ECANCELED;
    if (self->refuse > 0 && !self->gone) {
        self->refuse--;
        self->owes_drain = true;
        return -EAGAIN;
    }
    if (body && !self->gone)
        take_body(self, body);
    if (last) {
        self->ended = true;
        self->bad = bad;
        /* The service may not read its arena any more: from now on it is poison. */
        weft_arena_reset(&self->arena);
    }
    return 0;
}

int weft_request_send(struct weft_request *request, const struct weft_body *body)
{
    return give(fake_of(request), body, false, false);
}

int weft_request_end(struct weft_request *request, const struct weft_body *body)
{
    return give(fake_of(request), body, true, false);
}

int weft_request_end_bad(struct weft_request *request, const struct weft_body *body)
{
    return give(fake_of(request), body, true, true);
}

int weft_request_keep_with_room(struct weft_request *request, size_t room)
{
    (void)room;
    return weft_request_keep(request);
}

int weft_request_keep(struct weft_request *request)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "a request was kept after its end");
    demand(!self->kept, "a request was kept twice");
    if (self->keep_fails)
        return -ENOMEM;
    /* It moves, and what was there is gone. */
    void *moved = copy_of(request->payload);
    free(self->payload);
    self->payload = moved;
    request->payload = weft_view(moved, request->payload.size);
    self->kept = true;
    return 0;
}

int weft_request_detach(struct weft_request *request)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "a request was detached after its end");
    if (self->no_place)
        return -ENOTSUP;
    if (self->cannot_detach && !self->detached)
        return -ENOSPC;
    self->detached = true;
    return 0;
}

void weft_request_endless(struct weft_request *request)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "a request was made endless after its end");
    self->endless = true;
}

bool weft_request_passes(const struct weft_request *request, unsigned flags,
                         struct weft_view object)
{
    (void)request, (void)flags, (void)object;
    return false;
}

bool weft_request_ask(struct weft_request *request, const struct weft_action *action,
                      struct weft_rejection *why)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "a request was asked about after its end");
    demand(self->reply_count == 0 || self->detached || self->endless,
           "a request was asked about after it had been answered");
    self->asked = action->name;
    *why = (struct weft_rejection){.cause = WEFT_REJECT_DENIED};
    return !self->denied;
}

void weft_request_refuse(struct weft_request *request, const struct weft_rejection *why)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "a request was refused after its end");
    self->refused = true;
    self->why = *why;
    self->refuse = 0; /* an end without a message is always taken */
    (void)give(self, NULL, true, false);
}

struct weft_peer *weft_request_peer(struct weft_request *request)
{
    struct fake_request *self = fake_of(request);
    self->peer.connection = self->connection;
    self->peer.address = "127.0.0.1:1";
    self->peer.scheme = "fake";
    self->peer.uid = self->peer.gid = self->peer.pid = -1;
    return &self->peer;
}

/* Replaces a text of the peer, which fake_request_fini frees. */
static int set_text(const char **text, struct weft_view view)
{
    char *copy = NULL;
    if (view.size > 0) {
        copy = calloc(1, view.size + 1);
        demand(copy != NULL, "no memory");
        memcpy(copy, view.data, view.size);
    }
    free((void *)(uintptr_t)*text);
    *text = copy;
    return 0;
}

int weft_peer_set_user(struct weft_peer *peer, struct weft_view user)
{
    return set_text(&peer->user, user);
}

int weft_peer_set_label(struct weft_peer *peer, struct weft_view label)
{
    return set_text(&peer->label, label);
}

void weft_peer_set_grant(struct weft_peer *peer, void *grant, void (*release)(void *grant))
{
    (void)release;
    peer->grant = grant;
}

int weft_request_authenticate(struct weft_request *request, struct weft_view user,
                              struct weft_view secret,
                              void (*known)(struct weft_request *request, int result))
{
    struct fake_request *self = fake_of(request);
    (void)known;
    demand(!self->ended, "a request was authenticated after its end");
    if (!self->secret)
        return -ENOTSUP;
    if (!weft_view_equal(secret, weft_view_str(self->secret)))
        return 0;
    return weft_peer_set_user(&self->peer, user) == 0;
}

struct weft_arena *weft_request_arena(struct weft_request *request)
{
    struct fake_request *self = fake_of(request);
    demand(!self->ended, "an arena was asked for after the end");
    return &self->arena;
}

uint64_t weft_request_connection(const struct weft_request *request)
{
    return fake_of(request)->connection;
}

int64_t weft_request_deadline(const struct weft_request *request)
{
    const struct fake_request *self = fake_of(request);
    demand(!self->ended, "a deadline was asked for after the end");
    return self->deadline ? self->deadline : INT64_MAX;
}

/* Takes a copy, as it takes replies. */
static int set_field(struct fake_request *self, char *dst, struct weft_view view)
{
    demand(!self->ended, "an answer was described after its end");
    demand(view.size < FAKE_REQUEST_FIELD, "a field is too large for the test");
    if (view.size > 0)
        memcpy(dst, view.data, view.size);
    dst[view.size] = '\0';
    return 0;
}

int weft_request_header(struct weft_request *request, struct weft_view header)
{
    struct fake_request *self = fake_of(request);
    demand(self->reply_count == 0, "a header was set behind a message");
    return set_field(self, self->header, header);
}

int weft_request_trailer(struct weft_request *request, uint32_t code, struct weft_view words,
                         struct weft_view trailer)
{
    struct fake_request *self = fake_of(request);
    self->code = code;
    return set_field(self, self->words, words) | set_field(self, self->trailer, trailer);
}
