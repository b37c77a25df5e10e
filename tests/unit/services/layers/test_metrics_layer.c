/* SPDX-License-Identifier: MIT
 *
 * The layer over scripted connections: what it counts of a request and which ones it times. Its clock is the tests'. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "lib/fault.h"
#include "lib/sample_text.h"
#include "server_fixture.h"
#include "services/layers/metrics/metrics.h"

static struct weft_metrics *metrics;
static struct weft_slow_log *slow_log;
static struct sample_text text;
static int64_t now;
static unsigned looks; /* at the clock */

static int64_t read_clock(void)
{
    looks++;
    return now;
}

static char url[] = "script:server?codec=raw&service=probe&layers=metrics";
static char url_all[] = "script:server?codec=raw&service=probe&layers=metrics&timed=1";

/* A call asks for what its name says: `set-204` is the command "set", which ends with 204; `many17` is one of many
 * commands; anything else asks for nothing. */
static void on_call(struct probe *probe, const char *name)
{
    static char commands[200][8];
    struct weft_request *request = probe->calls[probe->call_count - 1].request;
    struct weft_action action = {.object = weft_view("t\x01 b", 4)};
    struct weft_rejection why;
    if (strncmp(name, "set-", 4) == 0)
        action.name = "set";
    if (strncmp(name, "many", 4) == 0) {
        int i = atoi(name + 4);
        snprintf(commands[i], sizeof commands[i], "c%d", i);
        action.name = commands[i];
    }
    if (strcmp(name, "slow") == 0)
        now += 12000000;
    if (!action.name)
        return;
    assert_true(weft_request_ask(request, &action, &why));
    action.name = "later"; /* the first name counts */
    assert_true(weft_request_ask(request, &action, &why));
    request->status = (uint32_t)atoi(name + 4);
}

static int set_up(void **state, bool slow)
{
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    now = 1000000;
    looks = 0;
    slow_log = slow ? weft_slow_log_new(8, 10000000) : NULL;
    const struct weft_metrics_options options = {.slow_log = slow_log, .clock = read_clock};
    f->probe.on_call = on_call;
    if (weft_metrics_new(&metrics, &options) < 0)
        return -1;
    return weft_registry_add_layer(&f->registry,
                                   slow ? &weft_metrics_slow_layer : &weft_metrics_layer, metrics);
}

static int setup(void **state)
{
    return set_up(state, false);
}

static int setup_slow(void **state)
{
    return set_up(state, true);
}

static int teardown(void **state)
{
    int err = server_fixture_teardown_fault(state);
    weft_metrics_free(metrics);
    weft_slow_log_free(slow_log);
    return err;
}

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static double sum(const char *name, const char *const *with)
{
    sample_text_init(&text);
    weft_metrics_collect(metrics, &text.samples);
    return sample_text_sum(&text, name, with);
}

#define assert_sum(expected, name, ...)                                                            \
    do {                                                                                           \
        double seen_sum = sum(name, WITH(__VA_ARGS__));                                            \
        if (seen_sum != (expected))                                                                \
            fail_msg("%s is %g, not %g, in\n%s", name, seen_sum, (double)(expected), text.text);   \
    } while (0)

static void test_requests_are_counted_by_command_and_status(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now set-200", "now set-404", "now set-200", "now x");
    assert_sum(2, "weft_requests", "command=set", "status=200");
    assert_sum(1, "weft_requests", "command=set", "status=404");
    assert_sum(1, "weft_requests", "command=request", "status=none");
    assert_sum(22, "weft_request_bytes", "command=set", "status=200");
    assert_sum(14, "weft_reply_bytes", "command=set", "status=200");
    assert_sum(4, "weft_requests", "endpoint=script:server,codec=raw,service=probe");
    assert_sum(-1, "weft_requests", "command=later");
    assert_sum(-1, "weft_slow_requests", "");
}

static void test_loops_and_endpoints_are_added_up_and_kept_apart(void **state)
{
    struct server_fixture *f = *state;
    f->options.threads = 2;
    f->urls[1] = "script:other?codec=raw&service=probe&layers=metrics";
    f->options.url_count = 2;
    server_fixture_start(f);
    for (int i = 0; i < 4; i++)
        peer_say(peer_dial(f), "now set-200");
    assert_sum(4, "weft_requests", "endpoint=script:server", "command=set");
    assert_sum(-1, "weft_requests", "endpoint=script:other");
}

static void test_request_that_ends_later_is_timed_to_its_end(void **state)
{
    struct server_fixture *f = *state;
    f->urls[0] = url_all;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait set-200");
    assert_sum(-1, "weft_request_duration_seconds", "command=set");
    now += 3000000;
    assert_int_equal(probe_end(&f->probe, "set-200", "x"), 0);
    assert_sum(1, "weft_request_duration_seconds", "command=set");
    assert_non_null(strstr(text.text, "count=1 sum=0.003\n"));
}

/* A batch of 64 shows each of its requests to the clock sometimes. */
static void test_one_request_in_64_is_timed_wherever_it_stands_in_a_batch(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 60; i++) {
        for (int k = 0; k < 64; k++)
            peer_queue(peer, k == 0 ? "now set-1" : "now set-2");
        turns(f);
        (void)peer_hear(peer);
    }
    assert_in_range(looks, 2 * 40, 2 * 80);
    double first = sum("weft_request_duration_seconds", WITH("status=1"));
    assert_true(first < 10);
    assert_sum(3840, "weft_requests", "");
}

static void test_number_of_series_is_bounded(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 200; i++) {
        char line[32];
        snprintf(line, sizeof line, "now many%d", i);
        peer_say(peer, line);
    }
    assert_sum(200, "weft_requests", "");
    assert_sum(104, "weft_requests", "command=other", "status=none");
}

static void test_slow_request_is_logged_without_its_payload(void **state)
{
    struct server_fixture *f = *state;
    struct weft_slow_entry entry;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now x", "now slow", "wait set-200");
    now += 10000000;
    assert_int_equal(probe_end(&f->probe, "set-200", "abc"), 0);
    turns(f);
    assert_int_equal(weft_slow_log_length(slow_log), 2);
    assert_int_equal(weft_slow_log_get(slow_log, &entry, 1), 1);
    assert_string_equal(entry.command, "set");
    assert_string_equal(entry.object, "t??b");
    assert_string_equal(entry.endpoint, "script:server codec=raw service=probe");
    assert_int_equal(entry.status, 200);
    assert_int_equal(entry.duration, 10000000);
    assert_int_equal(entry.request_bytes, strlen("wait set-200"));
    assert_int_equal(entry.reply_bytes, 3);
    assert_sum(2, "weft_slow_requests", "");
}

static void test_requests_of_one_batch_share_looks_at_the_clock(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now set-1");
    looks = 0;
    for (int k = 0; k < 32; k++)
        peer_queue(peer, "now set-1");
    turns(f);
    assert_in_range(looks, 32, 40);
    assert_int_equal(weft_slow_log_length(slow_log), 0);
}

static void test_observer_stands_before_all_layers_and_once(void **state)
{
    struct server_fixture *f = *state;
    f->options.observers = "metrics";
    f->urls[0] = url_all;
    f->urls[1] = "script:other?codec=raw&service=probe";
    f->options.url_count = 2;
    server_fixture_start(f);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            weft__layers_all(&weft__port_binding(weft__server_port(f->server, i), 0)->layers), 1);
}

static void test_option_that_is_no_number_is_refused(void **state)
{
    struct server_fixture *f = *state;
    static const char *const bad[] = {"script:server?layers=metrics&timed=0",
                                      "script:server?layers=metrics&timed=1048577",
                                      "script:server?layers=metrics&timed=x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f->urls[0] = bad[i];
        assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
        assert_non_null(strstr(f->error.text, "is not a number from 1 to 1048576"));
    }
    f->server = NULL;
}

static void test_layer_without_a_context_is_refused(void **state)
{
    struct server_fixture *f = *state;
    static struct weft_layer bare;
    bare = weft_metrics_layer;
    bare.name = "bare";
    assert_int_equal(weft_registry_add_layer(&f->registry, &bare, NULL), 0);
    f->urls[0] = "script:server?layers=bare";
    assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
    assert_non_null(strstr(f->error.text, "this program counts nothing"));
    f->server = NULL;
}

static void test_request_is_counted_as_other_without_memory(void **state)
{
    struct server_fixture *f = *state;
    f->urls[0] = url_all;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now x");
    fault_arm(FAULT_ONE, 0);
    peer_say(peer, "now set-200");
    fault_disarm();
    assert_sum(1, "weft_requests", "command=other");
    /* The cell can be made, but not its histogram. */
    fault_arm(FAULT_ONE, 1);
    peer_say(peer, "now set-200");
    fault_disarm();
    assert_sum(1, "weft_requests", "command=set");
    assert_sum(-1, "weft_request_duration_seconds", "command=set");
}

/* An endpoint of two loops, without the server. */
struct two_loops {
    void *config, *first, *second;
};

static void set_up_two_loops(struct two_loops *two)
{
    const struct weft_layer *layer = &weft_metrics_layer;
    const struct weft_option_set none = {.values = NULL};
    const struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    two->config = calloc(1, layer->config_size);
    two->first = calloc(1, layer->loop_size);
    two->second = calloc(1, layer->loop_size);
    assert_int_equal(layer->configure(two->config, metrics, &none, &limits, &error), 0);
}

static void tear_down_two_loops(struct two_loops *two)
{
    free(two->config);
    free(two->first);
    free(two->second);
}

static void test_endpoint_keeps_its_counts_until_its_last_loop_stops(void **state)
{
    (void)state;
    static const char endpoint[] = "script:gone codec=raw service=probe";
    const struct weft_layer *layer = &weft_metrics_layer;
    const struct weft_request request = {.action = "get", .status = 200};
    struct two_loops two;
    set_up_two_loops(&two);
    assert_int_equal(layer->start(two.first, two.config, NULL), 0);
    assert_int_equal(layer->start(two.second, two.config, NULL), 0);
    layer->listening(two.first, endpoint);
    layer->listening(two.second, endpoint);
    (void)layer->observe(two.first, &request, 5, 0);
    (void)layer->observe(two.first, &request, 5, now - 1);
    (void)layer->observe(two.second, &request, 5, now - 1);
    assert_sum(3, "weft_requests", "endpoint=script:gone");
    layer->stop(two.first);
    assert_sum(3, "weft_requests", "endpoint=script:gone", "command=get");
    assert_sum(15, "weft_reply_bytes", "endpoint=script:gone");
    assert_sum(2, "weft_request_duration_seconds", "endpoint=script:gone");
    assert_sum(-1, "weft_requests", "endpoint=removed");
    layer->stop(two.second);
    assert_sum(-1, "weft_requests", "endpoint=script:gone");
    assert_sum(3, "weft_requests", "endpoint=removed", "command=get");
    assert_sum(2, "weft_request_duration_seconds", "endpoint=removed");
    tear_down_two_loops(&two);
}

static void test_loop_without_memory_does_not_start(void **state)
{
    (void)state;
    const struct weft_layer *layer = &weft_metrics_layer;
    struct two_loops two;
    set_up_two_loops(&two);
    fault_arm(FAULT_FROM, 0);
    int err = layer->start(two.first, two.config, NULL);
    fault_disarm();
    assert_int_equal(err, -ENOMEM);
    assert_int_equal(layer->start(two.second, two.config, NULL), 0);
    layer->stop(two.second);
    assert_sum(-1, "weft_requests", "endpoint=removed");
    tear_down_two_loops(&two);
}

static void test_collecting_without_memory_tells_nothing(void **state)
{
    struct server_fixture *f = *state;
    struct weft_metrics *none;
    const struct weft_metrics_options options = {.clock = NULL};
    peer_say(serve_one(f), "now x");
    sample_text_init(&text);
    fault_arm(FAULT_FROM, 0);
    weft_metrics_collect(metrics, &text.samples);
    assert_int_equal(weft_metrics_new(&none, &options), -ENOMEM);
    fault_disarm();
    assert_null(none);
    assert_string_equal(text.text, "");
}

#define TEST_LAYER(test)                                                                           \
    {                                                                                              \
#test, test, setup, teardown, url                                                          \
    }
#define TEST_SLOW(test)                                                                            \
    {                                                                                              \
#test, test, setup_slow, teardown, url                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_LAYER(test_requests_are_counted_by_command_and_status),
        TEST_LAYER(test_loops_and_endpoints_are_added_up_and_kept_apart),
        TEST_LAYER(test_request_that_ends_later_is_timed_to_its_end),
        TEST_LAYER(test_one_request_in_64_is_timed_wherever_it_stands_in_a_batch),
        TEST_LAYER(test_number_of_series_is_bounded),
        TEST_SLOW(test_slow_request_is_logged_without_its_payload),
        TEST_SLOW(test_requests_of_one_batch_share_looks_at_the_clock),
        TEST_LAYER(test_observer_stands_before_all_layers_and_once),
        TEST_LAYER(test_option_that_is_no_number_is_refused),
        TEST_LAYER(test_layer_without_a_context_is_refused),
        TEST_LAYER(test_request_is_counted_as_other_without_memory),
        TEST_LAYER(test_endpoint_keeps_its_counts_until_its_last_loop_stops),
        TEST_LAYER(test_loop_without_memory_does_not_start),
        TEST_LAYER(test_collecting_without_memory_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
