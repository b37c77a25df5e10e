/* SPDX-License-Identifier: MIT
 *
 * Lines as calls: what the words and options of each command ask the store for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../kv_fixture.h"
#include "core/loop.h"
#include "services/kv/faces/line/request.h"

enum { MAX_WORDS = 1000 };

struct read {
    struct weft_limits limits;
    struct weft_arena arena;
    struct weft_loop *loop;
    struct kv_line_request request;
    struct kv_call call;
};

static int setup(void **state)
{
    struct read *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->limits = weft_limits_default();
    weft_arena_init(&self->arena, WEFT_MIB(1));
    assert_int_equal(weft_loop_new(&self->loop, 0), 0);
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    struct read *self = *state;
    weft_arena_fini(&self->arena);
    weft_loop_free(self->loop);
    free(self);
    return 0;
}

static enum kv_line_read read_line(struct read *self, const char *line)
{
    weft_arena_reset(&self->arena);
    self->request = (struct kv_line_request){.arena = &self->arena,
                                             .loop = self->loop,
                                             .limits = &self->limits,
                                             .max_elements = MAX_WORDS};
    return kv_line_request_read(&self->request, weft_view_str(line), &self->call);
}

static void assert_call(struct read *self, const char *line, enum kv_command_id id, size_t count)
{
    if (read_line(self, line) != KV_LINE_READ)
        fail_msg("%s: %s", line, self->request.why);
    assert_ptr_equal(self->call.command, &kv_commands[id]);
    assert_int_equal(self->call.count, count);
}

static void test_plain_commands_ask_for_what_they_are_named_after(void **state)
{
    static const struct {
        const char *line;
        enum kv_command_id id;
        size_t count;
    } lines[] = {
        {"hget t k", KV_HGET, 1},
        {"hgetall t", KV_HGETALL, 0},
        {"hmget t a b c", KV_HMGET, 3},
        {"hset t k v", KV_HSET, 1},
        {"hmset t a 1 b 2", KV_HMSET, 2},
        {"hdel t k", KV_HDEL, 1},
        {"hmdel t a b", KV_HMDEL, 2},
        {"hexist t k", KV_HEXIST, 1},
        {"hmexist t a b", KV_HMEXIST, 2},
        {"hscan t", KV_HSCAN, 0},
        {"hincr t k", KV_HINCR, 1},
        {"hexpire t k 10", KV_HEXPIRE, 1},
        {"httl t a b", KV_HTTL, 2},
        {"hpersist t a b", KV_HEXPIRE, 2},
        {"tables", KV_TABLES_PAGE, 0},
        {"tables p", KV_TABLES_PAGE, 0},
        {"count t", KV_TABLE_COUNT, 0},
        {"drop t", KV_TABLE_DROP, 0},
        {"HGet t k", KV_HGET, 1},
        {"hget t k --state", KV_HGET_STATE, 1},
        {"hmget --state t a b", KV_HMGET_STATE, 2},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_call(*state, lines[i].line, lines[i].id, lines[i].count);
}

static void test_options_of_a_write_make_it_a_change(void **state)
{
    struct read *self = *state;
    assert_call(self, "hset t k v --if-absent", KV_HPUT, 1);
    assert_int_equal(self->call.items[0].update->when, KV_IF_ABSENT);
    assert_int_equal(self->call.items[0].update->then, KV_THEN_SET);
    assert_int_equal(self->call.items[0].expires, KV_NEVER);

    assert_call(self, "hmset --ttl 2.5 t a 1 b 2", KV_HPUT, 2);
    assert_null(self->call.items[1].update);
    assert_int_equal(self->call.items[1].expires, weft_loop_wall(self->loop) + 2500);

    assert_call(self, "hset t k v --if-present --keep-ttl", KV_HPUT, 1);
    assert_int_equal(self->call.items[0].update->when, KV_IF_PRESENT);
    assert_int_equal(self->call.items[0].expires, KV_KEEP_EXPIRY);

    assert_call(self, "hset t k v --expire-at=1893456000", KV_HPUT, 1);
    assert_int_equal(self->call.items[0].expires, 1893456000000);
}

static void test_version_is_a_condition_of_writes_and_removals(void **state)
{
    struct read *self = *state;
    assert_call(self, "hdel t k --if-version 000102030405060708090a0b0c0d0e0F", KV_HPUT, 1);
    const struct kv_update *update = self->call.items[0].update;
    assert_int_equal(update->when, KV_IF_VERSION);
    assert_int_equal(update->then, KV_THEN_REMOVE);
    assert_int_equal(self->call.items[0].expires, KV_KEEP_EXPIRY);
    for (size_t i = 0; i < KV_VERSION_SIZE; i++)
        assert_int_equal(update->version[i], i);
    assert_int_equal(read_line(self, "hdel t k --if-version 0001"), KV_LINE_WRONG);
    assert_int_equal(read_line(self, "hdel t k --if-version 000102030405060708090a0b0c0d0eg0"),
                     KV_LINE_WRONG);
}

static void test_sums_are_integers_or_floats(void **state)
{
    static const struct {
        const char *line;
        enum kv_then then;
        int64_t integer;
        double real;
    } sums[] = {
        {"hincr t k", KV_THEN_ADD, 1, 0},
        {"hincr t k 5", KV_THEN_ADD, 5, 0},
        {"hincr t k -5", KV_THEN_ADD, -5, 0},
        {"hincr t k int:7", KV_THEN_ADD, 7, 0},
        {"hincr t k 0.5", KV_THEN_ADD_REAL, 1, 0.5},
        {"hincr t k float:2", KV_THEN_ADD_REAL, 1, 2},
    };
    struct read *self = *state;
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        assert_call(self, sums[i].line, KV_HINCR, 1);
        const struct kv_update *update = self->call.items[0].update;
        assert_int_equal(update->then, sums[i].then);
        assert_int_equal(update->integer, sums[i].integer);
        assert_true(update->then == KV_THEN_ADD ||
                    !(update->real < sums[i].real || update->real > sums[i].real));
        assert_int_equal(self->call.items[0].expires, KV_KEEP_EXPIRY);
    }
    assert_int_equal(read_line(self, "hincr t k x"), KV_LINE_WRONG);
    assert_int_equal(read_line(self, "hincr t k hex:00"), KV_LINE_WRONG);
    assert_int_equal(read_line(self, "hincr t k str:1"), KV_LINE_WRONG);
}

static void test_times_are_from_now_or_never(void **state)
{
    struct read *self = *state;
    assert_call(self, "hexpire t k 500ms", KV_HEXPIRE, 1);
    assert_int_equal(self->call.items[0].update->then, KV_THEN_EXPIRE);
    assert_int_equal(self->call.items[0].expires, weft_loop_wall(self->loop) + 500);
    assert_call(self, "hexpire t k never", KV_HEXPIRE, 1);
    assert_int_equal(self->call.items[0].expires, KV_NEVER);
    assert_call(self, "hpersist t k", KV_HEXPIRE, 1);
    assert_int_equal(self->call.items[0].expires, KV_NEVER);
    static const char *const wrong[] = {"hexpire t k 0",      "hexpire t k -1",
                                        "hexpire t k ''",     "hexpire t k soon",
                                        "hset t k v --ttl=0", "hset t k v --expire-at never"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(read_line(self, wrong[i]), KV_LINE_WRONG);
}

static void test_options_that_exclude_each_other_are_refused(void **state)
{
    struct read *self = *state;
    assert_int_equal(read_line(self, "hset t k v --ttl 1 --keep-ttl"), KV_LINE_WRONG);
    assert_string_equal(self->request.why, "--ttl, --expire-at and --keep-ttl: choose one of them");
    assert_int_equal(read_line(self, "hset t k v --if-absent --if-present"), KV_LINE_WRONG);
    assert_string_equal(self->request.why,
                        "--if-absent, --if-present and --if-version: choose one of them");
}

static void test_pages_take_a_filter_a_cursor_and_a_limit(void **state)
{
    struct read *self = *state;
    assert_call(self, "hscan t AAE= 10 --prefix=ab --match 'a*' --keys-only", KV_HSCAN, 0);
    assert_int_equal(self->call.from.size, 2);
    assert_memory_equal(self->call.from.data, "\0\1", 2);
    assert_int_equal(self->call.limit, 10);
    assert_true(weft_view_equal(self->call.filter.prefix, weft_view_str("ab")));
    assert_true(weft_view_equal(self->call.filter.match, weft_view_str("a*")));
    assert_true(self->call.filter.keys_only);
    assert_call(self, "tables pre - 4294967295", KV_TABLES_PAGE, 0);
    assert_true(weft_view_equal(self->call.filter.prefix, weft_view_str("pre")));
    assert_int_equal(self->call.from.size, 0);
    assert_int_equal(self->call.limit, UINT32_MAX);
    assert_int_equal(read_line(self, "hscan t - 4294967296000"), KV_LINE_WRONG);
}

static void test_more_words_than_decode_elements_are_refused(void **state)
{
    struct read *self = *state;
    char line[3 * MAX_WORDS + 16] = "hmget   t";
    for (size_t i = 0; i < MAX_WORDS - 1; i++)
        strcat(line, " k");
    assert_int_equal(read_line(self, line), KV_LINE_READ);
    strcat(line, " k");
    assert_int_equal(read_line(self, line), KV_LINE_TOO_BIG);
    assert_string_equal(self->request.why,
                        "Request is too big: over decode-elements, which is 1000");
    memcpy(line, "publish", 7);
    assert_int_equal(read_line(self, line), KV_LINE_TOO_BIG);
    line[strlen(line) - 2] = '\0';
    assert_int_equal(read_line(self, line), KV_LINE_TOPIC);
    assert_int_equal(self->request.topic.count, MAX_WORDS - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain_commands_ask_for_what_they_are_named_after),
        TEST(test_options_of_a_write_make_it_a_change),
        TEST(test_version_is_a_condition_of_writes_and_removals),
        TEST(test_sums_are_integers_or_floats),
        TEST(test_times_are_from_now_or_never),
        TEST(test_options_that_exclude_each_other_are_refused),
        TEST(test_pages_take_a_filter_a_cursor_and_a_limit),
        TEST(test_more_words_than_decode_elements_are_refused),
    };
    return cmocka_run_group_tests_name("kv: lines as calls", tests, NULL, NULL);
}
