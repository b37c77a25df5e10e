/* SPDX-License-Identifier: MIT
 *
 * Batches and typed values: JSON that comes in. */
#include "http_talk.h"
#include "lib/fault.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"

#define KEY    "/v1/tables/t/keys/k"
#define JSON   "Content-Type: application/json\r\n"
#define NDJSON "Content-Type: application/x-ndjson\r\n"

static void test_json_comes_back_with_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *in, *type, *raw, *out; /* out NULL: as in */
    } rows[] = {
        {"\"a\\u00e4\\n\"", "string", "a\xc3\xa4\n", "\"a\xc3\xa4\\n\""},
        {"42", "integer", "42", NULL},
        {"-7", "integer", "-7", NULL},
        {"{\"integer\":\"9223372036854775807\"}", "integer", "9223372036854775807", NULL},
        {"9007199254740992", "integer", "9007199254740992", "{\"integer\":\"9007199254740992\"}"},
        {"1.5", "float", "1.5", NULL},
        {"1.0", "float", "1", NULL},
        {"1e300", "float", "1e+300", "1e+300"},
        {"{\"float\":\"nan\"}", "float", "nan", NULL},
        {"{\"float\":\"-inf\"}", "float", "-inf", NULL},
        {"{\"float\":\"nan(0x7ff8000000000001)\"}", "float", "nan", NULL},
        {"true", "bool", "true", NULL},
        {"false", "bool", "false", NULL},
        {"null", "empty", "", NULL},
        {" { \"base64\" : \"AP8=\" } ", "binary", NULL, "{\"base64\":\"AP8=\"}"},
    };
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[100], field[40];
        assert_in_range(http_status(http_ask(&talk, "PUT " KEY, JSON, rows[i].in)), 201, 204);
        snprintf(expected, sizeof expected, "%s\n", rows[i].out ? rows[i].out : rows[i].in);
        assert_reply(http_ask(&talk, "GET " KEY, "Accept: application/json\r\n", ""), 200,
                     expected);
        const char *reply = http_ask(&talk, "GET " KEY, "", "");
        snprintf(field, sizeof field, "Weft-Type: %s\r\n", rows[i].type);
        assert_has(reply, field);
        if (rows[i].raw)
            assert_reply(reply, 200, rows[i].raw);
    }
    http_talk_fini(&talk);
}

static void test_json_that_is_no_value_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "x",
        "[1]",
        "{}",
        "{\"a\":1}",
        "{\"base64\":1}",
        "1 2",
        "\"a",
        "1e999",
        "{\"base64\":\"A\"}",
        "{\"integer\":\"1.5\"}",
        "nul",
        "\"\\ud800\"",
        "99999999999999999999",
        "{\"float\":\"x\"}",
        "{\"integer\":\"1\",\"a\":1}",
    };
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (http_status(http_ask(&talk, "PUT " KEY, JSON, wrong[i])) != 400)
            fail_msg("%s: %s", wrong[i], (const char *)talk.reply.data);
    assert_has(http_ask(&talk, "PUT " KEY, JSON, "1 2"), "more than one value");
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "", "")), 404);
    http_talk_fini(&talk);
}

static const char commands[] = "[\"hset\", \"t\", \"a\", 1]\n"
                               "\n"
                               "[\"hmset\",\"t\",\"b\",\"x\",\"c\",null]\r\n"
                               "  [ \"hget\" , \"t\" , \"a\" ]\n"
                               "[\"hmget\",\"t\",\"b\",\"none\"]\n"
                               "[\"hget\",\"t\",\"none\"]\n"
                               "[\"hexist\",\"t\",\"a\"]\n"
                               "[\"hmexist\",\"t\",\"a\",\"none\"]\n"
                               "[\"hdel\",\"t\",\"a\"]\n"
                               "nonsense\n"
                               "[\"hmdel\",\"t\",\"b\",\"a\"]";
static const char answers[] =
    "{\"line\":1,\"status\":200,\"value\":null}\n"
    "{\"line\":3,\"status\":200,\"values\":[null,null]}\n"
    "{\"line\":4,\"status\":200,\"value\":1}\n"
    "{\"line\":5,\"status\":200,\"values\":[\"x\",null]}\n"
    "{\"line\":6,\"status\":404,\"message\":\"Not found for table: t, key: none\"}\n"
    "{\"line\":7,\"status\":200,\"value\":true}\n"
    "{\"line\":8,\"status\":200,\"values\":[true,false]}\n"
    "{\"line\":9,\"status\":200,\"value\":1}\n"
    "{\"line\":10,\"status\":400,\"message\":\"a command is an array: [\\\"hset\\\", "
    "\\\"table\\\", "
    "\\\"key\\\", 42]\"}\n"
    "{\"line\":11,\"status\":200,\"values\":[\"x\",null]}\n";

static void test_batch_is_answered_line_by_line(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    const char *reply = http_ask(&talk, "POST /v1/batch", NDJSON, commands);
    assert_reply(reply, 200, answers);
    assert_has(reply, "Content-Type: application/x-ndjson\r\n");
    http_talk_fini(&talk);
}

static void assert_late_batch(const struct kv_store *store)
{
    struct http_talk talk;
    char text[2000];
    http_talk_init(&talk, store, NULL);
    int size = snprintf(text, sizeof text, "POST /v1/batch HTTP/1.1\r\nHost: a\r\n" NDJSON "\r\n%s",
                        commands);
    struct fake_request request;
    kv_fixture_send(&talk.fixture, &request, weft_view(text, (size_t)size));
    for (int i = 0; i < 100 && !request.ended; i++)
        assert_true(virtual_loop_advance(talk.fixture.loop, 0));
    assert_true(request.ended);
    http_talk_take(&talk, fake_request_reply(&request));
    assert_reply((const char *)talk.reply.data, 200, answers);
    fake_request_fini(&request);
    http_talk_fini(&talk);
}

static void test_stores_that_answer_later_do_the_same_batch(void **state)
{
    (void)state;
    assert_late_batch(&late_store_ordered);
    assert_late_batch(&late_store_unordered);
}

/* Such a store does a read at once, but a batch may write behind its first line. */
static void test_store_that_reads_at_once_does_the_same_batch(void **state)
{
    (void)state;
    assert_late_batch(&late_store_reads_inline);
    struct http_talk talk;
    char text[400];
    http_talk_init(&talk, &late_store_reads_inline, NULL);
    int size = snprintf(text, sizeof text,
                        "POST /v1/batch HTTP/1.1\r\nHost: a\r\n" NDJSON
                        "\r\nx\n[\"hget\",\"t\",\"k\"]\n[\"hset\",\"t\",\"k\",1]\n");
    struct fake_request request;
    kv_fixture_send(&talk.fixture, &request, weft_view(text, (size_t)size));
    for (int i = 0; i < 10 && !request.ended; i++)
        assert_true(virtual_loop_advance(talk.fixture.loop, 0));
    assert_true(request.ended);
    http_talk_take(&talk, fake_request_reply(&request));
    assert_has((const char *)talk.reply.data, "{\"line\":3,\"status\":200,\"value\":null}\n");
    fake_request_fini(&request);
    http_talk_fini(&talk);
}

static void test_lines_that_are_no_commands_are_answered_400(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "[]",
        "{}",
        "[1]",
        "[\"hget\"]",
        "[\"hget\",\"t\"]",
        "[\"hget\",\"t\",1]",
        "[\"hget\",\"t\",\"a\",\"b\"]",
        "[\"hset\",\"t\",\"a\"]",
        "[\"hset\",\"t\",\"a\",[]]",
        "[\"hset\",\"t\",\"a\",1,\"b\",2]",
        "[\"hget\",\"t\",\"a\"",
        "[\"hget\",\"t\" \"a\"]",
        "[\"hget\",\"t\",\"a\"]]",
        "[\"hget\",\"t\",\"a\",]",
        "[\"hgetall\",\"t\"]",
        "[\"hget\",\"\\udc00\",\"a\"]",
        "[\"hget\",\"t\",\"\xff\"]",
    };
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *reply = http_ask(&talk, "POST /v1/batch", NDJSON, lines[i]);
        assert_int_equal(http_status(reply), 200);
        if (!strstr(reply, "{\"line\":1,\"status\":400,\"message\":"))
            fail_msg("%s: %s", lines[i], reply);
    }
    http_talk_fini(&talk);
}

static void test_batch_of_nothing_is_answered_with_nothing(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_reply(http_ask(&talk, "POST /v1/batch", NDJSON, "\n \r\n"), 200, "");
    http_talk_fini(&talk);
}

/* A page of any origin may send text/plain without its browser asking first. */
static void test_batch_needs_a_type_that_no_page_can_send_unasked(void **state)
{
    (void)state;
    static const char *const types[] = {"", "Content-Type: text/plain\r\n",
                                        "Content-Type: application/x-www-form-urlencoded\r\n"};
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *reply = http_ask(&talk, "POST /v1/batch", types[i], "[\"hset\",\"t\",\"k\",1]");
        assert_int_equal(http_status(reply), 415);
        assert_has(reply, "A batch has the Content-Type application/x-ndjson");
    }
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "", "")), 404);
    http_talk_fini(&talk);
}

static void test_commas_within_a_string_count_for_nothing(void **state)
{
    (void)state;
    enum { COMMAS = 300000 };
    struct http_talk talk;
    char *text = malloc(COMMAS + 100);
    assert_non_null(text);
    strcpy(text, "[\"hset\",\"t\",\"k\",\"");
    memset(text + strlen(text), ',', COMMAS);
    strcpy(text + strlen("[\"hset\",\"t\",\"k\",\"") + COMMAS, "\"]");
    http_talk_init(&talk, NULL, NULL);
    assert_reply(http_ask(&talk, "POST /v1/batch", NDJSON, text), 200,
                 "{\"line\":1,\"status\":200,\"value\":null}\n");
    free(text);
    http_talk_fini(&talk);
}

static void test_batch_over_decode_elements_stops_there_and_says_so(void **state)
{
    (void)state;
    enum { LINES = 70000 };
    static const char line[] = "[\"hget\",\"t\",\"k\"]\n";
    struct http_talk talk;
    size_t size = LINES * (sizeof line - 1);
    char *text = malloc(size + 1);
    assert_non_null(text);
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + i * (sizeof line - 1), line, sizeof line - 1);
    text[size] = '\0';
    http_talk_init(&talk, NULL, NULL);
    talk.fixture.context.limits.decode_elements = 100000;
    const char *reply = http_ask(&talk, "POST /v1/batch", NDJSON, text);
    assert_int_equal(http_status(reply), 413);
    assert_has(reply, "the first lines were done");
    free(text);
    http_talk_fini(&talk);
}

static void test_layers_are_asked_about_each_command_before_the_first(void **state)
{
    (void)state;
    static const char text[] = "POST /v1/batch HTTP/1.1\r\nHost: a\r\n" NDJSON "\r\n"
                               "[\"hget\",\"t\",\"k\"]\n[\"hset\",\"t\",\"k\",1]\n";
    static const int layers;
    struct http_talk talk;
    struct fake_request request;
    http_talk_init(&talk, NULL, NULL);
    fake_request_init(&request, weft_view_str(text), WEFT_MIB(1));
    request.request.layers = &layers;
    kv_fixture_call(&talk.fixture, &request);
    assert_true(request.ended);
    fake_request_fini(&request);
    fake_request_init(&request, weft_view_str(text), WEFT_MIB(1));
    request.request.layers = &layers;
    request.denied = true;
    kv_fixture_call(&talk.fixture, &request);
    assert_true(request.refused);
    assert_string_equal(request.asked, "hget");
    fake_request_fini(&request);
    http_talk_fini(&talk);
}

/* One batch, whose n-th allocation fails. Returns true if there was one. */
static bool fails_well(enum fault_mode mode, size_t n)
{
    static const char more[] = "[\"hincr\",\"t\",\"n\",2]\n"
                               "[\"hset\",\"t\",\"n\",3,{\"if_\\u0061bsent\":true}]\n"
                               "[\"hget\",\"t\",\"n\",{\"state\":true}]";
    char text[2000];
    struct http_talk talk;
    struct fake_request request;
    http_talk_init(&talk, NULL, NULL);
    int size =
        snprintf(text, sizeof text, "POST /v1/batch HTTP/1.1\r\nHost: a\r\n" NDJSON "\r\n%s\n%s",
                 commands, more);
    fault_arm(mode, n);
    kv_fixture_send(&talk.fixture, &request, weft_view(text, (size_t)size));
    bool failed = fault_failed() > 0;
    fault_arm(FAULT_ONE, SIZE_MAX);
    assert_true(request.ended);
    struct weft_view reply = fake_request_reply(&request);
    assert_true(memcmp(reply.data + 9, "200", 3) == 0 ||
                (failed && memcmp(reply.data + 9, "503", 3) == 0));
    fake_request_fini(&request);
    http_talk_fini(&talk);
    return failed;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_install();
    for (enum fault_mode mode = FAULT_ONE; mode <= FAULT_FROM; mode++)
        for (size_t n = 0; fails_well(mode, n); n++)
            ;
    fault_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_comes_back_with_its_type),
        cmocka_unit_test(test_json_that_is_no_value_is_refused),
        cmocka_unit_test(test_batch_is_answered_line_by_line),
        cmocka_unit_test(test_stores_that_answer_later_do_the_same_batch),
        cmocka_unit_test(test_store_that_reads_at_once_does_the_same_batch),
        cmocka_unit_test(test_lines_that_are_no_commands_are_answered_400),
        cmocka_unit_test(test_batch_of_nothing_is_answered_with_nothing),
        cmocka_unit_test(test_batch_needs_a_type_that_no_page_can_send_unasked),
        cmocka_unit_test(test_commas_within_a_string_count_for_nothing),
        cmocka_unit_test(test_batch_over_decode_elements_stops_there_and_says_so),
        cmocka_unit_test(test_layers_are_asked_about_each_command_before_the_first),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("kv, HTTP face, JSON and batches", tests, NULL, NULL);
}
