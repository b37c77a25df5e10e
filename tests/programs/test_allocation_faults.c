/* SPDX-License-Identifier: MIT
 *
 * Every allocation of a whole session fails in turn, alone and for good: no crash, no leak, no wrong
 * answer; and where but one failed, the client is served in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server_session.h"
#include "lib/fault.h"

static void live_once(void *arg)
{
    enum session_outcome outcome = session_run(arg);
    assert_int_not_equal(outcome, SESSION_WRONG);
    if (fault_failed() <= 1)
        assert_int_not_equal(outcome, SESSION_LOST);
    if (fault_failed() == 0)
        assert_int_equal(outcome, SESSION_SERVED);
}

static void test_session_survives_every_failing_allocation(void **state)
{
    (void)state;
    struct session session;
    session_init(&session);
    fault_each(live_once, &session);
    session_fini(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
