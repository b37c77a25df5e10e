/* SPDX-License-Identifier: MIT
 *
 * Calls over HTTP: which requests are calls, and the responses that they get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "rpc_fixture.h"

static struct fake_request request;

static void expect_reply(size_t i, const char *text)
{
    assert_true(i < request.reply_count);
    const struct weft_bytes *reply = &request.replies[i];
    if (reply->size != strlen(text) || memcmp(reply->data, text, reply->size) != 0)
        fail_msg("%.*s\nis not\n%s", (int)reply->size, (const char *)reply->data, text);
}

static void expect(const char *status, const char *json)
{
    char response[1024];
    (void)snprintf(response, sizeof response,
                   "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                   status, strlen(json), json);
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 1);
    expect_reply(0, response);
    fake_request_fini(&request);
}

static void send_text(struct rpc_world *world, const char *text)
{
    rpc_call(world, HTTP, &request, weft_view_str(text));
}

static void test_json_is_answered_with_json(void **state)
{
    rpc_call_json(*state, &request, "/sample.Sample/Say", "{\"text\":\"hello\",\"count\":41}");
    expect("200 OK", "{\"text\":\"hello\",\"count\":42}");
    rpc_call_json(*state, &request, "/sample.Sample/Say", "");
    expect("200 OK", "{\"count\":1}");
}

static void test_codes_are_statuses(void **state)
{
    static const char *const rows[] = {
        [WEFT_RPC_CANCELLED] = "499 Client Closed Request",
        [WEFT_RPC_UNKNOWN] = "500 Internal Server Error",
        [WEFT_RPC_INVALID_ARGUMENT] = "400 Bad Request",
        [WEFT_RPC_DEADLINE_EXCEEDED] = "504 Gateway Timeout",
        [WEFT_RPC_NOT_FOUND] = "404 Not Found",
        [WEFT_RPC_ALREADY_EXISTS] = "409 Conflict",
        [WEFT_RPC_PERMISSION_DENIED] = "403 Forbidden",
        [WEFT_RPC_RESOURCE_EXHAUSTED] = "429 Too Many Requests",
        [WEFT_RPC_FAILED_PRECONDITION] = "400 Bad Request",
        [WEFT_RPC_ABORTED] = "409 Conflict",
        [WEFT_RPC_OUT_OF_RANGE] = "400 Bad Request",
        [WEFT_RPC_UNIMPLEMENTED] = "501 Not Implemented",
        [WEFT_RPC_INTERNAL] = "500 Internal Server Error",
        [WEFT_RPC_UNAVAILABLE] = "503 Service Unavailable",
        [WEFT_RPC_DATA_LOSS] = "500 Internal Server Error",
        [WEFT_RPC_UNAUTHENTICATED] =
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"rpc\", Bearer",
    };
    for (unsigned code = 1; code <= WEFT_RPC_UNAUTHENTICATED; code++) {
        char json[64], expected[64];
        (void)snprintf(json, sizeof json, "{\"text\":\"fail\",\"count\":%u}", code);
        (void)snprintf(expected, sizeof expected, "{\"code\":%u,\"message\":\"as you wish\"}",
                       code);
        rpc_call_json(*state, &request, "/sample.Sample/Say", json);
        assert_int_equal(request.request.status, weft_rpc_code_http((enum weft_rpc_code)code));
        expect(rows[code], expected);
    }
}

static void test_request_that_is_no_call_is_refused(void **state)
{
    static const struct {
        const char *text, *status, *json;
    } rows[] = {
        {"nonsense", "400 Bad Request",
         "{\"code\":3,\"message\":\"The payload is no request of HTTP\"}"},
        {"GET /sample.Sample/Say HTTP/1.1\r\nHost: x\r\n\r\n", "501 Not Implemented",
         "{\"code\":12,\"message\":\"A method is called with POST\"}"},
        {"POST /sample.Sample/Say HTTP/1.1\r\nHost: x\r\n\r\n{}", "400 Bad Request",
         "{\"code\":3,\"message\":\"The Content-Type of a call is application/json\"}"},
        {"POST /sample.Sample/Say HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n{}",
         "400 Bad Request",
         "{\"code\":3,\"message\":\"The Content-Type of a call is application/json\"}"},
        {"POST /sample.Sample/Say HTTP/1.1\r\nContent-Type: application/json ; a=b\r\n"
         "Content-Encoding: gzip\r\n\r\n{}",
         "400 Bad Request",
         "{\"code\":3,\"message\":\"The body has a Content-Encoding: send it as it is\"}"},
        {"POST /nowhere HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{}",
         "501 Not Implemented", "{\"code\":12,\"message\":\"There is no such method\"}"},
        {"POST /sample.Sample/Say HTTP/1.1\r\nContent-Type: application/json\r\n\r\n[]",
         "400 Bad Request",
         "{\"code\":3,\"message\":\"An object is expected, at byte 1 of the body\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        send_text(*state, rows[i].text);
        expect(rows[i].status, rows[i].json);
    }
}

static void test_timeout_is_a_number_and_a_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t nanoseconds; /* 0: it is refused */
    } rows[] = {{"1H", 3600000000000},
                {"2M", 120000000000},
                {"3S", 3000000000},
                {"4m", 4000000},
                {"5u", 5000},
                {"6n", 6},
                {"0n", 1},
                {"12345678m", 12345678000000},
                {"", 0},
                {"S", 0},
                {"1", 0},
                {"1x", 0},
                {"1Sx", 0},
                {"123456789n", 0},
                {"-1S", 0}};
    struct rpc_world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fields[64], payload[512];
        (void)snprintf(fields, sizeof fields, "grpc-timeout: %s\r\n", rows[i].text);
        rpc_open.call = NULL;
        rpc_call(world, HTTP, &request,
                 weft_view(payload, rpc_post(payload, sizeof payload, "/sample.Sample/Say", fields,
                                             "{\"text\":\"open\"}")));
        assert_int_equal(request.ended, rows[i].nanoseconds == 0);
        if (request.ended) {
            expect("400 Bad Request", "{\"code\":3,\"message\":\"Grpc-Timeout is up to 8 digits "
                                      "and one of H M S m u n\"}");
            continue;
        }
        assert_true(weft_rpc_deadline(rpc_open.call) - weft_loop_now(world->loop) ==
                    rows[i].nanoseconds);
        weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
        fake_request_fini(&request);
    }
}

static void test_metadata_are_the_fields_of_the_request(void **state)
{
    char payload[512], name[100] = "";
    struct weft_view value;
    rpc_call(*state, HTTP, &request,
             weft_view(payload, rpc_post(payload, sizeof payload, "/sample.Sample/Say",
                                         "x-colour:  blue\r\n", "{\"text\":\"metadata\"}")));
    expect("200 OK", "{\"text\":\"blue\"}");
    rpc_call_json(*state, &request, "/sample.Sample/Say", "{\"text\":\"keep\"}");
    assert_true(weft_rpc_metadata(rpc_open.call, "host", &value));
    assert_true(weft_view_equal(value, weft_view_str("localhost")));
    memset(name, 'n', sizeof name - 1);
    assert_false(weft_rpc_metadata(rpc_open.call, name, &value));
    assert_string_equal(rpc_open.text->text, "keep");
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, "");
    expect("409 Conflict", "{\"code\":10,\"message\":\"\"}");
}

static void test_stream_is_a_line_of_json_a_message(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
                               "X-Accel-Buffering: no\r\n\r\n{\"result\":{\"text\":\"fail\"}}\n";
    rpc_call_json(*state, &request, "/sample.Sample/Stream", "{\"text\":\"fail\",\"count\":2}");
    assert_int_equal(request.reply_count, 3);
    expect_reply(0, head);
    expect_reply(1, "{\"result\":{\"text\":\"fail\",\"count\":1}}\n");
    expect_reply(2, "{\"error\":{\"code\":10,\"message\":\"half \\\"way\\\"\"}}\n");
    fake_request_fini(&request);
    rpc_call_json(*state, &request, "/sample.Sample/Stream", "{\"text\":\"ok\",\"count\":1}");
    assert_int_equal(request.reply_count, 1);
    fake_request_fini(&request);
}

static void test_stream_without_a_message_has_a_status(void **state)
{
    rpc_call_json(*state, &request, "/sample.Sample/Stream", "{\"text\":\"fail\"}");
    expect("409 Conflict", "{\"code\":10,\"message\":\"half \\\"way\\\"\"}");
    rpc_call_json(*state, &request, "/sample.Sample/Stream", "{}");
    assert_int_equal(request.reply_count, 1);
    expect_reply(0, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
                    "Content-Length: 0\r\n\r\n");
    fake_request_fini(&request);
}

/* Each of these takes six bytes. */
static void test_words_that_grow_by_their_escapes_are_cut(void **state)
{
    char words[201] = "";
    memset(words, '\x01', sizeof words - 1);
    rpc_call_json(*state, &request, "/sample.Sample/Say", "{\"text\":\"open\"}");
    weft_rpc_end(rpc_open.call, WEFT_RPC_UNAUTHENTICATED, words);
    const struct weft_view reply = fake_request_reply(&request);
    assert_in_range(reply.size, 300, WEFT_REJECT_MAX);
    assert_memory_equal(reply.data + reply.size - 8, "\\u0001\"}", 8);
    fake_request_fini(&request);
}

static void test_large_answer_leaves_no_memory_behind(void **state)
{
    static char json[300000];
    struct rpc_world *world = *state;
    const struct weft__rpc_loop *loop = world->states[HTTP];
    memset(json, 'x', sizeof json - 1);
    memcpy(json, "{\"text\":\"", 9);
    memcpy(json + sizeof json - 3, "\"}", 2);
    rpc_call_json(world, &request, "/sample.Sample/Say", json);
    assert_true(fake_request_reply(&request).size > sizeof json);
    assert_null(loop->text.buf.data);
    fake_request_fini(&request);
    rpc_call_json(world, &request, "/sample.Sample/Say", "{}");
    assert_non_null(loop->text.buf.data);
    fake_request_fini(&request);
}

static void converse(void *arg)
{
    static const char *const calls[][2] = {
        {"/sample.Sample/Say", "{\"text\":\"hello\"}"},
        {"/sample.Sample/Stream", "{\"text\":\"part\",\"count\":2}"},
        {"/sample.Sample/Say", "{\"text\":\"keep\"}"},
        {"/sample.Sample/Echo", "{\"bytes\":\"AAAA\",\"numbers\":[1,2,3,4,5]}"},
    };
    struct rpc_world world;
    (void)arg;
    if (rpc_world_init(&world))
        for (size_t i = 0; i < 4; i++) {
            rpc_open.call = NULL;
            rpc_call_json(&world, &request, calls[i][0], calls[i][1]);
            if (!request.ended)
                weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, "later");
            assert_true(request.ended);
            assert_true(request.refused || request.reply_count > 0);
            fake_request_fini(&request);
        }
    rpc_world_fini(&world);
}

static void test_calls_survive_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(converse, NULL);
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_json_is_answered_with_json),
        RPC_TEST(test_codes_are_statuses),
        RPC_TEST(test_request_that_is_no_call_is_refused),
        RPC_TEST(test_timeout_is_a_number_and_a_unit),
        RPC_TEST(test_metadata_are_the_fields_of_the_request),
        RPC_TEST(test_stream_is_a_line_of_json_a_message),
        RPC_TEST(test_stream_without_a_message_has_a_status),
        RPC_TEST(test_words_that_grow_by_their_escapes_are_cut),
        RPC_TEST(test_large_answer_leaves_no_memory_behind),
        cmocka_unit_test(test_calls_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
