/* SPDX-License-Identifier: MIT
 *
 * How a client's connection ends by itself, and what its calls hear of it. */
#include <errno.h>
#include <stdio.h>

#include "client_fixture.h"
#include "codecs/codecs.h"

static void peer_says(struct client_fixture *f, const char *bytes, size_t size)
{
    script_send(f->peer, bytes, size);
    client_fixture_turns(f);
}

static void assert_over(struct client_fixture *f, const char *trouble)
{
    struct test_call *late = test_call(f, "late");
    char refused[sizeof f->error.text];
    snprintf(refused, sizeof refused, "not connected: %s", trouble);
    assert_string_equal(weft_client_trouble(f->client), trouble);
    assert_int_equal(test_call_send(late, "anybody?"), -ENOTCONN);
    assert_int_equal(f->error.code, -ENOTCONN);
    assert_string_equal(f->error.text, refused);
    assert_int_equal(weft_client_pending(f->client), 0);
    assert_int_equal(weft_client_unsent(f->client), 0);
    client_fixture_turns(f);
    assert_log(f, "");
}

static void test_client_new_refuses_a_bad_configuration(void **state)
{
    struct client_fixture *f = *state;
    f->options.url = "script:peer?codec=morse";
    assert_int_equal(client_fixture_new(f), WEFT_ECONFIG);
    assert_null(f->client);
    assert_string_equal(f->error.text,
                        "unknown codec 'morse'; there are: raw, length-delimited-gzip");
}

static int loop_init_without_memory(void *loop, const void *config)
{
    (void)loop, (void)config;
    return -ENOMEM;
}

static void test_client_new_says_that_its_codec_cannot_start(void **state)
{
    struct client_fixture *f = *state;
    static struct weft_codec codec;
    codec = *f->peer_endpoint.codec;
    codec.name = "poor";
    codec.loop_init = loop_init_without_memory;
    assert_int_equal(weft_registry_add_codec(&f->registry, &codec), 0);
    f->options.url = "script:peer?codec=poor";
    assert_int_equal(client_fixture_new(f), -ENOMEM);
    assert_null(f->client);
    assert_string_equal(f->error.text, "codec 'poor' cannot start: Cannot allocate memory");
}

static void test_client_new_says_that_it_was_refused_at_once(void **state)
{
    struct client_fixture *f = *state;
    script_refuse_connects(1, false);
    assert_int_equal(client_fixture_new(f), -ECONNREFUSED);
    assert_null(f->client);
    assert_int_equal(f->error.code, -ECONNREFUSED);
}

static void test_client_says_that_it_was_refused_before_it_fails_its_calls(void **state)
{
    struct client_fixture *f = *state;
    script_refuse_connects(1, true);
    assert_int_equal(client_fixture_new(f), 0);
    struct test_call *a = ask(f, "a", "1");
    client_fixture_turns(f);
    assert_log(f, "refused!ECONNREFUSED a!ECONNREFUSED");
    assert_false(a->call.sent);
    assert_over(f, "cannot connect to script:peer: Connection refused; is a server listening "
                   "there?");
}

static void test_client_hears_an_end_while_it_is_idle(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "");
    assert_over(f, "script:peer closed the connection");
    assert_true(script_is_gone(f->peer));
}

static void test_client_fails_in_order_what_an_end_left_unanswered(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    ask(f, "c", "3");
    peer_reply(f, "one");
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a=one b!ECONNRESET c!ECONNRESET");
    assert_over(f, "script:peer closed the connection");
}

static void test_client_hears_an_end_together_with_the_last_reply(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    peer_queue(f, "one");
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a=one b!ECONNRESET");
}

static void test_client_tells_an_end_inside_a_frame_from_one_between_frames(void **state)
{
    struct client_fixture *f = *state;
    uint8_t frame[64];
    connect_and_ask(f);
    size_t size = peer_frame(f, weft_view_str("one"), frame);
    script_send(f->peer, frame, size - 1);
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a!WEFT_ETRUNCATED b!WEFT_ETRUNCATED");
    assert_over(f, "script:peer closed the connection inside a reply");
}

/* A codec whose message is all that comes before the end. */
static ssize_t decode_at_end(const struct weft_codec_state *state, struct weft_view in,
                             struct weft_message *msg, struct weft_decode_io *io)
{
    (void)state;
    io->need = in.size + 1;
    if (!io->eof || in.size == 0)
        return 0;
    msg->kind = WEFT_MESSAGE_DATA;
    msg->payload = in;
    return (ssize_t)in.size;
}

static void test_client_hands_over_a_reply_that_the_end_completes(void **state)
{
    struct client_fixture *f = *state;
    static struct weft_codec codec;
    codec = *f->peer_endpoint.codec;
    codec.name = "patient";
    codec.decode = decode_at_end;
    assert_int_equal(weft_registry_add_codec(&f->registry, &codec), 0);
    f->options.url = "script:peer?codec=patient";
    connect_and_ask(f);
    peer_says(f, "all", 3);
    peer_says(f, " there is", 9);
    assert_log(f, "");
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a=all there is b!ECONNRESET");
}

static void test_client_hears_an_end_inside_a_header(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    script_send(f->peer, "\0\0", 2);
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a!WEFT_ETRUNCATED b!WEFT_ETRUNCATED");
}

static void test_client_hears_an_end_inside_a_reply_that_it_skips(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.max_frame = 1024;
    connect_and_ask(f);
    peer_says(f, "\0\0\4\1....", 8);
    assert_log(f, "a!WEFT_ETOOBIG");
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "b!WEFT_ETRUNCATED");
}

static void test_client_hears_a_reset(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    script_reset(f->peer);
    f->peer = NULL;
    client_fixture_turns(f);
    assert_log(f, "a!ECONNRESET b!ECONNRESET");
    assert_over(f, "the connection to script:peer broke: Connection reset by peer");
}

static void test_client_hears_that_a_write_failed(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.write_error = -EPIPE});
    struct test_call *a = ask(f, "a", "1");
    client_fixture_turns(f);
    assert_log(f, "a!EPIPE");
    assert_false(a->call.sent);
    assert_over(f, "the connection to script:peer broke: Broken pipe");
}

/* A scripted stream on which, from some moment, every write fails and reading goes on: a peer that
 * closed its end of a Unix socket, or of TCP on Linux, after it had answered. */
static bool pipe_is_broken;
static const struct weft_stream_ops *whole_ops;
static struct weft_stream_ops broken_ops;

static ssize_t writev_to_broken(struct weft_stream *stream, const struct iovec *vec, int count)
{
    return pipe_is_broken ? -EPIPE : whole_ops->writev(stream, vec, count);
}

static int connect_to_break(struct weft_stream *stream, struct weft_loop *loop,
                            const struct weft_url *url, struct weft_error *error)
{
    int err = script_transport.connect(stream, loop, url, error);
    if (err < 0)
        return err;
    whole_ops = stream->ops;
    broken_ops = *whole_ops;
    broken_ops.writev = writev_to_broken;
    stream->ops = &broken_ops;
    pipe_is_broken = false;
    return 0;
}

static struct weft_transport breaking_transport;

static void connect_to_break_and_ask(struct client_fixture *f)
{
    breaking_transport = script_transport;
    breaking_transport.name = "breaking";
    breaking_transport.connect = connect_to_break;
    assert_int_equal(weft_registry_add_transport(&f->registry, &breaking_transport), 0);
    f->options.url = "breaking:peer?codec=raw";
    connect_and_ask(f);
    pipe_is_broken = true;
}

static void test_client_reads_what_was_answered_before_a_write_failed(void **state)
{
    struct client_fixture *f = *state;
    connect_to_break_and_ask(f);
    script_set_rules(f->peer, &(struct script_rules){.read_chunk = 3});
    peer_queue(f, "one");
    struct test_call *c = ask(f, "c", "3");
    client_fixture_turns(f);
    assert_log(f, "a=one b!EPIPE c!EPIPE");
    assert_false(c->call.sent);
}

static void test_client_believes_the_end_it_reads_rather_than_the_failed_write(void **state)
{
    struct client_fixture *f = *state;
    connect_to_break_and_ask(f);
    ask(f, "c", "3");
    peer_queue(f, "one");
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a=one b!ECONNRESET c!ECONNRESET");
    assert_over(f, "breaking:peer closed the connection");
}

static void test_client_recognises_another_protocol(void **state)
{
    struct client_fixture *f = *state;
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    connect_and_ask(f);
    peer_says(f, http, sizeof http - 1);
    assert_log(f, "a!WEFT_EFOREIGN b!WEFT_EFOREIGN");
    assert_over(f, "the server answered in HTTP, not in codec 'raw': is script:peer the right "
                   "address?");
}

static void test_client_says_that_a_server_has_another_codec(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    peer_says(f, "\x2e\x08\x90\x03", 4);
    assert_log(f, "a!WEFT_EFOREIGN b!WEFT_EFOREIGN");
    assert_over(f, "the server answered in another protocol or codec, not in codec 'raw': is "
                   "script:peer the right address?");
}

static void test_client_names_a_server_that_begins_to_compress(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    peer_reply(f, "one");
    peer_says(f, "\x80\0\0\x3a", 4);
    assert_log(f, "a=one b!WEFT_EFOREIGN");
    assert_over(f, "the server answered in codec 'length-delimited-gzip', not in codec 'raw': is "
                   "script:peer the right address?");
}

/* raw, but behind a reply "bye" nothing follows. */
static ssize_t decode_until_bye(const struct weft_codec_state *state, struct weft_view in,
                                struct weft_message *msg, struct weft_decode_io *io)
{
    if (in.size == 7 && memcmp(in.data + 4, "bye", 3) == 0)
        return WEFT_EOVER;
    return weft_codec_raw.decode(state, in, msg, io);
}

static void test_client_takes_the_end_of_the_protocol_for_a_close(void **state)
{
    struct client_fixture *f = *state;
    struct weft_codec codec = weft_codec_raw;
    codec.name = "until-bye";
    codec.decode = decode_until_bye;
    assert_int_equal(weft_registry_add_codec(&f->registry, &codec), 0);
    f->options.url = "script:peer?codec=until-bye";
    connect_and_ask(f);
    peer_queue(f, "one");
    peer_reply(f, "bye");
    assert_log(f, "a=one b!ECONNRESET");
    assert_over(f, "script:peer closed the connection");
    weft_client_close(f->client);
    f->client = NULL;
}

static void test_client_gives_up_where_the_frame_boundary_is_lost(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    ask(f, "c", "3");
    client_fixture_turns(f);
    peer_reply(f, "one");
    peer_says(f, "\x7f\xff\xff\xff", 4);
    assert_log(f, "a=one b!WEFT_ETOOBIG c!WEFT_ELOST");
    assert_over(f, "what script:peer sent is not codec 'raw': a length beyond what is skipped");
}

static void test_client_ends_on_a_reply_that_nobody_asked_for(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    peer_reply(f, "surprise");
    assert_log(f, "");
    assert_over(f, "script:peer sent a reply that nobody asked for");
}

static void test_client_ends_on_a_reply_to_what_it_has_not_sent(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.write_eagain = 2});
    ask(f, "a", "1");
    client_fixture_turns(f);
    peer_reply(f, "one");
    assert_log(f, "a=one");
    ask(f, "b", "2");
    script_set_rules(f->peer, &(struct script_rules){.window = 1});
    client_fixture_turns(f);
    peer_reply(f, "two");
    assert_log(f, "b!WEFT_EUNASKED");
}

static void test_client_turned_away_before_it_sent_hands_over_the_reply(void **state)
{
    struct client_fixture *f = *state;
    ask_early(f);
    peer_reply(f, "full");
    assert_log(f, "connected a=full b!ECONNRESET");
    assert_over(f, "script:peer turned the connection away");
}

static void call_once_more(struct test_call *call)
{
    assert_int_equal(test_call_send(test_call(call->fixture, "again"), "again"), -ENOTCONN);
}

static void test_client_takes_no_call_while_it_fails(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    f->calls[0].then = call_once_more;
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a!ECONNRESET b!ECONNRESET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_client_new_refuses_a_bad_configuration),
        TEST_RAW(test_client_new_says_that_its_codec_cannot_start),
        TEST_RAW(test_client_new_says_that_it_was_refused_at_once),
        TEST_RAW(test_client_says_that_it_was_refused_before_it_fails_its_calls),
        TEST_BOTH(test_client_hears_an_end_while_it_is_idle),
        TEST_BOTH(test_client_fails_in_order_what_an_end_left_unanswered),
        TEST_BOTH(test_client_hears_an_end_together_with_the_last_reply),
        TEST_BOTH(test_client_tells_an_end_inside_a_frame_from_one_between_frames),
        TEST_RAW(test_client_hands_over_a_reply_that_the_end_completes),
        TEST_BOTH(test_client_hears_an_end_inside_a_header),
        TEST_BOTH(test_client_hears_an_end_inside_a_reply_that_it_skips),
        TEST_RAW(test_client_hears_a_reset),
        TEST_RAW(test_client_hears_that_a_write_failed),
        TEST_RAW(test_client_reads_what_was_answered_before_a_write_failed),
        TEST_RAW(test_client_believes_the_end_it_reads_rather_than_the_failed_write),
        TEST_RAW(test_client_recognises_another_protocol),
        TEST_RAW(test_client_says_that_a_server_has_another_codec),
        TEST_RAW(test_client_names_a_server_that_begins_to_compress),
        TEST_RAW(test_client_takes_the_end_of_the_protocol_for_a_close),
        TEST_RAW(test_client_gives_up_where_the_frame_boundary_is_lost),
        TEST_BOTH(test_client_ends_on_a_reply_that_nobody_asked_for),
        TEST_RAW(test_client_ends_on_a_reply_to_what_it_has_not_sent),
        TEST_BOTH(test_client_turned_away_before_it_sent_hands_over_the_reply),
        TEST_RAW(test_client_takes_no_call_while_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
