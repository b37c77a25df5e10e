/* SPDX-License-Identifier: MIT
 *
 * Commands that come for a method of proto/kv.proto, without a CommandRequest around them: each means what it means
 * inside one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi.pb-c.h"
#include "../../kv_talk.h"
#include "lib/fault.h"
#include "lib/late_store.h"
#include "services/kv/faces/protobuf/abi.h"
#include "services/kv/faces/protobuf/beside.h"
#include "services/kv/faces/protobuf/method.h"

/* {table: "t", pair: {key: "k", value: {string: "v"}}} */
#define HSET_MESSAGE VIEW("\x0A\x01t\x12\x08\x0A\x01k\x12\x03\x0A\x01v")

static struct fake_request request;

/* Sends a message for a target. The reply is valid until the next one. */
static struct told send_for(const char *target, struct weft_view message)
{
    if (request.called)
        fake_request_fini(&request);
    fake_request_init(&request, message, (size_t)kv_talk.fixture.limits.decode_bytes);
    request.request.target = weft_view_str(target);
    kv_fixture_call(&kv_talk.fixture, &request);
    assert_true(request.ended);
    return told_of(fake_request_reply(&request));
}

static int teardown(void **state)
{
    if (request.called)
        fake_request_fini(&request);
    request.called = false;
    return kv_talk_teardown(state);
}

static void test_each_method_of_the_file_is_known(void **state)
{
    (void)state;
    size_t count = 0;
    char *text = calloc(1, 1 << 16), *at = text;
    FILE *file = fopen(KV_PROTO, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    while ((at = strstr(at, "\n  rpc "))) {
        char name[32], takes[32], target[64];
        assert_int_equal(sscanf(at, " rpc %31[A-Za-z](abi.%31[A-Za-z])", name, takes), 2);
        snprintf(target, sizeof target, "/weft.kv.v1.Kv/%s", name);
        int number = kv__method_of(weft_view_str(target));
        if (strcmp(takes, "CommandRequest") == 0) {
            assert_int_equal(number, KV_METHOD_EXECUTE);
        } else {
            const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
                &abi__command_request__descriptor, (unsigned)number);
            assert_non_null(field);
            const ProtobufCMessageDescriptor *type = field->descriptor;
            assert_string_equal(type->short_name, takes);
        }
        count++;
        at++;
    }
    /* A method for each command, and Execute. */
    assert_int_equal(count, abi__command_request__descriptor.n_fields + 1);
    free(text);
}

static void test_other_targets_are_unimplemented(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/",           "/weft.kv.v1.Kv",      "/weft.kv.v1.Kv/",
        "/other/Hget", "/weft.kv.v1.Kv/hget", "/weft.kv.v1.Kv/Hgets"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (request.called)
            fake_request_fini(&request);
        fake_request_init(&request, weft_view(NULL, 0), 1000);
        request.request.target = weft_view_str(targets[i]);
        kv_fixture_call(&kv_talk.fixture, &request);
        assert_true(request.ended);
        assert_int_equal(request.reply_count, 0);
        assert_int_equal(request.code, 12);
        assert_non_null(strstr(request.words, "kv.proto"));
    }
}

/* --- a service beside kv ------------------------------------------------------------------------------ */

struct beside {
    int starts, stops, calls; /* so often */
    int start_fails;          /* what start returns */
};

static int beside_configure(void *config, void *context, const struct weft_option_set *set,
                            const struct weft_limits *limits, struct weft_error *error)
{
    (void)error;
    assert_int_equal(set->count, 0);
    assert_ptr_equal(limits, &kv_talk.fixture.limits);
    *(struct beside **)config = context;
    return 0;
}

static int beside_start(void *loop_state, const void *config, struct weft_loop *loop)
{
    struct beside *self = *(struct beside *const *)config;
    assert_ptr_equal(loop, kv_talk.fixture.loop);
    *(struct beside **)loop_state = self;
    self->starts += self->start_fails == 0;
    return self->start_fails;
}

static void beside_stop(void *loop_state)
{
    (*(struct beside **)loop_state)->stops++;
}

static void beside_call(void *loop_state, void *conn_state, struct weft_request *asked)
{
    assert_null(conn_state);
    assert_int_equal(asked->payload.size, 3);
    struct beside *self = *(struct beside **)loop_state;
    self->calls++;
    assert_int_equal(weft_request_trailer(asked, 5, weft_view_str("beside"), weft_view(NULL, 0)),
                     0);
    assert_int_equal(weft_request_end(asked, NULL), 0);
}

static const struct weft_service beside_service = {
    .name = "beside",
    .speaks = "*",
    .config_size = sizeof(struct beside *),
    .loop_size = sizeof(struct beside *),
    .configure = beside_configure,
    .start = beside_start,
    .stop = beside_stop,
    .call = beside_call,
};

static void plain_call(void *loop_state, void *conn_state, struct weft_request *asked)
{
    (void)loop_state, (void)conn_state;
    assert_int_equal(weft_request_end(asked, NULL), 0);
}

static const struct weft_service plain_service = {
    .name = "plain", .speaks = "*", .call = plain_call};

/* Starts kv's loop again, with `beside` beside it. Returns what start did. */
static int restart(const struct weft_service *service, struct beside *beside)
{
    struct kv_fixture *fixture = &kv_talk.fixture;
    fixture->service->close(fixture->conn_state, fixture->loop_state);
    fixture->service->stop(fixture->loop_state);
    memset(fixture->loop_state, 0, fixture->service->loop_size);
    memset(fixture->conn_state, 0, fixture->service->conn_size);
    fixture->context.beside = service;
    fixture->context.beside_context = beside;
    return fixture->service->start(fixture->loop_state, fixture->config, fixture->loop);
}

static void open_again(void)
{
    struct kv_fixture *fixture = &kv_talk.fixture;
    assert_int_equal(fixture->service->open(fixture->conn_state, fixture->loop_state), 0);
}

static void assert_ended(const char *target, uint32_t code, const char *words)
{
    (void)send_for(target, VIEW("abc"));
    assert_int_equal(request.reply_count, 0);
    assert_int_equal(request.code, code);
    assert_non_null(strstr(request.words, words));
}

static void test_targets_of_other_services_go_beside(void **state)
{
    (void)state;
    struct beside beside = {.starts = 0};
    assert_int_equal(restart(&beside_service, &beside), 0);
    open_again();
    assert_ended("/other.Service/Method", 5, "beside");
    assert_ended("/", 5, "beside");
    assert_int_equal(beside.calls, 2);
    assert_ended("/weft.kv.v1.Kv/Hgets", 12, "kv.proto");
    assert_int_equal(beside.calls, 2);
    struct told told = send_for("/weft.kv.v1.Kv/Hset", HSET_MESSAGE);
    assert_int_equal(told.status, 200);
    assert_int_equal(restart(&plain_service, NULL), 0);
    assert_int_equal(beside.starts, 1);
    assert_int_equal(beside.stops, 1);
    open_again();
    assert_ended("/other.Service/Method", 0, "");
    assert_int_equal(restart(NULL, NULL), 0);
    open_again();
}

static int late_setup(void **state)
{
    (void)state;
    kv_fixture_init(&kv_talk.fixture, &late_store_ordered);
    return 0;
}

/* The request is then kept before its target is looked at. */
static void test_targets_go_beside_a_store_that_answers_later(void **state)
{
    (void)state;
    struct beside beside = {.starts = 0};
    assert_int_equal(restart(&beside_service, &beside), 0);
    open_again();
    assert_ended("/other.Service/Method", 5, "beside");
    assert_true(request.kept);
    assert_int_equal(beside.calls, 1);
    assert_int_equal(restart(NULL, NULL), 0);
    open_again();
}

static void start_beside(void *arg)
{
    struct beside *beside = arg;
    struct weft_kv_context context = {.beside = &beside_service, .beside_context = beside};
    const struct kv_session_config config = {.context = &context,
                                             .limits = &kv_talk.fixture.limits};
    struct kv_beside self;
    *beside = (struct beside){.starts = 0};
    int err = kv__beside_start(&self, &config, kv_talk.fixture.loop);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    assert_int_equal(beside->starts, err == 0);
    if (err == 0)
        kv__beside_stop(&self);
}

static void test_start_beside_survives_every_failing_allocation(void **state)
{
    (void)state;
    struct beside beside;
    fault_each(start_beside, &beside);
}

static void test_kv_does_not_start_if_the_one_beside_does_not(void **state)
{
    (void)state;
    struct beside beside = {.start_fails = -EMFILE};
    assert_int_equal(restart(&beside_service, &beside), -EMFILE);
    assert_int_equal(beside.stops, 0);
    kv_talk.fixture.context.beside = NULL;
    assert_int_equal(kv_talk.fixture.service->start(kv_talk.fixture.loop_state,
                                                    kv_talk.fixture.config, kv_talk.fixture.loop),
                     0);
    open_again();
}

/* --- commands ----------------------------------------------------------------------------------------- */

static void test_usual_commands_come_alone(void **state)
{
    (void)state;
    struct told told = send_for("/weft.kv.v1.Kv/Hset", HSET_MESSAGE);
    assert_int_equal(told.status, 200);
    told = send_for("/weft.kv.v1.Kv/Hget", VIEW("\x0A\x01t\x12\x01k"));
    assert_value(&told, VIEW("\x0A\x01v"));
    told = send_for("/weft.kv.v1.Kv/Execute", VIEW("\x0A\x06\x0A\x01t\x12\x01k"));
    assert_value(&told, VIEW("\x0A\x01v"));
    told = send_for("/weft.kv.v1.Kv/Hdel", VIEW("\x0A\x01t\x12\x01k"));
    assert_value(&told, VIEW("\x0A\x01v"));
}

/* Each is decoded by its descriptor: more than one key, fields in another order, none at all. */
static void test_unusual_commands_come_alone(void **state)
{
    (void)state;
    (void)send_for("/weft.kv.v1.Kv/Hset", HSET_MESSAGE);
    struct told told = send_for("/weft.kv.v1.Kv/Hmget",
                                VIEW("\x0A\x01t\x12\x01k\x12\x01x\x12\x01y\x12\x01z\x12\x01k"));
    assert_int_equal(told.status, 200);
    assert_int_equal(told.value_count, 5);
    told = send_for("/weft.kv.v1.Kv/Hget", VIEW("\x12\x01k\x0A\x01t"));
    assert_value(&told, VIEW("\x0A\x01v"));
    told = send_for("/weft.kv.v1.Kv/Tables", weft_view(NULL, 0));
    assert_int_equal(told.status, 200);
    told = send_for("/weft.kv.v1.Kv/Hset", VIEW("\x0A\x01t"));
    assert_told(&told, 400, "Command is invalid: `Hset { table: \"t\", pair: None }`");
    told = send_for("/weft.kv.v1.Kv/Execute", weft_view(NULL, 0));
    assert_told(&told, 400, "Command is invalid: `Request has no data`");
}

static void test_malformed_commands_are_bad(void **state)
{
    (void)state;
    struct told told = send_for("/weft.kv.v1.Kv/Hget", VIEW("\x0A\x01\xFF"));
    assert_told(&told, 400, "Request is malformed: a string is not UTF-8");
    assert_true(request.bad);
}

#define METHOD_TEST(name) cmocka_unit_test_setup_teardown(name, kv_talk_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        METHOD_TEST(test_other_targets_are_unimplemented),
        METHOD_TEST(test_targets_of_other_services_go_beside),
        cmocka_unit_test_setup_teardown(test_targets_go_beside_a_store_that_answers_later,
                                        late_setup, teardown),
        METHOD_TEST(test_start_beside_survives_every_failing_allocation),
        METHOD_TEST(test_kv_does_not_start_if_the_one_beside_does_not),
        METHOD_TEST(test_usual_commands_come_alone),
        METHOD_TEST(test_unusual_commands_come_alone),
        METHOD_TEST(test_malformed_commands_are_bad),
        cmocka_unit_test(test_each_method_of_the_file_is_known),
    };
    return cmocka_run_group_tests_name("kv methods", tests, NULL, NULL);
}
