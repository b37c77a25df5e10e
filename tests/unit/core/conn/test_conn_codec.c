/* SPDX-License-Identifier: MIT
 *
 * The duties of a connection to a codec, shown by one that does all that core/codec.h allows: words of
 * its own between replies, messages that need no byte, errors of every kind. Its frames are lines:
 *
 *     now a    a message        ?      no message, but the words "pong"
 *     !        malformed        2 *    2 or 100 messages with one line
 *     ^        boundary lost    0      no memory
 *     x        another protocol */
#include <errno.h>

#include "lib/fault.h"
#include "server_fixture.h"

struct lines_conn {
    int more; /* so many messages come with no byte */
};

struct lines_loop {
    int users;
};

static int inits, finis, loop_init_error;

static int loop_init(void *state, const void *config)
{
    (void)config;
    ((struct lines_loop *)state)->users = 1;
    return loop_init_error;
}

static void init(const struct weft_codec_state *state, enum weft_role role)
{
    (void)state;
    assert_int_equal(role, WEFT_SERVER);
    inits++;
}

static void fini(const struct weft_codec_state *state)
{
    (void)state;
    finis++;
}

static ssize_t lose(struct weft_decode_io *io, const char *words, ssize_t error)
{
    if (words)
        assert_int_equal(weft_chain_append(io->out, weft_view_str(words)), 0);
    io->detail = "told to";
    return error;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    static const char two[] = "now t";
    struct lines_conn *conn = state->conn;
    const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
    size_t size = end ? (size_t)(end - in.data) : 0;

    if (conn->more > 0) {
        conn->more--;
        msg->kind = WEFT_MESSAGE_DATA;
        msg->payload = weft_view_str(two);
        return 0;
    }
    if (!end)
        return 0;
    switch (in.data[0]) {
    case '?':
        return weft_chain_append(io->out, weft_view_str("pong\n")) < 0 ? -ENOMEM
                                                                       : (ssize_t)size + 1;
    case '^':
        return lose(io, NULL, WEFT_ELOST);
    case '0':
        return lose(io, NULL, -ENOMEM);
    case 'x':
        return lose(io, "go away\n", WEFT_EFOREIGN);
    case '!':
        msg->status = WEFT_MESSAGE_MALFORMED;
        msg->why = "told to";
        break;
    case '2':
    case '*':
        conn->more = in.data[0] == '2' ? 1 : 99;
        msg->payload = weft_view_str(two);
        break;
    default:
        msg->payload = weft_view(in.data, size);
    }
    msg->kind = WEFT_MESSAGE_DATA;
    return (ssize_t)size + 1;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    uint8_t *dst;

    (void)state;
    if (body->size == 13) /* an unlucky number */
        return -EPROTO;
    dst = weft_chain_reserve(io->out, body->size + 1);
    if (!dst)
        return -ENOMEM;
    weft_body_write(body, dst);
    dst[body->size] = '\n';
    weft_chain_commit(io->out, body->size + 1);
    return 0;
}

static const struct weft_codec lines = {
    .name = "lines",
    .speaks = "*",
    .loop_size = sizeof(struct lines_loop),
    .conn_size = sizeof(struct lines_conn),
    .loop_init = loop_init,
    .init = init,
    .fini = fini,
    .decode = decode,
    .encode = encode,
};

static char url_lines[] = "script:server?codec=lines&service=probe";

static int setup(void **state)
{
    inits = finis = loop_init_error = 0;
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    return weft_registry_add_codec(&((struct server_fixture *)*state)->registry, &lines);
}

static int teardown(void **state)
{
    int err = server_fixture_teardown_fault(state);

    return inits == finis ? err : -1;
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

static void test_words_of_the_codec_stand_between_the_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "now a\n?\nnow b\n");
    expect_bytes(peer, "a\npong\nb\n");
}

static void test_words_of_the_codec_wait_for_pending_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\n?\n?\nnow b\n");
    expect_bytes(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A\npong\npong\nb\n");
}

static void test_last_words_stand_behind_pending_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nx\nnow b\n");
    expect_bytes(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A\ngo away\n");
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_FOREIGN), 1);
}

/* The codec's own bytes wait in memory like replies, and count like them. */
static void test_words_of_the_codec_behind_the_head_stop_the_decoding(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.output_high = f->options.limits.output_low = 10;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\n?\n?\n?\n?\n");
    assert_int_equal(f->worker->conns->order.held_bytes, 10);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A\npong\npong\npong\npong\n");
    assert_int_equal(f->worker->conns->order.held_bytes, 0);
}

/* The core weighs a reply before it is encoded; a codec that makes much more of it is caught here. */
static void test_output_over_the_hard_limit_closes(void **state)
{
    struct server_fixture *f = *state;
    const size_t hard = 5000, small = 2 * WEFT_REJECT_MAX;
    f->options.limits.max_frame = f->options.limits.max_message = 1000;
    f->options.limits.output_high = f->options.limits.output_low = 1000;
    f->options.limits.output_hard = hard;
    f->options.limits.max_pending = 2;
    struct test_peer *peer = serve_one(f);
    char text[64];
    script_set_rules(peer->end, &(struct script_rules){.window = 1});
    snprintf(text, sizeof text, "size a %zu\n", hard + small - 1);
    send_text(peer, text);
    assert_int_equal(closed_for(f, WEFT_REASON_OUTPUT_LIMIT), 0);
    peer = peer_dial(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 1});
    snprintf(text, sizeof text, "size b %zu\n", hard + small);
    send_text(peer, text);
    assert_int_equal(closed_for(f, WEFT_REASON_OUTPUT_LIMIT), 1);
}

static void test_message_may_need_no_byte(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "2\n");
    expect_bytes(peer, "t\nt\n");
    send_text(peer, "now a\n2\nnow b\n");
    expect_bytes(peer, "a\nt\nt\nb\n");
}

/* Though the view is used up, the turn's share is too. */
static void test_messages_that_need_no_byte_have_their_turns(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "*\n", 2);
    virtual_loop_turn(f->loop);
    assert_int_equal(f->probe.call_count, 64);
    turns(f);
    assert_int_equal(f->probe.call_count, 100);
}

static void test_malformed_message_is_worded(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "!\nnow a\n");
    expect_bytes(peer, "malformed\na\n");
}

static void test_lost_boundary_ends_it_behind_the_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\nnow b\n^\nnow c\n");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    expect_bytes(peer, "A\nb\n");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_FRAME_LOST), 1);
    assert_noted(f, "open a b close");
}

static void test_codec_without_memory_ends_it_behind_the_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "now a\n0\nnow c\n");
    expect_bytes(peer, "a\n");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
}

static void test_reply_that_the_codec_cannot_encode_ends_it(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "now a\nsize b 13\nnow c\n");
    expect_bytes(peer, "a\n");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_INTERNAL), 1);
}

static void test_end_inside_a_frame_of_unknown_size_is_truncated(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    send_text(peer, "now a\nnow");
    expect_bytes(peer, "a\n");
    peer_shutdown(peer);
    assert_int_equal(closed_for(f, WEFT_REASON_TRUNCATED), 1);
}

static void test_frame_of_unknown_size_may_be_long(void **state)
{
    struct server_fixture *f = *state;
    char part[1001];
    struct test_peer *peer = serve_one(f);
    memset(part, ' ', 1000);
    part[1000] = '\0';
    send_text(peer, "now a");
    for (int i = 0; i < 500; i++)
        send_text(peer, part);
    send_text(peer, "\nnow b\n");
    expect_bytes(peer, "a\nb\n");
}

/* Words wait in memory of their own behind a pending reply; its n-th piece cannot be had. */
static void lack_memory_for_words(struct server_fixture *f, size_t n)
{
    struct test_peer *peer = serve_one(f);
    send_text(peer, "wait a\n?\n");
    fault_arm(FAULT_ONE, n);
    send_text(peer, "?\n");
    assert_int_equal(fault_failed(), 1);
    fault_disarm();
    assert_noted(f, "open a");
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_noted(f, "a!no-memory");
}

static void test_words_without_memory_for_a_place_in_the_order_end_it(void **state)
{
    lack_memory_for_words(*state, 0);
}

static void test_words_without_memory_for_their_bytes_end_it(void **state)
{
    lack_memory_for_words(*state, 1);
}

static void test_words_without_memory_at_their_turn_end_it(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    static char full[WEFT_PIECE_SIZE], expected[2 * sizeof full + 3];
    memset(full, 'B', sizeof full - 1);
    snprintf(expected, sizeof expected, "a\n%s\n%s\n", full, full);
    /* a and the words have left a piece each in the pool, which b and c fill. */
    send_text(peer, "now a\nwait b\nwait c\n?\nnow d\n");
    assert_int_equal(probe_end(&f->probe, "c", full), 0);
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(probe_end(&f->probe, "b", full), 0);
    expect_bytes(peer, expected);
    assert_int_not_equal(fault_failed(), 0);
    fault_disarm();
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
}

static void test_server_fails_where_a_codec_does_not_start(void **state)
{
    struct server_fixture *f = *state;
    loop_init_error = -ENOMEM;
    assert_int_equal(server_fixture_try_start(f), -ENOMEM);
    assert_string_equal(f->error.text, "cannot start a plugin: Cannot allocate memory");
}

#define TEST_LINES(test)                                                                           \
    {                                                                                              \
#test, test, setup, teardown, url_lines                                                    \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_LINES(test_words_of_the_codec_stand_between_the_replies),
        TEST_LINES(test_words_of_the_codec_wait_for_pending_replies),
        TEST_LINES(test_last_words_stand_behind_pending_replies),
        TEST_LINES(test_words_of_the_codec_behind_the_head_stop_the_decoding),
        TEST_LINES(test_output_over_the_hard_limit_closes),
        TEST_LINES(test_message_may_need_no_byte),
        TEST_LINES(test_messages_that_need_no_byte_have_their_turns),
        TEST_LINES(test_malformed_message_is_worded),
        TEST_LINES(test_lost_boundary_ends_it_behind_the_replies),
        TEST_LINES(test_codec_without_memory_ends_it_behind_the_replies),
        TEST_LINES(test_reply_that_the_codec_cannot_encode_ends_it),
        TEST_LINES(test_end_inside_a_frame_of_unknown_size_is_truncated),
        TEST_LINES(test_frame_of_unknown_size_may_be_long),
        TEST_LINES(test_words_without_memory_for_a_place_in_the_order_end_it),
        TEST_LINES(test_words_without_memory_for_their_bytes_end_it),
        TEST_LINES(test_words_without_memory_at_their_turn_end_it),
        TEST_LINES(test_server_fails_where_a_codec_does_not_start),
    };
    return cmocka_run_group_tests_name("conn codec", tests, NULL, NULL);
}
