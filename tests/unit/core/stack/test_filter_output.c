/* SPDX-License-Identifier: MIT
 *
 * A connection over filters, with a peer that does not read. Bytes that a filter has sealed are output that
 * waits, so they have the deadline of a write, and a close waits for them. The filter here changes no byte. */
#include <errno.h>
#include <string.h>

#include "unit/core/conn/server_fixture.h"

static int plain_init(void *state, const void *config, enum weft_role role)
{
    (void)state, (void)config, (void)role;
    return 0;
}

static void plain_fini(void *state)
{
    (void)state;
}

static ssize_t plain_open(void *state, uint8_t *dst, size_t size, struct weft_filter_io *io)
{
    size_t n = io->in.size < size ? io->in.size : size;
    (void)state;
    io->open = true;
    if (n > 0)
        memcpy(dst, io->in.data, n);
    io->in = weft_view_skip(io->in, n);
    return n > 0 ? (ssize_t)n : io->eof && io->in.size == 0 && size > 0 ? 0 : -EAGAIN;
}

static int plain_seal(void *state, struct weft_view plain, struct weft_filter_io *io)
{
    (void)state;
    return weft_chain_append(io->down, plain);
}

#define PLAIN_FILTER(text)                                                                         \
    {                                                                                              \
        .name = (text), .state_size = 1, .init = plain_init, .fini = plain_fini,                   \
        .open = plain_open, .seal = plain_seal                                                     \
    }

static const struct weft_filter inner_filter = PLAIN_FILTER("inner");
static const struct weft_filter outer_filter = PLAIN_FILTER("outer");

static char url_one[] = "inner+script:server?codec=raw&service=probe";
static char url_two[] = "outer+inner+script:server?codec=raw&service=probe";

static int set_up(void **state)
{
    if (server_fixture_setup(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    if (weft_registry_add_filter(&f->registry, &inner_filter, NULL) < 0)
        return -1;
    return weft_registry_add_filter(&f->registry, &outer_filter, NULL);
}

/* A peer that has room for `window` bytes it has not read. */
static struct test_peer *serve(struct server_fixture *f, size_t window)
{
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = window});
    return peer;
}

static void test_peer_that_never_reads_is_closed_for_write_timeout(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f, 100);
    peer_say(peer, "size x 1000");
    advance(f, SECONDS(30) - 1);
    assert_false(script_is_gone(peer->end));
    advance(f, 1);
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

static void test_peer_that_stalls_is_closed_for_write_timeout(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    script_set_rules(peer->end, &(struct script_rules){.stalled = true});
    assert_int_equal(probe_end(&f->probe, "a", "late"), 0);
    advance(f, SECONDS(30));
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

static void test_sealed_output_is_not_idleness(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    struct test_peer *peer = serve(f, 100);
    peer_say(peer, "size x 1000");
    advance(f, SECONDS(29));
    assert_false(script_is_gone(peer->end));
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "x1000");
    advance(f, SECONDS(5));
    assert_int_equal(closed_for(f, WEFT_REASON_IDLE_TIMEOUT), 1);
}

static void test_output_that_has_left_has_no_deadline(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f, 100);
    peer_say(peer, "size x 1000");
    advance(f, SECONDS(29));
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "x1000");
    advance(f, SECONDS(1000));
    assert_false(script_is_gone(peer->end));
}

/* Reads so much each second. Returns the bytes that it got until nothing more came, or `most`. */
static size_t read_slowly(struct test_peer *peer, size_t per_second, size_t most)
{
    size_t got = 0, size = 1;

    while (got < most && size > 0) {
        advance(peer->fixture, SECONDS(1));
        (void)script_received(peer->end, &size);
        size = size < per_second ? size : per_second;
        script_consume(peer->end, size);
        got += size;
        turns(peer->fixture);
    }
    return got;
}

/* Bytes that leave the filter extend the deadline, not those that it takes: all of these fit into it at once. */
static void test_slow_peer_is_served_to_the_end(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.write_timeout = WEFT_SECONDS(2);
    struct test_peer *peer = serve(f, (size_t)17 * 1024);
    peer_say(peer, "size x 80000");
    assert_int_equal(read_slowly(peer, (size_t)17 * 1024, 80004), 80004);
    assert_false(script_is_gone(peer->end));
}

/* The filter reports the peer's end only once its bytes have left. Until then their progress counts all the same. */
static void test_slow_peer_that_has_ended_is_served_to_the_end(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.write_timeout = WEFT_SECONDS(2);
    struct test_peer *peer = serve(f, (size_t)17 * 1024);
    peer_queue(peer, "size x 80000");
    peer_shutdown(peer);
    assert_int_equal(read_slowly(peer, (size_t)17 * 1024, 80004), 80004);
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 0);
}

static void test_peer_that_reads_too_slowly_is_closed(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.write_timeout = WEFT_SECONDS(2);
    struct test_peer *peer = serve(f, (size_t)16 * 1024);
    peer_say(peer, "size x 500000");
    assert_in_range(read_slowly(peer, (size_t)4 * 1024, 500004), 1, 32 * 1024);
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

/* The end of the peer's direction is not the end of ours. */
static void test_close_waits_for_sealed_output(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f, 100);
    peer_queue(peer, "size x 1000");
    peer_shutdown(peer);
    advance(f, SECONDS(29));
    assert_false(script_is_gone(peer->end));
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "x1000 EOF");
}

static void test_close_waits_no_longer_than_write_timeout(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve(f, 100);
    peer_queue(peer, "size x 1000");
    peer_shutdown(peer);
    advance(f, SECONDS(30));
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed(f), 1);
}

#define TEST_OVER(test, url)                                                                       \
    {                                                                                              \
#test "/" #url, test, set_up, server_fixture_teardown, url_##url                           \
    }
#define TEST_BOTH_STACKS(test) TEST_OVER(test, one), TEST_OVER(test, two)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH_STACKS(test_peer_that_never_reads_is_closed_for_write_timeout),
        TEST_BOTH_STACKS(test_peer_that_stalls_is_closed_for_write_timeout),
        TEST_BOTH_STACKS(test_sealed_output_is_not_idleness),
        TEST_BOTH_STACKS(test_output_that_has_left_has_no_deadline),
        TEST_BOTH_STACKS(test_slow_peer_is_served_to_the_end),
        TEST_BOTH_STACKS(test_slow_peer_that_has_ended_is_served_to_the_end),
        TEST_BOTH_STACKS(test_peer_that_reads_too_slowly_is_closed),
        TEST_BOTH_STACKS(test_close_waits_for_sealed_output),
        TEST_BOTH_STACKS(test_close_waits_no_longer_than_write_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
