/* SPDX-License-Identifier: MIT
 *
 * kvc bench against a server that lies, falls silent or goes away: this program, a reply at a time.
 * One client with one key asks whether the server is there, on a connection of its own, sets the
 * key, and then reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/listener.h"
#include "lib/wire.h"

/* Responses: 200 with false, with an empty value, with the string "abc", and a 500. */
static const char no[] = "08c8011a022800";
static const char yes[] = "08c8011a022801";
static const char nothing[] = "08c8011a00";
static const char other[] = "08c8011a050a03616263";
static const char failure[] = "08f4031203776879";

struct peer {
    struct listener listener;
    struct process kvc;
    int fd; /* -1: none */
};

static int begin(void **state)
{
    static struct peer peer;
    peer = (struct peer){.fd = -1};
    listener_open(&peer.listener);
    *state = &peer;
    return 0;
}

static int end(void **state)
{
    struct peer *peer = *state;
    process_kill(&peer->kvc);
    if (peer->fd >= 0)
        close(peer->fd);
    close(peer->listener.fd);
    return 0;
}

/* Takes a request and answers it. */
static void answer(const struct peer *peer, const char *hex)
{
    struct wire_bytes request, reply = wire_from_hex(hex);
    assert_non_null(reply.data);
    assert_int_equal(wire_receive(peer->fd, true, &request), 1);
    assert_int_equal(wire_send_frame(peer->fd, reply.data, reply.size), 0);
    wire_free(&request);
    wire_free(&reply);
}

static void hang_up(struct peer *peer)
{
    close(peer->fd);
    peer->fd = -1;
}

/* Starts kvc and answers its first request. */
static void start(struct peer *peer, const char *timeout, const char *format)
{
    process_start(&peer->kvc, WORDS(KVC_PATH, "--server", peer->listener.url, "--timeout", timeout,
                                    format, "bench", "--keep", "--clients=1", "--keys=1",
                                    "--requests=3", "--mix=hget=1", "--warmup=0"));
    peer->fd = listener_accept(&peer->listener);
    answer(peer, no);
    hang_up(peer);
}

/* Starts the bench and takes the connection of the client. */
static void start_client(struct peer *peer, const char *timeout)
{
    start(peer, timeout, "--codec=length-delimited-gzip");
    peer->fd = listener_accept(&peer->listener);
}

static void expect(struct peer *peer, int code, const char *out, const char *err)
{
    int got = process_wait(&peer->kvc);
    if (got != code || !strstr(peer->kvc.out.text, out) || !strstr(peer->kvc.err.text, err))
        fail_msg("code %d, out '%s', err '%s'", got, peer->kvc.out.text, peer->kvc.err.text);
}

static void test_wrong_values_are_counted_shown_first_and_exit_5(void **state)
{
    struct peer *peer = *state;
    start_client(peer, "100");
    answer(peer, nothing);
    for (int i = 0; i < 3; i++)
        answer(peer, other);
    expect(peer, 5,
           "FAILED: 3 wrong, 0 missing, 0 refused\n"
           "  the first: hget key:0000000000: another value than was stored\n",
           "");
    assert_int_equal(strncmp(peer->kvc.out.text, "FAILED", 6), 0);
}

static void test_what_is_no_response_is_wrong(void **state)
{
    struct peer *peer = *state;
    start_client(peer, "100");
    answer(peer, nothing);
    answer(peer, "ff");
    answer(peer, no);
    answer(peer, nothing);
    expect(peer, 5, "FAILED: 3 wrong, 0 missing, 0 refused\n", "");
}

/* A compressed frame that is none; the connection lives. */
static void test_malformed_frame_is_wrong(void **state)
{
    struct peer *peer = *state;
    static const uint8_t frame[] = {0x80, 0, 0, 1, 0};
    struct wire_bytes request;
    start_client(peer, "100");
    answer(peer, nothing);
    assert_int_equal(wire_receive(peer->fd, true, &request), 1);
    wire_free(&request);
    assert_int_equal(wire_send(peer->fd, frame, sizeof frame), 0);
    answer(peer, other);
    answer(peer, other);
    expect(peer, 5,
           "FAILED: 3 wrong, 0 missing, 0 refused\n  the first: hget key:0000000000: "
           "the reply is malformed",
           "");
}

static void test_errors_are_counted_by_status_and_exit_1(void **state)
{
    struct peer *peer = *state;
    start_client(peer, "100");
    answer(peer, nothing);
    for (int i = 0; i < 3; i++)
        answer(peer, failure);
    expect(peer, 1,
           "FAILED: 0 wrong, 0 missing, 3 refused (500: 3)\n"
           "  the first: hget key:0000000000: 500 why\n",
           "");
    assert_string_equal(peer->kvc.err.text, "");
}

static void test_keys_that_are_not_answered_rightly_end_it(void **state)
{
    struct peer *peer = *state;
    start_client(peer, "100");
    answer(peer, "ff");
    expect(peer, 5, "FAILED: 1 wrong, 0 missing, 0 refused\n  the first: hset key:0000000000: ",
           "kvc: the keys could not be set\n");
}

static void test_connection_that_ends_is_a_missing_reply_and_exits_5(void **state)
{
    struct peer *peer = *state;
    struct wire_bytes request;
    start_client(peer, "100");
    answer(peer, nothing);
    assert_int_equal(wire_receive(peer->fd, true, &request), 1);
    wire_free(&request);
    hang_up(peer);
    expect(peer, 5, "FAILED: 0 wrong, 1 missing, 0 refused\n", "closed the connection\n");
    assert_one_line(peer->kvc.err.text, peer->listener.url);
}

static void test_connection_that_ends_while_filling_measures_nothing(void **state)
{
    struct peer *peer = *state;
    start_client(peer, "100");
    hang_up(peer);
    expect(peer, 5, "nothing was measured\n", "");
}

static void test_silence_is_a_missing_reply_and_exits_4(void **state)
{
    struct peer *peer = *state;
    start_client(peer, "0.2");
    expect(peer, 4, "FAILED: 0 wrong, 1 missing, 0 refused\n", "within 0.2 s");
}

static void test_server_that_refuses_the_first_request_is_not_loaded(void **state)
{
    struct peer *peer = *state;
    process_start(&peer->kvc, WORDS(KVC_PATH, "--server", peer->listener.url, "bench"));
    peer->fd = listener_accept(&peer->listener);
    answer(peer, failure);
    expect(peer, 1, "", "kvc: 500 why");
    assert_string_equal(peer->kvc.out.text, "");
}

static void test_server_that_is_gone_after_the_first_request_exits_3(void **state)
{
    struct peer *peer = *state;
    process_start(&peer->kvc, WORDS(KVC_PATH, "--server", peer->listener.url, "bench"));
    peer->fd = listener_accept(&peer->listener);
    close(peer->listener.fd);
    answer(peer, no);
    expect(peer, 3, "nothing was measured\n", "Connection refused");
    listener_open(&peer->listener);
}

static void test_keys_that_cannot_be_removed_are_named(void **state)
{
    struct peer *peer = *state;
    process_start(&peer->kvc,
                  WORDS(KVC_PATH, "--server", peer->listener.url, "--timeout", "100", "bench",
                        "--clients=1", "--keys=1", "--requests=1", "--mix=hexist=1", "--warmup=0"));
    peer->fd = listener_accept(&peer->listener);
    answer(peer, no);
    hang_up(peer);
    int client = peer->fd = listener_accept(&peer->listener);
    answer(peer, nothing);
    answer(peer, yes);
    peer->fd = listener_accept(&peer->listener);
    answer(peer, failure);
    expect(peer, 1, "1 requests in ", "kvc: keys of table kvc-bench are left: 500 why\n");
    close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_values_are_counted_shown_first_and_exit_5),
        TEST(test_what_is_no_response_is_wrong),
        TEST(test_malformed_frame_is_wrong),
        TEST(test_errors_are_counted_by_status_and_exit_1),
        TEST(test_keys_that_are_not_answered_rightly_end_it),
        TEST(test_connection_that_ends_is_a_missing_reply_and_exits_5),
        TEST(test_connection_that_ends_while_filling_measures_nothing),
        TEST(test_silence_is_a_missing_reply_and_exits_4),
        TEST(test_server_that_refuses_the_first_request_is_not_loaded),
        TEST(test_keys_that_cannot_be_removed_are_named),
        TEST(test_server_that_is_gone_after_the_first_request_exits_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
