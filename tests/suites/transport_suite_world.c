/* SPDX-License-Identifier: MIT */
#include "transport_suite_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"

enum { FD_LIMIT = 256 };

/* A test that is not done after so many turns is given up. */
enum { TURNS_MAX = 5000000 };

/* Given by the program's main, which runs one suite. */
static const struct weft_transport *transport_under_test;
static const char *url_under_test;

/* Streams and listeners are the transport's structs: their owner is found by a table of two. */
static struct suite *current;

void suite_choose(const struct weft_transport *transport, const char *url)
{
    transport_under_test = transport;
    url_under_test = url;
}

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

void suite_run(struct suite *suite, bool (*step)(struct suite *suite))
{
    suite->step = step;
    suite->every_turn.run = on_turn;
    weft_loop_defer(suite->loop, &suite->every_turn);
    weft_loop_run(suite->loop);
}

void *suite_zeroed(size_t size)
{
    void *p = calloc(1, size);

    assert_non_null(p);
    return p;
}

static void side_init(struct suite *suite, struct side *side)
{
    side->suite = suite;
    side->stream = suite_zeroed(suite->transport->stream_size);
    side->stream->on_ready = on_ready;
}

void side_close(struct side *side)
{
    if (!side->open)
        return;
    side->open = false;
    side->stream->ops->close(side->stream);
}

void side_reset(struct side *side)
{
    side->open = false;
    weft_stream_reset(side->stream);
}

void suite_unlisten(struct suite *suite)
{
    if (suite->listening)
        suite->transport->unlisten(suite->listener);
    suite->listening = false;
}

int suite_setup(void **state)
{
    struct suite *suite = suite_zeroed(sizeof(*suite));
    struct weft_error error = {0};

    *state = current = suite;
    suite->transport = transport_under_test;
    assert_int_equal(weft_loop_new(&suite->loop, FD_LIMIT), 0);
    side_init(suite, &suite->client);
    side_init(suite, &suite->server);
    suite->listener = suite_zeroed(suite->transport->listener_size);
    suite->listener->on_ready = on_listener_ready;
    assert_int_equal(weft_url_parse(&suite->url, url_under_test, &error), 0);
    assert_int_equal(suite->transport->listen(suite->listener, suite->loop, &suite->url, &error),
                     0);
    suite->listening = true;
    assert_int_equal(weft_url_parse(&suite->name, suite->listener->name, &error), 0);
    return 0;
}

int suite_teardown(void **state)
{
    struct suite *suite = *state;

    side_close(&suite->client);
    side_close(&suite->server);
    suite_unlisten(suite);
    weft_loop_free(suite->loop);
    free(suite->client.stream);
    free(suite->server.stream);
    free(suite->listener);
    free(suite);
    return 0;
}

void side_want(struct side *side, unsigned interest)
{
    int calls = side->calls;

    side->stream->ops->want(side->stream, interest);
    assert_int_equal(side->calls, calls);
}

void suite_connect(struct suite *suite)
{
    struct weft_error error = {0};

    assert_int_equal(
        suite->transport->connect(suite->client.stream, suite->loop, &suite->name, &error), 0);
    suite->client.open = true;
}

bool suite_accept(struct suite *suite)
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

bool suite_connected(struct suite *suite)
{
    if (suite->stage == 0) {
        suite_connect(suite);
        suite->stage = 1;
    }
    if (suite->stage == 1 && suite_accept(suite)) {
        side_want(&suite->client, WEFT_WRITABLE);
        suite->stage = 2;
    }
    if (suite->stage == 2 && suite->client.calls > 0) {
        side_want(&suite->client, 0);
        suite->client.calls = 0;
        suite->stage = CONNECTED;
    }
    return suite->stage >= CONNECTED;
}

bool side_say(struct side *side, const char *text)
{
    /* writev does not write to what the vector points at. */
    struct iovec vec = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    ssize_t n = side->stream->ops->writev(side->stream, &vec, 1);

    if (n == -EAGAIN)
        return false;
    assert_int_equal(n, strlen(text));
    return true;
}

ssize_t side_hear(struct side *side)
{
    ssize_t n = side->stream->ops->read(side->stream, side->buf + side->received,
                                        sizeof(side->buf) - side->received);

    if (n > 0)
        side->received += (size_t)n;
    return n;
}

bool side_heard(struct side *side, const char *text)
{
    ssize_t n = side_hear(side);

    assert_true(n > 0 || n == -EAGAIN);
    if (side->received < strlen(text))
        return false;
    assert_int_equal(side->received, strlen(text));
    assert_memory_equal(side->buf, text, strlen(text));
    side->received = 0;
    return true;
}

bool side_heard_end(struct side *side)
{
    ssize_t n = side_hear(side);

    if (n == -EAGAIN)
        return false;
    assert_true(n == 0 || n == WEFT_EOVER || n == WEFT_ETRUNCATED);
    return true;
}

bool suite_exchange(struct suite *suite)
{
    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(&suite->client, "ping"))
        suite->stage++;
    if (suite->stage == CONNECTED + 1 && side_heard(&suite->server, "ping"))
        suite->stage++;
    if (suite->stage == CONNECTED + 2 && side_say(&suite->server, "pong"))
        suite->stage++;
    return suite->stage == CONNECTED + 3 && side_heard(&suite->client, "pong");
}
