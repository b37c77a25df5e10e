/* SPDX-License-Identifier: MIT */
#include "core/dialer.h"

#include <errno.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "lib/fault.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"

static struct weft_registry registry;
static struct weft_loop *loop;

static int setup(void **state)
{
    (void)state;
    fault_install();
    script_begin(1);
    script_serve("peer");
    registry = (struct weft_registry){0};
    assert_int_equal(weft_registry_add_transport(&registry, &script_transport), 0);
    assert_int_equal(weft_loop_new(&loop, 0), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    weft_loop_free(loop);
    assert_int_equal(script_finish(), 0);
    assert_int_equal(fault_live(), 0);
    fault_remove();
    return 0;
}

static void on_ready(struct weft_stream *stream, unsigned events)
{
    unsigned *seen = stream->owner;
    *seen |= events;
    stream->ops->want(stream, 0);
}

static void test_dialer_connects_any_number_of_streams(void **state)
{
    struct weft_piece_pool pool;
    struct weft_dialer *dialer;
    struct weft_error error;
    (void)state;
    weft_piece_pool_init(&pool, 4);
    assert_int_equal(weft_dialer_new(&dialer, &registry, "script:peer", &error), 0);
    for (int i = 0; i < 2; i++) {
        unsigned events = 0;
        struct weft_stream *stream = calloc(1, weft_dialer_stream_size(dialer));
        stream->on_ready = on_ready;
        stream->owner = &events;
        assert_int_equal(weft_dialer_connect(dialer, stream, loop, &pool, &error), 0);
        stream->ops->want(stream, WEFT_WRITABLE);
        assert_true(virtual_loop_run_until_idle(loop));
        assert_int_equal(events, WEFT_WRITABLE);
        struct script_end *peer = script_take("peer");
        assert_non_null(peer);
        stream->ops->close(stream);
        assert_true(script_is_gone(peer));
        script_close(peer);
        free(stream);
    }
    weft_dialer_free(dialer);
    weft_piece_pool_fini(&pool);
}

static void test_dialer_reports_a_connect_that_is_refused(void **state)
{
    struct weft_piece_pool pool;
    struct weft_dialer *dialer;
    struct weft_error error;
    (void)state;
    weft_piece_pool_init(&pool, 4);
    assert_int_equal(weft_dialer_new(&dialer, &registry, "script:nobody", &error), 0);
    struct weft_stream *stream = calloc(1, weft_dialer_stream_size(dialer));
    stream->on_ready = on_ready;
    assert_int_equal(weft_dialer_connect(dialer, stream, loop, &pool, &error), -ECONNREFUSED);
    assert_non_null(strstr(error.text, "script:nobody"));
    free(stream);
    weft_dialer_free(dialer);
    weft_piece_pool_fini(&pool);
}

static void test_dialer_refuses_what_nobody_declares_and_freezes_the_registry(void **state)
{
    static const struct {
        const char *url, *word;
    } cases[] = {
        {"script:peer?codec=raw", "unknown option 'codec'"},
        {"tcp://127.0.0.1:1", "tcp"},
        {"tls+script:peer", "tls+script"},
        {"no url", "no url"},
    };
    struct weft_dialer *dialer;
    struct weft_error error;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(weft_dialer_new(&dialer, &registry, cases[i].url, &error), WEFT_ECONFIG);
        assert_null(dialer);
        assert_non_null(strstr(error.text, cases[i].word));
    }
    assert_int_equal(weft_registry_add_transport(&registry, &script_transport), -EPERM);
    weft_dialer_free(NULL);
}

static void make_one(void *arg)
{
    struct weft_dialer *dialer;
    struct weft_error error;
    (void)arg;
    int err = weft_dialer_new(&dialer, &registry, "script:peer", &error);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    weft_dialer_free(dialer);
}

static void test_dialer_survives_every_failing_allocation(void **state)
{
    (void)state;
    registry = (struct weft_registry){0};
    assert_int_equal(weft_registry_add_transport(&registry, &script_transport), 0);
    fault_each(make_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dialer_connects_any_number_of_streams, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_dialer_reports_a_connect_that_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_dialer_refuses_what_nobody_declares_and_freezes_the_registry, setup, teardown),
        cmocka_unit_test(test_dialer_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
