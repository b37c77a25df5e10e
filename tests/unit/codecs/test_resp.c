/* SPDX-License-Identifier: MIT
 *
 * The codec finds the commands of Redis, and refuses everything else as Redis does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/feed.h"

static struct feed_codec codec_of(uint64_t max_frame)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    limits.max_frame = max_frame;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_resp, "", &limits, NULL), 0);
    return fc;
}

/* Feeds bytes in pieces of every size and in two parts, and checks that it makes no difference. */
static void feed_every_way(struct feed *feed, const struct feed_codec *fc, struct weft_view bytes)
{
    feed_init(feed, fc, WEFT_SERVER);
    feed_pieces(feed, bytes, bytes.size);
    assert_null(feed->broken_rule);
    for (size_t i = 1; i < bytes.size && i < 300; i++) {
        struct feed other;
        feed_init(&other, fc, WEFT_SERVER);
        feed_pieces(&other, bytes, i);
        assert_null(other.broken_rule);
        assert_null(feed_difference(&other, feed));
        feed_fini(&other);
        feed_init(&other, fc, WEFT_SERVER);
        feed_split(&other, bytes, i);
        assert_null(feed_difference(&other, feed));
        feed_fini(&other);
    }
}

#define VIEW(text) weft_view(text, sizeof(text) - 1)

/* The pieces must come out as messages, one each. */
static void assert_commands(const char *const *commands, size_t count)
{
    struct feed_codec fc = codec_of(4096);
    struct feed feed;
    char all[2048] = "";
    for (size_t i = 0; i < count; i++)
        strncat(all, commands[i], sizeof all - strlen(all) - 1);
    feed_every_way(&feed, &fc, weft_view_str(all));
    assert_int_equal(feed.ended, 0);
    assert_int_equal(feed.unread_size, 0);
    assert_int_equal(feed.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(feed.messages[i].status, WEFT_MESSAGE_OK);
        assert_int_equal(feed.messages[i].size, strlen(commands[i]));
        assert_memory_equal(feed.messages[i].payload, commands[i], strlen(commands[i]));
    }
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_pipelined_commands_come_one_by_one(void **state)
{
    static const char *const commands[] = {
        "*1\r\n$4\r\nPING\r\n",
        "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n",
        "PING\r\n",
        "*2\r\n$4\r\nECHO\r\n$11\r\nab\r\n$3\r\nSET\r\n",
        "SET a \"b c\"\n",
        "*1\r\n$0\r\n\r\n",
    };
    (void)state;
    assert_commands(commands, sizeof commands / sizeof *commands);
}

static void test_quotes_of_inline_commands_may_hold_anything_but_a_line_end(void **state)
{
    static const char *const commands[] = {
        "set a \"\\\"\"\r\n",   "set a '\\''\r\n",          "set a \"'\" '\"' \r\n",
        "set a b\"c d\" e\r\n", "set a \"\\x41\\n\\\\\"\n", "set a 'x\\y'\n",
        "set a \\\n",
    };
    (void)state;
    assert_commands(commands, sizeof commands / sizeof *commands);
}

static void test_empty_commands_are_passed_over(void **state)
{
    static const char bytes[] = "\r\n\n   \t\r\n*0\r\n*-1\r\n\0x\n*1\r\n$4\r\nPING\r\n\r\n";
    (void)state;
    struct feed_codec fc = codec_of(4096);
    struct feed feed;
    feed_every_way(&feed, &fc, VIEW(bytes));
    assert_int_equal(feed.ended, 0);
    assert_int_equal(feed.unread_size, 0);
    assert_int_equal(feed.count, 1);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static const struct {
    const char *bytes, *why;
} wrong[] = {
    {"*x\r\n", "invalid multibulk length"},
    {"*\r\n", "invalid multibulk length"},
    {"*1\n", "invalid multibulk length"},
    {"*1\rx", "invalid multibulk length"},
    {"*01\r\n", "invalid multibulk length"},
    {"*+1\r\n", "invalid multibulk length"},
    {"*-0\r\n", "invalid multibulk length"},
    {"*1048577\r\n", "invalid multibulk length"},
    {"*9223372036854775807\r\n", "invalid multibulk length"},
    {"*99999999999999999999\r\n", "invalid multibulk length"},
    {"*1\r\nPING\r\n", "expected '$'"},
    {"*1\r\n*1\r\n", "expected '$'"},
    {"*1\r\n:1\r\n", "expected '$'"},
    {"*1\r\n$\r\n\r\n", "invalid bulk length"},
    {"*1\r\n$-1\r\n", "invalid bulk length"},
    {"*1\r\n$x\r\n", "invalid bulk length"},
    {"*1\r\n$00\r\n\r\n", "invalid bulk length"},
    {"*1\r\n$4 \r\nPING\r\n", "invalid bulk length"},
    {"*1\r\n$536870913\r\n", "invalid bulk length"},
    {"*1\r\n$9223372036854775808\r\n", "invalid bulk length"},
    {"*1\r\n$4\r\nPINGPONG", "expected CRLF behind a bulk string"},
    {"*1\r\n$4\r\nPING\r\r", "expected CRLF behind a bulk string"},
    {"set a \"b\r\n", "unbalanced quotes in request"},
    {"set a 'b\r\n", "unbalanced quotes in request"},
    {"set a \"b\"c\r\n", "unbalanced quotes in request"},
    {"set a 'b'c\r\n", "unbalanced quotes in request"},
    {"set a \"b\\\"\r\n", "unbalanced quotes in request"},
    {"set a \"b\\", NULL},
};

/* The commands before the fault are answered, then it is named, and the connection closes. */
static void test_protocol_errors_are_named_and_end_the_connection(void **state)
{
    static const char good[] = "*1\r\n$4\r\nPING\r\n";
    (void)state;
    struct feed_codec fc = codec_of(4096);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char bytes[256];
        struct feed feed;
        int size =
            snprintf(bytes, sizeof bytes, "%s%s%s", good, wrong[i].bytes, wrong[i].why ? good : "");
        feed_every_way(&feed, &fc, weft_view(bytes, (size_t)size));
        assert_int_equal(feed.count, wrong[i].why ? 2 : 1);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
        assert_int_equal(feed.ended, wrong[i].why ? WEFT_ELOST : 0);
        if (wrong[i].why) {
            assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_MALFORMED);
            assert_string_equal(feed.messages[1].why, wrong[i].why);
        }
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_nul_ends_an_inline_command_as_in_redis(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(4096);
    struct feed feed;
    feed_every_way(&feed, &fc, VIEW("PING\0\"\r\nPING \"\0\"\r\n"));
    assert_int_equal(feed.count, 2);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
    assert_string_equal(feed.messages[1].why, "unbalanced quotes in request");
    feed_fini(&feed);
    feed_every_way(&feed, &fc, VIEW("PING \"\\\0\"\r\n"));
    assert_int_equal(feed.count, 1);
    assert_string_equal(feed.messages[0].why, "unbalanced quotes in request");
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_inline_command_over_64_kib_is_refused_and_not_collected(void **state)
{
    (void)state;
    struct feed_codec fc = codec_of(WEFT_MIB(8));
    uint8_t *line = malloc(WEFT_KIB(128));
    assert_non_null(line);
    memset(line, 'x', WEFT_KIB(128));
    line[WEFT_KIB(64) - 1] = '\n';
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_pieces(&feed, weft_view(line, WEFT_KIB(128)), 4096);
    assert_int_equal(feed.count, 1);
    assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_OK);
    feed_fini(&feed);
    line[WEFT_KIB(64) - 1] = 'x';
    line[WEFT_KIB(64)] = '\n';
    feed_init(&feed, &fc, WEFT_SERVER);
    feed_pieces(&feed, weft_view(line, WEFT_KIB(128)), 4096);
    assert_int_equal(feed.count, 1);
    assert_string_equal(feed.messages[0].why, "too big inline request");
    assert_int_equal(feed.ended, WEFT_ELOST);
    assert_true(feed.most_held <= WEFT_KIB(68));
    feed_fini(&feed);
    free(line);
    feed_codec_fini(&fc);
}

static void test_quit_is_answered_and_ends_the_connection(void **state)
{
    static const char *const quits[] = {"*1\r\n$4\r\nQUIT\r\n", "quit\r\n", " Quit now\n",
                                        "*2\r\n$4\r\nquiT\r\n$1\r\nx\r\n"};
    static const char *const others[] = {"*1\r\n$5\r\nQUITS\r\n", "quits\r\n", "qui\r\n",
                                         "\"quit\r\"\n", "*2\r\n$4\r\nECHO\r\n$4\r\nquit\r\n"};
    (void)state;
    struct feed_codec fc = codec_of(4096);
    for (size_t i = 0; i < 9; i++) {
        char bytes[128];
        struct feed feed;
        (void)snprintf(bytes, sizeof bytes, "%sPING\r\n", i < 4 ? quits[i] : others[i - 4]);
        feed_every_way(&feed, &fc, weft_view_str(bytes));
        assert_int_equal(feed.count, i < 4 ? 1 : 2);
        assert_int_equal(feed.ended, i < 4 ? WEFT_EOVER : 0);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_a_browser_gets_no_line_further_than_its_own(void **state)
{
    static const char *const lines[] = {"POST / HTTP/1.1\r\n", "post\r\n", "Host: a\r\n",
                                        " HOST:\r\n"};
    (void)state;
    struct feed_codec fc = codec_of(4096);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char bytes[128];
        struct feed feed;
        (void)snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\n%sFLUSHDB\r\n", lines[i]);
        feed_every_way(&feed, &fc, weft_view_str(bytes));
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.ended, WEFT_EFOREIGN);
        assert_string_equal(feed.detail, "looks like HTTP");
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

/* A command: a head, an argument of `size` zeros, and what follows. */
struct sized {
    const char *head;
    size_t size;
    const char *tail;
};

static void feed_sized(struct feed *feed, const struct feed_codec *fc, const struct sized *sized)
{
    char bytes[1024];
    size_t head = strlen(sized->head);
    assert_true(head + sized->size + strlen(sized->tail) < sizeof bytes);
    memcpy(bytes, sized->head, head);
    memset(bytes + head, '0', sized->size);
    strcpy(bytes + head + sized->size, sized->tail);
    feed_every_way(feed, fc, weft_view_str(bytes));
}

#define PING  "*1\r\n$4\r\nPING\r\n"
#define EMPTY "$0\r\n\r\n"
#define FIVE  EMPTY EMPTY EMPTY EMPTY EMPTY

/* A command that is refused for its size is passed over, if it is not much too long. */
static void test_command_over_max_frame_is_refused_once_and_skipped(void **state)
{
    static const struct sized over[] = {
        {"*2\r\n$4\r\nECHO\r\n$90\r\n", 90, "\r\n" PING},
        {"*3\r\n$90\r\n", 90, "\r\n$1\r\na\r\n" EMPTY PING},
        {"*20\r\n", 0, FIVE FIVE FIVE FIVE PING},
    };
    (void)state;
    struct feed_codec fc = codec_of(100);
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        struct feed feed;
        feed_sized(&feed, &fc, &over[i]);
        assert_int_equal(feed.ended, 0);
        assert_int_equal(feed.count, 2);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
        assert_string_equal(feed.messages[0].why, "max-frame");
        assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_OK);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

static void test_command_beyond_skipping_is_refused_and_ends_the_connection(void **state)
{
    static const struct sized over[] = {
        {"*2\r\n$4\r\nECHO\r\n$500\r\n", 0, ""}, /* says so at once */
        {"*100\r\n", 0, ""},                     /* has too many arguments to be skipped */
        {"*2\r\n$101\r\n", 101, "\r\n$999\r\n"}, /* goes on too long behind what is refused */
        {"*2\r\n$101\r\n", 101, "\r\nx"},        /* ceases to be a command there */
    };
    (void)state;
    struct feed_codec fc = codec_of(100);
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        struct feed feed;
        feed_sized(&feed, &fc, &over[i]);
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
        assert_int_equal(feed.ended, WEFT_ELOST);
        feed_fini(&feed);
    }
    feed_codec_fini(&fc);
}

/* A length is a promise: it buys no memory, and the codec has none of its own. */
static void test_codec_allocates_nothing(void **state)
{
    (void)state;
    fault_install();
    struct feed_codec fc = codec_of(WEFT_MIB(8));
    struct feed feed;
    feed_init(&feed, &fc, WEFT_SERVER);
    size_t before = fault_bytes_most();
    feed_bytes(&feed, VIEW("*1000000\r\n$3\r\nSET\r\n$8000000\r\n"));
    feed_bytes(&feed, VIEW("x"));
    assert_int_equal(fault_bytes_most(), before);
    feed_fini(&feed);
    feed_codec_fini(&fc);
    fault_remove();
}

/* Counted in the codec's own terms: an argument that has been read is not read again, so a view that
 * grows by a byte costs the same whether one argument or ten thousand have come. */
static void test_many_arguments_in_small_pieces_are_each_read_once(void **state)
{
    enum { COUNT = 200000 };
    (void)state;
    struct feed_codec fc = codec_of(WEFT_MIB(8));
    struct weft_codec_state codec = {.config = fc.config, .conn = calloc(1, fc.codec->conn_size)};
    size_t size = 0;
    uint8_t *bytes = malloc(16 + COUNT * 6);
    assert_non_null(bytes);
    assert_non_null(codec.conn);
    size = (size_t)sprintf((char *)bytes, "*%d\r\n", COUNT);
    for (size_t i = 0; i < COUNT; i++, size += 6)
        memcpy(bytes + size, "$0\r\n\r\n", 6);
    /* The bytes that have been taken are overwritten: whoever looks at them again finds no argument. */
    for (size_t seen = 16; seen < size; seen += 6) {
        struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
        struct weft_decode_io io = {0};
        assert_int_equal(fc.codec->decode(&codec, weft_view(bytes, seen), &msg, &io), 0);
        assert_int_equal(msg.kind, WEFT_MESSAGE_NONE);
        assert_true(io.need > seen && io.need <= size);
        memset(bytes + seen - 16, '!', seen >= 16 + 6 ? 6 : 0);
    }
    struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
    struct weft_decode_io io = {0};
    assert_int_equal(fc.codec->decode(&codec, weft_view(bytes, size), &msg, &io), size);
    assert_int_equal(msg.kind, WEFT_MESSAGE_DATA);
    free(codec.conn);
    free(bytes);
    feed_codec_fini(&fc);
}

static enum weft_probe probe(const char *text)
{
    return weft_codec_resp.probe(NULL, weft_view_str(text));
}

static void test_probe_claims_arrays_and_the_inline_ping_of_benchmarks(void **state)
{
    static const char *const own[] = {"*1\r\n$4\r\nPING\r\n", "*12\r", "*1000000\r\n", "PING\r\n"};
    static const char *const unsure[] = {"*", "*1", "*1\r", "P", "PING"};
    static const char *const others[] = {"* ",       "*a",          "*1a",
                                         "*-1\r\n",  "$4\r\n",      "PING\n",
                                         "ping\r\n", "GET key\r\n", "GET / HTTP/1.1\r\n",
                                         "\x16\x03"};
    (void)state;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        assert_int_equal(probe(own[i]), WEFT_PROBE_YES);
    for (size_t i = 0; i < sizeof unsure / sizeof *unsure; i++)
        assert_int_equal(probe(unsure[i]), WEFT_PROBE_MORE);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(probe(others[i]), WEFT_PROBE_NO);
    assert_int_equal(weft_codec_resp.probe(NULL, weft_view("\0\0\0\5", 4)), WEFT_PROBE_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_claims_arrays_and_the_inline_ping_of_benchmarks),
        cmocka_unit_test(test_pipelined_commands_come_one_by_one),
        cmocka_unit_test(test_quotes_of_inline_commands_may_hold_anything_but_a_line_end),
        cmocka_unit_test(test_empty_commands_are_passed_over),
        cmocka_unit_test(test_protocol_errors_are_named_and_end_the_connection),
        cmocka_unit_test(test_nul_ends_an_inline_command_as_in_redis),
        cmocka_unit_test(test_inline_command_over_64_kib_is_refused_and_not_collected),
        cmocka_unit_test(test_quit_is_answered_and_ends_the_connection),
        cmocka_unit_test(test_a_browser_gets_no_line_further_than_its_own),
        cmocka_unit_test(test_command_over_max_frame_is_refused_once_and_skipped),
        cmocka_unit_test(test_command_beyond_skipping_is_refused_and_ends_the_connection),
        cmocka_unit_test(test_codec_allocates_nothing),
        cmocka_unit_test(test_many_arguments_in_small_pieces_are_each_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
