/* SPDX-License-Identifier: MIT
 *
 * Passes: what a layer that guards has allowed once, the core allows again without asking it. */
#include "core/layer.h"
#include "server_fixture.h"

static unsigned stamp;
static int begins, asks, ends;
static bool was_zeroed;
static struct weft_service asking;

static void meet(void *loop_state, struct weft_peer *peer)
{
    (void)loop_state;
    assert_int_equal(weft_peer_set_user(peer, weft_view_str("ann")), 0);
}

static bool begin(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    (void)loop_state, (void)request, (void)why;
    *(bool *)state = true;
    begins++;
    return true;
}

static bool ask(void *loop_state, void *state, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why)
{
    (void)loop_state, (void)request, (void)why;
    was_zeroed = !*(bool *)state;
    asks++;
    return !(action->flags & WEFT_ACTION_ADMIN);
}

static void end(void *loop_state, void *state, const struct weft_request *request, uint64_t bytes)
{
    (void)loop_state, (void)state, (void)request, (void)bytes;
    ends++;
}

static const struct weft_layer guard = {.name = "guard",
                                        .request_size = sizeof(bool),
                                        .meet = meet,
                                        .begin = begin,
                                        .ask = ask,
                                        .end = end};
static const struct weft_layer plain = {.name = "plain"};

static char url[] = "script:server?codec=raw&service=asking&layers=guard";
static char url_two[] = "script:server?codec=raw&service=asking&layers=guard,plain";

static int setup(void **state)
{
    stamp = 7;
    begins = asks = ends = 0;
    if (server_fixture_setup(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    asking = probe_service;
    asking.name = "asking";
    asking.asks = true;
    return weft_registry_add_service(&f->registry, &asking, &f->probe) == 0 &&
                   weft_registry_add_layer(&f->registry, &guard, NULL) == 0 &&
                   weft_registry_add_layer(&f->registry, &plain, NULL) == 0
               ? 0
               : -1;
}

static struct weft_request *pending(struct server_fixture *f, struct test_peer *peer)
{
    peer_say(peer, "wait a");
    return f->probe.calls[f->probe.call_count - 1].request;
}

static bool may(struct weft_request *request, unsigned flags, const char *object)
{
    const struct weft_action action = {
        .name = "do", .object = weft_view_str(object), .flags = flags};
    struct weft_rejection why;
    bool passes = weft_request_passes(request, flags, action.object);
    int before = asks;
    bool yes = weft_request_ask(request, &action, &why);
    assert_true(yes || !passes);
    assert_int_equal(asks - before, !passes);
    return yes;
}

static void give(struct weft_request *request, const char *object, unsigned flags)
{
    const struct weft_pass pass = {.stamp = &stamp,
                                   .made = 7,
                                   .flags = flags,
                                   .any = !object,
                                   .object = weft_view_str(object ? object : "")};
    weft_peer_set_pass(weft_request_peer(request), &pass);
}

/* Returns a request that came when the peer had the pass. */
static struct weft_request *with_pass(struct server_fixture *f, struct test_peer *peer,
                                      const char *object, unsigned flags)
{
    struct weft_request *first = pending(f, peer);
    give(first, object, flags);
    probe_end_silently(&f->probe, "a");
    begins = asks = ends = 0;
    return pending(f, peer);
}

static void test_request_with_a_pass_does_not_meet_the_layer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_request *a = with_pass(f, peer, NULL, WEFT_ACTION_WRITES);
    assert_true(may(a, 0, "t"));
    assert_true(may(a, WEFT_ACTION_WRITES, "u"));
    probe_end_silently(&f->probe, "a");
    assert_int_equal(begins + asks + ends, 0);
}

static void test_what_the_pass_is_not_for_is_asked_about(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_request *a = with_pass(f, peer, NULL, 0);
    assert_true(may(a, 0, "t"));
    assert_true(may(a, WEFT_ACTION_WRITES, "t"));
    assert_true(was_zeroed);
    assert_false(may(a, WEFT_ACTION_ADMIN, ""));
    assert_int_equal(asks, 2);
    probe_end_silently(&f->probe, "a");
    assert_int_equal(begins, 0);
    assert_int_equal(ends, 1);
}

static void test_pass_for_an_object_is_for_no_other(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_request *a = with_pass(f, peer, "t", WEFT_ACTION_WRITES);
    assert_true(may(a, WEFT_ACTION_WRITES, "t"));
    assert_int_equal(asks, 0);
    assert_true(may(a, 0, "t2"));
    assert_true(may(a, 0, ""));
    assert_int_equal(asks, 2);
    probe_end_silently(&f->probe, "a");
}

static void test_pass_for_a_long_object_is_none(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    static const char longest[] = "12345678901234567890123456789012";
    struct weft_request *a = with_pass(f, peer, longest, 0);
    assert_true(weft_request_passes(a, 0, weft_view_str(longest)));
    probe_end_silently(&f->probe, "a");
    (void)with_pass(f, peer, "123456789012345678901234567890123", 0);
    assert_int_equal(begins, 1);
    probe_end_silently(&f->probe, "a");
}

static void test_pass_ends_with_its_stamp(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    (void)with_pass(f, peer, NULL, 0);
    probe_end_silently(&f->probe, "a");
    stamp++;
    struct weft_request *a = pending(f, peer);
    assert_int_equal(begins, 1);
    assert_false(weft_request_passes(a, 0, weft_view_str("t")));
    probe_end_silently(&f->probe, "a");
    assert_int_equal(ends, 1);
}

static void test_pass_ends_with_user_and_grant(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_request *a = with_pass(f, peer, NULL, 0);
    struct weft_peer *who = weft_request_peer(a);
    weft_peer_set_grant(who, NULL, NULL);
    assert_false(weft_request_passes(a, 0, weft_view_str("t")));
    give(a, NULL, 0);
    assert_true(weft_request_passes(a, 0, weft_view_str("t")));
    assert_int_equal(weft_peer_set_user(who, weft_view_str("bob")), 0);
    assert_false(weft_request_passes(a, 0, weft_view_str("t")));
    weft_peer_set_pass(who, NULL);
    assert_false(weft_request_passes(a, 0, weft_view_str("t")));
    probe_end_silently(&f->probe, "a");
}

static void test_pass_does_not_count_among_several_layers(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_request *a = with_pass(f, peer, NULL, 0);
    assert_int_equal(begins, 1);
    assert_false(weft_request_passes(a, 0, weft_view_str("t")));
    probe_end_silently(&f->probe, "a");
    assert_int_equal(ends, 1);
}

#define TEST_PASS_OF(test, url)                                                                    \
    {                                                                                              \
#test, test, setup, server_fixture_teardown, url                                           \
    }
#define TEST_PASS(test) TEST_PASS_OF(test, url)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_PASS(test_request_with_a_pass_does_not_meet_the_layer),
        TEST_PASS(test_what_the_pass_is_not_for_is_asked_about),
        TEST_PASS(test_pass_for_an_object_is_for_no_other),
        TEST_PASS(test_pass_for_a_long_object_is_none),
        TEST_PASS(test_pass_ends_with_its_stamp),
        TEST_PASS(test_pass_ends_with_user_and_grant),
        TEST_PASS_OF(test_pass_does_not_count_among_several_layers, url_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
