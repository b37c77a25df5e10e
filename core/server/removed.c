/* SPDX-License-Identifier: MIT
 *
 * The end of an address that was removed: it drains on each loop, and goes once the last of its connections has gone. */
#include <errno.h>
#include <inttypes.h>

#include "core/base/compiler.h"
#include "server_private.h"

static void add_gone(struct weft_server *server, const struct weft__binding *binding)
{
    const _Atomic uint64_t *from = (const _Atomic uint64_t *)(const void *)&binding->counts;
    _Atomic uint64_t *to = (_Atomic uint64_t *)(void *)&server->gone;

    for (size_t i = 0; i < sizeof server->gone / sizeof *to; i++)
        weft__count(&to[i], atomic_load_explicit(&from[i], memory_order_relaxed));
}

static void log_end(const struct weft__port *port)
{
    struct weft_server_counts counts = {0};

    weft__port_count(port, &counts);
    weft_log_write(port->address->server->options.log, WEFT_LOG_INFO, "endpoint-ended",
                   "endpoint=%s accepted=%" PRIu64 " requests=%" PRIu64 " cut=%" PRIu64,
                   weft__port_line(port), counts.accepted, counts.requests,
                   counts.closed[WEFT_REASON_CUT]);
}

/* Frees a removed address once each loop is done with it, and keeps its counters. */
static void release(struct weft__address *address)
{
    struct weft_server *server = address->server;
    struct weft__address **link = &server->removed;

    if (--address->left > 0)
        return;
    for (size_t i = 0; i < address->count; i++)
        log_end(&address->ports[i]);
    pthread_mutex_lock(&server->lock);
    while (*link != address)
        link = &(*link)->next;
    *link = address->next;
    for (size_t i = 0; i < address->count; i++)
        for (size_t t = 0; t < server->thread_count; t++)
            add_gone(server, weft__port_binding(&address->ports[i], t));
    server->has_gone = true;
    pthread_mutex_unlock(&server->lock);
    weft__address_free(address);
}

static void on_gone(struct weft_post *post)
{
    release(weft_container_of(post, struct weft__part, gone)->address);
}

/* Runs something on the first thread. If that loop has ended, so has the server's run, and weft_server_free does the
 * rest. */
static void tell_first(struct weft__part *part, struct weft_post *post,
                       void (*run)(struct weft_post *post))
{
    post->run = run;
    if (!part->thread->started) {
        run(post);
        return;
    }
    int err = weft_loop_post(part->address->server->threads[0].worker.loop, post);
    (void)err;
}

/* Runs something on a part's thread, behind the connections that are on their way to it. */
static void tell(struct weft__part *part, struct weft_post *post,
                 void (*run)(struct weft_post *post))
{
    struct weft_server *server = part->address->server;

    post->run = run;
    /* -ESHUTDOWN: that loop has ended and has no connection. */
    if (part->thread == server->threads || !server->serving ||
        weft_loop_post(part->thread->worker.loop, post) < 0)
        run(post);
}

static void end_part(struct weft_deferred *ended)
{
    struct weft__part *part = weft_container_of(ended, struct weft__part, ended);

    weft__address_stop(part->address, part->thread);
    tell_first(part, &part->gone, on_gone);
}

/* The last connection is about to be freed, so its plugins are stopped later in the turn. */
static void on_part_empty(struct weft__share *share)
{
    struct weft__part *part = weft_container_of(share, struct weft__part, share);

    part->ended.run = end_part;
    weft_loop_defer(part->thread->worker.loop, &part->ended);
}

static void retire(struct weft_post *post)
{
    struct weft__part *part = weft_container_of(post, struct weft__part, retire);

    weft__worker_drain_share(&part->thread->worker, &part->share);
}

static void on_cut(struct weft_post *post)
{
    release(weft_container_of(post, struct weft__part, cut)->address);
}

static void cut(struct weft_post *post)
{
    struct weft__part *part = weft_container_of(post, struct weft__part, cut);

    weft__worker_cut_share(&part->thread->worker, &part->share);
    tell_first(part, &part->cut, on_cut);
}

/* Cuts what has not drained. A post that is under way keeps the address. */
static void on_drain_timeout(struct weft_timer *timer)
{
    struct weft__address *address = weft_container_of(timer, struct weft__address, timer);
    size_t count = address->server->thread_count;

    address->left += count + 1;
    for (size_t i = 0; i < count; i++)
        tell(address->parts[i], &address->parts[i]->cut, cut);
    release(address);
}

void weft__address_drain(struct weft__address *address)
{
    struct weft_server *server = address->server;
    size_t count = server->thread_count;

    address->left = count + 1;
    address->timer.fire = on_drain_timeout;
    weft_loop_after(server->threads[0].worker.loop, &address->timer,
                    (int64_t)server->threads[0].limits.drain_timeout);
    for (size_t i = 0; i < count; i++) {
        address->parts[i]->share.on_empty = on_part_empty;
        tell(address->parts[i], &address->parts[i]->retire, retire);
    }
    release(address);
}

void weft__server_free_removed(struct weft_server *server)
{
    struct weft__address *next;

    for (struct weft__address *address = server->removed; address; address = next) {
        next = address->next;
        for (size_t i = server->thread_count; i-- > 0;)
            weft__address_stop(address, &server->threads[i]);
        weft__address_free(address);
    }
    server->removed = NULL;
}
