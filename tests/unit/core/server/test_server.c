/* SPDX-License-Identifier: MIT
 *
 * A server's life: what it refuses to start with, what its endpoints share, running and stopping,
 * counting. */
#include <errno.h>

#include "core/base/compiler.h"
#include "dummy_plugins.h"
#include "unit/core/conn/server_fixture.h"

static void expect_refusal(struct server_fixture *f, int code, const char *text)
{
    assert_int_equal(server_fixture_try_start(f), code);
    assert_string_equal(f->error.text, text);
    assert_int_equal(f->error.code, code);
    assert_null(f->server);
}

static void test_new_refuses_what_makes_no_server(void **state)
{
    struct server_fixture *f = *state;
    f->options.url_count = 0;
    expect_refusal(f, WEFT_ECONFIG, "no endpoint to listen on");
    f->options.url_count = 1;
    f->options.threads = 0;
    expect_refusal(f, WEFT_ECONFIG, "threads is 0; it takes 1 to 256");
    f->options.threads = 257;
    expect_refusal(f, WEFT_ECONFIG, "threads is 257; it takes 1 to 256");
    f->options.threads = 1;
    f->options.limits.max_connections = 16777217;
    expect_refusal(f, WEFT_ECONFIG, "max-connections is 16777217; it takes 1 to 16777216");
}

static void test_new_refuses_limits_that_contradict_each_other(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.output_low = f->options.limits.output_high + 1;
    assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
    assert_non_null(strstr(f->error.text, "output-low"));
}

static void test_new_refuses_an_endpoint_among_good_ones(void **state)
{
    struct server_fixture *f = *state;
    f->urls[1] = "script:other?codec=nonsense";
    f->options.url_count = 2;
    assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
    assert_non_null(strstr(f->error.text, "nonsense"));
    assert_null(f->server);
}

static void test_new_freezes_the_registry(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    assert_true(f->registry.frozen);
}

/* The service starts on two of three loops: those are stopped. */
static void test_new_stops_what_has_started(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 3;
    f->probe.start_error = -EIO;
    f->probe.start_left = 2;
    expect_refusal(f, -EIO, "cannot start a plugin: Input/output error");
    assert_int_equal(f->probe.loops, 0);
}

static void test_listen_binds_all_or_none(void **state)
{
    struct server_fixture *f = *state;
    f->urls[1] = "script:other";
    f->urls[2] = "script:server";
    f->options.url_count = 3;
    assert_int_equal(server_fixture_try_start(f), -EADDRINUSE);
    assert_string_equal(f->error.text, "cannot listen on script:server: it is in use");
    assert_null(script_dial("server"));
    assert_null(script_dial("other"));
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(weft_server_endpoint(f->server, i), "");
    assert_null(weft_server_listening(f->server, 0));
}

static void test_listen_may_be_tried_again(void **state)
{
    struct server_fixture *f = *state;
    script_serve("server");
    assert_int_equal(server_fixture_try_start(f), -EADDRINUSE);
    script_finish();
    assert_int_equal(weft_server_listen(f->server, &f->error), 0);
    weft__server_begin(f->server);
    struct test_peer *peer = peer_dial(f);
    peer_say(peer, "now a");
    assert_heard(peer, "a");
}

static void test_endpoints_are_described_in_the_order_given(void **state)
{
    struct server_fixture *f = *state;
    f->urls[1] = "script:other?codec=length-delimited-gzip&threshold=off";
    f->options.url_count = 2;
    server_fixture_start(f);
    assert_string_equal(weft_server_endpoint(f->server, 0),
                        "script:server codec=raw service=probe");
    assert_string_equal(weft_server_endpoint(f->server, 1),
                        "script:other codec=length-delimited-gzip service=probe");
    assert_null(weft_server_endpoint(f->server, 2));
}

static void test_addresses_of_one_endpoint_are_listed_one_by_one(void **state)
{
    struct server_fixture *f = *state;
    f->urls[0] = "script:a+b?codec=raw";
    f->urls[1] = "script:c?codec=raw";
    f->options.url_count = 2;
    server_fixture_start(f);
    assert_string_equal(weft_server_endpoint(f->server, 0), "script:a codec=raw service=probe");
    assert_string_equal(weft_server_endpoint(f->server, 1), "script:c codec=raw service=probe");
    assert_string_equal(weft_server_listening(f->server, 0), "script:a codec=raw service=probe");
    assert_string_equal(weft_server_listening(f->server, 1), "script:b codec=raw service=probe");
    assert_string_equal(weft_server_listening(f->server, 2), "script:c codec=raw service=probe");
    assert_null(weft_server_listening(f->server, 3));
}

static void test_nothing_is_listed_before_listen(void **state)
{
    struct server_fixture *f = *state;
    assert_int_equal(weft_server_new(&f->server, &f->options, &f->error), 0);
    assert_string_equal(weft_server_endpoint(f->server, 0), "");
    assert_null(weft_server_listening(f->server, 0));
}

static void test_equal_configurations_share_their_states(void **state)
{
    struct server_fixture *f = *state;
    f->urls[0] = "script:a?codec=length-delimited-gzip&threshold=100";
    f->urls[1] = "script:b?codec=length-delimited-gzip&threshold=200";
    f->urls[2] = "script:c?threshold=100&codec=length-delimited-gzip";
    f->urls[3] = "script:d?codec=raw&service=mute";
    f->options.url_count = 4;
    server_fixture_start(f);
    struct weft__binding b[4];
    for (size_t i = 0; i < 4; i++)
        b[i] = *weft__port_binding(weft__server_port(f->server, i), 0);
    assert_int_equal(b[0].config_id, b[2].config_id);
    assert_ptr_equal(b[0].codec_loop, b[2].codec_loop);
    assert_ptr_equal(b[0].codec_config, b[2].codec_config);
    assert_int_not_equal(b[0].config_id, b[1].config_id);
    assert_ptr_not_equal(b[0].codec_loop, b[1].codec_loop);
    assert_int_not_equal(b[0].config_id, b[3].config_id);
    assert_ptr_equal(b[0].service_loop, b[1].service_loop);
    assert_ptr_equal(b[0].service_loop, b[2].service_loop);
    assert_ptr_not_equal(b[0].service_loop, b[3].service_loop);
    assert_int_equal(f->probe.loops, 2);
}

static void test_plugins_may_be_without_states(void **state)
{
    struct server_fixture *f = *state;
    struct weft_codec codec = dummy_codec("bare");
    struct weft_service service = dummy_service("bare");
    assert_int_equal(weft_registry_add_codec(&f->registry, &codec), 0);
    assert_int_equal(weft_registry_add_service(&f->registry, &service, NULL), 0);
    f->urls[0] = "script:server?codec=bare&service=bare";
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "x", 1);
    peer_shutdown(peer);
    assert_int_equal(closed_for(f, WEFT_REASON_TRUNCATED), 1);
    weft_server_free(f->server);
    f->server = NULL;
}

static void test_free_takes_null(void **state)
{
    (void)state;
    weft_server_free(NULL);
}

struct script {
    struct weft_timer timer;
    struct server_fixture *f;
    int step;
};

static void run_script(struct server_fixture *f, struct script *script,
                       void (*step)(struct weft_timer *timer))
{
    *script = (struct script){.timer.fire = step, .f = f};
    weft_loop_after(f->loop, &script->timer, SECONDS(1));
}

static void stop_with_one_idle(struct weft_timer *timer)
{
    struct script *script = weft_container_of(timer, struct script, timer);

    if (script->step++ == 0) {
        peer_dial_only(script->f);
    } else {
        weft_server_stop(script->f->server);
        return;
    }
    weft_loop_after(script->f->loop, timer, SECONDS(1));
}

static int new_and_listen(struct server_fixture *f)
{
    int err = weft_server_new(&f->server, &f->options, &f->error);

    if (err < 0)
        return err;
    f->loop = weft_server_loop(f->server);
    f->worker = &f->server->threads[0].worker;
    return weft_server_listen(f->server, &f->error);
}

static void test_run_returns_0_once_everything_has_drained(void **state)
{
    struct server_fixture *f = *state;
    struct script script;
    assert_int_equal(new_and_listen(f), 0);
    run_script(f, &script, stop_with_one_idle);
    assert_int_equal(weft_server_run(f->server), 0);
    assert_string_equal(peer_hear(f->peers[0]), "EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
    assert_int_equal(virtual_loop_next_timer(f->loop), INT64_MAX);
}

static void end_on_cancel(struct probe *probe, const char *name)
{
    assert_int_equal(probe_end(probe, name, name), 0);
}

static void stop_with_one_busy(struct weft_timer *timer)
{
    struct script *script = weft_container_of(timer, struct script, timer);

    if (script->step++ == 0) {
        peer_queue(peer_dial_only(script->f), "wait a");
        script->f->probe.on_cancel = end_on_cancel;
    } else {
        weft_server_stop(script->f->server);
        return;
    }
    weft_loop_after(script->f->loop, timer, SECONDS(1));
}

static void test_run_returns_1_where_something_was_cut(void **state)
{
    struct server_fixture *f = *state;
    struct script script;
    assert_int_equal(new_and_listen(f), 0);
    run_script(f, &script, stop_with_one_busy);
    assert_int_equal(weft_server_run(f->server), 1);
    assert_noted(f, "open a a!cut close");
    assert_int_equal(weft_server_cut(f->server), 1);
}

static void stop_now(struct weft_timer *timer)
{
    weft_server_stop(weft_container_of(timer, struct script, timer)->f->server);
}

static void test_run_returns_where_nobody_ever_came(void **state)
{
    struct server_fixture *f = *state;
    struct script script;
    assert_int_equal(new_and_listen(f), 0);
    run_script(f, &script, stop_now);
    assert_int_equal(weft_server_run(f->server), 0);
}

static void test_run_after_stop_returns_at_once(void **state)
{
    struct server_fixture *f = *state;
    assert_int_equal(new_and_listen(f), 0);
    struct test_peer *peer = peer_dial_only(f);
    weft_server_stop(f->server);
    assert_int_equal(weft_server_run(f->server), 0);
    assert_string_equal(peer_hear(peer), "RESET");
    weft_server_stop(f->server);
}

static void test_free_without_run_resets_who_waits(void **state)
{
    struct server_fixture *f = *state;
    assert_int_equal(new_and_listen(f), 0);
    struct test_peer *peer = peer_dial_only(f);
    weft_server_free(f->server);
    f->server = NULL;
    assert_string_equal(peer_hear(peer), "RESET");
}

static void test_endpoints_are_counted_apart_and_together(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_counts one, two, all;
    f->urls[1] = "script:other?codec=raw&service=probe";
    f->options.url_count = 2;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a");
    peer_say(peer, "now b");
    struct script_end *other = script_dial("other");
    turns(f);
    script_close(other);
    turns(f);
    weft_server_count(f->server, 0, &one);
    weft_server_count(f->server, 1, &two);
    weft_server_count(f->server, 2, &all);
    assert_int_equal(one.accepted, 1);
    assert_int_equal(one.open, 1);
    assert_int_equal(one.requests, 2);
    assert_int_equal(one.rejected, 0);
    assert_int_equal(one.bytes_in, 18);
    assert_int_equal(one.bytes_out, 10);
    assert_int_equal(two.accepted, 1);
    assert_int_equal(two.open, 0);
    assert_int_equal(two.closed[WEFT_REASON_PEER_CLOSED], 1);
    assert_int_equal(two.bytes_in, 0);
    assert_int_equal(all.accepted, 2);
    assert_int_equal(all.requests, 2);
    assert_int_equal(all.closed[WEFT_REASON_PEER_CLOSED], 1);
}

static void test_rejections_are_counted(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_counts counts;
    uint8_t frame[128];
    f->options.limits.max_frame = 100;
    f->options.limits.max_connections = 1;
    struct test_peer *peer = serve_one(f);
    peer_dial(f);
    peer_send(peer, frame, peer_frame(frame, "", 101));
    peer_say(peer, "now a");
    weft_server_count(f->server, 0, &counts);
    assert_int_equal(counts.requests, 2);
    assert_int_equal(counts.rejected, 2);
    assert_int_equal(counts.accepted, 2);
    assert_int_equal(counts.open, 2);
}

static void expect_no_change(struct server_fixture *f, const struct weft_limits *limits,
                             const char *text)
{
    struct weft_limits_change *change;
    assert_int_equal(weft_server_prepare_limits(f->server, limits, &change, &f->error),
                     WEFT_ECONFIG);
    assert_null(change);
    assert_non_null(strstr(f->error.text, text));
}

static void test_limits_that_cannot_change_while_serving_are_refused_by_name(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    const struct weft_limits begun = *weft_server_limits(f->server);
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        struct weft_limits limits = begun;
        if (weft_server_limit_is_live(limit->name))
            continue;
        *(uint64_t *)(void *)((char *)&limits + limit->offset) -= 1;
        expect_no_change(f, &limits, limit->name);
        expect_no_change(f, &limits, ": cannot change while the server runs; start it anew");
    }
    struct weft_limits limits = begun;
    limits.max_connections++;
    expect_no_change(f, &limits, "max-connections: cannot grow");
    limits = begun;
    limits.output_low = limits.output_high + 1;
    expect_no_change(f, &limits, "output-low");
    assert_false(weft_server_limit_is_live("nonsense"));
}

static void test_limits_change_on_commit_for_open_connections_and_not_on_abandon(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_limits limits = *weft_server_limits(f->server);
    struct weft_limits_change *change;
    limits.max_connections = 1;
    assert_int_equal(weft_server_prepare_limits(f->server, &limits, &change, &f->error), 0);
    weft_server_abandon_limits(change);
    weft_server_abandon_limits(NULL);
    assert_true(weft_server_limits(f->server)->max_connections > 1);
    assert_int_equal(weft_server_prepare_limits(f->server, &limits, &change, &f->error), 0);
    weft_server_commit_limits(f->server, change);
    assert_int_equal(weft_server_limits(f->server)->max_connections, 1);
    struct weft_server_counts counts;
    peer_dial(f);
    peer_say(peer, "now a");
    weft_server_count(f->server, 0, &counts);
    assert_int_equal(counts.rejected, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_new_refuses_what_makes_no_server),
        TEST_RAW(test_new_refuses_limits_that_contradict_each_other),
        TEST_RAW(test_new_refuses_an_endpoint_among_good_ones),
        TEST_RAW(test_new_freezes_the_registry),
        TEST_RAW(test_new_stops_what_has_started),
        TEST_RAW(test_listen_binds_all_or_none),
        TEST_RAW(test_listen_may_be_tried_again),
        TEST_RAW(test_endpoints_are_described_in_the_order_given),
        TEST_RAW(test_addresses_of_one_endpoint_are_listed_one_by_one),
        TEST_RAW(test_nothing_is_listed_before_listen),
        TEST_RAW(test_equal_configurations_share_their_states),
        TEST_RAW(test_plugins_may_be_without_states),
        TEST_RAW(test_free_takes_null),
        TEST_RAW(test_run_returns_0_once_everything_has_drained),
        TEST_RAW(test_run_returns_1_where_something_was_cut),
        TEST_RAW(test_run_returns_where_nobody_ever_came),
        TEST_RAW(test_run_after_stop_returns_at_once),
        TEST_RAW(test_free_without_run_resets_who_waits),
        TEST_RAW(test_endpoints_are_counted_apart_and_together),
        TEST_RAW(test_rejections_are_counted),
        TEST_RAW(test_limits_that_cannot_change_while_serving_are_refused_by_name),
        TEST_RAW(test_limits_change_on_commit_for_open_connections_and_not_on_abandon),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
