/* SPDX-License-Identifier: MIT
 *
 * A set of services: what it takes and finds, and how it is registered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "rpc_fixture.h"

static Sample__Sample_Service sample = {
    .base = {&sample__sample__descriptor, protobuf_c_service_invoke_internal, NULL}};
static Old__Olds_Service olds = {
    .base = {&old__olds__descriptor, protobuf_c_service_invoke_internal, NULL}};

static void test_service_is_added_once(void **state)
{
    (void)state;
    struct weft_rpc *rpc = weft_rpc_new("set");
    assert_non_null(rpc);
    assert_int_equal(weft_rpc_add(rpc, &sample.base, NULL, NULL), 0);
    assert_int_equal(weft_rpc_add(rpc, &sample.base, NULL, NULL), -EEXIST);
    assert_int_equal(weft_rpc_add(rpc, &olds.base, NULL, NULL), 0);
    weft_rpc_free(rpc);
}

static void test_stream_that_is_no_method_is_refused(void **state)
{
    static const char *const streams[] = {"Stream", "Strean", NULL};
    static const ProtobufCServiceDescriptor none = {.magic = 1};
    static const ProtobufCService strange = {.descriptor = &none};
    struct weft_error error;
    (void)state;
    struct weft_rpc *rpc = weft_rpc_new("set");
    assert_non_null(rpc);
    assert_int_equal(weft_rpc_add(rpc, &sample.base, streams, &error), -EINVAL);
    assert_string_equal(error.text, "'Strean' is to stream, but sample.Sample has no such method");
    assert_int_equal(weft_rpc_add(rpc, &strange, NULL, &error), -EINVAL);
    assert_string_equal(error.text, "the service is none that protoc-c has made");
    assert_null(weft__rpc_find(rpc, weft_view_str("sample.Sample/Say")));
    weft_rpc_free(rpc);
}

static void test_set_that_could_not_be_made_takes_nothing(void **state)
{
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    void *context;
    (void)state;
    assert_int_equal(weft_rpc_add(NULL, &sample.base, NULL, &error), -ENOMEM);
    assert_string_equal(error.text, "there is no memory for the services");
    assert_int_equal(weft_rpc_stream_requests(NULL, "sample.Sample/Chat", &error), -ENOMEM);
    assert_int_equal(weft_rpc_add_health(NULL, &error), -ENOMEM);
    assert_int_equal(weft_rpc_add_reflection(NULL, &error), -ENOMEM);
    assert_int_equal(weft_rpc_register(NULL, &registry, &error), -ENOMEM);
    assert_null(weft_rpc_service(NULL, &context));
}

static void test_refusals_say_what_is_wrong(void **state)
{
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    (void)state;
    struct weft_rpc *rpc = weft_rpc_new("set");
    assert_non_null(rpc);
    assert_int_equal(weft_rpc_add(rpc, &sample.base, NULL, &error), 0);
    assert_int_equal(weft_rpc_add(rpc, &sample.base, NULL, &error), -EEXIST);
    assert_string_equal(error.text, "sample.Sample has been added already");
    assert_int_equal(weft_rpc_stream_requests(rpc, "Sample/Chat", &error), -ENOENT);
    assert_string_equal(error.text,
                        "there is no method 'Sample/Chat'; a name is 'package.Service/Method'");
    assert_int_equal(weft_rpc_register(rpc, &registry, &error), 0);
    assert_int_equal(weft_rpc_add(rpc, &olds.base, NULL, &error), -EPERM);
    assert_string_equal(error.text, "'set' has been registered; add to it before that");
    assert_int_equal(weft_rpc_register(rpc, &registry, &error), -EEXIST);
    assert_string_equal(error.text, "service 'set': there is one of this name already");
    weft_rpc_free(rpc);
}

static void test_methods_are_found_by_their_whole_name(void **state)
{
    static const char *const no[] = {"",
                                     "/",
                                     "sample.Sample",
                                     "sample.Sample/",
                                     "sample.Sample/Sa",
                                     "sample.Sample/Say/",
                                     "sample.Sample/Zebra",
                                     "a.B/C",
                                     "//sample.Sample/Say"};
    (void)state;
    struct weft_rpc *rpc = weft_rpc_new("set");
    assert_non_null(rpc);
    assert_null(weft__rpc_find(rpc, weft_view_str("sample.Sample/Say")));
    assert_int_equal(weft_rpc_add(rpc, &sample.base, NULL, NULL), 0);
    assert_int_equal(weft_rpc_add(rpc, &olds.base, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_null(weft__rpc_find(rpc, weft_view_str(no[i])));
    for (size_t i = 0; i < rpc->count; i++) {
        char target[64] = "/";
        strcat(target, rpc->methods[i]->path);
        assert_ptr_equal(weft__rpc_find(rpc, weft_view_str(target)), rpc->methods[i]);
        assert_ptr_equal(weft__rpc_find(rpc, weft_view_str(target + 1)), rpc->methods[i]);
    }
    weft_rpc_free(rpc);
}

static void test_set_is_registered_with_each_face_and_then_closed(void **state)
{
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    void *context;
    (void)state;
    struct weft_rpc *rpc = weft_rpc_new("set");
    assert_non_null(rpc);
    assert_int_equal(weft_rpc_register(rpc, &registry, NULL), 0);
    assert_int_equal(weft_rpc_add(rpc, &sample.base, NULL, NULL), -EPERM);
    const struct weft_service *http =
        weft_registry_service(&registry, "set", "http", &context, &error);
    const struct weft_service *frames =
        weft_registry_service(&registry, "set", "*", &context, &error);
    assert_non_null(http);
    assert_string_equal(http->speaks, "http");
    assert_string_equal(frames->speaks, "protobuf:rpc");
    assert_int_equal(weft_rpc_register(rpc, &registry, NULL), -EEXIST);
    weft_rpc_free(rpc);
}

static void test_set_is_a_service_to_call_without_a_registry(void **state)
{
    struct fake_request request;
    void *context;
    (void)state;
    struct weft_rpc *rpc = weft_rpc_new("set");
    assert_non_null(rpc);
    assert_int_equal(weft_rpc_add_health(rpc, NULL), 0);
    const struct weft_service *service = weft_rpc_service(rpc, &context);
    assert_non_null(service);
    assert_int_equal(weft_rpc_add(rpc, &sample.base, NULL, NULL), -EPERM);
    assert_int_equal(service->conn_size, 0);
    void *config = calloc(1, service->config_size), *memory = calloc(1, service->loop_size);
    const struct weft_option_set none = {NULL, 0};
    struct weft_error error;
    assert_int_equal(service->configure(config, context, &none, NULL, &error), 0);
    assert_int_equal(service->start(memory, config, NULL), 0);
    fake_request_init(&request, weft_view(NULL, 0), 1000);
    request.request.target = weft_view_str("/grpc.health.v1.Health/Check");
    fake_request_call(&request, service, memory, NULL);
    assert_true(request.ended);
    assert_int_equal(request.code, WEFT_RPC_OK);
    assert_memory_equal(fake_request_reply(&request).data, "\x08\x01", 2);
    fake_request_fini(&request);
    service->stop(memory);
    free(memory);
    free(config);
    weft_rpc_free(rpc);
}

static void make_service(void *arg)
{
    void *context;
    (void)arg;
    struct weft_rpc *rpc = weft_rpc_new("set");
    if (rpc && weft_rpc_add(rpc, &sample.base, NULL, NULL) == 0 &&
        weft_rpc_add_reflection(rpc, NULL) == 0)
        assert_true(weft_rpc_service(rpc, &context) || fault_failed() > 0);
    weft_rpc_free(rpc);
}

static void test_making_a_service_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(make_service, NULL);
}

static void test_name_has_at_most_63_bytes(void **state)
{
    char name[65] = "";
    (void)state;
    memset(name, 'n', 64);
    assert_null(weft_rpc_new(name));
    name[63] = '\0';
    struct weft_rpc *rpc = weft_rpc_new(name);
    assert_non_null(rpc);
    weft_rpc_free(rpc);
    weft_rpc_free(NULL);
}

static void fill(void *arg)
{
    (void)arg;
    struct weft_rpc *rpc = weft_rpc_new("set");
    if (!rpc)
        return;
    const int first = weft_rpc_add(rpc, &sample.base, NULL, NULL);
    const int second = weft_rpc_add(rpc, &olds.base, NULL, NULL);
    assert_true(first == 0 || (first == -ENOMEM && fault_failed() > 0));
    assert_true(second == 0 || (second == -ENOMEM && fault_failed() > 0));
    assert_int_equal(rpc->count, (first == 0 ? 6 : 0) + (second == 0));
    weft_rpc_free(rpc);
}

static void test_filling_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(fill, NULL);
}

static void test_codes_have_names_and_statuses(void **state)
{
    (void)state;
    assert_string_equal(weft_rpc_code_name(WEFT_RPC_OK), "OK");
    assert_string_equal(weft_rpc_code_name(WEFT_RPC_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(weft_rpc_code_name((enum weft_rpc_code)17), "UNKNOWN");
    assert_int_equal(weft_rpc_code_http(WEFT_RPC_NOT_FOUND), 404);
    assert_int_equal(weft_rpc_code_http((enum weft_rpc_code)(-1)), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_is_added_once),
        cmocka_unit_test(test_stream_that_is_no_method_is_refused),
        cmocka_unit_test(test_set_that_could_not_be_made_takes_nothing),
        cmocka_unit_test(test_refusals_say_what_is_wrong),
        cmocka_unit_test(test_methods_are_found_by_their_whole_name),
        cmocka_unit_test(test_set_is_registered_with_each_face_and_then_closed),
        cmocka_unit_test(test_set_is_a_service_to_call_without_a_registry),
        cmocka_unit_test(test_making_a_service_survives_every_failing_allocation),
        cmocka_unit_test(test_name_has_at_most_63_bytes),
        cmocka_unit_test(test_filling_survives_every_failing_allocation),
        cmocka_unit_test(test_codes_have_names_and_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
