/* SPDX-License-Identifier: MIT */
#include "transports.h"

#include <unistd.h>

#include "core/base/compiler.h"
#include "tcp_private.h"

static int tcp_check(const struct weft_url *url, bool for_listen, struct weft_error *error)
{
    struct weft__tcp_settings unused;

    return weft__tcp_read_url(&unused, url, for_listen, error);
}

static int tcp_accept(struct weft_listener *listener, struct weft_accepted *accepted, bool shed)
{
    struct sockaddr_storage address;
    int handle = weft__socket_accept(
        weft_container_of(listener, struct weft__socket_listener, listener), &address, shed);

    if (handle < 0)
        return handle;
    accepted->handle = handle;
    weft__tcp_describe((struct sockaddr *)&address, accepted->peer, sizeof accepted->peer);
    return 0;
}

static int tcp_attach(struct weft_stream *stream, struct weft_loop *loop,
                      const struct weft_accepted *accepted)
{
    struct weft__tcp_stream *tcp =
        weft_container_of(stream, struct weft__tcp_stream, socket.stream);
    int fd = (int)accepted->handle, err = weft__tcp_set_no_delay(fd);

    if (err < 0) {
        close(fd);
        return err;
    }
    tcp->connecting = NULL;
    weft__socket_adopt(&tcp->socket, loop, fd);
    return 0;
}

const struct weft_transport weft_transport_tcp = {
    .name = "tcp",
    .options = weft__tcp_options,
    .listener_size = sizeof(struct weft__socket_listener),
    .stream_size = sizeof(struct weft__tcp_stream),
    .check = tcp_check,
    .listen = weft__tcp_listen,
    .enable = weft__socket_enable,
    .accept = tcp_accept,
    .unlisten = weft__tcp_unlisten,
    .attach = tcp_attach,
    .drop = weft__socket_drop,
    .connect = weft__tcp_connect,
};
