/* SPDX-License-Identifier: MIT */
#include "tcp_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "core/loop.h"

const struct weft_transport *const tcp = &weft_transport_tcp;

/* The stream tells readiness by stopping the loop. */
static struct tcp_fixture *current;

static void on_ready(struct weft_stream *stream, unsigned events)
{
    (void)events;
    stream->ops->want(stream, 0);
    weft_loop_stop(current->loop);
}

static void on_listener_ready(struct weft_listener *listener)
{
    (void)listener;
}

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);

    assert_non_null(p);
    return p;
}

int tcp_setup(void **state)
{
    struct tcp_fixture *fixture = zeroed(sizeof(*fixture));

    syscall_fault_reset();
    *state = current = fixture;
    assert_int_equal(weft_loop_new(&fixture->loop, 64), 0);
    fixture->listener = zeroed(tcp->listener_size);
    fixture->listener->on_ready = on_listener_ready;
    fixture->client = zeroed(tcp->stream_size);
    fixture->server = zeroed(tcp->stream_size);
    fixture->client->on_ready = fixture->server->on_ready = on_ready;
    return 0;
}

int tcp_teardown(void **state)
{
    struct tcp_fixture *fixture = *state;

    syscall_fault_reset();
    if (fixture->connected)
        fixture->client->ops->close(fixture->client);
    if (fixture->accepted)
        fixture->server->ops->close(fixture->server);
    tcp->unlisten(fixture->listener);
    weft_loop_free(fixture->loop);
    free(fixture->listener);
    free(fixture->client);
    free(fixture->server);
    free(fixture);
    return 0;
}

int listen_on(struct tcp_fixture *fixture, const char *text)
{
    struct weft_url url;

    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    return tcp->listen(fixture->listener, fixture->loop, &url, &fixture->error);
}

int connect_to(struct tcp_fixture *fixture, const char *text)
{
    struct weft_url url;
    int err;

    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    err = tcp->connect(fixture->client, fixture->loop, &url, &fixture->error);
    fixture->connected = err == 0;
    return err;
}

int attach(struct tcp_fixture *fixture)
{
    struct weft_accepted accepted;
    int err;

    assert_int_equal(tcp->accept(fixture->listener, &accepted, 0), 0);
    err = tcp->attach(fixture->server, fixture->loop, &accepted);
    fixture->accepted = err == 0;
    return err;
}

void wait_for_client(struct tcp_fixture *fixture)
{
    fixture->client->ops->want(fixture->client, WEFT_READABLE | WEFT_WRITABLE);
    weft_loop_run(fixture->loop);
}

void listen_and_connect(struct tcp_fixture *fixture)
{
    assert_int_equal(listen_on(fixture, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(connect_to(fixture, fixture->listener->name), 0);
    wait_for_client(fixture);
}

ssize_t write_text(struct weft_stream *stream, const char *text)
{
    struct iovec vec = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};

    return stream->ops->writev(stream, &vec, 1);
}
