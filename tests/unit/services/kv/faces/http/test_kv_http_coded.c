/* SPDX-License-Identifier: MIT
 *
 * The HTTP face, for values that the codec sends compressed. */
#include "http_talk.h"

#define KEY "/v1/tables/t/keys/k"

/* A value that was sent compressed has a tag of its own, by which the conditions know the value too. */
static void test_tag_of_a_compressed_value_is_one_of_the_value(void **state)
{
    (void)state;
    struct http_talk talk;
    char fields[200], tag[40];
    http_talk_init(&talk, NULL, NULL);
    const char *reply = http_ask(&talk, "PUT " KEY, "", "x");
    assert_int_equal(sscanf(strstr(reply, "ETag: "), "ETag: \"%39[0-9a-f]", tag), 1);
    snprintf(fields, sizeof fields, "If-None-Match: \"a-gzip\", W/\"%s-gzip\"\r\n", tag);
    reply = http_ask(&talk, "GET " KEY, fields, "");
    assert_reply(reply, 304, "");
    snprintf(fields, sizeof fields, "ETag: \"%s-gzip\"\r\n", tag);
    assert_has(reply, fields);
    assert_has(reply, "Vary: Accept, Accept-Encoding\r\n");
    snprintf(fields, sizeof fields, "If-Match: \"%s-gzip\"\r\n", tag);
    assert_reply(http_ask(&talk, "GET " KEY, fields, ""), 200, "x");
    assert_reply(http_ask(&talk, "PUT " KEY, fields, "y"), 204, "");
    assert_int_equal(http_status(http_ask(&talk, "DELETE " KEY, fields, "")), 412);
    snprintf(fields, sizeof fields, "If-Match: \"%s-gzap\"\r\n", tag);
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, fields, "")), 412);
    snprintf(fields, sizeof fields, "If-Match: \"%s-gzip\r\n", tag);
    assert_int_equal(http_status(http_ask(&talk, "GET " KEY, fields, "")), 412);
    http_talk_fini(&talk);
}

/* The codec then compresses it once (codecs/http/coding.h). */
static void test_large_value_is_shown_as_a_part_of_its_blob(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        bool in_blob;
    } rows[] = {{"", true}, {"Accept: application/json\r\n", false}};
    enum { SIZE = 5000 };
    struct http_talk talk;
    char large[SIZE + 1], request[200];
    const struct weft_blob *first = NULL;
    memset(large, 'x', SIZE);
    large[SIZE] = '\0';
    http_talk_init(&talk, NULL, NULL);
    (void)http_ask(&talk, "PUT " KEY, "", large);
    for (size_t i = 0; i < 4; i++) {
        struct fake_request get;
        snprintf(request, sizeof request, "GET " KEY " HTTP/1.1\r\nHost: a\r\n%s\r\n",
                 rows[i / 2].fields);
        kv_fixture_send(&talk.fixture, &get, weft_view_str(request));
        assert_int_equal(get.of_blob != NULL, rows[i / 2].in_blob);
        assert_int_equal(get.lasting, rows[i / 2].in_blob);
        if (i == 1)
            assert_ptr_equal(get.of_blob, first);
        first = get.of_blob;
        fake_request_fini(&get);
    }
    http_talk_fini(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tag_of_a_compressed_value_is_one_of_the_value),
        cmocka_unit_test(test_large_value_is_shown_as_a_part_of_its_blob),
    };
    return cmocka_run_group_tests_name("kv http coded", tests, NULL, NULL);
}
