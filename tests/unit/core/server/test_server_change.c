/* SPDX-License-Identifier: MIT
 *
 * Tests what endpoints a server has after a change of them, and that a change which fails leaves everything as it was. */
#include <errno.h>

#include "core/endpoints.h"
#include "core/inspect.h"
#include "lib/fault.h"
#include "unit/core/conn/server_fixture.h"

static const char url_a[] = "script:a?codec=raw&service=probe",
                  url_b[] = "script:b?codec=raw&service=probe",
                  url_b_mute[] = "script:b?codec=raw&service=mute";

#define URLS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int prepare(struct server_fixture *f, const char *const *urls,
                   struct weft_server_change **change)
{
    size_t count = 0;
    while (urls[count])
        count++;
    return weft_server_prepare_endpoints(f->server, urls, count, change, &f->error);
}

static void change_to(struct server_fixture *f, const char *const *urls)
{
    struct weft_server_change *change;
    assert_int_equal(prepare(f, urls, &change), 0);
    weft_server_commit_endpoints(change);
    turns(f);
}

/* Compares the endpoints' lines, with commas between. */
static void assert_endpoints(struct server_fixture *f, const char *expected)
{
    char text[1024] = "";
    const char *line;
    for (size_t i = 0; (line = weft_server_endpoint(f->server, i)) != NULL; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? "," : "", line);
    assert_string_equal(text, expected);
}

/* Compares what a change is about: + added, - removed, * changed. */
static void assert_rows(const struct weft_server_change *change, const char *expected)
{
    enum weft_endpoint_change kind;
    char text[512] = "";
    const char *name;
    for (size_t i = 0; (name = weft_server_change_row(change, i, &kind)) != NULL; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%c%s", i > 0 ? " " : "",
                 "+-*"[kind], name);
    assert_string_equal(text, expected);
}

static void assert_serves(struct server_fixture *f, const char *name)
{
    struct test_peer *peer = peer_dial_at(f, name);
    turns(f);
    peer_say(peer, "now hello");
    assert_heard(peer, "hello");
}

static void test_added_address_is_served_and_the_others_stay(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *old = serve_one(f);
    change_to(f, URLS(server_url_raw, url_a, url_b));
    assert_endpoints(f, "script:server codec=raw service=probe,script:a codec=raw service=probe,"
                        "script:b codec=raw service=probe");
    assert_serves(f, "a");
    assert_serves(f, "b");
    peer_say(old, "now still");
    assert_heard(old, "still");
}

static void test_added_address_is_served_on_every_loop(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 3;
    server_fixture_start(f);
    change_to(f, URLS(server_url_raw, url_a));
    for (int i = 0; i < 6; i++)
        assert_serves(f, "a");
    for (int i = 0; i < 3; i++)
        assert_int_equal(f->server->threads[i].worker.conn_count, 2);
}

static void test_removed_address_refuses_and_the_others_stay(void **state)
{
    struct server_fixture *f = *state;
    f->urls[1] = url_a;
    f->options.url_count = 2;
    struct test_peer *old = serve_one(f);
    change_to(f, URLS(server_url_raw));
    assert_null(script_dial("a"));
    assert_endpoints(f, "script:server codec=raw service=probe");
    peer_say(old, "now still");
    assert_heard(old, "still");
}

static void test_change_names_what_it_is_about(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    f->urls[1] = url_a;
    f->urls[2] = url_b;
    f->options.url_count = 3;
    server_fixture_start(f);
    assert_int_equal(prepare(f, URLS("script:new", server_url_raw, url_b_mute), &change), 0);
    assert_rows(change, "+script:new *script:b -script:a");
    assert_string_equal(weft_server_change_closes(change, 0)->name, "script:a");
    assert_null(weft_server_change_closes(change, 1));
    weft_server_abandon_endpoints(change);
    weft_server_abandon_endpoints(NULL);
}

static void test_same_urls_in_another_order_change_the_order_alone(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    f->urls[1] = url_a;
    f->options.url_count = 2;
    struct test_peer *old = serve_one(f);
    assert_int_equal(prepare(f, URLS(url_a, server_url_raw), &change), 0);
    assert_rows(change, "");
    weft_server_commit_endpoints(change);
    assert_endpoints(f, "script:a codec=raw service=probe,script:server codec=raw service=probe");
    peer_say(old, "now still");
    assert_heard(old, "still");
    assert_int_equal(f->probe.loops, 1);
}

static void test_variant_belongs_to_its_address(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    struct test_peer *old = serve_one(f);
    const char *const urls[] = {server_url_raw,
                                "?codec=length-delimited-gzip&threshold=0&service=probe", NULL};
    /* The codecs claim each other's frames, so they cannot share an address. */
    assert_int_equal(prepare(f, urls, &change), WEFT_ECONFIG);
    assert_null(change);
    assert_int_equal(prepare(f, URLS("?codec=raw", server_url_raw), &change), WEFT_ECONFIG);
    assert_non_null(strstr(f->error.text, "there is none"));
    peer_say(old, "now still");
    assert_heard(old, "still");
    assert_int_equal(f->probe.loops, 1);
}

static void test_changed_options_hold_for_those_who_wait_in_the_queue(void **state)
{
    struct server_fixture *f = *state;
    f->urls[1] = url_b;
    f->options.url_count = 2;
    server_fixture_start(f);
    struct test_peer *old = peer_dial_at(f, "b");
    turns(f);
    struct test_peer *waiting = peer_dial_at(f, "b");
    struct weft_server_change *change;
    assert_int_equal(prepare(f, URLS(server_url_raw, url_b_mute), &change), 0);
    assert_rows(change, "*script:b");
    assert_null(weft_server_change_closes(change, 0));
    weft_server_commit_endpoints(change);
    assert_endpoints(f, "script:server codec=raw service=probe,script:b codec=raw service=mute");
    assert_heard(old, "EOF");
    peer_say(waiting, "now b");
    assert_heard(waiting, "b");
    assert_int_equal(closed(f), 0);
    peer_close(old);
    turns(f);
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
    assert_serves(f, "b");
}

/* A failed change must leave the two addresses, both served, and nothing of what was to come. */
static void assert_unchanged(struct server_fixture *f, struct weft_server_change *change,
                             struct test_peer *old)
{
    assert_null(change);
    assert_endpoints(f, "script:server codec=raw service=probe,script:a codec=raw service=probe");
    peer_say(old, "now still");
    assert_heard(old, "still");
    assert_serves(f, "a");
    assert_serves(f, "server");
}

static struct test_peer *serve_two(struct server_fixture *f)
{
    f->urls[1] = url_a;
    f->options.url_count = 2;
    server_fixture_start(f);
    struct test_peer *old = peer_dial_at(f, "a");
    turns(f);
    return old;
}

static void test_address_in_use_refuses_all_and_is_named(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    struct test_peer *old = serve_two(f);
    script_serve("busy");
    assert_int_equal(
        prepare(f, URLS(server_url_raw, "script:a?service=mute", url_b, "script:busy"), &change),
        -EADDRINUSE);
    assert_string_equal(f->error.text, "cannot listen on script:busy: it is in use");
    assert_unchanged(f, change, old);
    assert_null(script_dial("b"));
}

static void test_url_that_is_wrong_refuses_all(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    struct test_peer *old = serve_two(f);
    assert_int_equal(prepare(f, URLS(url_b, "script:c?codec=no"), &change), WEFT_ECONFIG);
    assert_non_null(strstr(f->error.text, "'no'"));
    assert_unchanged(f, change, old);
    assert_int_equal(prepare(f, URLS(NULL), &change), WEFT_ECONFIG);
    assert_string_equal(f->error.text, "no endpoint to listen on");
    assert_unchanged(f, change, old);
}

static void test_plugin_that_does_not_start_on_the_last_loop_refuses_all(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    f->options.threads = 2;
    struct test_peer *old = serve_two(f);
    f->probe.start_error = -EIO;
    f->probe.start_left = 1;
    assert_int_equal(prepare(f, URLS(server_url_raw, url_a, url_b_mute), &change), -EIO);
    assert_non_null(strstr(f->error.text, "cannot start a plugin"));
    assert_unchanged(f, change, old);
    f->probe.start_error = 0;
    change_to(f, URLS(server_url_raw, url_a, url_b_mute));
    assert_serves(f, "b");
    assert_int_equal(f->probe.loops, 4);
}

static void test_service_whose_context_has_not_met_the_loops_needs_a_new_start(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    struct weft_service other = probe_mute_service;
    struct probe *apart = calloc(1, sizeof *apart);
    other.name = "other";
    assert_int_equal(weft_registry_add_service(&f->registry, &other, apart), 0);
    struct test_peer *old = serve_two(f);
    assert_int_equal(
        prepare(f, URLS(server_url_raw, url_a, "script:c?codec=raw&service=other"), &change),
        WEFT_ECONFIG);
    assert_string_equal(f->error.text,
                        "service 'other' at script:c: no endpoint had it when the server started, "
                        "so only a new start can add it");
    assert_unchanged(f, change, old);
    free(apart);
}

static void test_change_that_is_abandoned_leaves_the_sockets_as_they_were(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    struct test_peer *old = serve_two(f);
    assert_int_equal(prepare(f, URLS(url_b, "script:a?codec=raw&service=mute"), &change), 0);
    weft_server_abandon_endpoints(change);
    assert_unchanged(f, NULL, old);
    assert_null(script_dial("b"));
}

static void test_server_that_ends_or_has_not_listened_takes_no_change(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    assert_int_equal(weft_server_new(&f->server, &f->options, &f->error), 0);
    assert_int_equal(prepare(f, URLS(url_a), &change), -ESHUTDOWN);
    weft_server_free(f->server);
    server_fixture_start(f);
    weft_server_stop(f->server);
    assert_int_equal(prepare(f, URLS(url_a), &change), -ESHUTDOWN);
    assert_string_equal(f->error.text, "the server is ending");
    assert_null(change);
}

static void test_change_before_the_run_holds_for_it(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_change *change;
    assert_int_equal(weft_server_new(&f->server, &f->options, &f->error), 0);
    f->loop = weft_server_loop(f->server);
    f->worker = &f->server->threads[0].worker;
    assert_int_equal(weft_server_listen(f->server, &f->error), 0);
    struct script_end *waiting = script_dial("server");
    assert_int_equal(prepare(f, URLS(url_a), &change), 0);
    weft_server_commit_endpoints(change);
    assert_true(script_is_reset(waiting));
    script_close(waiting);
    weft__server_begin(f->server);
    turns(f);
    assert_serves(f, "a");
    assert_null(script_dial("server"));
}

static void test_removed_address_comes_back(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *old = serve_two(f);
    const char *line = weft_server_endpoint(f->server, 1);
    for (int i = 0; i < 3; i++) {
        change_to(f, URLS(server_url_raw));
        change_to(f, URLS(server_url_raw, url_a));
        assert_ptr_equal(weft_server_endpoint(f->server, 1), line);
        assert_serves(f, "a");
    }
    assert_heard(old, "EOF");
    assert_int_equal(f->probe.loops, 1);
}

/* --- failing allocations --------------------------------------------------------------------------- */

static void run_change(void *arg)
{
    void *state = arg;
    struct weft_server_change *change;
    if (server_fixture_setup(&state) < 0) {
        assert_int_not_equal(fault_failed(), 0);
        return;
    }
    struct server_fixture *f = state;
    f->options.threads = 2;
    f->urls[1] = url_a;
    f->options.url_count = 2;
    if (server_fixture_try_start(f) == 0) {
        size_t before = fault_failed();
        int err = prepare(f, URLS(server_url_raw, "script:a?codec=raw&service=mute", "script:b+c"),
                          &change);
        bool failed = fault_failed() > before;
        fault_disarm();
        assert_int_equal(err, failed ? -ENOMEM : 0);
        if (err == 0)
            weft_server_commit_endpoints(change);
        turns(f);
        assert_endpoints(f, err == 0 ? "script:server codec=raw service=probe,"
                                       "script:a codec=raw service=mute,"
                                       "script:b codec=raw service=probe"
                                     : "script:server codec=raw service=probe,"
                                       "script:a codec=raw service=probe");
        assert_serves(f, "server");
        assert_serves(f, "a");
    }
    assert_int_equal(server_fixture_teardown(&state), 0);
}

static void test_every_failing_allocation_leaves_the_old_endpoints(void **state)
{
    (void)state;
    fault_each(run_change, server_url_raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_added_address_is_served_and_the_others_stay),
        TEST_RAW(test_added_address_is_served_on_every_loop),
        TEST_RAW(test_removed_address_refuses_and_the_others_stay),
        TEST_RAW(test_change_names_what_it_is_about),
        TEST_RAW(test_same_urls_in_another_order_change_the_order_alone),
        TEST_RAW(test_variant_belongs_to_its_address),
        TEST_RAW(test_changed_options_hold_for_those_who_wait_in_the_queue),
        TEST_RAW(test_address_in_use_refuses_all_and_is_named),
        TEST_RAW(test_url_that_is_wrong_refuses_all),
        TEST_RAW(test_plugin_that_does_not_start_on_the_last_loop_refuses_all),
        TEST_RAW(test_service_whose_context_has_not_met_the_loops_needs_a_new_start),
        TEST_RAW(test_change_that_is_abandoned_leaves_the_sockets_as_they_were),
        TEST_RAW(test_server_that_ends_or_has_not_listened_takes_no_change),
        TEST_RAW(test_change_before_the_run_holds_for_it),
        TEST_RAW(test_removed_address_comes_back),
        cmocka_unit_test(test_every_failing_allocation_leaves_the_old_endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
