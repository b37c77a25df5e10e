/* SPDX-License-Identifier: MIT
 *
 * Listeners: accept connections, refuse them, or place them on the worker that has the fewest. All of
 * this runs on the first worker's thread. */
#include <errno.h>
#include <inttypes.h>

#include "core/base/compiler.h"
#include "core/conn/conn.h"
#include "core/conn/session.h"
#include "server_private.h"

enum { ACCEPTS_PER_TURN = 64 };

/* Accepting pauses for so long after the system ran out of descriptors or memory. */
#define BACK_OFF_NS ((int64_t)WEFT_SECONDS(1) / 10)

/* Carries an accepted connection to the loop that will own it. */
struct handoff {
    struct weft_post post;
    struct weft_accepted accepted;
    struct weft__binding *binding;
    uint64_t id;
};

/* A session numbers its streams as they come. */
static void open_here(struct weft__binding *binding, const struct weft_accepted *accepted,
                      uint64_t id)
{
    if (binding->stack->mux)
        weft__session_open(binding, accepted, id);
    else
        weft__conn_open(binding, accepted, id, 0, 0);
}

static void open_handoff(struct weft_post *post)
{
    struct handoff *handoff = weft_container_of(post, struct handoff, post);

    open_here(handoff->binding, &handoff->accepted, handoff->id);
    weft_free(handoff);
}

/* Returns the index of the worker with the fewest connections, and sets *total to their sum over all
 * workers. */
static size_t choose(struct weft_server *server, uint64_t *total)
{
    size_t best = 0;
    uint64_t fewest = UINT64_MAX;

    *total = 0;
    for (size_t i = 0; i < server->thread_count; i++) {
        uint64_t living =
            atomic_load_explicit(&server->threads[i].worker.living, memory_order_relaxed);
        *total += living;
        if (living < fewest) {
            fewest = living;
            best = i;
        }
    }
    return best;
}

static void refuse(struct weft__binding *binding, const struct weft_accepted *accepted,
                   enum weft_reject_cause cause)
{
    /* A session that is turned away has no stream that could say so. */
    if (binding->worker->refusing >= WEFT__MAX_REFUSING || binding->stack->mux) {
        weft__count_lost(binding, cause == WEFT_REJECT_TOO_MANY ? WEFT_REASON_TOO_MANY
                                                                : WEFT_REASON_DRAINED);
        binding->stack->transport->drop(accepted);
        return;
    }
    binding->worker->refusing++;
    weft__conn_open(binding, accepted, weft__worker_next_id(binding->worker), 0, 1 + (int)cause);
}

static void place(struct weft_server *server, struct weft__address *address,
                  const struct weft_accepted *accepted)
{
    struct weft__binding *first = address->parts[0]->bindings;
    struct weft__worker *worker;
    struct handoff *handoff;
    uint64_t total;
    size_t chosen = choose(server, &total);

    if (server->draining || address->removed) {
        refuse(first, accepted, WEFT_REJECT_DRAINING);
        return;
    }
    if (total >= server->threads[0].limits.max_connections) {
        refuse(first, accepted, WEFT_REJECT_TOO_MANY);
        return;
    }
    worker = &server->threads[chosen].worker;
    atomic_fetch_add_explicit(&worker->living, 1, memory_order_relaxed);
    if (chosen == 0) {
        open_here(first, accepted, weft__worker_next_id(worker));
        return;
    }
    handoff = weft_malloc(sizeof *handoff);
    if (!handoff)
        goto err;
    *handoff = (struct handoff){.post.run = open_handoff,
                                .accepted = *accepted,
                                .binding = address->parts[chosen]->bindings,
                                .id = weft__worker_next_id(worker)};
    if (weft_loop_post(worker->loop, &handoff->post) < 0)
        goto err_after_handoff;
    return;

err_after_handoff:
    weft_free(handoff);
err:
    atomic_fetch_sub_explicit(&worker->living, 1, memory_order_relaxed);
    first->stack->transport->drop(accepted);
    weft__count_lost(first, WEFT_REASON_NO_MEMORY);
}

static void accept_again(struct weft_timer *timer)
{
    struct weft_server *server = weft_container_of(timer, struct weft_server, accept_timer);
    weft__server_set_accepting(server, true);
}

/* Drops peers that wait, with the transport's reserve descriptor. A peer that could be accepted after
 * all, because another thread has closed a connection meanwhile, is served. */
static void shed(struct weft_server *server, struct weft_listener *listener)
{
    struct weft__address *address = listener->owner;
    const struct weft_transport *transport = address->ports[0].endpoint.stack->transport;

    for (int left = ACCEPTS_PER_TURN; left > 0; left--) {
        struct weft_accepted accepted;
        int err = transport->accept(listener, &accepted, true);

        if (err == 0) {
            place(server, address, &accepted);
        } else if (err == -ECONNABORTED) {
            server->shed++;
            weft__count_lost(address->parts[0]->bindings, WEFT_REASON_NO_DESCRIPTOR);
        } else {
            return;
        }
    }
}

/* Pauses accepting when descriptors or memory run out, so that the loop serves its connections instead
 * of spinning. Logs one line when the pause begins and one when it is over. */
static void back_off(struct weft_server *server, struct weft_listener *listener, int error)
{
    if (!server->backing_off)
        weft_log_write(server->options.log, WEFT_LOG_WARN, "accept-back-off", "error=%s",
                       weft_errname(error));
    server->backing_off = true;
    shed(server, listener);
    weft__server_set_accepting(server, false);
    server->accept_timer.fire = accept_again;
    weft_loop_after(server->threads[0].worker.loop, &server->accept_timer, BACK_OFF_NS);
}

static void end_back_off(struct weft_server *server)
{
    weft_log_write(server->options.log, WEFT_LOG_INFO, "accept-again", "shed=%" PRIu64,
                   server->shed);
    server->backing_off = false;
    server->shed = 0;
}

/* Accepts until nobody waits or the turn's share is used. Returns false if nobody waits or can be
 * accepted. */
static bool accept_some(struct weft_listener *listener)
{
    struct weft__address *address = listener->owner;
    struct weft_server *server = address->server;
    const struct weft_transport *transport = address->ports[0].endpoint.stack->transport;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct weft_accepted accepted;
        int err = transport->accept(listener, &accepted, false);
        if (err == -EAGAIN)
            return false;
        if (err == -EMFILE || err == -ENFILE || err == -ENOMEM) {
            if (!server->draining && !address->removed)
                back_off(server, listener, err);
            return false;
        }
        if (err < 0)
            continue;
        if (server->backing_off)
            end_back_off(server);
        place(server, address, &accepted);
    }
    return true;
}

void weft__server_on_listener(struct weft_listener *listener)
{
    (void)accept_some(listener);
}

int weft__address_listen(struct weft__address *address, struct weft_inheritance *inheritance,
                         struct weft_error *error)
{
    const struct weft_endpoint *endpoint = &address->ports[0].endpoint;
    const struct weft_transport *transport = endpoint->stack->transport;

    weft_free(address->listener); /* of a listen that failed */
    address->listener = weft_calloc(1, transport->listener_size);
    if (!address->listener)
        return weft_error_set(error, -ENOMEM, "out of memory");
    address->listener->on_ready = weft__server_on_listener;
    address->listener->owner = address;
    address->listener->inheritance = inheritance;
    int err = transport->listen(address->listener, address->server->threads[0].worker.loop,
                                &endpoint->url, error);
    address->listening = err == 0;
    if (err < 0)
        return err;
    err = weft__address_describe(address);
    return err < 0 ? weft_error_set(error, err, "out of memory") : 0;
}

void weft__address_unlisten(struct weft__address *address)
{
    if (address->listening)
        address->ports[0].endpoint.stack->transport->unlisten(address->listener);
    address->listening = false;
}

void weft__address_set_accepting(struct weft__address *address, bool on)
{
    const struct weft_transport *transport = address->ports[0].endpoint.stack->transport;
    struct weft_listener *listener = address->listening ? address->listener : NULL;

    for (; listener; listener = listener->next)
        transport->enable(listener, on);
}

void weft__server_set_accepting(struct weft_server *server, bool on)
{
    for (size_t i = 0; i < server->address_count; i++)
        weft__address_set_accepting(server->addresses[i], on);
}

void weft__address_close_listeners(struct weft__address *address)
{
    struct weft_listener *listener = address->listening ? address->listener : NULL;

    for (; listener; listener = listener->next) {
        int turns = listener->kept ? ACCEPTS_PER_TURN : 0;
        while (turns < ACCEPTS_PER_TURN && accept_some(listener))
            turns++;
    }
    weft__address_unlisten(address);
}

void weft__server_close_listeners(struct weft_server *server)
{
    weft_timer_stop(&server->accept_timer);
    for (size_t i = 0; i < server->address_count; i++)
        weft__address_close_listeners(server->addresses[i]);
}

const struct weft_listener *weft_server_listener(const struct weft_server *server, size_t i)
{
    for (size_t a = 0; a < server->address_count; a++) {
        const struct weft__address *address = server->addresses[a];
        const struct weft_listener *listener = address->listening ? address->listener : NULL;
        for (; listener; listener = listener->next)
            if (i-- == 0)
                return listener;
    }
    return NULL;
}

void weft_server_keep_listeners(struct weft_server *server)
{
    for (size_t a = 0; a < server->address_count; a++) {
        struct weft__address *address = server->addresses[a];
        struct weft_listener *listener = address->listening ? address->listener : NULL;
        for (; listener; listener = listener->next)
            listener->kept = true;
    }
}
