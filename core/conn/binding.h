/* SPDX-License-Identifier: MIT
 *
 * An endpoint and its address as one worker (worker.h) sees them, with the counters of the endpoint. Private to the
 * core. Everything here is for the worker's thread, but weft__counts. */
#ifndef WEFT_BINDING_H
#define WEFT_BINDING_H

#include <stdatomic.h>

#include "core/codec.h"
#include "core/service.h"
#include "core/stack/stack.h"
#include "layers.h"

struct weft__worker;

/* The counters of weft_server_counts. One thread writes them and any may read them. So relaxed loads and
 * stores are enough, and no read-modify-write is needed. */
struct weft__counts {
    _Atomic uint64_t accepted, open, requests, rejected, bytes_in, bytes_out;
    _Atomic uint64_t closed[WEFT_REASON_COUNT];
    /* Messages that were deflated and inflated, their sizes before and after, and the time to deflate. */
    _Atomic uint64_t deflated, deflated_from, deflated_to, deflating, inflated, inflated_from,
        inflated_to;
};

/* Adds n, which may be a negative number as a uint64_t. For the thread that writes the counter. */
static inline void weft__count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* A share is what a worker has of an address: the connections of all endpoints there. */
struct weft__share {
    size_t conns;  /* as the worker's conn_count, and sessions */
    bool draining; /* the address was removed: connections that come drain at once */
    /* Called when the share is draining and its last connection is unlinked, whose memory may still be there. */
    void (*on_empty)(struct weft__share *share);
};

static inline void weft__share_leave(struct weft__share *share)
{
    if (--share->conns == 0 && share->draining)
        share->on_empty(share);
}

/* An endpoint as one worker sees it: its plugins and their states on this loop. Endpoints that share an
 * address follow their first one in an array. */
struct weft__binding {
    struct weft__worker *worker;
    struct weft__share *share;
    const struct weft__stack *stack;
    const char *scheme; /* of the URL */
    const struct weft_codec *codec;
    const struct weft_service *service;
    const void *codec_config;
    uint32_t config_id; /* names the codec's configuration; equal ones have the same (codec.h) */
    void *codec_loop, *service_loop; /* endpoints with equal configurations share them */
    struct weft__layers layers;
    /* The service's call, or the one that has the layers begin first. */
    void (*call)(void *loop_state, void *conn_state, struct weft_request *request);
    /* In the first one of an address: the number of endpoints that share it, and the sizes of the largest
     * connection states of their codecs and services. */
    size_t variants, codec_room, service_room;
    /* The line that the server has for it, which lives as long as the server; NULL before it listens. */
    const char *endpoint;
    struct weft__counts counts;
};

/* Counts a peer that never became a connection. */
static inline void weft__count_lost(struct weft__binding *binding, enum weft_reason reason)
{
    weft__count(&binding->counts.accepted, 1);
    weft__count(&binding->counts.closed[reason], 1);
}

#endif
