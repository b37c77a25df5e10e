/* SPDX-License-Identifier: MIT
 *
 * Tests the end of an address that a server has removed: its connections, the peers that wait to be accepted, its layers
 * and its counters. */
#include <errno.h>

#include "core/endpoints.h"
#include "core/inspect.h"
#include "core/layer.h"
#include "lib/fault.h"
#include "lib/sample_text.h"
#include "unit/core/conn/server_fixture.h"

static const char url_a[] = "script:a?codec=raw&service=probe";

/* A layer that counts its states on the loops, which are its context. */
struct watched {
    size_t started, stopped, begun, named;
    int error; /* what start returns */
};

struct watching {
    struct watched *watched;
};

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)limits, (void)error;
    ((struct watching *)config)->watched = context;
    return 0;
}

static int start(void *state, const void *config, struct weft_loop *loop)
{
    const struct watching *watching = config;
    (void)loop;
    if (watching->watched->error < 0)
        return watching->watched->error;
    *(struct watching *)state = *watching;
    watching->watched->started++;
    return 0;
}

static void stop(void *state)
{
    ((struct watching *)state)->watched->stopped++;
}

static void listening(void *state, const char *endpoint)
{
    assert_non_null(strstr(endpoint, "codec="));
    ((struct watching *)state)->watched->named++;
}

static bool begin(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    (void)request, (void)why;
    *(uint64_t *)state = 1;
    ((struct watching *)loop_state)->watched->begun++;
    return true;
}

static const struct weft_layer layer = {
    .name = "watch",
    .config_size = sizeof(struct watching),
    .loop_size = sizeof(struct watching),
    .request_size = 200,
    .configure = configure,
    .start = start,
    .stop = stop,
    .listening = listening,
    .begin = begin,
};

static void change_to(struct server_fixture *f, const char *first, const char *second)
{
    const char *const urls[] = {first, second};
    struct weft_server_change *change;
    assert_int_equal(
        weft_server_prepare_endpoints(f->server, urls, second ? 2 : 1, &change, &f->error), 0);
    weft_server_commit_endpoints(change);
}

static struct test_peer *serve_two(struct server_fixture *f)
{
    f->urls[1] = url_a;
    f->options.url_count = 2;
    server_fixture_start(f);
    struct test_peer *peer = peer_dial_at(f, "a");
    turns(f);
    return peer;
}

static void test_answers_that_are_owed_leave_before_the_end(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f);
    peer_say(peer, "wait a", "now b");
    change_to(f, server_url_raw, NULL);
    peer_say(peer, "now late");
    assert_heard(peer, "");
    assert_non_null(f->server->removed);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b late EOF");
    peer_close(peer);
    turns(f);
    assert_null(f->server->removed);
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_those_who_wait_to_be_accepted_are_told(void **state)
{
    struct server_fixture *f = *state;
    serve_two(f);
    struct test_peer *waiting = peer_dial_at(f, "a");
    change_to(f, server_url_raw, NULL);
    assert_heard(waiting, "draining EOF");
}

static void test_connection_on_its_way_to_a_loop_is_drained(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 2;
    serve_two(f);
    struct test_peer *peer = peer_dial_at(f, "a");
    peer_queue(peer, "now a");
    virtual_loop_turn(f->loop);
    change_to(f, server_url_raw, NULL);
    assert_heard(peer, "a EOF");
}

static void test_drain_timeout_cuts_those_of_the_address_alone(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.drain_timeout = WEFT_SECONDS(2);
    f->options.threads = 2;
    struct test_peer *peers[2] = {serve_two(f), peer_dial_at(f, "a")}, *other = peer_dial(f);
    for (int i = 0; i < 2; i++)
        peer_say(peers[i], "wait x");
    change_to(f, server_url_raw, NULL);
    advance(f, MILLISECONDS(1999));
    assert_int_equal(closed_for(f, WEFT_REASON_CUT), 0);
    advance(f, MILLISECONDS(2));
    assert_int_equal(closed_for(f, WEFT_REASON_CUT), 2);
    assert_int_equal(weft_server_cut(f->server), 0);
    /* The service still owes the ends of its requests. */
    assert_non_null(f->server->removed);
    probe_end_all(&f->probe);
    turns(f);
    assert_null(f->server->removed);
    peer_say(other, "now still");
    assert_heard(other, "still");
}

static void test_drain_of_the_server_ends_removed_addresses_too(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 2;
    struct test_peer *peer = serve_two(f);
    peer_say(peer, "wait a");
    change_to(f, server_url_raw, NULL);
    turns(f);
    weft_server_stop(f->server);
    turns(f);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A EOF");
}

static void test_server_is_freed_with_an_address_that_drains(void **state)
{
    struct server_fixture *f = *state;
    struct watched watched = {.started = 0};
    assert_int_equal(weft_registry_add_layer(&f->registry, &layer, &watched), 0);
    server_fixture_start(f);
    change_to(f, server_url_raw, "script:a?layers=watch");
    /* The end of the address is deferred, and the loop has no further turn. */
    change_to(f, server_url_raw, NULL);
    assert_non_null(f->server->removed);
    weft_server_free(f->server);
    f->server = NULL;
    assert_int_equal(watched.started, 1);
    assert_int_equal(watched.stopped, 1);
}

static void test_layers_live_from_the_change_to_the_last_connection(void **state)
{
    struct server_fixture *f = *state;
    struct watched watched = {.started = 0};
    f->options.threads = 2;
    assert_int_equal(weft_registry_add_layer(&f->registry, &layer, &watched), 0);
    server_fixture_start(f);
    change_to(f, server_url_raw, "script:a?layers=watch");
    assert_int_equal(watched.started, 2);
    assert_int_equal(watched.named, 2);
    struct test_peer *peer = peer_dial_at(f, "a");
    turns(f);
    peer_say(peer, "wait x");
    assert_int_equal(watched.begun, 1);
    change_to(f, server_url_raw, NULL);
    turns(f);
    assert_int_equal(watched.stopped, 1); /* on the loop without a connection */
    assert_int_equal(probe_end(&f->probe, "x", "X"), 0);
    assert_heard(peer, "X EOF");
    peer_close(peer);
    turns(f);
    assert_int_equal(watched.stopped, 2);
}

static void test_layer_that_does_not_start_refuses_the_change(void **state)
{
    struct server_fixture *f = *state;
    struct watched watched = {.error = -EIO};
    const char *const urls[] = {server_url_raw, url_a, "script:b?layers=watch"};
    struct weft_server_change *change;
    assert_int_equal(weft_registry_add_layer(&f->registry, &layer, &watched), 0);
    server_fixture_start(f);
    assert_int_equal(weft_server_prepare_endpoints(f->server, urls, 3, &change, &f->error), -EIO);
    assert_null(script_dial("a"));
    watched.error = 0;
    assert_int_equal(weft_server_prepare_endpoints(f->server, urls, 3, &change, &f->error), 0);
    weft_server_abandon_endpoints(change);
    assert_int_equal(watched.started, 1);
    assert_int_equal(watched.stopped, 1);
}

/* --- counters -------------------------------------------------------------------------------------- */

static struct sample_text text;

static double sum(struct server_fixture *f, const char *name, const char *label)
{
    const char *const with[] = {label, NULL};
    sample_text_init(&text);
    weft_server_collect(f->server, &text.samples);
    return sample_text_sum(&text, name, with);
}

static void test_totals_do_not_fall_when_an_address_goes(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_counts counts;
    struct test_peer *peer = serve_two(f);
    peer_say(peer, "now a", "now b");
    change_to(f, server_url_raw, NULL);
    turns(f);
    assert_true(sum(f, "weft_frames_decoded", "endpoint=script:a") == 2);
    assert_true(sum(f, "weft_frames_decoded", "endpoint=removed") <= 0);
    peer_close(peer);
    turns(f);
    assert_null(f->server->removed);
    assert_true(sum(f, "weft_frames_decoded", "endpoint=script:a") <= 0);
    assert_true(sum(f, "weft_frames_decoded", "endpoint=removed") == 2);
    assert_true(sum(f, "weft_connections_closed", "endpoint=removed") == 1);
    weft_server_count(f->server, SIZE_MAX, &counts);
    assert_int_equal(counts.requests, 2);
    weft_server_count(f->server, 0, &counts);
    assert_int_equal(counts.requests, 0);
}

static size_t count_lines(const char *from, const char *with)
{
    size_t count = 0;
    for (const char *at = strstr(from, with); at; at = strstr(at + 1, with))
        count++;
    return count;
}

static void test_address_that_came_back_while_it_drains_has_one_sample(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *old = serve_two(f);
    peer_say(old, "wait a");
    change_to(f, server_url_raw, NULL);
    change_to(f, server_url_raw, url_a);
    struct test_peer *fresh = peer_dial_at(f, "a");
    turns(f);
    peer_say(fresh, "now b");
    assert_true(sum(f, "weft_frames_decoded", "endpoint=script:a") == 2);
    assert_int_equal(
        count_lines(text.text, "weft_frames_decoded{endpoint=script:a,codec=raw,service=probe}"),
        1);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
}

struct seen {
    char text[512];
};

static void see(void *arg, const struct weft_endpoint_row *row)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%s%s open=%d%s", used > 0 ? "," : "",
             row->line, (int)row->counts.open, row->draining ? "!" : "");
}

static void test_endpoints_that_drain_are_shown_as_such(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {""};
    struct test_peer *peer = serve_two(f);
    peer_say(peer, "wait a");
    change_to(f, server_url_raw, NULL);
    turns(f);
    weft_server_each_endpoint(f->server, see, &seen);
    assert_string_equal(seen.text, "script:server codec=raw service=probe open=0,"
                                   "script:a codec=raw service=probe open=1!");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_answers_that_are_owed_leave_before_the_end),
        TEST_RAW(test_those_who_wait_to_be_accepted_are_told),
        TEST_RAW(test_connection_on_its_way_to_a_loop_is_drained),
        TEST_RAW(test_drain_timeout_cuts_those_of_the_address_alone),
        TEST_RAW(test_drain_of_the_server_ends_removed_addresses_too),
        TEST_RAW(test_server_is_freed_with_an_address_that_drains),
        TEST_RAW(test_layers_live_from_the_change_to_the_last_connection),
        TEST_RAW(test_layer_that_does_not_start_refuses_the_change),
        TEST_RAW(test_totals_do_not_fall_when_an_address_goes),
        TEST_RAW(test_address_that_came_back_while_it_drains_has_one_sample),
        TEST_RAW(test_endpoints_that_drain_are_shown_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
