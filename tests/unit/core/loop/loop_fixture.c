/* SPDX-License-Identifier: MIT */
#include "loop_fixture.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/compiler.h"

int loop_setup(void **state)
{
    struct weft_loop *loop;

    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), 0);
    syscall_fault_reset();
    *state = loop;
    return 0;
}

int loop_teardown(void **state)
{
    syscall_fault_reset();
    weft_loop_free(*state);
    return 0;
}

void on_io(struct weft_io *base, unsigned events)
{
    struct counted_io *io = weft_container_of(base, struct counted_io, io);

    io->calls++;
    io->events = events;
    weft_io_want(base, io->then_want);
    if (io->silence)
        weft_io_want(&io->silence->io, 0);
    if (io->calls == io->stop_at)
        weft_loop_stop(base->loop);
}

void on_timer(struct weft_timer *base)
{
    struct counted_timer *timer = weft_container_of(base, struct counted_timer, timer);
    int64_t begin = weft_loop_now(base->loop);

    assert_int_equal(weft_loop_now(base->loop), begin);
    do
        timer->refreshed = weft_loop_refresh(base->loop);
    while (timer->refreshed == begin);
    assert_int_equal(weft_loop_now(base->loop), timer->refreshed);
    assert_true(timer->refreshed > begin);
    if (timer->stop)
        weft_loop_stop(base->loop);
}

struct counted_io make_io(struct weft_loop *loop, unsigned count)
{
    struct counted_io io = {.fd = eventfd(count, EFD_NONBLOCK)};

    assert_true(io.fd >= 0);
    weft_io_init(&io.io, loop, io.fd, on_io);
    return io;
}

void close_io(struct counted_io *io)
{
    weft_io_want(&io->io, 0);
    close(io->fd);
}
