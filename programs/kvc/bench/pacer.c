/* SPDX-License-Identifier: MIT */
#include "pacer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/transport.h"

/* The descriptor is readable until the timer is set anew, which takes one system call where reading
 * would take another. */
static void set_timer(struct cli_bench_pacer *pacer, int64_t time)
{
    const struct itimerspec when = {
        .it_value = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000}};
    /* It refuses times that are none only. */
    (void)timerfd_settime(pacer->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_ready(struct weft_io *io, unsigned events)
{
    struct cli_bench_pacer *pacer = weft_container_of(io, struct cli_bench_pacer, io);
    (void)events;
    pacer->time = 0;
    pacer->due(pacer);
    if (pacer->time == 0)
        set_timer(pacer, 0);
}

int cli_bench_pacer_init(struct cli_bench_pacer *pacer, struct weft_loop *loop)
{
    pacer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pacer->fd < 0)
        return -errno;
    weft_io_init(&pacer->io, loop, pacer->fd, on_ready);
    weft_io_want(&pacer->io, WEFT_READABLE);
    return 0;
}

void cli_bench_pacer_fini(struct cli_bench_pacer *pacer)
{
    weft_io_want(&pacer->io, 0);
    close(pacer->fd);
}

void cli_bench_pacer_set(struct cli_bench_pacer *pacer, int64_t time)
{
    if (time == pacer->time)
        return;
    pacer->time = time;
    set_timer(pacer, time);
}
