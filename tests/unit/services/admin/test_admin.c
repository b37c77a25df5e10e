/* SPDX-License-Identifier: MIT
 *
 * The service over scripted connections. The server that it serves is also the one that it is about, and a message is
 * a request of HTTP as the codec `http` hands it on. */
#include <errno.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/units.h"
#include "lib/fault.h"
#include "core/loop/turn.h"
#include "server_fixture.h"
#include "services/admin/admin.h"

static struct weft_admin admin;
static struct weft_collectors collectors;
static struct weft_slow_log *slow_log;
static int act_error;
static char acted[128];
static struct weft_collector of_things;

static void collect(void *context, struct weft_samples *samples)
{
    static const struct weft_metric things = {"weft_things", NULL, "Things", WEFT_COUNTER},
                                    sizes = {"weft_sizes", NULL, "Sizes", WEFT_HISTOGRAM};
    const struct weft_label label = {"of", "a"};
    const struct weft_bucket bucket = {1, 1};
    const struct weft_sample histogram = {.metric = &sizes, .buckets = &bucket, .bucket_count = 1};
    (void)context;
    weft_samples_add(samples, &things, NULL, 0, 2);
    weft_samples_add(samples, &things, &label, 1, 3);
    samples->take(samples, &histogram);
}

static int act(void *context, struct weft_admin_order *order, struct weft_error *error)
{
    (void)context;
    snprintf(acted, sizeof acted, "%d %s", (int)order->action, order->argument);
    snprintf(order->result, sizeof order->result, "done=yes");
    return act_error < 0 ? weft_error_set(error, act_error, "no \"such\\ thing") : 0;
}

static int begin(void **state)
{
    static const struct weft_limit table[] = {
        {.name = "own-limit", .help = "own", .unit = WEFT_LIMIT_COUNT, .value = 5}, {.name = NULL}};
    static const uint64_t values[] = {7};
    struct server_fixture *f = *state;
    collectors = (struct weft_collectors)WEFT_COLLECTORS_INIT;
    of_things = (struct weft_collector){.collect = collect};
    weft_collectors_add(&collectors, &of_things);
    slow_log = weft_slow_log_new(4, 10000000);
    admin = (struct weft_admin){
        .collectors = &collectors,
        .slow_log = slow_log,
        .facts = {{"store", "memory"}},
        .log = &f->log,
        .limits = {{table, values}},
        .act = act,
    };
    act_error = 0;
    *acted = '\0';
    f->options.service = "admin";
    return slow_log ? weft_registry_add_service(&f->registry, &weft_admin_service, &admin) : -1;
}

static int setup(void **state)
{
    return server_fixture_setup_fault(state) < 0 ? -1 : begin(state);
}

static int teardown(void **state)
{
    int err = server_fixture_teardown_fault(state);
    weft_slow_log_free(slow_log);
    return err;
}

static char url[] = "script:server?codec=raw";

static struct test_peer *serve(struct server_fixture *f)
{
    struct test_peer *peer = serve_one(f);
    weft_admin_set_server(&admin, f->server);
    weft_admin_set_state(&admin, WEFT_ADMIN_READY);
    return peer;
}

/* Returns the bytes that came, the frames' heads included: server_fixture shows long messages by their size alone. */
static const char *ask_raw(struct test_peer *peer, const char *request)
{
    static char heard[256 * 1024];
    size_t size = strlen(request);
    peer_send_frame(peer, request, size);
    turns(peer->fixture);
    const uint8_t *data = script_received(peer->end, &size);
    assert_in_range(size, 0, sizeof heard - 1);
    if (size > 0)
        memcpy(heard, data, size);
    script_consume(peer->end, size);
    for (size_t i = 0; i < size; i++)
        if (heard[i] == '\0')
            heard[i] = '\1';
    heard[size] = '\0';
    return heard;
}

static const char *ask(struct test_peer *peer, const char *line, const char *fields,
                       const char *body)
{
    char request[1024];
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: localhost:1\r\n%s\r\n%s", line, fields,
             body);
    return ask_raw(peer, request);
}

#define assert_answer(answer, status, part)                                                        \
    do {                                                                                           \
        const char *seen_answer = (answer);                                                        \
        if (!strstr(seen_answer, "HTTP/1.1 " status " ") || !strstr(seen_answer, part))            \
            fail_msg("not %s with '%s': %s", status, part, seen_answer);                           \
    } while (0)

static void stop_loading(void *context)
{
    (void)context;
    snprintf(acted, sizeof acted, "stopped");
}

static void test_readiness_says_how_much_is_loaded(void **state)
{
    struct test_peer *peer = serve(*state);
    weft_admin_set_state(&admin, WEFT_ADMIN_LOADING);
    weft_admin_set_progress(&admin, 1024, 4096, "bytes");
    assert_answer(ask(peer, "GET /readyz", "", ""), "503", "\r\n\r\nloading: 1024 of 4096 bytes\n");
    weft_admin_set_progress(&admin, 7, 0, "tables");
    assert_answer(ask(peer, "GET /readyz", "", ""), "503", "\r\n\r\nloading: 7 tables\n");
    weft_admin_set_state(&admin, WEFT_ADMIN_READY);
    assert_answer(ask(peer, "GET /readyz", "", ""), "200", "\r\n\r\nready\n");
}

static void test_drain_ends_a_program_that_loads(void **state)
{
    struct test_peer *peer = serve(*state);
    weft_admin_set_server(&admin, NULL);
    admin.stop_loading = stop_loading;
    assert_answer(ask(peer, "POST /reload", "", ""), "503", "The server is loading");
    assert_string_equal(acted, "");
    assert_answer(ask(peer, "POST /drain", "", ""), "200", "{\"done\":true,\"result\":\"\"}");
    assert_string_equal(acted, "stopped");
}

static void test_health_and_readiness(void **state)
{
    struct test_peer *peer = serve(*state);
    assert_answer(ask(peer, "GET /healthz", "", ""), "200", "\r\n\r\nok\n");
    assert_answer(ask(peer, "GET /readyz", "", ""), "200", "\r\n\r\nready\n");
    weft_admin_set_state(&admin, WEFT_ADMIN_LOADING);
    assert_answer(ask(peer, "GET /readyz", "", ""), "503", "loading\n");
    assert_answer(ask(peer, "GET /healthz", "", ""), "200", "ok\n");
    weft_admin_set_state(&admin, WEFT_ADMIN_DRAINING);
    assert_answer(ask(peer, "GET /readyz", "", ""), "503", "draining\n");
}

static void test_metrics_come_in_the_format_that_is_wanted(void **state)
{
    struct test_peer *peer = serve(*state);
    assert_answer(ask(peer, "GET /metrics", "", ""), "200", "weft_things_total{of=\"a\"} 3\n");
    assert_answer(ask(peer, "GET /metrics",
                      "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n",
                      ""),
                  "200", "# EOF\n");
    assert_answer(ask(peer, "GET /metrics", "Accept: application/json\r\n", ""), "200",
                  "{\"name\":\"weft_things\",\"kind\":\"counter\"");
    assert_answer(ask(peer, "GET /metrics", "Accept: */*\r\n", ""), "200", "version=0.0.4");
    assert_answer(ask(peer, "GET /metrics", "", ""), "200", "weft_ready 1\n");
}

static void test_info_has_the_facts_and_the_sums(void **state)
{
    struct test_peer *peer = serve(*state);
    const char *answer = ask(peer, "GET /info", "", "");
    assert_answer(answer, "200", "\"store\":\"memory\",\"state\":\"ready\",\"pid\":");
    assert_answer(answer, "200", "\"log_level\":\"error\"");
    assert_answer(answer, "200", "\"totals\":{\"weft_ready\":1,\"weft_things\":5}}\n");
}

static void test_endpoints_have_their_counters(void **state)
{
    struct test_peer *peer = serve(*state);
    assert_answer(ask(peer, "GET /endpoints", "", ""), "200",
                  "{\"endpoint\":\"script:server\",\"codec\":\"raw\",\"service\":\"admin\","
                  "\"state\":\"listening\",\"accepted\":1,\"open\":1,\"requests\":0,");
    assert_answer(ask(peer, "GET /endpoints", "", ""), "200", "\"closed\":{\"peer-closed\":0,");
}

static void test_limits_are_those_in_force(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 77;
    struct test_peer *peer = serve(f);
    const char *answer = ask(peer, "GET /limits", "", "");
    assert_answer(
        answer, "200",
        "{\"name\":\"max-pending\",\"value\":77,\"default\":1024,\"unit\":null,\"live\":true,");
    assert_answer(answer, "200",
                  "{\"name\":\"write-timeout\",\"value\":30,\"default\":30,"
                  "\"unit\":\"seconds\",\"live\":true,");
    assert_answer(answer, "200",
                  "{\"name\":\"max-frame\",\"value\":8388608,\"default\":8388608,"
                  "\"unit\":\"bytes\",\"live\":false,");
    assert_answer(answer, "200",
                  "{\"name\":\"own-limit\",\"value\":7,\"default\":5,\"unit\":null,"
                  "\"live\":false,\"help\":\"own\"}]}");
}

static void test_connections_are_listed_up_to_the_limit(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f);
    (void)peer_dial(f);
    (void)peer_dial(f);
    const char *answer = ask(peer, "GET /connections", "", "");
    assert_answer(answer, "200", "{\"connections\":[{\"id\":3,\"address\":");
    assert_answer(answer, "200", "\"state\":\"open\",\"age\":0,\"idle\":0,\"received_bytes\":");
    assert_answer(answer, "200", "\"detached\":0}],\"more\":false}\n");
    assert_answer(ask(peer, "GET /connections?limit=2", "", ""), "200", "}],\"more\":true}");
    assert_answer(ask(peer, "GET /connections?limit=x", "", ""), "400", "limit=0...100000");
    assert_answer(ask(peer, "GET /connections?limit=100001", "", ""), "400", "limit=0...100000");
    assert_answer(ask(peer, "GET /connections?limit=1234567890123456789012345", "", ""), "400", "");
    assert_answer(ask(peer, "GET /connections?other=1", "", ""), "400", "limit=0...100000");
}

static void test_connection_is_ended_by_its_number(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f), *other = peer_dial(f);
    assert_answer(ask(peer, "DELETE /connections/2", "", ""), "200",
                  "{\"done\":true,\"result\":\"ended=1\"}");
    assert_heard(other, "EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_KILLED), 1);
    assert_answer(ask(peer, "DELETE /connections/2", "", ""), "404", "No connection");
    assert_answer(ask(peer, "DELETE /connections/x", "", ""), "404", "Nothing is here");
    assert_answer(ask(peer, "DELETE /connections/", "", ""), "404", "Nothing is here");
}

static void test_connection_that_lingers_cannot_be_ended(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f);
    (void)peer_dial(f);
    weft__conn_close_soon(f->worker->conns, WEFT_REASON_INTERNAL);
    turns(f);
    assert_answer(ask(peer, "DELETE /connections/2", "", ""), "404", "No connection");
}

static void test_slow_log_is_shown_and_emptied(void **state)
{
    struct test_peer *peer = serve(*state);
    const struct weft_slow_entry entry = {.at = 1700000000123,
                                          .duration = 20000000,
                                          .connection = 7,
                                          .status = 200,
                                          .command = "hset",
                                          .object = "t",
                                          .user = "ann"};
    weft_slow_log_add(slow_log, &entry);
    const char *answer = ask(peer, "GET /slowlog", "", "");
    assert_answer(answer, "200", "{\"on\":true,\"threshold\":0.01,\"length\":1,\"total\":1,");
    assert_answer(
        answer, "200",
        "{\"id\":0,\"at\":1700000000.123,\"duration\":0.02,\"command\":\"hset\",\"object\":"
        "\"t\",\"status\":200,");
    assert_answer(answer, "200", "\"user\":\"ann\",\"name\":null}");
    assert_answer(ask(peer, "GET /slowlog?limit=0", "", ""), "200", "\"entries\":[]}");
    assert_answer(ask(peer, "DELETE /slowlog", "", ""), "200",
                  "\"length\":0,\"total\":1,\"entries\":[]}");
    admin.slow_log = NULL;
    assert_answer(ask(peer, "GET /slowlog", "", ""), "200", "{\"on\":false,\"threshold\":0,");
    assert_answer(ask(peer, "DELETE /slowlog", "", ""), "501", "no slow log");
}

static void test_orders_are_carried_out_on_the_first_loop(void **state)
{
    static const struct {
        const char *line, *body, *acted;
    } rows[] = {
        {"POST /drain", "", "0 "},
        {"POST /log-level", "debug\n", "1 debug"},
        {"POST /log-level?level=warn", "", "1 warn"},
        {"POST /snapshot", "", "2 "},
        {"POST /reload", "", "3 "},
    };
    struct test_peer *peer = serve(*state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_answer(ask(peer, rows[i].line, "", rows[i].body), "200",
                      "{\"done\":true,\"result\":\"done=yes\"}");
        assert_string_equal(acted, rows[i].acted);
    }
}

static void test_order_that_fails_is_answered_with_its_error(void **state)
{
    static const struct {
        int err;
        const char *status;
    } rows[] = {{-ENOTSUP, "HTTP/1.1 501 "},
                {WEFT_ECONFIG, "HTTP/1.1 400 "},
                {-EBUSY, "HTTP/1.1 409 "},
                {-ESHUTDOWN, "HTTP/1.1 503 "},
                {-EIO, "HTTP/1.1 500 "}};
    struct test_peer *peer = serve(*state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        act_error = rows[i].err;
        const char *answer = ask(peer, "POST /reload", "", "");
        assert_non_null(strstr(answer, rows[i].status));
        assert_non_null(strstr(answer, "\"detail\":\"no 'such' thing\"}"));
    }
}

static void test_what_needs_the_server_is_unavailable_while_it_loads(void **state)
{
    struct test_peer *peer = serve_one(*state);
    assert_answer(ask(peer, "GET /limits", "", ""), "503", "loading");
    assert_answer(ask(peer, "GET /connections", "", ""), "503", "loading");
    assert_answer(ask(peer, "DELETE /connections/1", "", ""), "503", "loading");
    assert_answer(ask(peer, "POST /drain", "", ""), "503", "loading");
    assert_answer(ask(peer, "GET /endpoints", "", ""), "200", "{\"endpoints\":[]}");
}

static void test_order_to_a_server_that_has_drained_is_refused(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server *other;
    struct weft_error error;
    const char *urls[] = {"script:other?codec=raw"};
    struct weft_server_options options = f->options;
    struct test_peer *peer = serve(f);
    options.urls = urls;
    assert_int_equal(weft_server_new(&other, &options, &error), 0);
    weft_server_stop(other);
    weft__turn_close(weft_server_loop(other));
    weft_admin_set_server(&admin, other);
    assert_answer(ask(peer, "POST /drain", "", ""), "503", "drained");
    weft_server_free(other);
}

static void test_unknown_resources_and_methods_are_refused(void **state)
{
    struct test_peer *peer = serve(*state);
    assert_answer(ask(peer, "GET /nothing", "", ""), "404", "docs/admin.md");
    assert_answer(ask(peer, "POST /info", "", ""), "405", "method");
    assert_answer(ask(peer, "GET /drain", "", ""), "405", "method");
    assert_answer(ask(peer, "HEAD /info", "", ""), "200", "application/json");
    assert_answer(ask(peer, "GET /", "", ""), "200", "DELETE /connections/ID\n");
    assert_answer(ask_raw(peer, "nonsense"), "400", "no request");
}

static void test_pages_of_other_origins_and_hosts_are_refused(void **state)
{
    struct server_fixture *f = *state;
    static char with_hosts[] = "script:server?codec=raw&host=ops.example,b";
    static const struct {
        const char *fields, *status;
    } rows[] = {
        {"Host: localhost:9528\r\n", "200"},
        {"Host: LOCALHOST\r\n", "200"},
        {"Host: 127.0.0.1:9528\r\n", "200"},
        {"Host: [::1]:9528\r\n", "200"},
        {"Host: ops.example:1\r\n", "200"},
        {"", "200"},
        {"Host: evil.example\r\n", "403"},
        {"Host: [evil\r\n", "403"},
        {"Host: localhost\r\nOrigin: http://localhost\r\n", "200"},
        {"Host: localhost\r\nOrigin: https://localhost\r\n", "200"},
        {"Host: localhost\r\nOrigin: http://evil.example\r\n", "403"},
        {"Host: localhost\r\nOrigin: null\r\n", "403"},
        {"Origin: http://\r\n", "403"},
    };
    f->urls[0] = with_hosts;
    struct test_peer *peer = serve(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char request[256], status[32];
        snprintf(request, sizeof request, "GET /info HTTP/1.1\r\nX: y\r\n%s\r\n", rows[i].fields);
        snprintf(status, sizeof status, "HTTP/1.1 %s ", rows[i].status);
        if (!strstr(ask_raw(peer, request), status))
            fail_msg("not %s for %s", status, rows[i].fields);
    }
    char request[512];
    snprintf(request, sizeof request, "GET /info HTTP/1.1\r\nHost: %0200d\r\n\r\n", 1);
    assert_answer(ask_raw(peer, request), "403", "Host");
}

static void test_option_host_that_is_too_long_is_refused(void **state)
{
    struct server_fixture *f = *state;
    char text[400];
    snprintf(text, sizeof text, "script:server?codec=raw&host=%0300d", 1);
    f->urls[0] = text;
    assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
    assert_non_null(strstr(f->error.text, " bytes of names"));
    f->server = NULL;
}

/* --- permissions ----------------------------------------------------------------------------------- */

static unsigned denied; /* the flags that a peer lacks */

static bool ask_layer(void *loop_state, void *own, struct weft_request *request,
                      const struct weft_action *action, struct weft_rejection *why)
{
    (void)loop_state, (void)own, (void)request;
    why->what = "not you";
    return !(action->flags & denied);
}

static void test_layers_decide_about_each_resource(void **state)
{
    static const struct weft_layer layer = {.name = "judge", .ask = ask_layer};
    struct server_fixture *f = *state;
    assert_int_equal(weft_registry_add_layer(&f->registry, &layer, NULL), 0);
    f->options.guard = "judge";
    struct test_peer *peer = serve(f);
    denied = WEFT_ACTION_ADMIN;
    assert_answer(ask(peer, "GET /connections", "", ""), "403", "not you");
    assert_answer(ask(peer, "POST /reload", "", ""), "403", "not you");
    assert_string_equal(acted, "");
    assert_answer(ask(peer, "GET /metrics", "Host: evil.example\r\n", ""), "200", "weft_things");
    denied = WEFT_ACTION_PLAIN;
    assert_answer(ask(peer, "GET /metrics", "", ""), "403", "not you");
    assert_answer(ask(peer, "GET /readyz", "", ""), "200", "ready");
}

static void test_rejections_are_worded_as_problems(void **state)
{
    static const struct {
        struct weft_rejection rejection;
        const char *status, *part;
    } rows[] = {
        {{.cause = WEFT_REJECT_NOT_KNOWN}, " 401 ", "WWW-Authenticate: Basic realm=\"weft\"\r\n"},
        {{.cause = WEFT_REJECT_NOT_KNOWN, .what = "who?"}, " 401 ", "\"who?\""},
        {{.cause = WEFT_REJECT_DENIED}, " 403 ", "You may not"},
        {{.cause = WEFT_REJECT_RATE, .limit = 4}, " 429 ", "Too often"},
        {{.cause = WEFT_REJECT_MALFORMED, .what = "a \"quote"}, " 400 ", "a 'quote"},
        {{.cause = WEFT_REJECT_MALFORMED}, " 400 ", "Malformed"},
        {{.cause = WEFT_REJECT_TOO_BIG, .what = "max-frame", .limit = 9},
         " 413 ",
         "max-frame is 9"},
        {{.cause = WEFT_REJECT_REPLY_TOO_BIG, .limit = 9}, " 500 ", "the limit is 9"},
        {{.cause = WEFT_REJECT_TOO_MANY}, " 503 ", "Not at present"},
        {{.cause = WEFT_REJECT_DRAINING}, " 503 ", "Not at present"},
        {{.cause = WEFT_REJECT_NO_MEMORY}, " 503 ", "Not at present"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[WEFT_REJECT_MAX + 1];
        size_t size = weft_admin_service.reject(NULL, &rows[i].rejection, (uint8_t *)text);
        assert_in_range(size, 1, WEFT_REJECT_MAX);
        text[size] = '\0';
        assert_non_null(strstr(text, rows[i].status));
        assert_non_null(strstr(text, rows[i].part));
    }
    char text[WEFT_REJECT_MAX], what[400];
    const struct weft_rejection rejection = {.cause = WEFT_REJECT_NOT_KNOWN, .what = what};
    memset(what, 'x', sizeof what - 1);
    what[sizeof what - 1] = '\0';
    assert_in_range(weft_admin_service.reject(NULL, &rejection, (uint8_t *)text), 1,
                    WEFT_REJECT_MAX);
}

/* --- memory ---------------------------------------------------------------------------------------- */

static void test_every_failing_allocation_is_answered(void **state)
{
    static const char *const lines[] = {
        "GET /metrics",     "GET /info",    "GET /endpoints", "GET /limits",
        "GET /connections", "GET /slowlog", "POST /reload",   "DELETE /connections/9"};
    struct server_fixture *f = *state;
    const struct weft_slow_entry entry = {.command = "hset"};
    (void)serve(f);
    weft_slow_log_add(slow_log, &entry);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (size_t n = 0;; n++) {
            struct test_peer *peer = peer_dial(f);
            fault_arm(FAULT_ONE, n);
            const char *answer = ask(peer, lines[i], "", "");
            size_t failed = fault_failed();
            fault_disarm();
            peer_close(peer);
            turns(f);
            if (failed == 0) {
                assert_null(strstr(answer, " 503 "));
                break;
            }
        }
    }
}

#define TEST_ADMIN(test)                                                                           \
    {                                                                                              \
#test, test, setup, teardown, url                                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ADMIN(test_health_and_readiness),
        TEST_ADMIN(test_readiness_says_how_much_is_loaded),
        TEST_ADMIN(test_drain_ends_a_program_that_loads),
        TEST_ADMIN(test_metrics_come_in_the_format_that_is_wanted),
        TEST_ADMIN(test_info_has_the_facts_and_the_sums),
        TEST_ADMIN(test_endpoints_have_their_counters),
        TEST_ADMIN(test_limits_are_those_in_force),
        TEST_ADMIN(test_connections_are_listed_up_to_the_limit),
        TEST_ADMIN(test_connection_is_ended_by_its_number),
        TEST_ADMIN(test_connection_that_lingers_cannot_be_ended),
        TEST_ADMIN(test_slow_log_is_shown_and_emptied),
        TEST_ADMIN(test_orders_are_carried_out_on_the_first_loop),
        TEST_ADMIN(test_order_that_fails_is_answered_with_its_error),
        TEST_ADMIN(test_what_needs_the_server_is_unavailable_while_it_loads),
        TEST_ADMIN(test_order_to_a_server_that_has_drained_is_refused),
        TEST_ADMIN(test_unknown_resources_and_methods_are_refused),
        TEST_ADMIN(test_pages_of_other_origins_and_hosts_are_refused),
        TEST_ADMIN(test_option_host_that_is_too_long_is_refused),
        TEST_ADMIN(test_layers_decide_about_each_resource),
        cmocka_unit_test(test_rejections_are_worded_as_problems),
        TEST_ADMIN(test_every_failing_allocation_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
