/* SPDX-License-Identifier: MIT
 *
 * Observers: that one sees each request end once, with what it was about, whichever layers stand before the service. It
 * writes down `NAME:STATUS:BYTES` of each request, and `@BEGUN` behind those that were timed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/layer.h"
#include "server_fixture.h"

static char seen[4096];
static uint32_t every; /* one request in so many is timed */
static int64_t now;
static unsigned stamp;
static bool refuse;
static size_t starts, stops, begins;
static const char *line;
static struct weft_service asking;
static struct weft_tally tally; /* what observe returns where its action is set */

static int start(void *loop_state, const void *config, struct weft_loop *loop)
{
    (void)loop_state, (void)config, (void)loop;
    starts++;
    return 0;
}

static void stop(void *loop_state)
{
    (void)loop_state;
    stops++;
}

static void listening(void *loop_state, const char *endpoint)
{
    (void)loop_state;
    line = endpoint;
}

static struct weft_tally *observe(void *loop_state, const struct weft_request *request,
                                  uint64_t bytes, int64_t begun)
{
    size_t used = strlen(seen);
    (void)loop_state;
    used += (size_t)snprintf(seen + used, sizeof seen - used, "%s%s:%u:%u", used > 0 ? " " : "",
                             request->action ? request->action : "-", (unsigned)request->status,
                             (unsigned)bytes);
    if (begun != 0)
        snprintf(seen + used, sizeof seen - used, "@%d", (int)begun);
    return tally.action ? &tally : NULL;
}

static int64_t time_one(void *loop_state, uint32_t *next)
{
    (void)loop_state;
    *next = every;
    return ++now;
}

static bool begin(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    (void)loop_state, (void)state, (void)request, (void)why;
    begins++;
    return !refuse;
}

static void meet(void *loop_state, struct weft_peer *peer)
{
    (void)loop_state;
    assert_int_equal(weft_peer_set_user(peer, weft_view_str("ann")), 0);
}

static const struct weft_layer observer = {.name = "observer",
                                           .loop_size = 1,
                                           .start = start,
                                           .stop = stop,
                                           .listening = listening,
                                           .observe = observe,
                                           .time = time_one};
static const struct weft_layer untimed = {.name = "untimed", .observe = observe};
static const struct weft_layer gate = {.name = "gate", .request_size = 1, .begin = begin};
static const struct weft_layer guard = {
    .name = "guard", .request_size = 1, .begin = begin, .meet = meet};

static char url[] = "script:server?codec=raw&service=probe&layers=observer";
static char url_untimed[] = "script:server?codec=raw&service=probe&layers=untimed";
static char url_gate[] = "script:server?codec=raw&service=probe&layers=gate,observer";
static char url_gates[] = "script:server?codec=raw&service=probe&layers=gate,observer,guard";
static char url_guard[] = "script:server?codec=raw&service=asking&layers=guard,observer";

static int setup(void **state)
{
    static const struct weft_layer *const layers[] = {&observer, &untimed, &gate, &guard};
    seen[0] = '\0';
    every = UINT32_MAX;
    now = 0;
    stamp = 7;
    refuse = false;
    starts = stops = begins = 0;
    line = NULL;
    tally = (struct weft_tally){.action = NULL};
    if (server_fixture_setup(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    asking = probe_service;
    asking.name = "asking";
    asking.asks = true;
    int err = weft_registry_add_service(&f->registry, &asking, &f->probe);
    for (size_t i = 0; err == 0 && i < sizeof layers / sizeof *layers; i++)
        err = weft_registry_add_layer(&f->registry, layers[i], NULL);
    return err;
}

static int teardown(void **state)
{
    int err = server_fixture_teardown(state);
    return starts == stops ? err : -1;
}

#define assert_seen(text)                                                                          \
    do {                                                                                           \
        assert_string_equal(seen, text);                                                           \
        seen[0] = '\0';                                                                            \
    } while (0)

static struct weft_request *latest(struct server_fixture *f)
{
    return f->probe.calls[f->probe.call_count - 1].request;
}

static bool ask(struct weft_request *request, const char *name)
{
    const struct weft_action action = {.name = name, .object = weft_view_str("t")};
    struct weft_rejection why;
    return weft_request_ask(request, &action, &why);
}

static void test_each_request_is_seen_once_when_it_ends(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "none b", "wait c", "size d 700", "loose e");
    assert_seen("-:0:1@1 -:0:0 -:0:700");
    latest(f)->status = 42;
    assert_int_equal(probe_send(&f->probe, "c", "ccc"), 0);
    assert_int_equal(probe_end(&f->probe, "c", "cc"), 0);
    assert_int_equal(probe_end(&f->probe, "e", "ee"), 0);
    assert_seen("-:0:5 -:42:2");
    peer_say(peer, "wait f", "wait g");
    peer_reset(peer);
    assert_seen("");
    probe_end_all(&f->probe);
    assert_seen("-:0:0 -:0:0");
}

static void test_request_is_told_with_its_first_action(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    assert_true(ask(latest(f), "get"));
    assert_true(ask(latest(f), "set"));
    probe_end_silently(&f->probe, "a");
    peer_say(peer, "wait b");
    assert_null(latest(f)->action);
    assert_true(
        weft_request_passes(latest(f), WEFT_ACTION_WRITES | WEFT_ACTION_ADMIN, weft_view_str("t")));
    latest(f)->action = "put";
    probe_end_silently(&f->probe, "b");
    assert_seen("get:0:0@1 put:0:0");
}

static void test_first_request_is_timed_and_then_those_that_the_observer_chooses(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    every = 3;
    peer_say(peer, "now a", "now b", "now c", "now d", "now e", "wait f");
    assert_seen("-:0:1@1 -:0:1 -:0:1 -:0:1@2 -:0:1");
    every = 1;
    peer_say(peer, "wait g", "wait h");
    probe_end_all(&f->probe);
    assert_seen("-:0:0 -:0:0@3 -:0:0@4");
}

static void test_observer_without_a_clock_times_nothing(void **state)
{
    struct server_fixture *f = *state;
    peer_say(serve_one(f), "now a", "now b");
    assert_seen("-:0:1 -:0:1");
}

/* The request `text` waits until it is about `action`, and ends with a status and one byte. */
static void end_with(struct server_fixture *f, struct test_peer *peer, const char *action,
                     uint32_t status)
{
    peer_say(peer, "wait a");
    latest(f)->action = action;
    latest(f)->status = status;
    assert_int_equal(probe_end(&f->probe, "a", "x"), 0);
}

static void test_requests_like_the_tally_are_counted_there_in_place_of_the_call(void **state)
{
    static const char get[] = "get", set[] = "set";
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    tally = (struct weft_tally){.action = get, .status = 200};
    end_with(f, peer, get, 200);
    assert_seen("get:200:1");
    for (int i = 0; i < 3; i++)
        end_with(f, peer, get, 200);
    assert_seen("");
    assert_int_equal(tally.requests, 3);
    assert_int_equal(tally.request_bytes, 3 * strlen("wait a"));
    assert_int_equal(tally.reply_bytes, 3);
    end_with(f, peer, get, 404);
    end_with(f, peer, set, 200);
    end_with(f, peer, NULL, 200);
    assert_seen("get:404:1 set:200:1 -:200:1");
    assert_int_equal(tally.requests, 3);
    tally.action = NULL; /* observe returns none from now on */
    end_with(f, peer, set, 200);
    tally.action = get;
    end_with(f, peer, get, 200);
    assert_seen("set:200:1 get:200:1");
    assert_int_equal(tally.requests, 3);
}

static void test_timed_request_is_observed_though_the_tally_is_like_it(void **state)
{
    static const char get[] = "get";
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    every = 2;
    tally = (struct weft_tally){.action = get};
    for (int i = 0; i < 4; i++)
        end_with(f, peer, get, 0);
    assert_seen("get:0:1@1 get:0:1@2");
    assert_int_equal(tally.requests, 2);
}

static void test_request_that_other_layers_begin_is_counted_in_the_tally_or_observed(void **state)
{
    static const char get[] = "get";
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    tally = (struct weft_tally){.action = get};
    for (int i = 0; i < 4; i++)
        end_with(f, peer, get, 0);
    size_t count = 0;
    for (const char *at = seen; (at = strstr(at, "get:0:1")); at++)
        count++;
    assert_int_equal(count + tally.requests, 4);
    assert_int_equal(begins, 4);
}

static void test_service_need_not_ask_where_no_layer_does(void **state)
{
    struct server_fixture *f = *state;
    bool is_guarded = strstr(f->urls[0], "guard") != NULL;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    assert_non_null(latest(f)->layers);
    assert_int_equal(weft_request_unasked(latest(f)), !is_guarded);
    assert_int_equal(weft_request_passes(latest(f), 0, weft_view_str("t")), !is_guarded);
    assert_true(ask(latest(f), "get"));
    assert_string_equal(latest(f)->action, "get");
    probe_end_silently(&f->probe, "a");
}

static void test_observer_sees_what_other_layers_refuse(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    refuse = true;
    peer_say(peer, "now a");
    refuse = false;
    peer_say(peer, "now b");
    assert_heard(peer, "denied b");
    assert_seen("-:0:6@1 -:0:1");
    assert_int_equal(begins, 2);
    assert_non_null(line);
}

/* The guard is asked for a service that does not ask. */
static void test_observer_stands_beside_several_layers(void **state)
{
    struct server_fixture *f = *state;
    peer_say(serve_one(f), "now a");
    assert_seen("probe:0:1@1");
    assert_int_equal(begins, 2);
}

static void test_pass_counts_beside_an_observer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    const struct weft_pass pass = {.stamp = &stamp, .made = 7, .any = true};
    peer_say(peer, "wait a");
    weft_peer_set_pass(weft_request_peer(latest(f)), &pass);
    probe_end_silently(&f->probe, "a");
    assert_int_equal(begins, 1);
    peer_say(peer, "wait b");
    assert_int_equal(begins, 1);
    assert_true(weft_request_passes(latest(f), 0, weft_view_str("t")));
    assert_false(weft_request_passes(latest(f), WEFT_ACTION_WRITES, weft_view_str("t")));
    assert_true(ask(latest(f), "get"));
    probe_end_silently(&f->probe, "b");
    assert_seen("-:0:0@1 get:0:0");
}

static void test_endpoint_has_one_observer(void **state)
{
    struct server_fixture *f = *state;
    f->urls[0] = "script:server?codec=raw&service=probe&layers=untimed,gate,observer";
    assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
    assert_string_equal(f->error.text, "'script:server?codec=raw&service=probe&layers=untimed,gate,"
                                       "observer' names two layers that observe, 'untimed' and "
                                       "'observer'; an endpoint has one at most");
}

#define TEST_OBSERVER(test, url)                                                                   \
    {                                                                                              \
#test, test, setup, teardown, url                                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_OBSERVER(test_each_request_is_seen_once_when_it_ends, url),
        TEST_OBSERVER(test_request_is_told_with_its_first_action, url),
        TEST_OBSERVER(test_first_request_is_timed_and_then_those_that_the_observer_chooses, url),
        TEST_OBSERVER(test_observer_without_a_clock_times_nothing, url_untimed),
        TEST_OBSERVER(test_requests_like_the_tally_are_counted_there_in_place_of_the_call,
                      url_untimed),
        TEST_OBSERVER(test_timed_request_is_observed_though_the_tally_is_like_it, url),
        TEST_OBSERVER(test_request_that_other_layers_begin_is_counted_in_the_tally_or_observed,
                      url_gate),
        TEST_OBSERVER(test_service_need_not_ask_where_no_layer_does, url),
        TEST_OBSERVER(test_service_need_not_ask_where_no_layer_does, url_gate),
        TEST_OBSERVER(test_service_need_not_ask_where_no_layer_does, url_guard),
        TEST_OBSERVER(test_observer_sees_what_other_layers_refuse, url_gate),
        TEST_OBSERVER(test_observer_stands_beside_several_layers, url_gates),
        TEST_OBSERVER(test_pass_counts_beside_an_observer, url_guard),
        TEST_OBSERVER(test_endpoint_has_one_observer, url),
    };
    return cmocka_run_group_tests_name("conn observer", tests, NULL, NULL);
}
