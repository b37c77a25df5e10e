/* SPDX-License-Identifier: MIT
 *
 * Commands of a batch that count, expire or have conditions, and what their answers have. */
#include "http_talk.h"

#include <inttypes.h>

#include "core/task.h"

#define NDJSON "Content-Type: application/x-ndjson\r\n"

static const char *ask(struct http_talk *talk, const char *lines)
{
    return strstr(http_ask(talk, "POST /v1/batch", NDJSON, lines), "\r\n\r\n") + 4;
}

static void test_counters_answer_the_sum(void **state)
{
    (void)state;
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    assert_string_equal(
        ask(&talk, "[\"hincr\",\"t\",\"n\"]\n"
                   "[\"hincr\",\"t\",\"n\",41]\n"
                   "[\"hincr\",\"t\",\"n\",0.5]\n"
                   "[\"hincr\",\"t\",\"n\",{\"float\":\"-1\"}]\n"
                   "[\"hset\",\"t\",\"s\",\"x\"]\n"
                   "[\"hincr\",\"t\",\"s\"]\n"
                   "[\"count\",\"t\"]\n"
                   "[\"ping\"]\n"
                   "[\"drop\",\"t\"]\n"),
        "{\"line\":1,\"status\":200,\"value\":1}\n"
        "{\"line\":2,\"status\":200,\"value\":42}\n"
        "{\"line\":3,\"status\":200,\"value\":42.5}\n"
        "{\"line\":4,\"status\":200,\"value\":41.5}\n"
        "{\"line\":5,\"status\":200,\"value\":null}\n"
        "{\"line\":6,\"status\":409,\"message\":\"Not an integer for table: t, key: s\"}\n"
        "{\"line\":7,\"status\":200,\"value\":2}\n"
        "{\"line\":8,\"status\":200}\n"
        "{\"line\":9,\"status\":200,\"value\":2}\n");
    http_talk_fini(&talk);
}

static void test_keys_expire_and_say_when(void **state)
{
    (void)state;
    struct http_talk talk;
    char expected[800];
    http_talk_init(&talk, NULL, NULL);
    int64_t now = weft_loop_wall(talk.fixture.loop);
    const char *reply =
        ask(&talk, "[\"hset\",\"t\",\"a\",1,{\"ttl\":\"10s\"}]\n"
                   "[\"hmset\",\"t\",\"b\",1,\"c\",2,{\"ttl\":0.5}]\n"
                   "[\"httl\",\"t\",\"a\",\"none\"]\n"
                   "[\"hexpire\",\"t\",\"a\",20]\n"
                   "[\"hexpire\",\"t\",\"b\",\"never\"]\n"
                   "[\"hpersist\",\"t\",\"c\"]\n"
                   "[\"hset\",\"t\",\"a\",2,{\"keep_ttl\":true}]\n"
                   "[\"hset\",\"t\",\"a\",2,{\"keep-ttl\":true,\"if_present\":false}]\n"
                   "[\"httl\",\"t\",\"a\"]\n");
    snprintf(expected, sizeof expected,
             "{\"line\":1,\"status\":200,\"value\":null}\n"
             "{\"line\":2,\"status\":200,\"values\":[null,null]}\n"
             "{\"line\":3,\"status\":200,\"values\":[true,false],\"states\":[{\"expires\":%" PRId64
             ",\"left\":10000},null]}\n"
             "{\"line\":4,\"status\":200,\"value\":true,\"state\":{\"expires\":%" PRId64
             ",\"left\":20000}}\n"
             "{\"line\":5,\"status\":200,\"value\":true,\"state\":null}\n"
             "{\"line\":6,\"status\":200,\"values\":[true],\"states\":[null]}\n"
             "{\"line\":7,\"status\":200,\"value\":1}\n"
             "{\"line\":8,\"status\":200,\"value\":2}\n"
             "{\"line\":9,\"status\":200,\"values\":[true],\"states\":[{\"expires\":%" PRId64
             ",\"left\":20000}]}\n",
             now + 10000, now + 20000, now + 20000);
    assert_string_equal(reply, expected);
    http_talk_fini(&talk);
}

static void test_conditions_hold_or_say_what_is_there(void **state)
{
    (void)state;
    struct http_talk talk;
    char version[40], lines[300], expected[300];
    http_talk_init(&talk, NULL, NULL);
    const char *reply = ask(&talk, "[\"hset\",\"t\",\"a\",1,{\"if_absent\":true}]\n"
                                   "[\"hget\",\"t\",\"a\",{\"state\":true}]\n");
    const char *found = strstr(reply, "\"state\":{\"version\":\"");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "\"state\":{\"version\":\"%32[0-9a-f]\"}", version), 1);
    snprintf(expected, sizeof expected,
             "{\"line\":1,\"status\":412,\"message\":\"Condition is not met for table: t, key: a\","
             "\"state\":{\"version\":\"%s\"}}\n"
             "{\"line\":2,\"status\":412,\"message\":\"Condition is not met for table: t, key: b\","
             "\"states\":[null]}\n",
             version);
    assert_string_equal(ask(&talk, "[\"hset\",\"t\",\"a\",2,{\"if_absent\":true}]\n"
                                   "[\"hmset\",\"t\",\"b\",2,{\"if_present\":true}]\n"),
                        expected);
    snprintf(lines, sizeof lines,
             "[\"hset\",\"t\",\"a\",2,{\"if_version\":\"%s\",\"ttl\":1}]\n"
             "[\"hdel\",\"t\",\"a\",{\"if_version\":\"%s\"}]\n"
             "[\"hmget\",\"t\",\"a\",\"b\",{\"state\":true}]\n",
             version, version);
    reply = ask(&talk, lines);
    assert_has(reply, "{\"line\":1,\"status\":200,\"value\":1}\n");
    assert_has(reply, "{\"line\":2,\"status\":412,");
    assert_has(reply, "{\"line\":3,\"status\":200,\"values\":[2,null],\"states\":[{\"version\":\"");
    assert_has(reply, "\",\"expires\":");
    assert_has(reply, ",\"left\":1000},null]}\n");
    http_talk_fini(&talk);
}

static void test_wrong_words_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"[\"hgetall\",\"t\"]",
         "no such command: hget, hmget, hset, hmset, hincr, hdel, hmdel, hexist, "
         "hmexist, hexpire, httl, hpersist, count, drop and ping are"},
        {"[\"hscan\",\"t\"]", "no such command"},
        {"[\"tables\"]", "no such command"},
        {"[\"login\",\"a\",\"b\"]", "no such command"},
        {"[\"help\"]", "no such command"},
        {"[\"ping\",1]", "more than the command takes"},
        {"[\"ping\"] 1", "more than one array on the line"},
        {"[\"count\",\"t\",\"k\"]", "more than the command takes"},
        {"[\"hget\",\"t\"]", "no key"},
        {"[\"hget\",\"t\",\"a\",\"b\"]", "more than the command takes"},
        {"[\"hset\",\"t\",\"a\",1,\"b\"]", "more than the command takes"},
        {"[\"hset\",\"t\",\"a\"]", "a key without a value"},
        {"[\"hset\",\"t\",\"a\",{\"ttl\":1}]", "an object is no value"},
        {"[\"hexpire\",\"t\",\"a\"]", "too few words for the command"},
        {"[\"hexpire\",\"t\",\"a\",0]", "a time is never, or seconds over 0"},
        {"[\"hexpire\",\"t\",\"a\",true]", "a time is never, or seconds over 0, as 10, 0.25, "},
        {"[\"hexpire\",\"t\",\"a\",1,2]", "more than the command takes"},
        {"[\"hincr\",\"t\",\"a\",\"1\"]", "hincr adds an integer or a float"},
        {"[\"hincr\",\"t\",\"a\",null]", "hincr adds an integer or a float"},
        {"[\"hincr\",\"t\",\"a\",[]]", "an array is no value"},
        {"[\"hincr\",\"t\",\"a\",1,2]", "more than the command takes"},
        {"[\"hexist\",\"t\",\"a\",{\"ttl\":1}]", "more than the command takes"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl\":\"x\"}]", "--ttl: not seconds over 0"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl\":true}]", "an option is true, false, a text or a number"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl\":1,\"keep_ttl\":true}]", "choose one of them"},
        {"[\"hset\",\"t\",\"a\",1,{\"if_absent\":1}]",
         "an option that takes no value but true or false"},
        {"[\"hset\",\"t\",\"a\",1,{\"state\":true}]", "--state is an option of"},
        {"[\"hget\",\"t\",\"a\",{\"ttl\":1}]", "--ttl is an option of"},
        {"[\"hset\",\"t\",\"a\",1,{\"sooner\":true}]",
         "no such option: ttl, expire_at, keep_ttl, if_absent, if_present, if_version and state "
         "are"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl=1\":true}]", "no such option"},
        {"[\"hset\",\"t\",\"a\",1,{\"a-name-that-no-option-can-ever-have\":true}]",
         "no such option"},
        {"[\"hset\",\"t\",\"a\",1,{\"\\ud800\":true}]", "surrogate"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl\",1}]", "a colon is missing in the object"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl\":1]", "an object of options does not end"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl\":1},2]", "options stand at the end"},
        {"[\"hset\",\"t\",\"a\",1,{\"ttl\":1}", "options stand at the end"},
    };
    struct http_talk talk;
    http_talk_init(&talk, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *reply = ask(&talk, rows[i].line);
        if (!strstr(reply, "{\"line\":1,\"status\":400,\"message\":\"") ||
            !strstr(reply, rows[i].why))
            fail_msg("%s: %s", rows[i].line, reply);
    }
    assert_string_equal(
        ask(&talk, "[\"hget\",\"t\",\"a\",{}]"),
        "{\"line\":1,\"status\":404,\"message\":\"Not found for table: t, key: a\"}\n");
    http_talk_fini(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_answer_the_sum),
        cmocka_unit_test(test_keys_expire_and_say_when),
        cmocka_unit_test(test_conditions_hold_or_say_what_is_there),
        cmocka_unit_test(test_wrong_words_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests_name("kv http batch words", tests, NULL, NULL);
}
