/* SPDX-License-Identifier: MIT */
#include "trail.h"

#include <errno.h>
#include <time.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/units.h"
#include "trail_private.h"

enum {
    DEFAULT_LIMIT = 64 << 20,
    NUMBERS = 4096 /* a millisecond; more changes than that cannot be written in one */
};

int kv_trail_option(size_t *limit, const struct weft_option_set *set, struct weft_error *error)
{
    const char *text = set ? weft_option_get(set, "changes") : NULL;
    uint64_t size = DEFAULT_LIMIT;
    if (text && (weft_parse_size(text, &size) < 0 || size > SIZE_MAX / 2))
        return weft_error_set(
            error, WEFT_ECONFIG,
            "changes=%.64s: it takes a size, as 64MiB; with 0 nobody may follow changes", text);
    *limit = (size_t)size;
    return 0;
}

int kv_trail_init(struct kv_trail *trail, size_t limit)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *trail = (struct kv_trail){.limit = limit};
    trail->last = ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000) * NUMBERS;
    trail->forgotten = trail->last;
    atomic_init(&trail->turns, 0);
    return -pthread_mutex_init(&trail->lock, NULL);
}

static void forget_first(struct kv_trail *trail)
{
    struct kv_trail_chunk *chunk = trail->first;
    trail->first = chunk->next;
    if (!trail->first)
        trail->newest = NULL;
    trail->bytes -= sizeof *chunk + chunk->capacity;
    trail->forgotten = chunk->last;
    chunk->is_forgotten = true;
    if (chunk->holders == 0)
        weft_free(chunk);
}

/* Forgets all changes. The next one has a number that is not the next. */
static void forget_all(struct kv_trail *trail)
{
    while (trail->first)
        forget_first(trail);
    trail->forgotten = ++trail->last;
}

void kv_trail_fini(struct kv_trail *trail)
{
    forget_all(trail);
    pthread_mutex_destroy(&trail->lock);
}

void kv__trail_release(struct kv_trail_chunk *chunk)
{
    if (--chunk->holders == 0 && chunk->is_forgotten)
        weft_free(chunk);
}

static void set_flags(const struct kv_trail *trail, bool on)
{
    for (struct kv_trail_port *port = trail->ports; port; port = port->next)
        if (port->flag)
            atomic_store(port->flag, on || port->flag_off);
}

void kv__trail_come_on(struct kv_trail *trail)
{
    trail->unread = 0;
    if (kv_trail_is_on(trail))
        return;
    atomic_fetch_add(&trail->turns, 1);
    set_flags(trail, true);
    /* Nothing was numbered while the trail was off. */
    forget_all(trail);
}

static void go_off(struct kv_trail *trail)
{
    set_flags(trail, false);
    atomic_fetch_add(&trail->turns, 1);
    forget_all(trail);
}

void kv_trail_join(struct kv_trail *trail, struct kv_trail_port *port, struct weft_loop *loop,
                   atomic_bool *flag, bool flag_off)
{
    *port =
        (struct kv_trail_port){.trail = trail, .loop = loop, .flag = flag, .flag_off = flag_off};
    pthread_mutex_lock(&trail->lock);
    port->next = trail->ports;
    trail->ports = port;
    if (flag)
        atomic_store(flag, flag_off || kv_trail_is_on(trail));
    pthread_mutex_unlock(&trail->lock);
}

void kv_trail_leave(struct kv_trail_port *port)
{
    struct kv_trail *trail = port->trail;
    if (port->hooked)
        weft_loop_remove_hook(port->loop, &port->hook);
    pthread_mutex_lock(&trail->lock);
    struct kv_trail_port **link = &trail->ports;
    while (*link != port)
        link = &(*link)->next;
    *link = port->next;
    pthread_mutex_unlock(&trail->lock);
}

uint64_t kv__trail_visible(const struct kv_trail *trail)
{
    uint64_t last = trail->last;
    for (const struct kv_trail_port *port = trail->ports; port; port = port->next)
        if (port->pending != 0 && port->pending <= last)
            last = port->pending - 1;
    return last;
}

/* Posts to the loops whose followers wait. */
static void notify(struct kv_trail *trail)
{
    for (struct kv_trail_port *port = trail->ports; port; port = port->next)
        if (port->waiting > 0 && !port->posted)
            port->posted = weft_loop_post(port->loop, &port->post) == 0;
}

void kv_trail_reserve(struct kv_trail *trail, size_t count)
{
    if (!kv_trail_is_on(trail))
        return;
    pthread_mutex_lock(&trail->lock);
    trail->reserved = trail->last + count;
    pthread_mutex_unlock(&trail->lock);
}

void kv_trail_notify(struct kv_trail *trail)
{
    pthread_mutex_lock(&trail->lock);
    if (trail->reserved > trail->last)
        trail->last = trail->reserved;
    trail->reserved = 0;
    notify(trail);
    pthread_mutex_unlock(&trail->lock);
}

void kv_trail_lose(struct kv_trail *trail)
{
    pthread_mutex_lock(&trail->lock);
    if (kv_trail_is_on(trail)) {
        forget_all(trail);
        notify(trail);
    }
    pthread_mutex_unlock(&trail->lock);
}

static void turn_begins(struct weft_turn_hook *hook)
{
    (void)hook;
}

static void turn_ends(struct weft_turn_hook *hook)
{
    struct kv_trail_port *port = weft_container_of(hook, struct kv_trail_port, hook);
    if (port->pending == 0)
        return;
    pthread_mutex_lock(&port->trail->lock);
    port->pending = 0;
    notify(port->trail);
    pthread_mutex_unlock(&port->trail->lock);
}

/* Returns the chunk for a record of this size, or NULL. */
static struct kv_trail_chunk *chunk_for(struct kv_trail *trail, size_t size)
{
    struct kv_trail_chunk *chunk = trail->newest;
    if (chunk && chunk->capacity - chunk->used >= size)
        return chunk;
    size_t capacity = size > KV_TRAIL_CHUNK ? size : KV_TRAIL_CHUNK;
    if (capacity == KV_TRAIL_CHUNK && trail->limit < 4 * (size_t)KV_TRAIL_CHUNK)
        capacity = size > trail->limit / 4 ? size : trail->limit / 4;
    size_t bytes = sizeof *chunk + capacity;
    if (bytes > trail->limit)
        return NULL;
    while (trail->bytes + bytes > trail->limit)
        forget_first(trail);
    chunk = weft_malloc(bytes);
    if (!chunk)
        return NULL;
    *chunk = (struct kv_trail_chunk){.capacity = capacity};
    if (trail->newest)
        trail->newest->next = chunk;
    else
        trail->first = chunk;
    trail->newest = chunk;
    trail->bytes += bytes;
    return chunk;
}

static uint8_t *put(uint8_t *dst, struct weft_view bytes)
{
    if (bytes.size > 0)
        memcpy(dst, bytes.data, bytes.size);
    return dst + bytes.size;
}

static void write_change(struct kv_trail *trail, const struct kv_change *change)
{
    size_t size = kv_trail_record_size(change->table.size + change->key.size + change->value.size);
    struct kv_trail_chunk *chunk = chunk_for(trail, size);
    if (!chunk) {
        forget_all(trail);
        notify(trail);
        return;
    }
    struct kv_trail_record *record = (void *)(chunk->bytes + chunk->used);
    *record = (struct kv_trail_record){.number = ++trail->last,
                                       .expires = change->expires,
                                       .table = change->table.size,
                                       .key = change->key.size,
                                       .value = change->value.size,
                                       .kind = change->kind,
                                       .part = change->part,
                                       .more = change->more};
    (void)put(put(put(record->bytes, change->table), change->key), change->value);
    chunk->used += size;
    chunk->last = trail->last;
    if (trail->followers == 0)
        trail->unread += size;
}

bool kv_trail_begin(struct kv_trail *trail)
{
    pthread_mutex_lock(&trail->lock);
    if (kv_trail_is_on(trail))
        return true;
    pthread_mutex_unlock(&trail->lock);
    return false;
}

void kv_trail_put(struct kv_trail *trail, struct kv_trail_port *port,
                  const struct kv_change *change)
{
    write_change(trail, change);
    if (port && port->pending == 0)
        port->pending = trail->last;
}

void kv_trail_end(struct kv_trail *trail, struct kv_trail_port *port)
{
    if (trail->followers == 0 && trail->unread >= trail->limit)
        go_off(trail);
    pthread_mutex_unlock(&trail->lock);
    if (!port || port->hooked)
        return;
    port->hooked = true;
    port->hook = (struct weft_turn_hook){.begin = turn_begins, .end = turn_ends};
    weft_loop_add_hook(port->loop, &port->hook);
}

void kv_trail_add(struct kv_trail *trail, struct kv_trail_port *port,
                  const struct kv_change *change)
{
    if (!kv_trail_begin(trail))
        return;
    kv_trail_put(trail, port, change);
    kv_trail_end(trail, port);
}
