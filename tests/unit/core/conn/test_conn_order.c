/* SPDX-License-Identifier: MIT
 *
 * Replies keep the order of their requests, whenever and however each request ends. */
#include <errno.h>

#include "server_fixture.h"

static void test_reply_comes_back(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a");
    assert_heard(peer, "a");
    assert_noted(f, "open a");
}

static void test_request_may_end_without_a_message(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "none a", "now b");
    assert_heard(peer, "b");
}

static void test_pipelined_requests_are_answered_in_order_at_every_split(void **state)
{
    struct server_fixture *f = *state;
    uint8_t bytes[512];
    size_t size = 0;
    server_fixture_start(f);
    size += peer_frame(bytes + size, "now a", 5);
    size += peer_frame(bytes + size, "size b 300", 10);
    size += peer_frame(bytes + size, "now c", 100);
    struct test_peer *peer = peer_dial(f);
    for (size_t split = 0; split <= size; split++) {
        peer_send(peer, bytes, split);
        turns(f);
        peer_send(peer, bytes + split, size - split);
        assert_heard(peer, "a b300 c");
        assert_noted(f, split == 0 ? "open a b c" : "a b c");
    }
}

static void test_pipelined_requests_are_answered_byte_by_byte(void **state)
{
    struct server_fixture *f = *state;
    uint8_t bytes[512];
    size_t size = 0;
    server_fixture_start(f);
    size += peer_frame(bytes + size, "now a", 5);
    size += peer_frame(bytes + size, "now b", 100);
    struct test_peer *peer = peer_dial(f);
    for (size_t i = 0; i < size; i++) {
        peer_send(peer, bytes + i, 1);
        turns(f);
    }
    assert_heard(peer, "a b");
}

static void test_later_requests_wait_for_the_first(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "now b", "size c 1000", "none d", "now e");
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b c1000 e");
}

/* Three requests end in each of the six orders. */
static void test_replies_keep_order_in_every_order_of_completion(void **state)
{
    static const char *const orders[] = {"abc", "acb", "bac", "bca", "cab", "cba"};
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        peer_say(peer, "wait a", "wait b", "wait c");
        for (const char *p = orders[i]; *p; p++) {
            char name[2] = {*p, '\0'};
            assert_int_equal(probe_end(&f->probe, name, name), 0);
            turns(f);
        }
        assert_heard(peer, "a b c");
    }
}

static void test_messages_of_a_stream_stand_together(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait b");
    assert_int_equal(probe_send(&f->probe, "b", "b1"), 0);
    assert_int_equal(probe_send(&f->probe, "a", "a1"), 0);
    assert_heard(peer, "a1");
    assert_int_equal(probe_send(&f->probe, "b", "b2"), 0);
    assert_int_equal(probe_send(&f->probe, "a", "a2"), 0);
    assert_heard(peer, "a2");
    assert_int_equal(probe_end(&f->probe, "a", "a3"), 0);
    assert_heard(peer, "a3 b1 b2");
    assert_int_equal(probe_send(&f->probe, "b", "b3"), 0);
    assert_heard(peer, "b3");
    assert_int_equal(probe_end(&f->probe, "b", "b4"), 0);
    assert_heard(peer, "b4");
}

static void test_stream_ends_within_call(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "stream s 100 200", "now b");
    assert_heard(peer, "s200*100 b");
    assert_noted(f, "open s b");
}

static void test_kept_payload_lives_until_the_end(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "keep a 12345");
    peer_say(peer, "keep b");
    peer_say(peer, "arena c 1000");
    assert_int_equal(probe_end(&f->probe, "b", NULL), 0);
    assert_int_equal(probe_end(&f->probe, "a", NULL), 0);
    assert_heard(peer, "keep a 12345 keep b c");
}

static void keep_twice(struct probe *probe, const char *name)
{
    struct weft_request *request = probe->calls[0].request;
    struct weft_arena *arena;
    const uint8_t *payload;

    assert_string_equal(name, "a");
    assert_int_equal(weft_request_keep(request), 0);
    arena = weft_request_arena(request);
    payload = request->payload.data;
    assert_int_equal(weft_request_keep(request), 0);
    assert_ptr_equal(request->payload.data, payload);
    assert_ptr_equal(weft_request_arena(request), arena);
}

static void test_keeping_twice_changes_nothing(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    f->probe.on_call = keep_twice;
    peer_say(peer, "wait a");
    assert_int_equal(probe_end(&f->probe, "a", NULL), 0);
    assert_heard(peer, "wait a");
}

/* One chunk has it all, and is small enough to serve the next request, too. */
static void keep_with_room(struct probe *probe, const char *name)
{
    struct weft_request *request = probe->calls[0].request;
    assert_string_equal(name, "a");
    assert_int_equal(weft_request_keep_with_room(request, 3000), 0);
    struct weft_arena *arena = weft_request_arena(request);
    size_t memory = weft_arena_memory(arena);
    assert_non_null(weft_arena_alloc(arena, 3000));
    assert_int_equal(weft_arena_memory(arena), memory);
    assert_in_range(memory, 3000, WEFT__KEPT_SMALL);
}

static void test_keeping_with_room_allocates_once(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    f->probe.on_call = keep_with_room;
    peer_say(peer, "wait a");
    assert_int_equal(probe_end(&f->probe, "a", NULL), 0);
    assert_heard(peer, "wait a");
}

static void test_arena_is_the_next_requests_after_the_call(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.decode_bytes = WEFT_KIB(64);
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 10; i++)
        peer_queue(peer, "arena a 60000");
    peer_queue(peer, "arena b 70000");
    assert_heard(peer, "a*10 none");
}

static void test_kept_request_has_a_budget_of_its_own(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.decode_bytes = WEFT_KIB(64);
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "keep a");
    struct weft_arena *arena = weft_request_arena(f->probe.calls[0].request);
    assert_ptr_not_equal(arena, &f->worker->arena);
    assert_non_null(weft_arena_alloc(arena, 65000));
    assert_null(weft_arena_alloc(arena, 1000));
    assert_true(arena->over_budget);
}

static void end_a_in_call_of_b(struct probe *probe, const char *name)
{
    if (strcmp(name, "b") == 0)
        assert_int_equal(probe_end(probe, "a", "A"), 0);
}

static void test_call_may_end_an_earlier_request(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    f->probe.on_call = end_a_in_call_of_b;
    struct test_peer *peer = peer_dial(f);
    peer_say(peer, "wait a", "now b", "now c");
    assert_heard(peer, "A b c");
}

/* b is the head already while it is still being called. */
static void test_request_may_become_head_within_its_call(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    f->probe.on_call = end_a_in_call_of_b;
    struct test_peer *peer = peer_dial(f);
    peer_say(peer, "wait a", "wait b");
    assert_heard(peer, "A");
    assert_int_equal(probe_send(&f->probe, "b", "b1"), 0);
    assert_heard(peer, "b1");
    assert_int_equal(probe_end(&f->probe, "b", "b2"), 0);
    assert_heard(peer, "b2");
}

static void test_call_may_end_a_request_of_another_connection(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    f->probe.on_call = end_a_in_call_of_b;
    struct test_peer *one = peer_dial(f), *two = peer_dial(f);
    peer_say(one, "wait a");
    peer_say(two, "now b");
    assert_heard(one, "A");
    assert_heard(two, "b");
}

static void test_request_ends_from_a_turn_of_its_own(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    virtual_loop_turn(f->loop);
    assert_string_equal(peer_hear(peer), "A");
}

static void test_bodies_that_are_blobs_keep_their_place(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "blob a 100000", "wait b", "blob c 5000", "blob d 0");
    assert_int_equal(probe_end(&f->probe, "b", "b"), 0);
    assert_heard(peer, "a100000 b c5000 ");
}

/* Its bytes are referenced: no other copy of them is made, held or sent. */
static void test_held_blob_is_not_copied(void **state)
{
    struct server_fixture *f = *state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(1000, &data);
    assert_non_null(blob);
    memset(data, 'a', 1000);
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait b");
    assert_int_equal(probe_end_blob(&f->probe, "b", blob), 0);
    memset(data, 'z', 1000);
    weft_blob_unref(blob);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A z1000");
}

static void test_many_connections_do_not_mix(void **state)
{
    enum { COUNT = 50 };
    struct server_fixture *f = *state;
    struct test_peer *peers[COUNT];
    char text[32];
    server_fixture_start(f);
    for (int i = 0; i < COUNT; i++)
        peers[i] = peer_dial(f);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "wait a%d", i);
        peer_queue(peers[i], text);
        snprintf(text, sizeof text, "now b%d", i);
        peer_queue(peers[i], text);
    }
    turns(f);
    for (int i = COUNT; i-- > 0;) {
        snprintf(text, sizeof text, "a%d", i);
        assert_int_equal(probe_end(&f->probe, text, text), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "a%d b%d", i, i);
        assert_heard(peers[i], text);
    }
}

static void test_connections_have_numbers_of_their_own(void **state)
{
    struct server_fixture *f = *state;
    uint64_t ids[3];
    server_fixture_start(f);
    for (int i = 0; i < 3; i++) {
        struct test_peer *peer = peer_dial(f);
        peer_say(peer, "wait a");
        ids[i] = weft_request_connection(f->probe.calls[i].request);
        peer_reset(peer);
        assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    }
    assert_true(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
}

static void test_many_requests_pend_at_once(void **state)
{
    enum { COUNT = 1000 };
    struct server_fixture *f = *state;
    char name[PROBE_NAME], text[32];
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "wait a%d", i);
        peer_queue(peer, text);
    }
    turns(f);
    for (int i = COUNT; i-- > 0;) {
        snprintf(name, sizeof name, "a%d", i);
        assert_int_equal(probe_end(&f->probe, name, "A"), 0);
    }
    assert_heard(peer, "A*1000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_reply_comes_back),
        TEST_RAW(test_request_may_end_without_a_message),
        TEST_BOTH(test_pipelined_requests_are_answered_in_order_at_every_split),
        TEST_BOTH(test_pipelined_requests_are_answered_byte_by_byte),
        TEST_BOTH(test_later_requests_wait_for_the_first),
        TEST_BOTH(test_replies_keep_order_in_every_order_of_completion),
        TEST_BOTH(test_messages_of_a_stream_stand_together),
        TEST_BOTH(test_stream_ends_within_call),
        TEST_BOTH(test_kept_payload_lives_until_the_end),
        TEST_RAW(test_keeping_twice_changes_nothing),
        TEST_RAW(test_keeping_with_room_allocates_once),
        TEST_RAW(test_arena_is_the_next_requests_after_the_call),
        TEST_RAW(test_kept_request_has_a_budget_of_its_own),
        TEST_RAW(test_call_may_end_an_earlier_request),
        TEST_RAW(test_request_may_become_head_within_its_call),
        TEST_RAW(test_call_may_end_a_request_of_another_connection),
        TEST_RAW(test_request_ends_from_a_turn_of_its_own),
        TEST_BOTH(test_bodies_that_are_blobs_keep_their_place),
        TEST_RAW(test_held_blob_is_not_copied),
        TEST_BOTH(test_many_connections_do_not_mix),
        TEST_RAW(test_connections_have_numbers_of_their_own),
        TEST_RAW(test_many_requests_pend_at_once),
    };
    return cmocka_run_group_tests_name("conn order", tests, NULL, NULL);
}
