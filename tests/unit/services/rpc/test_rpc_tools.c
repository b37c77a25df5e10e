/* SPDX-License-Identifier: MIT
 *
 * Health and reflection, over gRPC. What the files of reflection say is held against protoc by test_examples. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "grpc_health.pb-c.h"
#include "grpc_reflection.pb-c.h"
#include "lib/fault.h"
#include "rpc_fixture.h"
#include "services/rpc/describe.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest question_type;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer_type;

#define ANSWER(kind)   GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##kind
#define QUESTION(kind) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##kind
#define STATUS(name)   GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

static struct fake_request request;

static void call(struct rpc_world *world, const char *target, const ProtobufCMessage *message)
{
    uint8_t packed[256];
    const size_t size = protobuf_c_message_pack(message, packed);
    fake_request_init(&request, weft_view(packed, size), 1 << 20);
    request.request.target = weft_view_str(target);
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
}

/* --- health ------------------------------------------------------------------------------------------- */

static void call_health(struct rpc_world *world, const char *method, const char *service)
{
    Grpc__Health__V1__HealthCheckRequest message = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    message.service = (char *)(uintptr_t)service;
    call(world, method, &message.base);
}

static void expect_status(size_t i, int status)
{
    assert_true(i < request.reply_count);
    Grpc__Health__V1__HealthCheckResponse *response =
        grpc__health__v1__health_check_response__unpack(NULL, request.replies[i].size,
                                                        request.replies[i].data);
    assert_non_null(response);
    assert_int_equal(response->status, status);
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
}

static void test_health_of_what_is_served_is_serving(void **state)
{
    static const char *const names[] = {"", "sample.Sample", "grpc.health.v1.Health"};
    for (size_t i = 0; i < 3; i++) {
        call_health(*state, "/grpc.health.v1.Health/Check", names[i]);
        expect_status(0, STATUS(SERVING));
        fake_request_fini(&request);
    }
    call_health(*state, "/grpc.health.v1.Health/Check", "sample.Other");
    assert_int_equal(request.code, WEFT_RPC_NOT_FOUND);
    assert_string_equal(request.words, "The server has no such service");
    fake_request_fini(&request);
}

static void test_watch_of_health_goes_on_until_the_server_drains(void **state)
{
    call_health(*state, "/grpc.health.v1.Health/Watch", "");
    expect_status(0, STATUS(SERVING));
    assert_false(request.ended);
    assert_true(request.endless);
    request.request.on_cancel(&request.request, WEFT_REASON_DRAINED);
    expect_status(1, STATUS(NOT_SERVING));
    assert_int_equal(request.code, WEFT_RPC_UNAVAILABLE);
    assert_string_equal(request.words, "The server shuts down");
    fake_request_fini(&request);
    call_health(*state, "/grpc.health.v1.Health/Watch", "sample.Other");
    expect_status(0, STATUS(SERVICE_UNKNOWN));
    request.gone = true;
    request.request.on_cancel(&request.request, WEFT_REASON_STREAM_RESET);
    assert_true(request.ended);
    fake_request_fini(&request);
}

/* --- reflection --------------------------------------------------------------------------------------- */

/* Asks one question, and no other. */
static void call_reflection(struct rpc_world *world, const char *target,
                            const ProtobufCMessage *question)
{
    uint8_t packed[256];
    const struct weft_view bytes = weft_view(packed, protobuf_c_message_pack(question, packed));
    fake_request_init(&request, weft_view("", 0), 1 << 20);
    request.request.target = weft_view_str(target);
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
    if (!request.ended)
        fake_request_message(&request, &bytes);
    if (!request.ended)
        fake_request_message(&request, NULL);
}

/* Asks, and returns the answer, which the caller frees. */
static answer_type *ask(struct rpc_world *world, const char *version, int kind, const char *text)
{
    question_type question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    char target[128];
    (void)snprintf(target, sizeof target,
                   "/grpc.reflection.%s.ServerReflection/ServerReflectionInfo", version);
    question.message_request_case =
        (Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)kind;
    question.list_services = (char *)(uintptr_t)text;
    if (kind == QUESTION(FILE_CONTAINING_EXTENSION))
        question.file_containing_extension = NULL;
    call_reflection(world, target, &question.base);
    assert_true(request.ended);
    assert_int_equal(request.reply_count, 1);
    assert_int_equal(request.code, 0);
    answer_type *answer = grpc__reflection__v1__server_reflection_response__unpack(
        NULL, request.replies[0].size, request.replies[0].data);
    assert_non_null(answer);
    assert_int_equal(answer->original_request->message_request_case, kind);
    fake_request_fini(&request);
    return answer;
}

static void test_services_are_listed_by_both_versions(void **state)
{
    static const char *const versions[] = {"v1", "v1alpha"};
    static const char *const names[] = {
        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection", "old.Olds", "sample.Sample"};
    for (size_t i = 0; i < 2; i++) {
        answer_type *answer = ask(*state, versions[i], QUESTION(LIST_SERVICES), "*");
        assert_int_equal(answer->message_response_case, ANSWER(LIST_SERVICES_RESPONSE));
        assert_int_equal(answer->list_services_response->n_service, 5);
        for (size_t k = 0; k < 5; k++)
            assert_string_equal(answer->list_services_response->service[k]->name, names[k]);
        grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
    }
}

static void test_file_is_found_by_its_name_and_by_what_it_has(void **state)
{
    static const struct {
        int kind;
        const char *text, *package; /* NULL: it is not there */
    } rows[] = {
        {QUESTION(FILE_BY_FILENAME), "sample.proto", "sample"},
        {QUESTION(FILE_BY_FILENAME), "grpc.health.v1.proto", "grpc.health.v1"},
        {QUESTION(FILE_BY_FILENAME), "sample", NULL},
        {QUESTION(FILE_CONTAINING_SYMBOL), "sample.Sample", "sample"},
        {QUESTION(FILE_CONTAINING_SYMBOL), "sample.Sample.Say", "sample"},
        {QUESTION(FILE_CONTAINING_SYMBOL), "sample.Everything", "sample"},
        {QUESTION(FILE_CONTAINING_SYMBOL), "sample.Colour", "sample"},
        {QUESTION(FILE_CONTAINING_SYMBOL), "sample.Everything.ByTextEntry", "sample"},
        {QUESTION(FILE_CONTAINING_SYMBOL), "grpc.reflection.v1alpha.ServerReflection",
         "grpc.reflection.v1alpha"},
        {QUESTION(FILE_CONTAINING_SYMBOL), "sample.Sample.Shout", NULL},
        {QUESTION(FILE_CONTAINING_SYMBOL), "sample.Samples", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer_type *answer = ask(*state, "v1", rows[i].kind, rows[i].text);
        if (!rows[i].package) {
            assert_int_equal(answer->message_response_case, ANSWER(ERROR_RESPONSE));
            assert_int_equal(answer->error_response->error_code, WEFT_RPC_NOT_FOUND);
            assert_string_equal(answer->error_response->error_message,
                                "There is no such file or symbol");
        } else {
            assert_int_equal(answer->message_response_case, ANSWER(FILE_DESCRIPTOR_RESPONSE));
            const ProtobufCBinaryData *file =
                answer->file_descriptor_response->file_descriptor_proto;
            const size_t size = strlen(rows[i].package);
            assert_int_equal(file->data[1], size + strlen(".proto"));
            assert_memory_equal(file->data + 2, rows[i].package, size);
        }
        grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
    }
}

static void test_extensions_are_not_told(void **state)
{
    answer_type *answer = ask(*state, "v1", QUESTION(ALL_EXTENSION_NUMBERS_OF_TYPE), "old.Old");
    assert_int_equal(answer->error_response->error_code, WEFT_RPC_UNIMPLEMENTED);
    assert_string_equal(answer->error_response->error_message,
                        "Files, symbols and services can be asked for");
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
}

static void test_each_is_added_once(void **state)
{
    (void)state;
    struct weft_rpc *rpc = weft_rpc_new("tools");
    assert_non_null(rpc);
    assert_int_equal(weft_rpc_add_health(rpc, NULL), 0);
    assert_int_equal(weft_rpc_add_health(rpc, NULL), -EEXIST);
    assert_int_equal(weft_rpc_add_reflection(rpc, NULL), 0);
    assert_int_equal(weft_rpc_add_reflection(rpc, NULL), -EEXIST);
    weft_rpc_free(rpc);
}

static void make_tools(void *arg)
{
    struct rpc_world world;
    (void)arg;
    if (rpc_world_init(&world)) {
        call_health(&world, "/grpc.health.v1.Health/Watch", "");
        if (!request.ended)
            request.request.on_cancel(&request.request, WEFT_REASON_DRAINED);
        assert_true(request.ended);
        fake_request_fini(&request);
        question_type question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
        question.message_request_case = QUESTION(LIST_SERVICES);
        question.list_services = (char *)(uintptr_t) "*";
        call_reflection(&world, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                        &question.base);
        assert_true(request.ended);
        fake_request_fini(&request);
    }
    rpc_world_fini(&world);
}

static void test_tools_survive_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(make_tools, NULL);
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_health_of_what_is_served_is_serving),
        RPC_TEST(test_watch_of_health_goes_on_until_the_server_drains),
        RPC_TEST(test_services_are_listed_by_both_versions),
        RPC_TEST(test_file_is_found_by_its_name_and_by_what_it_has),
        RPC_TEST(test_extensions_are_not_told),
        cmocka_unit_test(test_each_is_added_once),
        cmocka_unit_test(test_tools_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
