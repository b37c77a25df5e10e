/* SPDX-License-Identifier: MIT */
#include "dummy_plugins.h"

#include <errno.h>

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    (void)state, (void)in, (void)msg, (void)io;
    return 0;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    (void)state, (void)body, (void)io;
    return 0;
}

struct weft_codec dummy_codec(const char *name)
{
    return (struct weft_codec){.name = name, .speaks = "*", .decode = decode, .encode = encode};
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state, (void)request;
}

struct weft_service dummy_service(const char *name)
{
    return (struct weft_service){.name = name, .speaks = "*", .call = call};
}

static int listen_nowhere(struct weft_listener *listener, struct weft_loop *loop,
                          const struct weft_url *url, struct weft_error *error)
{
    (void)listener, (void)loop, (void)url, (void)error;
    return -ENOSYS;
}

static void enable(struct weft_listener *listener, bool on)
{
    (void)listener, (void)on;
}

static int accept_nobody(struct weft_listener *listener, struct weft_accepted *accepted, bool shed)
{
    (void)listener, (void)accepted, (void)shed;
    return -EAGAIN;
}

static void unlisten(struct weft_listener *listener)
{
    (void)listener;
}

static int attach(struct weft_stream *stream, struct weft_loop *loop,
                  const struct weft_accepted *accepted)
{
    (void)stream, (void)loop, (void)accepted;
    return -ENOSYS;
}

static void drop(const struct weft_accepted *accepted)
{
    (void)accepted;
}

static int connect_nowhere(struct weft_stream *stream, struct weft_loop *loop,
                           const struct weft_url *url, struct weft_error *error)
{
    (void)stream, (void)loop, (void)url, (void)error;
    return -ENOSYS;
}

struct weft_transport dummy_transport(const char *name)
{
    return (struct weft_transport){
        .name = name,
        .listener_size = sizeof(struct weft_listener),
        .stream_size = sizeof(struct weft_stream),
        .listen = listen_nowhere,
        .enable = enable,
        .accept = accept_nobody,
        .unlisten = unlisten,
        .attach = attach,
        .drop = drop,
        .connect = connect_nowhere,
    };
}
