/* SPDX-License-Identifier: MIT
 *
 * Tasks of one connection that are under way together, for a store that answers later and in any order. Requests of a
 * connection on one key take effect in their order, so a task waits for those that use what it uses, unless all of
 * them only read. The queue stays a queue: who has to wait stops those behind it. */
#include "session_private.h"

#include "core/base/compiler.h"

static uint64_t add_bytes(uint64_t hash, struct weft_view bytes)
{
    hash = (hash ^ bytes.size) * 0x9e3779b97f4a7c15u;
    for (; bytes.size > 0; bytes = weft_view_skip(bytes, bytes.size < 8 ? bytes.size : 8)) {
        hash ^= weft_load_native(bytes.data, bytes.size < 8 ? bytes.size : 8);
        hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    }
    return hash;
}

/* Equal hashes of different keys make a task wait without need, and do no other harm. */
void kv_task_mark(struct kv_task *task, struct weft_view table, const struct weft_view *key,
                  enum kv_use use)
{
    uint64_t hash = add_bytes(key ? 1 : 0, table);
    if (key)
        hash = add_bytes(hash, *key);
    task->marks[task->mark_count++] = (struct kv_mark){.hash = hash, .use = use};
}

/* Marks the key of a task that has one operation on it. */
static void mark_item(struct kv_task *task)
{
    const struct kv_call *call = &task->call;
    if (task->mark_count == 0 && !task->in_steps && call->command->does < KV_TABLES &&
        call->command->does != KV_WALK && call->count == 1)
        kv_task_mark(task, call->table, &call->items[0].key,
                     task->writes ? KV_USE_WRITES : KV_USE_READS);
}

static bool shares_marks(const struct kv_task *one, const struct kv_task *other)
{
    for (size_t i = 0; i < one->mark_count; i++)
        for (size_t k = 0; k < other->mark_count; k++)
            if (one->marks[i].hash == other->marks[k].hash &&
                (one->marks[i].use != other->marks[k].use || one->marks[i].use == KV_USE_WRITES))
                return true;
    return false;
}

static bool may_be_together(const struct kv_task *one, const struct kv_task *other)
{
    if (!one->writes && !other->writes)
        return true;
    return one->mark_count > 0 && other->mark_count > 0 && !shares_marks(one, other);
}

bool kv__flight_has_room(struct kv_session *session, struct kv_task *task)
{
    uint64_t expected = (uint64_t)session->flying * session->reply_size;
    if (session->flying > 0 &&
        (session->flying >= KV_SESSION_TOGETHER || expected >= KV_SESSION_TOGETHER_BYTES))
        return false;
    task->writes = task->call.command->writes;
    mark_item(task);
    for (struct kv__link *link = session->flight.next; link != &session->flight; link = link->next)
        if (!may_be_together(task, weft_container_of(link, struct kv_task, flight)))
            return false;
    return true;
}

void kv__flight_add(struct kv_session *session, struct kv_task *task)
{
    task->flies = true;
    session->flying++;
    kv__link_init(&task->flight);
    kv__append(&session->flight, &task->flight);
}

void kv__flight_remove(struct kv_session *session, struct kv_task *task)
{
    task->flies = false;
    session->flying--;
    kv__unlink(&task->flight);
}

/* A large reply is remembered for some that are smaller. */
void kv__flight_note(struct kv_session *session, size_t size)
{
    session->reply_size -= session->reply_size / 16;
    if (size > session->reply_size)
        session->reply_size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}
