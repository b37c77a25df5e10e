/* SPDX-License-Identifier: MIT */
#include "keyspace.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "feed.h"
#include "packed.h"
#include "session.h"

#define BY_KEY   "__keyspace@0__:"
#define BY_EVENT "__keyevent@0__:"

enum { LOOKED_AT = 1000 /* changes that a step looks at */ };

/* After which a store that could not be followed is tried again. */
static const int64_t pause = 100 * 1000 * 1000;

struct kv_keyspace {
    atomic_uint flags;
    _Atomic uint64_t from; /* the last change before the flags were set */
    char strings[256];
};

struct kv_keyspace *kv_keyspace_new(void)
{
    return weft_calloc(1, sizeof(struct kv_keyspace));
}

void kv_keyspace_free(struct kv_keyspace *self)
{
    weft_free(self);
}

void kv_keyspace_set_strings(struct kv_keyspace *self, const char *table)
{
    size_t size = strlen(table);
    if (!self->strings[0] && size < sizeof self->strings)
        memcpy(self->strings, table, size + 1);
}

unsigned kv_keyspace_flags(const struct kv_keyspace *self)
{
    return atomic_load(&((struct kv_keyspace *)(uintptr_t)self)->flags);
}

static bool tells(unsigned flags)
{
    return flags & (KV_KEYSPACE_BY_KEY | KV_KEYSPACE_BY_EVENT) &&
           flags & (KV_KEYSPACE_CLASSES | KV_KEYSPACE_NEW);
}

/* --- messages -------------------------------------------------------------------------------------- */

static void publish(struct kv_keyspace_loop *self, const char *prefix, struct weft_view name,
                    struct weft_view text)
{
    size_t head = strlen(prefix), most = head + name.size + KV_PACKED_HEAD_MAX + text.size;
    uint8_t *topic = weft_buf_reserve(&self->bytes, most);
    if (!topic) {
        kv_feed_lose_here(self->feed);
        return;
    }
    uint8_t *value = topic + head + name.size;
    memcpy(topic, prefix, head);
    if (name.size > 0)
        memcpy(topic + head, name.data, name.size);
    size_t size =
        kv_pack_head(value, weft_utf8_valid(text) ? KV_TYPE_STRING : KV_TYPE_BINARY, text.size);
    if (text.size > 0)
        memcpy(value + size, text.data, text.size);
    kv_feed_tell_here(self->feed, weft_view(topic, head + name.size),
                      weft_view(value, size + text.size));
}

static void tell_event(struct kv_keyspace_loop *self, unsigned flag, const char *event,
                       struct weft_view key)
{
    struct weft_view word = weft_view_str(event);
    if (!(self->flags & flag))
        return;
    if (self->flags & KV_KEYSPACE_BY_KEY)
        publish(self, BY_KEY, key, word);
    if (self->flags & KV_KEYSPACE_BY_EVENT)
        publish(self, BY_EVENT, word, key);
}

static void tell_string(struct kv_keyspace_loop *self, const struct kv_change *change)
{
    bool expires = change->expires != KV_NEVER;
    switch (change->kind) {
    case KV_CHANGE_SET:
        if (change->part != KV_CHANGE_EXPIRY)
            tell_event(self, KV_KEYSPACE_STRING, "set", change->key);
        if (change->part == KV_CHANGE_EXPIRY || (change->part == KV_CHANGE_ALL && expires))
            tell_event(self, KV_KEYSPACE_GENERIC, expires ? "expire" : "persist", change->key);
        return;
    case KV_CHANGE_REMOVED:
        tell_event(self, KV_KEYSPACE_GENERIC, "del", change->key);
        return;
    case KV_CHANGE_EXPIRED:
        tell_event(self, KV_KEYSPACE_EXPIRED, "expired", change->key);
        return;
    case KV_CHANGE_DROPPED: /* a FLUSHDB, of which Redis tells nothing */
        return;
    }
}

static const char *event_of_field(const struct kv_change *change)
{
    if (change->kind == KV_CHANGE_REMOVED)
        return "hdel";
    if (change->kind == KV_CHANGE_EXPIRED)
        return "hexpired";
    if (change->part != KV_CHANGE_EXPIRY)
        return "hset";
    return change->expires != KV_NEVER ? "hexpire" : "hpersist";
}

/* An operation on several fields is told once. */
static void tell_hash(struct kv_keyspace_loop *self, const struct kv_change *change)
{
    if (change->kind == KV_CHANGE_DROPPED) {
        tell_event(self, KV_KEYSPACE_GENERIC, "del", change->table);
        return;
    }
    const char *event = event_of_field(change);
    if (!self->told || strcmp(event, self->told) != 0)
        tell_event(self, KV_KEYSPACE_HASH, event, change->table);
    self->told = change->more ? event : NULL;
}

static void tell(struct kv_keyspace_loop *self, const struct kv_change *change)
{
    if (weft_view_equal(change->table, weft_view_str(self->keyspace->strings)))
        tell_string(self, change);
    else
        tell_hash(self, change);
}

/* --- the store's changes --------------------------------------------------------------------------- */

static void go_on(struct kv_follow *follow)
{
    struct kv_keyspace_loop *self = weft_container_of(follow, struct kv_keyspace_loop, follow);
    weft_loop_after(self->loop, &self->timer, 0);
}

static void close_session(struct kv_keyspace_loop *self)
{
    self->store->close(self->session);
    weft_free(self->session);
    self->session = NULL;
}

static void leave(struct kv_keyspace_loop *self)
{
    weft_timer_stop(&self->timer);
    if (!self->session)
        return;
    self->store->unfollow(self->session, &self->follow);
    close_session(self);
    weft_buf_fini(&self->bytes);
    self->told = NULL;
}

static int follow(struct kv_keyspace_loop *self, uint64_t from)
{
    self->session = weft_calloc(1, self->store->session_size + 1);
    if (!self->session)
        return -ENOMEM;
    int err = self->store->open(self->session, self->store_loop);
    if (err < 0) {
        weft_free(self->session);
        self->session = NULL;
        return err;
    }
    self->follow = (struct kv_follow){.from = from, .ready = go_on};
    err = self->store->follow(self->session, &self->follow);
    if (err < 0)
        close_session(self);
    return err;
}

/* Follows, if there is somebody to tell. What comes until it succeeds is lost. */
static void begin(struct kv_keyspace_loop *self, uint64_t from)
{
    if (self->session || !tells(self->flags) || kv_feed_key_sources(self->feed) == 0)
        return;
    int err = follow(self, from);
    if (err < 0)
        kv_feed_lose_here(self->feed);
    weft_loop_after(self->loop, &self->timer, err < 0 ? pause : 0);
}

static void step(struct kv_keyspace_loop *self)
{
    struct kv_change change;
    int found = 1;
    if (kv_feed_key_sources(self->feed) == 0) {
        leave(self);
        return;
    }
    for (unsigned i = 0; i < LOOKED_AT && found > 0; i++) {
        found = self->store->next_change(self->session, &self->follow, &change);
        if (found > 0)
            tell(self, &change);
    }
    if (found > 0) {
        weft_loop_after(self->loop, &self->timer, 0);
    } else if (found < 0) {
        leave(self);
        kv_feed_lose_here(self->feed);
        begin(self, 0);
    }
}

static void on_timer(struct weft_timer *timer)
{
    struct kv_keyspace_loop *self = weft_container_of(timer, struct kv_keyspace_loop, timer);
    if (self->session)
        step(self);
    else
        begin(self, 0);
}

/* --- flags ----------------------------------------------------------------------------------------- */

/* The old flags still tell what came before the new ones. */
static void take_flags(struct weft_post *post)
{
    struct kv_keyspace_loop *self = weft_container_of(post, struct kv_keyspace_loop, post);
    atomic_store(&self->posted, false);
    if (self->session)
        step(self);
    self->flags = kv_keyspace_flags(self->keyspace);
    if (tells(self->flags))
        begin(self, atomic_load(&self->keyspace->from));
    else
        leave(self);
}

void kv_keyspace_start(struct kv_keyspace_loop *self, const struct weft_kv_context *context,
                       void *store_loop, struct weft_loop *loop)
{
    self->keyspace = context->keyspace;
    self->store = context->store;
    self->store_loop = store_loop;
    self->loop = loop;
    self->timer.fire = on_timer;
    self->post.run = take_flags;
}

void kv_keyspace_stop(struct kv_keyspace_loop *self)
{
    leave(self);
}

void kv_keyspace_followed(const struct kv_session_loop *loop)
{
    struct kv_keyspace_loop *self = &loop->store_loop->keyspace;
    bool comes = atomic_load(&self->posted);
    if (self->session)
        return;
    self->flags = kv_keyspace_flags(self->keyspace);
    begin(self, comes ? atomic_load(&self->keyspace->from) : 0);
}

static void ignore(struct kv_follow *follow)
{
    (void)follow;
}

/* Finds out if the store can be followed, and from which change on. */
static int try_to_follow(const struct kv_session *session, uint64_t *from)
{
    const struct kv_store *store = session->loop->store;
    struct kv_follow follow = {.ready = ignore};
    if (!(store->flags & KV_STORE_CHANGES))
        return -ENOTSUP;
    int err = store->follow(session->store_session, &follow);
    if (err < 0)
        return err;
    *from = follow.from;
    store->unfollow(session->store_session, &follow);
    return 0;
}

int kv_task_set_keyspace(const struct kv_task *task, unsigned flags)
{
    struct weft_kv_context *context = kv_task_config(task)->context;
    uint64_t from = 0;
    int err = tells(flags) ? try_to_follow(task->session, &from) : 0;
    if (err < 0)
        return err;
    atomic_store(&context->keyspace->from, from);
    atomic_store(&context->keyspace->flags, flags);
    for (struct kv_store_loop *loop = context->loops; loop; loop = loop->next)
        if (!atomic_exchange(&loop->keyspace.posted, true))
            (void)!weft_loop_post(loop->loop, &loop->keyspace.post);
    return 0;
}

/* --- rules ----------------------------------------------------------------------------------------- */

size_t kv_keyspace_reads(const struct kv_keyspace *self, bool is_pattern, struct weft_view name,
                         struct weft_action reads[KV_KEYSPACE_READS])
{
    size_t head = strlen(BY_KEY);
    if (!kv_feed_is_of_keys(name))
        return 0;
    reads[0] = reads[1] = (struct weft_action){.name = "watch"};
    if (is_pattern || name.size <= head || memcmp(name.data, BY_KEY, head) != 0)
        return 1;
    reads[0].object = weft_view_skip(name, head);
    reads[1].object = weft_view_str(self->strings);
    return 2;
}
