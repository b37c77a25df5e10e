/* SPDX-License-Identifier: MIT
 *
 * The HTTP face over a store that answers later, without memory, and where something is refused. */
#include <errno.h>

#include "http_talk.h"
#include "lib/fault.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"

#define KEY "/v1/tables/t/keys/k"

static struct weft_view payload_of(char *dst, size_t size, const char *line, const char *fields,
                                   const char *body)
{
    int n = snprintf(dst, size, "%s HTTP/1.1\r\nHost: a\r\n%s\r\n%s", line, fields, body);
    return weft_view(dst, (size_t)n);
}

/* Sends a request and lets the store answer. */
static const char *ask_later(struct http_talk *talk, const char *line, const char *fields,
                             const char *body)
{
    char text[4096];
    struct fake_request request;
    kv_fixture_send(&talk->fixture, &request, payload_of(text, sizeof text, line, fields, body));
    assert_true(virtual_loop_advance(talk->fixture.loop, 0));
    assert_true(request.ended);
    http_talk_take(talk, fake_request_reply(&request));
    fake_request_fini(&request);
    return (const char *)talk->reply.data;
}

static void test_store_that_answers_later_gives_the_same_replies(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, &late_store_ordered, "https://a.example");
    assert_reply(ask_later(&talk, "PUT " KEY, "", "x"), 201, "");
    const char *reply = ask_later(&talk, "GET " KEY, "Origin: https://a.example\r\n", "");
    assert_reply(reply, 200, "x");
    assert_has(reply, "Access-Control-Allow-Origin: https://a.example\r\n");
    assert_has(reply, "Date: ");
    assert_has(ask_later(&talk, "GET /v1/tables/t", "", ""), "{\"key\":\"k\",\"value\":\"x\"}");
    char large[3000];
    memset(large, 'y', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_reply(ask_later(&talk, "PUT " KEY, "", large), 204, "");
    assert_reply(ask_later(&talk, "GET " KEY, "", ""), 200, large);
    assert_reply(ask_later(&talk, "DELETE " KEY, "", ""), 204, "");
    assert_int_equal(http_status(ask_later(&talk, "GET " KEY, "", "")), 404);
    http_talk_fini(&talk);
}

static void test_request_that_cannot_be_kept_is_answered(void **state)
{
    (void)state;
    struct http_talk talk;
    char text[200];
    http_talk_init(&talk, &late_store_ordered, NULL);
    struct fake_request request;
    fake_request_init(&request, payload_of(text, sizeof text, "GET " KEY, "", ""), WEFT_MIB(1));
    request.keep_fails = true;
    kv_fixture_call(&talk.fixture, &request);
    assert_true(request.ended);
    http_talk_take(&talk, fake_request_reply(&request));
    assert_int_equal(http_status((const char *)talk.reply.data), 503);
    fake_request_fini(&request);
    http_talk_fini(&talk);
}

static void test_request_over_decode_bytes_is_answered(void **state)
{
    (void)state;
    struct http_talk talk;
    char text[300];
    http_talk_init(&talk, NULL, NULL);
    struct fake_request request;
    fake_request_init(&request,
                      payload_of(text, sizeof text, "PUT " KEY, "",
                                 "0123456789012345678901234567890"
                                 "0123456789012345678901234567"),
                      16);
    kv_fixture_call(&talk.fixture, &request);
    http_talk_take(&talk, fake_request_reply(&request));
    assert_int_equal(http_status((const char *)talk.reply.data), 503);
    fake_request_fini(&request);
    http_talk_fini(&talk);
}

struct scene {
    const char *line, *fields, *body;
};

/* Whatever is stored can be read back the same way. */
static void test_value_whose_reply_would_be_over_max_frame_is_not_stored(void **state)
{
    (void)state;
    struct http_talk talk;
    const size_t max_frame = weft_limits_default().max_frame;
    uint8_t *large = calloc(1, max_frame);
    assert_non_null(large);
    http_talk_init(&talk, NULL, NULL);
    assert_int_equal(
        http_status(http_ask_body(&talk, "PUT " KEY, "", weft_view(large, max_frame - 1000))), 413);
    assert_has((const char *)talk.reply.data,
               "Value is too big: with its reply's head it is over max-frame");
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "", "")), 404);
    assert_int_equal(
        http_status(http_ask_body(&talk, "PUT " KEY, "", weft_view(large, max_frame - 1100))), 201);
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "", "")), 200);
    assert_true(talk.reply.size <= max_frame);
    free(large);
    http_talk_fini(&talk);
}

/* One request, whose n-th allocation fails. Returns true if there was one. */
static bool fails_well(const struct scene *scene, enum fault_mode mode, size_t n)
{
    char text[4096];
    struct http_talk talk;
    struct fake_request request;
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask(&talk, "PUT " KEY, "", "x");
    fault_arm(mode, n);
    kv_fixture_send(&talk.fixture, &request,
                    payload_of(text, sizeof text, scene->line, scene->fields, scene->body));
    bool failed = fault_failed() > 0;
    fault_arm(FAULT_ONE, SIZE_MAX);
    assert_true(request.ended);
    struct weft_view reply = fake_request_reply(&request);
    assert_true(reply.size > 12);
    assert_true(reply.data[9] == '2' || (failed && memcmp(reply.data + 9, "503", 3) == 0));
    fake_request_fini(&request);
    http_talk_fini(&talk);
    return failed;
}

static void test_rejections_are_problems_of_few_bytes(void **state)
{
    (void)state;
    static const struct {
        struct weft_rejection why;
        unsigned status;
    } rows[] = {
        {{WEFT_REJECT_MALFORMED, "not a request line", 0, 0}, 400},
        {{WEFT_REJECT_TOO_BIG, "max-line", 8193, 8192}, 414},
        {{WEFT_REJECT_TOO_BIG, "max-line (a field)", 8193, 8192}, 431},
        {{WEFT_REJECT_TOO_BIG, "max-head", 16385, 16384}, 431},
        {{WEFT_REJECT_TOO_BIG, "max-fields", 101, 100}, 431},
        {{WEFT_REJECT_TOO_BIG, "max-frame", 9000000, 8388608}, 413},
        {{WEFT_REJECT_REPLY_TOO_BIG, "max-frame", 9000000, 8388608}, 413},
        {{WEFT_REJECT_NO_MEMORY, NULL, 0, 0}, 503},
        {{WEFT_REJECT_DRAINING, NULL, 0, 0}, 503},
        {{WEFT_REJECT_TOO_MANY, "max-connections", 0, 10000}, 503},
        {{WEFT_REJECT_NOT_KNOWN, "say who you are", 0, 0}, 401},
        {{WEFT_REJECT_DENIED, "not you", 0, 0}, 403},
        {{WEFT_REJECT_RATE, NULL, 0, 5}, 429},
    };
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t dst[WEFT_REJECT_MAX];
        size_t size = weft_kv_http_service.reject(talk.fixture.loop_state, &rows[i].why, dst);
        assert_in_range(size, 1, WEFT_REJECT_MAX);
        http_talk_take(&talk, weft_view(dst, size));
        const char *reply = (const char *)talk.reply.data;
        assert_reply(reply, rows[i].status, strstr(reply, "\r\n\r\n") + 4);
    }
    http_talk_fini(&talk);
}

static void test_rejection_with_a_long_reason_is_cut(void **state)
{
    (void)state;
    char what[600];
    uint8_t dst[WEFT_REJECT_MAX];
    struct http_talk talk;
    memset(what, '\x01', sizeof what - 1);
    what[sizeof what - 1] = '\0';
    http_talk_init(&talk, NULL, NULL);
    const struct weft_rejection why = {WEFT_REJECT_MALFORMED, what, 0, 0};
    size_t size = weft_kv_http_service.reject(talk.fixture.loop_state, &why, dst);
    assert_in_range(size, 1, WEFT_REJECT_MAX);
    assert_memory_equal(dst + size - 3, "\"}\n", 3);
    http_talk_fini(&talk);
}

static void test_origins_that_are_none_are_refused_at_start(void **state)
{
    (void)state;
    static char long_list[512 + 1];
    memset(long_list, ',', sizeof long_list - 1);
    const struct {
        const char *origins, *text;
    } rows[] = {
        {"a.example", "cors=a.example: it takes origins like https://app.example, with commas "
                      "between them, or *"},
        {"*,https://a", "cors=*,https://a: it takes origins like "},
        {"https://*.example", "cors=https://*.example: it takes origins like "},
        {"x", "cors=x: it takes origins like "},
        {long_list, "cors: at most 511 bytes of origins"},
    };
    const struct weft_limits limits = weft_limits_default();
    struct weft_kv_context context = {0};
    void *config = calloc(1, weft_kv_http_service.config_size);
    assert_non_null(config);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct weft_option_value value = {"cors", rows[i].origins};
        const struct weft_option_set set = {&value, 1};
        struct weft_error error;
        assert_int_equal(weft_kv_http_service.configure(config, &context, &set, &limits, &error),
                         WEFT_ECONFIG);
        assert_has(error.text, rows[i].text);
    }
    free(config);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static char large[3000];
    memset(large, 'y', sizeof large - 1);
    const struct scene scenes[] = {
        {"GET " KEY, "", ""},
        {"PUT " KEY, "", large},
        {"PUT /v1/tables/%20/keys/%21", "", "x"},
        {"GET /v1/tables/t?limit=5&prefix=%6b", "", ""},
        {"DELETE " KEY, "", ""},
    };
    fault_install();
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (enum fault_mode mode = FAULT_ONE; mode <= FAULT_FROM; mode++)
            for (size_t n = 0; fails_well(&scenes[i], mode, n); n++)
                ;
    fault_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_that_answers_later_gives_the_same_replies),
        cmocka_unit_test(test_request_that_cannot_be_kept_is_answered),
        cmocka_unit_test(test_request_over_decode_bytes_is_answered),
        cmocka_unit_test(test_value_whose_reply_would_be_over_max_frame_is_not_stored),
        cmocka_unit_test(test_rejections_are_problems_of_few_bytes),
        cmocka_unit_test(test_rejection_with_a_long_reason_is_cut),
        cmocka_unit_test(test_origins_that_are_none_are_refused_at_start),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("kv, HTTP face, ends", tests, NULL, NULL);
}
