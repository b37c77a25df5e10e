/* SPDX-License-Identifier: MIT
 *
 * The cost of clients that mean no good, as counts: the goals in seconds and bytes are
 * measured on a release build (docs/contracts.md has the list). */
#include <errno.h>

#include "lib/fault.h"
#include "lib/script_world.h"
#include "lib/wire.h"
#include "server_fixture.h"

enum { MIB = 1 << 20, CROWD = 1000 };

#define TEST_FAULT_GZIP(test)                                                                      \
    {                                                                                              \
#test "/fault gzip", test, server_fixture_setup_fault, server_fixture_teardown_fault,      \
            server_url_gzip                                                                        \
    }

static void dial_crowd(struct server_fixture *f, struct test_peer **crowd)
{
    for (int i = 0; i < CROWD; i++)
        crowd[i] = peer_dial_only(f);
    turns(f);
    assert_int_equal(f->worker->conn_count, CROWD);
}

static struct weft_loop *loop_of_test;

static void spend_ten_milliseconds(struct probe *probe, const char *name)
{
    (void)probe;
    (void)name;
    virtual_loop_spend(loop_of_test, MILLISECONDS(10));
}

/* A message of 32 MiB, in 32 KiB on the wire. */
static struct wire_bytes inflating_frame(void)
{
    uint8_t *message = malloc(4 + 32 * MIB);
    assert_non_null(message);
    peer_frame(message, "now z", 32 * MIB);
    struct wire_bytes member = wire_deflate(message + 4, 32 * MIB);
    free(message);
    struct wire_bytes frame = {malloc(4 + member.size), 4 + member.size};
    assert_non_null(frame.data);
    wire_header(frame.data, UINT32_C(0x80000000) | (uint32_t)member.size);
    memcpy(frame.data + 4, member.data, member.size);
    wire_free(&member);
    return frame;
}

/* One inflates in a turn, into memory that the next one uses again, and whoever asks for little is
 * served between two of them. */
static void test_messages_that_inflate_take_turns_and_the_memory_of_one(void **state)
{
    enum { INFLATING = 8 };
    struct server_fixture *f = *state;
    struct test_peer *large[INFLATING], *small = serve_one(f);
    struct wire_bytes frame = inflating_frame();
    for (int i = 0; i < INFLATING; i++)
        large[i] = peer_dial(f);
    loop_of_test = f->loop;
    f->probe.on_call = spend_ten_milliseconds;
    fault_arm(FAULT_ONE, SIZE_MAX);
    size_t before = fault_bytes();
    for (int i = 0; i < INFLATING; i++)
        peer_send(large[i], frame.data, frame.size);
    for (int i = 0; i < INFLATING; i++) {
        peer_queue(small, "now s");
        virtual_loop_turn(f->loop);
        assert_string_equal(peer_hear(small), "s");
        assert_int_equal(f->probe.call_count, 2 * (i + 1));
    }
    for (int i = 0; i < INFLATING; i++)
        assert_heard(large[i], "z");
    assert_in_range(fault_bytes_most() - before, 32 * MIB, 33 * MIB);
    assert_in_range(fault_bytes() - before, 0, MIB);
    wire_free(&frame);
}

static void test_crowd_with_half_a_header_is_closed_at_its_deadline(void **state)
{
    static struct test_peer *crowd[CROWD];
    struct server_fixture *f = *state;
    server_fixture_start(f);
    dial_crowd(f, crowd);
    for (int i = 0; i < CROWD; i++)
        peer_send(crowd[i], "\0\0", 2);
    struct test_peer *good = peer_dial(f);
    advance(f, SECONDS(30) - 1);
    peer_say(good, "now a");
    assert_heard(good, "a");
    assert_int_equal(closed(f), 0);
    advance(f, 1);
    assert_int_equal(closed_for(f, WEFT_REASON_FRAME_TIMEOUT), CROWD);
    peer_say(good, "now b");
    assert_heard(good, "b");
    assert_int_equal(f->worker->conn_count, 1);
}

/* A promise takes the memory of what has come, and not of the 8 MiB that were promised. */
static void test_crowd_with_large_promises_takes_the_memory_of_what_it_sent(void **state)
{
    enum { SENT = 14, LEAST_BLOCK = 64 + 16 };
    static struct test_peer *crowd[CROWD];
    struct server_fixture *f = *state;
    server_fixture_start(f);
    dial_crowd(f, crowd);
    size_t before = fault_bytes();
    for (int i = 0; i < CROWD; i++) {
        peer_send_header(crowd[i], 8 * MIB - 1);
        peer_send(crowd[i], "0123456789", SENT - 4);
    }
    turns(f);
    assert_in_range(fault_bytes() - before, CROWD * SENT, CROWD * LEAST_BLOCK);
}

/* Output that is not read stops the decoding at the high-water mark: one reply more than that may be made. */
static void test_client_that_never_reads_costs_the_high_mark_and_a_reply(void **state)
{
    enum { ASKED = 1000, INPUT = 64 * 1024 };
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 1});
    fault_arm(FAULT_ONE, SIZE_MAX);
    size_t before = fault_bytes();
    for (int i = 0; i < ASKED; i++)
        peer_queue(peer, "size x 1048576");
    turns(f);
    assert_in_range(f->worker->conns->out.bytes, MIB, 2 * MIB + 4);
    assert_in_range(fault_bytes_most() - before, MIB, 2 * MIB + INPUT);
    advance(f, SECONDS(30));
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
    assert_in_range(fault_bytes(), 0, before);
}

/* Ten times a second it is tried whether there are descriptors, and otherwise there is nothing to do:
 * who waits is dropped by the reserve, where that is what it takes. */
static void test_accepting_costs_little_while_descriptors_are_exhausted(void **state)
{
    enum { FAILING = 1000000, SECONDS_LONG = 10 };
    static const int errors[] = {-EMFILE, -ENFILE, -ENOMEM};
    struct server_fixture *f = *state;
    struct test_peer *good = serve_one(f);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        script_fail_accepts("server", errors[i], FAILING);
        for (int tenth = 0; tenth < 10 * SECONDS_LONG; tenth++) {
            peer_dial_only(f);
            turns(f);
            advance(f, MILLISECONDS(100));
        }
        int tries = FAILING - script__find_port("server")->accept_errors;
        assert_in_range(tries, 10 * SECONDS_LONG, 2 * 10 * SECONDS_LONG + 2);
        peer_say(good, "now a");
        assert_heard(good, "a");
        script_fail_accepts("server", 0, 0);
        advance(f, MILLISECONDS(100));
    }
    struct test_peer *newcomer = peer_dial(f);
    peer_say(newcomer, "now b");
    assert_heard(newcomer, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_FAULT_GZIP(test_messages_that_inflate_take_turns_and_the_memory_of_one),
        TEST_BOTH(test_crowd_with_half_a_header_is_closed_at_its_deadline),
        TEST_FAULT(test_crowd_with_large_promises_takes_the_memory_of_what_it_sent),
        TEST_FAULT(test_client_that_never_reads_costs_the_high_mark_and_a_reply),
        TEST_RAW(test_accepting_costs_little_while_descriptors_are_exhausted),
    };
    return cmocka_run_group_tests_name("conn hostile", tests, NULL, NULL);
}
