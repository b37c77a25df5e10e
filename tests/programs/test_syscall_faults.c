/* SPDX-License-Identifier: MIT
 *
 * The system calls of a whole session fail, each in turn and many at random: no crash, no leak, no
 * wrong answer; where but one failed, the client is served in the end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <netdb.h>
#include <cmocka.h>

#include "server_session.h"
#include "lib/fault.h"
#include "lib/random.h"
#include "lib/syscall_fault.h"

enum { ERRORS_MAX = 4, SEEDS = 60 };

struct call {
    const char *name;
    enum syscall_id id;
    int errors[ERRORS_MAX]; /* ended by 0 */
};

/* The errors that each may return, after its manual page. recv's and sendmsg's EAGAIN is never the peer's fault. */
static const struct call calls[] = {
    {"accept4", SYSCALL_accept4, {ECONNABORTED, EMFILE, ENOMEM, EINTR}},
    {"bind", SYSCALL_bind, {EACCES}},
    {"epoll_ctl", SYSCALL_epoll_ctl, {ENOMEM, ENOSPC}},
    {"eventfd", SYSCALL_eventfd, {EMFILE, ENOMEM}},
    {"fchmod", SYSCALL_fchmod, {EPERM}},
    {"getaddrinfo", SYSCALL_getaddrinfo, {EAI_MEMORY, EAI_SYSTEM}},
    {"getsockname", SYSCALL_getsockname, {ENOBUFS}},
    {"getsockopt", SYSCALL_getsockopt, {ENOBUFS}},
    {"listen", SYSCALL_listen, {EADDRINUSE}},
    {"lstat", SYSCALL_lstat, {EACCES, ENOMEM}},
    {"open", SYSCALL_open, {EMFILE}},
    {"recv", SYSCALL_recv, {EAGAIN, EINTR, ECONNRESET, ENOMEM}},
    {"send", SYSCALL_send, {EAGAIN, EINTR, ECONNRESET, ENOBUFS}},
    {"sendmsg", SYSCALL_sendmsg, {EAGAIN, EINTR, ECONNRESET, ENOBUFS}},
    {"setsockopt", SYSCALL_setsockopt, {ENOBUFS}},
    {"shutdown", SYSCALL_shutdown, {ENOTCONN}},
    {"socket", SYSCALL_socket, {EMFILE, ENOBUFS}},
    {"unlink", SYSCALL_unlink, {EACCES}},
};

enum { CALLS = sizeof calls / sizeof *calls };
_Static_assert(CALLS == SYSCALL_COUNT - 1, "each call but connect, which a server does not make");

static int set_up(void **state)
{
    static struct session session;
    session_init(&session);
    session.in_client = syscall_fault_reset;
    *state = &session;
    fault_install();
    syscall_fault_reset();
    return 0;
}

static int tear_down(void **state)
{
    syscall_fault_reset();
    fault_remove();
    session_fini(*state);
    return 0;
}

static void expect_no_leak(const char *what, int error)
{
    if (fault_live() != 0)
        fail_msg("%s, errno %d: %zu blocks left alive", what, error, fault_live());
}

/* The n-th of these calls fails, for each n that a session comes to. */
static void fail_each(const struct session *session, const struct call *call, int error)
{
    for (unsigned n = 0;; n++) {
        syscall_fault_reset();
        syscall_fail(call->id, n, 1, error);
        enum session_outcome outcome = session_run(session);
        if (outcome == SESSION_WRONG || outcome == SESSION_LOST)
            fail_msg("%s number %u, errno %d: outcome %d", call->name, n, error, (int)outcome);
        expect_no_leak(call->name, error);
        if (syscall_calls(call->id) <= n)
            break;
    }
}

static void test_session_survives_every_failing_call(void **state)
{
    for (size_t i = 0; i < CALLS; i++) {
        for (size_t k = 0; k < ERRORS_MAX && calls[i].errors[k] != 0; k++)
            fail_each(*state, &calls[i], calls[i].errors[k]);
    }
}

static void test_session_is_served_in_pieces_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 5, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        syscall_fault_reset();
        syscall_cap(sizes[i]);
        assert_int_equal(session_run(*state), SESSION_SERVED);
        expect_no_leak("pieces", 0);
    }
}

static void fail_at_random(struct test_random *random)
{
    syscall_fault_reset();
    syscall_cap(test_random_below(random, 4) ? 0 : 1 + test_random_below(random, 3000));
    for (size_t i = 0; i < CALLS; i++) {
        size_t kinds = 0;
        while (kinds < ERRORS_MAX && calls[i].errors[kinds] != 0)
            kinds++;
        if (test_random_below(random, 2))
            syscall_fail(calls[i].id, (unsigned)test_random_below(random, 12),
                         (unsigned)test_random_below(random, 4),
                         calls[i].errors[test_random_below(random, kinds)]);
    }
}

static void test_session_survives_failures_at_random(void **state)
{
    struct test_random random = test_random_start(1);
    for (int i = 0; i < SEEDS; i++) {
        uint64_t seed = random.state;
        fail_at_random(&random);
        if (session_run(*state) == SESSION_WRONG)
            fail_msg("a wrong answer; WEFT_TEST_SEED=%llu", (unsigned long long)seed);
        expect_no_leak("at random", 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_session_survives_every_failing_call, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_session_is_served_in_pieces_of_any_size, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_session_survives_failures_at_random, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
