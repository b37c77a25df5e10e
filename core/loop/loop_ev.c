/* SPDX-License-Identifier: MIT
 *
 * The loop over libev's epoll backend. libev waits and reports ready descriptors and signals; turn.c
 * does the rest of a turn. Two facts about libev 4.33 (ev.c, ev_epoll.c) shape this file: it aborts
 * the process when it cannot grow an array or make its wake-up descriptor, and it keeps what it has
 * allocated. So the arrays get their full size at start, timers do not lie in its heap, and other
 * threads wake the loop through an eventfd of our own. The one array that can still grow is that of
 * events, 12 bytes per descriptor that is ready at one time. */
#include "turn.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/transport.h"

struct real_loop {
    struct weft_loop base;
    struct ev_loop *ev;
    ev_check woken;
    ev_timer alarm;     /* ends the wait for the earliest timer */
    int64_t alarm_time; /* its deadline, INT64_MAX while it is not set */
    int64_t woken_at;   /* the time at which this turn began */
    ev_io wakeup;       /* the eventfd that other threads write to */
};

static_assert(sizeof(ev_io) <= sizeof(((struct weft_io *)0)->opaque), "room for the watcher");
static_assert(sizeof(ev_signal) <= sizeof(((struct weft_signal *)0)->opaque),
              "room for the watcher");
static_assert((int)WEFT_READABLE == (int)EV_READ && (int)WEFT_WRITABLE == (int)EV_WRITE,
              "our interest is libev's event mask");

static struct real_loop *real(struct weft_loop *loop)
{
    return weft_container_of(loop, struct real_loop, base);
}

static int64_t read_clock(struct weft_loop *loop)
{
    struct timespec ts;

    (void)loop;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t read_calendar(struct weft_loop *loop)
{
    struct timespec ts;

    (void)loop;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A check of the highest priority comes before all other watchers, so begin hooks come first. */
static void on_woken(struct ev_loop *ev, ev_check *check, int revents)
{
    struct real_loop *loop = weft_container_of(check, struct real_loop, woken);

    (void)ev;
    (void)revents;
    loop->woken_at = read_clock(&loop->base);
    weft__turn_begin(&loop->base, loop->woken_at);
}

static void on_alarm(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct real_loop *loop = weft_container_of(timer, struct real_loop, alarm);

    (void)ev;
    (void)revents;
    loop->alarm_time = INT64_MAX;
}

static void on_wakeup(struct ev_loop *ev, ev_io *watcher, int revents)
{
    eventfd_t count;

    (void)ev;
    (void)revents;
    (void)eventfd_read(watcher->fd, &count);
}

static void wake(struct weft_loop *loop)
{
    /* Fails only if the counter is full, and then the loop is awake. */
    (void)eventfd_write(real(loop)->wakeup.fd, 1);
}

static void start_watchers(struct real_loop *loop, int wakeup_fd)
{
    ev_check_init(&loop->woken, on_woken);
    ev_set_priority(&loop->woken, EV_MAXPRI);
    ev_check_start(loop->ev, &loop->woken);
    loop->alarm_time = INT64_MAX;
    ev_timer_init(&loop->alarm, on_alarm, -1., 0.);
    ev_timer_start(loop->ev, &loop->alarm);
    ev_io_init(&loop->wakeup, on_wakeup, wakeup_fd, EV_READ);
    ev_io_start(loop->ev, &loop->wakeup);
}

/* Grows libev's tables to what fd_limit descriptors need. A watcher that starts and stops leaves an
 * entry in the list of changes, which has no effect later. One that is fed an event and cleared leaves
 * an empty entry among the pending. The other tables grow in a first turn, in which an alarm is due. */
static void size_arrays(struct real_loop *loop, int fd_limit)
{
    ev_io watcher;
    int fd;

    for (fd = fd_limit - 1; fd >= 0; fd--) {
        if (fd == loop->wakeup.fd)
            continue;
        ev_io_init(&watcher, NULL, fd, EV_READ);
        ev_io_start(loop->ev, &watcher);
        ev_io_stop(loop->ev, &watcher);
        ev_feed_event(loop->ev, &watcher, EV_READ);
        ev_clear_pending(loop->ev, &watcher);
    }
    ev_run(loop->ev, EVRUN_NOWAIT);
    weft__turn_end(&loop->base);
}

int weft_loop_new(struct weft_loop **result, int fd_limit)
{
    struct real_loop *loop;
    void *probe;
    int wakeup_fd, err;

    *result = NULL;
    loop = weft_malloc(sizeof *loop);
    if (!loop)
        return -ENOMEM;
    /* libev would abort, so this asks in its place for what libev is about to take: 36 bytes per
     * descriptor, and half as much again while an array moves. */
    probe = weft_calloc((size_t)fd_limit, 54);
    if (!probe) {
        err = -ENOMEM;
        goto err_after_loop;
    }
    weft_free(probe);
    wakeup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wakeup_fd < 0) {
        err = -errno;
        goto err_after_loop;
    }
    errno = 0;
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOINOTIFY);
    if (!loop->ev) {
        err = errno ? -errno : -ENOSYS;
        goto err_after_wakeup;
    }
    weft__turn_init(&loop->base, read_clock, read_calendar, wake);
    start_watchers(loop, wakeup_fd);
    size_arrays(loop, fd_limit);
    *result = &loop->base;
    return 0;

err_after_wakeup:
    close(wakeup_fd);
err_after_loop:
    weft_free(loop);
    return err;
}

void weft_loop_free(struct weft_loop *base)
{
    struct real_loop *loop;

    if (!base)
        return;
    loop = real(base);
    weft__turn_close(base);
    ev_io_stop(loop->ev, &loop->wakeup);
    close(loop->wakeup.fd);
    ev_timer_stop(loop->ev, &loop->alarm);
    ev_check_stop(loop->ev, &loop->woken);
    ev_loop_destroy(loop->ev);
    weft_free(loop);
}

/* libev counts a delay from the time at which it woke: woken_at, not weft_loop_now. */
static void set_alarm(struct real_loop *loop)
{
    int64_t next = weft__timer_queue_next(&loop->base.timers);

    if (next == loop->alarm_time)
        return;
    ev_timer_stop(loop->ev, &loop->alarm);
    loop->alarm_time = next;
    if (next == INT64_MAX)
        return;
    ev_timer_set(&loop->alarm, (double)(next - loop->woken_at) * 1e-9, 0.);
    ev_timer_start(loop->ev, &loop->alarm);
}

static void turn(struct real_loop *loop)
{
    set_alarm(loop);
    ev_run(loop->ev, weft__turn_is_due(&loop->base) ? EVRUN_NOWAIT : EVRUN_ONCE);
    weft__turn_end(&loop->base);
}

static void update_time(struct real_loop *loop)
{
    ev_now_update(loop->ev);
    loop->woken_at = read_clock(&loop->base);
}

void weft_loop_turn(struct weft_loop *base)
{
    update_time(real(base));
    turn(real(base));
}

void weft_loop_run(struct weft_loop *base)
{
    update_time(real(base));
    while (!base->stopping)
        turn(real(base));
    weft__turn_close(base);
}

static ev_io *io_watcher(struct weft_io *io)
{
    return (ev_io *)(void *)&io->opaque;
}

static void on_io(struct ev_loop *ev, ev_io *watcher, int revents)
{
    struct weft_io *io = weft_container_of(watcher, struct weft_io, opaque);
    unsigned interest = (unsigned)watcher->events & (EV_READ | EV_WRITE);

    /* The kernel would not watch it (ENOMEM, ENOSPC), and libev has stopped the watcher. Starting it
     * again makes every turn try, until the kernel does watch it. */
    if (revents & (int)EV_ERROR) {
        ev_io_set(watcher, watcher->fd, (int)interest);
        ev_io_start(ev, watcher);
    }
    io->loop->found_ready = true;
    io->ready(io, (unsigned)revents & interest);
}

void weft_io_init(struct weft_io *io, struct weft_loop *loop, int fd,
                  void (*ready)(struct weft_io *io, unsigned events))
{
    io->ready = ready;
    io->loop = loop;
    ev_io_init(io_watcher(io), on_io, fd, 0);
}

void weft_io_want(struct weft_io *io, unsigned interest)
{
    struct ev_loop *ev = real(io->loop)->ev;
    ev_io *watcher = io_watcher(io);

    if (!interest) {
        ev_io_stop(ev, watcher);
    } else if (!ev_is_active(watcher)) {
        ev_io_stop(ev, watcher); /* drops an error that is about to be reported */
        ev_io_set(watcher, watcher->fd, (int)interest);
        ev_io_start(ev, watcher);
    } else if (((unsigned)watcher->events & (EV_READ | EV_WRITE)) != interest) {
        ev_io_stop(ev, watcher);
        /* Unlike ev_io_set, this does not always make a system call. */
        ev_io_modify(watcher, (int)interest);
        ev_io_start(ev, watcher);
    }
}

static ev_signal *signal_watcher(struct weft_signal *signal)
{
    return (ev_signal *)(void *)&signal->opaque;
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    struct weft_signal *signal = weft_container_of(watcher, struct weft_signal, opaque);

    (void)ev;
    (void)revents;
    signal->raised(signal);
}

void weft_signal_start(struct weft_signal *signal, struct weft_loop *loop, int number,
                       void (*raised)(struct weft_signal *signal))
{
    signal->raised = raised;
    signal->loop = loop;
    ev_signal_init(signal_watcher(signal), on_signal, number);
    ev_signal_start(real(loop)->ev, signal_watcher(signal));
}

void weft_signal_stop(struct weft_signal *signal)
{
    if (signal->loop)
        ev_signal_stop(real(signal->loop)->ev, signal_watcher(signal));
}
