/* SPDX-License-Identifier: MIT
 *
 * The admin service has two things for a browser: the page itself, and the data behind /v1/, which another service
 * answers. */
#include <string.h>

#include "core/base/compiler.h"
#include "server_fixture.h"
#include "services/admin/admin.h"
#include "services/admin/console/console.h"

static struct weft_admin admin;
static struct weft_collectors collectors;

/* --- the service for the data: it counts what is called --- */

static struct counts {
    int configured, started, stopped, opened, closed, calls;
} counts;
static int data_error;

static int data_configure(void *config, void *context, const struct weft_option_set *set,
                          const struct weft_limits *limits, struct weft_error *error)
{
    (void)limits, (void)error;
    assert_ptr_equal(context, &counts);
    assert_string_equal(weft_option_get(set, "cors"), "*");
    *(uint64_t *)config = UINT64_MAX;
    counts.configured++;
    return data_error;
}

static int data_start(void *loop_state, const void *config, struct weft_loop *loop)
{
    assert_non_null(loop);
    assert_true(*(const uint64_t *)config == UINT64_MAX);
    *(uint64_t *)loop_state = 7;
    counts.started++;
    return 0;
}

static void data_stop(void *loop_state)
{
    assert_true(*(uint64_t *)loop_state == 7);
    counts.stopped++;
}

static int data_open(void *conn_state, void *loop_state)
{
    assert_true(*(uint64_t *)loop_state == 7);
    *(uint64_t *)conn_state = 9;
    counts.opened++;
    return 0;
}

static void data_close(void *conn_state, void *loop_state)
{
    assert_true(*(uint64_t *)loop_state == 7);
    assert_true(*(uint64_t *)conn_state == 9);
    counts.closed++;
}

static void data_call(void *loop_state, void *conn_state, struct weft_request *request)
{
    const struct weft_body_bytes body =
        weft_body_from_view(weft_view_str("HTTP/1.1 200 OK\r\n\r\ndata"));
    assert_true(*(uint64_t *)loop_state == 7);
    assert_true(*(uint64_t *)conn_state == 9);
    counts.calls++;
    assert_int_equal(weft_request_end(request, &body.body), 0);
}

static const struct weft_service data_service = {
    .name = "data",
    .speaks = "http",
    .asks = true,
    .config_size = 8,
    .loop_size = 8,
    .conn_size = 8,
    .configure = data_configure,
    .start = data_start,
    .stop = data_stop,
    .open = data_open,
    .close = data_close,
    .call = data_call,
};

/* --- */

static int setup(void **state)
{
    if (server_fixture_setup(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    collectors = (struct weft_collectors)WEFT_COLLECTORS_INIT;
    admin = (struct weft_admin){.collectors = &collectors, .log = &f->log};
    memset(&counts, 0, sizeof counts);
    data_error = 0;
    f->options.service = "admin";
    return 0;
}

static int setup_alone(void **state)
{
    return setup(state) < 0
               ? -1
               : weft_registry_add_service(&((struct server_fixture *)*state)->registry,
                                           &weft_admin_service, &admin);
}

static int setup_with_data(void **state)
{
    if (setup(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    weft_admin_set_data(&admin, &data_service, &counts);
    return weft_registry_add_service(&f->registry, &admin.service, &admin);
}

static int teardown_with_data(void **state)
{
    int err = server_fixture_teardown(state);
    return err < 0 || counts.stopped != counts.started || counts.closed != counts.opened ? -1 : 0;
}

static const char *ask(struct test_peer *peer, const char *line, const char *fields)
{
    static char heard[256 * 1024];
    char request[512];
    size_t size;
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", line, fields);
    peer_send_frame(peer, request, strlen(request));
    turns(peer->fixture);
    const uint8_t *data = script_received(peer->end, &size);
    assert_in_range(size, 5, sizeof heard - 1);
    memcpy(heard, data + 4, size - 4);
    heard[size - 4] = '\0';
    script_consume(peer->end, size);
    return heard;
}

static const char browser[] =
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

static void test_browser_gets_the_page_with_its_policy(void **state)
{
    struct test_peer *peer = serve_one(*state);
    const char *answer = ask(peer, "GET /", browser);
    assert_non_null(strstr(answer, "Content-Type: text/html; charset=utf-8\r\n"));
    const char *policy = strstr(answer, "Content-Security-Policy: default-src 'none';");
    assert_non_null(policy);
    assert_memory_equal(strchr(policy, ' ') + 1, weft_console_policy, strlen(weft_console_policy));
    const char *page = strstr(answer, "\r\n\r\n") + 4;
    assert_int_equal(strlen(page), weft_console_size);
    assert_memory_equal(page, "<!doctype html>", 15);
}

static void test_page_needs_nothing_from_elsewhere(void **state)
{
    (void)state;
    assert_null(memmem(weft_console_page, weft_console_size, "src=\"", 5));
    assert_null(memmem(weft_console_page, weft_console_size, "href=\"http", 10));
    assert_null(memmem(weft_console_page, weft_console_size, "@import", 7));
}

static void test_others_get_the_list_of_resources(void **state)
{
    struct test_peer *peer = serve_one(*state);
    assert_non_null(strstr(ask(peer, "GET /", "Accept: */*\r\n"), "GET    /metrics\n"));
    assert_non_null(strstr(ask(peer, "GET /", ""), "GET    /metrics\n"));
}

static void test_paths_of_the_data_are_unknown_where_no_service_has_them(void **state)
{
    struct test_peer *peer = serve_one(*state);
    assert_non_null(strstr(ask(peer, "GET /v1/tables", ""), "HTTP/1.1 404 "));
}

static void test_service_of_the_data_answers_its_paths_and_no_others(void **state)
{
    struct test_peer *peer = serve_one(*state);
    assert_int_equal(counts.configured, 1);
    assert_int_equal(counts.opened, 1);
    assert_string_equal(ask(peer, "GET /v1/tables", ""), "HTTP/1.1 200 OK\r\n\r\ndata");
    assert_string_equal(ask(peer, "PUT /v1/tables/t/keys/k", "Origin: http://localhost\r\n"),
                        "HTTP/1.1 200 OK\r\n\r\ndata");
    assert_int_equal(counts.calls, 2);
    assert_non_null(strstr(ask(peer, "GET /healthz", ""), "ok\n"));
    assert_non_null(strstr(ask(peer, "GET /v1", ""), "HTTP/1.1 404 "));
    assert_non_null(strstr(ask(peer, "GET /v2/tables", ""), "HTTP/1.1 404 "));
    assert_int_equal(counts.calls, 2);
}

static void test_pages_of_other_origins_do_not_reach_the_data(void **state)
{
    struct test_peer *peer = serve_one(*state);
    const char *answer = ask(peer, "PUT /v1/tables/t/keys/k", "Origin: http://evil.example\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 403 "));
    assert_int_equal(counts.calls, 0);
}

static void test_data_that_cannot_be_configured_is_told(void **state)
{
    struct server_fixture *f = *state;
    data_error = WEFT_ECONFIG;
    assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
    assert_int_equal(counts.started, 0);
}

static char url[] = "script:server?codec=raw";

#define TEST_ALONE(test)                                                                           \
    {                                                                                              \
#test, test, setup_alone, server_fixture_teardown, url                                     \
    }
#define TEST_WITH_DATA(test)                                                                       \
    {                                                                                              \
#test, test, setup_with_data, teardown_with_data, url                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ALONE(test_browser_gets_the_page_with_its_policy),
        cmocka_unit_test(test_page_needs_nothing_from_elsewhere),
        TEST_ALONE(test_others_get_the_list_of_resources),
        TEST_ALONE(test_paths_of_the_data_are_unknown_where_no_service_has_them),
        TEST_WITH_DATA(test_service_of_the_data_answers_its_paths_and_no_others),
        TEST_WITH_DATA(test_pages_of_other_origins_do_not_reach_the_data),
        TEST_WITH_DATA(test_data_that_cannot_be_configured_is_told),
    };
    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
