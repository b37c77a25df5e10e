/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "trail_private.h"

/* Belongs to the thread of the port's loop. */
struct kv_trail_follower {
    struct kv_follow *follow;
    struct kv_trail_port *port;
    struct kv_trail_follower *next, **link;
    uint64_t number; /* of the last change that it got, or after which it began */
    uint64_t limit; /* changes up to this number may be read without the lock, those in the chunk */
    struct kv_trail_chunk *chunk; /* held; NULL: none */
    size_t at;                    /* where the next record begins in it */
    size_t end;                   /* where those end that may be read */
    bool waits;                   /* next_change has returned 0 */
};

/* Calls those who wait. Each may end any of them. */
static void on_post(struct weft_post *post)
{
    struct kv_trail_port *port = weft_container_of(post, struct kv_trail_port, post);
    pthread_mutex_lock(&port->trail->lock);
    port->posted = false;
    pthread_mutex_unlock(&port->trail->lock);
    for (port->visited = port->followers; port->visited;) {
        struct kv_trail_follower *follower = port->visited;
        port->visited = follower->next;
        if (!follower->waits)
            continue;
        follower->waits = false;
        pthread_mutex_lock(&port->trail->lock);
        port->waiting--;
        pthread_mutex_unlock(&port->trail->lock);
        follower->follow->ready(follower->follow);
    }
}

static void link_follower(struct kv_trail_port *port, struct kv_trail_follower *follower)
{
    follower->port = port;
    follower->next = port->followers;
    follower->link = &port->followers;
    if (follower->next)
        follower->next->link = &follower->next;
    port->followers = follower;
    port->post.run = on_post;
}

int kv_trail_follow(struct kv_trail_port *port, struct kv_follow *follow)
{
    struct kv_trail *trail = port->trail;
    if (trail->limit == 0)
        return -ENOTSUP;
    struct kv_trail_follower *follower = weft_calloc(1, sizeof *follower);
    if (!follower)
        return -ENOMEM;
    pthread_mutex_lock(&trail->lock);
    kv__trail_come_on(trail);
    uint64_t visible = kv__trail_visible(trail);
    uint64_t from = follow->from != 0 ? follow->from : visible;
    follow->latest = trail->reserved > trail->last ? trail->reserved : trail->last;
    /* Numbers after the last one are of another process, whose calendar was ahead. */
    bool is_kept = from >= trail->forgotten && from <= trail->last;
    if (is_kept)
        trail->followers++;
    pthread_mutex_unlock(&trail->lock);
    /* The caller reads the store next, and writers look whether the trail is on with locks of the store held. */
    atomic_thread_fence(memory_order_seq_cst);
    if (!is_kept) {
        weft_free(follower);
        return -ERANGE;
    }
    follower->follow = follow;
    follower->number = follower->limit = from;
    follow->from = follow->reached = from;
    follow->state = follower;
    link_follower(port, follower);
    return 0;
}

void kv_trail_unfollow(struct kv_follow *follow)
{
    struct kv_trail_follower *follower = follow->state;
    struct kv_trail_port *port = follower->port;
    *follower->link = follower->next;
    if (follower->next)
        follower->next->link = follower->link;
    if (port->visited == follower)
        port->visited = follower->next;
    pthread_mutex_lock(&port->trail->lock);
    port->trail->followers--;
    port->waiting -= follower->waits;
    if (follower->chunk)
        kv__trail_release(follower->chunk);
    pthread_mutex_unlock(&port->trail->lock);
    weft_free(follower);
    follow->state = NULL;
}

static const struct kv_trail_record *record_at(const struct kv_trail_chunk *chunk, size_t at)
{
    return (const void *)(chunk->bytes + at);
}

/* Takes hold of the chunk with the change after follower->number; there is one. */
static void enter_chunk(struct kv_trail_follower *follower)
{
    struct kv_trail_chunk *chunk = follower->port->trail->first;
    bool goes_on = follower->chunk && !follower->chunk->is_forgotten;
    if (goes_on)
        chunk = follower->chunk;
    while (chunk->last <= follower->number)
        chunk = chunk->next;
    if (chunk == follower->chunk)
        return;
    chunk->holders++;
    if (follower->chunk)
        kv__trail_release(follower->chunk);
    follower->chunk = chunk;
    follower->at = 0;
    while (record_at(chunk, follower->at)->number <= follower->number)
        follower->at += kv_trail_size_of(record_at(chunk, follower->at));
}

/* Looks for more, under the lock. Returns 1, 0, or -ERANGE. */
static int look(struct kv_trail_follower *follower)
{
    struct kv_trail *trail = follower->port->trail;
    uint64_t visible = kv__trail_visible(trail);
    if (follower->number < trail->forgotten)
        return -ERANGE;
    if (visible > follower->number && trail->newest && trail->newest->last > follower->number) {
        enter_chunk(follower);
        follower->limit = visible;
        follower->end = follower->chunk->used;
        if (record_at(follower->chunk, follower->at)->number <= visible)
            return 1;
    }
    follower->waits = true;
    follower->port->waiting++;
    follower->follow->reached = visible > follower->number ? visible : follower->number;
    return 0;
}

int kv_trail_next(struct kv_follow *follow, struct kv_change *change)
{
    struct kv_trail_follower *follower = follow->state;
    struct kv_trail *trail = follower->port->trail;
    if (follower->waits)
        return 0;
    if (!follower->chunk || follower->at == follower->end ||
        record_at(follower->chunk, follower->at)->number > follower->limit) {
        pthread_mutex_lock(&trail->lock);
        int found = look(follower);
        pthread_mutex_unlock(&trail->lock);
        if (found <= 0)
            return found;
    }
    const struct kv_trail_record *record = record_at(follower->chunk, follower->at);
    const uint8_t *bytes = record->bytes;
    *change = (struct kv_change){
        .kind = record->kind,
        .part = record->part,
        .number = record->number,
        .table = weft_view(bytes, record->table),
        .key = weft_view(bytes + record->table, record->key),
        .value = weft_view(bytes + record->table + record->key, record->value),
        .expires = record->expires,
        .more = record->more,
    };
    follower->number = record->number;
    follower->at += kv_trail_size_of(record);
    return 1;
}
