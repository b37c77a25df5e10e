/* SPDX-License-Identifier: MIT
 *
 * Every command with every allocation failing in turn: each request is answered once, with its reply
 * or with 503, nothing is done by halves, nothing is left over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_calls.h"
#include "kv_fixture.h"
#include "lib/fault.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/memory/memory.h"

enum { KEYS = 12 }; /* more than a request holds without memory of its own */

struct scene {
    const struct kv_store *store;
    struct weft_loop *loop;
    struct weft_bytes payload;
    /* Set by the run. */
    struct weft_limits limits;
    struct weft_kv_context context;
    void *config, *loop_state, *conn_state;
};

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    assert_non_null(p);
    return p;
}

/* The service up to an open connection; -errno where memory lacked, then nothing is held. */
static int begin(struct scene *scene)
{
    struct weft_option_set options = {0};
    struct weft_error error;
    const struct weft_kv_limits kv_limits = weft_kv_limits_default();
    scene->limits = weft_limits_default();
    int err = weft_kv_context_init(&scene->context, scene->store, &kv_limits, NULL, &error);
    if (err < 0)
        return err;
    scene->config = zeroed(weft_kv_service.config_size);
    scene->loop_state = zeroed(weft_kv_service.loop_size);
    scene->conn_state = zeroed(weft_kv_service.conn_size);
    assert_int_equal(
        weft_kv_service.configure(scene->config, &scene->context, &options, &scene->limits, &error),
        0);
    err = weft_kv_service.start(scene->loop_state, scene->config, scene->loop);
    if (err < 0)
        goto err_after_context;
    err = weft_kv_service.open(scene->conn_state, scene->loop_state);
    if (err < 0)
        goto err_after_start;
    return 0;

err_after_start:
    weft_kv_service.stop(scene->loop_state);
err_after_context:
    weft_kv_context_fini(&scene->context);
    free(scene->config);
    free(scene->loop_state);
    free(scene->conn_state);
    return err;
}

static void finish(struct scene *scene)
{
    weft_kv_service.close(scene->conn_state, scene->loop_state);
    weft_kv_service.stop(scene->loop_state);
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
    fake_request_call(&call->request, &weft_kv_service, call->scene->loop_state,
                      call->scene->conn_state);
}

/* Does one request until it ends. Its reply is refused once, so that kv has to hold it. */
static struct told ask_in(struct scene *scene, struct weft_bytes payload, struct call *call)
{
    call->scene = scene;
    fake_request_init(&call->request, weft_view(payload.data, payload.size), WEFT_MIB(1));
    if (!(scene->store->flags & KV_STORE_INLINE))
        call->request.refuse = 1;
    kv_in_turn(scene->loop, run_call, call);
    assert_true(virtual_loop_advance(scene->loop, 0));
    fake_request_drain(&call->request);
    assert_true(call->request.ended);
    assert_false(call->request.bad);
    return told_of(fake_request_reply(&call->request));
}

static struct weft_bytes ask_some(int command, struct weft_view value)
{
    static const char *const names[KEYS] = {"a", "b", "c", "d", "e", "f",
                                            "g", "h", "i", "j", "k", "l"};
    struct ask_pair pairs[KEYS];
    struct weft_view keys[KEYS];
    for (int i = 0; i < KEYS; i++) {
        keys[i] = weft_view_str(names[i]);
        pairs[i] = (struct ask_pair){keys[i], value};
    }
    return command == ASK_HMSET ? ask_pairs(command, "t", pairs, KEYS)
                                : ask_keys(command, "t", keys, KEYS);
}

/* All of the keys are there, or none. */
static void assert_nothing_by_halves(struct scene *scene)
{
    struct call call;
    struct weft_bytes payload = ask_some(ASK_HMEXIST, VIEW(""));
    struct told told = ask_in(scene, payload, &call);
    if (told.status == 200) {
        for (size_t i = 1; i < told.value_count; i++)
            assert_true(weft_view_equal(told.values[i], told.values[0]));
    }
    fake_request_fini(&call.request);
    free(payload.data);
}

static void one_run(void *arg)
{
    struct scene *scene = arg;
    struct weft_bytes large = string_value(2000, 'x');
    struct weft_bytes sets[] = {ask_some(ASK_HMSET, VIEW("\x98\x00\x01")),
                                ask_some(ASK_HMSET, weft_view(large.data, large.size))};
    if (begin(scene) == 0) {
        struct call call;
        for (int i = 0; i < 2; i++) {
            struct told told = ask_in(scene, sets[i], &call);
            assert_true(told.status == 200 || (told.status == 503 && fault_failed() > 0));
            fake_request_fini(&call.request);
            assert_nothing_by_halves(scene);
        }
        struct told told = ask_in(scene, scene->payload, &call);
        assert_true(told.status == 200 || told.status == 404 ||
                    (told.status == 503 && fault_failed() > 0));
        fake_request_fini(&call.request);
        finish(scene);
    } else {
        assert_true(fault_failed() > 0);
    }
    for (int i = 0; i < 2; i++)
        free(sets[i].data);
    free(large.data);
}

static void survive(const struct kv_store *store, struct weft_bytes payload)
{
    struct scene scene = {.store = store, .payload = payload};
    assert_int_equal(weft_loop_new(&scene.loop, 0), 0);
    fault_each(one_run, &scene);
    weft_loop_free(scene.loop);
    free(payload.data);
}

/* More changes than are looked through for a repeated key without memory. */
static struct weft_bytes ask_changes(void)
{
    enum { CHANGES = 20 };
    struct weft_kv_change changes[CHANGES];
    char keys[CHANGES][16];
    for (int i = 0; i < CHANGES; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%d", i);
        changes[i] = storing(keys[i], "v");
        changes[i].condition = WEFT_KV_IF_ABSENT;
    }
    const struct weft_kv_request request = {.op = WEFT_KV_HPUT,
                                            .table = VIEW("u"),
                                            .changes = changes,
                                            .change_count = CHANGES,
                                            .state = true};
    return kv_call_payload(&request);
}

static struct weft_bytes ask_other(enum weft_kv_op op)
{
    const struct weft_view key = VIEW("n");
    bool has_key = op == WEFT_KV_HINCR || op == WEFT_KV_HEXPIRE;
    const struct weft_kv_request request = {.op = op,
                                            .table = VIEW("t"),
                                            .keys = &key,
                                            .key_count = has_key,
                                            .delta = {.type = WEFT_KV_FLOAT, .number = 0.5},
                                            .expiry = {WEFT_KV_EXPIRE_AFTER, 1000}};
    return kv_call_payload(&request);
}

static void survive_all(const struct kv_store *store)
{
    survive(store, ask_changes());
    for (enum weft_kv_op op = WEFT_KV_HINCR; op <= WEFT_KV_COUNT; op++)
        survive(store, ask_other(op));

    survive(store, ask_key(ASK_HGET, "t", "a"));
    survive(store, ask_key(ASK_HGETALL, "t", ""));
    survive(store, ask_some(ASK_HMGET, VIEW("")));
    survive(store, ask_hset("t", "a", VIEW("\x18\x01")));
    survive(store, ask_hset("u", "a", VIEW("\x98\x00\x01")));
    survive(store, ask_some(ASK_HMSET, VIEW("\x18\x01")));
    survive(store, ask_key(ASK_HDEL, "t", "a"));
    survive(store, ask_some(ASK_HMDEL, VIEW("")));
    survive(store, ask_key(ASK_HEXIST, "t", "a"));
    survive(store, ask_some(ASK_HMEXIST, VIEW("")));
}

static void test_every_command_survives_every_failing_allocation(void **state)
{
    (void)state;
    survive_all(&weft_kv_store_memory);
}

static void test_every_command_survives_it_where_replies_have_to_wait(void **state)
{
    (void)state;
    survive_all(&late_store_ordered);
}

static void test_store_without_memory_is_refused(void **state)
{
    struct weft_error error;
    struct weft_kv_context context;
    const struct weft_kv_limits limits = weft_kv_limits_default();
    (void)state;
    fault_install();
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(weft_kv_context_init(&context, &weft_kv_store_memory, &limits, NULL, &error),
                     -ENOMEM);
    fault_remove();
    assert_string_equal(error.text, "memory store: no memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_without_memory_is_refused),
        cmocka_unit_test(test_every_command_survives_every_failing_allocation),
        cmocka_unit_test(test_every_command_survives_it_where_replies_have_to_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
