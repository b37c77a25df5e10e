/* SPDX-License-Identifier: MIT
 *
 * Endpoints that share an address: which of them a connection becomes one of, by its first bytes, and that
 * no byte is lost on the way. The first is length-delimited-gzip; behind it are codecs of lines:
 *
 *     hello    claims peers whose first line is "hello"
 *     greedy   claims peers that begin with 'h' or 'n'
 *     unsure   claims nobody, but never says so
 *
 * A line of one word is no message. Each answers in lines that begin with the first letter of its name. */
#include <errno.h>

#include "lib/fault.h"
#include "server_fixture.h"

struct lines_config {
    char mark; /* what an answer begins with */
};

struct lines_conn {
    uint8_t filled[200]; /* larger than the first codec's state, so that the largest one counts */
};

static int inits, finis;

static int configure_mark(void *config, char usual, const struct weft_option_set *set)
{
    const char *mark = weft_option_get(set, "mark");

    ((struct lines_config *)config)->mark = mark ? mark[0] : usual;
    return 0;
}

static int configure_hello(void *config, const struct weft_option_set *set,
                           const struct weft_limits *limits, struct weft_error *error)
{
    (void)limits, (void)error;
    return configure_mark(config, 'h', set);
}

static int configure_greedy(void *config, const struct weft_option_set *set,
                            const struct weft_limits *limits, struct weft_error *error)
{
    (void)limits, (void)error;
    return configure_mark(config, 'g', set);
}

static void init(const struct weft_codec_state *state, enum weft_role role)
{
    struct lines_conn *conn = state->conn;

    assert_int_equal(role, WEFT_SERVER);
    for (size_t i = 0; i < sizeof conn->filled; i++)
        assert_int_equal(conn->filled[i], 0);
    memset(conn->filled, 0xa5, sizeof conn->filled);
    inits++;
}

static void fini(const struct weft_codec_state *state)
{
    struct lines_conn *conn = state->conn;

    for (size_t i = 0; i < sizeof conn->filled; i++)
        assert_int_equal(conn->filled[i], 0xa5);
    finis++;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
    size_t size = end ? (size_t)(end - in.data) : 0;

    (void)state, (void)io;
    if (!end)
        return 0;
    if (memchr(in.data, ' ', size)) {
        msg->kind = WEFT_MESSAGE_DATA;
        msg->payload = weft_view(in.data, size);
    }
    return (ssize_t)size + 1;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    uint8_t *dst = weft_chain_reserve(io->out, body->size + 2);

    if (!dst)
        return -ENOMEM;
    dst[0] = (uint8_t)((const struct lines_config *)state->config)->mark;
    weft_body_write(body, dst + 1);
    dst[body->size + 1] = '\n';
    weft_chain_commit(io->out, body->size + 2);
    return 0;
}

static enum weft_probe probe_hello(const void *config, struct weft_view in)
{
    static const char first[] = "hello\n";
    size_t size = in.size < sizeof first - 1 ? in.size : sizeof first - 1;

    (void)config;
    assert_in_range(in.size, 1, WEFT_PROBE_MAX);
    if (memcmp(in.data, first, size) != 0)
        return WEFT_PROBE_NO;
    return size == sizeof first - 1 ? WEFT_PROBE_YES : WEFT_PROBE_MORE;
}

static enum weft_probe probe_greedy(const void *config, struct weft_view in)
{
    (void)config;
    return in.data[0] == 'h' || in.data[0] == 'n' ? WEFT_PROBE_YES : WEFT_PROBE_NO;
}

static enum weft_probe probe_unsure(const void *config, struct weft_view in)
{
    (void)config;
    assert_in_range(in.size, 1, WEFT_PROBE_MAX);
    return WEFT_PROBE_MORE;
}

static const struct weft_option options[] = {{.name = "mark"}, {.name = NULL}};

static const struct weft_codec hello = {
    .name = "hello",
    .speaks = "*",
    .options = options,
    .config_size = sizeof(struct lines_config),
    .conn_size = sizeof(struct lines_conn),
    .configure = configure_hello,
    .init = init,
    .fini = fini,
    .decode = decode,
    .encode = encode,
    .alpn = "hello/1",
    .probe = probe_hello,
};

static const struct weft_codec greedy = {
    .name = "greedy",
    .speaks = "*",
    .options = options,
    .config_size = sizeof(struct lines_config),
    .conn_size = sizeof(struct lines_conn),
    .configure = configure_greedy,
    .init = init,
    .fini = fini,
    .decode = decode,
    .encode = encode,
    .alpn = "greedy",
    .probe = probe_greedy,
};

static const struct weft_codec unsure = {
    .name = "unsure",
    .speaks = "*",
    .config_size = sizeof(struct lines_config),
    .decode = decode,
    .encode = encode,
    .probe = probe_unsure,
};

static char url_first[] = "script:server?codec=length-delimited-gzip&threshold=off&service=probe";

static int add_codecs(struct server_fixture *f)
{
    static const struct weft_codec *const codecs[] = {&hello, &greedy, &unsure};
    int err = 0;

    for (size_t i = 0; i < 3 && err == 0; i++)
        err = weft_registry_add_codec(&f->registry, codecs[i]);
    return err;
}

static int setup(void **state)
{
    inits = finis = 0;
    return server_fixture_setup_fault(state) < 0 ? -1 : add_codecs(*state);
}

static int teardown(void **state)
{
    int err = server_fixture_teardown_fault(state);

    return inits == finis ? err : -1;
}

static struct test_peer *serve_two(struct server_fixture *f, const char *variant)
{
    f->urls[1] = variant;
    f->options.url_count = 2;
    return serve_one(f);
}

static struct test_peer *serve_three(struct server_fixture *f, const char *one, const char *other)
{
    f->urls[1] = one;
    f->urls[2] = other;
    f->options.url_count = 3;
    return serve_one(f);
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

static struct weft_server_counts counts_of(struct server_fixture *f, size_t i)
{
    struct weft_server_counts counts;

    weft_server_count(f->server, i, &counts);
    return counts;
}

static void test_first_bytes_choose_among_the_codecs_of_an_address(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *frames = serve_two(f, "?codec=hello"), *lines = peer_dial(f);
    peer_say(frames, "now a", "now b");
    send_text(lines, "hello\nnow c\nnow d\n");
    assert_heard(frames, "a b");
    expect_bytes(lines, "hc\nhd\n");
    send_text(lines, "now e\n");
    peer_say(frames, "now f");
    expect_bytes(lines, "he\n");
    assert_heard(frames, "f");
}

static void test_no_byte_is_lost_if_they_come_one_at_a_time(void **state)
{
    static const char text[] = "hello\nnow a\nhello\nnow b\n";
    struct server_fixture *f = *state;
    struct test_peer *frames = serve_two(f, "?codec=hello"), *lines = peer_dial(f);
    uint8_t frame[64];
    size_t size = peer_frame(frame, "now c", 5);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        peer_send(lines, &text[i], 1);
        turns(f);
    }
    for (size_t i = 0; i < size; i++) {
        peer_send(frames, &frame[i], 1);
        turns(f);
    }
    expect_bytes(lines, "ha\nhb\n");
    assert_heard(frames, "c");
}

static void test_no_byte_is_lost_at_any_split(void **state)
{
    static const char text[] = "hello\nnow a\nnow b\n";
    struct server_fixture *f = *state;
    serve_two(f, "?codec=hello");
    for (size_t at = 0; at < sizeof text; at++) {
        struct test_peer *peer = peer_dial(f);
        peer_send(peer, text, at);
        turns(f);
        peer_send(peer, text + at, sizeof text - 1 - at);
        expect_bytes(peer, "ha\nhb\n");
        peer_close(peer);
    }
}

static void test_many_messages_in_the_first_read_are_all_served(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello");
    char expected[3 * 2000 + 1];
    peer_send(peer, "hello\n", 6);
    for (size_t i = 0; i < 2000; i++) {
        peer_send(peer, "now a\n", 6);
        memcpy(expected + 3 * i, "ha\n", 4);
    }
    expect_bytes(peer, expected);
}

/* The second one would claim it at once, but the first one may yet. */
static void test_codec_waits_for_those_before_it_to_say_no(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_three(f, "?codec=hello", "?codec=greedy");
    struct test_peer *other = peer_dial(f), *third = peer_dial(f);
    send_text(peer, "hell");
    assert_noted(f, "");
    send_text(peer, "o\nnow a\n");
    expect_bytes(peer, "ha\n");
    send_text(other, "help\nnow b\n");
    expect_bytes(other, "gb\n");
    send_text(third, "wait c\n");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_FOREIGN), 1);
}

static void test_order_of_the_endpoints_decides_between_two_claims(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_three(f, "?codec=greedy", "?codec=hello");
    send_text(peer, "hello\nnow a\n");
    expect_bytes(peer, "ga\n");
}

/* It does so as if it were alone at the address: it names the protocol in the log and in words. */
static void test_first_codec_takes_what_none_claims(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello");
    size_t size;
    send_text(peer, "GET / HTTP/1.1\r\n\r\n");
    assert_non_null(memmem(script_received(peer->end, &size), 12, "HTTP/1.0 400", 12));
    script_consume(peer->end, size);
    advance(f, SECONDS(1));
    assert_int_equal(counts_of(f, 0).closed[WEFT_REASON_FOREIGN], 1);
    assert_noted(f, "open close");
}

static void test_codec_that_is_not_sure_after_64_bytes_is_passed_over(void **state)
{
    static const char line[] = "now 89012345678901234567890123456789012345678901234567890123\n";
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_three(f, "?codec=unsure", "?codec=hello");
    assert_true(sizeof line - 1 + 6 >= WEFT_PROBE_MAX);
    peer_send(peer, "hello\n", 6);
    peer_send(peer, line, WEFT_PROBE_MAX - 6 - 1);
    turns(f);
    assert_noted(f, "");
    send_text(peer, line + WEFT_PROBE_MAX - 6 - 1);
    assert_int_equal(counts_of(f, 2).requests, 1);
}

static void test_codec_that_is_not_sure_at_the_end_is_passed_over(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_three(f, "?codec=unsure", "?codec=hello");
    peer_send(peer, "hello\nnow a\n", 12);
    turns(f);
    assert_noted(f, "");
    peer_shutdown(peer);
    expect_bytes(peer, "ha\n");
    assert_int_equal(counts_of(f, 2).closed[WEFT_REASON_PEER_CLOSED], 1);
}

static void test_end_before_the_choice_is_a_truncated_frame(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello");
    send_text(peer, "hel");
    peer_shutdown(peer);
    assert_int_equal(closed_for(f, WEFT_REASON_TRUNCATED), 1);
}

static void test_peer_that_says_nothing_meets_no_plugin(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello"), *other = peer_dial(f);
    peer_shutdown(peer);
    peer_reset(other);
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_RESET), 1);
    assert_noted(f, "");
    assert_int_equal(inits, 0);
}

static void test_choice_has_to_be_made_within_the_frame_timeout(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.frame_timeout = WEFT_SECONDS(5);
    struct test_peer *peer = serve_two(f, "?codec=hello");
    for (int i = 0; i < 4; i++) {
        send_text(peer, &"h\0e\0l\0l\0"[2 * i]);
        advance(f, SECONDS(1));
    }
    assert_int_equal(closed(f), 0);
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_FRAME_TIMEOUT), 1);
    assert_noted(f, "");
}

static void test_idle_timeout_ends_who_says_nothing(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    serve_two(f, "?codec=hello");
    advance(f, SECONDS(5));
    assert_int_equal(closed_for(f, WEFT_REASON_IDLE_TIMEOUT), 1);
}

static void test_refused_connection_is_the_first_endpoints(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_connections = 1;
    serve_two(f, "?codec=hello");
    struct test_peer *refused = peer_dial(f);
    assert_heard(refused, "too-many:max-connections:1 EOF");
    peer_close(refused);
    turns(f);
    assert_int_equal(counts_of(f, 0).closed[WEFT_REASON_TOO_MANY], 1);
}

static void test_drain_ends_who_has_not_been_chosen_for(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *silent = serve_two(f, "?codec=hello");
    struct test_peer *begun = peer_dial(f), *whole = peer_dial(f);
    send_text(begun, "hel");
    peer_send(whole, "hello\nnow a\n", 12);
    weft_server_stop(f->server);
    expect_bytes(whole, "ha\n");
    assert_true(script_at_eof(silent->end));
    assert_true(script_at_eof(begun->end));
    assert_true(script_at_eof(whole->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 3);
}

static void test_cut_ends_who_has_not_been_chosen_for(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello");
    send_text(peer, "hel");
    weft__worker_cut(f->worker);
    turns(f);
    assert_int_equal(closed_for(f, WEFT_REASON_CUT), 1);
}

static void test_counters_are_those_of_the_chosen_endpoint(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello");
    send_text(peer, "hel");
    assert_int_equal(counts_of(f, 0).open, 1);
    assert_int_equal(counts_of(f, 0).bytes_in, 3);
    send_text(peer, "lo\nnow a\n");
    assert_int_equal(counts_of(f, 0).accepted, 0);
    assert_int_equal(counts_of(f, 0).open, 0);
    assert_int_equal(counts_of(f, 0).bytes_in, 0);
    assert_int_equal(counts_of(f, 1).accepted, 1);
    assert_int_equal(counts_of(f, 1).open, 1);
    assert_int_equal(counts_of(f, 1).bytes_in, 12);
    assert_int_equal(counts_of(f, 1).requests, 1);
    expect_bytes(peer, "ha\n");
    peer_shutdown(peer);
    assert_int_equal(counts_of(f, 0).closed[WEFT_REASON_PEER_CLOSED], 0);
    assert_int_equal(counts_of(f, 1).closed[WEFT_REASON_PEER_CLOSED], 1);
}

static void test_each_variant_has_options_and_a_service_of_its_own(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_three(f, "?codec=hello&mark=x", "?codec=greedy&service=mute");
    struct test_peer *other = peer_dial(f);
    send_text(peer, "hello\nnow a\n");
    send_text(other, "now b\n");
    expect_bytes(peer, "xa\n");
    expect_bytes(other, "gb\n");
    assert_noted(f, "open a b");
}

static void test_negotiated_protocol_chooses_whatever_the_bytes_are(void **state)
{
    struct server_fixture *f = *state;
    script_set_default_rules(&(struct script_rules){.protocol = "hello/1"});
    struct test_peer *peer = serve_three(f, "?codec=greedy", "?codec=hello");
    script_set_default_rules(&(struct script_rules){.protocol = "h2"});
    struct test_peer *unknown = peer_dial(f);
    send_text(peer, "now a\n");
    expect_bytes(peer, "ha\n");
    send_text(unknown, "hello\nnow b\n");
    expect_bytes(unknown, "gb\n");
}

static void test_service_that_does_not_open_ends_the_connection(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello");
    f->probe.open_error = -ENOMEM;
    send_text(peer, "hello\nnow a\n");
    assert_true(script_is_gone(peer->end));
    assert_int_equal(counts_of(f, 1).closed[WEFT_REASON_NO_MEMORY], 1);
    assert_noted(f, "");
}

static void test_connection_without_memory_for_its_first_bytes_ends(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_two(f, "?codec=hello");
    fault_arm(FAULT_ONE, 0);
    send_text(peer, "hel");
    fault_disarm();
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
}

/* Until its choice is made a connection costs what it sent, whatever it may become. */
static void test_crowd_that_is_undecided_takes_the_memory_of_what_it_sent(void **state)
{
    enum { CROWD = 500 };
    struct server_fixture *f = *state;
    struct test_peer *crowd[CROWD];
    crowd[0] = serve_three(f, "?codec=unsure", "?codec=hello");
    for (size_t i = 1; i < CROWD; i++)
        crowd[i] = peer_dial(f);
    size_t before = fault_bytes();
    for (size_t i = 0; i < CROWD; i++)
        peer_send(crowd[i], "h", 1);
    turns(f);
    assert_in_range(fault_bytes() - before, 1, CROWD * 80); /* a block of 64 may hold 72 */
}

#define TEST_VARIANTS(test)                                                                        \
    {                                                                                              \
#test, test, setup, teardown, url_first                                                    \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_VARIANTS(test_first_bytes_choose_among_the_codecs_of_an_address),
        TEST_VARIANTS(test_no_byte_is_lost_if_they_come_one_at_a_time),
        TEST_VARIANTS(test_no_byte_is_lost_at_any_split),
        TEST_VARIANTS(test_many_messages_in_the_first_read_are_all_served),
        TEST_VARIANTS(test_codec_waits_for_those_before_it_to_say_no),
        TEST_VARIANTS(test_order_of_the_endpoints_decides_between_two_claims),
        TEST_VARIANTS(test_first_codec_takes_what_none_claims),
        TEST_VARIANTS(test_codec_that_is_not_sure_after_64_bytes_is_passed_over),
        TEST_VARIANTS(test_codec_that_is_not_sure_at_the_end_is_passed_over),
        TEST_VARIANTS(test_end_before_the_choice_is_a_truncated_frame),
        TEST_VARIANTS(test_peer_that_says_nothing_meets_no_plugin),
        TEST_VARIANTS(test_choice_has_to_be_made_within_the_frame_timeout),
        TEST_VARIANTS(test_idle_timeout_ends_who_says_nothing),
        TEST_VARIANTS(test_refused_connection_is_the_first_endpoints),
        TEST_VARIANTS(test_drain_ends_who_has_not_been_chosen_for),
        TEST_VARIANTS(test_cut_ends_who_has_not_been_chosen_for),
        TEST_VARIANTS(test_counters_are_those_of_the_chosen_endpoint),
        TEST_VARIANTS(test_each_variant_has_options_and_a_service_of_its_own),
        TEST_VARIANTS(test_negotiated_protocol_chooses_whatever_the_bytes_are),
        TEST_VARIANTS(test_service_that_does_not_open_ends_the_connection),
        TEST_VARIANTS(test_connection_without_memory_for_its_first_bytes_ends),
        TEST_VARIANTS(test_crowd_that_is_undecided_takes_the_memory_of_what_it_sent),
    };
    return cmocka_run_group_tests_name("conn variants", tests, NULL, NULL);
}
