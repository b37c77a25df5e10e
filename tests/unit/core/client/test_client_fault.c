/* SPDX-License-Identifier: MIT
 *
 * A client with every allocation failing in turn. */
#include <errno.h>

#include "lib/fault.h"
#include "client_fixture.h"

enum { CALLS = 40 };

/* Made beforehand: the peer's allocations are not to fail. */
static uint8_t frame[8192];
static size_t frame_size;

/* Each call that was taken has ended by the close, with its reply or with the one failure. */
static void exchange_and_close(struct client_fixture *f)
{
    int err[CALLS];
    for (size_t i = 0; i < CALLS; i++)
        err[i] = test_call_send_size(test_call(f, "c"), 1000 + 500 * i);
    client_fixture_turns(f);
    for (size_t i = 0; i < CALLS && !script_is_gone(f->peer); i++) {
        if (err[i] == 0)
            script_send(f->peer, frame, frame_size);
        client_fixture_turns(f);
    }
    assert_int_equal(weft_client_pending(f->client), 0);
    weft_client_close(f->client);
    for (size_t i = 0; i < CALLS; i++) {
        assert_true(err[i] == 0 || err[i] == -ENOMEM || err[i] == -ENOTCONN);
        assert_true(f->calls[i].ended == (err[i] == 0));
    }
}

static void run(void *arg)
{
    struct client_fixture *f = arg;
    f->call_count = 0;
    f->log[0] = '\0';
    f->registry.frozen = false;
    int err = client_fixture_new(f);
    if (err < 0) {
        assert_int_equal(err, -ENOMEM);
        assert_int_equal(f->error.code, -ENOMEM);
        assert_null(f->client);
    } else {
        client_fixture_turns(f);
        exchange_and_close(f);
        script_close(f->peer);
    }
    if (fault_failed() == 0)
        assert_null(strchr(f->log, '!'));
    f->client = NULL;
    f->peer = NULL;
}

static void test_client_survives_every_failing_allocation(void **state)
{
    const uint8_t payload[4096] = {0};
    frame_size = peer_frame(*state, weft_view(payload, sizeof payload), frame);
    fault_each(run, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_client_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
