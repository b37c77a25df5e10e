/* SPDX-License-Identifier: MIT
 *
 * CLIENT INFO, LIST and KILL over connections that the test makes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kv_fixture.h"
#include "core/base/settings.h"
#include "lib/late_store.h"

static const struct weft_option_set none = {0};

/* The core shows them in no order of their numbers. */
static const struct weft_connection rows[] = {
    {.id = 7,
     .address = "10.0.0.7:70",
     .transport = "tcp",
     .codec = "resp",
     .service = "kv",
     .endpoint = "tcp://127.0.0.1:6379 codec=resp service=kv",
     .user = "mia",
     .label = "two words",
     .state = WEFT_CONNECTION_OPEN,
     .age = 5 * INT64_C(1000000000),
     .idle = 2 * INT64_C(1000000000),
     .input = 11,
     .output = 12},
    {.id = 1,
     .address = "10.0.0.1:10",
     .transport = "tcp",
     .codec = "resp",
     .service = "kv",
     .endpoint = "tcp://127.0.0.1:6379 codec=resp service=kv",
     .state = WEFT_CONNECTION_OPEN,
     .asks = true},
    {.id = 3,
     .address = "unix",
     .transport = "unix",
     .codec = "http",
     .service = "kv",
     .endpoint = "unix:/tmp/kv codec=http service=kv",
     .state = WEFT_CONNECTION_OPEN},
    {.id = 2,
     .address = "10.0.0.2:20",
     .transport = "tcp",
     .endpoint = "",
     .state = WEFT_CONNECTION_ENDED},
};

#define LINE_1                                                                                     \
    "id=1 addr=10.0.0.1:10 laddr=127.0.0.1:6379 name= age=0 idle=0 flags=N db=0 sub=0 psub=0 "     \
    "multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=0 events=r "                \
    "cmd=client|list user=default "                                                                \
    "resp=2\n"
#define LINE_2                                                                                     \
    "id=2 addr=10.0.0.2:20 laddr= name= age=0 idle=0 flags=c db=0 sub=0 psub=0 multi=-1 qbuf=0 "   \
    "qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=NULL user=default\n"
#define LINE_3                                                                                     \
    "id=3 addr=unix laddr=unix:/tmp/kv name= age=0 idle=0 flags=U db=0 sub=0 psub=0 multi=-1 "     \
    "qbuf=0 qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=NULL user=default\n"
#define LINE_7                                                                                     \
    "id=7 addr=10.0.0.7:70 laddr=127.0.0.1:6379 name=two_words age=5 idle=2 flags=N db=0 sub=0 "   \
    "psub=0 multi=-1 qbuf=11 qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=12 tot-mem=23 events=rw "     \
    "cmd=NULL user=mia\n"

struct answer {
    char text[4096];
    uint64_t ends[8];
    size_t end_count;
};

static void init(struct kv_fixture *fixture, const struct kv_store *store)
{
    const struct weft_limits limits = weft_limits_default();
    kv_fixture_init_service(fixture, &weft_kv_resp_service, &none, store, &limits);
}

static struct answer ask(struct kv_fixture *fixture, const char *command)
{
    struct fake_request request;
    struct answer answer = {0};
    fake_request_init(&request, weft_view_str(command), WEFT_MIB(1));
    request.rows = rows;
    request.row_count = sizeof rows / sizeof *rows;
    kv_fixture_call(fixture, &request);
    assert_true(request.ended);
    assert_false(request.bad);
    struct weft_view reply = fake_request_reply(&request);
    assert_in_range(reply.size, 1, sizeof answer.text - 1);
    memcpy(answer.text, reply.data, reply.size);
    memcpy(answer.ends, request.ends, sizeof answer.ends);
    answer.end_count = request.end_count;
    fake_request_fini(&request);
    return answer;
}

static void expect_lines(struct kv_fixture *fixture, const char *command, const char *lines)
{
    struct answer answer = ask(fixture, command);
    char wanted[4096];
    snprintf(wanted, sizeof wanted, "$%zu\r\n%s\r\n", strlen(lines), lines);
    assert_string_equal(answer.text, wanted);
    assert_int_equal(answer.end_count, 0);
}

static void expect(struct kv_fixture *fixture, const char *command, const char *reply)
{
    struct answer answer = ask(fixture, command);
    assert_string_equal(answer.text, reply);
    assert_int_equal(answer.end_count, 0);
}

/* The numbers of those that the command ends, of which all are below ten, as digits. */
static void expect_ends(struct kv_fixture *fixture, const char *command, const char *reply,
                        const char *ends)
{
    struct answer answer = ask(fixture, command);
    char ended[9] = "";
    for (size_t i = 0; i < answer.end_count; i++)
        ended[i] = (char)('0' + answer.ends[i]);
    assert_string_equal(answer.text, reply);
    assert_string_equal(ended, ends);
}

static void test_list_has_all_connections_by_number(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    expect_lines(&fixture, "CLIENT LIST", LINE_1 LINE_2 LINE_3 LINE_7);
    expect_lines(&fixture, "CLIENT LIST TYPE normal", LINE_1 LINE_2 LINE_3 LINE_7);
    expect_lines(&fixture, "CLIENT LIST TYPE pubsub", "");
    kv_fixture_fini(&fixture);
}

static void test_list_by_numbers_keeps_their_order(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    expect_lines(&fixture, "CLIENT LIST ID 7", LINE_7);
    expect_lines(&fixture, "client list id 3 99 1 3", LINE_3 LINE_1 LINE_3);
    expect_lines(&fixture, "CLIENT LIST ID 99", "");
    expect(&fixture, "CLIENT LIST ID 1 x", "-ERR Invalid client ID\r\n");
    expect(&fixture, "CLIENT LIST ID", "-ERR syntax error\r\n");
    expect(&fixture, "CLIENT LIST TYPE odd", "-ERR Unknown client type 'odd'\r\n");
    expect(&fixture, "CLIENT LIST odd", "-ERR syntax error\r\n");
    kv_fixture_fini(&fixture);
}

static void test_list_is_a_verbatim_string_in_resp3(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    (void)ask(&fixture, "HELLO 3");
    struct answer answer = ask(&fixture, "CLIENT LIST ID 7");
    char wanted[512];
    snprintf(wanted, sizeof wanted, "=%zu\r\ntxt:%s\r\n", strlen(LINE_7) + 4, LINE_7);
    assert_string_equal(answer.text, wanted);
    answer = ask(&fixture, "CLIENT INFO");
    assert_non_null(strstr(answer.text, " cmd=client|info user=default resp=3\n\r\n"));
    assert_null(strstr(answer.text, "id=7"));
    kv_fixture_fini(&fixture);
}

static void test_list_over_the_limit_of_a_reply_is_refused(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct weft_limits limits = weft_limits_default();
    limits.max_message = 400;
    kv_fixture_init_service(&fixture, &weft_kv_resp_service, &none, NULL, &limits);
    expect(&fixture, "CLIENT LIST", "-ERR the list is over max-message: ask for some by ID\r\n");
    expect(&fixture, "CLIENT LIST ID 3 3 3",
           "-ERR the list is over max-message: ask for some by ID\r\n");
    expect_lines(&fixture, "CLIENT LIST ID 3", LINE_3);
    kv_fixture_fini(&fixture);
}

static void test_kill_ends_those_that_all_filters_name(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    expect_ends(&fixture, "CLIENT KILL ID 3", ":1\r\n", "3");
    expect_ends(&fixture, "CLIENT KILL ADDR 10.0.0.7:70", ":1\r\n", "7");
    expect_ends(&fixture, "CLIENT KILL LADDR 127.0.0.1:6379", ":1\r\n", "7");
    expect_ends(&fixture, "CLIENT KILL LADDR 127.0.0.1:6379 SKIPME no", ":2\r\n", "71");
    expect_ends(&fixture, "CLIENT KILL USER mia ID 7", ":1\r\n", "7");
    expect_ends(&fixture, "CLIENT KILL USER mia ID 3", ":0\r\n", "");
    expect_ends(&fixture, "CLIENT KILL TYPE normal", ":2\r\n", "73");
    expect_ends(&fixture, "CLIENT KILL TYPE pubsub", ":0\r\n", "");
    expect_ends(&fixture, "CLIENT KILL ID 99", ":0\r\n", "");
    kv_fixture_fini(&fixture);
}

/* It ends itself only if it says so, or with the old form. */
static void test_kill_of_the_client_itself(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    expect_ends(&fixture, "CLIENT KILL ID 1", ":0\r\n", "");
    expect_ends(&fixture, "CLIENT KILL ID 1 SKIPME yes", ":0\r\n", "");
    expect_ends(&fixture, "CLIENT KILL ID 1 SKIPME no", ":1\r\n", "1");
    expect_ends(&fixture, "CLIENT KILL 10.0.0.1:10", "+OK\r\n", "1");
    kv_fixture_fini(&fixture);
}

static void test_kill_in_the_old_form(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    expect_ends(&fixture, "CLIENT KILL 10.0.0.7:70", "+OK\r\n", "7");
    expect_ends(&fixture, "CLIENT KILL 10.0.0.7:71", "-ERR No such client\r\n", "");
    kv_fixture_fini(&fixture);
}

static void test_kill_of_what_cannot_be_ends_nobody(void **state)
{
    static const struct {
        const char *command, *reply;
    } cases[] = {
        {"CLIENT KILL ID 0", "-ERR client-id should be greater than 0\r\n"},
        {"CLIENT KILL ID x", "-ERR client-id should be greater than 0\r\n"},
        {"CLIENT KILL TYPE odd", "-ERR Unknown client type 'odd'\r\n"},
        {"CLIENT KILL ID 3 SKIPME perhaps", "-ERR syntax error\r\n"},
        {"CLIENT KILL ID 3 ADDR", "-ERR syntax error\r\n"},
        {"CLIENT KILL ODD 3", "-ERR syntax error\r\n"},
        {"CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command\r\n"},
    };
    (void)state;
    struct kv_fixture fixture;
    char command[512];
    init(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(&fixture, cases[i].command, cases[i].reply);
    snprintf(command, sizeof command, "CLIENT KILL %0300d", 1);
    expect(&fixture, command, "-ERR No such client\r\n");
    kv_fixture_fini(&fixture);
}

/* The task of such a store lies in the request's arena from the beginning. */
static void test_commands_work_where_the_store_is_late(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, &late_store_unordered);
    expect_lines(&fixture, "CLIENT LIST ID 7", LINE_7);
    expect_ends(&fixture, "CLIENT KILL ID 3", ":1\r\n", "3");
    kv_fixture_fini(&fixture);
}

static void test_layers_are_asked_and_may_refuse(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct fake_request request;
    init(&fixture, NULL);
    fake_request_init(&request, weft_view_str("CLIENT LIST"), WEFT_MIB(1));
    request.request.layers = &request;
    request.denied = true;
    kv_fixture_call(&fixture, &request);
    assert_true(request.ended);
    assert_int_equal(request.end_count, 0);
    assert_string_equal(request.asked, "client");
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_has_all_connections_by_number),
        cmocka_unit_test(test_list_by_numbers_keeps_their_order),
        cmocka_unit_test(test_list_is_a_verbatim_string_in_resp3),
        cmocka_unit_test(test_list_over_the_limit_of_a_reply_is_refused),
        cmocka_unit_test(test_kill_ends_those_that_all_filters_name),
        cmocka_unit_test(test_kill_of_the_client_itself),
        cmocka_unit_test(test_kill_in_the_old_form),
        cmocka_unit_test(test_kill_of_what_cannot_be_ends_nobody),
        cmocka_unit_test(test_commands_work_where_the_store_is_late),
        cmocka_unit_test(test_layers_are_asked_and_may_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
