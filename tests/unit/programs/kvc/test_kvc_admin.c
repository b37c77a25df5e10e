/* SPDX-License-Identifier: MIT
 *
 * The parts of kvc's admin commands that need no server: the codec, quantities, and rates between two looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "programs/kvc/admin/http.h"
#include "programs/kvc/admin/table.h"
#include "programs/kvc/admin/top_rates.h"

static uint64_t config[2];

static ssize_t decode(const char *text, struct weft_message *msg, struct weft_decode_io *io)
{
    const struct weft_codec_state state = {.config = config};
    *msg = (struct weft_message){.kind = WEFT_MESSAGE_NONE};
    *io = (struct weft_decode_io){.eof = false};
    return kvc_http_codec.decode(&state, weft_view_str(text), msg, io);
}

static int setup(void **state)
{
    struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    (void)state;
    limits.max_message = 100;
    assert_true(kvc_http_codec.config_size <= sizeof config);
    return kvc_http_codec.configure(config, NULL, &limits, &error);
}

static void test_response_is_decoded_once_it_is_whole(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello";
    struct weft_message msg;
    struct weft_decode_io io;
    struct kvc_http_response response;
    (void)state;
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        char part[sizeof whole];
        snprintf(part, sizeof part, "%.*s", (int)i, whole);
        assert_int_equal(decode(part, &msg, &io), 0);
        assert_int_equal(msg.kind, WEFT_MESSAGE_NONE);
    }
    assert_int_equal(decode(whole, &msg, &io), sizeof whole - 1);
    assert_int_equal(io.need, 0); /* the next response may be shorter */
    assert_true(kvc_http_read(msg.payload, &response));
    assert_int_equal(response.status, 200);
    assert_true(weft_view_equal(response.body, weft_view_str("hello")));
}

static void test_what_is_no_response_ends_the_connection(void **state)
{
    struct weft_message msg;
    struct weft_decode_io io;
    struct kvc_http_response response;
    char *large = malloc(20000);
    (void)state;
    assert_int_equal(decode("\x80\x01", &msg, &io), WEFT_EFOREIGN);
    assert_string_equal(io.detail, "answered in another protocol than HTTP");
    assert_int_equal(decode("HTTP/1.1 200 OK\r\nX: y\r\n\r\n", &msg, &io), WEFT_ELOST);
    assert_int_equal(decode("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", &msg, &io),
                     WEFT_ELOST);
    assert_string_equal(io.detail, "answered with more than --max-message, or without its size");
    assert_int_equal(decode("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", &msg, &io), WEFT_ELOST);
    assert_non_null(large);
    snprintf(large, 20000, "HTTP/1.1 %017000d", 1);
    assert_int_equal(decode(large, &msg, &io), WEFT_ELOST);
    free(large);
    assert_false(kvc_http_read(weft_view_str("nonsense"), &response));
    assert_false(kvc_http_read(weft_view_str("HTTP/1.1 999 OK\r\n\r\n"), &response));
}

static void test_quantities_are_short(void **state)
{
    char text[KVC_CELL];
    (void)state;
    assert_string_equal(kvc_show_count(0, text), "0");
    assert_string_equal(kvc_show_count(1.25, text), "1.2");
    assert_string_equal(kvc_show_count(999, text), "999");
    assert_string_equal(kvc_show_count(1500, text), "1.5k");
    assert_string_equal(kvc_show_count(2.5e16, text), "25000T");
    assert_string_equal(kvc_show_bytes(2048, text), "2KiB");
    assert_string_equal(kvc_show_seconds(12e-6, text), "12us");
    assert_string_equal(kvc_show_seconds(0.0015, text), "1.5ms");
    assert_string_equal(kvc_show_seconds(61, text), "61.0s");
    assert_string_equal(kvc_show_seconds(600, text), "10min");
    assert_string_equal(kvc_show_seconds(36000, text), "10h");
}

static void test_cells_move_no_cursor(void **state)
{
    char text[64] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    (void)state;
    assert_non_null(out);
    kvc_put_cell(out, "a\033[2Jb", 4);
    kvc_put_cell(out, "c\x7f", 0);
    fclose(out);
    assert_string_equal(text, "a?[2 c?");
}

#define LOOK(hget, missed, busy, le1, le2)                                                         \
    "{\"metrics\":[{\"name\":\"weft_requests\",\"samples\":["                                      \
    "{\"labels\":{\"command\":\"hget\",\"status\":\"200\"},\"value\":" hget "},"                   \
    "{\"labels\":{\"command\":\"hget\",\"status\":\"404\"},\"value\":" missed "},"                 \
    "{\"labels\":{\"command\":\"hset\",\"status\":\"200\"},\"value\":1}]},"                        \
    "{\"name\":\"weft_reply_bytes\",\"samples\":[{\"labels\":{\"command\":\"hget\"},"              \
    "\"value\":" hget "}]},"                                                                       \
    "{\"name\":\"weft_request_duration_seconds\",\"samples\":[{\"labels\":{\"command\":\"hget\"}," \
    "\"sum\":1,\"count\":4,\"buckets\":[[0.001," le1 "],[0.002," le2 "],[null," le2 "]]}]},"       \
    "{\"name\":\"weft_loop_turns\",\"samples\":[{\"labels\":{\"loop\":\"0\"},\"value\":" hget      \
    "}]},"                                                                                         \
    "{\"name\":\"weft_loop_turn_duration_seconds\",\"samples\":[{\"labels\":{\"loop\":\"0\"},"     \
    "\"sum\":" busy ",\"count\":1,\"buckets\":[]}]},"                                              \
    "{\"name\":\"weft_loop_turn_longest_seconds\",\"samples\":[{\"labels\":{\"loop\":\"0\"},"      \
    "\"value\":"                                                                                   \
    "0.5}]},"                                                                                      \
    "{\"name\":\"weft_connections_open\",\"samples\":[{\"labels\":{},\"value\":3},{\"labels\":{"   \
    "\"a\":"                                                                                       \
    "\"b\"},\"value\":4}]}]}"

static void test_rates_are_differences_over_the_time_between(void **state)
{
    static struct kvc_rates rates;
    json_error_t error;
    json_t *before = json_loads(LOOK("100", "0", "0.5", "10", "10"), 0, &error),
           *now = json_loads(LOOK("300", "20", "1.5", "60", "110"), 0, &error);
    (void)state;
    assert_non_null(before);
    assert_non_null(now);
    kvc_rates_init(&rates, before, now, 2);
    assert_true(rates.requests == 110);
    assert_true(rates.connections == 7);
    assert_int_equal(rates.command_count, 2);
    assert_string_equal(rates.commands[0].name, "hget");
    assert_true(rates.commands[0].requests == 110 && rates.commands[0].errors == 10);
    assert_true(rates.commands[0].sent == 100);
    assert_true(rates.commands[0].p50 > 0.00099 && rates.commands[0].p50 < 0.00101);
    assert_true(rates.commands[0].p99 > 0.0019 && rates.commands[0].p99 < 0.00201);
    assert_true(rates.commands[1].requests == 0 && rates.commands[1].p99 == 0);
    assert_int_equal(rates.loop_count, 1);
    assert_true(rates.loops[0].turns == 100 && rates.loops[0].busy == 0.5);
    assert_true(rates.loops[0].longest == 0.5);
    kvc_rates_init(&rates, NULL, now, 0);
    assert_true(rates.requests == 321);
    json_decref(before);
    json_decref(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response_is_decoded_once_it_is_whole),
        cmocka_unit_test(test_what_is_no_response_ends_the_connection),
        cmocka_unit_test(test_quantities_are_short),
        cmocka_unit_test(test_cells_move_no_cursor),
        cmocka_unit_test(test_rates_are_differences_over_the_time_between),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
