/* SPDX-License-Identifier: MIT */
#include "store_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "virtual_loop.h"

/* Turns until an operation must be done; descriptors, for stores that have some. */
enum { PATIENCE = 100000, DESCRIPTORS = 256 };

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "store_client: %s\n", rule);
    abort();
}

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    demand(p != NULL, "no memory for the test itself");
    return p;
}

static void open_session(struct store_client *self)
{
    self->session = zeroed(self->store->session_size);
    demand(self->store->open(self->session, self->loop_state) == 0, "a session does not open");
}

static void start_loop(struct store_client *self)
{
    demand(weft_loop_new(&self->loop, DESCRIPTORS) == 0, "no loop");
    self->loop_state = zeroed(self->store->loop_size);
    demand(self->store->start(self->loop_state, self->state, self->loop) == 0,
           "no part for the loop");
    open_session(self);
}

void store_client_init_seeded(struct store_client *self, const struct kv_store *store,
                              uint64_t max_memory, const uint8_t *seed)
{
    struct weft_error error;
    *self = (struct store_client){.store = store};
    struct kv_store_options options = {.max_memory = max_memory, .seed = seed};
    self->state = zeroed(store->store_size);
    demand(store->init(self->state, &options, &error) == 0, "the store does not begin");
    start_loop(self);
}

void store_client_init(struct store_client *self, const struct kv_store *store, uint64_t max_memory)
{
    store_client_init_seeded(self, store, max_memory, NULL);
}

void store_client_fini(struct store_client *self)
{
    store_client_leave_loop(self);
    self->store->fini(self->state);
    free(self->state);
}

void store_client_join_loop(struct store_client *self, const struct store_client *other)
{
    *self = *other;
    self->done = 0;
    start_loop(self);
}

void store_client_leave_loop(struct store_client *self)
{
    store_client_leave(self);
    self->store->stop(self->loop_state);
    weft_loop_free(self->loop);
    free(self->loop_state);
}

void store_client_join(struct store_client *self, const struct store_client *other)
{
    *self = *other;
    self->done = 0;
    open_session(self);
}

void store_client_leave(struct store_client *self)
{
    self->store->close(self->session);
    free(self->session);
}

struct run {
    struct kv_op op;
    struct weft_deferred deferred;
    struct store_client *client;
    bool (*each)(void *arg, const struct kv_pair *pair);
    void *arg;
    bool stopped, is_done;
};

/* The values found are valid until this returns, so they are copied. */
static void keep_found(struct kv_item *item)
{
    if (!item->present)
        return;
    if (item->found.blob) {
        item->found.blob = weft_blob_ref(item->found.blob);
        return;
    }
    uint8_t *copy = zeroed(item->found.bytes.size + 1);
    if (item->found.bytes.size > 0)
        memcpy(copy, item->found.bytes.data, item->found.bytes.size);
    item->found.bytes.data = copy;
}

static void op_done(struct kv_op *op, enum kv_outcome outcome)
{
    struct run *run = weft_container_of(op, struct run, op);
    demand(!run->is_done, "an operation was done twice");
    run->is_done = true;
    run->client->done++;
    run->client->outcome = outcome;
    if ((outcome != KV_DONE && outcome != KV_UNMET) || !op->items)
        return;
    for (size_t i = 0; i < op->count; i++)
        keep_found(&op->items[i]);
}

static bool op_each(struct kv_op *op, const struct kv_pair *pair)
{
    struct run *run = weft_container_of(op, struct run, op);
    demand(!run->is_done, "a pair came after the end");
    demand(!run->stopped, "a pair came after no more were wanted");
    bool more = !run->each || run->each(run->arg, pair);
    run->stopped = !more;
    return more;
}

static void submit(struct weft_deferred *deferred)
{
    struct run *run = weft_container_of(deferred, struct run, deferred);
    const struct kv_store *store = run->client->store;
    store->submit(run->client->session, &run->op);
    demand(run->is_done || !(store->flags & KV_STORE_INLINE), "an inline store did not answer");
}

static enum kv_outcome do_run(struct run *run)
{
    run->op.done = op_done;
    run->deferred.run = submit;
    weft_loop_defer(run->client->loop, &run->deferred);
    for (int i = 0; i < PATIENCE && !run->is_done; i++) {
        virtual_loop_turn(run->client->loop);
        /* Another thread has it. */
        if (!run->is_done && !virtual_loop_has_work(run->client->loop))
            demand(virtual_loop_wait_for_post(run->client->loop), "an operation was never done");
    }
    demand(run->is_done, "an operation was never done");
    return run->client->outcome;
}

enum kv_outcome store_client_do(struct store_client *self, enum kv_store_kind kind,
                                const char *table, struct kv_item *items, size_t count)
{
    struct run run = {
        .client = self,
        .op = {.kind = kind, .table = weft_view_str(table), .items = items, .count = count},
    };
    return do_run(&run);
}

void store_items_drop(struct kv_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!items[i].present)
            continue;
        if (items[i].found.blob)
            weft_blob_unref(items[i].found.blob);
        else
            free((void *)(uintptr_t)items[i].found.bytes.data);
        items[i].present = false;
    }
}

static bool do_one(struct store_client *self, enum kv_store_kind kind, const char *table,
                   const char *key, const char *value)
{
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view_str(value)};
    demand(store_client_do(self, kind, table, &item, 1) == KV_DONE, "one key could not be done");
    bool present = item.present;
    store_items_drop(&item, 1);
    return present;
}

bool store_client_has(struct store_client *self, const char *table, const char *key)
{
    return do_one(self, KV_MEXIST, table, key, "");
}

void store_client_set(struct store_client *self, const char *table, const char *key,
                      const char *value)
{
    (void)do_one(self, KV_MSET, table, key, value);
}

bool store_client_del(struct store_client *self, const char *table, const char *key)
{
    return do_one(self, KV_MDEL, table, key, "");
}

const char *store_client_get(struct store_client *self, const char *table, const char *key)
{
    static char text[256];
    struct kv_item item = {.key = weft_view_str(key)};
    demand(store_client_do(self, KV_MGET, table, &item, 1) == KV_DONE, "one key could not be got");
    if (!item.present)
        return NULL;
    demand(item.found.bytes.size < sizeof text, "a value is too long for the test");
    (void)snprintf(text, sizeof text, "%.*s", (int)item.found.bytes.size,
                   (const char *)item.found.bytes.data);
    store_items_drop(&item, 1);
    return text;
}

enum kv_outcome store_client_set_if_table(struct store_client *self, const char *table,
                                          struct kv_item *items, size_t count)
{
    struct run run = {
        .client = self,
        .op = {.kind = KV_MSET,
               .table = weft_view_str(table),
               .items = items,
               .count = count,
               .if_table = true},
    };
    return do_run(&run);
}

enum kv_outcome store_client_update(struct store_client *self, const char *table,
                                    struct kv_item *items, size_t count, bool apart)
{
    struct run run = {
        .client = self,
        .op = {.kind = KV_MUPDATE,
               .table = weft_view_str(table),
               .items = items,
               .count = count,
               .apart = apart},
    };
    return do_run(&run);
}

enum kv_outcome store_client_total(struct store_client *self, enum kv_store_kind kind,
                                   const char *table, uint64_t *total)
{
    struct run run = {.client = self, .op = {.kind = kind, .table = weft_view_str(table)}};
    enum kv_outcome outcome = do_run(&run);
    *total = run.op.total;
    return outcome;
}

enum kv_outcome store_client_page_of(struct store_client *self, const struct kv_op *op,
                                     bool (*each)(void *arg, const struct kv_pair *pair), void *arg)
{
    struct run run = {.client = self, .each = each, .arg = arg, .op = *op};
    run.op.each = op_each;
    return do_run(&run);
}

static enum kv_outcome page(struct store_client *self, const char *table, size_t count, bool exact,
                            struct kv_cursor *cursor,
                            bool (*each)(void *arg, const struct kv_pair *pair), void *arg)
{
    struct run run = {
        .client = self,
        .each = each,
        .arg = arg,
        .op = {.kind = KV_WALK,
               .table = weft_view_str(table),
               .count = count,
               .exact = exact,
               .cursor = cursor,
               .each = op_each},
    };
    return do_run(&run);
}

enum kv_outcome store_client_page(struct store_client *self, const char *table, size_t count,
                                  struct kv_cursor *cursor,
                                  bool (*each)(void *arg, const struct kv_pair *pair), void *arg)
{
    return page(self, table, count, false, cursor, each, arg);
}

enum kv_outcome store_client_exact_page(struct store_client *self, const char *table, size_t count,
                                        struct kv_cursor *cursor,
                                        bool (*each)(void *arg, const struct kv_pair *pair),
                                        void *arg)
{
    return page(self, table, count, true, cursor, each, arg);
}
