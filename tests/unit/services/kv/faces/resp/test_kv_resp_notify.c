/* SPDX-License-Identifier: MIT
 *
 * Keyspace events on requests without connections. test_interop_redis compares them with those of Redis. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kv_fixture.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/keyspace.h"
#include "services/kv/session.h"
#include "services/kv/stores/stores.h"

#define SECOND INT64_C(1000000000)

static struct kv_fixture fixture;
static struct fake_request subscriber;
static struct kv_store store;        /* the memory store, whose slots a test may replace */
static int follow_error, next_error; /* of the next call */

static int failing_follow(void *session, struct kv_follow *follow)
{
    int err = follow_error;
    follow_error = 0;
    return err < 0 ? err : weft_kv_store_memory.follow(session, follow);
}

static int failing_next(void *session, struct kv_follow *follow, struct kv_change *change)
{
    int err = next_error;
    next_error = 0;
    return err < 0 ? err : weft_kv_store_memory.next_change(session, follow, change);
}

static int setup(void **state)
{
    static const struct weft_option_set none = {0};
    const struct weft_limits limits = weft_limits_default();
    (void)state;
    memset(&subscriber, 0, sizeof subscriber);
    follow_error = next_error = 0;
    store = weft_kv_store_memory;
    store.follow = failing_follow;
    store.next_change = failing_next;
    kv_fixture_init_service(&fixture, &weft_kv_resp_service, &none, &store, &limits);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_fixture_fini(&fixture);
    return 0;
}

static void expect(const char *command, const char *reply)
{
    struct weft_bytes got = kv_fixture_ask(&fixture, weft_view_str(command), NULL);
    if (!weft_view_equal(weft_view(got.data, got.size), weft_view_str(reply)))
        fail_msg("%s: got %.*s", command, (int)got.size, (const char *)got.data);
    weft_bytes_fini(&got);
}

static void ask(const char *command)
{
    struct weft_bytes got = kv_fixture_ask(&fixture, weft_view_str(command), NULL);
    assert_true(got.size > 0 && got.data[0] != '-');
    weft_bytes_fini(&got);
}

static void run(void)
{
    assert_true(virtual_loop_run_until_idle(fixture.loop));
}

static void set_flags(const char *flags)
{
    char command[64];
    snprintf(command, sizeof command, "CONFIG SET notify-keyspace-events %s", flags);
    expect(command, "+OK\r\n");
    run();
}

/* Subscribes, in RESP3, so that the connection may send commands. */
static void begin(const char *command)
{
    ask("HELLO 3");
    kv_fixture_send(&fixture, &subscriber, weft_view_str(command));
    assert_true(subscriber.detached);
}

static void end(void)
{
    subscriber.owes_drain = false;
    subscriber.gone = true;
    if (!subscriber.ended)
        subscriber.request.on_cancel(&subscriber.request, WEFT_REASON_PEER_CLOSED);
    fake_request_fini(&subscriber);
    memset(&subscriber, 0, sizeof subscriber);
}

static size_t sent(void)
{
    run();
    return subscriber.reply_count - 1;
}

/* The last message has this topic and this text. */
static void expect_last(const char *topic, const char *text)
{
    char wanted[256];
    run();
    struct weft_view got = fake_request_reply(&subscriber);
    int size = snprintf(wanted, sizeof wanted, "$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(topic), topic,
                        strlen(text), text);
    if (got.size < (size_t)size ||
        memcmp(got.data + got.size - (size_t)size, wanted, (size_t)size) != 0)
        fail_msg("%s %s: got %.*s", topic, text, (int)got.size, (const char *)got.data);
}

static bool has_told(const char *text)
{
    for (size_t i = 0; i < subscriber.reply_count; i++)
        if (memmem(subscriber.replies[i].data, subscriber.replies[i].size, text, strlen(text)))
            return true;
    return false;
}

static void test_events_of_strings_and_fields(void **state)
{
    static const struct {
        const char *command, *topic, *text;
    } cases[] = {
        {"SET a 1", "__keyevent@0__:set", "a"},
        {"SET a 1 EX 100", "__keyevent@0__:expire", "a"},
        {"INCR a", "__keyevent@0__:set", "a"},
        {"EXPIRE a 200", "__keyevent@0__:expire", "a"},
        {"PERSIST a", "__keyevent@0__:persist", "a"},
        {"DEL a", "__keyevent@0__:del", "a"},
        {"SET \"\\xff\" 1", "__keyevent@0__:set", "\xff"},
        {"HSET t f 1 g 2", "__keyevent@0__:hset", "t"},
        {"HEXPIRE t 100 FIELDS 1 f", "__keyevent@0__:hexpire", "t"},
        {"HPERSIST t FIELDS 1 f", "__keyevent@0__:hpersist", "t"},
        {"HDEL t f", "__keyevent@0__:hdel", "t"},
        {"DEL t", "__keyevent@0__:del", "t"},
    };
    (void)state;
    set_flags("KEA");
    begin("PSUBSCRIBE __key*");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(cases[i].command);
        expect_last(cases[i].topic, cases[i].text);
    }
    size_t before = sent();
    ask("SET a 1");
    ask("FLUSHALL"); /* of strings, as in Redis, nothing is told */
    assert_true(sent() > before);
    expect_last("__keyevent@0__:set", "a");
    ask("SET s 1 PX 10");
    ask("HSET t f 1");
    ask("HPEXPIRE t 10 FIELDS 1 f");
    assert_true(virtual_loop_advance(fixture.loop, 30 * SECOND));
    assert_true(has_told("__keyevent@0__:expired\r\n$1\r\ns\r\n"));
    assert_true(has_told("__keyevent@0__:hexpired\r\n$1\r\nt\r\n"));
    end();
}

static void test_only_what_the_flags_name_is_told_from_then_on(void **state)
{
    (void)state;
    begin("SUBSCRIBE __keyspace@0__:a __keyevent@0__:del");
    ask("SET a 1");
    assert_int_equal(sent(), 0);
    set_flags("K$");
    ask("SET a 1");
    expect_last("__keyspace@0__:a", "set");
    assert_int_equal(sent(), 1);
    ask("DEL a");
    ask("SET b 1");
    assert_int_equal(sent(), 1);
    ask("SET a 2");
    set_flags("Eg"); /* what came before is told by the old ones */
    assert_int_equal(sent(), 2);
    ask("DEL a");
    expect_last("__keyevent@0__:del", "a");
    set_flags("\"\"");
    ask("SET a 1");
    assert_int_equal(sent(), 3);
    set_flags("A"); /* neither K nor E */
    set_flags("KE");
    ask("SET a 1");
    assert_int_equal(sent(), 3);
    end();
}

static void test_others_are_told_nothing(void **state)
{
    (void)state;
    set_flags("KEA");
    begin("PSUBSCRIBE *");
    ask("SET a 1");
    assert_int_equal(sent(), 0);
    ask("SUBSCRIBE __keyspace@0__:a");
    ask("SET a 1");
    assert_int_equal(sent(), 1);
    ask("UNSUBSCRIBE __keyspace@0__:a");
    ask("SET a 1");
    assert_int_equal(sent(), 1);
    ask("SUBSCRIBE __keyspace@0__:a");
    ask("SUBSCRIBE __keyspace@0__:b");
    ask("SET a 1");
    assert_int_equal(sent(), 2);
    end();
}

static void test_many_changes_are_told_in_steps(void **state)
{
    char command[64];
    (void)state;
    set_flags("KEA");
    begin("SUBSCRIBE __keyspace@0__:last");
    for (int i = 0; i < 2500; i++) {
        snprintf(command, sizeof command, "SET %d x", i);
        struct weft_bytes got = kv_fixture_ask(&fixture, weft_view_str(command), NULL);
        weft_bytes_fini(&got);
    }
    ask("SET last x");
    expect_last("__keyspace@0__:last", "set");
    end();
}

/* The subscriber of what was lost is disconnected. */
static void test_lost_changes_are_told(void **state)
{
    (void)state;
    set_flags("KEA");
    begin("SUBSCRIBE __keyspace@0__:a x");
    run();
    next_error = -ERANGE;
    ask("SET a 1");
    run();
    assert_non_null(subscriber.walk);
    subscriber.walk->done(subscriber.walk);
    end();

    set_flags("\"\"");
    set_flags("KEA");
    follow_error = -ENOMEM;
    begin("SUBSCRIBE __keyspace@0__:a");
    run();
    assert_non_null(subscriber.walk);
    assert_true(virtual_loop_advance(fixture.loop, SECOND));
    subscriber.walk->done(subscriber.walk);
    end();
}

static void test_what_cannot_be_set(void **state)
{
    (void)state;
    expect(
        "CONFIG SET notify-keyspace-events q",
        "-ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid "
        "event class character. Use 'Ag$lshzxeKEtmdn'.\r\n");
    expect("CONFIG SET timeout 1", "-ERR CONFIG can only GET here, and SET notify-keyspace-events: "
                                   "other settings are options of the command line\r\n");
    follow_error = -ERANGE;
    expect("CONFIG SET notify-keyspace-events KEA",
           "-ERR the store has no place for a watch now: try again\r\n");
    follow_error = -ENOMEM;
    expect("CONFIG SET notify-keyspace-events KEA", "-ERR Out of memory: nothing was changed\r\n");
    store.flags &= ~(unsigned)KV_STORE_CHANGES;
    expect(
        "CONFIG SET notify-keyspace-events KEA",
        "-ERR notify-keyspace-events needs a store that tells its changes, and changes=0 keeps it "
        "from that\r\n");
    expect("CONFIG SET notify-keyspace-events K", "+OK\r\n");
    expect("CONFIG GET notify-keyspace-events",
           "*2\r\n$22\r\nnotify-keyspace-events\r\n$1\r\nK\r\n");
}

/* Whoever may not read a key is not told about it. */
static void test_rules(void **state)
{
    static const char *const commands[] = {"SUBSCRIBE __keyspace@0__:a", "PSUBSCRIBE __key*"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fake_request_init(&subscriber, weft_view_str(commands[i]), SIZE_MAX);
        subscriber.request.layers = &subscriber;
        subscriber.denied = true;
        kv_fixture_call(&fixture, &subscriber);
        assert_true(subscriber.refused);
        fake_request_fini(&subscriber);
        memset(&subscriber, 0, sizeof subscriber);
    }
    const struct kv_keyspace *keyspace = fixture.context.keyspace;
    struct weft_action reads[KV_KEYSPACE_READS];
    assert_int_equal(kv_keyspace_reads(keyspace, false, weft_view_str("a"), reads), 0);
    assert_int_equal(kv_keyspace_reads(keyspace, true, weft_view_str("*"), reads), 0);
    struct weft_view topic = weft_view_str("__keyspace@0__:a");
    assert_int_equal(kv_keyspace_reads(keyspace, false, topic, reads), 2);
    assert_true(weft_view_equal(reads[0].object, weft_view_str("a")));
    assert_true(weft_view_equal(reads[1].object, weft_view_str("default")));
    assert_int_equal(kv_keyspace_reads(keyspace, true, topic, reads), 1);
    assert_int_equal(reads[0].object.size, 0);
    topic = weft_view_str("__keyevent@0__:set");
    assert_int_equal(kv_keyspace_reads(keyspace, false, topic, reads), 1);
    assert_int_equal(reads[0].object.size, 0);
}

static void send(const char *command)
{
    struct fake_request request;
    kv_fixture_send(&fixture, &request, weft_view_str(command));
    run();
    fake_request_fini(&request);
}

/* Whatever allocation fails, each command is answered, and nothing is left over at the end. */
static void test_events_survive_every_failing_allocation(void **state)
{
    (void)state;
    ask("HELLO 3");
    fault_install();
    for (size_t n = 0; n < 160; n++) {
        kv_fixture_send(&fixture, &subscriber, weft_view_str("SUBSCRIBE __keyspace@0__:a"));
        fault_arm(n % 2 ? FAULT_FROM : FAULT_ONE, n / 2);
        send("CONFIG SET notify-keyspace-events KEA");
        send("SET a 1");
        send("DEL a");
        fault_disarm();
        assert_true(virtual_loop_advance(fixture.loop, SECOND));
        send("CONFIG SET notify-keyspace-events \"\"");
        if (subscriber.walk)
            subscriber.walk->done(subscriber.walk);
        end();
    }
    fault_remove();
}

#define NOTIFY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTIFY_TEST(test_events_of_strings_and_fields),
        NOTIFY_TEST(test_only_what_the_flags_name_is_told_from_then_on),
        NOTIFY_TEST(test_others_are_told_nothing),
        NOTIFY_TEST(test_many_changes_are_told_in_steps),
        NOTIFY_TEST(test_lost_changes_are_told),
        NOTIFY_TEST(test_what_cannot_be_set),
        NOTIFY_TEST(test_rules),
        NOTIFY_TEST(test_events_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
