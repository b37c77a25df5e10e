/* SPDX-License-Identifier: MIT
 *
 * Random operations of all kinds against a plain array, in virtual time, over restarts, with keys of
 * all lengths, and with allocations that fail. */
#include "disk_suite_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "lib/fault.h"
#include "lib/random.h"
#include "services/kv/update.h"
#include "services/kv/value.h"

enum {
    STEPS = 6000,
    TABLES = 4,
    KEYS = 24,
    BATCH = 6,
    KEY_LONGEST = 700,
    VALUE_LONGEST = 300,
    RESTART_EVERY = 400,
};

/* The value of a key. A size of 0 means that it is absent, since no value here is empty. */
struct had {
    uint8_t bytes[VALUE_LONGEST];
    size_t size;
    int64_t expires;
};

struct oracle {
    struct disk_world *world;
    struct test_random random;
    struct had had[TABLES][KEYS];
    struct weft_view tables[TABLES], keys[KEYS];
    uint8_t names[TABLES + KEYS][KEY_LONGEST];
    bool fails; /* allocations may fail */
    unsigned refused;
};

/* Names of all lengths around those where their form changes, alike in all but the last byte. */
static void make_names(struct oracle *self)
{
    static const size_t sizes[] = {0,   1,   7,   8,   184, 185, 186, 199,
                                   200, 201, 202, 255, 511, 512, 699};
    size_t count = sizeof sizes / sizeof *sizes;
    memset(self->names, 'n', sizeof self->names);
    for (size_t i = 0; i < TABLES; i++)
        self->tables[i] = weft_view(self->names[i], i == 3 ? 300 : i);
    for (size_t i = 0; i < KEYS; i++) {
        uint8_t *name = self->names[TABLES + i];
        size_t size = sizes[i % count];
        if (i >= count && size > 0)
            name[size - 1] = 'm';
        if (i >= count && size == 0)
            name[size++] = 'z';
        self->keys[i] = weft_view(name, size);
    }
}

static int64_t now_of(struct oracle *self)
{
    return weft_loop_wall(self->world->first.loop);
}

static struct had *live(struct oracle *self, size_t table, size_t key)
{
    struct had *had = &self->had[table][key];
    if (had->size > 0 && had->expires != KV_NEVER && had->expires <= now_of(self))
        had->size = 0;
    return had->size > 0 ? had : NULL;
}

static unsigned below(struct oracle *self, unsigned limit)
{
    return (unsigned)test_random_below(&self->random, limit);
}

/* A packed string, or an integer. */
static struct weft_view make_value(struct oracle *self, uint8_t bytes[VALUE_LONGEST])
{
    if (below(self, 4) == 0) {
        bytes[0] = KV_PACKED_TAG(KV_TYPE_INTEGER, KV_FORM_NUMBER);
        bytes[1] = (uint8_t)below(self, 100);
        return weft_view(bytes, 2);
    }
    unsigned size = below(self, 128);
    bytes[0] = KV_PACKED_TAG(KV_TYPE_STRING, KV_FORM_BYTES);
    bytes[1] = (uint8_t)size;
    for (unsigned i = 0; i < size; i++)
        bytes[2 + i] = (uint8_t)('a' + below(self, 26));
    return weft_view(bytes, 2 + size);
}

static void set(struct had *had, const struct weft_view *parts, size_t count, int64_t expires)
{
    struct had next = {.expires = expires};
    for (size_t i = 0; i < count; i++) {
        assert_true(next.size + parts[i].size <= VALUE_LONGEST);
        if (parts[i].size > 0)
            memcpy(next.bytes + next.size, parts[i].data, parts[i].size);
        next.size += parts[i].size;
    }
    *had = next;
}

/* One operation on a few keys of a table. */
struct step {
    struct oracle *oracle;
    struct disk_run run;
    size_t table;
    size_t keys[BATCH];
    struct kv_item items[BATCH];
    struct kv_update updates[BATCH];
    uint8_t values[BATCH][VALUE_LONGEST];
};

static void assert_found(const struct kv_item *item, const struct had *had, bool with_value)
{
    assert_int_equal(item->present, had != NULL);
    if (!had || !with_value)
        return;
    assert_int_equal(item->found.bytes.size, had->size);
    assert_memory_equal(item->found.bytes.data, had->bytes, had->size);
    assert_true(item->found_expires == had->expires);
}

static void apply_set_or_del(struct step *step)
{
    bool sets = step->run.op.kind == KV_MSET;
    for (size_t i = 0; i < step->run.op.count; i++) {
        const struct kv_item *item = &step->items[i];
        struct had *had = &step->oracle->had[step->table][step->keys[i]];
        assert_found(item, live(step->oracle, step->table, step->keys[i]), true);
        if (sets)
            set(had, &item->value.bytes, 1, item->expires);
        else
            had->size = 0;
    }
}

static enum kv_verdict update(struct step *step, size_t i)
{
    struct had *had = live(step->oracle, step->table, step->keys[i]);
    struct kv_value current = {.bytes = weft_view(had ? had->bytes : NULL, had ? had->size : 0)};
    struct kv_next next;
    assert_found(&step->items[i], had, true);
    weft_kv_update_decide(&step->items[i], had ? &current : NULL, had ? had->expires : KV_NEVER,
                          now_of(step->oracle), &next);
    assert_int_equal(step->items[i].verdict, next.verdict);
    had = &step->oracle->had[step->table][step->keys[i]];
    if (next.verdict == KV_VERDICT_STORE)
        set(had, next.parts, next.part_count, next.expires);
    if (next.verdict == KV_VERDICT_REMOVE)
        had->size = 0;
    return next.verdict;
}

static void apply_update(struct step *step)
{
    const struct kv_op *op = &step->run.op;
    struct had before[KEYS];
    bool unmet = false;
    memcpy(before, step->oracle->had[step->table], sizeof before);
    for (size_t i = 0; i < op->count; i++)
        unmet |= kv_verdict_is_refusal(update(step, i));
    unmet &= !op->apart;
    assert_int_equal(step->run.outcome, unmet ? KV_UNMET : KV_DONE);
    if (unmet)
        memcpy(step->oracle->had[step->table], before, sizeof before);
}

static void look(struct disk_run *run)
{
    struct step *step = run->arg;
    enum kv_store_kind kind = run->op.kind;
    if (run->outcome == KV_UNAVAILABLE) {
        assert_true(step->oracle->fails);
        step->oracle->refused++;
        return;
    }
    if (kind == KV_MUPDATE) {
        apply_update(step);
        return;
    }
    assert_int_equal(run->outcome, KV_DONE);
    if (kind == KV_MSET || kind == KV_MDEL)
        apply_set_or_del(step);
    else
        for (size_t i = 0; i < run->op.count; i++)
            assert_found(&step->items[i], live(step->oracle, step->table, step->keys[i]),
                         kind == KV_MGET);
}

static int64_t make_expiry(struct oracle *self)
{
    return below(self, 3) == 0 ? now_of(self) + 1 + below(self, 3000) : KV_NEVER;
}

static struct kv_update make_update(struct oracle *self)
{
    return (struct kv_update){
        .when = below(self, KV_IF_VERSION), .then = below(self, KV_THEN_APPEND), .integer = 3};
}

static void fill(struct step *step, enum kv_store_kind kind)
{
    struct oracle *self = step->oracle;
    struct kv_op *op = &step->run.op;
    step->table = below(self, TABLES);
    op->kind = kind;
    op->table = self->tables[step->table];
    op->items = step->items;
    op->count = below(self, 3) == 0 ? 1 + below(self, BATCH) : 1;
    op->apart = kind == KV_MUPDATE && below(self, 2);
    step->run.look = look;
    step->run.arg = step;
    for (size_t i = 0; i < op->count; i++) {
        step->keys[i] = i > 0 && below(self, 4) == 0 ? step->keys[0] : below(self, KEYS);
        step->items[i].key = self->keys[step->keys[i]];
        step->items[i].value.bytes = make_value(self, step->values[i]);
        step->items[i].expires = make_expiry(self);
        step->updates[i] = make_update(self);
        step->items[i].update = &step->updates[i];
    }
}

static size_t live_count(struct oracle *self, size_t table)
{
    size_t count = 0;
    for (size_t key = 0; key < KEYS; key++)
        count += live(self, table, key) != NULL;
    return count;
}

struct walked {
    struct oracle *oracle;
    struct disk_run run;
    size_t table, count;
    bool seen[KEYS];
};

static bool see_pair(struct kv_op *op, const struct kv_pair *pair)
{
    struct walked *walked = weft_container_of(op, struct walked, run.op);
    struct oracle *self = walked->oracle;
    for (size_t key = 0; key < KEYS; key++) {
        if (!weft_view_equal(self->keys[key], pair->key))
            continue;
        struct had *had = live(self, walked->table, key);
        assert_non_null(had);
        assert_false(walked->seen[key]);
        assert_true(weft_view_equal(pair->value.bytes, weft_view(had->bytes, had->size)));
        assert_true(pair->expires == had->expires);
        walked->seen[key] = true;
        walked->count++;
    }
    return true;
}

/* In pages of three. */
static void walk(struct oracle *self, size_t table)
{
    struct kv_cursor cursor = {0};
    struct walked walked = {.oracle = self, .table = table};
    walked.run.op = (struct kv_op){.kind = KV_WALK,
                                   .table = self->tables[table],
                                   .count = 3,
                                   .cursor = &cursor,
                                   .each = see_pair};
    do
        assert_int_equal(disk_do(&self->world->first, &walked.run), KV_DONE);
    while (cursor.size > 0);
    assert_int_equal(walked.count, live_count(self, table));
}

/* Pairs that have expired may be counted until they are removed. */
static void count_or_drop(struct oracle *self, enum kv_store_kind kind)
{
    size_t table = below(self, TABLES);
    struct disk_run run = {.op = {.kind = kind, .table = self->tables[table]}};
    enum kv_outcome outcome = disk_do(&self->world->first, &run);
    if (outcome == KV_UNAVAILABLE && self->fails)
        return;
    assert_int_equal(outcome, KV_DONE);
    assert_true(run.op.total >= live_count(self, table));
    assert_true(run.op.total <= KEYS);
    if (kind == KV_DROP)
        for (size_t key = 0; key < KEYS; key++)
            self->had[table][key].size = 0;
}

static void do_step(struct oracle *self)
{
    static const enum kv_store_kind kinds[] = {KV_MGET, KV_MEXIST, KV_MSET,
                                               KV_MSET, KV_MDEL,   KV_MUPDATE};
    struct step step = {.oracle = self};
    unsigned what = below(self, 100);
    if (what < 2) {
        count_or_drop(self, KV_DROP);
    } else if (what < 5) {
        count_or_drop(self, KV_COUNT);
    } else if (what < 10) {
        /* A page that lacks memory is another matter. */
        fault_disarm();
        walk(self, below(self, TABLES));
    } else if (what < 20) {
        assert_true(
            virtual_loop_advance(self->world->first.loop, (int64_t)below(self, 500) * 1000000));
    } else {
        fill(&step, kinds[below(self, sizeof kinds / sizeof *kinds)]);
        (void)disk_do(&self->world->first, &step.run);
        assert_true(step.run.is_done);
    }
}

/* Time goes on from where it was, on the new loop. */
static void restart(struct oracle *self)
{
    int64_t now = now_of(self);
    disk_world_close(self->world);
    disk_world_open(self->world);
    virtual_loop_set_wall(self->world->first.loop, now);
    assert_true(virtual_loop_advance(self->world->first.loop, 1000000));
}

static void assert_all(struct oracle *self)
{
    for (size_t table = 0; table < TABLES; table++)
        walk(self, table);
}

static void run_oracle(struct disk_world *world, uint64_t seed, unsigned steps, bool fails)
{
    struct oracle *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->world = world;
    self->random = (struct test_random){seed};
    self->fails = fails;
    make_names(self);
    for (unsigned i = 1; i <= steps; i++) {
        if (fails)
            fault_arm_random(seed + i, 6);
        do_step(self);
        fault_disarm();
        if (i % RESTART_EVERY == 0)
            restart(self);
        if (i % 100 == 0)
            assert_all(self);
    }
    if (fails)
        assert_true(self->refused > 0);
    free(self);
}

static void test_random_operations_do_what_they_do_to_an_array(void **state)
{
    run_oracle(*state, 1, STEPS, false);
}

static void test_random_operations_are_done_or_refused_while_memory_fails(void **state)
{
    struct disk_world *world = *state;
    disk_world_close(world); /* no thread of the store may run while the allocator changes */
    fault_install();
    disk_world_open(world);
    run_oracle(world, 2, STEPS / 4, true);
    fault_disarm();
}

int disk_suite__run_oracle(const char *name)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(test_random_operations_do_what_they_do_to_an_array),
        DISK_TEST(test_random_operations_are_done_or_refused_while_memory_fails),
    };
    int failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    fault_remove();
    return failed;
}
