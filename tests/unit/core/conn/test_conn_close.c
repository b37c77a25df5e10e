/* SPDX-License-Identifier: MIT
 *
 * How connections end: what is still sent, who is told, and what is left. */
#include <errno.h>

#include "lib/fault.h"
#include "server_fixture.h"

static void test_reset_cancels_pending_requests_once(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "now b", "wait c");
    peer_reset(peer);
    assert_noted(f, "open a b c a!peer-reset c!peer-reset");
    advance(f, SECONDS(100));
    assert_noted(f, "");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_RESET), 1);
}

static void test_cancelled_requests_still_end(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "keep a", "wait b");
    peer_reset(peer);
    assert_noted(f, "open a b a!peer-reset b!peer-reset");
    assert_int_equal(f->worker->conn_count, 1);
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    turns(f);
    assert_noted(f, "");
    assert_int_equal(probe_end(&f->probe, "a", NULL), 0);
    turns(f);
    assert_noted(f, "close");
    assert_int_equal(f->worker->conn_count, 0);
}

static void end_at_once(struct probe *probe, const char *name)
{
    assert_int_equal(probe_end(probe, name, name), 0);
}

static void test_requests_may_end_when_they_are_cancelled(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    f->probe.on_cancel = end_at_once;
    struct test_peer *peer = peer_dial(f);
    peer_say(peer, "wait a", "wait b", "wait c");
    peer_reset(peer);
    assert_noted(f, "open a b c a!peer-reset b!peer-reset c!peer-reset close");
}

static void end_all_others(struct probe *probe, const char *name)
{
    (void)name;
    probe_end_all(probe);
}

/* The first one's callback ends also those whose own has not come yet: then it does not come. */
static void test_cancelled_request_may_end_the_others(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    f->probe.on_cancel = end_all_others;
    struct test_peer *peer = peer_dial(f), *other = peer_dial(f);
    peer_queue(peer, "wait a");
    peer_queue(peer, "wait b");
    peer_queue(peer, "wait c");
    peer_queue(other, "wait x");
    peer_queue(other, "now y");
    turns(f);
    assert_noted(f, "open open a b c x y");
    peer_reset(peer);
    assert_noted(f, "a!peer-reset close");
    assert_heard(other, "y");
}

static void end_b(struct probe *probe, const char *name)
{
    assert_string_equal(name, "a");
    assert_int_equal(probe_end(probe, "b", "B"), 0);
    assert_int_equal(probe_end(probe, "a", "A"), 0);
}

static void test_drained_request_may_end_the_others(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.output_high = f->options.limits.output_low = 1000;
    server_fixture_start(f);
    f->probe.on_room = end_b;
    struct test_peer *peer = peer_dial(f);
    peer_say(peer, "wait a", "wait b");
    assert_int_equal(probe_send_size(&f->probe, "a", 1000), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", 1000), -EAGAIN);
    assert_heard(peer, "a1000 A B");
}

static void test_stream_ends_when_its_client_hangs_up(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.output_high = f->options.limits.output_low = 1000;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 1});
    peer_say(peer, "stream s 1000 1000");
    assert_noted(f, "open s");
    peer_reset(peer);
    assert_noted(f, "s!peer-reset close");
}

/* A blob that is held behind a request that will take long is not worth keeping. */
static void test_closed_connection_holds_no_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    size_t before = fault_live();
    peer_say(peer, "wait b", "size c 100000");
    assert_int_equal(probe_send_size(&f->probe, "b", 1000), 0);
    assert_int_equal(probe_send_size(&f->probe, "b", 1000), 0);
    assert_int_equal(f->worker->conns->order.held_bytes, 102000 + sizeof(struct weft__held));
    peer_reset(peer);
    assert_int_equal(f->worker->conns->order.held_bytes, 0);
    assert_int_equal(fault_live(), before + 2); /* the two requests */
}

static struct weft_stream_ops counting_ops;
static const struct weft_stream_ops *counted_ops;
static int shutdowns;

static int count_shutdown(struct weft_stream *stream)
{
    shutdowns++;
    return counted_ops->shutdown(stream);
}

/* A stream that lies over another one says its last words in shutdown. */
static void test_our_direction_is_ended_after_the_peer_has_ended_its_own(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_stream *stream = f->worker->conns->stream;
    counted_ops = stream->ops;
    counting_ops = *counted_ops;
    counting_ops.shutdown = count_shutdown;
    stream->ops = &counting_ops;
    shutdowns = 0;
    peer_queue(peer, "now a");
    peer_shutdown(peer);
    assert_heard(peer, "a EOF");
    assert_int_equal(shutdowns, 1);
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_failed_write_is_a_reset(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end,
                     &(struct script_rules){.write_error = -EPIPE, .write_error_after = 7});
    peer_say(peer, "now a", "now b");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_RESET), 1);
    assert_noted(f, "open a b close");
}

static void test_failed_read_is_a_reset(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.read_error = -EIO});
    peer_say(peer, "now a");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_RESET), 1);
    assert_noted(f, "open close");
}

static void test_peer_that_answers_no_probe_has_vanished(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.read_error = -ETIMEDOUT});
    peer_say(peer, "now a");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_VANISHED), 1);
    assert_noted(f, "open close");
}

static void test_write_without_a_network_finds_the_peer_vanished(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.write_error = -EHOSTUNREACH});
    peer_say(peer, "now a");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_VANISHED), 1);
    assert_noted(f, "open a close");
}

/* Replies to what came before are not lost with the bytes that came behind. */
static void test_last_words_are_not_eaten_by_a_reset(void **state)
{
    struct server_fixture *f = *state;
    static uint8_t junk[100000];
    f->options.limits.max_frame = 1000;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.read_chunk = 100});
    peer_queue(peer, "now a");
    memset(junk, 0xff, sizeof junk);
    peer_send(peer, junk, sizeof junk);
    turns(f);
    advance(f, SECONDS(2));
    assert_string_equal(peer_hear(peer), strstr(f->urls[0], "gzip")
                                             ? "a too-big:max-frame:2147483647:1000 EOF"
                                             : "a too-big:max-frame (is this a gzip frame of "
                                               "length-delimited-gzip?):4294967295:1000 EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_FRAME_LOST), 1);
}

/* Its last words stand behind what the client has not read yet. */
static void test_closing_connection_sends_all_it_owes_first(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 1000;
    f->options.limits.max_bad_frames = 1;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_queue(peer, "size x 1000");
    peer_send_frame(peer, "", 1001);
    turns(f);
    assert_false(script_at_eof(peer->end));
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "x1000 too-big:max-frame:1001:1000 EOF");
}

static void test_reply_over_the_limit_is_replaced_by_words(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = f->options.limits.max_message = 1000;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "blob b 1001", "now c");
    assert_heard(peer, strstr(f->urls[0], "gzip") ? "a reply-too-big:max-message:1001:1000 c"
                                                  : "a reply-too-big:max-frame:1001:1000 c");
}

static void test_held_reply_over_the_limit_is_replaced_at_its_turn(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 1000;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "size b 1001", "now c");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A reply-too-big:max-frame:1001:1000 c");
}

static void test_replaced_reply_is_counted_as_rejected(void **state)
{
    struct server_fixture *f = *state;
    struct weft_server_counts counts;
    f->options.limits.max_frame = 1000;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "size b 1001");
    weft_server_count(f->server, 0, &counts);
    assert_int_equal(counts.rejected, 1);
    assert_int_equal(counts.requests, 2);
}

/* No later reply may stand where this one belongs. */
static void test_unworded_reply_over_the_limit_closes_behind_the_earlier_ones(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 1000;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "wait b", "now c", "wait d");
    assert_int_equal(probe_end_size(&f->probe, "b", 1001), 0);
    assert_int_equal(probe_send(&f->probe, "d", "D"), -ECANCELED);
    assert_heard(peer, "a EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_UNWORDED), 1);
    assert_noted(f, "a b c d d!unworded");
}

static void test_unworded_reply_over_the_limit_loses_nothing_of_the_same_turn(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 1000;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "now b", "size c 1001", "now d");
    assert_heard(peer, "a b EOF");
}

/* Refused requests that the service has no words for: the peer must not take a later reply for theirs. */
static void test_unworded_refusal_behind_the_head_sends_no_later_reply(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait b", "now c", "wait d");
    probe_refuse(&f->probe, "b");
    turns(f);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_int_equal(probe_send(&f->probe, "d", "D"), -ECANCELED);
    assert_heard(peer, "A EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_UNWORDED), 1);
    assert_noted(f, "a b c d d!unworded");
}

static void test_unworded_refusal_of_the_head_sends_no_later_reply(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "wait b", "now c");
    probe_refuse(&f->probe, "b");
    assert_heard(peer, "a EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_UNWORDED), 1);
}

static void test_unworded_refusal_after_some_messages_sends_those_and_no_later_reply(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait b", "now c");
    assert_int_equal(probe_send(&f->probe, "b", "b1"), 0);
    probe_refuse(&f->probe, "b");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b1 EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_UNWORDED), 1);
}

/* Neither may one of a stream be missing. */
static void test_reply_without_memory_ends_it_behind_the_earlier_ones(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "wait b", "wait c");
    assert_int_equal(probe_send(&f->probe, "b", "b1"), 0);
    assert_int_equal(probe_send(&f->probe, "c", "c1"), 0);
    fault_arm(FAULT_ONE, 1);
    assert_int_equal(probe_send(&f->probe, "c", "c2"), 0);
    assert_int_equal(fault_failed(), 1);
    assert_int_equal(probe_send(&f->probe, "c", "c3"), -ECANCELED);
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_heard(peer, "a b1 EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
    assert_noted(f, "open a b c c!no-memory");
}

static void test_connection_that_the_service_does_not_open_is_closed(void **state)
{
    struct server_fixture *f = *state;
    f->probe.open_error = -ENOMEM;
    struct test_peer *peer = serve_one(f);
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
    assert_noted(f, "");
}

static void test_reason_says_if_it_was_not_memory_that_the_service_lacked(void **state)
{
    struct server_fixture *f = *state;
    f->probe.open_error = -EIO;
    struct test_peer *peer = serve_one(f);
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_INTERNAL), 1);
    f->probe.open_error = -EMFILE;
    peer_dial(f);
    assert_int_equal(closed_for(f, WEFT_REASON_NO_DESCRIPTOR), 1);
    assert_int_equal(closed(f), 2);
}

static void test_each_connection_is_closed_after_its_last_request(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *one = peer_dial(f), *two = peer_dial(f);
    peer_say(one, "wait a");
    peer_say(two, "wait b");
    peer_close(one);
    turns(f);
    assert_int_equal(f->probe.connections, 2);
    peer_reset(two);
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    turns(f);
    assert_int_equal(f->probe.connections, 1);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    assert_int_equal(f->probe.connections, 0);
    assert_noted(f, "open open a b b!peer-reset close close");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_reset_cancels_pending_requests_once),
        TEST_RAW(test_cancelled_requests_still_end),
        TEST_RAW(test_requests_may_end_when_they_are_cancelled),
        TEST_RAW(test_cancelled_request_may_end_the_others),
        TEST_RAW(test_drained_request_may_end_the_others),
        TEST_RAW(test_stream_ends_when_its_client_hangs_up),
        TEST_FAULT(test_closed_connection_holds_no_replies),
        TEST_RAW(test_our_direction_is_ended_after_the_peer_has_ended_its_own),
        TEST_RAW(test_failed_write_is_a_reset),
        TEST_RAW(test_failed_read_is_a_reset),
        TEST_RAW(test_peer_that_answers_no_probe_has_vanished),
        TEST_RAW(test_write_without_a_network_finds_the_peer_vanished),
        TEST_BOTH(test_last_words_are_not_eaten_by_a_reset),
        TEST_RAW(test_closing_connection_sends_all_it_owes_first),
        TEST_BOTH(test_reply_over_the_limit_is_replaced_by_words),
        TEST_RAW(test_held_reply_over_the_limit_is_replaced_at_its_turn),
        TEST_RAW(test_replaced_reply_is_counted_as_rejected),
        TEST_MUTE(test_unworded_reply_over_the_limit_closes_behind_the_earlier_ones),
        TEST_MUTE(test_unworded_reply_over_the_limit_loses_nothing_of_the_same_turn),
        TEST_MUTE(test_unworded_refusal_behind_the_head_sends_no_later_reply),
        TEST_MUTE(test_unworded_refusal_of_the_head_sends_no_later_reply),
        TEST_MUTE(test_unworded_refusal_after_some_messages_sends_those_and_no_later_reply),
        TEST_FAULT(test_reply_without_memory_ends_it_behind_the_earlier_ones),
        TEST_RAW(test_connection_that_the_service_does_not_open_is_closed),
        TEST_RAW(test_reason_says_if_it_was_not_memory_that_the_service_lacked),
        TEST_RAW(test_each_connection_is_closed_after_its_last_request),
    };
    return cmocka_run_group_tests_name("conn close", tests, NULL, NULL);
}
