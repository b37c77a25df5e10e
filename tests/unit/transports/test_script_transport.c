/* SPDX-License-Identifier: MIT
 *
 * The scripted transport's own tricks; that it is a transport is test_transport_script.c's. The
 * "core" here is a stream whose owner counts and does nothing else. */
#include "lib/script_transport.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/virtual_loop.h"

struct fixture {
    struct weft_loop *loop;
    struct weft_listener *listener;
    struct weft_stream *stream; /* the core's */
    struct script_end *end;     /* the test's */
    bool attached;
    int calls, listener_calls;
    unsigned events;
};

static struct fixture *current;

static void on_ready(struct weft_stream *stream, unsigned events)
{
    (void)stream;
    current->calls++;
    current->events = events;
}

static void on_listener_ready(struct weft_listener *listener)
{
    (void)listener;
    current->listener_calls++;
}

static void parse(struct weft_url *url, const char *text)
{
    struct weft_error error;

    assert_int_equal(weft_url_parse(url, text, &error), 0);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct weft_error error;
    struct weft_url url;

    assert_non_null(fixture);
    *state = current = fixture;
    script_begin(1);
    assert_int_equal(weft_loop_new(&fixture->loop, 0), 0);
    fixture->listener = calloc(1, script_transport.listener_size);
    fixture->stream = calloc(1, script_transport.stream_size);
    assert_true(fixture->listener && fixture->stream);
    fixture->listener->on_ready = on_listener_ready;
    fixture->stream->on_ready = on_ready;
    parse(&url, "script:here");
    assert_int_equal(script_transport.listen(fixture->listener, fixture->loop, &url, &error), 0);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->attached)
        fixture->stream->ops->close(fixture->stream);
    if (fixture->end)
        script_close(fixture->end);
    script_transport.unlisten(fixture->listener);
    weft_loop_free(fixture->loop);
    free(fixture->listener);
    free(fixture->stream);
    free(fixture);
    assert_int_equal(script_finish(), 0);
    return 0;
}

static int attach(struct fixture *fixture)
{
    struct weft_accepted accepted;
    int err = script_transport.accept(fixture->listener, &accepted, 0);

    if (err < 0)
        return err;
    err = script_transport.attach(fixture->stream, fixture->loop, &accepted);
    fixture->attached = err == 0;
    return err;
}

static void dial(struct fixture *fixture, const struct script_rules *rules)
{
    fixture->end = script_dial("here");
    assert_non_null(fixture->end);
    assert_int_equal(attach(fixture), 0);
    script_set_rules(fixture->end, rules);
}

static ssize_t read_some(struct fixture *fixture, size_t size)
{
    static uint8_t buf[1 << 16];

    return fixture->stream->ops->read(fixture->stream, buf, size);
}

static ssize_t write_some(struct fixture *fixture, size_t size)
{
    static uint8_t zeros[1 << 16];
    struct iovec vec[2] = {{zeros, size / 2}, {zeros, size - size / 2}};

    return fixture->stream->ops->writev(fixture->stream, vec, 2);
}

static size_t received(const struct fixture *fixture)
{
    size_t size;

    script_received(fixture->end, &size);
    return size;
}

static void test_dial_finds_only_what_listens(void **state)
{
    (void)state;
    assert_null(script_dial("elsewhere"));
}

static void test_chunks_bound_each_call(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){.read_chunk = 3, .write_chunk = 5});
    script_send(fixture->end, "abcdefgh", 8);
    assert_int_equal(read_some(fixture, 100), 3);
    assert_int_equal(script_unread(fixture->end), 5);
    assert_int_equal(write_some(fixture, 100), 5);
    assert_int_equal(received(fixture), 5);
}

static void test_random_chunks_follow_from_the_seed(void **state)
{
    struct fixture *fixture = *state;
    ssize_t first[8];
    int i, differing = 0;

    dial(fixture, &(struct script_rules){.write_chunk = 1000, .random_chunks = true});
    for (i = 0; i < 8; i++) {
        first[i] = write_some(fixture, 1000);
        assert_in_range(first[i], 1, 1000);
        differing += first[i] != first[0];
    }
    assert_true(differing > 0);
    teardown(state);

    setup(state);
    fixture = *state;
    dial(fixture, &(struct script_rules){.write_chunk = 1000, .random_chunks = true});
    for (i = 0; i < 8; i++)
        assert_int_equal(write_some(fixture, 1000), first[i]);
}

static void test_every_nth_call_finds_nothing_ready(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){.read_eagain = 2, .write_eagain = 3});
    script_send(fixture->end, "abc", 3);
    assert_int_equal(read_some(fixture, 1), 1);
    assert_int_equal(read_some(fixture, 1), -EAGAIN);
    assert_int_equal(read_some(fixture, 1), 1);
    assert_int_equal(write_some(fixture, 1), 1);
    assert_int_equal(write_some(fixture, 1), 1);
    assert_int_equal(write_some(fixture, 1), -EAGAIN);
    assert_int_equal(write_some(fixture, 1), 1);
}

static void test_window_bounds_what_the_test_has_not_consumed(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){.window = 10});
    fixture->stream->ops->want(fixture->stream, WEFT_WRITABLE);
    assert_int_equal(write_some(fixture, 100), 10);
    assert_int_equal(write_some(fixture, 100), -EAGAIN);
    assert_true(virtual_loop_run_until_idle(fixture->loop));
    assert_int_equal(fixture->calls, 0);
    script_consume(fixture->end, 4);
    virtual_loop_turn(fixture->loop);
    assert_int_equal(fixture->calls, 1);
    assert_int_equal(fixture->events, WEFT_WRITABLE);
    assert_int_equal(write_some(fixture, 100), 4);
}

static void test_error_comes_after_so_many_bytes(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){.read_error = -ETIMEDOUT, .read_error_after = 5});
    script_send(fixture->end, "abcdefgh", 8);
    assert_int_equal(read_some(fixture, 3), 3);
    assert_int_equal(read_some(fixture, 100), 2);
    assert_int_equal(read_some(fixture, 100), -ETIMEDOUT);
    assert_int_equal(write_some(fixture, 1), -ETIMEDOUT);
    assert_true(script_is_reset(fixture->end));
}

static void test_write_error_comes_after_so_many_bytes(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){.write_error = -EPIPE, .write_error_after = 7});
    assert_int_equal(write_some(fixture, 100), 7);
    assert_int_equal(write_some(fixture, 100), -EPIPE);
    assert_int_equal(fixture->stream->ops->shutdown(fixture->stream), -EPIPE);
}

static void test_stalled_stream_is_not_ready_until_it_is_released(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){.stalled = true});
    script_send(fixture->end, "abc", 3);
    script_shutdown(fixture->end);
    fixture->stream->ops->want(fixture->stream, WEFT_READABLE | WEFT_WRITABLE);
    assert_true(virtual_loop_run_until_idle(fixture->loop));
    assert_int_equal(fixture->calls, 0);
    assert_int_equal(read_some(fixture, 3), -EAGAIN);
    assert_int_equal(write_some(fixture, 3), -EAGAIN);
    script_set_rules(fixture->end, &(struct script_rules){0});
    virtual_loop_turn(fixture->loop);
    assert_int_equal(fixture->events, WEFT_READABLE | WEFT_WRITABLE);
    assert_int_equal(read_some(fixture, 3), 3);
    assert_int_equal(read_some(fixture, 3), 0);
}

static void test_default_rules_are_those_of_new_connections(void **state)
{
    struct fixture *fixture = *state;

    script_set_default_rules(&(struct script_rules){.write_chunk = 2});
    fixture->end = script_dial("here");
    assert_int_equal(attach(fixture), 0);
    assert_int_equal(write_some(fixture, 100), 2);
}

static void test_close_with_unread_bytes_destroys_what_was_sent(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){0});
    script_send(fixture->end, "abc", 3);
    assert_int_equal(write_some(fixture, 10), 10);
    fixture->stream->ops->close(fixture->stream);
    fixture->attached = false;
    assert_true(script_is_gone(fixture->end));
    assert_true(script_is_reset(fixture->end));
    assert_false(script_at_eof(fixture->end));
    assert_int_equal(received(fixture), 0);
}

static void test_close_with_nothing_unread_lets_the_rest_arrive(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){0});
    assert_int_equal(write_some(fixture, 10), 10);
    fixture->stream->ops->close(fixture->stream);
    fixture->attached = false;
    assert_true(script_at_eof(fixture->end));
    assert_int_equal(received(fixture), 10);
}

static void test_write_to_a_closed_end_is_taken_and_then_reset(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){0});
    script_close(fixture->end);
    fixture->end = NULL;
    assert_int_equal(write_some(fixture, 10), 10);
    assert_int_equal(write_some(fixture, 10), -ECONNRESET);
    assert_int_equal(read_some(fixture, 10), -ECONNRESET);
}

static void test_reset_is_told_in_the_midst_of_bytes(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){0});
    script_send(fixture->end, "abc", 3);
    script_reset(fixture->end);
    fixture->end = NULL;
    assert_int_equal(read_some(fixture, 10), -ECONNRESET);
}

static void test_test_that_writes_to_a_closed_core_is_reset(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &(struct script_rules){0});
    fixture->stream->ops->close(fixture->stream);
    fixture->attached = false;
    script_send(fixture->end, "abc", 3);
    assert_true(script_is_reset(fixture->end));
    script_send(fixture->end, "abc", 3);
}

static void test_accept_fails_as_told_and_keeps_the_peer(void **state)
{
    struct fixture *fixture = *state;
    struct weft_accepted accepted;

    fixture->end = script_dial("here");
    script_fail_accepts("here", -EMFILE, 1);
    assert_int_equal(script_transport.accept(fixture->listener, &accepted, 0), -EMFILE);
    assert_int_equal(attach(fixture), 0);
    assert_false(script_is_reset(fixture->end));
}

static void test_shed_accept_costs_the_peer(void **state)
{
    struct fixture *fixture = *state;
    struct weft_accepted accepted;

    fixture->end = script_dial("here");
    script_fail_accepts("here", -EMFILE, 1);
    assert_int_equal(script_transport.accept(fixture->listener, &accepted, 1), -ECONNABORTED);
    assert_true(script_is_reset(fixture->end));
    assert_int_equal(script_transport.accept(fixture->listener, &accepted, 1), -EAGAIN);
}

static void test_attach_fails_as_told_and_drops_the_peer(void **state)
{
    struct fixture *fixture = *state;

    fixture->end = script_dial("here");
    script_fail_attaches(-ENOMEM, 1);
    assert_int_equal(attach(fixture), -ENOMEM);
    assert_true(script_is_gone(fixture->end));
}

static int connect_to(struct fixture *fixture, const char *text)
{
    struct weft_error error;
    struct weft_url url;
    int err;

    memset(fixture->stream, 0, script_transport.stream_size);
    fixture->stream->on_ready = on_ready;
    parse(&url, text);
    err = script_transport.connect(fixture->stream, fixture->loop, &url, &error);
    fixture->attached = err == 0;
    return err;
}

static void test_test_serves_what_the_core_connects_to(void **state)
{
    struct fixture *fixture = *state;

    assert_null(script_take("there"));
    script_serve("there");
    assert_null(script_take("there"));
    assert_int_equal(connect_to(fixture, "script:there"), 0);
    fixture->end = script_take("there");
    assert_non_null(fixture->end);
    assert_int_equal(write_some(fixture, 10), -EAGAIN);
    virtual_loop_turn(fixture->loop);
    assert_int_equal(write_some(fixture, 10), 10);
    assert_int_equal(received(fixture), 10);
}

static void test_name_that_the_test_serves_is_in_use(void **state)
{
    struct fixture *fixture = *state;
    struct weft_error error;
    struct weft_url url;

    script_serve("there");
    script_transport.unlisten(fixture->listener);
    parse(&url, "script:there");
    assert_int_equal(script_transport.listen(fixture->listener, fixture->loop, &url, &error),
                     -EADDRINUSE);
    parse(&url, "script://there:1");
    assert_int_equal(script_transport.listen(fixture->listener, fixture->loop, &url, &error),
                     WEFT_ECONFIG);
}

static void test_connect_is_refused_at_once_or_late_as_told(void **state)
{
    struct fixture *fixture = *state;

    script_serve("there");
    script_refuse_connects(1, false);
    assert_int_equal(connect_to(fixture, "script:there"), -ECONNREFUSED);
    script_refuse_connects(1, true);
    assert_int_equal(connect_to(fixture, "script:there"), 0);
    virtual_loop_turn(fixture->loop);
    assert_int_equal(write_some(fixture, 1), -ECONNREFUSED);
    assert_null(script_take("there"));
}

static void test_connections_that_nobody_took_end_with_the_world(void **state)
{
    struct fixture *fixture = *state;

    script_serve("there");
    assert_int_equal(connect_to(fixture, "script:there"), 0);
    fixture->stream->ops->close(fixture->stream);
    fixture->attached = false;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dial_finds_only_what_listens),
        TEST(test_chunks_bound_each_call),
        TEST(test_random_chunks_follow_from_the_seed),
        TEST(test_every_nth_call_finds_nothing_ready),
        TEST(test_window_bounds_what_the_test_has_not_consumed),
        TEST(test_error_comes_after_so_many_bytes),
        TEST(test_write_error_comes_after_so_many_bytes),
        TEST(test_stalled_stream_is_not_ready_until_it_is_released),
        TEST(test_default_rules_are_those_of_new_connections),
        TEST(test_close_with_unread_bytes_destroys_what_was_sent),
        TEST(test_close_with_nothing_unread_lets_the_rest_arrive),
        TEST(test_write_to_a_closed_end_is_taken_and_then_reset),
        TEST(test_reset_is_told_in_the_midst_of_bytes),
        TEST(test_test_that_writes_to_a_closed_core_is_reset),
        TEST(test_accept_fails_as_told_and_keeps_the_peer),
        TEST(test_shed_accept_costs_the_peer),
        TEST(test_attach_fails_as_told_and_drops_the_peer),
        TEST(test_test_serves_what_the_core_connects_to),
        TEST(test_name_that_the_test_serves_is_in_use),
        TEST(test_connect_is_refused_at_once_or_late_as_told),
        TEST(test_connections_that_nobody_took_end_with_the_world),
    };

    return cmocka_run_group_tests_name("script_transport", tests, NULL, NULL);
}
