/* SPDX-License-Identifier: MIT */
#include "transport_suite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "transport_suite_world.h"

enum { HUGE_SIZE = 4 * 1024 * 1024, CHUNK = 64 * 1024 };

static bool refused_step(struct suite *suite)
{
    struct weft_error error = {0};
    int err;

    if (suite->stage == 0) {
        suite_unlisten(suite);
        suite->stage = 1;
        err = suite->transport->connect(suite->client.stream, suite->loop, &suite->name, &error);
        if (err < 0) {
            assert_int_equal(error.code, err);
            assert_non_null(strstr(error.text, suite->listener->name));
            assert_true(err == -ECONNREFUSED || err == -ENOENT);
            return true;
        }
        suite->client.open = true;
        side_want(&suite->client, WEFT_WRITABLE);
    }
    if (suite->client.calls == 0)
        return false;
    assert_int_equal(side_hear(&suite->client), -ECONNREFUSED);
    return true;
}

static void test_connect_to_nobody_is_refused(void **state)
{
    suite_run(*state, refused_step);
}

static void test_bytes_pass_both_ways(void **state)
{
    suite_run(*state, suite_exchange);
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
        side_want(side, WEFT_READABLE);
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

    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED) {
        client->ready = server->ready = on_huge_ready;
        side_want(client, WEFT_READABLE | WEFT_WRITABLE);
        side_want(server, WEFT_READABLE | WEFT_WRITABLE);
        suite->stage++;
    }
    return client->received == HUGE_SIZE && server->received == HUGE_SIZE;
}

static void test_megabytes_pass_both_ways_at_once(void **state)
{
    suite_run(*state, huge_step);
}

int transport_suite_run(const char *name, const struct weft_transport *transport, const char *url)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_connect_to_nobody_is_refused),
        SUITE_TEST(test_bytes_pass_both_ways),
        SUITE_TEST(test_megabytes_pass_both_ways_at_once),
    };
    int failed;

    suite_choose(transport, url);
    failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    failed += transport_suite__run_listeners(name);
    failed += transport_suite__run_readiness(name);
    failed += transport_suite__run_ends(name);
    return failed;
}
