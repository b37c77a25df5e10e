/* SPDX-License-Identifier: MIT
 *
 * A mirror of a table (client_watch.h) under eight writers, in this process, against a real kvs: after each stop of the
 * writers the mirror is like the table. Given stores, it mirrors a table of a million keys on each and prints what that
 * took; `./dev scenarios mirror` does that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/compiler.h"
#include "lib/scratch.h"
#include "mirror_fixture.h"

static const struct size small = {1000, 4800, 3, 3}, large = {1000000, 2000000, 4, 1};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Takes out what has expired, which a store tells when it removes it, and counts the rest. */
static void settle(struct world *world, struct copy *copy)
{
    uint64_t now = mirror_wall_ms();
    copy->count = 0;
    for (size_t key = 0; key < world->size.keys; key++) {
        struct cell *cell = &copy->cells[key];
        if (cell->expires != 0 && cell->expires <= now)
            *cell = (struct cell){0};
        copy->count += cell->value != 0;
    }
}

static void on_number(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct world *world = weft_container_of(call, struct world, ask);
    assert_int_equal(status, 0);
    assert_int_equal(reply->status, 200);
    world->fence = reply->number;
    world->is_done = true;
}

static void on_page(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct world *world = weft_container_of(call, struct world, ask);
    assert_int_equal(status, 0);
    assert_int_equal(reply->status, 200);
    for (size_t i = 0; i < reply->pair_count; i++)
        mirror_put(&world->walked, reply->pairs[i].key, (uint64_t)reply->pairs[i].value.integer,
                   reply->states[i].expires);
    weft_bytes_fini(&world->cursor);
    assert_int_equal(weft_bytes_copy(&world->cursor, reply->cursor), 0);
    world->is_done = true;
}

static void wait_for_answer(struct world *world)
{
    while (!world->is_done)
        weft_loop_turn(world->loop);
    world->is_done = false;
}

static void on_time(struct weft_timer *timer)
{
    (void)timer;
}

/* Has turns until what expires soon has expired. Stores tell it later, when they remove it. */
static void let_expire(struct world *world)
{
    struct weft_timer timer = {.fire = on_time};
    uint64_t end = mirror_wall_ms() + SHORT_MS + 1;
    while (mirror_wall_ms() < end) {
        weft_loop_after(world->loop, &timer, SHORT_MS * INT64_C(1000000));
        weft_loop_turn(world->loop);
    }
    weft_timer_stop(&timer);
}

static void walk(struct world *world)
{
    struct weft_error error;
    mirror_clear(world, &world->walked);
    do {
        const struct weft_kv_request page = {.op = WEFT_KV_HSCAN,
                                             .table = mirror_table,
                                             .cursor =
                                                 weft_view(world->cursor.data, world->cursor.size),
                                             .state = true};
        world->ask = (struct weft_kv_call){.done = on_page};
        assert_int_equal(weft_kv_client_send(&world->clients[1], &world->ask, &page, &error), 0);
        wait_for_answer(world);
    } while (world->cursor.size > 0);
}

/* The writers have stopped: the mirror gets what they have written. False: it has ended. */
static bool catch_up(struct world *world)
{
    struct weft_error error;
    world->ask = (struct weft_kv_call){.done = on_number};
    assert_int_equal(weft_kv_client_number(&world->clients[1], &world->ask, mirror_table, &error),
                     0);
    wait_for_answer(world);
    while (!world->mirror_ended && (!world->mirror.is_whole || world->mirror.number < world->fence))
        weft_loop_turn(world->loop);
    return !world->mirror_ended;
}

static void compare(struct world *world)
{
    walk(world);
    settle(world, &world->walked);
    settle(world, &world->mirrored);
    for (size_t key = 0; key < world->size.keys; key++) {
        const struct cell *got = &world->mirrored.cells[key], *is = &world->walked.cells[key];
        if (got->value != is->value || got->expires != is->expires)
            fail_msg("key %zu: the mirror has %llu (%llu), the store %llu (%llu)", key,
                     (unsigned long long)got->value, (unsigned long long)got->expires,
                     (unsigned long long)is->value, (unsigned long long)is->expires);
    }
}

/* Has turns until at most so many writes are left. */
static void run_until_left(struct world *world, uint64_t left)
{
    for (uint64_t now = left + 1; now > left;) {
        weft_loop_turn(world->loop);
        now = world->in_flight;
        for (unsigned i = 0; i < WRITERS; i++)
            now += world->writers[i].left;
    }
    assert_int_equal(world->failed, 0);
}

/* A mirror that has lost changes is told so, and begins anew. */
static void begin_anew(struct world *world)
{
    if (world->mirror_ended && (!world->mirror_again || world->again++ == 10))
        fail_msg("the mirror ended: %s", world->why);
    mirror_close(world);
    mirror_open(world);
}

/* The writers write and stop. From the second round on a new mirror begins while they write. */
static void run_round(struct world *world, size_t round)
{
    const struct size *size = &world->size;
    double began = seconds();
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *writer = &world->writers[i];
        writer->left = size->writes / WRITERS;
        writer->drop_at = i == round % WRITERS && round < size->drop_rounds ? writer->left / 2 : 0;
    }
    for (unsigned i = 0; i < WRITERS; i++)
        mirror_write_on(world, &world->writers[i]);
    if (round > 0) {
        run_until_left(world, size->writes * 3 / 4);
        begin_anew(world);
    }
    run_until_left(world, 0);
    double wrote = seconds();
    while (!catch_up(world))
        begin_anew(world);
    double caught_up = seconds();
    let_expire(world);
    compare(world);
    printf("  round %zu: %zu writes in %.2f s, like the table %.3f s later, of %zu keys\n", round,
           size->writes, wrote - began, caught_up - wrote, world->mirrored.count);
}

static void mirror_store(const char *store, const struct size *size)
{
    struct world world;
    mirror_world_start(
        &world, WORDS("--listen", KVS_ANY_PORT "?codec=raw", "--threads", "4", "--store", store),
        size);
    mirror_fill(&world);
    printf("%s: %zu keys, %d writers\n", store, size->keys, WRITERS);
    double began = seconds();
    mirror_open(&world);
    for (size_t round = 0; round < size->rounds; round++)
        run_round(&world, round);
    while (world.changes[WEFT_KV_CHANGED_EXPIRED] == 0 && !world.mirror_ended)
        weft_loop_turn(world.loop);
    const uint64_t *changes = world.changes;
    printf("  %zu times like the table in %.1f s; told %llu set, %llu removed, %llu expired, "
           "%llu dropped; changes were lost %u times\n",
           size->rounds, seconds() - began, (unsigned long long)changes[WEFT_KV_CHANGED_SET],
           (unsigned long long)changes[WEFT_KV_CHANGED_REMOVED],
           (unsigned long long)changes[WEFT_KV_CHANGED_EXPIRED],
           (unsigned long long)changes[WEFT_KV_CHANGED_DROPPED], world.again);
    assert_true(changes[WEFT_KV_CHANGED_DROPPED] > 0);
    assert_false(world.mirror_ended);
    mirror_close(&world);
    mirror_world_stop(&world);
}

/* Mirrors a store whose directory, if it has one, is written %s. */
static void mirror_form(const char *form, const struct size *size)
{
    char folder[64], store[128];
    const char *place = strstr(form, "%s");
    if (!place) {
        mirror_store(form, size);
        return;
    }
    scratch_make(folder, sizeof folder);
    snprintf(store, sizeof store, "%.*s%s/store%s", (int)(place - form), form, folder, place + 2);
    mirror_store(store, size);
    scratch_remove(folder);
}

/* The changes that come while the table is read must be held, and there is no room for them here. */
static void test_mirror_that_may_hold_nothing_ends_and_may_begin_anew(void **state)
{
    struct world world;
    (void)state;
    mirror_world_start(&world, WORDS("--listen", KVS_ANY_PORT "?codec=raw", "--threads", "4"),
                       &small);
    mirror_fill(&world);
    for (unsigned i = 0; i < WRITERS; i++) {
        world.writers[i].left = 100000;
        mirror_write_on(&world, &world.writers[i]);
    }
    world.most_held = 1;
    mirror_open(&world);
    while (!world.mirror_ended && world.in_flight > 0)
        weft_loop_turn(world.loop);
    assert_true(world.mirror_ended);
    assert_true(world.mirror_again);
    assert_string_equal(world.why, "too many changes came while the table was read");
    for (unsigned i = 0; i < WRITERS; i++)
        world.writers[i].left = 0;
    while (world.in_flight > 0)
        weft_loop_turn(world.loop);
    mirror_close(&world);
    mirror_world_stop(&world);
}

/* The number after the last page is asked for in the table's name, so no rule for all tables is needed. */
static void test_mirror_needs_no_more_than_to_read_its_table(void **state)
{
    struct world world;
    char folder[64], endpoint[128], users[128];
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(endpoint, sizeof endpoint, "unix:%s/kvs.sock?codec=raw", folder);
    snprintf(users, sizeof users, "%s/users", folder);
    FILE *file = fopen(users, "w");
    assert_non_null(file);
    fprintf(file, "me uid:%u write:mirrored\n", (unsigned)geteuid());
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fclose(file);
    mirror_world_start(&world, WORDS("--listen", endpoint, "--users", users), &small);
    mirror_fill(&world);
    mirror_open(&world);
    if (!catch_up(&world))
        fail_msg("the mirror ended: %s", world.why);
    compare(&world);
    mirror_close(&world);
    mirror_world_stop(&world);
    scratch_remove(folder);
}

static void test_mirror_is_like_a_table_in_memory(void **state)
{
    (void)state;
    mirror_form("memory", &small);
}

static void test_mirror_is_like_a_table_in_a_kept_memory_store(void **state)
{
    (void)state;
    mirror_form("memory:%s?sync=off", &small);
}

static void test_mirror_is_like_a_table_in_lmdb(void **state)
{
    (void)state;
    mirror_form("lmdb:%s?sync=off", &small);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        mirror_form(argv[i], &large);
    if (argc > 1)
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mirror_is_like_a_table_in_memory),
        cmocka_unit_test(test_mirror_is_like_a_table_in_a_kept_memory_store),
        cmocka_unit_test(test_mirror_is_like_a_table_in_lmdb),
        cmocka_unit_test(test_mirror_that_may_hold_nothing_ends_and_may_begin_anew),
        cmocka_unit_test(test_mirror_needs_no_more_than_to_read_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
