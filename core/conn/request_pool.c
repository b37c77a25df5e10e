/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "core/base/compiler.h"
#include "request.h"
#include "streams.h"

enum { FREE_REQUESTS = 960 };

struct weft__request *weft__request_take(struct weft__request_pool *pool, struct weft__conn *conn)
{
    struct weft__request *request = pool->free;

    if (request) {
        pool->free = request->next;
        pool->count--;
    } else {
        request = weft_calloc(1, WEFT__ALIGN_UP(sizeof *request) + pool->states);
        if (!request)
            return NULL;
    }
    request->conn = conn;
    return request;
}

void weft__request_drop_kept(struct weft__request *request)
{
    weft_arena_count(&request->arena, NULL);
    if (weft_arena_memory(&request->arena) > WEFT__KEPT_SMALL)
        weft_arena_fini(&request->arena);
    else
        weft_arena_reset(&request->arena);
    request->kept = false;
}

WEFT_NOINLINE static void free_request(struct weft__request *request)
{
    weft_arena_fini(&request->arena);
    weft_free(request->deadline);
    weft_free(request);
}

void weft__request_give(struct weft__request_pool *pool, struct weft__request *request)
{
    assert(!request->held && !request->kept);
    /* One by one, since all of the public part would be cleared by a slow string instruction. Its views are set
     * for each request, or cleared by weft__stream_fini. */
    request->public.data = NULL;
    request->public.layers = NULL;
    request->public.action = NULL;
    request->public.status = request->public.stream = 0;
    request->public.on_room = NULL;
    request->public.on_cancel = NULL;
    /* Eight bytes side by side, which one store clears. */
    request->place = WEFT__NOWHERE;
    request->told = WEFT_REASON_NONE;
    request->kept = request->ended = request->room_owed = request->detached = false;
    request->said = WEFT__SAID_NOTHING;
    request->too_large = request->endless = false;
    request->many = request->ended_by_peer = request->wanted = false;
    if (pool->count >= FREE_REQUESTS) {
        free_request(request);
        return;
    }
    request->next = pool->free;
    pool->free = request;
    pool->count++;
}

void weft__request_pool_fini(struct weft__request_pool *pool)
{
    while (pool->free) {
        struct weft__request *request = pool->free;
        pool->free = request->next;
        free_request(request);
    }
    pool->count = 0;
}
