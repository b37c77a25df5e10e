/* SPDX-License-Identifier: MIT
 *
 * A codec is told where the answers that it frames end (core/codec.h: finish). The one here notes each
 * message it gave and drops the note when the answer is over. Its frames are lines; a part before `@`
 * is the sender's credentials:
 *
 *     me@now a    a message      !      malformed
 *     ?           no message, but the word "pong"
 *     bye         nothing follows
 *
 * Messages of an answer become "a," and the last one "a."; an end without another message becomes "/".
 * A message "over" says that nothing may follow it. */
#include <errno.h>

#include "lib/fault.h"
#include "server_fixture.h"

struct answers_conn {
    size_t notes; /* messages whose answer is not over */
    size_t replies;
};

static size_t most_notes;
static int finish_error;

static void fini(const struct weft_codec_state *state)
{
    const struct answers_conn *conn = state->conn;

    if (conn->notes > most_notes)
        most_notes = conn->notes;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    struct answers_conn *conn = state->conn;
    const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
    struct weft_view line = weft_view(in.data, end ? (size_t)(end - in.data) : 0);
    const uint8_t *at = line.size > 0 ? memchr(line.data, '@', line.size) : NULL;
    size_t before = at ? (size_t)(at - line.data) : 0;

    if (!end)
        return 0;
    if (line.data[0] == '?')
        return weft_chain_append(io->out, weft_view_str("pong\n")) < 0 ? -ENOMEM
                                                                       : (ssize_t)line.size + 1;
    if (line.size == 3 && memcmp(line.data, "bye", 3) == 0)
        return WEFT_EOVER;
    if (line.data[0] == '!') {
        msg->status = WEFT_MESSAGE_MALFORMED;
        msg->why = "told to";
    } else {
        msg->payload = at ? weft_view_skip(line, before + 1) : line;
        msg->credentials = weft_view(line.data, before);
    }
    msg->kind = WEFT_MESSAGE_DATA;
    conn->notes++;
    if (conn->notes > most_notes)
        most_notes = conn->notes;
    return (ssize_t)line.size + 1;
}

/* One refusal may come before any message. */
static void drop_note(struct answers_conn *conn)
{
    assert_true(conn->notes > 0 || conn->replies == 0);
    conn->notes -= conn->notes > 0;
    conn->replies++;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    uint8_t *dst;

    if (body->size == 13) { /* an unlucky number */
        io->size = 13;
        io->limit = 12;
        io->why = "superstition";
        return WEFT_ETOOBIG;
    }
    dst = weft_chain_reserve(io->out, body->size + 1);
    if (!dst)
        return -ENOMEM;
    weft_body_write(body, dst);
    dst[body->size] = io->last ? '.' : ',';
    io->over = body->size == 4 && memcmp(dst, "over", 4) == 0;
    weft_chain_commit(io->out, body->size + 1);
    if (io->last)
        drop_note(state->conn);
    return 0;
}

static int finish(const struct weft_codec_state *state, struct weft_encode_io *io)
{
    assert_true(io->last);
    if (finish_error < 0)
        return finish_error;
    if (weft_chain_append(io->out, weft_view_str("/")) < 0)
        return -ENOMEM;
    drop_note(state->conn);
    return 0;
}

static int encode_loosely(const struct weft_codec_state *state, const struct weft_body *body,
                          struct weft_encode_io *io)
{
    ((struct answers_conn *)state->conn)->notes = 1;
    return encode(state, body, io);
}

static const struct weft_codec answers = {
    .name = "answers",
    .speaks = "*",
    .conn_size = sizeof(struct answers_conn),
    .fini = fini,
    .decode = decode,
    .encode = encode,
    .finish = finish,
};

/* This one has a place for messages between the replies. */
static const struct weft_codec loosely = {
    .name = "loosely",
    .speaks = "*",
    .conn_size = sizeof(struct answers_conn),
    .decode = decode,
    .encode = encode_loosely,
};

static char url_answers[] = "script:server?codec=answers&service=probe";
static char url_loosely[] = "script:server?codec=loosely&service=probe";

static int setup(void **state)
{
    struct weft_registry *registry;

    most_notes = 0;
    finish_error = 0;
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    registry = &((struct server_fixture *)*state)->registry;
    return weft_registry_add_codec(registry, &answers) < 0
               ? -1
               : weft_registry_add_codec(registry, &loosely);
}

static void send_text(struct test_peer *peer, const char *text)
{
    peer_send(peer, text, strlen(text));
    turns(peer->fixture);
}

/* All that has come, as it is. */
static void expect_bytes(struct test_peer *peer, const char *text)
{
    size_t size;
    const uint8_t *data;

    turns(peer->fixture);
    data = script_received(peer->end, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size);
    script_consume(peer->end, size);
}

static void test_reply_at_once_is_the_last_of_its_answer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "now a\nnow b\n!\nbad c\n?\nnow d\n");
    expect_bytes(peer, "a.b.malformed.c.pong\nd.");
    assert_int_equal(most_notes, 1);
}

static void test_reply_behind_the_head_is_the_last_of_its_answer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nnow b\n!\n?\nnow c\n");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A.b.malformed.pong\nc.");
    assert_int_equal(most_notes, 4);
}

static void test_stream_that_ends_in_silence_is_finished(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "stream a 3 1\nnow b\n");
    expect_bytes(peer, "a,a,a,/b.");
}

static void test_stream_that_ends_with_a_message_is_not_finished(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nnow b\n");
    assert_int_equal(probe_send(&f->probe, "a", "x"), 0);
    assert_int_equal(probe_send(&f->probe, "a", "y"), 0);
    expect_bytes(peer, "x,y,");
    assert_int_equal(probe_end(&f->probe, "a", "z"), 0);
    expect_bytes(peer, "z.b.");
}

/* The last message was held when the answer ended, so it is known to be the last. */
static void test_stream_behind_the_head_ends_with_its_last_message(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nstream b 2 1\nnow c\n");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A.b,b.c.");
}

static void test_stream_that_comes_to_its_place_before_it_ends_is_finished(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nwait b\nnow c\n");
    assert_int_equal(probe_send(&f->probe, "b", "x"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A.x,");
    probe_end_silently(&f->probe, "b");
    expect_bytes(peer, "/c.");
}

static void test_answer_without_a_message_is_finished(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "none a\nnow b\n");
    expect_bytes(peer, "/b.");
    send_text(peer, "wait c\nnone d\nnone e\nnow f\nwait g\n");
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    expect_bytes(peer, "C.//f.");
    probe_end_silently(&f->probe, "g");
    expect_bytes(peer, "/");
}

static void test_words_for_a_message_over_a_limit_are_the_last_too(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "size a 13\nstream b 1 13\nnow c\n");
    expect_bytes(peer, "reply-too-big:superstition:13:12."
                       "reply-too-big:superstition:13:12,/c.");
}

static void test_refused_connection_has_one_answer_without_a_message(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_connections = 1;
    serve_one(f);
    struct test_peer *refused = peer_dial(f);
    expect_bytes(refused, "too-many:max-connections:1.");
    assert_true(script_at_eof(refused->end));
}

static void test_notes_are_never_more_than_max_pending(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 3;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nnow b\n!\nnone d\nwait e\nwait f\nwait g\nwait h\n");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    probe_end_all(&f->probe);
    turns(f);
    probe_end_all(&f->probe);
    expect_bytes(peer, "A.b.malformed./////");
    assert_int_equal(most_notes, 3);
}

static void test_finish_without_memory_ends_the_connection(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    finish_error = -ENOMEM;
    send_text(peer, "now a\nnone b\nnow c\n");
    expect_bytes(peer, "a.");
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
}

static void test_finish_that_fails_ends_the_connection(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    finish_error = -EPROTO;
    send_text(peer, "wait a\nnone b\nnow c\n");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A.");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_INTERNAL), 1);
}

static void test_nothing_follows_a_message_that_is_over(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "now a\nnow over\nnow b\n");
    expect_bytes(peer, "a.over.");
    assert_true(script_at_eof(peer->end));
    assert_noted(f, "open a over");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_requests_behind_a_message_that_is_over_are_cancelled(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nnow b\nwait c\n");
    assert_int_equal(probe_end(&f->probe, "a", "over"), 0);
    expect_bytes(peer, "over.");
    advance(f, SECONDS(1));
    assert_noted(f, "open a b c c!peer-closed");
    probe_end_silently(&f->probe, "c");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_request_behind_which_nothing_follows_is_answered(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nnow b\nbye\nnow c\n");
    expect_bytes(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A.b.");
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_noted(f, "open a b close");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_request_cannot_leave_the_order_if_answers_are_told_apart(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "loose a\nnow b\n");
    expect_bytes(peer, "no-place.b.");
}

static void test_detached_requests_do_not_outlive_the_end_of_the_protocol(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "loose a\nnow b\nbye\n");
    expect_bytes(peer, "b.");
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_noted(f, "open a b a!peer-closed");
    probe_end_silently(&f->probe, "a");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void look_at_credentials(struct probe *probe, const char *name)
{
    const struct probe_call *call = &probe->calls[probe->call_count - 1];
    struct weft_view credentials = call->request->credentials;

    assert_int_equal(credentials.size, name[0] == 'a' ? 2 : 0);
    if (credentials.size > 0)
        assert_memory_equal(credentials.data, "me", 2);
    *(size_t *)probe->data += 1;
}

static void test_credentials_of_a_message_reach_the_service(void **state)
{
    struct server_fixture *f = *state;
    size_t seen = 0;
    struct test_peer *peer = serve_one(f);
    f->probe.on_call = look_at_credentials;
    f->probe.data = &seen;
    send_text(peer, "me@now a\nnow b\nme@now a\n");
    expect_bytes(peer, "a.b.a.");
    assert_int_equal(seen, 3);
}

static void test_credentials_are_kept_with_the_payload(void **state)
{
    static const char kept[] = "keep ame";
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "me@keep a\n");
    const struct weft_request *request = f->probe.calls[0].request;
    assert_int_equal(request->payload.size, strlen("keep a"));
    assert_int_equal(request->credentials.size, strlen("me"));
    assert_memory_equal(request->payload.data, kept, strlen("keep a"));
    assert_memory_equal(request->credentials.data, "me", strlen("me"));
    assert_ptr_equal(request->credentials.data, request->payload.data + request->payload.size);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A.");
}

#define TEST_ANSWERS(test)                                                                         \
    {                                                                                              \
#test, test, setup, server_fixture_teardown_fault, url_answers                             \
    }

#define TEST_LOOSELY(test)                                                                         \
    {                                                                                              \
#test, test, setup, server_fixture_teardown_fault, url_loosely                             \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ANSWERS(test_reply_at_once_is_the_last_of_its_answer),
        TEST_ANSWERS(test_reply_behind_the_head_is_the_last_of_its_answer),
        TEST_ANSWERS(test_stream_that_ends_in_silence_is_finished),
        TEST_ANSWERS(test_stream_that_ends_with_a_message_is_not_finished),
        TEST_ANSWERS(test_stream_behind_the_head_ends_with_its_last_message),
        TEST_ANSWERS(test_stream_that_comes_to_its_place_before_it_ends_is_finished),
        TEST_ANSWERS(test_answer_without_a_message_is_finished),
        TEST_ANSWERS(test_words_for_a_message_over_a_limit_are_the_last_too),
        TEST_ANSWERS(test_refused_connection_has_one_answer_without_a_message),
        TEST_ANSWERS(test_notes_are_never_more_than_max_pending),
        TEST_ANSWERS(test_finish_without_memory_ends_the_connection),
        TEST_ANSWERS(test_finish_that_fails_ends_the_connection),
        TEST_ANSWERS(test_nothing_follows_a_message_that_is_over),
        TEST_ANSWERS(test_requests_behind_a_message_that_is_over_are_cancelled),
        TEST_ANSWERS(test_request_behind_which_nothing_follows_is_answered),
        TEST_ANSWERS(test_request_cannot_leave_the_order_if_answers_are_told_apart),
        TEST_LOOSELY(test_detached_requests_do_not_outlive_the_end_of_the_protocol),
        TEST_ANSWERS(test_credentials_of_a_message_reach_the_service),
        TEST_ANSWERS(test_credentials_are_kept_with_the_payload),
    };
    return cmocka_run_group_tests_name("conn answers", tests, NULL, NULL);
}
