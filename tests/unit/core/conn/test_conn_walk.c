/* SPDX-License-Identifier: MIT
 *
 * The walk over all connections: what a visit sees, what it may end, and what comes and goes meanwhile. */
#include "server_fixture.h"

#include <string.h>

#include "core/base/compiler.h"
#include "core/connections.h"

enum { MANY = 3 * WEFT_WALK_SHARE };

struct seen {
    struct weft_walk walk;
    uint64_t ids[MANY + 8];
    size_t count;
    struct weft_connection last; /* its texts are gone */
    char texts[512];
    bool done;
    uint64_t end_id; /* a visit to this one ends it */
    bool end_others, stop_after_one;
};

static unsigned visit(struct weft_walk *walk, const struct weft_connection *row)
{
    struct seen *seen = weft_container_of(walk, struct seen, walk);
    assert_false(seen->done);
    seen->ids[seen->count++] = row->id;
    seen->last = *row;
    snprintf(seen->texts, sizeof seen->texts, "%s %s %s %s '%s' %s %s %s", row->address,
             row->transport, row->codec ? row->codec : "-", row->service ? row->service : "-",
             row->endpoint, row->user ? row->user : "-", row->label ? row->label : "-",
             weft_connection_state_name(row->state));
    unsigned wants = seen->stop_after_one ? WEFT_VISIT_STOP : WEFT_VISIT_NEXT;
    if (row->id == seen->end_id || (seen->end_others && !row->asks))
        wants |= WEFT_VISIT_END;
    return wants;
}

static void done(struct weft_walk *walk)
{
    struct seen *seen = weft_container_of(walk, struct seen, walk);
    assert_false(seen->done);
    seen->done = true;
}

static struct weft_request *request_of(struct server_fixture *f, const char *name)
{
    for (size_t i = 0; i < f->probe.call_count; i++)
        if (f->probe.calls[i].request && strcmp(f->probe.calls[i].name, name) == 0)
            return f->probe.calls[i].request;
    fail_msg("no request %s", name);
    return NULL;
}

/* A walk with a request of the peer, who has said "wait a". */
static void begin(struct server_fixture *f, struct seen *seen)
{
    seen->walk.visit = visit;
    seen->walk.done = done;
    weft_connections_walk(request_of(f, "a"), &seen->walk);
    assert_false(seen->done);
    assert_int_equal(seen->count, 0);
}

static void walk(struct server_fixture *f, struct seen *seen)
{
    begin(f, seen);
    turns(f);
    assert_true(seen->done);
}

static void end(struct server_fixture *f)
{
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
}

static void test_visit_sees_what_a_connection_has_done(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {0};
    struct test_peer *peer = serve_one(f);
    advance(f, SECONDS(3));
    peer_say(peer, "now x", "wait a", "wait b");
    advance(f, SECONDS(2));
    struct weft_peer *known = weft_request_peer(request_of(f, "a"));
    assert_int_equal(weft_peer_set_user(known, weft_view_str("mia")), 0);
    assert_int_equal(weft_peer_set_label(known, weft_view_str("cart")), 0);
    walk(f, &seen);
    assert_int_equal(seen.count, 1);
    assert_non_null(strstr(seen.texts, " script raw probe '"));
    assert_non_null(strstr(seen.texts, weft_server_endpoint(f->server, 0)));
    assert_non_null(strstr(seen.texts, "' mia cart open"));
    assert_int_equal(seen.last.id, weft_request_connection(request_of(f, "a")));
    assert_int_equal(seen.last.age, SECONDS(5));
    assert_int_equal(seen.last.idle, SECONDS(2));
    assert_int_equal(seen.last.bytes_in,
                     peer_frame(NULL, "now x", 5) + 2 * peer_frame(NULL, "wait a", 6));
    assert_int_equal(seen.last.bytes_out, peer_frame(NULL, "x", 1));
    assert_int_equal(seen.last.requests, 3);
    assert_int_equal(seen.last.pending, 2);
    assert_true(seen.last.asks);
    end(f);
    probe_end_all(&f->probe);
}

static void test_walk_visits_the_connections_of_every_loop_once(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {0};
    bool found[8] = {false};
    f->options.threads = 3;
    server_fixture_start(f);
    struct test_peer *peers[7];
    for (int i = 0; i < 7; i++)
        peers[i] = peer_dial(f);
    peer_say(peers[4], "wait a");
    walk(f, &seen);
    assert_int_equal(seen.count, 7);
    for (size_t i = 0; i < seen.count; i++) {
        assert_in_range(seen.ids[i], 1, 7);
        assert_false(found[seen.ids[i]]);
        found[seen.ids[i]] = true;
    }
    end(f);
}

static void test_loop_visits_a_share_of_its_connections_in_a_turn(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {0};
    f->options.limits.max_connections = MANY + 1;
    struct test_peer *peer = serve_one(f);
    for (int i = 1; i < MANY; i++)
        peer_dial_only(f);
    turns(f);
    peer_say(peer, "wait a");
    begin(f, &seen);
    for (size_t share = 1; share <= 3; share++) {
        virtual_loop_turn(f->loop);
        assert_int_equal(seen.count, share * WEFT_WALK_SHARE);
    }
    turns(f);
    assert_true(seen.done);
    assert_int_equal(seen.count, MANY);
    end(f);
}

/* A reset is seen in one turn, and the memory goes in the next. So the connections that are reset here go
 * after the first share of the walk has been visited. */
static void reset_during_the_first_share(struct server_fixture *f, struct test_peer **peers,
                                         int count)
{
    for (int i = 0; i < count; i++)
        peer_reset(peers[i]);
    virtual_loop_turn(f->loop);
}

/* The connection that would be visited first in the second turn goes between the two. */
static void test_walk_passes_over_connections_that_go_and_sees_none_that_come(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {0};
    f->options.limits.max_connections = MANY + 1;
    struct test_peer *peer = serve_one(f), *peers[2 * WEFT_WALK_SHARE];
    for (int i = 1; i < 2 * WEFT_WALK_SHARE; i++)
        peers[i] = peer_dial_only(f);
    turns(f);
    peer_say(peer, "wait a");
    reset_during_the_first_share(f, &peers[WEFT_WALK_SHARE - 1], 1); /* its number is one more */
    begin(f, &seen);
    peer_dial_only(f);
    virtual_loop_turn(f->loop);
    assert_int_equal(seen.count, WEFT_WALK_SHARE);
    assert_int_equal(f->worker->conn_count, 2 * WEFT_WALK_SHARE);
    assert_int_equal(seen.ids[seen.count - 1], WEFT_WALK_SHARE + 1);
    turns(f);
    assert_true(seen.done);
    assert_int_equal(seen.count, 2 * WEFT_WALK_SHARE - 1);
    assert_int_equal(seen.ids[WEFT_WALK_SHARE], WEFT_WALK_SHARE - 1);
    end(f);
}

static void test_two_walks_at_a_time_see_all(void **state)
{
    struct server_fixture *f = *state;
    struct seen one = {0}, two = {0};
    f->options.limits.max_connections = MANY + 1;
    struct test_peer *peer = serve_one(f), *peers[MANY];
    for (int i = 1; i < MANY; i++)
        peers[i] = peer_dial_only(f);
    turns(f);
    peer_say(peer, "wait a");
    reset_during_the_first_share(f, &peers[1], 19);
    begin(f, &one);
    begin(f, &two);
    virtual_loop_turn(f->loop);
    assert_int_equal(f->worker->conn_count, MANY - 19);
    turns(f);
    assert_true(one.done && two.done);
    assert_int_equal(one.count, MANY - 19);
    assert_int_equal(two.count, MANY - 19);
    end(f);
}

static void test_visit_that_wants_no_more_stops_the_walk(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {.stop_after_one = true};
    f->options.threads = 2;
    server_fixture_start(f);
    struct test_peer *peer = peer_dial(f);
    for (int i = 0; i < 5; i++)
        peer_dial(f);
    peer_say(peer, "wait a");
    walk(f, &seen);
    assert_int_equal(seen.count, 1);
    end(f);
}

static void test_ended_connections_are_closed_and_counted_as_killed(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {.end_others = true}, after = {0};
    f->options.threads = 3;
    server_fixture_start(f);
    struct test_peer *peers[7];
    for (int i = 0; i < 7; i++)
        peers[i] = peer_dial(f);
    peer_say(peers[1], "wait b");
    peer_say(peers[4], "wait a");
    walk(f, &seen);
    for (int i = 0; i < 7; i++)
        if (i != 4)
            assert_string_equal(peer_hear(peers[i]), "EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_KILLED), 6);
    assert_non_null(strstr(f->probe.log, "b!killed"));
    walk(f, &after);
    assert_int_equal(after.count, 1);
    end(f);
    assert_heard(peers[4], "A");
    probe_end_all(&f->probe);
}

static void test_connection_that_ends_itself_answers_what_it_owes(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {0};
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "now b");
    seen.end_id = weft_request_connection(request_of(f, "a"));
    walk(f, &seen);
    peer_say(peer, "now c");
    end(f);
    assert_heard(peer, "A b EOF");
    peer_shutdown(peer);
    assert_int_equal(closed_for(f, WEFT_REASON_KILLED), 1);
}

/* The connection has closed, and its request is all that is left of it. */
static void test_walk_ends_although_its_connection_has_gone(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {0};
    f->options.threads = 2;
    server_fixture_start(f);
    struct test_peer *peer = peer_dial(f);
    peer_dial(f);
    peer_say(peer, "wait a");
    peer_reset(peer);
    turns(f);
    walk(f, &seen);
    assert_int_equal(seen.count, 1);
    assert_false(seen.last.asks);
    probe_end_all(&f->probe);
}

static void test_walk_ends_while_the_server_drains(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {0};
    f->options.threads = 3;
    server_fixture_start(f);
    struct test_peer *peer = peer_dial(f);
    for (int i = 0; i < 4; i++)
        peer_shutdown(peer_dial(f));
    peer_say(peer, "wait a");
    weft_server_stop(f->server);
    turns(f);
    walk(f, &seen);
    assert_int_equal(seen.count, 1);
    end(f);
    assert_heard(peer, "A EOF");
}

static void test_every_state_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < WEFT_CONNECTION_STATES; i++)
        assert_string_not_equal(weft_connection_state_name((enum weft_connection_state)i),
                                "unknown");
    assert_string_equal(weft_connection_state_name(WEFT_CONNECTION_PAUSED), "paused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_visit_sees_what_a_connection_has_done),
        TEST_RAW(test_walk_visits_the_connections_of_every_loop_once),
        TEST_RAW(test_loop_visits_a_share_of_its_connections_in_a_turn),
        TEST_RAW(test_walk_passes_over_connections_that_go_and_sees_none_that_come),
        TEST_RAW(test_two_walks_at_a_time_see_all),
        TEST_RAW(test_visit_that_wants_no_more_stops_the_walk),
        TEST_BOTH(test_ended_connections_are_closed_and_counted_as_killed),
        TEST_BOTH(test_connection_that_ends_itself_answers_what_it_owes),
        TEST_RAW(test_walk_ends_although_its_connection_has_gone),
        TEST_RAW(test_walk_ends_while_the_server_drains),
        cmocka_unit_test(test_every_state_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
