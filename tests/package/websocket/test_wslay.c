/* SPDX-License-Identifier: MIT
 *
 * The WebSocket of kvs against wslay, whose frames were written by others. It has no handshake, so that is written
 * here by hand. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire.h"

enum { LARGE = 1 << 20 };

struct peer {
    struct kvs kvs;
    int fd;
    wslay_event_context_ptr wslay;
    uint8_t *got; /* the payloads of binary messages, one behind the other */
    size_t size;
    size_t pongs;
    const uint8_t *fragment; /* what is left of the message in fragments */
    size_t fragment_left;
};

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *data, size_t size, int flags,
                       void *user)
{
    ssize_t n = recv(((struct peer *)user)->fd, data, size, MSG_DONTWAIT);
    (void)flags;
    if (n > 0)
        return n;
    wslay_event_set_error(wslay, n < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK
                                                          : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t size, int flags,
                       void *user)
{
    ssize_t n = send(((struct peer *)user)->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)flags;
    if (n >= 0)
        return n;
    wslay_event_set_error(wslay,
                          errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_mask(wslay_event_context_ptr wslay, uint8_t *data, size_t size, void *user)
{
    (void)wslay, (void)user;
    return getrandom(data, size, 0) == (ssize_t)size ? 0 : -1;
}

static void on_message(wslay_event_context_ptr wslay,
                       const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    struct peer *peer = user;
    (void)wslay;
    peer->pongs += message->opcode == WSLAY_PONG;
    if (message->opcode != WSLAY_BINARY_FRAME)
        return;
    peer->got = realloc(peer->got, peer->size + message->msg_length + 1);
    assert_non_null(peer->got);
    memcpy(peer->got + peer->size, message->msg, message->msg_length);
    peer->size += message->msg_length;
}

/* Lets both ends send and receive, until `done` or the connection is closed. */
static void run_until(struct peer *peer, size_t size, size_t pongs)
{
    while (peer->size < size || peer->pongs < pongs) {
        struct pollfd poller = {.fd = peer->fd, .events = POLLIN};
        if (wslay_event_want_write(peer->wslay))
            poller.events |= POLLOUT;
        assert_true(poll(&poller, 1, WIRE_DEADLINE_MS) > 0);
        assert_int_equal(wslay_event_recv(peer->wslay), 0);
        assert_int_equal(wslay_event_send(peer->wslay), 0);
    }
}

static void open_peer(struct peer *peer)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
                                                           .send_callback = on_send,
                                                           .genmask_callback = on_mask,
                                                           .on_msg_recv_callback = on_message};
    static const char ask[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char url[140], head[512] = "";
    *peer = (struct peer){.fd = -1};
    kvs_start(&peer->kvs, WORDS("--listen", "ws://127.0.0.1:0/?codec=raw&service=echo"));
    snprintf(url, sizeof url, "tcp%s", strchr(peer->kvs.urls[0], ':'));
    url[strcspn(url + strlen("tcp://"), "/?") + strlen("tcp://")] = '\0';
    peer->fd = wire_connect(url);
    assert_true(peer->fd >= 0);
    assert_int_equal(wire_send(peer->fd, ask, sizeof ask - 1), 0);
    for (size_t n = 0; !strstr(head, "\r\n\r\n"); n++) {
        struct pollfd poller = {.fd = peer->fd, .events = POLLIN};
        assert_true(n < sizeof head - 1);
        assert_true(poll(&poller, 1, WIRE_DEADLINE_MS) > 0);
        assert_int_equal(recv(peer->fd, head + n, 1, 0), 1);
    }
    assert_non_null(strstr(head, "HTTP/1.1 101 "));
    assert_non_null(strstr(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_int_equal(wslay_event_context_client_init(&peer->wslay, &callbacks, peer), 0);
}

static void close_peer(struct peer *peer)
{
    wslay_event_context_free(peer->wslay);
    close(peer->fd);
    free(peer->got);
    kvs_end(&peer->kvs);
}

static void queue(struct peer *peer, uint8_t opcode, const void *data, size_t size)
{
    const struct wslay_event_msg message = {opcode, data, size};
    assert_int_equal(wslay_event_queue_msg(peer->wslay, &message), 0);
}

/* A frame of raw with a payload of this size. */
static uint8_t *make_frame(size_t payload)
{
    uint8_t *frame = malloc(4 + payload);
    assert_non_null(frame);
    for (int i = 0; i < 4; i++)
        frame[i] = (uint8_t)(payload >> 8 * (3 - i));
    for (size_t i = 0; i < payload; i++)
        frame[4 + i] = (uint8_t)(i * 7 >> 3);
    return frame;
}

static void test_messages_of_every_length_come_back(void **state)
{
    static const size_t sizes[] = {1, 121, 122, 123, 65531, 65532, LARGE};
    struct peer peer;
    size_t want = 0;
    (void)state;
    open_peer(&peer);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *frame = make_frame(sizes[i]);
        queue(&peer, WSLAY_BINARY_FRAME, frame, 4 + sizes[i]);
        run_until(&peer, want + 4 + sizes[i], 0);
        assert_memory_equal(peer.got + want, frame, 4 + sizes[i]);
        want += 4 + sizes[i];
        free(frame);
    }
    assert_int_equal(peer.size, want);
    close_peer(&peer);
}

static ssize_t read_fragment(wslay_event_context_ptr wslay, uint8_t *data, size_t size,
                             const union wslay_event_msg_source *source, int *eof, void *user)
{
    struct peer *peer = user;
    size_t n = peer->fragment_left < 1000 ? peer->fragment_left : 1000;
    (void)wslay, (void)source;
    n = n < size ? n : size;
    memcpy(data, peer->fragment, n);
    peer->fragment += n;
    peer->fragment_left -= n;
    *eof = peer->fragment_left == 0;
    return (ssize_t)n;
}

static void test_fragments_and_pings_between_them_come_back(void **state)
{
    const struct wslay_event_fragmented_msg message = {.opcode = WSLAY_BINARY_FRAME,
                                                       .read_callback = read_fragment};
    struct peer peer;
    (void)state;
    open_peer(&peer);
    uint8_t *frame = make_frame(50000);
    peer.fragment = frame;
    peer.fragment_left = 50004;
    assert_int_equal(wslay_event_queue_fragmented_msg(peer.wslay, &message), 0);
    queue(&peer, WSLAY_PING, "are you there", 13);
    run_until(&peer, 50004, 1);
    assert_memory_equal(peer.got, frame, 50004);
    free(frame);
    close_peer(&peer);
}

static void test_close_is_answered_with_its_code(void **state)
{
    struct peer peer;
    (void)state;
    open_peer(&peer);
    assert_int_equal(wslay_event_queue_close(peer.wslay, 4001, (const uint8_t *)"mine", 4), 0);
    while (!wslay_event_get_close_received(peer.wslay)) {
        struct pollfd poller = {.fd = peer.fd, .events = POLLIN};
        assert_int_equal(wslay_event_send(peer.wslay), 0);
        assert_true(poll(&poller, 1, WIRE_DEADLINE_MS) > 0);
        assert_int_equal(wslay_event_recv(peer.wslay), 0);
    }
    assert_int_equal(wslay_event_get_status_code_received(peer.wslay), 4001);
    close_peer(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_every_length_come_back),
        cmocka_unit_test(test_fragments_and_pings_between_them_come_back),
        cmocka_unit_test(test_close_is_answered_with_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
