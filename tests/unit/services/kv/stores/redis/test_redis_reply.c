/* SPDX-License-Identifier: MIT
 *
 * Replies as they are read and kept, commands as they are written, and what errors say. */
#include "redis_world.h"

#include "services/kv/stores/redis/calls.h"
#include "services/kv/stores/redis/command.h"
#include "services/kv/stores/redis/reply.h"

static struct redis_reader reader;
static bool hiredis_has_no_memory;

/* The linker puts these in the place of those of hiredis, which has memory of its own. */
redisReader *__real_redisReaderCreateWithFunctions(redisReplyObjectFunctions *functions);
redisReader *__wrap_redisReaderCreateWithFunctions(redisReplyObjectFunctions *functions);
int __real_redisReaderFeed(redisReader *r, const char *data, size_t size);
int __wrap_redisReaderFeed(redisReader *r, const char *data, size_t size);

redisReader *__wrap_redisReaderCreateWithFunctions(redisReplyObjectFunctions *functions)
{
    return hiredis_has_no_memory ? NULL : __real_redisReaderCreateWithFunctions(functions);
}

int __wrap_redisReaderFeed(redisReader *r, const char *data, size_t size)
{
    return hiredis_has_no_memory ? REDIS_ERR : __real_redisReaderFeed(r, data, size);
}

static int setup(void **state)
{
    hiredis_has_no_memory = false;
    kv_redis_reader_init(&reader, 4096);
    return fault_setup(state);
}

static int teardown(void **state)
{
    kv_redis_reader_fini(&reader);
    return fault_teardown(state);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static int feed(const char *text)
{
    return kv_redis_reader_feed(&reader, weft_view_str(text));
}

static void test_reader_without_a_byte_has_no_reply(void **state)
{
    redisReply *reply;
    (void)state;
    assert_int_equal(kv_redis_reader_next(&reader, &reply), 0);
}

static void test_reply_over_the_limit_is_refused(void **state)
{
    static const char *const large[] = {"*200\r\n", "*2147483647\r\n", "*1\r\n*500\r\n"};
    redisReply *reply;
    char text[5000];
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        assert_int_equal(feed(large[i]), 0);
        assert_int_equal(kv_redis_reader_next(&reader, &reply), i == 0 ? 0 : WEFT_ETOOBIG);
        kv_redis_reader_fini(&reader);
    }
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(feed("$9000\r\n"), 0);
    assert_int_equal(feed(text), WEFT_ETOOBIG);
    kv_redis_reader_fini(&reader);
    /* The limit is that of one reply, not of all. */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(feed("$3\r\nabc\r\n"), 0);
        assert_int_equal(kv_redis_reader_next(&reader, &reply), 1);
        assert_int_equal(kv_redis_reader_next(&reader, &reply), 0);
    }
}

static void test_want_of_memory_is_told_from_a_broken_protocol(void **state)
{
    redisReply *reply;
    (void)state;
    assert_int_equal(feed("?\r\n"), 0);
    assert_int_equal(kv_redis_reader_next(&reader, &reply), -EPROTO);
    kv_redis_reader_fini(&reader);
    hiredis_has_no_memory = true;
    assert_int_equal(feed("+OK\r\n"), -ENOMEM);
    hiredis_has_no_memory = false;
    assert_int_equal(feed("+OK\r\n"), 0);
    hiredis_has_no_memory = true;
    assert_int_equal(feed("+OK\r\n"), -ENOMEM);
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(kv_redis_reader_next(&reader, &reply), -ENOMEM);
    fault_disarm();
}

static void test_copy_outlives_the_reply(void **state)
{
    redisReply *reply;
    static const char text[] = "*5\r\n$3\r\na\0b\r\n:7\r\n*1\r\n$-1\r\n*0\r\n-ERR x\r\n";
    (void)state;
    assert_int_equal(kv_redis_reader_feed(&reader, weft_view(text, sizeof text - 1)), 0);
    assert_int_equal(kv_redis_reader_next(&reader, &reply), 1);
    fault_arm(FAULT_FROM, 0);
    assert_null(kv_redis_reply_copy(reply));
    fault_disarm();
    redisReply *copy = kv_redis_reply_copy(reply);
    kv_redis_reader_fini(&reader);
    assert_int_equal(copy->elements, 5);
    assert_int_equal(copy->element[0]->len, 3);
    assert_memory_equal(copy->element[0]->str, "a\0b", 4);
    assert_int_equal(copy->element[1]->integer, 7);
    assert_int_equal(copy->element[2]->element[0]->type, REDIS_REPLY_NIL);
    assert_int_equal(copy->element[3]->elements, 0);
    assert_string_equal(copy->element[4]->str, "ERR x");
    weft_free(copy);
}

static void format(void *arg)
{
    struct weft_view *words = arg;
    struct weft_chain chain;
    weft_chain_init(&chain, NULL);
    int err = kv_redis_format(&chain, words, 3);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    if (err == 0)
        assert_int_equal(chain.bytes, 4 + 9 + 6 + 10 + 70000);
    else
        assert_int_equal(chain.bytes, 0);
    weft_chain_fini(&chain);
}

static void test_command_is_whole_or_not_there(void **state)
{
    static uint8_t large[70000];
    struct weft_view words[] = {weft_view_str("SET"), weft_view(NULL, 0),
                                weft_view(large, sizeof large)};
    (void)state;
    fault_each(format, words);
}

static void test_errors_say_where_to_go(void **state)
{
    static const struct {
        const char *text;
        enum redis_advice advice;
        unsigned slot;
        const char *host;
        uint16_t port;
    } cases[] = {
        {"MOVED 3999 127.0.0.1:6381", REDIS_ADVICE_MOVED, 3999, "127.0.0.1", 6381},
        {"ASK 0 ::1:1", REDIS_ADVICE_ASK, 0, "::1", 1},
        {"MOVED 16383 :7", REDIS_ADVICE_MOVED, 16383, "", 7},
        {"MOVED 1 ?:7", REDIS_ADVICE_SLOTS, 1, "?", 7},
        {"MOVED 16384 a:7", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED 1 a:0", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED 1 a:65536", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED 1 a:", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED 1 a", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED  a:1", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED 1", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED ", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVED", REDIS_ADVICE_NONE, 0, "", 0},
        {"MOVEDX 1 a:1", REDIS_ADVICE_NONE, 0, "", 0},
        {"TRYAGAIN x", REDIS_ADVICE_AGAIN, 0, "", 0},
        {"LOADING", REDIS_ADVICE_AGAIN, 0, "", 0},
        {"CLUSTERDOWN x", REDIS_ADVICE_SLOTS, 0, "", 0},
        {"ERR unknown", REDIS_ADVICE_NONE, 0, "", 0},
        {"", REDIS_ADVICE_NONE, 0, "", 0},
    };
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis_redirect redirect;
        snprintf(text, sizeof text, "%s", cases[i].text);
        const redisReply reply = {.type = REDIS_REPLY_ERROR, .str = text, .len = strlen(text)};
        kv_redis_read_error(&redirect, &reply);
        assert_int_equal(redirect.advice, cases[i].advice);
        assert_int_equal(redirect.slot, cases[i].slot);
        assert_string_equal(redirect.host, cases[i].host);
        assert_int_equal(redirect.port, cases[i].port);
    }
    struct redis_redirect redirect;
    snprintf(text, sizeof text, "MOVED 1 %0300d:1", 0);
    const redisReply reply = {.type = REDIS_REPLY_ERROR, .str = text, .len = strlen(text)};
    kv_redis_read_error(&redirect, &reply);
    assert_int_equal(redirect.advice, REDIS_ADVICE_NONE);
}

static void test_ring_keeps_its_order_while_it_grows(void **state)
{
    struct redis_ring ring = {.capacity = 0};
    uint64_t next = 0;
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(kv_redis_ring_reserve(&ring, 3), 0);
        kv_redis_ring_add(&ring, REDIS_EXPECTED_CALL, NULL, i);
        if (i % 3 == 0)
            assert_int_equal(kv_redis_ring_at(&ring, ring.head++)->end, next++);
    }
    while (kv_redis_ring_count(&ring) > 0)
        assert_int_equal(kv_redis_ring_at(&ring, ring.head++)->end, next++);
    assert_int_equal(next, 1000);
    kv_redis_ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reader_without_a_byte_has_no_reply),
        TEST(test_reply_over_the_limit_is_refused),
        TEST(test_want_of_memory_is_told_from_a_broken_protocol),
        TEST(test_copy_outlives_the_reply),
        cmocka_unit_test(test_command_is_whole_or_not_there),
        TEST(test_errors_say_where_to_go),
        TEST(test_ring_keeps_its_order_while_it_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
