/* SPDX-License-Identifier: MIT
 *
 * Listeners: who is accepted, who is refused and how, and on which loop a connection is placed. */
#include <errno.h>

#include "core/loop/turn.h"
#include "lib/fault.h"
#include "unit/core/conn/server_fixture.h"

static size_t conns_of(struct server_fixture *f, size_t thread)
{
    return f->server->threads[thread].worker.conn_count;
}

static void test_connection_over_the_limit_is_refused_in_words(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_connections = 2;
    server_fixture_start(f);
    struct test_peer *one = peer_dial(f), *two = peer_dial(f), *three = peer_dial(f);
    assert_heard(three, "too-many:max-connections:2 EOF");
    peer_say(one, "now a");
    peer_say(two, "now b");
    assert_heard(one, "a");
    assert_heard(two, "b");
    assert_noted(f, "open open a b");
}

static void test_each_address_of_an_endpoint_is_served(void **state)
{
    struct server_fixture *f = *state;
    f->urls[0] = "script:server+other?codec=raw";
    server_fixture_start(f);
    struct script_end *other = script_dial("other");
    assert_non_null(other);
    struct test_peer *peer = peer_dial(f);
    assert_int_equal(f->worker->conn_count, 2);
    peer_say(peer, "now a");
    assert_heard(peer, "a");

    /* Whoever waits at either address when the drain begins is told so. */
    struct script_end *late = script_dial("other");
    weft_server_stop(f->server);
    turns(f);
    size_t size;
    const uint8_t *words = script_received(late, &size);
    assert_true(size > 0);
    assert_non_null(memmem(words, size, "draining", 8));
    assert_null(script_dial("other"));
    assert_null(script_dial("server"));
    script_close(other);
    script_close(late);
    turns(f);
}

static void test_peers_that_wait_at_any_endpoint_when_the_drain_begins_are_told_so(void **state)
{
    struct server_fixture *f = *state;
    f->urls[1] = "script:other?codec=raw";
    f->options.url_count = 2;
    server_fixture_start(f);
    struct script_end *late = script_dial("other");
    weft_server_stop(f->server);
    turns(f);
    size_t size;
    const uint8_t *words = script_received(late, &size);
    assert_non_null(memmem(words, size, "draining", 8));
    script_close(late);
    turns(f);
}

/* The first loop must not end with the drain of its worker before that peer has heard its refusal. */
static void test_peer_that_waits_at_the_drain_keeps_the_first_loop_running(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *late = peer_dial_only(f);
    weft_server_stop(f->server);
    assert_false(f->server->threads[0].empty);
    assert_false(f->loop->stopping);
    assert_heard(late, "draining EOF");
    advance(f, SECONDS(1));
    assert_true(f->server->threads[0].empty);
    assert_true(f->loop->stopping);
}

static void test_address_in_use_leaves_none_of_its_endpoint(void **state)
{
    struct server_fixture *f = *state;
    f->urls[0] = "script:server+other?codec=raw";
    script_serve("other");
    assert_int_equal(server_fixture_try_start(f), -EADDRINUSE);
    assert_null(script_dial("server"));
}

static void test_refusal_is_not_eaten_by_a_reset(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_connections = 1;
    server_fixture_start(f);
    peer_dial(f);
    struct test_peer *peer = peer_dial_only(f);
    for (int i = 0; i < 1000; i++)
        peer_queue(peer, "now a");
    turns(f);
    advance(f, SECONDS(1));
    assert_true(script_is_gone(peer->end));
    assert_heard(peer, "too-many:max-connections:1 EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_TOO_MANY), 1);
}

static void test_place_of_a_closed_connection_is_free_again(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_connections = 1;
    server_fixture_start(f);
    peer_close(peer_dial(f));
    turns(f);
    struct test_peer *peer = peer_dial(f);
    peer_say(peer, "now a");
    assert_heard(peer, "a");
}

static void test_service_without_words_refuses_by_closing(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_connections = 1;
    server_fixture_start(f);
    peer_dial(f);
    assert_heard(peer_dial(f), "EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_TOO_MANY), 1);
}

/* Being refused costs memory as well: beyond 256 at once they are dropped. */
static void test_flood_of_refusals_is_dropped(void **state)
{
    enum { COUNT = 300, REFUSED = 256 };
    struct server_fixture *f = *state;
    struct test_peer *peers[COUNT];
    f->options.limits.max_connections = 1;
    server_fixture_start(f);
    peer_dial(f);
    for (int i = 0; i < COUNT; i++)
        peers[i] = peer_dial_only(f);
    turns(f);
    for (int i = 0; i < COUNT; i++)
        assert_heard(peers[i], i < REFUSED ? "too-many:max-connections:1 EOF" : "RESET");
    assert_int_equal(closed_for(f, WEFT_REASON_TOO_MANY), COUNT - REFUSED);
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_TOO_MANY), COUNT);
    assert_heard(peer_dial(f), "too-many:max-connections:1 EOF");
}

static void test_flood_of_refusals_is_dropped_while_draining(void **state)
{
    enum { COUNT = 300, REFUSED = 256 };
    struct server_fixture *f = *state;
    server_fixture_start(f);
    for (int i = 0; i < COUNT; i++)
        peer_dial_only(f);
    weft_server_stop(f->server);
    turns(f);
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), COUNT - REFUSED);
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), COUNT);
}

static void test_turn_accepts_64_connections(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    for (int i = 0; i < 100; i++)
        peer_dial_only(f);
    virtual_loop_turn(f->loop);
    assert_int_equal(f->worker->conn_count, 64);
    turns(f);
    assert_int_equal(f->worker->conn_count, 100);
}

static void test_peer_lost_while_it_waited_costs_only_itself(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_accepts("server", -ECONNABORTED, 1);
    peer_dial_only(f);
    struct test_peer *peer = peer_dial_only(f);
    peer_queue(peer, "now a");
    assert_heard(peer, "a");
    assert_int_equal(f->worker->conn_count, 1);
}

/* The first one's failure makes the server shed those who wait. */
static void test_peers_are_shed_where_descriptors_run_out(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_accepts("server", -EMFILE, 1000);
    struct test_peer *one = peer_dial_only(f), *two = peer_dial_only(f);
    assert_heard(one, "RESET");
    assert_heard(two, "RESET");
    assert_int_equal(f->worker->conn_count, 0);
    assert_int_equal(closed_for(f, WEFT_REASON_NO_DESCRIPTOR), 2);
}

/* Another thread has closed a connection meanwhile: then the peer is as good as any. */
static void test_peer_that_shedding_accepts_is_served(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_accepts("server", -EMFILE, 2);
    struct test_peer *one = peer_dial_only(f), *two = peer_dial_only(f);
    peer_queue(two, "now a");
    assert_heard(one, "RESET");
    assert_heard(two, "a");
}

static void test_accepting_rests_after_descriptors_ran_out(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_accepts("server", -ENFILE, 2);
    peer_dial(f);
    struct test_peer *peer = peer_dial(f);
    peer_queue(peer, "now a");
    advance(f, MILLISECONDS(100) - 1);
    assert_int_equal(f->worker->conn_count, 0);
    advance(f, 1);
    assert_heard(peer, "a");
}

static void test_peers_wait_where_memory_runs_out(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_accepts("server", -ENOMEM, 4);
    struct test_peer *peer = peer_dial(f);
    peer_queue(peer, "now a");
    assert_heard(peer, "");
    advance(f, MILLISECONDS(100));
    assert_heard(peer, "");
    advance(f, MILLISECONDS(100));
    assert_heard(peer, "a");
}

static void test_stop_ends_the_rest_of_accepting(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_accepts("server", -ENOMEM, 2);
    struct test_peer *peer = peer_dial(f);
    weft_server_stop(f->server);
    assert_heard(peer, "draining EOF");
    peer_shutdown(peer);
    assert_int_equal(virtual_loop_next_timer(f->loop), INT64_MAX);
}

/* A peer that cannot be accepted even then is reset: there is nothing to tell it with. */
static void test_stop_does_not_wait_for_descriptors(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_accepts("server", -EMFILE, 1000);
    struct test_peer *peer = peer_dial_only(f);
    weft_server_stop(f->server);
    assert_heard(peer, "RESET");
}

static void test_connection_that_cannot_be_attached_is_counted(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_fail_attaches(-ENOMEM, 1);
    assert_heard(peer_dial(f), "RESET");
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
    script_fail_attaches(-ECONNRESET, 1);
    assert_heard(peer_dial(f), "RESET");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_RESET), 1);
    assert_int_equal(atomic_load(&f->worker->living), 0);
}

static void test_connection_without_memory_is_counted(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    fault_arm(FAULT_ONE, 0);
    assert_heard(peer_dial(f), "RESET");
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
    assert_int_equal(atomic_load(&f->worker->living), 0);
}

static void test_connections_go_to_the_loop_with_the_fewest(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peers[9];
    f->options.threads = 3;
    server_fixture_start(f);
    for (int i = 0; i < 9; i++)
        peers[i] = peer_dial(f);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(conns_of(f, i), 3);
    peer_close(peers[1]);
    peer_close(peers[4]);
    turns(f);
    assert_int_equal(conns_of(f, 1), 1);
    peer_dial(f);
    peer_dial(f);
    assert_int_equal(conns_of(f, 1), 3);
    peer_say(peers[2], "now a");
    assert_heard(peers[2], "a");
}

/* Those on their way to another loop count as well. */
static void test_connections_are_placed_before_the_other_loops_know(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 3;
    f->options.limits.max_connections = 7;
    server_fixture_start(f);
    for (int i = 0; i < 8; i++)
        peer_dial_only(f);
    virtual_loop_turn(f->loop);
    assert_int_equal(atomic_load(&f->server->threads[0].worker.living), 3);
    assert_int_equal(atomic_load(&f->server->threads[1].worker.living), 2);
    assert_int_equal(atomic_load(&f->server->threads[2].worker.living), 2);
    assert_heard(f->peers[7], "too-many:max-connections:7 EOF");
}

static void test_other_loops_drain_as_well(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peers[3];
    f->options.threads = 3;
    server_fixture_start(f);
    for (int i = 0; i < 3; i++) {
        peers[i] = peer_dial(f);
        peer_queue(peers[i], "now a");
    }
    weft_server_stop(f->server);
    for (int i = 0; i < 3; i++)
        assert_heard(peers[i], "a EOF");
}

static void test_connection_that_reaches_a_draining_loop_is_drained(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 2;
    server_fixture_start(f);
    peer_dial(f);
    struct test_peer *peer = peer_dial_only(f);
    peer_queue(peer, "now a");
    virtual_loop_turn(f->loop);
    weft_server_stop(f->server);
    assert_heard(peer, "a EOF");
    assert_int_equal(conns_of(f, 1), 1);
}

static void test_connection_for_a_loop_that_has_ended_is_dropped(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 2;
    server_fixture_start(f);
    peer_dial(f);
    struct weft_loop *loop = f->server->threads[1].worker.loop;
    weft__turn_close(loop);
    assert_heard(peer_dial(f), "RESET");
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
    assert_int_equal(atomic_load(&f->server->threads[1].worker.living), 0);
}

static void test_connection_without_memory_for_its_way_is_dropped(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 2;
    server_fixture_start(f);
    peer_dial(f);
    fault_arm(FAULT_ONE, 0);
    assert_heard(peer_dial(f), "RESET");
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
    assert_int_equal(atomic_load(&f->server->threads[1].worker.living), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_connection_over_the_limit_is_refused_in_words),
        TEST_RAW(test_each_address_of_an_endpoint_is_served),
        TEST_RAW(test_peers_that_wait_at_any_endpoint_when_the_drain_begins_are_told_so),
        TEST_RAW(test_peer_that_waits_at_the_drain_keeps_the_first_loop_running),
        TEST_RAW(test_address_in_use_leaves_none_of_its_endpoint),
        TEST_RAW(test_refusal_is_not_eaten_by_a_reset),
        TEST_RAW(test_place_of_a_closed_connection_is_free_again),
        TEST_MUTE(test_service_without_words_refuses_by_closing),
        TEST_RAW(test_flood_of_refusals_is_dropped),
        TEST_RAW(test_flood_of_refusals_is_dropped_while_draining),
        TEST_RAW(test_turn_accepts_64_connections),
        TEST_RAW(test_peer_lost_while_it_waited_costs_only_itself),
        TEST_RAW(test_peers_are_shed_where_descriptors_run_out),
        TEST_RAW(test_peer_that_shedding_accepts_is_served),
        TEST_RAW(test_accepting_rests_after_descriptors_ran_out),
        TEST_RAW(test_peers_wait_where_memory_runs_out),
        TEST_RAW(test_stop_ends_the_rest_of_accepting),
        TEST_RAW(test_stop_does_not_wait_for_descriptors),
        TEST_RAW(test_connection_that_cannot_be_attached_is_counted),
        TEST_FAULT(test_connection_without_memory_is_counted),
        TEST_RAW(test_connections_go_to_the_loop_with_the_fewest),
        TEST_RAW(test_connections_are_placed_before_the_other_loops_know),
        TEST_RAW(test_other_loops_drain_as_well),
        TEST_RAW(test_connection_that_reaches_a_draining_loop_is_drained),
        TEST_RAW(test_connection_for_a_loop_that_has_ended_is_dropped),
        TEST_FAULT(test_connection_without_memory_for_its_way_is_dropped),
    };
    return cmocka_run_group_tests_name("server accept", tests, NULL, NULL);
}
