/* SPDX-License-Identifier: MIT
 *
 * Conditions, expiry, and tables over HTTP. */
#include "http_talk.h"

#define KEY "/v1/tables/t/keys/k"

/* The ETag of the last reply, as the value of a field. */
static void tag_of(const struct http_talk *talk, char tag[64])
{
    const char *at = strstr((const char *)talk->reply.data, "ETag: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "ETag: %63s", tag), 1);
}

static void test_put_takes_effect_if_its_condition_holds(void **state)
{
    (void)state;
    struct http_talk talk;
    char tag[64], fields[100];
    http_talk_init(&talk, NULL, NULL);
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, "If-Match: *\r\n", "x")), 412);
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, "If-None-Match: *\r\n", "1")), 201);
    tag_of(&talk, tag);
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, "If-None-Match: *\r\n", "x")), 412);
    assert_reply(http_ask(&talk, "GET " KEY, "", ""), 200, "1");
    snprintf(fields, sizeof fields, "If-Match: %s\r\n", tag);
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, fields, "2")), 204);
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, fields, "3")), 412);
    assert_has((const char *)talk.reply.data, "application/problem+json");
    assert_reply(http_ask(&talk, "GET " KEY, "", ""), 200, "2");
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, "If-Match: *\r\n", "4")), 204);
    http_talk_fini(&talk);
}

static void test_delete_takes_effect_if_its_condition_holds(void **state)
{
    (void)state;
    struct http_talk talk;
    char tag[64], fields[100];
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask(&talk, "PUT " KEY, "", "1");
    tag_of(&talk, tag);
    snprintf(fields, sizeof fields, "If-Match: %s\r\n", tag);
    (void)http_ask(&talk, "PUT " KEY, "", "2");
    assert_int_equal(http_status(http_ask(&talk, "DELETE " KEY, fields, "")), 412);
    (void)http_ask(&talk, "PUT " KEY, "", "1");
    assert_int_equal(http_status(http_ask(&talk, "DELETE " KEY, fields, "")), 204);
    assert_int_equal(http_status(http_ask(&talk, "DELETE " KEY, fields, "")), 412);
    assert_int_equal(http_status(http_ask(&talk, "DELETE " KEY, "If-Match: *\r\n", "")), 412);
    http_talk_fini(&talk);
}

static void test_put_and_get_have_the_same_tag(void **state)
{
    (void)state;
    struct http_talk talk;
    char put[64], get[64];
    char large[3000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    http_talk_init(&talk, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        (void)http_ask(&talk, "PUT " KEY, i ? "If-Match: *\r\n" : "", i ? large : "small");
        tag_of(&talk, put);
        (void)http_ask(&talk, "GET " KEY, "", "");
        tag_of(&talk, get);
        assert_string_equal(put, get);
    }
    http_talk_fini(&talk);
}

static void test_key_says_how_long_it_has_left(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_has(http_ask(&talk, "PUT " KEY, "Weft-Expires-In: 10\r\n", "x"),
               "Weft-Expires-In: 10\r\n");
    assert_has(http_ask(&talk, "GET " KEY, "", ""), "Weft-Expires-In: 10\r\n");
    assert_has(http_ask(&talk, "GET /v1/tables/t", "", ""), ",\"expires_in\":10}");
    assert_int_equal(http_status(http_ask(&talk, "PUT " KEY, "", "x")), 204);
    assert_has_not(http_ask(&talk, "GET " KEY, "", ""), "Weft-Expires-In");
    assert_has_not(http_ask(&talk, "GET /v1/tables/t", "", ""), "expires_in");
    (void)http_ask(&talk, "PUT " KEY, "Weft-Expires-In: 0\r\n", "x");
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, "", "")), 404);
    http_talk_fini(&talk);
}

static void test_tables_are_listed_and_removed(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_reply(http_ask(&talk, "GET /v1/tables", "", ""), 200, "{\"tables\":[]}\n");
    (void)http_ask(&talk, "PUT /v1/tables/a%20b/keys/1", "", "x");
    (void)http_ask(&talk, "PUT /v1/tables/a%20b/keys/2", "", "x");
    (void)http_ask(&talk, "PUT /v1/tables/c/keys/1", "", "x");
    assert_has(http_ask(&talk, "GET /v1/tables", "", ""), "{\"name\":\"a b\",\"keys\":2}");
    assert_reply(http_ask(&talk, "GET /v1/tables?prefix=c", "", ""), 200,
                 "{\"tables\":[{\"name\":\"c\",\"keys\":1}]}\n");
    assert_reply(http_ask(&talk, "DELETE /v1/tables/c", "", ""), 204, "");
    assert_reply(http_ask(&talk, "GET /v1/tables?prefix=c", "", ""), 200, "{\"tables\":[]}\n");
    http_talk_fini(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_takes_effect_if_its_condition_holds),
        cmocka_unit_test(test_delete_takes_effect_if_its_condition_holds),
        cmocka_unit_test(test_put_and_get_have_the_same_tag),
        cmocka_unit_test(test_key_says_how_long_it_has_left),
        cmocka_unit_test(test_tables_are_listed_and_removed),
    };
    return cmocka_run_group_tests_name("kv, HTTP face, conditions", tests, NULL, NULL);
}
