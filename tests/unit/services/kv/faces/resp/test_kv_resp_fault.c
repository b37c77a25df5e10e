/* SPDX-License-Identifier: MIT
 *
 * Commands with every allocation failing in turn: each is answered once, with its reply or with an error, and
 * nothing is left over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kv_fixture.h"
#include "lib/fault.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/stores.h"

static const char *const commands[] = {
    "SET a hello",
    "MSET a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10",
    "MGET a b c d e f g h i j",
    "HSET t a 1 b 2 c 3",
    "HGETALL t",
    "HKEYS t",
    "HMGET t a b c d e f g h i j",
    "HSCAN t 0",
    "KEYS *",
    "DEL a b c d e f g h i j",
    "INCR n",
    "EXPIRE n 100",
    "HEXPIRE t 100 FIELDS 1 a",
    "HTTL t FIELDS 1 a",
    "HRANDFIELD t 2 WITHVALUES",
    "RANDOMKEY",
    "CLIENT SETNAME me",
    "CLIENT INFO",
    "SLOWLOG GET",
    "CLIENT LIST",
    "CLIENT LIST ID 1 2 3",
    "CLIENT KILL ID 99",
    "HELLO 3 SETNAME me",
    "COMMAND",
    "INFO",
    "CONFIG GET *",
    "TIME",
    "NOSUCH a",
    "FLUSHALL",
};

struct scene {
    const struct kv_store *store;
    struct weft_loop *loop;
    struct weft_kv_context context;
    struct weft_limits limits;
    void *config, *loop_state, *conn_state;
};

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    assert_non_null(p);
    return p;
}

static int begin(struct scene *scene)
{
    const struct weft_option_set options = {0};
    const struct weft_kv_limits kv_limits = weft_kv_limits_default();
    const struct weft_service *service = &weft_kv_resp_service;
    struct weft_error error;
    scene->limits = weft_limits_default();
    int err = weft_kv_context_init(&scene->context, scene->store, &kv_limits, NULL, &error);
    if (err < 0)
        return err;
    scene->config = zeroed(service->config_size);
    scene->loop_state = zeroed(service->loop_size);
    scene->conn_state = zeroed(service->conn_size);
    assert_int_equal(
        service->configure(scene->config, &scene->context, &options, &scene->limits, &error), 0);
    err = service->start(scene->loop_state, scene->config, scene->loop);
    if (err == 0 && (err = service->open(scene->conn_state, scene->loop_state)) < 0)
        service->stop(scene->loop_state);
    if (err == 0)
        return 0;
    weft_kv_context_fini(&scene->context);
    free(scene->config);
    free(scene->loop_state);
    free(scene->conn_state);
    return err;
}

static void finish(struct scene *scene)
{
    weft_kv_resp_service.close(scene->conn_state, scene->loop_state);
    weft_kv_resp_service.stop(scene->loop_state);
    weft_kv_context_fini(&scene->context);
    free(scene->config);
    free(scene->loop_state);
    free(scene->conn_state);
}

struct call {
    struct scene *scene;
    struct fake_request request;
};

static void run_call(void *arg)
{
    struct call *call = arg;
    fake_request_call(&call->request, &weft_kv_resp_service, call->scene->loop_state,
                      call->scene->conn_state);
}

static void ask(struct scene *scene, const char *command)
{
    struct call call = {.scene = scene};
    fake_request_init(&call.request, weft_view_str(command), WEFT_MIB(1));
    if (!(scene->store->flags & KV_STORE_INLINE))
        call.request.refuse = 1;
    kv_in_turn(scene->loop, run_call, &call);
    for (int i = 0; i < 100 && !call.request.ended; i++) {
        (void)virtual_loop_advance(scene->loop, 0);
        if (call.request.owes_drain)
            fake_request_drain(&call.request);
    }
    assert_true(call.request.ended);
    assert_false(call.request.bad);
    assert_int_equal(call.request.reply_count, 1);
    struct weft_view reply = fake_request_reply(&call.request);
    assert_true(reply.size >= 3);
    assert_memory_equal(reply.data + reply.size - 2, "\r\n", 2);
    fake_request_fini(&call.request);
}

static void one_run(void *arg)
{
    struct scene *scene = arg;
    int err = begin(scene);
    if (err < 0) {
        assert_int_equal(err, -ENOMEM);
        assert_true(fault_failed() > 0);
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        ask(scene, commands[i]);
    finish(scene);
}

static void sweep(const struct kv_store *store)
{
    struct scene scene = {.store = store};
    assert_int_equal(weft_loop_new(&scene.loop, 0), 0);
    fault_each(one_run, &scene);
    weft_loop_free(scene.loop);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    sweep(&weft_kv_store_memory);
}

static void test_each_allocation_may_fail_while_the_store_is_late(void **state)
{
    (void)state;
    sweep(&late_store_ordered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_each_allocation_may_fail_while_the_store_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
