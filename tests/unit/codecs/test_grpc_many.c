/* SPDX-License-Identifier: MIT
 *
 * Requests with many messages: each comes when it is asked for, and what nobody asks for closes the peer's window. */
#include <stdio.h>
#include <stdlib.h>

#include "grpc_world.h"
#include "lib/fault.h"

enum { FRAME = 100000, WINDOW = 256 << 10, CONNECTION = 1 << 20 };

/* Says, as a server does, that there is a service that takes such requests. */
static void take_many(struct feed *feed)
{
    feed->state.many = feed->many = true;
    feed->codec->init(&feed->state, WEFT_SERVER);
}

static struct grpc_world *world_of(size_t max_frame, bool lazy)
{
    struct grpc_world *w = grpc_world_new("threshold=off", max_frame, max_frame);
    take_many(&w->feed);
    w->feed.lazy = lazy;
    return w;
}

static struct grpc_world *world(bool lazy)
{
    return world_of(FRAME, lazy);
}

/* All that has come, as "HEAD:/x" for heads, texts for messages, "END", and "bad: why". */
static void assert_came(const struct grpc_world *w, const char *expected)
{
    char text[2048] = "";
    size_t used = 0;
    for (size_t i = 0; i < w->feed.count; i++) {
        const struct feed_message *msg = &w->feed.messages[i];
        const char *space = i > 0 ? " " : "";
        if (msg->status != WEFT_MESSAGE_OK)
            used += (size_t)snprintf(text + used, sizeof text - used, "%sbad:%s", space, msg->why);
        else if (msg->kind == WEFT_MESSAGE_HEAD)
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%sHEAD:%s", space, msg->target);
        else if (msg->kind == WEFT_MESSAGE_END)
            used += (size_t)snprintf(text + used, sizeof text - used, "%sEND", space);
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%.*s", space,
                                     msg->kind == WEFT_MESSAGE_DATA ? "DATA:" : "", (int)msg->size,
                                     (const char *)msg->payload);
    }
    assert_string_equal(text, expected);
}

static struct grpc_peer_call *begin(struct grpc_world *w, const char *path)
{
    struct grpc_peer_call *call = grpc_peer_ask(&w->peer, path, NULL, NULL, 0, true);
    grpc_world_talk(w);
    return call;
}

static void add(struct grpc_world *w, struct grpc_peer_call *call, const char *text, bool open)
{
    uint8_t bytes[256];
    grpc_peer_add(&w->peer, call, bytes, grpc_prefixed(bytes, text, strlen(text), false), open);
    grpc_world_talk(w);
}

static void end(struct grpc_world *w, struct grpc_peer_call *call)
{
    grpc_peer_add(&w->peer, call, NULL, 0, false);
    grpc_world_talk(w);
}

static void test_messages_come_one_by_one_behind_a_head(void **state)
{
    struct grpc_world *w = world(false);
    (void)state;
    struct grpc_peer_call *call = begin(w, "/a/b");
    assert_came(w, "HEAD:/a/b");
    add(w, call, "one", true);
    assert_came(w, "HEAD:/a/b one");
    assert_int_equal(grpc_world_answer(w, 0, "1", false, NULL), 0);
    add(w, call, "", true);
    add(w, call, "three", true);
    end(w, call);
    assert_came(w, "HEAD:/a/b one  three END");
    assert_int_equal(grpc_world_answer(w, 0, NULL, true, NULL), 0);
    assert_answered(call, "1", 0, "");
    grpc_world_free(w);
}

static void test_request_without_a_message_ends_behind_its_head(void **state)
{
    struct grpc_world *w = world(false);
    (void)state;
    grpc_peer_ask(&w->peer, "/a/b", NULL, NULL, 0, false);
    grpc_world_talk(w);
    assert_came(w, "HEAD:/a/b END");
    grpc_world_free(w);
}

static void test_request_whose_messages_nobody_asks_for_comes_whole(void **state)
{
    struct grpc_world *w = world(false);
    (void)state;
    w->feed.many = false;
    struct grpc_peer_call *call = begin(w, "/a/b");
    add(w, call, "one", true);
    assert_came(w, "HEAD:/a/b");
    end(w, call);
    assert_came(w, "HEAD:/a/b DATA:one");
    struct grpc_peer_call *none = grpc_peer_ask(&w->peer, "/c", NULL, NULL, 0, false);
    grpc_world_talk(w);
    assert_answered(none, "", 12, "a request has one message here, and none came");
    grpc_world_free(w);
}

static void test_message_waits_until_it_is_asked_for(void **state)
{
    struct grpc_world *w = world(true);
    (void)state;
    struct grpc_peer_call *call = begin(w, "/a/b");
    uint8_t bytes[64];
    size_t size = grpc_prefixed(bytes, "one", 3, false);
    size += grpc_prefixed(bytes + size, "two", 3, false);
    grpc_peer_add(&w->peer, call, bytes, size, false);
    grpc_world_talk(w);
    assert_came(w, "HEAD:/a/b one");
    const uint32_t stream = w->feed.messages[0].stream;
    feed_want(&w->feed, stream);
    assert_came(w, "HEAD:/a/b one two");
    assert_false(w->feed.inside);
    feed_want(&w->feed, stream);
    assert_came(w, "HEAD:/a/b one two END");
    assert_int_equal(grpc_world_answer(w, 0, NULL, true, NULL), 0);
    feed_want(&w->feed, stream);
    feed_want(&w->feed, 77);
    assert_came(w, "HEAD:/a/b one two END");
    assert_answered(call, "", 0, "");
    grpc_world_free(w);
}

/* Messages of a KiB with their prefixes, as many as there are bytes for. */
static uint8_t *many_of(size_t count, size_t *size)
{
    enum { PART = 1019 };
    uint8_t *bytes = calloc(count, PART + 5), part[PART];
    assert_non_null(bytes);
    memset(part, 'x', sizeof part);
    *size = 0;
    for (size_t i = 0; i < count; i++)
        *size += grpc_prefixed(bytes + *size, part, sizeof part, false);
    return bytes;
}

static void test_peer_may_send_a_window_that_nobody_asks_for(void **state)
{
    struct grpc_world *w = world(true);
    size_t size;
    uint8_t *bytes = many_of(600, &size);
    (void)state;
    struct grpc_peer_call *call = begin(w, "/a/b");
    grpc_peer_add(&w->peer, call, bytes, size, false);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 2);
    assert_int_equal(call->request_at, WINDOW);
    /* Another stream of the connection does not wait. */
    struct grpc_peer_call *other = begin(w, "/c/d");
    add(w, other, "quick", false);
    assert_int_equal(w->feed.count, 4);
    for (int i = 0; i < 600; i++) {
        feed_want(&w->feed, w->feed.messages[0].stream);
        grpc_world_talk(w);
    }
    assert_int_equal(call->request_at, size);
    assert_int_equal(w->feed.messages[w->feed.count - 1].kind, WEFT_MESSAGE_END);
    grpc_world_free(w);
    free(bytes);
}

static void test_message_larger_than_a_window_comes_whole(void **state)
{
    enum { LARGE = 1 << 20 };
    struct grpc_world *w = world_of(2 * LARGE, false);
    uint8_t *bytes = calloc(1, LARGE + 5), *large = calloc(1, LARGE);
    (void)state;
    assert_true(bytes && large);
    struct grpc_peer_call *call = begin(w, "/a/b");
    grpc_peer_add(&w->peer, call, bytes, grpc_prefixed(bytes, large, LARGE, false), false);
    grpc_world_talk(w);
    assert_int_equal(w->feed.count, 3);
    assert_int_equal(w->feed.messages[1].size, LARGE);
    grpc_world_free(w);
    free(bytes);
    free(large);
}

/* The connection's window closes, too, once twice max-frame waits. */
static void test_streams_that_nobody_asks_hold_little_memory(void **state)
{
    struct grpc_world *w = world(true);
    size_t size, sent = 0;
    uint8_t *bytes = many_of(300, &size);
    struct grpc_peer_call *calls[20];
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        calls[i] = begin(w, "/a/b");
        grpc_peer_add(&w->peer, calls[i], bytes, size, false);
        grpc_world_talk(w);
    }
    for (size_t i = 0; i < 20; i++)
        sent += calls[i]->request_at;
    assert_in_range(sent, CONNECTION, CONNECTION + 3 * FRAME);
    /* When streams end, what they held is there for others. */
    for (size_t i = 0; i < w->feed.count; i++)
        if (w->feed.messages[i].kind == WEFT_MESSAGE_HEAD &&
            w->feed.messages[i].stream != (uint32_t)calls[19]->id)
            assert_int_equal(grpc_world_answer(w, i, NULL, true, NULL), 0);
    grpc_world_talk(w);
    assert_int_equal(calls[19]->request_at, WINDOW);
    grpc_world_free(w);
    free(bytes);
}

static void expect_bad(const void *bytes, size_t size, bool open, const char *came)
{
    struct grpc_world *w = world(false);
    struct grpc_peer_call *call = begin(w, "/a/b");
    grpc_peer_add(&w->peer, call, bytes, size, open);
    grpc_world_talk(w);
    assert_came(w, came);
    grpc_world_reject(w, 0, WEFT_REJECT_MALFORMED);
    assert_int_equal(call->code, 13);
    assert_true(call->closed);
    grpc_world_free(w);
}

static void test_bad_messages_say_what_is_wrong(void **state)
{
    (void)state;
    expect_bad("\2\0\0\0\1x", 6, true,
               "HEAD:/a/b bad:the flag before the message is neither 0 nor 1");
    expect_bad("\1\0\0\0\1x", 6, true,
               "HEAD:/a/b bad:the message is compressed, and grpc-encoding is not set");
    expect_bad("\0\0\2\0\0", 5, true, "HEAD:/a/b bad:max-frame");
    expect_bad("\0\0\0\0\2x", 6, false, "HEAD:/a/b bad:the request ends within a message");
    expect_bad("\0\0", 2, false, "HEAD:/a/b bad:the request ends within a message");
}

static void test_reset_of_a_request_that_is_read_is_told(void **state)
{
    struct grpc_world *w = world(true);
    (void)state;
    struct grpc_peer_call *call = begin(w, "/a/b");
    add(w, call, "one", true);
    add(w, call, "two", true);
    nghttp2_submit_rst_stream(w->peer.session, NGHTTP2_FLAG_NONE, call->id, NGHTTP2_CANCEL);
    grpc_world_talk(w);
    assert_int_equal(w->feed.resets, 1);
    feed_want(&w->feed, w->feed.messages[0].stream);
    assert_came(w, "HEAD:/a/b one");
    grpc_world_free(w);
}

static void test_answer_may_end_before_the_request(void **state)
{
    struct grpc_world *w = world(false);
    (void)state;
    struct grpc_peer_call *call = begin(w, "/a/b");
    add(w, call, "one", true);
    assert_int_equal(grpc_world_answer(w, 0, "enough", true, NULL), 0);
    assert_answered(call, "enough", 0, "");
    assert_int_equal(w->feed.resets, 0);
    grpc_world_free(w);
}

/* --- splits and memory -------------------------------------------------------------------------------- */

static void test_every_split_gives_the_same(void **state)
{
    struct grpc_world *w = world(false);
    uint8_t bytes[64];
    struct feed whole;
    (void)state;
    struct grpc_peer_call *call = grpc_peer_ask(&w->peer, "/a/b", NULL, NULL, 0, true);
    size_t size = grpc_prefixed(bytes, "one", 3, false);
    size += grpc_prefixed(bytes + size, "", 0, false);
    grpc_peer_add(&w->peer, call, bytes, size, false);
    grpc_peer_make(&w->peer);
    const struct weft_view input = weft_view(w->peer.out, w->peer.out_size);
    feed_init(&whole, &w->fc, WEFT_SERVER);
    for (size_t at = 0; at <= input.size; at++) {
        struct feed feed;
        feed_init(&feed, &w->fc, WEFT_SERVER);
        take_many(&feed);
        feed_split(&feed, input, at);
        assert_null(feed.broken_rule);
        assert_int_equal(feed.count, 4);
        if (at == 0) {
            feed_fini(&whole);
            whole = feed;
            continue;
        }
        assert_null(feed_difference(&whole, &feed));
        feed_fini(&feed);
    }
    feed_fini(&whole);
    grpc_peer_sent(&w->peer);
    grpc_world_free(w);
}

static void converse(void *arg)
{
    struct grpc_world *w = arg;
    struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    struct feed_codec fc;
    struct feed feed;
    if (feed_codec_init(&fc, &weft_codec_grpc, "threshold=off", &limits, &error) < 0)
        return;
    feed_init(&feed, &fc, WEFT_SERVER);
    take_many(&feed);
    feed_bytes(&feed, weft_view(w->peer.out, w->peer.out_size));
    if (feed.ended == 0 && feed.count > 0) {
        struct weft_encode_io io = {
            .out = &feed.out, .last = true, .stream = feed.messages[0].stream};
        (void)!feed.codec->encode(&feed.state, NULL, &io);
    }
    feed_eof(&feed);
    assert_null(feed.broken_rule);
    feed_fini(&feed);
    feed_codec_fini(&fc);
}

static void test_every_allocation_may_fail(void **state)
{
    struct grpc_world *w = world(false);
    size_t size;
    uint8_t *bytes = many_of(100, &size);
    (void)state;
    for (int i = 0; i < 2; i++)
        grpc_peer_add(&w->peer, grpc_peer_ask(&w->peer, "/a/b", NULL, NULL, 0, true), bytes,
                      i == 0 ? size : 1500, i > 0);
    grpc_peer_make(&w->peer);
    fault_each(converse, w);
    grpc_peer_sent(&w->peer);
    grpc_world_free(w);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_come_one_by_one_behind_a_head),
        cmocka_unit_test(test_request_without_a_message_ends_behind_its_head),
        cmocka_unit_test(test_request_whose_messages_nobody_asks_for_comes_whole),
        cmocka_unit_test(test_message_waits_until_it_is_asked_for),
        cmocka_unit_test(test_peer_may_send_a_window_that_nobody_asks_for),
        cmocka_unit_test(test_message_larger_than_a_window_comes_whole),
        cmocka_unit_test(test_streams_that_nobody_asks_hold_little_memory),
        cmocka_unit_test(test_bad_messages_say_what_is_wrong),
        cmocka_unit_test(test_reset_of_a_request_that_is_read_is_told),
        cmocka_unit_test(test_answer_may_end_before_the_request),
        cmocka_unit_test(test_every_split_gives_the_same),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
