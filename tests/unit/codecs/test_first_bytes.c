/* SPDX-License-Identifier: MIT
 *
 * Peers that speak something else, as both codecs meet them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/feed.h"

static const struct weft_codec *const codecs[] = {&weft_codec_raw,
                                                  &weft_codec_length_delimited_gzip};
enum { CODECS = sizeof codecs / sizeof *codecs };

static struct feed_codec codec_of(const struct weft_codec *codec, uint64_t max_frame)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    limits.max_frame = max_frame;
    if (limits.max_message < max_frame)
        limits.max_message = max_frame;
    assert_int_equal(feed_codec_init(&fc, codec, "", &limits, NULL), 0);
    return fc;
}

static const struct {
    const char *first, *protocol, *answer; /* NULL: none */
} foreign[] = {
    {"GET / HTTP/1.1\r\n\r\n", "HTTP", "HTTP/1.0 400 "},
    {"POST / HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"PUT /x HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"HEAD / HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"DELETE / HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"OPTIONS * HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"PATCH / HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"CONNECT x:1 HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"TRACE / HTTP/1.1\r\n", "HTTP", "HTTP/1.0 400 "},
    {"PRI * HTTP/2.0\r\n", "HTTP", "HTTP/1.0 400 "},
    {"HTTP/1.1 400 Bad\r\n", "HTTP", "HTTP/1.0 400 "},
    {"\x16\x03\x01\x02", "TLS", NULL},
    {"\x15\x03\x03\x02", "TLS", NULL},
    {"*1\r\n$4\r\nPING\r\n", "RESP", "-ERR "},
    {"$4\r\nPING", "RESP", "-ERR "},
    {"PING\r\n", "RESP", "-ERR "},
    {"ping\r\n", "RESP", "-ERR "},
    {"-ERR no\r\n", "RESP", "-ERR "},
    {"+PONG\r\n", "RESP", "-ERR "},
    {"-AZ\r\n", "RESP", "-ERR "},
    {"-ZA\r\n", "RESP", "-ERR "},
    {"SSH-2.0-x\r\n", "SSH", NULL},
    {"GETX", "text", NULL},
    {"*x\r\n", "text", NULL},
    {"+ok\r", "text", NULL},
    {"220 mail.example ESMTP\r\n", "text", NULL},
    {"{\"status\": 200}\n", "text", NULL},
    {"\r\n~ ", "text", NULL},
};
enum { FOREIGN = sizeof foreign / sizeof *foreign };

static void meet(struct feed *feed, const struct feed_codec *fc, enum weft_role role,
                 const char *first)
{
    feed_init(feed, fc, role);
    feed_pieces(feed, weft_view_str(first), 1);
}

static void assert_detail(const struct feed *feed, const char *says, const char *protocol)
{
    assert_non_null(feed->detail);
    assert_memory_equal(feed->detail, says, strlen(says));
    assert_string_equal(feed->detail + strlen(says), protocol);
}

static void test_server_names_the_protocol_and_answers_in_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODECS * FOREIGN; i++) {
        const struct weft_codec *codec = codecs[i % CODECS];
        struct feed_codec fc = codec_of(codec, WEFT_MIB(8));
        struct feed feed;
        meet(&feed, &fc, WEFT_SERVER, foreign[i / CODECS].first);
        assert_int_equal(feed.ended, WEFT_EFOREIGN);
        assert_int_equal(feed.count, 0);
        assert_detail(&feed, "looks like ", foreign[i / CODECS].protocol);
        const char *answer = foreign[i / CODECS].answer;
        assert_int_equal(feed.out.bytes > 0, answer != NULL);
        if (answer) {
            struct weft_bytes said = {feed_chain_copy(&feed.out), feed.out.bytes};
            assert_memory_equal(said.data, answer, strlen(answer));
            assert_non_null(memmem(said.data, said.size, codec->name, strlen(codec->name)));
            assert_int_equal(said.data[said.size - 1], '\n');
            free(said.data);
        }
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

static void test_client_names_the_protocol_and_says_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODECS * FOREIGN; i++) {
        struct feed_codec fc = codec_of(codecs[i % CODECS], WEFT_MIB(8));
        struct feed feed;
        meet(&feed, &fc, WEFT_CLIENT, foreign[i / CODECS].first);
        assert_int_equal(feed.ended, WEFT_EFOREIGN);
        assert_detail(&feed, "answered in ", foreign[i / CODECS].protocol);
        assert_int_equal(feed.out.bytes, 0);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

/* GO_AWAY has the form of a length, so it is only told from a reply when nothing follows it. */
static void test_client_names_yamux_by_its_last_words(void **state)
{
    static const char last_words[] = "\0\3\0\0\0\0\0\0\0\0\0\1";
    (void)state;
    for (size_t i = 0; i < CODECS * 3; i++) {
        struct feed_codec fc = codec_of(codecs[i % CODECS], WEFT_MIB(8));
        struct feed feed;
        feed_init(&feed, &fc, i / CODECS == 1 ? WEFT_SERVER : WEFT_CLIENT);
        feed_bytes(&feed, weft_view(last_words, i / CODECS == 2 ? 11 : 12));
        assert_int_equal(feed.ended, 0);
        feed_eof(&feed);
        assert_int_equal(feed.ended, i / CODECS == 0 ? WEFT_EFOREIGN : 0);
        if (feed.ended < 0)
            assert_string_equal(feed.detail, "answered in yamux");
        assert_int_equal(feed.out.bytes, 0);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

/* A server of gRPC begins with SETTINGS, which have the form of a length as well. */
static void test_client_names_http2_by_its_settings(void **state)
{
    static const char settings[] = "\0\0\x06\4\0\0\0\0\0\0\3\0\0\0\x80";
    (void)state;
    for (size_t i = 0; i < CODECS * 3; i++) {
        struct feed_codec fc = codec_of(codecs[i % CODECS], WEFT_MIB(8));
        struct feed feed;
        feed_init(&feed, &fc, i / CODECS == 1 ? WEFT_SERVER : WEFT_CLIENT);
        feed_bytes(&feed, weft_view(settings, i / CODECS == 2 ? 8 : sizeof settings - 1));
        assert_int_equal(feed.ended, 0);
        feed_eof(&feed);
        assert_int_equal(feed.ended, i / CODECS == 0 ? WEFT_EFOREIGN : 0);
        if (feed.ended < 0)
            assert_string_equal(feed.detail, "answered in HTTP/2");
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

static void test_legal_length_is_never_taken_for_a_protocol(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODECS * FOREIGN; i++) {
        struct feed_codec fc = codec_of(codecs[i % CODECS], 0x7fffffff);
        struct feed feed;
        meet(&feed, &fc, WEFT_SERVER, foreign[i / CODECS].first);
        assert_int_equal(feed.ended, 0);
        assert_true(feed.need > 4);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

/* "GET " is 1195725856: four times this max_frame is more, so the frame could be skipped. */
static void test_protocol_is_recognised_where_its_length_could_be_skipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODECS; i++) {
        struct feed_codec fc = codec_of(codecs[i], WEFT_MIB(1024));
        struct feed feed;
        meet(&feed, &fc, WEFT_SERVER, "GET / HTTP/1.1\r\n");
        assert_int_equal(feed.ended, WEFT_EFOREIGN);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

static void test_only_the_first_bytes_of_a_connection_are_looked_at(void **state)
{
    static const char *const before[] = {"\0\0\0\1x", "\0\0\0\5skip!"};
    static const size_t sizes[] = {5, 9};
    (void)state;
    for (size_t i = 0; i < 2 * CODECS; i++) {
        struct feed_codec fc = codec_of(codecs[i % CODECS], 4);
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_bytes(&feed, weft_view(before[i / CODECS], sizes[i / CODECS]));
        feed_bytes(&feed, weft_view_str("GET / HTTP/1.1\r\n"));
        assert_int_equal(feed.count, 2);
        assert_int_equal(feed.messages[1].status, WEFT_MESSAGE_TOO_BIG);
        assert_int_equal(feed.ended, WEFT_ELOST);
        assert_int_equal(feed.out.bytes, 0);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

static void test_unknown_first_bytes_are_an_oversize_frame(void **state)
{
    static const char *const unknown[] = {"\x7f\xff\xff\xff", "GET\t",           "*x\x7f\n",
                                          "+o\xc3\xa4",       "\x1bSSH",         "\x16\x02\x01\x02",
                                          "\x16\x03\x05\x02", "\x14\x03\x01\x02"};
    (void)state;
    for (size_t i = 0; i < CODECS * (sizeof unknown / sizeof *unknown); i++) {
        struct feed_codec fc = codec_of(codecs[i % CODECS], WEFT_MIB(8));
        struct feed feed;
        meet(&feed, &fc, WEFT_SERVER, unknown[i / CODECS]);
        assert_int_equal(feed.count, 1);
        assert_int_equal(feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
        assert_int_equal(feed.ended, WEFT_ELOST);
        assert_int_equal(feed.out.bytes, 0);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

/* A varint in front of a reply, for one, which reads as a length of hundreds of megabytes. */
static void test_client_takes_a_first_frame_beyond_skipping_for_another_protocol(void **state)
{
    static const char frame[] = "\x2e\x08\x90\x03\x12\x29"
                                "Command is invalid: `Request has no data`";
    (void)state;
    for (size_t i = 0; i < CODECS; i++) {
        struct feed_codec fc = codec_of(codecs[i % CODECS], WEFT_MIB(8));
        struct feed feed;
        meet(&feed, &fc, WEFT_CLIENT, frame);
        assert_int_equal(feed.ended, WEFT_EFOREIGN);
        assert_string_equal(feed.detail, "answered in another protocol or codec");
        assert_int_equal(feed.count, 0);
        feed_fini(&feed);
        feed_init(&feed, &fc, WEFT_CLIENT);
        feed_bytes(&feed, weft_view("\2\0\0\0", 4)); /* 32 MiB, which may be skipped */
        assert_int_equal(feed.ended, 0);
        assert_int_equal(feed.count, 1);
        feed_fini(&feed);
        feed_codec_fini(&fc);
    }
}

/* The answer needs memory; without it the connection ends as it would have, in silence. */
static void meet_http(void *arg)
{
    struct feed_codec fc = codec_of(arg, WEFT_MIB(8));
    struct feed feed;
    meet(&feed, &fc, WEFT_SERVER, "GET / HTTP/1.1\r\n");
    assert_int_equal(feed.ended, WEFT_EFOREIGN);
    assert_int_equal(feed.out.bytes > 0, fault_failed() == 0);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_without_memory_the_peer_gets_no_answer(void **state)
{
    (void)state;
    struct weft_codec raw = weft_codec_raw;
    fault_each(meet_http, &raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_names_the_protocol_and_answers_in_it),
        cmocka_unit_test(test_client_names_the_protocol_and_says_nothing),
        cmocka_unit_test(test_client_names_yamux_by_its_last_words),
        cmocka_unit_test(test_client_names_http2_by_its_settings),
        cmocka_unit_test(test_legal_length_is_never_taken_for_a_protocol),
        cmocka_unit_test(test_protocol_is_recognised_where_its_length_could_be_skipped),
        cmocka_unit_test(test_only_the_first_bytes_of_a_connection_are_looked_at),
        cmocka_unit_test(test_unknown_first_bytes_are_an_oversize_frame),
        cmocka_unit_test(test_client_takes_a_first_frame_beyond_skipping_for_another_protocol),
        cmocka_unit_test(test_without_memory_the_peer_gets_no_answer),
    };
    return cmocka_run_group_tests_name("first bytes", tests, NULL, NULL);
}
