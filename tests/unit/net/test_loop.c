/* SPDX-License-Identifier: MIT
 *
 * What the real loop adds to a turn (test_turn.c): descriptors, signals, other threads, real time. */
#include "core/loop.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/container.h"
#include "core/transport.h"
#include "lib/syscall_fault.h"

enum { FD_LIMIT = 256, MILLISECOND = 1000000 };

static int setup(void **state)
{
    struct weft_loop *loop;

    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), 0);
    syscall_fault_reset();
    *state = loop;
    return 0;
}

static int teardown(void **state)
{
    syscall_fault_reset();
    weft_loop_free(*state);
    return 0;
}

struct counted_io {
    struct weft_io io;
    int fd, calls;
    unsigned events;    /* of the last call */
    int stop_at;        /* stops the loop with that call; 0: never */
    unsigned then_want; /* set with each call */
    struct counted_io *silence;
};

static void on_io(struct weft_io *base, unsigned events)
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

struct counted_timer {
    struct weft_timer timer;
    int64_t refreshed; /* what refresh answered in fire */
    bool stop;
};

static void on_timer(struct weft_timer *base)
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

/* An eventfd: writable always, readable while its count is not 0. */
static struct counted_io make_io(struct weft_loop *loop, unsigned count)
{
    struct counted_io io = {.fd = eventfd(count, EFD_NONBLOCK)};

    assert_true(io.fd >= 0);
    weft_io_init(&io.io, loop, io.fd, on_io);
    return io;
}

static void close_io(struct counted_io *io)
{
    weft_io_want(&io->io, 0);
    close(io->fd);
}

static void test_readable_descriptor_is_told_until_it_is_read(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 3;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.calls, 3);
    assert_int_equal(io.events, WEFT_READABLE);
    close_io(&io);
}

static void test_only_what_is_wanted_is_told(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 1;
    weft_io_want(&io.io, WEFT_WRITABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_WRITABLE);
    close_io(&io);
}

static void test_both_directions_are_told_at_once(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 1;
    weft_io_want(&io.io, WEFT_READABLE | WEFT_WRITABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_READABLE | WEFT_WRITABLE);
    close_io(&io);
}

static void test_interest_changes_from_call_to_call(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 2;
    io.then_want = WEFT_WRITABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.calls, 2);
    assert_int_equal(io.events, WEFT_WRITABLE);
    close_io(&io);
}

static void test_descriptor_silenced_within_the_turn_is_not_told(void **state)
{
    struct counted_io first = make_io(*state, 1), second = make_io(*state, 1);

    first.silence = &second;
    second.silence = &first;
    first.stop_at = second.stop_at = 1;
    weft_io_want(&first.io, WEFT_READABLE);
    weft_io_want(&second.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(first.calls + second.calls, 1);
    close_io(&first);
    close_io(&second);
}

static void test_descriptor_number_may_be_used_again_in_the_same_turn(void **state)
{
    struct counted_io first = make_io(*state, 0), second;

    weft_io_want(&first.io, WEFT_READABLE);
    close_io(&first);
    second = make_io(*state, 1);
    assert_int_equal(second.fd, first.fd);
    second.stop_at = 1;
    weft_io_want(&second.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(first.calls, 0);
    assert_int_equal(second.events, WEFT_READABLE);
    close_io(&second);
}

static void test_peer_that_hung_up_is_told_as_readable(void **state)
{
    struct counted_io io = {0};
    int ends[2];

    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    weft_io_init(&io.io, *state, ends[0], on_io);
    io.fd = ends[0];
    io.stop_at = 1;
    close(ends[1]);
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_READABLE);
    close_io(&io);
}

/* A regular file is what epoll refuses (EPERM): libev polls it, and it is always ready. */
static void test_regular_file_is_always_ready(void **state)
{
    struct counted_io io = {.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};

    assert_true(io.fd >= 0);
    weft_io_init(&io.io, *state, io.fd, on_io);
    io.stop_at = 2;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_READABLE);
    close_io(&io);
}

static void test_descriptor_that_epoll_has_no_memory_for_is_asked_for_again(void **state)
{
    struct counted_io io = make_io(*state, 1);
    struct counted_timer timer = {.timer.fire = on_timer};

    /* libev tells of a descriptor that it gave up with what wakes it next. */
    weft_loop_after(*state, &timer.timer, 0);
    syscall_fail(SYSCALL_epoll_ctl, 0, 1, ENOMEM);
    io.stop_at = 2;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.calls, 2);
    assert_true(syscall_calls(SYSCALL_epoll_ctl) >= 2);
    close_io(&io);
}

/* Two are given up in one turn; who is told first closes the other. */
static void test_descriptor_that_was_given_up_may_be_closed(void **state)
{
    struct counted_io first = make_io(*state, 1), second = make_io(*state, 1);
    struct counted_timer timer = {.timer.fire = on_timer};

    weft_loop_after(*state, &timer.timer, 0);
    syscall_fail(SYSCALL_epoll_ctl, 0, 2, ENOMEM);
    first.silence = &second;
    second.silence = &first;
    first.stop_at = second.stop_at = 1;
    weft_io_want(&first.io, WEFT_READABLE);
    weft_io_want(&second.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(first.calls + second.calls, 1);
    close_io(&first);
    close_io(&second);
}

static void test_setting_the_same_interest_again_costs_no_call(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 5;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(syscall_calls(SYSCALL_epoll_ctl), 1);
    close_io(&io);
}

enum { POSTERS = 4, POSTS = 5000 };

struct numbered_post {
    struct weft_post post;
    struct poster *poster;
    int number;
};

struct poster {
    pthread_t thread;
    struct weft_loop *loop;
    int next, failed; /* next: the number expected on the loop's thread */
    int *left;        /* posts not run yet, of all posters */
    struct numbered_post posts[POSTS];
};

static void on_numbered_post(struct weft_post *base)
{
    struct numbered_post *post = weft_container_of(base, struct numbered_post, post);

    assert_int_equal(post->number, post->poster->next);
    post->poster->next++;
    if (--*post->poster->left == 0)
        weft_loop_stop(post->poster->loop);
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    int i;

    for (i = 0; i < POSTS; i++)
        poster->failed |= weft_loop_post(poster->loop, &poster->posts[i].post);
    return NULL;
}

static void test_posts_of_each_thread_run_in_their_order(void **state)
{
    static struct poster posters[POSTERS];
    int left = POSTERS * POSTS, i, j;

    for (i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = *state, .left = &left};
        for (j = 0; j < POSTS; j++)
            posters[i].posts[j] = (struct numbered_post){{.run = on_numbered_post}, &posters[i], j};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    weft_loop_run(*state);
    for (i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].failed, 0);
        assert_int_equal(posters[i].next, POSTS);
    }
}

struct counted_post {
    struct weft_post post;
    int runs;
};

static void on_counted_post(struct weft_post *post)
{
    weft_container_of(post, struct counted_post, post)->runs++;
}

struct late_poster {
    struct weft_loop *loop;
    struct counted_post posts[POSTS];
    int taken;
};

static void on_stop_post(struct weft_post *post);

static struct stop_post {
    struct weft_post post;
    struct weft_loop *loop;
} stop_post = {.post.run = on_stop_post};

static void on_stop_post(struct weft_post *post)
{
    weft_loop_stop(weft_container_of(post, struct stop_post, post)->loop);
}

/* Stops the loop in the midst of its posts, and goes on until it is refused. */
static void *post_until_refused(void *arg)
{
    struct late_poster *poster = arg;
    int i;

    for (i = 0; i < POSTS; i++) {
        if (i == 10 && weft_loop_post(poster->loop, &stop_post.post) < 0)
            break;
        if (weft_loop_post(poster->loop, &poster->posts[i].post) < 0)
            break;
        poster->taken++;
    }
    return NULL;
}

static void test_every_post_that_was_taken_is_run_and_no_other(void **state)
{
    static struct late_poster poster;
    pthread_t thread;
    int i;

    poster = (struct late_poster){.loop = *state};
    stop_post.loop = *state;
    for (i = 0; i < POSTS; i++)
        poster.posts[i].post.run = on_counted_post;
    assert_int_equal(pthread_create(&thread, NULL, post_until_refused, &poster), 0);
    weft_loop_run(*state);
    pthread_join(thread, NULL);
    for (i = 0; i < POSTS; i++)
        assert_int_equal(poster.posts[i].runs, i < poster.taken);
}

static void test_now_moves_within_a_turn_by_refresh_alone(void **state)
{
    struct counted_timer timer = {.timer.fire = on_timer, .stop = true};

    weft_loop_after(*state, &timer.timer, 0);
    weft_loop_run(*state);
    assert_true(timer.refreshed > 0);
}

struct turn_count {
    struct weft_turn_hook hook;
    int begins;
};

static void count_turn(struct weft_turn_hook *hook)
{
    weft_container_of(hook, struct turn_count, hook)->begins++;
}

static void count_nothing(struct weft_turn_hook *hook)
{
    (void)hook;
}

static void test_waiting_for_a_timer_takes_no_turns(void **state)
{
    struct turn_count turns = {.hook = {.begin = count_turn, .end = count_nothing}};
    struct counted_timer first = {.timer.fire = on_timer},
                         last = {.timer.fire = on_timer, .stop = true};

    weft_loop_add_hook(*state, &turns.hook);
    weft_loop_after(*state, &first.timer, 5 * MILLISECOND);
    weft_loop_after(*state, &last.timer, 20 * MILLISECOND);
    weft_loop_run(*state);
    weft_loop_remove_hook(*state, &turns.hook);
    /* A few, where one that does not sleep would have thousands. */
    assert_in_range(turns.begins, 2, 10);
}

struct counted_signal {
    struct weft_signal signal;
    int count;
};

static void on_signal(struct weft_signal *base)
{
    weft_container_of(base, struct counted_signal, signal)->count++;
    weft_loop_stop(base->loop);
}

static void test_signal_is_told_in_a_turn(void **state)
{
    struct counted_signal signal = {0};

    weft_signal_start(&signal.signal, *state, SIGUSR1, on_signal);
    raise(SIGUSR1);
    assert_int_equal(signal.count, 0);
    weft_loop_run(*state);
    assert_int_equal(signal.count, 1);
    weft_signal_stop(&signal.signal);
    weft_signal_stop(&signal.signal);
}

static void test_stopping_a_zeroed_signal_is_fine(void **state)
{
    struct weft_signal signal = {0};

    (void)state;
    weft_signal_stop(&signal);
    assert_null(signal.loop);
}

static void test_new_without_a_descriptor_for_wakeups_fails(void **state)
{
    struct weft_loop *loop;

    (void)state;
    syscall_fail(SYSCALL_eventfd, 0, 1, EMFILE);
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), -EMFILE);
    assert_null(loop);
}

/* Room for the eventfd, which is the first of the two it needs. */
static void test_new_without_a_descriptor_for_epoll_fails(void **state)
{
    struct rlimit old, tight;
    struct weft_loop *loop;
    int next = dup(0);

    (void)state;
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_null(loop);
    assert_int_equal(dup(0), next);
    close(next);
}

static int libev_allocations;

static void *count_allocation(void *p, long size)
{
    if (size > 0) {
        libev_allocations++;
        return realloc(p, (size_t)size);
    }
    free(p);
    return NULL;
}

enum { READY = 60 }; /* fewer than the events of libev's first array */

/* libev aborts where it gets no memory, so it must not ask for any once the loop is made. */
static void test_running_allocates_nothing(void **state)
{
    static struct counted_io ios[READY];
    static struct counted_timer timers[READY];
    struct weft_loop *loop;
    int i;

    (void)state;
    ev_set_allocator(count_allocation);
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), 0);
    assert_true(libev_allocations > 0);
    libev_allocations = 0;
    for (i = 0; i < READY; i++) {
        ios[i] = make_io(loop, 1);
        weft_io_init(&ios[i].io, loop, ios[i].fd, on_io);
        ios[i].then_want = WEFT_READABLE | WEFT_WRITABLE;
        weft_io_want(&ios[i].io, WEFT_READABLE);
        timers[i] = (struct counted_timer){.timer.fire = on_timer, .stop = i == READY - 1};
        weft_loop_after(loop, &timers[i].timer, i < READY / 2 ? 0 : MILLISECOND);
    }
    weft_loop_run(loop);
    for (i = 0; i < READY; i++) {
        assert_true(ios[i].calls > 0);
        close_io(&ios[i]);
    }
    assert_int_equal(libev_allocations, 0);
    weft_loop_free(loop);
}

static void test_single_turns_do_what_a_run_does_and_may_go_on(void **state)
{
    struct counted_io io = make_io(*state, 1);

    weft_io_want(&io.io, WEFT_READABLE);
    io.then_want = WEFT_READABLE;
    for (int i = 1; i <= 3; i++) {
        weft_loop_turn(*state);
        assert_int_equal(io.calls, i);
    }
    close_io(&io);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_readable_descriptor_is_told_until_it_is_read),
        TEST(test_only_what_is_wanted_is_told),
        TEST(test_single_turns_do_what_a_run_does_and_may_go_on),
        TEST(test_both_directions_are_told_at_once),
        TEST(test_interest_changes_from_call_to_call),
        TEST(test_descriptor_silenced_within_the_turn_is_not_told),
        TEST(test_descriptor_number_may_be_used_again_in_the_same_turn),
        TEST(test_peer_that_hung_up_is_told_as_readable),
        TEST(test_regular_file_is_always_ready),
        TEST(test_descriptor_that_epoll_has_no_memory_for_is_asked_for_again),
        TEST(test_descriptor_that_was_given_up_may_be_closed),
        TEST(test_setting_the_same_interest_again_costs_no_call),
        TEST(test_posts_of_each_thread_run_in_their_order),
        TEST(test_every_post_that_was_taken_is_run_and_no_other),
        TEST(test_now_moves_within_a_turn_by_refresh_alone),
        TEST(test_waiting_for_a_timer_takes_no_turns),
        TEST(test_signal_is_told_in_a_turn),
        TEST(test_stopping_a_zeroed_signal_is_fine),
        TEST(test_new_without_a_descriptor_for_wakeups_fails),
        TEST(test_new_without_a_descriptor_for_epoll_fails),
        cmocka_unit_test(test_running_allocates_nothing),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
