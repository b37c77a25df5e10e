/* SPDX-License-Identifier: MIT */
#include "lib/transport_suite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/container.h"
#include "core/loop.h"

enum {
    FD_LIMIT = 256,
    HUGE_SIZE = 4 * 1024 * 1024,
    CHUNK = 64 * 1024,
};

/* A test that is not done after so many turns is given up. */
enum { TURNS_MAX = 5000000 };

struct side;

/* One end of the connection under test, in front of its stream in one block. */
struct side {
    struct suite *suite;
    void (*ready)(struct side *side, unsigned events); /* NULL: only counted */
    int calls;
    unsigned events; /* of the last call */
    bool open;
    size_t sent, received;
    uint8_t buf[256];
    struct weft_stream *stream;
};

struct suite {
    const struct weft_transport *transport;
    struct weft_url url, name;
    struct weft_loop *loop;
    struct weft_listener *listener;
    bool listening;
    int listener_calls;
    int turns;
    struct weft_deferred every_turn;
    bool (*step)(struct suite *suite); /* once a turn until it is true */
    int stage;
    struct side client, server;
};

/* Given by the program's main, which runs one suite. */
static const struct weft_transport *transport_under_test;
static const char *url_under_test;

/* Streams and listeners are the transport's structs: their owner is found by a table of two. */
static struct suite *current;

static void on_ready(struct weft_stream *stream, unsigned events)
{
    struct side *side = stream == current->client.stream ? &current->client : &current->server;

    assert_true(side->open);
    side->calls++;
    side->events = events;
    if (side->ready)
        side->ready(side, events);
}

static void on_listener_ready(struct weft_listener *listener)
{
    assert_ptr_equal(listener, current->listener);
    current->listener_calls++;
}

static void on_turn(struct weft_deferred *deferred)
{
    struct suite *suite = weft_container_of(deferred, struct suite, every_turn);

    if (++suite->turns > TURNS_MAX)
        fail_msg("stage %d was never left", suite->stage);
    if (suite->step(suite))
        weft_loop_stop(suite->loop);
    else
        weft_loop_defer(suite->loop, deferred);
}

static void run(struct suite *suite, bool (*step)(struct suite *suite))
{
    suite->step = step;
    suite->every_turn.run = on_turn;
    weft_loop_defer(suite->loop, &suite->every_turn);
    weft_loop_run(suite->loop);
}

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);

    assert_non_null(p);
    return p;
}

static void side_init(struct suite *suite, struct side *side)
{
    side->suite = suite;
    side->stream = zeroed(suite->transport->stream_size);
    side->stream->on_ready = on_ready;
}

static void side_close(struct side *side)
{
    if (!side->open)
        return;
    side->open = false;
    side->stream->ops->close(side->stream);
}

static void unlisten(struct suite *suite)
{
    if (suite->listening)
        suite->transport->unlisten(suite->listener);
    suite->listening = false;
}

static int setup(void **state)
{
    struct suite *suite = zeroed(sizeof(*suite));
    struct weft_error error = {0};

    *state = current = suite;
    suite->transport = transport_under_test;
    assert_int_equal(weft_loop_new(&suite->loop, FD_LIMIT), 0);
    side_init(suite, &suite->client);
    side_init(suite, &suite->server);
    suite->listener = zeroed(suite->transport->listener_size);
    suite->listener->on_ready = on_listener_ready;
    assert_int_equal(weft_url_parse(&suite->url, url_under_test, &error), 0);
    assert_int_equal(suite->transport->listen(suite->listener, suite->loop, &suite->url, &error),
                     0);
    suite->listening = true;
    assert_int_equal(weft_url_parse(&suite->name, suite->listener->name, &error), 0);
    return 0;
}

static int teardown(void **state)
{
    struct suite *suite = *state;

    side_close(&suite->client);
    side_close(&suite->server);
    unlisten(suite);
    weft_loop_free(suite->loop);
    free(suite->client.stream);
    free(suite->server.stream);
    free(suite->listener);
    free(suite);
    return 0;
}

static void want(struct side *side, unsigned interest)
{
    int calls = side->calls;

    side->stream->ops->want(side->stream, interest);
    assert_int_equal(side->calls, calls);
}

static void connect_client(struct suite *suite)
{
    struct weft_error error = {0};

    assert_int_equal(
        suite->transport->connect(suite->client.stream, suite->loop, &suite->name, &error), 0);
    suite->client.open = true;
}

/* True once the server has its end, which it asks for in each call. */
static bool accept_server(struct suite *suite)
{
    struct weft_accepted accepted = {0};
    int err = suite->transport->accept(suite->listener, &accepted, 0);

    if (err == -EAGAIN)
        return false;
    assert_int_equal(err, 0);
    assert_int_not_equal(accepted.peer[0], '\0');
    assert_int_equal(suite->transport->attach(suite->server.stream, suite->loop, &accepted), 0);
    suite->server.open = true;
    return true;
}

/* Stages below this one make the connection. */
enum { CONNECTED = 10 };

/* True from the turn on in which both ends are there. */
static bool connected(struct suite *suite)
{
    if (suite->stage == 0) {
        connect_client(suite);
        suite->stage = 1;
    }
    if (suite->stage == 1 && accept_server(suite)) {
        want(&suite->client, WEFT_WRITABLE);
        suite->stage = 2;
    }
    if (suite->stage == 2 && suite->client.calls > 0) {
        want(&suite->client, 0);
        suite->client.calls = 0;
        suite->stage = CONNECTED;
    }
    return suite->stage >= CONNECTED;
}

/* Text goes as a whole or not at all. */
static bool say(struct side *side, const char *text)
{
    /* writev does not write to what the vector points at. */
    struct iovec vec = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    ssize_t n = side->stream->ops->writev(side->stream, &vec, 1);

    if (n == -EAGAIN)
        return false;
    assert_int_equal(n, strlen(text));
    return true;
}

static ssize_t hear(struct side *side)
{
    ssize_t n = side->stream->ops->read(side->stream, side->buf + side->received,
                                        sizeof(side->buf) - side->received);

    if (n > 0)
        side->received += (size_t)n;
    return n;
}

static bool heard(struct side *side, const char *text)
{
    ssize_t n = hear(side);

    assert_true(n > 0 || n == -EAGAIN);
    if (side->received < strlen(text))
        return false;
    assert_int_equal(side->received, strlen(text));
    assert_memory_equal(side->buf, text, strlen(text));
    side->received = 0;
    return true;
}

static bool heard_end(struct side *side)
{
    ssize_t n = hear(side);

    if (n == -EAGAIN)
        return false;
    assert_int_equal(n, 0);
    return true;
}

static bool refused_step(struct suite *suite)
{
    struct weft_error error = {0};
    int err;

    if (suite->stage == 0) {
        unlisten(suite);
        suite->stage = 1;
        err = suite->transport->connect(suite->client.stream, suite->loop, &suite->name, &error);
        if (err < 0) {
            assert_int_equal(error.code, err);
            assert_non_null(strstr(error.text, suite->listener->name));
            assert_true(err == -ECONNREFUSED || err == -ENOENT);
            return true;
        }
        suite->client.open = true;
        want(&suite->client, WEFT_WRITABLE);
    }
    if (suite->client.calls == 0)
        return false;
    assert_int_equal(hear(&suite->client), -ECONNREFUSED);
    return true;
}

static void test_connect_to_nobody_is_refused(void **state)
{
    run(*state, refused_step);
}

static bool exchange_step(struct suite *suite)
{
    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(&suite->client, "ping"))
        suite->stage++;
    if (suite->stage == CONNECTED + 1 && heard(&suite->server, "ping"))
        suite->stage++;
    if (suite->stage == CONNECTED + 2 && say(&suite->server, "pong"))
        suite->stage++;
    return suite->stage == CONNECTED + 3 && heard(&suite->client, "pong");
}

static void test_bytes_pass_both_ways(void **state)
{
    run(*state, exchange_step);
}

static uint8_t pattern(size_t at, size_t salt)
{
    return (uint8_t)((at + salt) * 2654435761u >> 13);
}

static void send_more(struct side *side, size_t salt)
{
    static uint8_t chunk[CHUNK];
    size_t size = HUGE_SIZE - side->sent < CHUNK ? HUGE_SIZE - side->sent : CHUNK, i;
    struct iovec vec[3] = {{chunk, size / 3},
                           {chunk + size / 3, size / 3},
                           {chunk + size / 3 * 2, size - size / 3 * 2}};
    ssize_t n;

    for (i = 0; i < size; i++)
        chunk[i] = pattern(side->sent + i, salt);
    n = side->stream->ops->writev(side->stream, vec, 3);
    if (n == -EAGAIN)
        return;
    assert_true(n >= 0);
    side->sent += (size_t)n;
    if (side->sent == HUGE_SIZE)
        want(side, WEFT_READABLE);
}

static void receive_more(struct side *side, size_t salt)
{
    static uint8_t chunk[CHUNK / 2];
    ssize_t n = side->stream->ops->read(side->stream, chunk, sizeof(chunk)), i;

    if (n == -EAGAIN)
        return;
    assert_true(n > 0);
    for (i = 0; i < n; i++)
        assert_int_equal(chunk[i], pattern(side->received + (size_t)i, salt));
    side->received += (size_t)n;
}

static void on_huge_ready(struct side *side, unsigned events)
{
    size_t ours = side == &side->suite->client;

    if (events & WEFT_WRITABLE && side->sent < HUGE_SIZE)
        send_more(side, ours);
    if (events & WEFT_READABLE)
        receive_more(side, !ours);
}

static bool huge_step(struct suite *suite)
{
    struct side *client = &suite->client, *server = &suite->server;

    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED) {
        client->ready = server->ready = on_huge_ready;
        want(client, WEFT_READABLE | WEFT_WRITABLE);
        want(server, WEFT_READABLE | WEFT_WRITABLE);
        suite->stage++;
    }
    return client->received == HUGE_SIZE && server->received == HUGE_SIZE;
}

static void test_megabytes_pass_both_ways_at_once(void **state)
{
    run(*state, huge_step);
}

static bool half_close(struct suite *suite, struct side *first, struct side *second)
{
    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(first, "last words")) {
        assert_int_equal(first->stream->ops->shutdown(first->stream), 0);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && heard(second, "last words"))
        suite->stage++;
    if (suite->stage == CONNECTED + 2 && heard_end(second))
        suite->stage++;
    if (suite->stage == CONNECTED + 3 && say(second, "answer")) {
        assert_int_equal(second->stream->ops->shutdown(second->stream), 0);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 4 && heard(first, "answer"))
        suite->stage++;
    return suite->stage == CONNECTED + 5 && heard_end(first);
}

static bool client_half_close_step(struct suite *suite)
{
    return half_close(suite, &suite->client, &suite->server);
}

static bool server_half_close_step(struct suite *suite)
{
    return half_close(suite, &suite->server, &suite->client);
}

static void test_client_that_ended_its_side_gets_the_answer(void **state)
{
    run(*state, client_half_close_step);
}

static void test_server_that_ended_its_side_gets_the_answer(void **state)
{
    run(*state, server_half_close_step);
}

static bool write_after_shutdown_step(struct suite *suite)
{
    uint8_t byte = 0;
    struct iovec vec = {&byte, 1};

    if (!connected(suite))
        return false;
    assert_int_equal(suite->client.stream->ops->shutdown(suite->client.stream), 0);
    assert_int_equal(suite->client.stream->ops->writev(suite->client.stream, &vec, 1), -EPIPE);
    return true;
}

static void test_write_after_shutdown_breaks_without_a_signal(void **state)
{
    run(*state, write_after_shutdown_step);
}

static bool close_step(struct suite *suite)
{
    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(&suite->server, "bye")) {
        side_close(&suite->server);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && heard(&suite->client, "bye"))
        suite->stage++;
    return suite->stage == CONNECTED + 2 && heard_end(&suite->client);
}

static void test_bytes_sent_before_close_arrive_and_then_the_end(void **state)
{
    run(*state, close_step);
}

/* The server's bytes reach the client before it closes: it wants them, but does not read. */
static bool reset_step(struct suite *suite)
{
    ssize_t n;

    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(&suite->server, "unread")) {
        want(&suite->client, WEFT_READABLE);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && suite->client.calls > 0) {
        side_close(&suite->client);
        suite->stage++;
    }
    if (suite->stage < CONNECTED + 2)
        return false;
    n = hear(&suite->server);
    if (n == -EAGAIN)
        return false;
    assert_int_equal(n, -ECONNRESET);
    return true;
}

static void test_close_with_unread_bytes_resets_the_peer(void **state)
{
    run(*state, reset_step);
}

static void test_second_listen_at_one_address_is_refused(void **state)
{
    struct suite *suite = *state;
    struct weft_listener *second = zeroed(suite->transport->listener_size);
    struct weft_accepted accepted;
    struct weft_error error = {0};
    int err = suite->transport->listen(second, suite->loop, &suite->name, &error);

    assert_int_equal(err, -EADDRINUSE);
    assert_int_equal(error.code, -EADDRINUSE);
    assert_non_null(strstr(error.text, suite->listener->name));
    suite->transport->unlisten(second);
    free(second);
    /* It may have tried whether somebody listens. */
    while (suite->transport->accept(suite->listener, &accepted, 0) == 0)
        suite->transport->drop(&accepted);
    run(suite, exchange_step);
}

static void test_address_is_free_after_unlisten(void **state)
{
    struct suite *suite = *state;
    struct weft_error error = {0};

    unlisten(suite);
    assert_int_equal(suite->transport->listen(suite->listener, suite->loop, &suite->name, &error),
                     0);
    suite->listening = true;
    run(suite, exchange_step);
}

static void test_accept_says_when_nobody_waits(void **state)
{
    struct suite *suite = *state;
    struct weft_accepted accepted;

    assert_int_equal(suite->transport->accept(suite->listener, &accepted, 0), -EAGAIN);
    assert_int_equal(suite->transport->accept(suite->listener, &accepted, 1), -EAGAIN);
}

/* Called while a peer waits and it is enabled, and only then. */
static bool listener_step(struct suite *suite)
{
    if (suite->stage == 0) {
        connect_client(suite);
        suite->transport->enable(suite->listener, 1);
        suite->stage++;
    }
    if (suite->stage == 1 && suite->listener_calls < 2)
        return false;
    if (suite->stage++ == 1) {
        suite->transport->enable(suite->listener, 0);
        suite->listener_calls = 0;
    }
    if (suite->stage < 10)
        return false;
    assert_int_equal(suite->listener_calls, 0);
    assert_true(accept_server(suite));
    return true;
}

static void test_listener_is_ready_for_as_long_as_a_peer_waits(void **state)
{
    run(*state, listener_step);
}

static bool drop_step(struct suite *suite)
{
    struct weft_accepted accepted;
    ssize_t n;

    if (suite->stage == 0) {
        connect_client(suite);
        suite->stage++;
    }
    if (suite->stage == 1 && suite->transport->accept(suite->listener, &accepted, 0) == 0) {
        suite->transport->drop(&accepted);
        suite->stage++;
    }
    if (suite->stage < 2)
        return false;
    n = hear(&suite->client);
    if (n == -EAGAIN)
        return false;
    assert_true(n == 0 || n == -ECONNRESET);
    return true;
}

static void test_dropped_peer_sees_its_end(void **state)
{
    run(*state, drop_step);
}

/* The first turns let the connection come to the listener's queue. */
static bool unlisten_step(struct suite *suite)
{
    ssize_t n;

    if (suite->stage == 0)
        connect_client(suite);
    if (suite->stage == 5)
        unlisten(suite);
    if (suite->stage++ < 5)
        return false;
    n = hear(&suite->client);
    if (n == -EAGAIN)
        return false;
    assert_true(n == 0 || n == -ECONNRESET);
    return true;
}

static void test_peer_that_was_not_accepted_sees_the_listener_end(void **state)
{
    run(*state, unlisten_step);
}

static void close_itself(struct side *side, unsigned events)
{
    assert_int_equal(events, WEFT_READABLE);
    side_close(side);
}

static bool close_inside_step(struct suite *suite)
{
    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(&suite->client, "come")) {
        suite->server.ready = close_itself;
        want(&suite->server, WEFT_READABLE);
        suite->stage++;
    }
    /* on_ready asserts that no call follows the close. */
    if (suite->server.calls > 0)
        suite->stage++;
    return suite->stage == CONNECTED + 5;
}

static void test_stream_may_be_closed_from_within_on_ready(void **state)
{
    struct suite *suite = *state;

    run(suite, close_inside_step);
    assert_int_equal(suite->server.calls, 1);
}

static void want_nothing(struct side *side, unsigned events)
{
    (void)events;
    want(side, 0);
}

static bool want_inside_step(struct suite *suite)
{
    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(&suite->client, "come")) {
        suite->server.ready = want_nothing;
        want(&suite->server, WEFT_READABLE);
        suite->stage++;
    }
    if (suite->server.calls > 0)
        suite->stage++;
    if (suite->stage == CONNECTED + 6)
        want(&suite->server, WEFT_READABLE);
    return suite->stage == CONNECTED + 12;
}

static void test_interest_set_from_within_on_ready_holds(void **state)
{
    struct suite *suite = *state;

    run(suite, want_inside_step);
    assert_int_equal(suite->server.calls, 2);
}

static void read_one(struct side *side, unsigned events)
{
    assert_int_equal(events, WEFT_READABLE);
    assert_int_equal(side->stream->ops->read(side->stream, side->buf + side->received, 1), 1);
    side->received++;
}

static bool level_step(struct suite *suite)
{
    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(&suite->client, "abc")) {
        suite->server.ready = read_one;
        want(&suite->server, WEFT_READABLE);
        suite->stage++;
    }
    return suite->server.received == 3;
}

static void test_readiness_is_told_until_everything_is_read(void **state)
{
    struct suite *suite = *state;

    run(suite, level_step);
    assert_memory_equal(suite->server.buf, "abc", 3);
    assert_int_equal(suite->server.calls, 3);
}

static bool interest_step(struct suite *suite)
{
    if (!connected(suite))
        return false;
    if (suite->stage == CONNECTED && say(&suite->client, "come")) {
        want(&suite->server, WEFT_WRITABLE);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && suite->server.calls > 0) {
        assert_int_equal(suite->server.events, WEFT_WRITABLE);
        suite->server.calls = 0;
        want(&suite->server, WEFT_READABLE | WEFT_WRITABLE);
        suite->stage++;
    }
    return suite->stage == CONNECTED + 2 && suite->server.calls > 0 &&
           suite->server.events == (WEFT_READABLE | WEFT_WRITABLE);
}

static void test_only_what_was_wanted_is_told(void **state)
{
    run(*state, interest_step);
}

static void test_unlisten_after_a_failed_listen_is_fine(void **state)
{
    struct suite *suite = *state;
    struct weft_listener *zero = zeroed(suite->transport->listener_size);

    suite->transport->unlisten(zero);
    assert_true(suite->listening);
    free(zero);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int transport_suite_run(const char *name, const struct weft_transport *transport, const char *url)
{
    const struct CMUnitTest tests[] = {
        TEST(test_connect_to_nobody_is_refused),
        TEST(test_bytes_pass_both_ways),
        TEST(test_megabytes_pass_both_ways_at_once),
        TEST(test_client_that_ended_its_side_gets_the_answer),
        TEST(test_server_that_ended_its_side_gets_the_answer),
        TEST(test_write_after_shutdown_breaks_without_a_signal),
        TEST(test_bytes_sent_before_close_arrive_and_then_the_end),
        TEST(test_close_with_unread_bytes_resets_the_peer),
        TEST(test_second_listen_at_one_address_is_refused),
        TEST(test_address_is_free_after_unlisten),
        TEST(test_accept_says_when_nobody_waits),
        TEST(test_listener_is_ready_for_as_long_as_a_peer_waits),
        TEST(test_dropped_peer_sees_its_end),
        TEST(test_peer_that_was_not_accepted_sees_the_listener_end),
        TEST(test_stream_may_be_closed_from_within_on_ready),
        TEST(test_interest_set_from_within_on_ready_holds),
        TEST(test_readiness_is_told_until_everything_is_read),
        TEST(test_only_what_was_wanted_is_told),
        TEST(test_unlisten_after_a_failed_listen_is_fine),
    };

    transport_under_test = transport;
    url_under_test = url;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
