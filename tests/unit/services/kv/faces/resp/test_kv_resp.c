/* SPDX-License-Identifier: MIT
 *
 * Commands and replies of the RESP face, byte by byte, where tests/package/interop/redis cannot see: values of the
 * protobuf face, layers, stores that are late, replies that wait for room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kv_fixture.h"
#include "../../kv_message.h"
#include "core/base/settings.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"

static const struct weft_option_set none = {0};

static void init(struct kv_fixture *fixture, const struct kv_store *store)
{
    const struct weft_limits limits = weft_limits_default();
    kv_fixture_init_service(fixture, &weft_kv_resp_service, &none, store, &limits);
}

static void expect(struct kv_fixture *fixture, const char *command, const char *reply)
{
    bool bad;
    struct weft_bytes got = kv_fixture_ask(fixture, weft_view_str(command), &bad);
    assert_false(bad);
    if (got.size != strlen(reply) || memcmp(got.data, reply, got.size) != 0)
        fail_msg("%.60s: '%.*s', not '%s'", command, (int)got.size, (const char *)got.data, reply);
    weft_bytes_fini(&got);
}

static void test_replies_are_of_the_version_that_was_agreed(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    expect(&fixture, "HSET h f v", ":1\r\n");
    expect(&fixture, "HGETALL h", "*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
    expect(&fixture, "GET nosuch", "$-1\r\n");
    expect(&fixture, "HMGET h f x", "*2\r\n$1\r\nv\r\n$-1\r\n");
    struct weft_bytes hello = kv_fixture_ask(&fixture, weft_view_str("HELLO 3"), NULL);
    assert_memory_equal(hello.data, "%7\r\n$6\r\nserver\r\n", 16);
    weft_bytes_fini(&hello);
    expect(&fixture, "HGETALL h", "%1\r\n$1\r\nf\r\n$1\r\nv\r\n");
    expect(&fixture, "GET nosuch", "_\r\n");
    expect(&fixture, "RESET", "+RESET\r\n");
    expect(&fixture, "GET nosuch", "$-1\r\n");
    kv_fixture_fini(&fixture);
}

static void test_payload_that_is_no_command_is_a_bad_request(void **state)
{
    static const char *const wrong[] = {"", " ", "*0\r\n", "*1\r\n$4\r\nPIN", "\"a"};
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bool bad = false;
        struct weft_bytes got = kv_fixture_ask(&fixture, weft_view_str(wrong[i]), &bad);
        assert_true(bad);
        assert_memory_equal(got.data, "-ERR Protocol error: ", 21);
        weft_bytes_fini(&got);
    }
    kv_fixture_fini(&fixture);
}

/* Another face of the same context, over a connection of its own. */
struct other_face {
    void *config, *loop_state, *conn_state;
};

static void open_protobuf(struct other_face *face, struct kv_fixture *fixture)
{
    struct weft_error error;
    face->config = calloc(1, weft_kv_service.config_size);
    face->loop_state = calloc(1, weft_kv_service.loop_size);
    face->conn_state = calloc(1, weft_kv_service.conn_size);
    assert_int_equal(
        weft_kv_service.configure(face->config, &fixture->context, &none, &fixture->limits, &error),
        0);
    assert_int_equal(weft_kv_service.start(face->loop_state, face->config, fixture->loop), 0);
    assert_int_equal(weft_kv_service.open(face->conn_state, face->loop_state), 0);
}

static void close_protobuf(struct other_face *face)
{
    weft_kv_service.close(face->conn_state, face->loop_state);
    weft_kv_service.stop(face->loop_state);
    free(face->config);
    free(face->loop_state);
    free(face->conn_state);
}

struct protobuf_call {
    struct other_face *face;
    struct fake_request request;
};

static void call_protobuf(void *arg)
{
    struct protobuf_call *call = arg;
    fake_request_call(&call->request, &weft_kv_service, call->face->loop_state,
                      call->face->conn_state);
}

static void ask_protobuf(struct kv_fixture *fixture, struct other_face *face,
                         struct protobuf_call *call, struct weft_bytes payload)
{
    call->face = face;
    fake_request_init(&call->request, weft_view(payload.data, payload.size), WEFT_MIB(1));
    free(payload.data);
    kv_in_turn(fixture->loop, call_protobuf, call);
    assert_true(call->request.ended);
}

static void test_values_of_other_faces_are_read_as_their_text(void **state)
{
    static const struct {
        const char *packed;
        size_t size;
        const char *reply;
    } rows[] = {
        {"", 0, "$0\r\n\r\n"},
        {"\x0a\x02hi", 4, "$2\r\nhi\r\n"},
        {"\x12\x02\x00\xff", 4, NULL},
        {"\x18\x2a", 2, "$2\r\n42\r\n"},
        {"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "$2\r\n-1\r\n"},
        {"\x21\x00\x00\x00\x00\x00\x00\xf8\x3f", 9, "$3\r\n1.5\r\n"},
        {"\x28\x01", 2, "$4\r\ntrue\r\n"},
        {"\x28\x00", 2, "$5\r\nfalse\r\n"},
    };
    (void)state;
    struct kv_fixture fixture;
    struct other_face face;
    init(&fixture, NULL);
    open_protobuf(&face, &fixture);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct protobuf_call call;
        ask_protobuf(&fixture, &face, &call,
                     ask_hset("default", "k", weft_view(rows[i].packed, rows[i].size)));
        fake_request_fini(&call.request);
        if (rows[i].reply)
            expect(&fixture, "GET k", rows[i].reply);
    }
    close_protobuf(&face);
    kv_fixture_fini(&fixture);
}

/* A plain SET stores before it looks for a hash, one with an option afterwards. */
static void test_set_replaces_a_string_or_a_hash(void **state)
{
    enum { SIZE = 5000 };
    (void)state;
    struct kv_fixture fixture;
    char command[SIZE + 32];
    init(&fixture, NULL);
    for (size_t i = 0; i < 2; i++) {
        int head = snprintf(command, sizeof command, "SET h ");
        memset(command + head, 'x', SIZE);
        strcpy(command + head + SIZE, i == 0 ? "" : " KEEPTTL");
        expect(&fixture, "HSET h a 1 b 2", ":2\r\n");
        expect(&fixture, command, "+OK\r\n");
        expect(&fixture, "TYPE h", "+string\r\n");
        expect(&fixture, "DBSIZE", ":1\r\n");
        expect(&fixture, "SET h y", "+OK\r\n");
        expect(&fixture, "HSET h a 1",
               "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
        expect(&fixture, "GET h", "$1\r\ny\r\n");
        expect(&fixture, "DEL h", ":1\r\n");
    }
    kv_fixture_fini(&fixture);
}

/* They are tried before the name is looked for among the strings, and are made once more after that. */
static void test_large_fields_are_set_in_a_hash_and_not_in_a_string(void **state)
{
    enum { SIZE = 5000 };
    (void)state;
    struct kv_fixture fixture;
    char command[SIZE + 32];
    init(&fixture, NULL);
    int head = snprintf(command, sizeof command, "HSET h a ");
    memset(command + head, 'x', SIZE);
    command[head + SIZE] = '\0';
    expect(&fixture, command, ":1\r\n");
    expect(&fixture, command, ":0\r\n");
    expect(&fixture, "HSTRLEN h a", ":5000\r\n");
    expect(&fixture, "DEL h", ":1\r\n");
    expect(&fixture, "SET h x", "+OK\r\n");
    expect(&fixture, command,
           "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    expect(&fixture, "EXISTS h", ":1\r\n");
    kv_fixture_fini(&fixture);
}

/* The command is decoded twice there, and its value must not be made twice. */
static void test_large_field_is_set_late_where_reads_are_done_at_once(void **state)
{
    enum { SIZE = 5000 };
    (void)state;
    struct kv_fixture fixture;
    struct fake_request request;
    char command[SIZE + 32];
    init(&fixture, &late_store_reads_inline);
    int head = snprintf(command, sizeof command, "HSET h a ");
    memset(command + head, 'x', SIZE);
    kv_fixture_send(&fixture, &request, weft_view(command, (size_t)head + SIZE));
    while (!request.ended)
        assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_true(weft_view_equal(fake_request_reply(&request), weft_view_str(":1\r\n")));
    fake_request_fini(&request);
    expect(&fixture, "HSTRLEN h a", ":5000\r\n");
    kv_fixture_fini(&fixture);
}

static void test_hash_whose_fields_have_all_expired_may_be_set_again(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    expect(&fixture, "HSET h a 1", ":1\r\n");
    expect(&fixture, "HPEXPIRE h 10 FIELDS 1 a", "*1\r\n:1\r\n");
    assert_true(virtual_loop_advance(fixture.loop, 10000000));
    expect(&fixture, "HSET h a 2", ":1\r\n");
    expect(&fixture, "HSET h b 1 a 3", ":1\r\n");
    kv_fixture_fini(&fixture);
}

/* A large value is stored as the reply of the protobuf face, so that this needs no copy of it. */
static void test_large_values_are_shared_with_the_protobuf_face(void **state)
{
    enum { SIZE = 5000 };
    (void)state;
    struct kv_fixture fixture;
    struct other_face face;
    char command[SIZE + 32], reply[SIZE + 32];
    init(&fixture, NULL);
    open_protobuf(&face, &fixture);
    int head = snprintf(command, sizeof command, "SET k ");
    memset(command + head, 'x', SIZE);
    command[head + SIZE] = '\0';
    expect(&fixture, command, "+OK\r\n");
    head = snprintf(reply, sizeof reply, "$%d\r\n", SIZE);
    memset(reply + head, 'x', SIZE);
    strcpy(reply + head + SIZE, "\r\n");
    expect(&fixture, "GET k", reply);
    struct protobuf_call call;
    ask_protobuf(&fixture, &face, &call, ask_key(ASK_HGET, "default", "k"));
    assert_true(call.request.as_blob);
    struct told told = told_of(fake_request_reply(&call.request));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.values[0].size, SIZE + 3);
    fake_request_fini(&call.request);
    close_protobuf(&face);
    kv_fixture_fini(&fixture);
}

static void test_layers_are_asked_in_the_words_of_redis(void **state)
{
    static const struct {
        const char *command, *asked;
    } rows[] = {{"GET a", "get"},
                {"set a b", "set"},
                {"HSET h f v", "hset"},
                {"PING", "ping"},
                {"HGETALL h", "hgetall"},
                {"CONFIG GET save", "config"},
                {"COMMAND COUNT", "command"},
                {"DEL a b", "del"}};
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake_request request;
        fake_request_init(&request, weft_view_str(rows[i].command), WEFT_MIB(1));
        request.request.layers = &request;
        request.denied = true;
        kv_fixture_call(&fixture, &request);
        assert_true(request.ended);
        assert_true(request.refused);
        assert_string_equal(request.asked, rows[i].asked);
        fake_request_fini(&request);
    }
    kv_fixture_fini(&fixture);
}

static void test_auth_asks_the_layers_for_a_secret(void **state)
{
    static const struct {
        const char *command, *secret, *reply;
    } rows[] = {
        {"AUTH x", NULL, "-ERR AUTH <password> called without any password configured"},
        {"AUTH x", "y", "-WRONGPASS "},
        {"AUTH y", "y", "+OK\r\n"},
        {"AUTH me y", "y", "+OK\r\n"},
        {"AUTH me y z", "y", "-ERR syntax error\r\n"},
        {"HELLO 2 AUTH me x", "y", "-WRONGPASS "},
        {"HELLO 2 AUTH me y SETNAME n", "y", "*14\r\n"},
    };
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake_request request;
        fake_request_init(&request, weft_view_str(rows[i].command), WEFT_MIB(1));
        request.secret = rows[i].secret;
        kv_fixture_call(&fixture, &request);
        assert_true(request.ended);
        assert_memory_equal(fake_request_reply(&request).data, rows[i].reply,
                            strlen(rows[i].reply));
        fake_request_fini(&request);
    }
    kv_fixture_fini(&fixture);
}

static void test_rejections_have_the_prefixes_that_drivers_know(void **state)
{
    static const struct {
        struct weft_rejection why;
        const char *words;
    } rows[] = {
        {{.cause = WEFT_REJECT_MALFORMED, .what = "invalid bulk length"},
         "-ERR Protocol error: invalid bulk length\r\n"},
        {{.cause = WEFT_REJECT_TOO_MANY, .what = "max-connections", .limit = 5},
         "-ERR max number of clients reached\r\n"},
        {{.cause = WEFT_REJECT_NOT_KNOWN}, "-NOAUTH Authentication required.\r\n"},
        {{.cause = WEFT_REJECT_DENIED, .what = "no"}, "-NOPERM Denied: no\r\n"},
        {{.cause = WEFT_REJECT_TOO_BIG, .what = "max-frame", .size = 9, .limit = 8},
         "-ERR Request is too big: 9 bytes, max-frame is 8\r\n"},
    };
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t words[WEFT_REJECT_MAX];
        size_t size = weft_kv_resp_service.reject(fixture.loop_state, &rows[i].why, words);
        assert_int_equal(size, strlen(rows[i].words));
        assert_memory_equal(words, rows[i].words, size);
    }
    kv_fixture_fini(&fixture);
}

static void test_commands_of_a_late_store_are_answered_in_their_order(void **state)
{
    static const char *const commands[] = {"SET a 1", "HSET h f v", "GET a", "HGET h f",
                                           "GET h",   "DEL a",      "GET a"};
    static const char *const replies[] = {"+OK\r\n", ":1\r\n", "$1\r\n1\r\n", "$1\r\nv\r\n",
                                          NULL,      ":1\r\n", "$-1\r\n"};
    enum { COUNT = sizeof commands / sizeof *commands };
    (void)state;
    struct kv_fixture fixture;
    struct fake_request requests[COUNT];
    init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    for (int i = 0; i < LATE_DELAYS; i++)
        plan->delays[i] = 1000 * (LATE_DELAYS - i);
    for (size_t i = 0; i < COUNT; i++)
        kv_fixture_send(&fixture, &requests[i], weft_view_str(commands[i]));
    for (int i = 0; i < 100; i++)
        (void)virtual_loop_advance(fixture.loop, 1000);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(requests[i].ended);
        struct weft_view reply = fake_request_reply(&requests[i]);
        if (replies[i]) {
            assert_int_equal(reply.size, strlen(replies[i]));
            assert_memory_equal(reply.data, replies[i], reply.size);
        }
        fake_request_fini(&requests[i]);
    }
    kv_fixture_fini(&fixture);
}

static void test_failures_of_the_store_are_errors(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct fake_request request;
    init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    plan->forced = true;
    plan->outcome = KV_FULL;
    kv_fixture_send(&fixture, &request, weft_view_str("SET a 1"));
    while (!request.ended)
        virtual_loop_turn(fixture.loop);
    assert_memory_equal(fake_request_reply(&request).data, "-OOM ", 5);
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

/* Takes the cursor of a page and marks the names in it, which end in their numbers. Returns how many there are. */
static size_t take_page(struct weft_bytes page, char cursor[32], char *seen, size_t most)
{
    char *text = strndup((const char *)page.data, page.size), *rest = text, *line;
    size_t lines = 0, names = 0;
    assert_non_null(text);
    while ((line = strsep(&rest, "\n")) != NULL && rest) {
        line[strcspn(line, "\r")] = '\0';
        if (lines == 2)
            (void)snprintf(cursor, 32, "%s", line);
        if (lines >= 4 && lines % 2 == 1) {
            size_t number = (size_t)strtoul(strchr(line, ':') + 1, NULL, 10);
            assert_true(number < most);
            seen[number]++;
            names++;
        }
        lines++;
    }
    free(text);
    return names;
}

/* Pages through until the cursor is 0 again, and checks that each of `count` names came. */
static void assert_scan_shows(struct kv_fixture *fixture, const char *command, const char *options,
                              size_t count)
{
    char line[128], cursor[32] = "0", *seen = calloc(count, 1);
    size_t pages = 0;
    assert_non_null(seen);
    do {
        (void)snprintf(line, sizeof line, "%s %s %s", command, cursor, options);
        struct weft_bytes page = kv_fixture_ask(fixture, weft_view_str(line), NULL);
        if (page.data[0] != '*')
            fail_msg("%s: %.*s", line, (int)page.size, (const char *)page.data);
        (void)take_page(page, cursor, seen, count);
        weft_bytes_fini(&page);
        assert_true(++pages < 10 * count);
    } while (strcmp(cursor, "0") != 0);
    assert_true(pages > 3);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
}

static void test_scan_shows_all_strings_and_hashes_by_pages(void **state)
{
    enum { STRINGS = 10000, HASHES = 5000 };
    char command[64];
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    for (int i = 0; i < STRINGS + HASHES; i++) {
        (void)snprintf(command, sizeof command, i < STRINGS ? "SET s:%d v" : "HSET h:%d f v", i);
        expect(&fixture, command, i < STRINGS ? "+OK\r\n" : ":1\r\n");
    }
    assert_scan_shows(&fixture, "SCAN", "COUNT 50", STRINGS + HASHES);
    assert_scan_shows(&fixture, "SCAN", "COUNT 50 TYPE string", STRINGS);
    kv_fixture_fini(&fixture);
}

static void test_hscan_shows_all_fields_by_pages(void **state)
{
    enum { FIELDS = 10000 };
    char command[64];
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    for (int i = 0; i < FIELDS; i++) {
        (void)snprintf(command, sizeof command, "HSET h f:%d v", i);
        expect(&fixture, command, ":1\r\n");
    }
    assert_scan_shows(&fixture, "HSCAN h", "COUNT 20 NOVALUES", FIELDS);
    expect(&fixture, "HSCAN h 12345", "-ERR invalid cursor\r\n");
    kv_fixture_fini(&fixture);
}

static void test_hrandfield_picks_as_many_as_it_is_asked_for(void **state)
{
    enum { FIELDS = 100 };
    char command[64], head[16];
    (void)state;
    struct kv_fixture fixture;
    init(&fixture, NULL);
    for (int i = 0; i < FIELDS; i++) {
        (void)snprintf(command, sizeof command, "HSET h f:%d v", i);
        expect(&fixture, command, ":1\r\n");
    }
    for (int count = -250; count <= 250; count += 10) {
        int wanted = count < 0 ? -count : count > FIELDS ? FIELDS : count;
        char cursor[32], seen[FIELDS] = {0};
        (void)snprintf(command, sizeof command, "HRANDFIELD h %d", count);
        (void)snprintf(head, sizeof head, "*%d\r\n", wanted);
        struct weft_bytes reply = kv_fixture_ask(&fixture, weft_view_str(command), NULL);
        assert_memory_equal(reply.data, head, strlen(head));
        /* take_page reads it behind three lines of another reply. */
        struct weft_bytes page = {malloc(reply.size + 9), reply.size + 9};
        assert_non_null(page.data);
        memcpy(page.data, "\n\n\n", 3);
        memcpy(page.data + 3, reply.data, reply.size);
        page.size = 3 + reply.size;
        assert_int_equal(take_page(page, cursor, seen, FIELDS), wanted);
        for (int i = 0; i < FIELDS && count > 0; i++)
            assert_true(seen[i] <= 1);
        weft_bytes_fini(&reply);
        free(page.data);
    }
    kv_fixture_fini(&fixture);
}

static void test_long_keys_are_refused(void **state)
{
    enum { SIZE = 65537 };
    (void)state;
    struct kv_fixture fixture;
    char *command = malloc(SIZE + 32);
    assert_non_null(command);
    init(&fixture, NULL);
    strcpy(command, "SET ");
    memset(command + 4, 'x', SIZE);
    strcpy(command + 4 + SIZE, " v");
    expect(&fixture, command, "-ERR Key is too big: max-key is 64KiB\r\n");
    free(command);
    kv_fixture_fini(&fixture);
}

static void test_configure_refuses_a_long_name_of_the_table(void **state)
{
    char name[200];
    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    const struct weft_option_value value = {"table", name};
    const struct weft_option_set set = {&value, 1};
    struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    void *config = calloc(1, weft_kv_resp_service.config_size);
    assert_int_equal(weft_kv_resp_service.configure(config, NULL, &set, &limits, &error),
                     WEFT_ECONFIG);
    assert_string_equal(
        error.text, "table=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: "
                    "it takes at most 127 bytes");
    free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_are_of_the_version_that_was_agreed),
        cmocka_unit_test(test_payload_that_is_no_command_is_a_bad_request),
        cmocka_unit_test(test_values_of_other_faces_are_read_as_their_text),
        cmocka_unit_test(test_set_replaces_a_string_or_a_hash),
        cmocka_unit_test(test_large_fields_are_set_in_a_hash_and_not_in_a_string),
        cmocka_unit_test(test_large_field_is_set_late_where_reads_are_done_at_once),
        cmocka_unit_test(test_hash_whose_fields_have_all_expired_may_be_set_again),
        cmocka_unit_test(test_large_values_are_shared_with_the_protobuf_face),
        cmocka_unit_test(test_layers_are_asked_in_the_words_of_redis),
        cmocka_unit_test(test_auth_asks_the_layers_for_a_secret),
        cmocka_unit_test(test_rejections_have_the_prefixes_that_drivers_know),
        cmocka_unit_test(test_commands_of_a_late_store_are_answered_in_their_order),
        cmocka_unit_test(test_failures_of_the_store_are_errors),
        cmocka_unit_test(test_scan_shows_all_strings_and_hashes_by_pages),
        cmocka_unit_test(test_hscan_shows_all_fields_by_pages),
        cmocka_unit_test(test_hrandfield_picks_as_many_as_it_is_asked_for),
        cmocka_unit_test(test_long_keys_are_refused),
        cmocka_unit_test(test_configure_refuses_a_long_name_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
