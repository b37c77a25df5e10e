/* SPDX-License-Identifier: MIT
 *
 * The codec grpc with a client that behaves: requests, answers, windows, compression and the goodbye. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "core/base/compiler.h"
#include "grpc_world.h"
#include "lib/fault.h"

enum { LIMIT = 100000 };

static const char path[] = "/p.S/M";

static int setup(void **state)
{
    *state = grpc_world_new("", LIMIT, LIMIT);
    return 0;
}

static int teardown(void **state)
{
    grpc_world_free(*state);
    return 0;
}

static void test_request_is_a_message_with_a_head(void **state)
{
    struct grpc_world *w = *state;
    const struct grpc_peer_field fields[] = {
        {"grpc-timeout", "250m"},
        {"authorization", "Basic bWU6eA=="},
        {"x-id", "7"},
        {"trace-bin", "AAEC"},
        {"x-id", "8"},
        {"grpc-accept-encoding", "identity, gzip"},
        {"grpc-trace-bin", "AA"},
        {"user-agent", "test"},
        {"grpc-encoding", "identity"},
        {NULL, NULL},
    };
    uint8_t bytes[64];
    (void)grpc_peer_ask(&w->peer, path, fields, bytes, grpc_prefixed(bytes, "hello", 5, false),
                        false);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 1);
    const struct feed_message *message = &w->feed.messages[0];
    assert_int_equal(message->status, WEFT_MESSAGE_OK);
    assert_int_equal(message->size, 5);
    assert_memory_equal(message->payload, "hello", 5);
    assert_int_equal(message->stream, 1);
    assert_int_equal(message->deadline, 250000000);
    assert_string_equal(message->target, path);
    assert_string_equal(message->credentials, "Basic bWU6eA==");
    assert_string_equal(message->metadata,
                        "authorization: Basic bWU6eA==\nx-id: 8\ntrace-bin: AAEC\n"
                        "grpc-trace-bin: AA\nuser-agent: test\n");
}

static void test_answers_come_in_any_order(void **state)
{
    struct grpc_world *w = *state;
    struct grpc_peer_call *a = grpc_peer_say(&w->peer, path, "a");
    struct grpc_peer_call *b = grpc_peer_say(&w->peer, path, "b");
    struct grpc_peer_call *c = grpc_peer_say(&w->peer, path, "");
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 3);
    assert_int_equal(w->feed.messages[2].size, 0);
    assert_int_equal(grpc_world_answer(w, 1, "B", true, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 2, "C1", false, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 2, "C2", false, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 2, NULL, true, NULL), 0);
    assert_answered(a, "A", 0, "");
    assert_answered(b, "B", 0, "");
    assert_answered(c, "C1,C2", 0, "");
    assert_string_equal(b->header, "content-type=application/grpc;"
                                   "grpc-accept-encoding=identity,gzip;");
    assert_string_equal(b->trailer, "");
    assert_int_equal(weft_codec_grpc.backlog(&w->feed.state, 0), 0);
}

static void test_answer_has_metadata_and_a_status(void **state)
{
    struct grpc_world *w = *state;
    struct grpc_peer_call *a = grpc_peer_say(&w->peer, path, "a");
    struct grpc_peer_call *b = grpc_peer_say(&w->peer, path, "b");
    const struct weft_answer answer = {
        .code = 5,
        .words = weft_view_str("no k\xc3\xa4se, 100%\n"),
        /* Fields that HTTP/2 or gRPC would not have are left out. */
        .header = weft_view_str("h: 1\nUPPER: x\n:status: 500\ngrpc-status: 9\nte: x\nx: a\x01\n"),
        .trailer = weft_view_str("t-bin: AAEC\nt: 2\n"),
    };
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer(w, 0, "A", false, &answer), 0);
    assert_int_equal(grpc_world_answer(w, 0, NULL, true, &answer), 0);
    assert_answered(a, "A", 5, "no k%C3%A4se, 100%25%0A");
    assert_string_equal(a->header, "content-type=application/grpc;"
                                   "grpc-accept-encoding=identity,gzip;h=1;");
    assert_string_equal(a->trailer, "t-bin=AAEC;t=2;");
    /* An end without a message has it all in one. */
    assert_int_equal(grpc_world_answer(w, 1, NULL, true, &answer), 0);
    assert_answered(b, "", 5, "no k%C3%A4se, 100%25%0A");
    assert_string_equal(b->header, "content-type=application/grpc;h=1;t-bin=AAEC;t=2;");
}

static void test_rejections_have_their_codes(void **state)
{
    struct grpc_world *w = *state;
    static const struct {
        enum weft_reject_cause cause;
        int code;
        const char *words;
    } rows[] = {
        {WEFT_REJECT_MALFORMED, 13, "Request is malformed: max-frame"},
        {WEFT_REJECT_TOO_BIG, 8, "Request is too big: 9 bytes, max-frame is 8"},
        {WEFT_REJECT_NO_MEMORY, 8, "Out of memory"},
        {WEFT_REJECT_DRAINING, 14, "Server is shutting down"},
        {WEFT_REJECT_TOO_MANY, 14, "Too many connections"},
        {WEFT_REJECT_REPLY_TOO_BIG, 8, "Reply is too big: 9 bytes, max-frame is 8"},
        {WEFT_REJECT_NOT_KNOWN, 16, "Not known: max-frame"},
        {WEFT_REJECT_DENIED, 7, "Denied: max-frame"},
        {WEFT_REJECT_RATE, 8, "Too often: at most 8 per second"},
        {WEFT_REJECT_DEADLINE, 4, "Deadline exceeded"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "a");
        grpc_world_talk(w);
        grpc_world_reject(w, i, rows[i].cause);
        assert_answered(call, "", rows[i].code, rows[i].words);
    }
}

static void test_rejection_may_come_behind_messages(void **state)
{
    struct grpc_world *w = *state;
    struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer(w, 0, "A", false, NULL), 0);
    grpc_world_reject(w, 0, WEFT_REJECT_DEADLINE);
    assert_answered(call, "A", 4, "Deadline exceeded");
}

/* Each request below is answered by the codec, and none becomes a message. */
static void test_what_is_no_call_is_refused(void **state)
{
    struct grpc_world *w = *state;
    static const struct {
        struct grpc_peer_field field;
        const char *path;
        int http, code;
    } rows[] = {
        {{"content-type", "text/html"}, path, 415, 12},
        {{"content-type", "application/grpcx"}, path, 415, 12},
        {{"content-type", NULL}, path, 415, 12},
        {{":method", "GET"}, path, 405, 12},
        {{"grpc-timeout", "5"}, path, 200, 13},
        {{"grpc-timeout", "123456789S"}, path, 200, 13},
        {{"grpc-timeout", "1x"}, path, 200, 13},
        {{"grpc-timeout", "x1S"}, path, 200, 13},
        {{"grpc-encoding", "snappy"}, path, 200, 12},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct grpc_peer_field fields[] = {rows[i].field, {NULL, NULL}};
        uint8_t bytes[8];
        struct grpc_peer_call *call = grpc_peer_ask(&w->peer, rows[i].path, fields, bytes,
                                                    grpc_prefixed(bytes, "a", 1, false), false);
        grpc_world_talk(w);
        assert_int_equal(call->http, rows[i].http);
        assert_int_equal(call->code, rows[i].code);
        assert_true(call->closed);
        assert_true(call->words[0] != '\0');
    }
    assert_int_equal(w->feed.count, 0);
}

static void test_client_without_grpc_is_told_when_its_body_begins(void **state)
{
    struct grpc_world *w = *state;
    const struct grpc_peer_field fields[] = {{"content-type", "text/html"}, {NULL, NULL}};
    struct grpc_peer_call *call = grpc_peer_ask(&w->peer, path, fields, "", 0, true);
    grpc_world_talk(w);
    assert_int_equal(call->http, -1);
    grpc_peer_add(&w->peer, call, "x", 1, false);
    grpc_world_talk(w);
    assert_int_equal(call->http, 415);
    assert_true(call->closed);
}

static void test_content_types_of_grpc_are_taken(void **state)
{
    struct grpc_world *w = *state;
    static const char *const types[] = {"application/grpc", "application/grpc+proto",
                                        "application/grpc;charset=utf-8"};
    for (size_t i = 0; i < 3; i++) {
        const struct grpc_peer_field fields[] = {{"content-type", types[i]}, {NULL, NULL}};
        uint8_t bytes[8];
        (void)grpc_peer_ask(&w->peer, path, fields, bytes, grpc_prefixed(bytes, "a", 1, false),
                            false);
        grpc_world_talk(w);
        assert_int_equal(w->feed.count, i + 1);
    }
}

static void test_timeouts_have_units(void **state)
{
    struct grpc_world *w = *state;
    static const struct {
        const char *text;
        uint64_t deadline;
    } rows[] = {
        {"2H", UINT64_C(7200000000000)},
        {"3M", UINT64_C(180000000000)},
        {"4S", UINT64_C(4000000000)},
        {"5m", 5000000},
        {"6u", 6000},
        {"7n", 7},
        {"0n", 1},
        {"99999999H", UINT64_MAX},
        {"00000001S", UINT64_C(1000000000)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct grpc_peer_field fields[] = {{"grpc-timeout", rows[i].text}, {NULL, NULL}};
        uint8_t bytes[8];
        (void)grpc_peer_ask(&w->peer, path, fields, bytes, grpc_prefixed(bytes, "a", 1, false),
                            false);
        grpc_world_talk(w);
        assert_int_equal(w->feed.count, i + 1);
        assert_true(w->feed.messages[i].deadline == rows[i].deadline);
    }
}

static void test_request_has_exactly_one_message(void **state)
{
    struct grpc_world *w = *state;
    uint8_t bytes[64];
    struct grpc_peer_call *none = grpc_peer_ask(&w->peer, path, NULL, NULL, 0, false);
    size_t size = grpc_prefixed(bytes, "a", 1, false);
    size += grpc_prefixed(bytes + size, "b", 1, false);
    struct grpc_peer_call *two = grpc_peer_ask(&w->peer, path, NULL, bytes, size, false);
    struct grpc_peer_call *half = grpc_peer_ask(&w->peer, path, NULL, bytes, 3, false);
    struct grpc_peer_call *cut = grpc_peer_ask(&w->peer, path, NULL, bytes, 5, false);
    bytes[0] = 2;
    struct grpc_peer_call *flag = grpc_peer_ask(&w->peer, path, NULL, bytes, 6, false);
    bytes[0] = 1;
    struct grpc_peer_call *packed = grpc_peer_ask(&w->peer, path, NULL, bytes, 6, true);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 0);
    assert_answered(none, "", 12, "a request has one message here, and none came");
    assert_answered(two, "", 12, "a request has one message here");
    assert_answered(half, "", 13, "the request ends within its message");
    assert_answered(cut, "", 13, "the request ends within its message");
    assert_answered(flag, "", 13, "the flag before the message is neither 0 nor 1");
    assert_answered(packed, "", 13, "the message is compressed, and grpc-encoding is not set");
}

/* A message in many frames, and its end in one of its own. */
static void test_large_message_comes_whole(void **state)
{
    struct grpc_world *w = *state;
    uint8_t *bytes = malloc(LIMIT + 5), *message = malloc(LIMIT);
    for (size_t i = 0; i < LIMIT; i++)
        message[i] = (uint8_t)(i * 7);
    size_t size = grpc_prefixed(bytes, message, LIMIT, false);
    struct grpc_peer_call *call = grpc_peer_ask(&w->peer, path, NULL, bytes, 2, true);
    grpc_world_talk(w);
    grpc_peer_add(&w->peer, call, bytes + 2, 4, true);
    grpc_world_talk(w);
    assert_true(w->feed.inside);
    grpc_peer_add(&w->peer, call, bytes + 6, size - 6, true);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 0);
    grpc_peer_add(&w->peer, call, NULL, 0, false);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 1);
    assert_int_equal(w->feed.messages[0].size, LIMIT);
    assert_memory_equal(w->feed.messages[0].payload, message, LIMIT);
    assert_int_equal(grpc_world_answer(w, 0, "A", true, NULL), 0);
    assert_false(w->feed.inside);
    assert_answered(call, "A", 0, "");
    free(bytes);
    free(message);
}

static void test_message_over_max_frame_is_refused_by_its_prefix(void **state)
{
    struct grpc_world *w = *state;
    uint8_t bytes[16] = {0, 0, 1, 0x86, 0xa1};
    struct grpc_peer_call *call = grpc_peer_ask(&w->peer, path, NULL, bytes, sizeof bytes, true);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 1);
    assert_int_equal(w->feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(w->feed.messages[0].announced, LIMIT + 1);
    assert_string_equal(w->feed.messages[0].why, "max-frame");
    grpc_world_reject(w, 0, WEFT_REJECT_TOO_BIG);
    /* The client need not send the rest. */
    assert_answered(call, "", 8, "Request is too big: 9 bytes, max-frame is 8");
}

static void test_messages_under_way_have_a_sum(void **state)
{
    struct grpc_world *w = *state;
    uint8_t *bytes = calloc(1, LIMIT + 5);
    struct grpc_peer_call *calls[3];
    (void)grpc_prefixed(bytes, bytes + 5, 0, false);
    weft_store_be32(bytes + 1, LIMIT);
    for (int i = 0; i < 3; i++) {
        calls[i] = grpc_peer_ask(&w->peer, path, NULL, bytes, LIMIT, true);
        grpc_world_talk(w);
    }
    assert_answered(calls[2], "", 8, "the messages under way are over twice max-frame");
    grpc_peer_add(&w->peer, calls[0], bytes, 5, false);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 1);
    assert_int_equal(w->feed.messages[0].status, WEFT_MESSAGE_OK);
    free(bytes);
}

static size_t gzip(const void *message, size_t size, uint8_t *dst, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)message,
                  .avail_in = (uInt)size,
                  .next_out = dst,
                  .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size = z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    return size;
}

static size_t gunzip(const uint8_t *data, size_t size, uint8_t *dst, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
                  .avail_in = (uInt)size,
                  .next_out = dst,
                  .avail_out = (uInt)room};
    assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    size = z.total_out;
    assert_int_equal(inflateEnd(&z), Z_OK);
    return size;
}

static const struct grpc_peer_field both_gzip[] = {
    {"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "gzip"}, {NULL, NULL}};

static struct grpc_peer_call *say_gzip(struct grpc_world *w, const void *message, size_t size)
{
    uint8_t member[4096], bytes[4096];
    size_t packed = gzip(message, size, member, sizeof member - 5);
    return grpc_peer_ask(&w->peer, path, both_gzip, bytes,
                         grpc_prefixed(bytes, member, packed, true), false);
}

static void test_gzip_is_read_and_written(void **state)
{
    struct grpc_world *w = *state;
    static char text[5000];
    memset(text, 'z', sizeof text - 1);
    struct grpc_peer_call *call = say_gzip(w, text, sizeof text - 1);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 1);
    assert_int_equal(w->feed.messages[0].size, sizeof text - 1);
    assert_memory_equal(w->feed.messages[0].payload, text, sizeof text - 1);
    assert_int_equal(grpc_world_answer(w, 0, text, false, NULL), 0);
    assert_int_equal(grpc_world_answer(w, 0, "small", true, NULL), 0);
    assert_string_equal(call->coding, "gzip");
    size_t size;
    bool compressed;
    const uint8_t *message = grpc_peer_message(call, 0, &size, &compressed);
    assert_true(compressed);
    uint8_t *plain = malloc(sizeof text);
    assert_int_equal(gunzip(message, size, plain, sizeof text), sizeof text - 1);
    assert_memory_equal(plain, text, sizeof text - 1);
    free(plain);
    message = grpc_peer_message(call, 1, &size, &compressed);
    assert_false(compressed);
    assert_int_equal(size, 5);
    assert_memory_equal(message, "small", 5);
}

static void test_gzip_of_a_blob_is_written(void **state)
{
    struct grpc_world *w = *state;
    uint8_t *data, plain[3000];
    struct weft_blob *blob = weft_blob_new(sizeof plain, &data);
    struct weft_encode_io io;
    memset(data, 'b', sizeof plain);
    struct weft_body body = weft_body_from_blob(blob);
    struct grpc_peer_call *call = say_gzip(w, "a", 1);
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer_body(w, 0, &body, true, NULL, &io), 0);
    assert_true(io.heavy);
    grpc_world_talk(w);
    size_t size;
    bool compressed;
    const uint8_t *message = grpc_peer_message(call, 0, &size, &compressed);
    assert_true(compressed);
    assert_int_equal(gunzip(message, size, plain, sizeof plain), sizeof plain);
    weft_blob_unref(blob);
}

static void test_bomb_is_refused_by_its_claim(void **state)
{
    struct grpc_world *w = *state;
    char *zeros = calloc(1, LIMIT + 1);
    (void)say_gzip(w, zeros, LIMIT + 1);
    (void)say_gzip(w, zeros, LIMIT);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 2);
    assert_int_equal(w->feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(w->feed.messages[0].announced, LIMIT + 1);
    assert_string_equal(w->feed.messages[0].why, "max-message");
    assert_int_equal(w->feed.messages[1].status, WEFT_MESSAGE_OK);
    free(zeros);
}

static void test_what_is_no_gzip_is_malformed(void **state)
{
    struct grpc_world *w = *state;
    uint8_t bytes[64];
    static const char junk[30] = "this is no member of gzip at a";
    (void)grpc_peer_ask(&w->peer, path, both_gzip, bytes,
                        grpc_prefixed(bytes, junk, sizeof junk, true), false);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 1);
    assert_int_not_equal(w->feed.messages[0].status, WEFT_MESSAGE_OK);
    grpc_world_reject(w, 0, WEFT_REJECT_MALFORMED);
}

static void test_reply_over_a_limit_changes_nothing(void **state)
{
    struct grpc_world *w = *state;
    char *text = malloc(LIMIT + 2);
    memset(text, 'r', LIMIT + 1);
    text[LIMIT + 1] = '\0';
    struct grpc_peer_call *call = grpc_peer_say(&w->peer, path, "a");
    grpc_world_talk(w);
    assert_int_equal(grpc_world_answer(w, 0, text, true, NULL), WEFT_ETOOBIG);
    grpc_world_reject(w, 0, WEFT_REJECT_REPLY_TOO_BIG);
    assert_answered(call, "", 8, "Reply is too big: 9 bytes, max-frame is 8");
    free(text);
}

/* Before somebody has logged in nothing is inflated, and large messages are not gathered. */
static void test_unknown_peer_may_send_little(void **state)
{
    struct grpc_world *w = *state;
    uint8_t *bytes = calloc(1, LIMIT);
    w->feed.unknown = true;
    struct grpc_peer_call *large = grpc_peer_ask(
        &w->peer, path, NULL, bytes, grpc_prefixed(bytes, bytes + 5, 66000, false), false);
    (void)say_gzip(w, "a", 1);
    (void)grpc_peer_say(&w->peer, path, "small");
    grpc_world_talk(w);
    assert_answered(large, "", 8, "too large before the first login");
    assert_int_equal(w->feed.count, 2);
    assert_int_equal(w->feed.messages[0].status, WEFT_MESSAGE_TOO_BIG);
    assert_int_equal(w->feed.messages[0].limit, 0);
    assert_int_equal(w->feed.messages[1].size, 5);
    const struct weft_rejection why = {.cause = WEFT_REJECT_TOO_BIG, .size = 9};
    const struct weft_answer answer = {.rejected = &why};
    assert_int_equal(grpc_world_answer(w, 0, NULL, true, &answer), 0);
    assert_string_equal(w->peer.calls[1].words, "Request may not be compressed before login");
    /* Credentials that were good once change that for calls that have some. */
    const struct grpc_peer_field fields[] = {
        {"authorization", "Basic x"}, {"grpc-encoding", "gzip"}, {NULL, NULL}};
    for (size_t i = 0; i < 2; i++) {
        struct grpc_peer_call *call =
            grpc_peer_ask(&w->peer, path, fields, bytes,
                          grpc_prefixed(bytes, bytes + 5, i == 0 ? 1 : 66000, false), false);
        grpc_world_talk(w);
        assert_int_equal(w->feed.count, 3 + i);
        assert_int_equal(grpc_world_answer(w, 2 + i, "fine", true, NULL), 0);
        assert_answered(call, "fine", 0, "");
    }
    (void)say_gzip(w, "a", 1);
    grpc_world_talk(w);
    assert_int_equal(w->feed.messages[4].status, WEFT_MESSAGE_TOO_BIG);
    free(bytes);
}

static void assert_refused(const char *query, uint64_t max_message, const char *words)
{
    struct weft_limits limits = weft_limits_default();
    struct weft_error error = {0};
    struct feed_codec fc;
    limits.max_message = max_message;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_grpc, query, &limits, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, words);
}

static void test_options_have_ranges(void **state)
{
    (void)state;
    assert_refused("max-head=1", WEFT_MIB(32), "max-head=1: it takes 1KiB to 1MiB");
    assert_refused("max-head=2MiB", WEFT_MIB(32), "max-head=2MiB: it takes 1KiB to 1MiB");
    assert_refused("max-streams=0", WEFT_MIB(32),
                   "max-streams=0: it takes 1 to one less than max-pending");
    assert_refused("max-streams=1024", WEFT_MIB(32),
                   "max-streams=1024: it takes 1 to one less than max-pending");
    assert_refused("level=x", WEFT_MIB(32), "level=x: it takes 1 to 9 or auto");
    assert_refused("", WEFT_MIB(8192),
                   "codec grpc: a message has less than 4GiB; lower max-message");
}

#define GRPC_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GRPC_TEST(test_request_is_a_message_with_a_head),
        GRPC_TEST(test_answers_come_in_any_order),
        GRPC_TEST(test_answer_has_metadata_and_a_status),
        GRPC_TEST(test_rejections_have_their_codes),
        GRPC_TEST(test_rejection_may_come_behind_messages),
        GRPC_TEST(test_what_is_no_call_is_refused),
        GRPC_TEST(test_client_without_grpc_is_told_when_its_body_begins),
        GRPC_TEST(test_content_types_of_grpc_are_taken),
        GRPC_TEST(test_timeouts_have_units),
        GRPC_TEST(test_request_has_exactly_one_message),
        GRPC_TEST(test_large_message_comes_whole),
        GRPC_TEST(test_message_over_max_frame_is_refused_by_its_prefix),
        GRPC_TEST(test_messages_under_way_have_a_sum),
        GRPC_TEST(test_gzip_is_read_and_written),
        GRPC_TEST(test_gzip_of_a_blob_is_written),
        GRPC_TEST(test_bomb_is_refused_by_its_claim),
        GRPC_TEST(test_what_is_no_gzip_is_malformed),
        GRPC_TEST(test_reply_over_a_limit_changes_nothing),
        GRPC_TEST(test_unknown_peer_may_send_little),
        cmocka_unit_test(test_options_have_ranges),
    };
    return cmocka_run_group_tests_name("grpc", tests, NULL, NULL);
}
