/* SPDX-License-Identifier: MIT
 *
 * Beside the messages go fields of the answer, details of its code, metadata as bytes, and the deadline. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "rpc_fixture.h"

static struct fake_request request;

/* --- the faces ---------------------------------------------------------------------------------------- */

static void call_grpc(struct rpc_world *world, const char *method, uint32_t count,
                      const char *metadata)
{
    Sample__Text message = SAMPLE__TEXT__INIT;
    static char target[64];
    uint8_t packed[64];
    message.text = (char *)(uintptr_t) "beside";
    message.count = count;
    (void)snprintf(target, sizeof target, "/sample.Sample/%s", method);
    fake_request_init(&request, weft_view(packed, sample__text__pack(&message, packed)), 1 << 20);
    request.request.target = weft_view_str(target);
    request.request.metadata = weft_view_str(metadata);
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
}

static void test_grpc_has_fields_and_details_as_metadata(void **state)
{
    call_grpc(*state, "Say", 0, "");
    assert_string_equal(request.header, "x-first: one\nx-raw-bin: AP8=\n");
    assert_string_equal(request.trailer, "x-last: two\n");
    assert_int_equal(request.code, 0);
    fake_request_fini(&request);
    call_grpc(*state, "Say", 1, "");
    assert_int_equal(request.code, WEFT_RPC_NOT_FOUND);
    assert_string_equal(request.header, "x-first: one\nx-raw-bin: AP8=\n");
    /* A google.rpc.Status: 5, the words, and an Any of the Text {"beside"}. */
    assert_string_equal(request.trailer,
                        "x-last: two\ngrpc-status-details-bin: CAUSD3NlZSB0aGUgZGV0YWlscxorCh90eXBl"
                        "Lmdvb2dsZWFwaXMuY29tL3NhbXBsZS5UZXh0EggKBmJlc2lkZQ==\n");
    fake_request_fini(&request);
    call_grpc(*state, "Stream", 2, "");
    assert_string_equal(request.header, "x-first: one\nx-raw-bin: AP8=\n");
    assert_string_equal(request.trailer, "x-last: two\n");
    assert_int_equal(request.reply_count, 2);
    fake_request_fini(&request);
}

static void assert_reply(size_t i, const char *bytes, size_t size)
{
    assert_true(i < request.reply_count);
    assert_int_equal(request.replies[i].size, size);
    assert_memory_equal(request.replies[i].data, bytes, size);
}

#define HEADER_FIELDS  "*\x0e\n\x07x-first\x12\x03one*\x0f\n\x09x-raw-bin\x12\x02\0\xff"
#define TRAILER_FIELDS "2\x0d\n\x06x-last\x12\x03two"

static void test_frames_have_fields_and_details_in_the_reply(void **state)
{
    static const char unary[] = "\x1a\x08\n\x06"
                                "beside" HEADER_FIELDS TRAILER_FIELDS;
    static const char ended[] = "\x08\x05\x12\x0fsee the details" HEADER_FIELDS TRAILER_FIELDS
                                ":+\n\x1ftype.googleapis.com/sample.Text\x12\x08\n\x06"
                                "beside";
    rpc_call_frame(*state, &request, "Say", "beside", 0);
    assert_reply(0, unary, sizeof unary - 1);
    fake_request_fini(&request);
    rpc_call_frame(*state, &request, "Say", "beside", 1);
    assert_reply(0, ended, sizeof ended - 1);
    assert_int_equal(rpc_reply_at(&request, 0).code, WEFT_RPC_NOT_FOUND);
    fake_request_fini(&request);
    rpc_call_frame(*state, &request, "Stream", "beside", 2);
    assert_int_equal(request.reply_count, 3);
    static const char first[] = "\x1a\x08\n\x06"
                                "beside \x01" HEADER_FIELDS;
    assert_reply(0, first, sizeof first - 1);
    assert_reply(2, TRAILER_FIELDS, sizeof TRAILER_FIELDS - 1);
    fake_request_fini(&request);
}

static void expect_http(size_t i, const char *text)
{
    assert_true(i < request.reply_count);
    char *copy = test_malloc(request.replies[i].size + 1);
    memcpy(copy, request.replies[i].data, request.replies[i].size);
    copy[request.replies[i].size] = '\0';
    assert_string_equal(copy, text);
    test_free(copy);
}

#define HTTP_FIELDS                                                                                \
    "Grpc-Metadata-x-first: one\r\nGrpc-Metadata-x-raw-bin: AP8=\r\n"                              \
    "Grpc-Trailer-x-last: two\r\n"

static void test_http_has_fields_in_its_head_and_details_in_the_error(void **state)
{
    static const char path[] = "/sample.Sample/Say";
    rpc_call_json(*state, &request, path, "{\"text\":\"beside\"}");
    expect_http(
        0, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n" HTTP_FIELDS
           "\r\n{\"text\":\"beside\"}");
    fake_request_fini(&request);
    rpc_call_json(*state, &request, path, "{\"text\":\"beside\",\"count\":1}");
    expect_http(0, "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
                   "Content-Length: 110\r\n" HTTP_FIELDS
                   "\r\n{\"code\":5,\"message\":\"see the details\",\"details\":[{\"@type\":"
                   "\"type.googleapis.com/sample.Text\",\"text\":\"beside\"}]}");
    fake_request_fini(&request);
    rpc_call_json(*state, &request, path, "{\"text\":\"beside\",\"count\":2}");
    expect_http(0, "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
                   "Content-Length: 94\r\n" HTTP_FIELDS
                   "\r\n{\"code\":5,\"message\":\"see the details\",\"details\":[{\"@type\":"
                   "\"type.googleapis.com/sample.Text\"}]}");
    fake_request_fini(&request);
}

/* --- limits ------------------------------------------------------------------------------------------- */

static int add_header(const char *name, const char *value)
{
    return weft_rpc_add_header(rpc_open.call, name, weft_view_str(value));
}

static void test_fields_that_may_not_be_sent_are_refused(void **state)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    static const char *const names[] = {"", "Upper", "a b", "a:b", "grpc-status", "te", "host"};
    rpc_call_frame(*state, &request, "Stream", "open", 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(add_header(names[i], "x"), -EINVAL);
    assert_int_equal(add_header("a", "line\n"), -EINVAL);
    assert_int_equal(add_header("a", "caf\xc3\xa9"), -EINVAL);
    assert_int_equal(add_header("a", " x"), -EINVAL);
    assert_int_equal(add_header("a", "x "), -EINVAL);
    assert_int_equal(add_header("a", ""), 0);
    assert_int_equal(add_header("a-bin", "line\n"), 0);
    assert_int_equal(weft_rpc_send(rpc_open.call, &reply.base), 0);
    assert_int_equal(add_header("a", "late"), -EPERM);
    assert_int_equal(weft_rpc_add_trailer(rpc_open.call, "a", weft_view_str("in time")), 0);
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    fake_request_fini(&request);
}

static void test_fields_have_limits(void **state)
{
    static char large[WEFT_RPC_BESIDE_MAX + 2];
    memset(large, 'x', sizeof large - 1);
    rpc_call_frame(*state, &request, "Say", "open", 0);
    assert_int_equal(add_header("a", large), WEFT_ETOOBIG);
    large[WEFT_RPC_BESIDE_MAX] = '\0';
    assert_int_equal(add_header("a", large), WEFT_ETOOBIG);
    large[WEFT_RPC_BESIDE_MAX - 100] = '\0';
    assert_int_equal(add_header("a", large), 0);
    Sample__Text detail = SAMPLE__TEXT__INIT;
    detail.text = large;
    assert_int_equal(weft_rpc_add_detail(rpc_open.call, &detail.base), WEFT_ETOOBIG);
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
    fake_request_fini(&request);
    rpc_call_frame(*state, &request, "Say", "open", 0);
    for (int i = 0; i < WEFT_RPC_FIELDS_MAX; i++)
        assert_int_equal(add_header("a", "x"), 0);
    assert_int_equal(add_header("a", "x"), WEFT_ETOOBIG);
    assert_int_equal(weft_rpc_add_trailer(rpc_open.call, "a", weft_view_str("x")), 0);
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
    fake_request_fini(&request);
}

/* --- what the client has sent ------------------------------------------------------------------------- */

static void expect_bytes(const char *name, const char *bytes, size_t size)
{
    struct weft_view value;
    assert_int_equal(weft_rpc_metadata_bytes(rpc_open.call, name, &value), 0);
    assert_true(weft_view_equal(value, weft_view(bytes, size)));
}

static void keep_with(struct rpc_world *world, const char *metadata)
{
    Sample__Text message = SAMPLE__TEXT__INIT;
    uint8_t packed[64];
    message.text = (char *)(uintptr_t) "keep";
    fake_request_init(&request, weft_view(packed, sample__text__pack(&message, packed)), 1 << 20);
    request.request.target = weft_view_str("/sample.Sample/Say");
    request.request.metadata = weft_view_str(metadata);
    fake_request_call(&request, &world->rpc->services[FRAMES], world->states[FRAMES], NULL);
}

static void test_bytes_of_metadata_are_read_with_and_without_padding(void **state)
{
    struct weft_view value;
    keep_with(*state, "a-bin: AP8\nb-bin: AP8=\nc-bin: \nd: AP8\ne-bin: A*\n");
    expect_bytes("a-bin", "\0\xff", 2);
    expect_bytes("B-bin", "\0\xff", 2);
    expect_bytes("c-bin", "", 0);
    expect_bytes("d", "AP8", 3);
    assert_int_equal(weft_rpc_metadata_bytes(rpc_open.call, "e-bin", &value), WEFT_EMALFORMED);
    assert_int_equal(weft_rpc_metadata_bytes(rpc_open.call, "f-bin", &value), -ENOENT);
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
    fake_request_fini(&request);
    rpc_call_frame(*state, &request, "Say", "keep", 0);
    expect_bytes("x-colour", "green", 5);
    weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
    fake_request_fini(&request);
}

static void test_function_sees_the_time_that_is_left(void **state)
{
    struct rpc_world *world = *state;
    uint8_t frame[1024];
    rpc_call(world, FRAMES, &request, weft_view(frame, rpc_frame(frame, "Say", "open", 0, 20)));
    assert_true(weft_rpc_time_left(rpc_open.call) == 20000000);
    assert_true(virtual_loop_advance(world->loop, 5000000));
    assert_true(weft_rpc_time_left(rpc_open.call) == 15000000);
    assert_false(weft_rpc_is_cancelled(rpc_open.call));
    assert_true(virtual_loop_advance(world->loop, 15000000));
    assert_true(weft_rpc_time_left(rpc_open.call) == 0);
    assert_true(weft_rpc_is_cancelled(rpc_open.call));
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    fake_request_fini(&request);
    keep_with(world, "");
    assert_true(weft_rpc_time_left(rpc_open.call) == INT64_MAX);
    request.deadline = weft_loop_now(world->loop) + 7; /* over gRPC the core has it */
    assert_true(weft_rpc_time_left(rpc_open.call) == 7);
    assert_true(weft_rpc_deadline(rpc_open.call) == request.deadline);
    request.gone = true;
    request.request.on_cancel(&request.request, WEFT_REASON_STREAM_RESET);
    assert_true(weft_rpc_is_cancelled(rpc_open.call));
    weft_rpc_end(rpc_open.call, WEFT_RPC_OK, NULL);
    fake_request_fini(&request);
}

/* --- memory ------------------------------------------------------------------------------------------- */

static void converse(void *arg)
{
    struct rpc_world world;
    (void)arg;
    rpc_open = (struct rpc_open){.call = NULL};
    if (rpc_world_init(&world)) {
        for (uint32_t count = 0; count < 2; count++) {
            call_grpc(&world, "Say", count, "");
            fake_request_fini(&request);
            call_grpc(&world, "Stream", count, "");
            fake_request_fini(&request);
            rpc_call_frame(&world, &request, "Say", "beside", count);
            fake_request_fini(&request);
            rpc_call_json(&world, &request, "/sample.Sample/Say",
                          count == 0 ? "{\"text\":\"beside\"}"
                                     : "{\"text\":\"beside\",\"count\":1}");
            fake_request_fini(&request);
        }
        keep_with(&world, "a-bin: AP8\n");
        if (!request.ended) {
            struct weft_view value;
            (void)!weft_rpc_metadata_bytes(rpc_open.call, "a-bin", &value);
            weft_rpc_end(rpc_open.call, WEFT_RPC_ABORTED, NULL);
        }
        fake_request_fini(&request);
    }
    rpc_world_fini(&world);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(converse, NULL);
}

#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_setup, rpc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RPC_TEST(test_grpc_has_fields_and_details_as_metadata),
        RPC_TEST(test_frames_have_fields_and_details_in_the_reply),
        RPC_TEST(test_http_has_fields_in_its_head_and_details_in_the_error),
        RPC_TEST(test_fields_that_may_not_be_sent_are_refused),
        RPC_TEST(test_fields_have_limits),
        RPC_TEST(test_bytes_of_metadata_are_read_with_and_without_padding),
        RPC_TEST(test_function_sees_the_time_that_is_left),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
