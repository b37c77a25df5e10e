/* SPDX-License-Identifier: MIT
 *
 * A client's calls and replies, while all goes well. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "core/client/client_private.h"
#include "lib/random.h"
#include "client_fixture.h"

static void test_client_says_once_that_it_is_connected(void **state)
{
    struct client_fixture *f = *state;
    assert_int_equal(client_fixture_new(f), 0);
    assert_log(f, "");
    client_fixture_turns(f);
    client_fixture_advance(f, SECONDS(1));
    assert_log(f, "connected");
    assert_string_equal(weft_client_trouble(f->client), "");
}

static void test_client_freezes_the_registry(void **state)
{
    struct client_fixture *f = *state;
    assert_false(f->registry.frozen);
    client_fixture_connect(f);
    assert_true(f->registry.frozen);
}

static void test_client_hands_a_reply_to_its_call(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = ask(f, "a", "question");
    assert_int_equal(weft_client_pending(f->client), 1);
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "question");
    assert_true(a->call.sent);
    peer_reply(f, "answer");
    assert_log(f, "a=answer");
    assert_int_equal(weft_client_pending(f->client), 0);
}

/* Counts in the memory of the output that the client keeps for later. */
static int count_kept(const struct client_fixture *f, const char *text)
{
    int count = 0;
    for (const struct weft_piece *piece = f->client->pool.free; piece; piece = piece->next) {
        weft_unpoison(piece->data, piece->cap);
        count += memmem(piece->data, 64, text, strlen(text)) != NULL;
        weft_poison(piece->data, piece->cap);
    }
    return count;
}

static void ask_secret(struct client_fixture *f)
{
    struct test_call *call = test_call(f, "s");
    call->call.is_secret = true;
    assert_int_equal(test_call_send(call, "password"), 0);
}

static void test_client_keeps_no_secret_that_was_sent(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask(f, "a", "before");
    ask_secret(f);
    ask(f, "b", "behind");
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "before password behind");
    assert_int_equal(count_kept(f, "password"), 0);
    assert_int_equal(count_kept(f, "before"), 0); /* all up to the secret goes */
    assert_int_equal(count_kept(f, "behind"), 1);
}

static void test_client_keeps_no_secret_that_was_never_sent(void **state)
{
    const struct script_rules broken = {.write_error = -ECONNRESET};
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &broken);
    ask_secret(f);
    client_fixture_turns(f);
    assert_int_equal(weft_client_status(f->client), -ECONNRESET);
    assert_int_equal(count_kept(f, "password"), 0);
}

static void test_client_counts_the_bytes_on_the_wire(void **state)
{
    struct client_fixture *f = *state;
    struct weft_client_counts counts;
    uint8_t frame[256];
    client_fixture_connect(f);
    ask(f, "a", "question");
    weft_client_count(f->client, &counts);
    assert_int_equal(counts.bytes_out, 0); /* what waits to be sent is not */
    client_fixture_turns(f);
    size_t heard = 0;
    (void)script_received(f->peer, &heard);
    size_t reply = peer_frame(f, weft_view_str("answer"), frame);
    script_send(f->peer, frame, reply - 1);
    client_fixture_turns(f);
    weft_client_count(f->client, &counts);
    assert_int_equal(counts.bytes_out, heard);
    assert_int_equal(counts.bytes_in, reply - 1);
    script_send(f->peer, frame + reply - 1, 1);
    client_fixture_turns(f);
    weft_client_count(f->client, &counts);
    assert_int_equal(counts.bytes_in, reply);
    assert_log(f, "a=answer");
}

static void test_client_hands_over_an_empty_reply(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask(f, "a", "");
    client_fixture_turns(f);
    peer_reply(f, "");
    assert_log(f, "a=");
}

static void test_client_sends_what_was_called_before_it_connected(void **state)
{
    struct client_fixture *f = *state;
    assert_int_equal(client_fixture_new(f), 0);
    struct test_call *a = test_call(f, "a");
    a->call.sent = true; /* as after an earlier use */
    assert_int_equal(test_call_send(a, "early"), 0);
    assert_false(a->call.sent);
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "early");
    peer_reply(f, "bird");
    assert_log(f, "connected a=bird");
}

/* A second write within the turn would find no room. */
static void test_client_sends_the_calls_of_a_turn_in_one_write(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.write_eagain = 2});
    ask(f, "a", "1");
    ask(f, "b", "2");
    ask(f, "c", "3");
    assert_int_not_equal(weft_client_unsent(f->client), 0);
    virtual_loop_turn(f->loop);
    assert_string_equal(peer_heard(f), "1 2 3");
    assert_int_equal(weft_client_unsent(f->client), 0);
}

static void test_client_hands_pipelined_replies_to_their_calls_in_order(void **state)
{
    struct client_fixture *f = *state;
    uint8_t frames[512];
    size_t size = 0;
    client_fixture_connect(f);
    ask(f, "a", "1");
    ask(f, "b", "2");
    ask(f, "c", "3");
    client_fixture_turns(f);
    size += peer_frame(f, weft_view_str("one"), frames + size);
    size += peer_frame(f, weft_view_str("two"), frames + size);
    size += peer_frame(f, weft_view_str("three"), frames + size);
    script_send(f->peer, frames, size);
    client_fixture_turns(f);
    assert_log(f, "a=one b=two c=three");
}

static void test_client_reads_replies_at_every_split(void **state)
{
    struct client_fixture *f = *state;
    uint8_t frames[512];
    char zeros[100] = {0};
    size_t size = 0;
    client_fixture_connect(f);
    size += peer_frame(f, weft_view_str("one"), frames + size);
    size += peer_frame(f, weft_view(zeros, sizeof zeros), frames + size);
    for (size_t split = 0; split <= size; split++) {
        ask(f, "a", "1");
        ask(f, "b", "2");
        client_fixture_turns(f);
        script_send(f->peer, frames, split);
        client_fixture_turns(f);
        script_send(f->peer, frames + split, size - split);
        client_fixture_turns(f);
        assert_log(f, "a=one b=100");
    }
}

static void test_client_reads_replies_in_chunks_of_any_size(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    for (size_t chunk = 1; chunk < 10; chunk++) {
        script_set_rules(f->peer, &(struct script_rules){.read_chunk = chunk});
        ask(f, "a", "1");
        client_fixture_turns(f);
        peer_reply(f, "a reply");
        assert_log(f, "a=a reply");
    }
}

static void test_client_sends_through_short_writes(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.write_chunk = 7, .write_eagain = 3});
    struct test_call *a = test_call(f, "a"), *b = test_call(f, "b");
    assert_int_equal(test_call_send_size(a, 40000), 0);
    assert_int_equal(test_call_send(b, "small"), 0);
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "40000 small");
}

static void test_client_marks_a_call_sent_with_its_first_byte(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer,
                     &(struct script_rules){.window = 4 + 3}); /* the first frame, no more */
    struct test_call *a = ask(f, "a", "abc");
    struct test_call *b = ask(f, "b", "def");
    client_fixture_turns(f);
    assert_true(a->call.sent);
    assert_false(b->call.sent);
    assert_int_equal(weft_client_unsent(f->client), 4 + 3);
    script_set_rules(f->peer, &(struct script_rules){.window = 4 + 3 + 1});
    client_fixture_turns(f);
    assert_true(b->call.sent);
    assert_int_equal(weft_client_unsent(f->client), 4 + 3 - 1);
}

static void test_client_hands_a_streamed_answer_to_one_call(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a"), *b = test_call(f, "b");
    a->call.replies = 3;
    assert_int_equal(test_call_send(a, "1"), 0);
    assert_int_equal(test_call_send(b, "2"), 0);
    client_fixture_turns(f);
    peer_reply(f, "x");
    peer_reply(f, "y");
    assert_int_equal(weft_client_pending(f->client), 2);
    peer_reply(f, "z");
    peer_reply(f, "last");
    assert_log(f, "a+x a+y a=z b=last");
}

static struct test_call *follower;

static void call_follower(struct test_call *call)
{
    (void)call;
    assert_int_equal(test_call_send(follower, "followed"), 0);
}

static void test_client_sends_a_call_made_in_done(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a");
    follower = test_call(f, "b");
    a->then = call_follower;
    assert_int_equal(test_call_send(a, "1"), 0);
    client_fixture_turns(f);
    peer_reply(f, "one");
    assert_string_equal(peer_heard(f), "1 followed");
    peer_reply(f, "two");
    assert_log(f, "a=one b=two");
}

/* The payload of one reply is looked at while the next request is compressed. */
static void echo_back(struct test_call *call)
{
    assert_int_equal(test_call_send_size(follower, 5000), 0);
    assert_int_equal(call->size, 5000);
}

static struct weft_view seen;

static void compare_after_a_call(struct weft_call *weft_call, int status, struct weft_view payload,
                                 bool last)
{
    struct test_call *call = (struct test_call *)weft_call;
    assert_int_equal(status, 0);
    assert_true(last);
    call->size = payload.size;
    echo_back(call);
    assert_true(weft_view_equal(payload, seen));
}

static void test_client_keeps_a_reply_while_done_makes_a_call(void **state)
{
    struct client_fixture *f = *state;
    uint8_t frame[8192], bytes[5000];
    memset(bytes, 'y', sizeof bytes);
    seen = weft_view(bytes, sizeof bytes);
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a");
    follower = test_call(f, "b");
    a->call.done = compare_after_a_call;
    assert_int_equal(test_call_send(a, "1"), 0);
    client_fixture_turns(f);
    script_send(f->peer, frame, peer_frame(f, seen, frame));
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "1 5000");
}

static void free_call(struct test_call *call)
{
    free(call);
}

static void test_client_does_not_look_at_a_call_after_its_end(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = malloc(sizeof *a), *b = test_call(f, "b");
    assert_non_null(a);
    *a = *test_call(f, "a");
    a->then = free_call;
    assert_int_equal(test_call_send(a, "1"), 0);
    assert_int_equal(test_call_send(b, "2"), 0);
    client_fixture_turns(f);
    peer_reply(f, "one");
    peer_reply(f, "two");
    assert_log(f, "a=one b=two");
}

/* In rounds, so that the ring of calls grows while it begins in the middle. */
static void test_client_keeps_the_order_of_many_calls(void **state)
{
    struct client_fixture *f = *state;
    enum { ROUNDS = 5, CALLS = 50 };
    struct test_call *calls[CALLS];
    client_fixture_connect(f);
    for (int round = 0; round < ROUNDS; round++) {
        ask(f, "early", "early");
        client_fixture_turns(f);
        for (int i = 0; i < round * CALLS / ROUNDS; i++) {
            calls[i] = test_call(f, "");
            assert_int_equal(test_call_send(calls[i], "r"), 0);
        }
        client_fixture_turns(f);
        peer_reply(f, "early");
        assert_log(f, "early=early");
        for (int i = 0; i < round * CALLS / ROUNDS; i++) {
            char text[16], expected[32];
            snprintf(text, sizeof text, "%d", i);
            snprintf(expected, sizeof expected, "=%d", i);
            assert_false(calls[i]->ended);
            peer_reply(f, text);
            assert_true(calls[i]->ended);
            assert_log(f, expected);
        }
    }
}

/* The peer answers a request of n bytes with n bytes; sizes and chunks are drawn. */
static void test_client_keeps_its_promises_on_a_rough_connection(void **state)
{
    struct client_fixture *f = *state;
    enum { CALLS = 300, LARGEST = 3000 };
    static uint8_t frame[LARGEST + 64], payload[LARGEST];
    struct test_call *calls[CALLS];
    size_t sizes[CALLS], asked = 0, answered = 0, ended = 0;
    struct test_random random = {.state = 7};
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.random_chunks = true,
                                                     .read_chunk = 2000,
                                                     .write_chunk = 2000,
                                                     .read_eagain = 5,
                                                     .write_eagain = 3,
                                                     .window = 4000});
    while (answered < CALLS) {
        for (size_t n = test_random_below(&random, 8); n > 0 && asked < CALLS; n--) {
            sizes[asked] = 1 + test_random_below(&random, LARGEST - 1);
            calls[asked] = test_call(f, "");
            assert_int_equal(test_call_send_size(calls[asked], sizes[asked]), 0);
            asked++;
        }
        virtual_loop_turn(f->loop);
        for (size_t n = test_random_below(&random, 8);
             n > 0 && answered < asked && calls[answered]->call.sent; n--) {
            peer_heard(f);
            struct weft_view reply = weft_view(payload, sizes[answered++]);
            script_send(f->peer, frame, peer_frame(f, reply, frame));
        }
        for (; ended < answered && calls[ended]->ended; ended++)
            assert_int_equal(calls[ended]->size, sizes[ended]);
    }
    client_fixture_turns(f);
    for (; ended < CALLS; ended++)
        assert_int_equal(calls[ended]->size, sizes[ended]);
    assert_int_equal(weft_client_pending(f->client), 0);
    assert_null(strchr(f->log, '!'));
}

static void test_client_reads_a_reply_of_many_reads(void **state)
{
    struct client_fixture *f = *state;
    enum { SIZE = 3 << 20 };
    uint8_t *payload = calloc(1, SIZE), *frame = malloc(SIZE + 64);
    assert_true(payload && frame);
    size_t size;
    client_fixture_connect(f);
    for (int i = 0; i < 2; i++) {
        ask(f, "a", "1");
        client_fixture_turns(f);
        size = peer_frame(f, weft_view(payload, SIZE), frame);
        script_send(f->peer, frame, size);
        client_fixture_turns(f);
        assert_log(f, "a=3145728");
    }
    free(payload);
    free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_client_says_once_that_it_is_connected),
        TEST_RAW(test_client_freezes_the_registry),
        TEST_BOTH(test_client_hands_a_reply_to_its_call),
        TEST_RAW(test_client_keeps_no_secret_that_was_sent),
        TEST_RAW(test_client_keeps_no_secret_that_was_never_sent),
        TEST_BOTH(test_client_counts_the_bytes_on_the_wire),
        TEST_BOTH(test_client_hands_over_an_empty_reply),
        TEST_BOTH(test_client_sends_what_was_called_before_it_connected),
        TEST_RAW(test_client_sends_the_calls_of_a_turn_in_one_write),
        TEST_BOTH(test_client_hands_pipelined_replies_to_their_calls_in_order),
        TEST_BOTH(test_client_reads_replies_at_every_split),
        TEST_BOTH(test_client_reads_replies_in_chunks_of_any_size),
        TEST_BOTH(test_client_sends_through_short_writes),
        TEST_RAW(test_client_marks_a_call_sent_with_its_first_byte),
        TEST_RAW(test_client_hands_a_streamed_answer_to_one_call),
        TEST_RAW(test_client_sends_a_call_made_in_done),
        TEST_BOTH(test_client_keeps_a_reply_while_done_makes_a_call),
        TEST_RAW(test_client_does_not_look_at_a_call_after_its_end),
        TEST_RAW(test_client_keeps_the_order_of_many_calls),
        TEST_BOTH(test_client_keeps_its_promises_on_a_rough_connection),
        TEST_BOTH(test_client_reads_a_reply_of_many_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
