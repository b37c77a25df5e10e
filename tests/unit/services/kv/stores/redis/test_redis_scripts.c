/* SPDX-License-Identifier: MIT
 *
 * The scripts, as a server runs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "lib/random.h"
#include "lib/redis_server.h"
#include "services/kv/packed.h"
#include "services/kv/stores/redis/layout.h"
#include "services/kv/stores/redis/scripts.h"
#include "services/kv/update.h"

static struct redis_server server;

static int setup(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    redis_server_stop(&server);
    return 0;
}

static void test_digest_of_each_script_is_that_of_the_server(void **state)
{
    (void)state;
    for (int i = 0; i < KV_REDIS_SCRIPTS; i++) {
        const struct kv_redis_script *script = kv_redis_script((enum kv_redis_script_name)i);
        redisReply *reply =
            redis_ask(&server, "SCRIPT LOAD %b", script->text.data, script->text.size);
        assert_int_equal(script->sha.size, 40);
        assert_memory_equal(reply->str, script->sha.data, 40);
        freeReplyObject(reply);
    }
}

/* Adds by the script what is in the field "k" of the bucket, which is `value`, or is absent. */
static redisReply *add(const struct kv_redis_value *value, int64_t now, int64_t delta,
                       const char *expiry)
{
    const struct kv_redis_script *script = kv_redis_script(KV_REDIS_ADD);
    uint8_t field[64], packed[KV_NUMBER_MAX];
    size_t size = kv_pack_integer(packed, delta);
    char now_text[24];
    redis_tell(&server, "DEL b x");
    if (value) {
        size_t head = kv_redis_write_head(field, value->bytes, value->expires);
        if (value->bytes.size > 0)
            memcpy(field + head, value->bytes.data, value->bytes.size);
        redis_tell(&server, "HSET b k %b", field, head + value->bytes.size);
        if (value->expires != KV_NEVER)
            redis_tell(&server, "ZADD x %lld k", (long long)value->expires);
    }
    (void)snprintf(now_text, sizeof now_text, "%lld", (long long)now);
    return redis_ask(&server, "EVAL %b 2 b x %s k %b %s", script->text.data, script->text.size,
                     now_text, packed, size, expiry);
}

static void assert_sum(const struct kv_redis_value *value, int64_t now, int64_t delta,
                       const char *expiry)
{
    const struct kv_update update = {.then = KV_THEN_ADD, .integer = delta};
    const struct kv_item item = {.update = &update,
                                 .expires = expiry[0] == 'k' ? KV_KEEP_EXPIRY : KV_NEVER};
    const struct kv_value current = {.bytes = value ? value->bytes : weft_view(NULL, 0)};
    struct kv_next next;
    redisReply *reply = add(value, now, delta, expiry);
    assert_int_equal(reply->elements, 2);
    weft_kv_update_decide(&item, value ? &current : NULL, value ? value->expires : KV_NEVER, now,
                          &next);
    assert_int_equal(reply->element[0]->integer, next.verdict == KV_VERDICT_STORE);
    freeReplyObject(reply);
    if (next.verdict != KV_VERDICT_STORE)
        return;
    redisReply *got = redis_ask(&server, "HGET b k");
    redisReply *score = redis_ask(&server, "ZSCORE x k");
    struct kv_redis_value stored;
    kv_redis_read_value(weft_view(got->str, got->len), &stored);
    assert_true(weft_view_equal(stored.bytes, next.parts[0]));
    assert_int_equal(stored.expires, next.expires);
    assert_int_equal(score->type == REDIS_REPLY_NIL, next.expires == KV_NEVER);
    freeReplyObject(got);
    freeReplyObject(score);
}

static void assert_sum_of_integers(int64_t integer, int64_t delta)
{
    uint8_t packed[KV_NUMBER_MAX];
    struct kv_redis_value value = {.bytes = weft_view(packed, kv_pack_integer(packed, integer))};
    assert_sum(&value, 1000, delta, "k");
}

static void test_sums_are_those_of_sixty_four_bits(void **state)
{
    static const int64_t edges[] = {0,         1,         -1,        127,          128,
                                    INT64_MAX, INT64_MIN, 268435455, -268435456,   268435456,
                                    16384,     -129,      1LL << 56, -(1LL << 56), (1LL << 56) - 1,
                                    1LL << 62, 1LL << 35, 1LL << 28, -(1LL << 62), 1LL << 49};
    enum { COUNT = sizeof edges / sizeof *edges };
    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++)
            assert_sum_of_integers(edges[i], edges[k]);
    struct test_random random = test_random_start(1);
    for (int i = 0; i < 500; i++) {
        int64_t one = (int64_t)test_random_next(&random) >> test_random_below(&random, 64);
        int64_t other = (int64_t)test_random_next(&random) >> test_random_below(&random, 64);
        assert_sum_of_integers(one, other);
    }
}

static void test_sum_of_an_absent_or_expired_key_begins_at_nothing(void **state)
{
    uint8_t packed[KV_NUMBER_MAX];
    struct kv_redis_value value = {.bytes = weft_view(packed, kv_pack_integer(packed, 5)),
                                   .expires = 1000};
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        assert_sum(NULL, 1000, 3, keep ? "k" : "n");
        assert_sum(&value, 1000, 3, keep ? "k" : "n");
        assert_sum(&value, 999, 3, keep ? "k" : "n");
    }
}

/* The script is stricter than weft_kv_update_decide, which is asked about what the script leaves alone. */
static void test_what_is_no_packed_integer_is_left_alone(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } wrong[] = {{"", 0},
                 {"\x18", 1},
                 {"\x18\x80", 2},
                 {"\x18\x80\x00", 3},
                 {"\x18\x01\x01", 3},
                 {"\x0a\x01x", 3},
                 {"\xff", 1},
                 {"\xff\0\0\0\0\0\0\0\0\x18\x01", 11},
                 {"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},
                 {"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct kv_redis_value value = {.bytes = weft_view(wrong[i].bytes, wrong[i].size)};
        redisReply *reply = add(&value, 1000, 1, "k");
        redisReply *field = redis_ask(&server, "HGET b k");
        assert_int_equal(reply->element[0]->integer, 0);
        assert_int_equal(reply->element[1]->len, field->len);
        assert_memory_equal(reply->element[1]->str, field->str, field->len);
        freeReplyObject(reply);
        freeReplyObject(field);
    }
}

/* Writes of keys that expire free others that have: the bucket of a cache does not grow for ever. */
static void test_writes_with_an_expiry_free_what_has_expired(void **state)
{
    const struct kv_redis_script *script = kv_redis_script(KV_REDIS_SET_HEADED);
    (void)state;
    redis_tell(&server, "DEL b x");
    for (int i = 0; i < 500; i++) {
        uint8_t head[KV_REDIS_HEAD];
        size_t size = kv_redis_write_head(head, weft_view_str("v"), 1000 + i);
        redis_tell(&server, "EVAL %b 2 b x %d key%d %b v", script->text.data, script->text.size,
                   990 + i, i, head, size);
    }
    redisReply *fields = redis_ask(&server, "HLEN b");
    redisReply *scores = redis_ask(&server, "ZCARD x");
    assert_in_range(fields->integer, 10, 11);
    assert_int_equal(scores->integer, fields->integer);
    freeReplyObject(fields);
    freeReplyObject(scores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_of_each_script_is_that_of_the_server),
        cmocka_unit_test(test_sums_are_those_of_sixty_four_bits),
        cmocka_unit_test(test_sum_of_an_absent_or_expired_key_begins_at_nothing),
        cmocka_unit_test(test_what_is_no_packed_integer_is_left_alone),
        cmocka_unit_test(test_writes_with_an_expiry_free_what_has_expired),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
