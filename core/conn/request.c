/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <assert.h>
#include <errno.h>

#include "conn.h"
#include "core/base/compiler.h"

enum { FREE_REQUESTS = 256 };

static struct weft__request *from_public(struct weft_request *request)
{
    return weft_container_of(request, struct weft__request, public);
}

struct weft__request *weft__request_take(struct weft__worker *worker, struct weft__conn *conn)
{
    struct weft__request *request = worker->free_requests;

    if (request) {
        worker->free_requests = request->next;
        worker->free_request_count--;
    } else {
        request = weft_calloc(1, sizeof *request);
        if (!request)
            return NULL;
    }
    request->conn = conn;
    return request;
}

void weft__request_drop_held(struct weft__request *request)
{
    while (request->held) {
        struct weft__held *held = request->held;
        request->conn->held_bytes -= weft_blob_view(held->blob).size;
        request->held = held->next;
        weft_blob_unref(held->blob);
        if (held != &request->first_held)
            weft_free(held);
    }
    request->held_last = NULL;
}

WEFT_NOINLINE static void give_kept(struct weft__worker *worker, struct weft__request *request)
{
    weft_arena_fini(&request->arena);
    request->kept = false;
    weft__request_give(worker, request);
}

void weft__request_give(struct weft__worker *worker, struct weft__request *request)
{
    assert(!request->held);
    if (request->kept) {
        give_kept(worker, request);
        return;
    }
    request->public = (struct weft_request){0};
    request->ended = request->listed = request->room_owed = false;
    if (worker->free_request_count >= FREE_REQUESTS) {
        weft_free(request);
        return;
    }
    request->next = worker->free_requests;
    worker->free_requests = request;
    worker->free_request_count++;
}

void weft__request_list(struct weft__request *request)
{
    struct weft__conn *conn = request->conn;

    request->next = NULL;
    request->listed = true;
    if (conn->last)
        conn->last->next = request;
    else
        conn->first = request;
    conn->last = request;
    conn->pending++;
}

int weft__request_hold(struct weft__request *request, struct weft_blob *blob, bool framed)
{
    struct weft__held *held = &request->first_held;

    if (request->held) {
        held = weft_malloc(sizeof *held);
        if (!held)
            return -ENOMEM;
    }
    *held = (struct weft__held){.blob = weft_blob_ref(blob), .framed = framed};
    if (request->held)
        request->held_last->next = held;
    else
        request->held = held;
    request->held_last = held;
    request->conn->held_bytes += weft_blob_view(blob).size;
    return 0;
}

/* A copy, or a reference where the body is a blob already. NULL: no memory. */
static struct weft_blob *body_blob(const struct weft_body *body)
{
    struct weft_blob *blob;
    uint8_t *data;

    if (body->blob)
        return weft_blob_ref(body->blob);
    blob = weft_blob_new(body->size, &data);
    if (blob)
        weft_body_write(body, data);
    return blob;
}

static bool is_head(const struct weft__request *request)
{
    return request->listed ? request->conn->first == request : request->conn->calling == request;
}

static int hold_behind_head(struct weft__request *request, const struct weft_body *body)
{
    struct weft__conn *conn = request->conn;
    bool small_first = !request->held && body->size <= WEFT_REJECT_MAX;
    struct weft_blob *blob;
    int err;

    if (!small_first &&
        conn->out.bytes + conn->held_bytes >= conn->binding->worker->limits->output_high)
        return -EAGAIN;
    blob = body_blob(body);
    err = blob ? weft__request_hold(request, blob, false) : -ENOMEM;
    if (err == 0)
        request->held_last->lasting = body->lasting;
    weft_blob_unref(blob);
    if (err < 0)
        weft__conn_give_up(conn, WEFT_REASON_NO_MEMORY);
    weft__conn_check_output(conn);
    return 0;
}

/* 0, or -EAGAIN with on_room noted. */
static int deliver(struct weft__request *request, const struct weft_body *body, bool last)
{
    struct weft__conn *conn = request->conn;
    int err = 0;

    if (is_head(request)) {
        if (!last && conn->out.bytes >= conn->binding->worker->limits->output_high)
            err = -EAGAIN;
        else
            weft__conn_emit(conn, body);
    } else {
        err = hold_behind_head(request, body);
    }
    if (err == -EAGAIN && !request->room_owed) {
        request->room_owed = true;
        conn->room_owed++;
    }
    return err;
}

static int end_request(struct weft__request *request, const struct weft_body *body, bool bad)
{
    struct weft__conn *conn = request->conn;

    if (!weft__conn_gone(conn)) {
        if (body && deliver(request, body, true) == -EAGAIN)
            return -EAGAIN;
        weft__conn_count_bad(conn, bad);
    }
    if (request->room_owed) {
        request->room_owed = false;
        conn->room_owed--;
    }
    request->ended = true;
    if (request->listed && conn->first == request && !conn->cancelling)
        weft__conn_advance(conn);
    weft__conn_schedule(conn);
    return 0;
}

int weft_request_send(struct weft_request *public, const struct weft_body *body)
{
    struct weft__request *request = from_public(public);
    int err;

    if (weft__conn_gone(request->conn))
        return -ECANCELED;
    err = deliver(request, body, false);
    if (err == 0)
        weft__conn_schedule(request->conn);
    return err;
}

int weft_request_end(struct weft_request *request, const struct weft_body *body)
{
    return end_request(from_public(request), body, false);
}

int weft_request_end_bad(struct weft_request *request, const struct weft_body *body)
{
    return end_request(from_public(request), body, true);
}

int weft_request_keep(struct weft_request *public)
{
    struct weft__request *request = from_public(public);
    size_t size = public->payload.size;
    uint8_t *copy;

    if (request->kept)
        return 0;
    weft_arena_init(&request->arena, request->conn->binding->worker->limits->decode_bytes + size);
    copy = weft_arena_alloc(&request->arena, size);
    if (!copy) {
        weft_arena_fini(&request->arena);
        return -ENOMEM;
    }
    if (size > 0)
        memcpy(copy, public->payload.data, size);
    public->payload.data = copy;
    request->kept = true;
    return 0;
}

struct weft_arena *weft_request_arena(struct weft_request *public)
{
    struct weft__request *request = from_public(public);
    return request->kept ? &request->arena : &request->conn->binding->worker->arena;
}

uint64_t weft_request_connection(const struct weft_request *public)
{
    return ((const struct weft__request *)(const void *)public)->conn->id;
}
