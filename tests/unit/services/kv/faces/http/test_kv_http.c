/* SPDX-License-Identifier: MIT
 *
 * Requests of the HTTP face: their effects and their replies. */
#include "http_talk.h"

#define KEY "/v1/tables/t/keys/k"

static void test_value_comes_back_as_it_was_put(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_reply(http_ask(&talk, "PUT " KEY, "", "hello"), 201, "");
    assert_reply(http_ask(&talk, "PUT " KEY, "", "world"), 204, "");
    const char *reply = http_ask(&talk, "GET " KEY, "", "");
    assert_reply(reply, 200, "world");
    assert_has(reply, "Content-Type: text/plain; charset=utf-8\r\n");
    assert_has(reply, "Weft-Type: string\r\n");
    assert_has(reply, "Date: ");
    assert_has(reply, "ETag: \"");
    http_talk_fini(&talk);
}

static void test_bytes_that_are_no_text_are_binary(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_int_equal(http_status(http_ask_body(&talk, "PUT " KEY, "", weft_view("\xff\0\x01", 3))),
                     201);
    const char *reply = http_ask(&talk, "GET " KEY, "", "");
    assert_has(reply, "Content-Type: application/octet-stream\r\n");
    assert_has(reply, "Content-Length: 3\r\n");
    assert_memory_equal(talk.reply.data + talk.reply.size - 3, "\xff\0\x01", 3);
    assert_reply(http_ask(&talk, "GET " KEY, "Accept: application/json\r\n", ""), 200,
                 "{\"base64\":\"/wAB\"}\n");
    http_talk_fini(&talk);
}

static void test_content_type_says_what_a_value_is(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask(&talk, "PUT " KEY, "Content-Type: application/octet-stream\r\n", "text");
    assert_has(http_ask(&talk, "GET " KEY, "", ""), "Weft-Type: binary\r\n");
    (void)http_ask(&talk, "PUT " KEY, "Content-Type: text/html; charset=utf-8\r\n", "text");
    assert_has(http_ask(&talk, "GET " KEY, "", ""), "Weft-Type: string\r\n");
    assert_int_equal(
        http_status(http_ask(&talk, "PUT " KEY, "Content-Type: text/plain\r\n", "\xff")), 400);
    assert_true(talk.bad);
    http_talk_fini(&talk);
}

static void test_json_is_sent_to_who_prefers_it(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool json;
    } rows[] = {
        {"", false},
        {"Accept: */*\r\n", false},
        {"Accept: application/json\r\n", true},
        {"Accept: application/*\r\n", false},
        {"Accept: application/json, text/plain, */*\r\n", false},
        {"Accept: application/json, */*;q=0.5\r\n", true},
        {"Accept: application/json;q=0.2, text/plain\r\n", false},
    };
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask(&talk, "PUT " KEY, "", "a\"b");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_reply(http_ask(&talk, "GET " KEY, rows[i].accept, ""), 200,
                     rows[i].json ? "\"a\\\"b\"\n" : "a\"b");
    http_talk_fini(&talk);
}

static void test_large_value_comes_back(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    struct http_talk talk;
    uint8_t *large = malloc(SIZE);
    assert_non_null(large);
    for (size_t i = 0; i < SIZE; i++)
        large[i] = (uint8_t)(i * 7);
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask_body(&talk, "PUT " KEY, "", weft_view(large, SIZE));
    assert_has(http_ask(&talk, "GET " KEY, "", ""), "Content-Length: 100000\r\n");
    assert_memory_equal(talk.reply.data + talk.reply.size - SIZE, large, SIZE);
    free(large);
    http_talk_fini(&talk);
}

static void test_delete_says_if_there_was_something(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask(&talk, "PUT " KEY, "", "x");
    assert_reply(http_ask(&talk, "DELETE " KEY, "", ""), 204, "");
    assert_int_equal(http_status(http_ask(&talk, "DELETE " KEY, "", "")), 404);
    assert_reply(
        http_ask(&talk, "GET " KEY, "", ""), 404,
        "{\"title\":\"Not Found\",\"status\":404,\"detail\":\"Not found for table: t, key: k\"}\n");
    assert_has((const char *)talk.reply.data, "Content-Type: application/problem+json\r\n");
    assert_false(talk.bad);
    http_talk_fini(&talk);
}

static void test_names_are_any_bytes(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask(&talk, "PUT /v1/tables/a%2Fb/keys/c%20%00%ff", "", "1");
    (void)http_ask(&talk, "PUT /v1/tables//keys/", "", "2");
    assert_reply(http_ask(&talk, "GET /v1/tables/a%2fb/keys/c%20%00%FF", "", ""), 200, "1");
    assert_reply(http_ask(&talk, "GET http://x/v1/tables//keys/", "", ""), 200, "2");
    assert_reply(http_ask(&talk, "GET /v1/tables/a%2Fb", "", ""), 200,
                 "{\"pairs\":[{\"key\":{\"base64\":\"YyAA/w==\"},\"value\":\"1\"}]}\n");
    assert_has(http_ask(&talk, "GET /v1/tables/t/keys/%ff", "", ""), "key: \\ufffd\"");
    http_talk_fini(&talk);
}

static void test_page_ends_with_the_cursor_of_the_next(void **state)
{
    (void)state;
    struct http_talk talk;
    char line[600], cursor[500], *end;
    unsigned pages = 0, pairs = 0;
    http_talk_init(&talk, NULL, NULL);
    assert_reply(http_ask(&talk, "GET /v1/tables/t", "", ""), 200, "{\"pairs\":[]}\n");
    for (int i = 0; i < 10; i++) {
        snprintf(line, sizeof line, "PUT /v1/tables/t/keys/%c%d", i % 2 ? 'a' : 'b', i);
        (void)http_ask(&talk, line, "", "x");
    }
    snprintf(line, sizeof line, "GET /v1/tables/t?limit=3");
    for (bool more = true; more; pages++) {
        const char *reply = http_ask(&talk, line, "", "");
        assert_int_equal(http_status(reply), 200);
        for (const char *at = reply; (at = strstr(at, "{\"key\":")); at++)
            pairs++;
        const char *at = strstr(reply, "],\"cursor\":\"");
        more = at != NULL;
        if (!more)
            break;
        snprintf(cursor, sizeof cursor, "%s", at + strlen("],\"cursor\":\""));
        end = strchr(cursor, '"');
        assert_non_null(end);
        *end = '\0';
        snprintf(line, sizeof line, "GET /v1/tables/t?limit=3&cursor=%s", cursor);
    }
    assert_int_equal(pairs, 10);
    assert_true(pages >= 3);
    const char *reply = http_ask(&talk, "GET /v1/tables/t?prefix=%61", "", "");
    assert_has(reply, "\"a9\"");
    assert_has_not(reply, "\"b0\"");
    http_talk_fini(&talk);
}

static void test_wrong_requests_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *line, *fields;
        unsigned status;
        const char *part;
    } rows[] = {
        {"GET /", "", 404, "Nothing is here: see docs/http.md"},
        {"GET /v1/tablesx", "", 404, ""},
        {"GET /v1/tables/t/keys", "", 404, ""},
        {"GET /v1/tables/t/keys/k/", "", 404, ""},
        {"GET /v1/tables/t/k", "", 404, ""},
        {"POST " KEY, "", 405, "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"},
        {"PUT /v1/tables/t", "", 405, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"},
        {"PATCH " KEY, "", 405, "The resource does not have this method"},
        {"GET /v1/batch", "", 405, "Allow: POST, OPTIONS\r\n"},
        {"GET /v1/tables/t?limit=0", "", 400, "limit"},
        {"GET /v1/tables/t?limit=x", "", 400, "limit"},
        {"GET /v1/tables/t?limit=99999999999999999999", "", 400, "limit"},
        {"GET /v1/tables/t?offset=1", "", 400, "cursor, limit and prefix"},
        {"GET /v1/tables/t?cursor=x", "", 400, "cursor"},
        {"GET /v1/tables/t?cursor=AAAA", "", 410, "cursor expired"},
        {"GET /v1/tables/%2/keys/k", "", 400, "percent"},
        {"PUT " KEY, "Weft-Expires-In: 1.5\r\n", 400, "Weft-Expires-In"},
        {"PUT " KEY, "Weft-Expires-In: -1\r\n", 400, "Weft-Expires-In"},
        {"PUT " KEY, "Weft-Expires-In: 1\r\nWeft-Expires-In: 2\r\n", 400, "Weft-Expires-In"},
        {"PUT " KEY, "If-Match: *\r\nIf-Match: *\r\n", 400, "two fields"},
        {"PUT " KEY, "If-Match: *\r\nIf-None-Match: *\r\n", 400, "do not go together"},
        {"PUT " KEY, "If-None-Match: \"x\"\r\n", 501, "If-None-Match of a write takes * alone"},
        {"PUT " KEY, "If-Match: \"x\"\r\n", 412, "If-Match takes one ETag of kv, or *"},
        {"PUT " KEY, "Content-Encoding: gzip\r\n", 415, "Content-Encoding: send it as it is"},
        {"PUT " KEY, "Content-Range: bytes 0-1/2\r\n", 400, "part"},
    };
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *reply = http_ask(&talk, rows[i].line, rows[i].fields, "x");
        if (http_status(reply) != rows[i].status)
            fail_msg("%s: '%s'", rows[i].line, reply);
        assert_has(reply, rows[i].part);
        assert_has(reply, "Content-Type: application/problem+json\r\n");
        assert_int_equal(talk.bad, rows[i].status == 400);
    }
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "", "")), 404);
    http_talk_fini(&talk);
}

static void test_value_is_not_sent_again_to_who_has_it(void **state)
{
    (void)state;
    struct http_talk talk;
    char fields[200], tag[80];
    http_talk_init(&talk, NULL, NULL);
    const char *reply = http_ask(&talk, "PUT " KEY, "", "x");
    assert_int_equal(sscanf(strstr(reply, "ETag: "), "ETag: %79s", tag), 1);
    assert_has(http_ask(&talk, "GET " KEY, "", ""), tag);
    static const char *const forms[] = {"%s", "\"a\", %s", "W/%s", "*"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char value[120];
        if (i == 3)
            snprintf(value, sizeof value, "*");
        else
            snprintf(value, sizeof value, i == 0 ? "%s" : i == 1 ? "\"a\", %s" : "W/%s", tag);
        snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", value);
        reply = http_ask(&talk, "GET " KEY, fields, "");
        assert_reply(reply, 304, "");
        assert_has_not(reply, "Content-Length");
        assert_has(reply, tag);
    }
    assert_reply(http_ask(&talk, "GET " KEY, "If-None-Match: \"a\"\r\n", ""), 200, "x");
    snprintf(fields, sizeof fields, "If-Match: %s\r\n", tag);
    assert_reply(http_ask(&talk, "GET " KEY, fields, ""), 200, "x");
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "If-Match: \"a\"\r\n", "")), 412);
    http_talk_fini(&talk);
}

static void test_pages_of_other_origins_are_refused(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, "Origin: https://a.example\r\n", "x")),
                     403);
    assert_has((const char *)talk.reply.data, "The page's origin is not one that cors= lists");
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "Origin: null\r\n", "")), 403);
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "", "")), 404);
    http_talk_fini(&talk);
}

static void test_pages_of_listed_origins_are_answered_for_their_browsers(void **state)
{
    (void)state;
    static const char origin[] = "Origin: https://b.example\r\n";
    struct http_talk talk;
    http_talk_init(&talk, NULL, "https://a.example,https://b.example");
    const char *reply = http_ask(&talk, "PUT " KEY, origin, "x");
    assert_int_equal(http_status(reply), 201);
    assert_has(reply, "Access-Control-Allow-Origin: https://b.example\r\n");
    assert_has(reply, "Vary: Accept, Accept-Encoding, Origin\r\n");
    reply = http_ask(&talk, "OPTIONS " KEY, origin, "");
    assert_reply(reply, 204, "");
    assert_has(reply, "Access-Control-Allow-Methods: GET, HEAD, PUT, DELETE, OPTIONS\r\n");
    assert_has(reply, "Access-Control-Allow-Headers: ");
    assert_int_equal(
        http_status(http_ask(&talk, "GET " KEY, "Origin: https://b.example.evil\r\n", "")), 403);
    assert_has_not((const char *)talk.reply.data, "Access-Control-Allow-Origin");
    http_talk_fini(&talk);
}

static void test_star_lets_every_page_in(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, "*");
    assert_has(http_ask(&talk, "PUT " KEY, "Origin: https://x\r\n", "x"),
               "Access-Control-Allow-Origin: *\r\n");
    http_talk_fini(&talk);
}

static void test_options_and_health_are_answered_by_the_face(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_reply(http_ask(&talk, "GET /healthz", "", ""), 200, "ok\n");
    assert_has(http_ask(&talk, "OPTIONS *", "", ""), "Allow: OPTIONS\r\n");
    assert_int_equal(http_status((const char *)talk.reply.data), 204);
    http_talk_fini(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_comes_back_as_it_was_put),
        cmocka_unit_test(test_bytes_that_are_no_text_are_binary),
        cmocka_unit_test(test_content_type_says_what_a_value_is),
        cmocka_unit_test(test_json_is_sent_to_who_prefers_it),
        cmocka_unit_test(test_large_value_comes_back),
        cmocka_unit_test(test_delete_says_if_there_was_something),
        cmocka_unit_test(test_names_are_any_bytes),
        cmocka_unit_test(test_page_ends_with_the_cursor_of_the_next),
        cmocka_unit_test(test_wrong_requests_are_refused_with_a_reason),
        cmocka_unit_test(test_value_is_not_sent_again_to_who_has_it),
        cmocka_unit_test(test_pages_of_other_origins_are_refused),
        cmocka_unit_test(test_pages_of_listed_origins_are_answered_for_their_browsers),
        cmocka_unit_test(test_star_lets_every_page_in),
        cmocka_unit_test(test_options_and_health_are_answered_by_the_face),
    };
    return cmocka_run_group_tests_name("kv, HTTP face", tests, NULL, NULL);
}
