/* SPDX-License-Identifier: MIT */
#include "yamux_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct weft_transport *const mux = &weft_transport_yamux;
static struct world *current;

static struct owner *of_stream(const struct weft_stream *stream)
{
    for (size_t i = 0; i < current->count; i++)
        if (current->owners[i].stream == stream)
            return &current->owners[i];
    fail_msg("nobody has this stream");
    return NULL;
}

static void read_all(struct owner *owner)
{
    do {
        uint8_t *dst = weft_buf_reserve(&owner->got, 4096);
        if (!dst)
            return;
        owner->result = owner->stream->ops->read(owner->stream, dst, 4096);
        if (owner->result > 0)
            weft_buf_commit(&owner->got, (size_t)owner->result);
    } while (owner->result > 0);
    if (owner->result != -EAGAIN)
        owner->reads = false;
}

static void write_some(struct owner *owner)
{
    static uint8_t bytes[8192];
    memset(bytes, 'w', sizeof bytes);
    while (owner->writes > 0) {
        struct iovec vec[2] = {{bytes, 100}, {bytes + 100, sizeof bytes - 100}};
        int count = owner->writes < sizeof bytes ? 1 : 2;
        if (count == 1 && owner->writes < 100)
            vec[0].iov_len = owner->writes;
        ssize_t n = owner->stream->ops->writev(owner->stream, vec, count);
        if (n < 0) {
            if (n != -EAGAIN) {
                owner->result = n;
                owner->writes = 0;
            }
            break;
        }
        owner->writes -= (size_t)n;
        owner->written += (size_t)n;
    }
}

static void set_interest(struct owner *owner)
{
    unsigned interest =
        (owner->reads ? WEFT_READABLE : 0u) | (owner->writes > 0 ? WEFT_WRITABLE : 0u);
    owner->stream->ops->want(owner->stream, interest);
}

void owner_close(struct owner *owner)
{
    struct weft_stream *stream = owner->stream;
    if (!stream)
        return;
    owner->stream = NULL;
    stream->ops->close(stream);
    free(stream);
}

static void end_session(struct world *world)
{
    if (!world->listener)
        return;
    mux->unlisten(world->listener);
    free(world->listener);
    free(world->below);
    world->listener = NULL;
}

static void on_ready(struct weft_stream *stream, unsigned events)
{
    struct owner *owner = of_stream(stream);

    owner->told++;
    if (owner->ends_session)
        end_session(owner->world);
    if (owner->closes_other) {
        owner_close(owner->closes_other);
        owner->closes_other = NULL;
        return; /* it still wants to write, and does not yet */
    }
    if (owner->closes) {
        owner_close(owner);
        return;
    }
    if ((events & WEFT_READABLE) && owner->reads)
        read_all(owner);
    if (events & WEFT_WRITABLE)
        write_some(owner);
    set_interest(owner);
}

static struct owner *new_owner(struct world *world)
{
    struct owner *owner = &world->owners[world->count];

    assert_true(world->count < STREAMS);
    owner->world = world;
    owner->stream = calloc(1, mux->stream_size);
    owner->stream->on_ready = on_ready;
    owner->reads = true;
    return owner;
}

static void accept_all(struct weft_listener *listener)
{
    struct world *world = listener->owner;
    struct weft_accepted accepted;
    int err;

    while (!world->lazy && (err = mux->accept(listener, &accepted, false)) == 0) {
        struct owner *owner = new_owner(world);
        snprintf(owner->peer, sizeof owner->peer, "%s", accepted.peer);
        if (mux->attach(owner->stream, world->loop, &accepted) < 0) {
            free(owner->stream);
            owner->stream = NULL;
            continue;
        }
        world->count++;
        set_interest(owner);
    }
    if (!world->lazy && err != -EAGAIN) {
        world->over = err;
        world->why = mux->trouble(listener);
        end_session(world);
    }
}

static void configure(struct world *world, const char *options)
{
    struct weft_error error;
    struct weft_url url;
    char text[512];

    snprintf(text, sizeof text, "yamux://h:1%s%s", *options ? "?" : "", options);
    world->config = calloc(1, mux->config_size);
    assert_int_equal(weft_url_parse(&url, text, &error), 0);
    if (mux->configure(world->config, &url, &error) < 0)
        fail_msg("%s", error.text);
}

void world_begin(struct world *world, const char *options, bool is_server)
{
    struct weft_session_setup setup = {.pool = &world->pool, .peer = "1.2.3.4:5"};
    struct weft_error error;
    struct weft_url url;

    *world = (struct world){.loop = NULL};
    current = world;
    script_begin(1);
    script_serve("peer");
    assert_int_equal(weft_loop_new(&world->loop, 16), 0);
    weft_piece_pool_init(&world->pool, 16);
    configure(world, options);
    setup.config = world->config;
    setup.is_server = is_server;
    world->below = calloc(1, script_transport.stream_size);
    world->listener = calloc(1, mux->listener_size);
    world->listener->owner = world;
    world->listener->on_ready = accept_all;
    assert_int_equal(weft_url_parse(&url, "script:peer", &error), 0);
    assert_int_equal(script_transport.connect(world->below, world->loop, &url, &error), 0);
    if (is_server)
        world_take(world);
    mux->begin(world->listener, world->loop, world->below, &setup);
    if (is_server)
        mux->enable(world->listener, true);
    world_run(world);
}

void world_take(struct world *world)
{
    world->peer = script_take("peer");
    assert_non_null(world->peer);
}

void world_run(struct world *world)
{
    assert_true(virtual_loop_run_until_idle(world->loop));
}

void world_end(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        owner_close(&world->owners[i]);
        weft_buf_fini(&world->owners[i].got);
    }
    end_session(world);
    if (world->peer)
        script_close(world->peer);
    weft_loop_free(world->loop);
    weft_piece_pool_fini(&world->pool);
    free(world->config);
    assert_int_equal(script_finish(), 0);
}

void world_send(struct world *world, unsigned type, unsigned flags, uint32_t id, uint32_t length,
                const void *data)
{
    uint8_t header[WEFT__YAMUX_HEADER];

    weft__yamux_put_header(header, (enum weft__yamux_type)type, flags, id, length);
    script_send(world->peer, header, sizeof header);
    if (data)
        script_send(world->peer, data, length);
}

struct owner *world_dial(struct world *world, int *error)
{
    struct owner *owner = new_owner(world);

    *error = mux->dial(world->listener, owner->stream);
    if (*error < 0) {
        free(owner->stream);
        owner->stream = NULL;
        return NULL;
    }
    world->count++;
    set_interest(owner);
    return owner;
}

bool world_next(struct world *world, struct weft__yamux_header *header, const uint8_t **data)
{
    static uint8_t payload[2 << 20];
    size_t size;
    const uint8_t *bytes = script_received(world->peer, &size);

    if (size < WEFT__YAMUX_HEADER)
        return false;
    *header = weft__yamux_get_header(bytes);
    size_t more = header->type == WEFT__YAMUX_DATA ? header->length : 0;
    if (size < WEFT__YAMUX_HEADER + more)
        return false;
    assert_true(more <= sizeof payload);
    memcpy(payload, bytes + WEFT__YAMUX_HEADER, more);
    script_consume(world->peer, WEFT__YAMUX_HEADER + more);
    *data = payload;
    return true;
}

void world_expect(struct world *world, unsigned type, unsigned flags, uint32_t id, uint32_t length)
{
    struct weft__yamux_header header;
    const uint8_t *data;

    if (!world_next(world, &header, &data))
        fail_msg("no frame where one of type %u is due", type);
    assert_int_equal(header.version, 0);
    assert_int_equal(header.type, type);
    assert_int_equal(header.flags, flags);
    assert_int_equal(header.id, id);
    assert_int_equal(header.length, length);
}

void world_expect_nothing(struct world *world)
{
    size_t size;

    (void)script_received(world->peer, &size);
    assert_int_equal(size, 0);
}

size_t world_count(struct world *world, unsigned type, unsigned flags)
{
    struct weft__yamux_header header;
    const uint8_t *data;
    size_t count = 0;

    while (world_next(world, &header, &data))
        count += header.type == type && (header.flags & flags) == flags;
    return count;
}

void owner_want(struct owner *owner, unsigned interest)
{
    owner->reads = interest & WEFT_READABLE;
    owner->stream->ops->want(owner->stream, interest);
}

void owner_write(struct owner *owner, size_t size)
{
    owner->writes += size;
    set_interest(owner);
}

void owner_expect(const struct owner *owner, const char *text)
{
    assert_int_equal(weft_buf_size(&owner->got), strlen(text));
    assert_memory_equal(weft_buf_view(&owner->got).data, text, strlen(text));
}
