/* SPDX-License-Identifier: MIT
 *
 * Requests as lines of words, and replies out of lines of fields. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "services/kv/client/line.h"

#define VIEW(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct weft_view keys[] = {VIEW("a"), VIEW("two words"), VIEW("--ttl")};

/* The line of a request, written into memory of exactly its size. */
static void expect_line(const struct weft_kv_request *request, const char *text)
{
    struct weft_error error = {.text = ""};
    if (weft__kv_line_check(request, &error) < 0)
        fail_msg("%s", error.text);
    struct weft__kv_request_body body = weft__kv_line_to_body(request);
    uint8_t *bytes = malloc(body.body.size);
    char *line = calloc(1, body.body.size + 1);
    assert_true(bytes && line);
    body.body.write(&body.body, bytes);
    memcpy(line, bytes, body.body.size);
    assert_string_equal(line, text);
    free(line);
    free(bytes);
}

static void test_names_are_quoted_and_stand_behind_two_dashes(void **state)
{
    (void)state;
    struct weft_kv_request request = {
        .op = WEFT_KV_HMGET, .table = weft_view_str("t"), .keys = keys, .key_count = 3};
    expect_line(&request, "hmget -- t a \"two words\" --ttl");
    request.table = weft_view_str("");
    request.state = true;
    request.key_count = 1;
    expect_line(&request, "hmget --state -- \"\" a");
    request = (struct weft_kv_request){.op = WEFT_KV_HGETALL,
                                       .table = weft_view_str("#'a\"b\\c$\xc3\xbc")};
    expect_line(&request, "hgetall -- \"#'a\\\"b\\\\c$\xc3\xbc\"");
}

static void test_values_are_written_with_their_types(void **state)
{
    static const struct weft_kv_pair pairs[] = {
        {VIEW("s"), {.type = WEFT_KV_STRING, .bytes = VIEW("plain")}},
        {VIEW("p"), {.type = WEFT_KV_STRING, .bytes = VIEW("int:1")}},
        {VIEW("0"), {.type = WEFT_KV_STRING, .bytes = VIEW("")}},
        {VIEW("i"), {.type = WEFT_KV_INTEGER, .integer = -3}},
        {VIEW("f"), {.type = WEFT_KV_FLOAT, .number = 0.5}},
        {VIEW("b"), {.type = WEFT_KV_BINARY, .bytes = VIEW("\0\xff")}},
        {VIEW("t"), {.type = WEFT_KV_BOOL, .boolean = true}},
        {VIEW("e"), {.type = WEFT_KV_EMPTY}},
    };
    (void)state;
    const struct weft_kv_request request = {.op = WEFT_KV_HMSET,
                                            .table = weft_view_str("t"),
                                            .pairs = pairs,
                                            .pair_count = sizeof pairs / sizeof *pairs};
    expect_line(&request, "hmset -- t s plain p str:int:1 0 \"\" i int:-3 f \"float:0.5\" "
                          "b base64:AP8= t bool:true e empty:");
}

static void test_each_command_has_its_words(void **state)
{
    (void)state;
    struct weft_kv_request request = {.op = WEFT_KV_HSCAN,
                                      .table = weft_view_str("t"),
                                      .cursor = weft_view("\0\1", 2),
                                      .limit = 10,
                                      .prefix = weft_view_str("p q"),
                                      .match = weft_view_str("a*"),
                                      .keys_only = true};
    expect_line(&request, "hscan --prefix \"p q\" --match \"a*\" --keys-only -- t AAE= 10");
    request =
        (struct weft_kv_request){.op = WEFT_KV_HSCAN, .table = weft_view_str("t"), .state = true};
    expect_line(&request, "hscan --state -- t - 0");
    request = (struct weft_kv_request){.op = WEFT_KV_TABLES};
    expect_line(&request, "tables -- \"\" - 0");
    request = (struct weft_kv_request){.op = WEFT_KV_COUNT, .table = weft_view_str("t")};
    expect_line(&request, "count -- t");
    request = (struct weft_kv_request){.op = WEFT_KV_HINCR,
                                       .table = weft_view_str("t"),
                                       .keys = keys,
                                       .key_count = 1,
                                       .delta = {.type = WEFT_KV_INTEGER, .integer = -2}};
    expect_line(&request, "hincr -- t a int:-2");
    request.op = WEFT_KV_HEXPIRE;
    expect_line(&request, "httl -- t a");
    request.expiry = (struct weft_kv_expiry){WEFT_KV_EXPIRE_NEVER, 0};
    expect_line(&request, "hpersist -- t a");
    request.expiry = (struct weft_kv_expiry){WEFT_KV_EXPIRE_AFTER, 2005};
    expect_line(&request, "hexpire -- t a 2.005");
}

static void test_topics_have_their_words(void **state)
{
    static const struct weft_kv_value values[] = {
        {.type = WEFT_KV_INTEGER, .integer = 1},
        {.type = WEFT_KV_STRING, .bytes = VIEW("two words")},
    };
    (void)state;
    struct weft_kv_request request = {.op = WEFT_KV_SUBSCRIBE, .table = weft_view_str("news")};
    expect_line(&request, "subscribe -- news");
    request.pattern = true;
    request.table = weft_view_str("news-*");
    expect_line(&request, "subscribe --pattern -- \"news-*\"");
    request = (struct weft_kv_request){.op = WEFT_KV_UNSUBSCRIBE, .id = 7};
    expect_line(&request, "unsubscribe 7");
    request = (struct weft_kv_request){
        .op = WEFT_KV_PUBLISH, .table = weft_view_str("news"), .values = values, .value_count = 2};
    expect_line(&request, "publish -- news int:1 \"two words\"");
}

static void expect_unsaid(const struct weft_kv_request *request, const char *text)
{
    struct weft_error error = {.text = ""};
    assert_int_equal(weft__kv_line_check(request, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, text));
}

static void test_what_lines_of_topics_have_not_is_refused(void **state)
{
    (void)state;
    struct weft_kv_request request = {.op = WEFT_KV_UNSUBSCRIBE, .table = weft_view_str("news")};
    expect_unsaid(&request, "codec 'line' ends a subscription by its id alone");
    request = (struct weft_kv_request){
        .op = WEFT_KV_SUBSCRIBE, .table = weft_view_str("news"), .end_if_slow = true};
    expect_unsaid(&request, "codec 'line' carries no subscription that ends if it is slow");
}

static void expect_login(const char *user, const char *password, const char *text)
{
    struct weft__kv_login_body body;
    struct weft_error error;
    uint8_t bytes[64];
    assert_int_equal(
        weft__kv_login_to_body(&body, weft_view_str(user), weft_view_str(password), true, &error),
        0);
    assert_int_equal(body.body.size, strlen(text));
    body.body.write(&body.body, bytes);
    assert_memory_equal(bytes, text, strlen(text));
}

static void test_login_is_two_words(void **state)
{
    (void)state;
    struct weft__kv_login_body body;
    struct weft_error error;
    expect_login("ann", "sesame", "login ann sesame");
    expect_login("ann", "open \"#\\", "login ann \"open \\\"#\\\\\"");
    expect_login("--", "#", "login -- \"#\"");
    assert_int_equal(
        weft__kv_login_to_body(&body, weft_view_str("ann"), weft_view_str("a\nb"), true, &error),
        -EINVAL);
    assert_string_equal(error.text, "codec 'line' carries no password with a newline: use codec "
                                    "'length-delimited-gzip'");
    assert_int_equal(
        weft__kv_login_to_body(&body, weft_view_str("a\n"), weft_view_str("b"), true, &error),
        -EINVAL);
}

static void test_changes_of_one_kind_are_one_command(void **state)
{
    (void)state;
    struct weft_kv_change changes[2] = {
        {.key = VIEW("a"),
         .what = WEFT_KV_STORE,
         .value = {.type = WEFT_KV_INTEGER, .integer = 1},
         .expiry = {WEFT_KV_EXPIRE_AFTER, 1500},
         .condition = WEFT_KV_IF_ABSENT},
        {.key = VIEW("b"),
         .what = WEFT_KV_STORE,
         .value = {.type = WEFT_KV_INTEGER, .integer = 2},
         .expiry = {WEFT_KV_EXPIRE_AFTER, 1500},
         .condition = WEFT_KV_IF_ABSENT},
    };
    struct weft_kv_request request = {
        .op = WEFT_KV_HPUT, .table = weft_view_str("t"), .changes = changes, .change_count = 2};
    expect_line(&request, "hmset --ttl 1.500 --if-absent -- t a int:1 b int:2");
    changes[0].expiry = (struct weft_kv_expiry){WEFT_KV_EXPIRE_KEEP, 0};
    changes[0].condition = WEFT_KV_IF_PRESENT;
    request.change_count = 1;
    expect_line(&request, "hmset --keep-ttl --if-present -- t a int:1");
    changes[0] = (struct weft_kv_change){.key = VIEW("a"),
                                         .what = WEFT_KV_REMOVE,
                                         .condition = WEFT_KV_IF_VERSION,
                                         .version = VIEW("0123456789abcde\xff")};
    expect_line(&request, "hmdel --if-version 303132333435363738396162636465ff -- t a");
}

static void expect_error(const struct weft_kv_request *request, int err, const char *what)
{
    struct weft_error error = {.text = ""};
    char text[160];
    snprintf(text, sizeof text, "codec 'line' carries %s: use codec 'length-delimited-gzip'", what);
    assert_int_equal(weft__kv_line_check(request, &error), err);
    assert_string_equal(error.text, text);
}

static void expect_refused(const struct weft_kv_request *request, const char *what)
{
    expect_error(request, -EINVAL, what);
}

static void test_newline_is_refused_wherever_it_is(void **state)
{
    (void)state;
    const struct weft_view newline = VIEW("a\nhdel t k");
    const struct weft_kv_value text = {.type = WEFT_KV_STRING, .bytes = newline};
    struct weft_kv_pair pair = {VIEW("k"), text};
    struct weft_kv_change change = {.key = VIEW("k"), .what = WEFT_KV_STORE, .value = text};
    struct weft_kv_request request = {.op = WEFT_KV_HGET, .keys = &newline, .key_count = 1};
    expect_refused(&request, "no key with a newline");
    request = (struct weft_kv_request){.op = WEFT_KV_HSET, .pairs = &pair, .pair_count = 1};
    expect_refused(&request, "no string with a newline");
    pair.key = newline;
    expect_refused(&request, "no key with a newline");
    request = (struct weft_kv_request){.op = WEFT_KV_HPUT, .changes = &change, .change_count = 1};
    expect_refused(&request, "no string with a newline");
    change.key = newline;
    expect_refused(&request, "no key with a newline");
    request = (struct weft_kv_request){.op = WEFT_KV_HGETALL, .table = newline};
    expect_refused(&request, "no table with a newline");
    request = (struct weft_kv_request){.op = WEFT_KV_HSCAN, .match = newline};
    expect_refused(&request, "no pattern with a newline");
    request = (struct weft_kv_request){.op = WEFT_KV_TABLES, .prefix = newline};
    expect_refused(&request, "no prefix with a newline");
}

static void test_what_no_line_says_is_refused(void **state)
{
    (void)state;
    struct weft_kv_request request = {.op = WEFT_KV_NUMBER};
    expect_error(&request, -ENOTSUP, "no watches");
    const struct weft_kv_change changes[2] = {
        {.key = VIEW("a"), .what = WEFT_KV_STORE, .condition = WEFT_KV_IF_ABSENT},
        {.key = VIEW("b"), .what = WEFT_KV_STORE},
    };
    request = (struct weft_kv_request){.op = WEFT_KV_HPUT, .changes = changes, .change_count = 2};
    expect_refused(&request, "one condition and one expiry for all keys");
    const struct weft_kv_change touch = {.key = VIEW("a"), .what = WEFT_KV_LEAVE};
    request.changes = &touch;
    request.change_count = 1;
    expect_refused(&request, "one condition and one expiry for all keys");
    request = (struct weft_kv_request){
        .op = WEFT_KV_HEXPIRE, .keys = keys, .key_count = 2, .expiry = {WEFT_KV_EXPIRE_AFTER, 1}};
    expect_refused(&request, "an expiry from now and of one key alone");
    const struct weft_kv_change store = {.key = VIEW("a"), .what = WEFT_KV_STORE};
    request = (struct weft_kv_request){
        .op = WEFT_KV_HPUT, .changes = &store, .change_count = 1, .state = true};
    expect_refused(&request, "no states of what was changed");
}

static void test_only_keys_without_an_expiry_have_a_known_state_after_a_change(void **state)
{
    (void)state;
    struct weft_kv_request request = {.op = WEFT_KV_HEXPIRE};
    assert_int_equal(weft__kv_line_answer_of(&request), WEFT__KV_LINE_LEFT);
    request.expiry.when = WEFT_KV_EXPIRE_NEVER;
    assert_int_equal(weft__kv_line_answer_of(&request), WEFT__KV_LINE_CHANGED);
    request.expiry.when = WEFT_KV_EXPIRE_AFTER;
    assert_int_equal(weft__kv_line_answer_of(&request), WEFT__KV_LINE_BOOLS);
}

/* The answer of a text, which lies in memory of exactly its size. */
struct answer {
    struct weft_arena arena;
    uint8_t *text;
    struct weft_kv_reply reply;
    const char *why;
    int result;
};

static void read_answer(struct answer *self, const char *text, enum weft__kv_line_answer answer)
{
    size_t size = strlen(text);
    self->text = malloc(size ? size : 1);
    assert_non_null(self->text);
    memcpy(self->text, text, size);
    weft_arena_init(&self->arena, 10000);
    self->why = NULL;
    self->result = weft__kv_line_read(&self->reply, weft_view(self->text, size), answer,
                                      &self->arena, &self->why);
}

static void fini_answer(struct answer *self)
{
    weft_arena_fini(&self->arena);
    free(self->text);
}

static void assert_text(struct weft_view view, const char *text)
{
    assert_int_equal(view.size, strlen(text));
    assert_memory_equal(view.data, text, view.size);
}

static void test_values_are_read_with_their_types_and_escapes(void **state)
{
    (void)state;
    struct answer a;
    read_answer(&a, "200\tplain\tstr:int:1\t\tint:-3\thex:00ff\ta\\tb\\\\\\x1b\\x85\\n\tstr:",
                WEFT__KV_LINE_VALUES);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.status, 200);
    assert_int_equal(a.reply.value_count, 7);
    assert_text(a.reply.values[0].bytes, "plain");
    assert_text(a.reply.values[1].bytes, "int:1");
    assert_int_equal(a.reply.values[2].type, WEFT_KV_EMPTY);
    assert_int_equal(a.reply.values[3].integer, -3);
    assert_int_equal(a.reply.values[4].type, WEFT_KV_BINARY);
    assert_memory_equal(a.reply.values[4].bytes.data, "\0\xff", 2);
    assert_text(a.reply.values[5].bytes, "a\tb\\\x1b\xc2\x85\n");
    assert_int_equal(a.reply.values[6].type, WEFT_KV_STRING);
    assert_int_equal(a.reply.values[6].bytes.size, 0);
    fini_answer(&a);
}

static void test_states_times_and_bools_are_read(void **state)
{
    (void)state;
    struct answer a;
    read_answer(
        &a, "200\tv\t000102030405060708090a0b0c0d0e0f\t12.005\t1893456000.001\t\t\tabsent\tabsent",
        WEFT__KV_LINE_STATES);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.value_count, 2);
    assert_int_equal(a.reply.state_count, 2);
    assert_int_equal(a.reply.states[0].version.size, 16);
    assert_int_equal(a.reply.states[0].version.data[15], 15);
    assert_int_equal(a.reply.states[0].left, 12005);
    assert_int_equal(a.reply.states[0].expires, 1893456000001);
    assert_int_equal(a.reply.states[1].expires, 0);
    assert_int_equal(a.reply.states[1].version.size, 0);
    fini_answer(&a);
    read_answer(&a, "200\tnever\tabsent\t0.001", WEFT__KV_LINE_LEFT);
    assert_int_equal(a.result, 0);
    assert_true(a.reply.values[0].boolean && !a.reply.values[1].boolean);
    assert_int_equal(a.reply.states[0].left, 0);
    assert_int_equal(a.reply.states[2].left, 1);
    fini_answer(&a);
    read_answer(&a, "200\ttrue\tfalse", WEFT__KV_LINE_BOOLS);
    assert_int_equal(a.result, 0);
    assert_true(a.reply.values[0].boolean && !a.reply.values[1].boolean);
    fini_answer(&a);
}

static void test_pages_pairs_and_tables_are_read(void **state)
{
    (void)state;
    struct answer a;
    read_answer(&a, "200\tAAE=\tk\\t1\tv\tk2\tint:2", WEFT__KV_LINE_PAGE);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.cursor.size, 2);
    assert_int_equal(a.reply.pair_count, 2);
    assert_text(a.reply.pairs[0].key, "k\t1");
    assert_int_equal(a.reply.pairs[1].value.integer, 2);
    fini_answer(&a);
    read_answer(&a, "200", WEFT__KV_LINE_PAIRS);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.pair_count, 0);
    fini_answer(&a);
    read_answer(&a, "200\t-\ta\tb", WEFT__KV_LINE_KEYS);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.cursor.size, 0);
    assert_int_equal(a.reply.pair_count, 2);
    fini_answer(&a);
    read_answer(&a, "200\t-\ta\tx\t1.500\t1893456000.000\tb\ty\tnever\tnever",
                WEFT__KV_LINE_PAGE_STATES);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.state_count, 2);
    assert_int_equal(a.reply.states[0].left, 1500);
    assert_int_equal(a.reply.states[0].expires, 1893456000000);
    assert_int_equal(a.reply.states[1].expires, 0);
    fini_answer(&a);
    read_answer(&a, "200\t-\ta\tnever\tnever", WEFT__KV_LINE_KEYS_STATES);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.pair_count, 1);
    fini_answer(&a);
    read_answer(&a, "200\t-\tt\t12", WEFT__KV_LINE_TABLES);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.table_count, 1);
    assert_int_equal(a.reply.tables[0].count, 12);
    fini_answer(&a);
}

static void test_refusals_have_their_text_and_the_version_that_is_there(void **state)
{
    (void)state;
    struct answer a;
    read_answer(&a, "404\tNot found for table: a\\tb", WEFT__KV_LINE_VALUES);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.reply.status, 404);
    assert_text(a.reply.message, "Not found for table: a\tb");
    fini_answer(&a);
    read_answer(&a, "412\tno\t000102030405060708090a0b0c0d0e0f", WEFT__KV_LINE_VALUES);
    assert_int_equal(a.result, 0);
    assert_true(a.reply.state_count == 1 && a.reply.states[0].unmet);
    assert_int_equal(a.reply.states[0].version.size, 16);
    fini_answer(&a);
    read_answer(&a, "412\tno\t", WEFT__KV_LINE_VALUES);
    assert_int_equal(a.result, 0);
    assert_true(a.reply.states[0].unmet && a.reply.states[0].version.size == 0);
    fini_answer(&a);
}

static void test_answer_that_is_none_is_malformed(void **state)
{
    static const struct {
        const char *text;
        enum weft__kv_line_answer answer;
    } wrong[] = {
        {"", WEFT__KV_LINE_VALUES},
        {"20", WEFT__KV_LINE_VALUES},
        {"2000", WEFT__KV_LINE_VALUES},
        {"200 x", WEFT__KV_LINE_VALUES},
        {"HTTP/1.1 400", WEFT__KV_LINE_VALUES},
        {"200\tint:x", WEFT__KV_LINE_VALUES},
        {"200\ta\\", WEFT__KV_LINE_VALUES},
        {"200\ta\\q", WEFT__KV_LINE_VALUES},
        {"200\t\\x1", WEFT__KV_LINE_VALUES},
        {"200\t\\xzz", WEFT__KV_LINE_VALUES},
        {"200\tv\tno\tnever\tnever", WEFT__KV_LINE_STATES},
        {"200\tv\t", WEFT__KV_LINE_STATES},
        {"200\tyes", WEFT__KV_LINE_BOOLS},
        {"200\t1", WEFT__KV_LINE_LEFT},
        {"200\t1.0", WEFT__KV_LINE_LEFT},
        {"200\t.100", WEFT__KV_LINE_LEFT},
        {"200\t99999999999999999.000", WEFT__KV_LINE_LEFT},
        {"200\tx", WEFT__KV_LINE_NUMBER},
        {"200", WEFT__KV_LINE_PAGE},
        {"200\t!", WEFT__KV_LINE_PAGE},
        {"200\t-\tk", WEFT__KV_LINE_PAGE},
        {"200\tk", WEFT__KV_LINE_PAIRS},
        {"200\t-\tt\tx", WEFT__KV_LINE_TABLES},
        {"200\t-\tt", WEFT__KV_LINE_TABLES},
        {"412\tno\tzz", WEFT__KV_LINE_VALUES},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct answer a;
        read_answer(&a, wrong[i].text, wrong[i].answer);
        if (a.result != WEFT_EMALFORMED || !a.why)
            fail_msg("'%s' is taken", wrong[i].text);
        fini_answer(&a);
    }
}

static void test_answer_without_a_status_says_so(void **state)
{
    (void)state;
    struct answer a;
    read_answer(&a, "HTTP/1.0 400", WEFT__KV_LINE_VALUES);
    assert_int_equal(a.result, WEFT_EMALFORMED);
    assert_string_equal(a.why, "no status at its beginning");
    fini_answer(&a);
}

static void test_answer_of_many_fields_is_held_to_the_budget(void **state)
{
    (void)state;
    char text[3000] = "200";
    memset(text + 3, '\t', sizeof text - 4);
    struct answer a;
    read_answer(&a, text, WEFT__KV_LINE_VALUES);
    assert_int_equal(a.result, WEFT_ETOOBIG);
    assert_string_equal(a.why, "the reply has too many items");
    fini_answer(&a);
}

static void read_all(void *arg)
{
    static const struct {
        const char *text;
        enum weft__kv_line_answer answer;
    } texts[] = {
        {"200\ta\\n\thex:00", WEFT__KV_LINE_VALUES},
        {"200\tv\t000102030405060708090a0b0c0d0e0f\tnever\tnever", WEFT__KV_LINE_STATES},
        {"200\t-\ta\\n\tb\tnever\tnever", WEFT__KV_LINE_PAGE_STATES},
        {"200\tAAE=\ta\\n\tb", WEFT__KV_LINE_PAGE},
        {"200\t-\ta\\n\t1", WEFT__KV_LINE_TABLES},
        {"412\ta\\n\t000102030405060708090a0b0c0d0e0f", WEFT__KV_LINE_VALUES},
    };
    (void)arg;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct answer a;
        read_answer(&a, texts[i].text, texts[i].answer);
        assert_true(a.result == 0 || (a.result == -ENOMEM && fault_failed() > 0 && a.why));
        fini_answer(&a);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(read_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_quoted_and_stand_behind_two_dashes),
        cmocka_unit_test(test_values_are_written_with_their_types),
        cmocka_unit_test(test_each_command_has_its_words),
        cmocka_unit_test(test_login_is_two_words),
        cmocka_unit_test(test_changes_of_one_kind_are_one_command),
        cmocka_unit_test(test_newline_is_refused_wherever_it_is),
        cmocka_unit_test(test_what_no_line_says_is_refused),
        cmocka_unit_test(test_only_keys_without_an_expiry_have_a_known_state_after_a_change),
        cmocka_unit_test(test_values_are_read_with_their_types_and_escapes),
        cmocka_unit_test(test_states_times_and_bools_are_read),
        cmocka_unit_test(test_pages_pairs_and_tables_are_read),
        cmocka_unit_test(test_refusals_have_their_text_and_the_version_that_is_there),
        cmocka_unit_test(test_answer_that_is_none_is_malformed),
        cmocka_unit_test(test_answer_without_a_status_says_so),
        cmocka_unit_test(test_answer_of_many_fields_is_held_to_the_budget),
        cmocka_unit_test(test_topics_have_their_words),
        cmocka_unit_test(test_what_lines_of_topics_have_not_is_refused),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("kv: client, lines", tests, NULL, NULL);
}
