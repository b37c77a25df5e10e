/* SPDX-License-Identifier: MIT
 *
 * Commands that come for a method of proto/kv.proto, without a CommandRequest around them: each means what it means
 * inside one. */
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
#include "services/kv/faces/protobuf/abi.h"
#include "services/kv/faces/protobuf/method.h"

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

/* {table: "t", pair: {key: "k", value: {string: "v"}}} */
#define HSET_MESSAGE VIEW("\x0A\x01t\x12\x08\x0A\x01k\x12\x03\x0A\x01v")

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
        METHOD_TEST(test_usual_commands_come_alone),
        METHOD_TEST(test_unusual_commands_come_alone),
        METHOD_TEST(test_malformed_commands_are_bad),
        cmocka_unit_test(test_each_method_of_the_file_is_known),
    };
    return cmocka_run_group_tests_name("kv methods", tests, NULL, NULL);
}
