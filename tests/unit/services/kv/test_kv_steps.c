/* SPDX-License-Identifier: MIT
 *
 * Tasks of several store operations, through a face that knows nothing else: a payload such as "3a" stores
 * a value three times, and is answered with the number of steps that were done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "core/base/settings.h"
#include "kv_fixture.h"
#include "lib/late_store.h"
#include "lib/virtual_loop.h"
#include "services/kv/session.h"

struct task {
    struct kv_task base; /* first */
    struct kv_item item;
    unsigned long left, done;
    char text[32];
    struct weft_body_bytes body;
};

static char steps[64]; /* the letter of each task whose operation ended, in order */
static size_t step_count;

static struct task *task_of(struct kv_task *base)
{
    return weft_container_of(base, struct task, base);
}

static bool step(struct kv_task *base)
{
    struct task *task = task_of(base);
    const struct weft_view payload = base->request->payload;
    if (step_count < sizeof steps - 1)
        steps[step_count++] = (char)payload.data[payload.size - 1];
    task->done++;
    return base->call.reply.status == KV_OK && --task->left > 0;
}

static bool decode(struct kv_task *base)
{
    struct task *task = task_of(base);
    task->left = strtoul((const char *)base->request->payload.data, NULL, 10);
    task->done = 0;
    task->item =
        (struct kv_item){.key = weft_view_str("k"), .value.bytes = weft_view_str("\x0a\x01x")};
    base->call.command = &kv_commands[KV_HSET];
    base->call.table = weft_view_str("t");
    base->call.items = &task->item;
    base->call.count = 1;
    kv_task_in_steps(base, step);
    return true;
}

static const struct weft_body *reply(struct kv_task *base, const struct kv_reply *reply)
{
    struct task *task = task_of(base);
    (void)snprintf(task->text, sizeof task->text, "%d %lu", (int)reply->status, task->done);
    task->body = weft_body_from_view(weft_view_str(task->text));
    return &task->body.body;
}

static size_t pair_size(const struct kv_task *task, const struct kv_pair *pair)
{
    (void)task, (void)pair;
    return 0;
}

static void put_pair(const struct kv_task *task, uint8_t *dst, const struct kv_pair *pair)
{
    (void)task, (void)dst, (void)pair;
}

static size_t put_text(uint8_t *dst, enum kv_status status, const char *text)
{
    return (size_t)snprintf((char *)dst, WEFT_REJECT_MAX, "%d %s", (int)status, text);
}

static const struct kv_face face = {
    .task_size = sizeof(struct task),
    .decode = decode,
    .reply = reply,
    .pair_size = pair_size,
    .put_pair = put_pair,
    .put_text = put_text,
};

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    (void)set, (void)error;
    return kv_session_configure(config, context, limits, &face);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state;
    struct task task;
    kv_session_call(conn_state, request, &task.base);
}

static const struct weft_service service = {
    .name = "steps",
    .speaks = "*",
    .config_size = sizeof(struct kv_session_config),
    .loop_size = sizeof(struct kv_session_loop),
    .conn_size = sizeof(struct kv_session),
    .configure = configure,
    .start = kv_session_loop_start,
    .stop = kv_session_loop_stop,
    .open = kv_session_open,
    .close = kv_session_close,
    .call = call,
    .reject = kv_session_reject,
};

static void init(struct kv_fixture *fixture, const struct kv_store *store)
{
    const struct weft_limits limits = weft_limits_default();
    const struct weft_option_set none = {0};
    kv_fixture_init_service(fixture, &service, &none, store, &limits);
    memset(steps, 0, sizeof steps);
    step_count = 0;
}

static void assert_reply(const struct fake_request *request, const char *text)
{
    assert_true(request->ended);
    struct weft_view reply = fake_request_reply(request);
    assert_int_equal(reply.size, strlen(text));
    assert_memory_equal(reply.data, text, reply.size);
}

static void test_steps_within_submit_need_no_stack(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct fake_request request;
    init(&fixture, NULL);
    kv_fixture_send(&fixture, &request, weft_view("300000a", sizeof "300000a"));
    assert_reply(&request, "200 300000");
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

static void test_no_other_task_of_the_connection_comes_between_two_steps(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct fake_request first, second, third;
    init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    for (int i = 0; i < LATE_DELAYS; i++)
        plan->delays[i] = 1000;
    kv_fixture_send(&fixture, &first, weft_view_str("3a"));
    kv_fixture_send(&fixture, &second, weft_view_str("2b"));
    kv_fixture_send(&fixture, &third, weft_view_str("1c"));
    while (!third.ended)
        assert_true(virtual_loop_advance(fixture.loop, 1000));
    assert_reply(&first, "200 3");
    assert_reply(&second, "200 2");
    assert_reply(&third, "200 1");
    assert_string_equal(steps, "aaabbc");
    assert_int_equal(plan->most_in_flight, 1);
    fake_request_fini(&first);
    fake_request_fini(&second);
    fake_request_fini(&third);
    kv_fixture_fini(&fixture);
}

static void test_steps_that_complete_in_later_turns_need_no_stack(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct fake_request request;
    init(&fixture, &late_store_unordered);
    kv_fixture_send(&fixture, &request, weft_view_str("1000a"));
    while (!request.ended)
        virtual_loop_turn(fixture.loop);
    assert_reply(&request, "200 1000");
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

static void test_step_sees_that_the_store_failed(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct fake_request request;
    init(&fixture, &late_store_ordered);
    struct late_plan *plan = late_store_plan(fixture.context.state);
    plan->forced = true;
    plan->outcome = KV_FAILED;
    kv_fixture_send(&fixture, &request, weft_view_str("5a"));
    while (!request.ended)
        virtual_loop_turn(fixture.loop);
    assert_reply(&request, "500 1");
    fake_request_fini(&request);
    kv_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_within_submit_need_no_stack),
        cmocka_unit_test(test_no_other_task_of_the_connection_comes_between_two_steps),
        cmocka_unit_test(test_steps_that_complete_in_later_turns_need_no_stack),
        cmocka_unit_test(test_step_sees_that_the_store_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
