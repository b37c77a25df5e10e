/* SPDX-License-Identifier: MIT
 *
 * Requests with a stream: answered in no order, reset, late, and held up by their windows alone. */
#include <errno.h>
#include <stdio.h>

#include "core/reject.h"
#include "lib/fault.h"
#include "lib/stream_codec.h"
#include "server_fixture.h"

enum { LOW = 4000, HIGH = 10000, PUSH_HIGH = 1000, WINDOW = STREAM_CODEC_WINDOW };

static char url_streams[] = "script:server?codec=streams&service=probe";
static char url_mute[] = "script:server?codec=streams&service=mute";

static int setup(void **state)
{
    stream_codec_alive = 0;
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    f->options.limits.output_high = HIGH;
    f->options.limits.output_low = LOW;
    f->options.limits.push_high = PUSH_HIGH;
    return weft_registry_add_codec(&f->registry, &stream_codec);
}

/* Whatever happened, each stream had its last encode or went with its connection. */
static int teardown(void **state)
{
    int err = server_fixture_teardown_fault(state);
    return stream_codec_alive == 0 ? err : -1;
}

static struct weft__conn *only_conn(struct server_fixture *f)
{
    assert_int_equal(f->worker->conn_count, 1);
    return f->worker->conns;
}

static void say(struct test_peer *peer, const char *text)
{
    peer_send(peer, text, strlen(text));
    turns(peer->fixture);
}

static void expect(struct test_peer *peer, const char *text)
{
    size_t size;
    turns(peer->fixture);
    const uint8_t *data = script_received(peer->end, &size);
    if (size != strlen(text) || (size > 0 && memcmp(data, text, size) != 0))
        fail_msg("got '%.*s', not '%s'", (int)size, (const char *)data, text);
    script_consume(peer->end, size);
}

static struct weft_request *request_of(struct server_fixture *f, size_t i)
{
    assert_non_null(f->probe.calls[i].request);
    return f->probe.calls[i].request;
}

static void test_streams_are_answered_in_no_order(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n3:wait b\n5:now c\n");
    expect(peer, "5=c;5.");
    assert_int_equal(only_conn(f)->order.pending, 2);
    assert_int_equal(probe_send(&f->probe, "b", "1"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_int_equal(probe_end(&f->probe, "b", "2"), 0);
    expect(peer, "3=1;1=A;1.3=2;3.");
    assert_true(weft__order_is_empty(&only_conn(f)->order));
    assert_int_equal(only_conn(f)->order.pending, 0);
}

static void test_answer_may_have_no_message_or_many(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:none a\n3:stream b 3 1\n5:wait c\n");
    expect(peer, "1.3=b;3=b;3=b;3.");
    probe_end_silently(&f->probe, "c");
    expect(peer, "5.");
}

static void test_reset_cancels_and_is_answered_once(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n3:wait b\n1!\n7!\n");
    assert_noted(f, "open a b a!stream-reset");
    assert_int_equal(stream_codec_alive, 1);
    assert_int_equal(only_conn(f)->order.pending, 2);
    assert_int_equal(probe_send(&f->probe, "a", "x"), -ECANCELED);
    probe_end_silently(&f->probe, "b");
    say(peer, "1!\n");
    expect(peer, "3.");
    assert_int_equal(probe_end(&f->probe, "a", "x"), 0);
    expect(peer, "");
    assert_int_equal(only_conn(f)->order.pending, 0);
}

/* The number is free once the codec has had its last encode, though the request has not ended. */
static void test_number_of_a_reset_stream_may_come_again(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n1!\n1:wait b\n1!\n");
    assert_noted(f, "open a a!stream-reset b b!stream-reset");
    probe_end_all(&f->probe);
}

static void test_reset_takes_the_place_of_room(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n");
    assert_int_equal(probe_send_size(&f->probe, "a", LOW), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", 1), -EAGAIN);
    say(peer, "1!\n1+10000\n");
    assert_noted(f, "open a a!stream-reset");
    assert_int_equal(only_conn(f)->backlog, 0);
    probe_end_silently(&f->probe, "a");
}

static void test_stream_without_window_holds_up_no_other(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n");
    assert_int_equal(probe_send_size(&f->probe, "a", WINDOW), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", LOW), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", 1), -EAGAIN);
    expect(peer, "1=a1000;");
    say(peer, "3:now b\n5:size c 500\n");
    expect(peer, "3=b;3.5=c500;5.");
    say(peer, "1+3999\n");
    assert_noted(f, "open a b c");
    say(peer, "1+1\n");
    expect(peer, "1=a4000;");
    assert_noted(f, "a~");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    say(peer, "1+1\n");
    expect(peer, "1=A;1.");
}

static void test_end_without_a_message_is_never_refused(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n");
    assert_int_equal(probe_send_size(&f->probe, "a", LOW), 0);
    assert_int_equal(probe_end(&f->probe, "a", "x"), -EAGAIN);
    probe_end_silently(&f->probe, "a");
    say(peer, "1+4000\n");
    expect(peer, "1=a4000;1.");
}

/* A backlog never stops the decoding, which brings the windows. But what would only wait begins later. */
static void test_requests_wait_while_much_waits(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:size a 9999\n3:size b 4000\n5/t:keep c\n7:now d\n");
    assert_noted(f, "open a b");
    assert_int_equal(only_conn(f)->backlog, 13999);
    assert_int_equal(only_conn(f)->order.pending, 2);
    say(peer, "9:now e\n3+3000\n");
    expect(peer, "3=b4000;3.");
    assert_noted(f, "");
    say(peer, "1+8999\n");
    expect(peer, "1=a9999;1.7=d;7.9=e;9.");
    assert_noted(f, "c d e");
    struct weft_request *c = request_of(f, 2);
    assert_true(weft_view_equal(c->payload, weft_view_str("keep c")));
    assert_true(weft_view_equal(c->target, weft_view_str("t")));
    assert_int_equal(probe_end(&f->probe, "c", NULL), 0);
    expect(peer, "5=keep c;5.");
}

static void test_waiting_request_may_be_reset_or_late_or_gone(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:size a 10000\n3:now b\n5@100:now c\n7:now d\n");
    assert_int_equal(only_conn(f)->order.pending, 3);
    say(peer, "3!\n");
    assert_int_equal(only_conn(f)->order.pending, 2);
    advance(f, MILLISECONDS(100));
    expect(peer, "5.rejected 9");
    assert_int_equal(only_conn(f)->order.pending, 1);
    peer_reset(peer);
    assert_noted(f, "open a close");
}

static void test_deadline_cancels_and_is_told_to_the_peer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1@500:wait a\n3@500:wait b\n5:wait c\n");
    advance(f, MILLISECONDS(499));
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    expect(peer, "3=B;3.");
    advance(f, MILLISECONDS(1));
    expect(peer, "1.rejected 9");
    assert_noted(f, "open a b c a!deadline");
    assert_int_equal(WEFT_REJECT_DEADLINE, 9);
    assert_int_equal(probe_send(&f->probe, "a", "x"), -ECANCELED);
    say(peer, "1!\n");
    assert_int_equal(probe_end(&f->probe, "a", "x"), 0);
    expect(peer, "");
    advance(f, SECONDS(1000));
    assert_noted(f, "");
    probe_end_silently(&f->probe, "c");
}

static void end_all_others(struct probe *probe, const char *name)
{
    (void)name;
    probe_end_all(probe);
}

static void test_one_may_end_others_that_are_late(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    f->probe.on_cancel = end_all_others;
    say(peer, "1@5:wait a\n3@5:wait b\n5@5:wait c\n");
    advance(f, MILLISECONDS(5));
    assert_noted(f, "open a b c a!deadline");
    expect(peer, "1.rejected 93.5.");
}

static void test_deadline_beyond_the_clock_never_comes(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1@18446744073709:wait a\n");
    advance(f, SECONDS(1000000));
    assert_noted(f, "open a");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect(peer, "1=A;1.");
}

static void test_backlog_that_does_not_shrink_runs_into_the_write_timeout(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.write_timeout = (uint64_t)SECONDS(10);
    struct test_peer *peer = serve_one(f);
    say(peer, "1:stream a 4 1000\n");
    advance(f, SECONDS(9));
    say(peer, "1+1000\n");
    advance(f, SECONDS(9));
    say(peer, "5:now b\n");
    assert_int_equal(closed(f), 0);
    advance(f, SECONDS(2));
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

static void test_output_hard_counts_the_backlog(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = f->options.limits.max_message = 10000;
    f->options.limits.max_pending = 4;
    f->options.limits.output_hard = 20000;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:size a 9000\n3:size b 14000\n5:now c\n");
    assert_int_equal(closed_for(f, WEFT_REASON_OUTPUT_LIMIT), 1);
}

/* A message that would leave too little of output-hard waits until no other does. */
static void test_large_messages_take_turns(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = f->options.limits.max_message = 10000;
    f->options.limits.output_hard = 30000;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n3:wait b\n");
    assert_int_equal(probe_end_size(&f->probe, "a", 9000), 0);
    assert_int_equal(probe_end_size(&f->probe, "b", 9000), -EAGAIN);
    say(peer, "1+8000\n3+8000\n");
    assert_noted(f, "open a b b~");
    assert_int_equal(probe_end_size(&f->probe, "b", 9000), 0);
    expect(peer, "1=a9000;1.3=b9000;3.");
}

static void test_detached_stream_has_the_mark_of_pushes(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:loose s\n3:endless e\n");
    assert_int_equal(only_conn(f)->order.pending, 0);
    assert_int_equal(only_conn(f)->order.detached, 2);
    assert_int_equal(probe_send_size(&f->probe, "s", WINDOW), 0);
    assert_int_equal(probe_send_size(&f->probe, "e", WINDOW + 1), 0);
    assert_int_equal(probe_send_size(&f->probe, "e", 1), -EAGAIN);
    say(peer, "3+1000\n");
    assert_noted(f, "open s e e~");
    probe_end_all(&f->probe);
    assert_int_equal(only_conn(f)->order.detached, 0);
}

static void test_half_closed_peer_gets_what_its_windows_take(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n3:size b 12000\n5:now c\n");
    assert_noted(f, "open a b");
    peer_shutdown(peer);
    assert_int_equal(closed(f), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect(peer, "5=c;5.1=A;1.gone;");
    assert_true(script_at_eof(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

/* A connection that closes for a fault still lets the backlog leave, and begins nothing new. */
static void test_flushing_waits_for_the_backlog(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_bad_frames = 1;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:size a 2000\n3:wait b\n5?\n");
    expect(peer, "5.rejected 0");
    say(peer, "7:now c\n3!\n");
    expect(peer, "7.rejected 3");
    assert_noted(f, "open a b b!stream-reset");
    probe_end_silently(&f->probe, "b");
    expect(peer, "gone;");
    say(peer, "1+1000\n");
    expect(peer, "1=a2000;1.");
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_BAD_FRAMES), 1);
}

static void test_lost_boundary_gives_the_backlog_up(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:size a 2000\n3:wait b\n");
    say(peer, "lost\n");
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    expect(peer, "3=B;3.gone;");
    assert_true(script_at_eof(peer->end));
}

static void test_drain_says_goodbye_and_serves_until_it_is_answered(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n");
    weft_server_stop(f->server);
    expect(peer, "soon;");
    say(peer, "3:now b\n5:loose s\n");
    expect(peer, "3=b;3.");
    assert_noted(f, "open a b s");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect(peer, "1=A;1.");
    assert_noted(f, "s!drained");
    say(peer, "7:loose t\n");
    assert_noted(f, "t t!drained");
    probe_end_silently(&f->probe, "s");
    probe_end_silently(&f->probe, "t");
    expect(peer, "5.7.");
    assert_int_equal(closed(f), 0);
    say(peer, "ok\n");
    expect(peer, "gone;");
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_goodbye_without_an_answer_ends(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.write_timeout = (uint64_t)SECONDS(5);
    struct test_peer *peer = serve_one(f);
    weft_server_stop(f->server);
    expect(peer, "soon;");
    advance(f, SECONDS(5));
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

static void test_connection_too_many_hears_goodbye_alone(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_connections = 1;
    struct test_peer *peer = serve_one(f), *other = peer_dial(f);
    expect(other, "gone;");
    assert_true(script_at_eof(other->end));
    say(peer, "1:now a\n");
    expect(peer, "1=a;1.");
    peer_close(other);
    turns(f);
    assert_int_equal(closed_for(f, WEFT_REASON_TOO_MANY), 1);
}

static void test_rejections_are_the_codecs(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1?\n3:wait a\n5:size b 100001\n7:wait c\n");
    expect(peer, "1.rejected 05.rejected 5");
    probe_refuse(&f->probe, "a");
    expect(peer, "3.rejected 7");
    assert_int_equal(probe_send_size(&f->probe, "c", 100001), 0);
    assert_int_equal(probe_send(&f->probe, "c", "x"), -ECANCELED);
    expect(peer, "7.rejected 5");
    probe_end_silently(&f->probe, "c");
    assert_int_equal(stream_codec_alive, 0);
}

static void test_answer_has_a_header_and_a_trailer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n3:wait b\n");
    struct weft_request *a = request_of(f, 0), *b = request_of(f, 1);
    const struct weft_view none = weft_view(NULL, 0);
    char text[] = "h: 1";
    assert_int_equal(weft_request_header(a, weft_view_str("old")), 0);
    assert_int_equal(weft_request_header(a, weft_view_str(text)), 0);
    memset(text, '?', sizeof text);
    assert_int_equal(weft_request_trailer(a, 9, weft_view_str("z"), none), 0);
    assert_int_equal(weft_request_trailer(a, 5, weft_view_str("no"), weft_view_str("t: 2")), 0);
    assert_int_equal(probe_send(&f->probe, "a", "1"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "2"), 0);
    expect(peer, "1#h: 1;1=1;1=2;1.5:no:t: 2");
    fault_arm(FAULT_ONE, 0);
    assert_int_equal(weft_request_header(b, none), -ENOMEM);
    fault_arm(FAULT_ONE, 1);
    assert_int_equal(weft_request_trailer(b, 5, none, none), -ENOMEM);
    fault_disarm();
    assert_int_equal(weft_request_trailer(b, 5, none, none), 0);
    probe_end_silently(&f->probe, "b");
    expect(peer, "3.5::");
}

static void test_what_a_stream_keeps_stops_no_decoding(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.pending_bytes = 2000;
    struct test_peer *peer = serve_one(f);
    say(peer, "1/x:keep a\n3:keep b\n5:now c\n");
    expect(peer, "3=none;3.5=c;5.");
    struct weft_request *a = request_of(f, 0);
    assert_true(weft_view_equal(a->target, weft_view_str("x")));
    assert_true(weft_view_equal(a->metadata, weft_view_str("for: x\n")));
    assert_true(weft_view_equal(a->credentials, weft_view_str("by x")));
    assert_int_equal(only_conn(f)->order.kept_bytes, 0);
    assert_int_equal(probe_end(&f->probe, "a", NULL), 0);
    expect(peer, "1=keep a;1.");
}

static void test_nothing_more_by_the_protocol_answers_what_came(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\nbye\n");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect(peer, "1=A;1.gone;");
}

static void test_cut_cancels_streams(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:wait a\n3:size b 5000\n5:wait c\n");
    assert_int_equal(probe_send_size(&f->probe, "c", 5000), 0);
    assert_int_equal(probe_send_size(&f->probe, "c", 5000), -EAGAIN);
    peer_reset(peer);
    assert_noted(f, "open a b c a!peer-reset c!peer-reset");
    probe_end_all(&f->probe);
    turns(f);
    assert_noted(f, "close");
}

static void test_mute_service_has_streams_too(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    say(peer, "1:now a\n3?\n5:now b\n");
    expect(peer, "1=a;1.3.rejected 05=b;5.");
}

/* One session under every failing allocation: nothing leaks, and each stream is answered or gone. */
static void test_session_survives_every_failing_allocation(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    for (size_t n = 0, failed = 1; failed > 0; n++) {
        struct test_peer *peer = peer_dial(f);
        fault_arm(FAULT_ONE, n);
        peer_send(peer, "1:now a\n3@5:keep b\n5:size c 12000\n", 34);
        turns(f);
        peer_send(peer, "7:now d\n9?\n3!\n5+20000\n", 22);
        turns(f);
        failed = fault_failed();
        fault_disarm();
        probe_end_all(&f->probe);
        peer_close(peer);
        advance(f, SECONDS(2));
        assert_int_equal(stream_codec_alive, 0);
        assert_int_equal(f->worker->conn_count, 0);
        f->probe.log[0] = '\0';
    }
}

#define TEST_STREAMS(test)                                                                         \
    {                                                                                              \
#test, test, setup, teardown, url_streams                                                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_STREAMS(test_streams_are_answered_in_no_order),
        TEST_STREAMS(test_answer_may_have_no_message_or_many),
        TEST_STREAMS(test_reset_cancels_and_is_answered_once),
        TEST_STREAMS(test_number_of_a_reset_stream_may_come_again),
        TEST_STREAMS(test_reset_takes_the_place_of_room),
        TEST_STREAMS(test_stream_without_window_holds_up_no_other),
        TEST_STREAMS(test_end_without_a_message_is_never_refused),
        TEST_STREAMS(test_requests_wait_while_much_waits),
        TEST_STREAMS(test_waiting_request_may_be_reset_or_late_or_gone),
        TEST_STREAMS(test_deadline_cancels_and_is_told_to_the_peer),
        TEST_STREAMS(test_one_may_end_others_that_are_late),
        TEST_STREAMS(test_deadline_beyond_the_clock_never_comes),
        TEST_STREAMS(test_backlog_that_does_not_shrink_runs_into_the_write_timeout),
        TEST_STREAMS(test_output_hard_counts_the_backlog),
        TEST_STREAMS(test_large_messages_take_turns),
        TEST_STREAMS(test_detached_stream_has_the_mark_of_pushes),
        TEST_STREAMS(test_half_closed_peer_gets_what_its_windows_take),
        TEST_STREAMS(test_flushing_waits_for_the_backlog),
        TEST_STREAMS(test_lost_boundary_gives_the_backlog_up),
        TEST_STREAMS(test_drain_says_goodbye_and_serves_until_it_is_answered),
        TEST_STREAMS(test_goodbye_without_an_answer_ends),
        TEST_STREAMS(test_connection_too_many_hears_goodbye_alone),
        TEST_STREAMS(test_rejections_are_the_codecs),
        TEST_STREAMS(test_answer_has_a_header_and_a_trailer),
        TEST_STREAMS(test_what_a_stream_keeps_stops_no_decoding),
        TEST_STREAMS(test_nothing_more_by_the_protocol_answers_what_came),
        TEST_STREAMS(test_cut_cancels_streams),
        TEST_STREAMS(test_session_survives_every_failing_allocation),
        {"test_mute_service_has_streams_too", test_mute_service_has_streams_too, setup, teardown,
         url_mute},
    };
    return cmocka_run_group_tests_name("conn streams", tests, NULL, NULL);
}
