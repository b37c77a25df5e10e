/* SPDX-License-Identifier: MIT
 *
 * Frames, by the cases of tests/vectors/websocket.jsonl, whose numbers up to 9 are those of the Autobahn test
 * suite. Text messages are refused here, so the cases of text expect 1003.
 *
 * A row sends frames: op; fin, 1 unless it is 0; rsv, the three bits; code, of a close frame; the payload as text,
 * as hex, or as fill, so many bytes of one running pattern; times; masked, 1 unless it is 0; form and length, for
 * lengths that are written or promised wrongly. It expects message bytes (fill, then bytes), frames of the server
 * before its close frame (answer) and the code of that (close; 0: it has none). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "lib/fault.h"
#include "lib/vectors.h"
#include "transports/websocket/frame.h"
#include "ws_fixture.h"

/* Cases from this size on do not come in single bytes. */
enum { LARGE = 20000 };

struct bytes {
    uint8_t *data;
    size_t size, capacity;
    size_t filled; /* bytes of the running pattern */
};

static void add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->capacity < bytes->size + size + 1) {
        bytes->capacity = 2 * (bytes->size + size + 1);
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data)
            abort();
    }
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void add_byte(struct bytes *bytes, unsigned byte)
{
    uint8_t one = (uint8_t)byte;
    add(bytes, &one, 1);
}

static void add_hex(struct bytes *bytes, const char *hex)
{
    for (; *hex; hex += 2) {
        char pair[3] = {hex[0], hex[1], 0};
        add_byte(bytes, (unsigned)strtoul(pair, NULL, 16));
    }
}

static void add_fill(struct bytes *bytes, size_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++, (*at)++)
        add_byte(bytes, (unsigned)(*at * 7 + *at / 251));
}

static long long number(const json_t *object, const char *name, long long otherwise)
{
    const json_t *value = json_object_get(object, name);
    return value ? json_integer_value(value) : otherwise;
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static void add_length(struct bytes *out, const json_t *frame, uint64_t size, unsigned bit)
{
    uint64_t length =
        json_object_get(frame, "length") ? (uint64_t)number(frame, "length", 0) : size;
    long long form = number(frame, "form", length < 126 ? 7 : length <= UINT16_MAX ? 16 : 64);

    add_byte(out, bit | (form == 7 ? (unsigned)length : form == 16 ? 126 : 127));
    for (int shift = (int)form - 8; form > 7 && shift >= 0; shift -= 8)
        add_byte(out, (unsigned)(length >> shift) & 0xff);
}

static void add_frame(struct bytes *out, const json_t *frame)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    struct bytes payload = {0};
    unsigned bit = number(frame, "masked", 1) ? 0x80 : 0;
    long long code = number(frame, "code", -1);

    if (code >= 0) {
        add_byte(&payload, (unsigned)code >> 8);
        add_byte(&payload, (unsigned)code & 0xff);
    }
    add(&payload, text(frame, "text"), strlen(text(frame, "text")));
    add_hex(&payload, text(frame, "hex"));
    add_fill(&payload, &out->filled, (size_t)number(frame, "fill", 0));
    add_byte(out, (unsigned)(number(frame, "fin", 1) << 7 | number(frame, "rsv", 0) << 4 |
                             number(frame, "op", 0)));
    add_length(out, frame, payload.size, bit);
    if (bit) {
        add(out, mask, 4);
        weft__ws_mask(payload.data, payload.data, payload.size, mask, 0);
    }
    add(out, payload.data, payload.size);
    free(payload.data);
}

static struct bytes sent_of(const json_t *row)
{
    struct bytes out = {0};
    json_t *frame;
    size_t i;

    json_array_foreach(json_object_get(row, "send"), i,
                       frame) for (long long n = number(frame, "times", 1); n > 0; n--)
        add_frame(&out, frame);
    return out;
}

static void add_text_or_hex(struct bytes *out, const char *value)
{
    if (strncmp(value, "hex:", 4) == 0)
        add_hex(out, value + 4);
    else
        add(out, value, strlen(value));
}

static struct bytes message_of(const json_t *row)
{
    struct bytes out = {0};
    size_t filled = 0;

    add_fill(&out, &filled, (size_t)number(row, "fill", 0));
    add_text_or_hex(&out, text(row, "bytes"));
    return out;
}

/* Returns what the server is to send: its answers, and its close frame. */
static struct bytes answer_of(const json_t *row)
{
    struct bytes out = {0};
    long long code =
        number(row, "close", 1001); /* its own, if the case leaves the connection open */
    json_t *answer;
    size_t i;

    json_array_foreach(json_object_get(row, "answer"), i, answer)
    {
        struct bytes payload = {0};
        add_text_or_hex(&payload, json_string_value(json_array_get(answer, 1)));
        add_byte(&out, 0x80 | (unsigned)json_integer_value(json_array_get(answer, 0)));
        add_byte(&out, (unsigned)payload.size);
        add(&out, payload.data, payload.size);
        free(payload.data);
    }
    add_byte(&out, 0x88);
    add_byte(&out, code ? 2 : 0);
    if (code) {
        add_byte(&out, (unsigned)code >> 8);
        add_byte(&out, (unsigned)code & 0xff);
    }
    return out;
}

static bool same(struct bytes a, const uint8_t *data, size_t size)
{
    return a.size == size && (size == 0 || memcmp(a.data, data, size) == 0);
}

/* A result below 0 is for a broken rule alone. */
static ssize_t result_of(const json_t *row)
{
    long long close = number(row, "close", -1);
    json_t *send = json_object_get(row, "send");
    bool said = false;
    json_t *frame;
    size_t i;

    json_array_foreach(send, i, frame) said |= number(frame, "op", 0) == 8 &&
                                               number(frame, "code", 0) == close &&
                                               number(frame, "fin", 1) && close != 1002;
    if (strcmp(text(row, "case"), "7.7.3") == 0)
        said = true;
    return close < 0 ? -EAGAIN : said ? WEFT_EOVER : -EPROTO;
}

/* One run: `first` bytes, then pieces of `piece` bytes. Says what differs, or returns NULL. */
static const char *run(const json_t *row, struct bytes sent, size_t first, size_t piece,
                       size_t room)
{
    struct bytes message = message_of(row), answer = answer_of(row);
    const char *wrong = NULL;
    struct ws_end end;
    size_t size;

    ws_end_open_server(&end);
    end.room = room;
    ssize_t result = first > 0 ? ws_end_feed(&end, sent.data, first) : -EAGAIN;
    if (result == -EAGAIN && first < sent.size)
        result = ws_end_pieces(&end, weft_view(sent.data + first, sent.size - first), piece);
    assert_int_equal(ws_end_finish(&end), 0);
    uint8_t *down = ws_end_take(&end, &size);
    if (result != result_of(row))
        wrong = "the result of open";
    else if (!same(message, end.got.data, end.got.end))
        wrong = "the message bytes";
    else if (!same(answer, down, size))
        wrong = "what the server sends";
    else if ((result == -EPROTO) != (ws_end_trouble(&end) != NULL))
        wrong = "the words for the log";
    free(down);
    ws_end_fini(&end);
    free(message.data);
    free(answer.data);
    return wrong;
}

static void each_row(void (*body)(const json_t *row, struct bytes sent))
{
    json_t *rows = vectors_load(NULL, "websocket.jsonl"), *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        struct bytes sent = sent_of(row);
        body(row, sent);
        free(sent.data);
    }
    json_decref(rows);
}

static void expect(const json_t *row, struct bytes sent, size_t first, size_t piece, size_t room)
{
    const char *wrong = run(row, sent, first, piece, room);
    if (wrong)
        fail_msg("case %s (%s), %zu bytes and then %zu at a time: %s differs", text(row, "case"),
                 text(row, "what"), first, piece, wrong);
}

static void at_once(const json_t *row, struct bytes sent)
{
    expect(row, sent, sent.size, 1, 0);
    expect(row, sent, sent.size, 1, sent.size < LARGE ? 1 : 1000);
}

static void byte_by_byte(const json_t *row, struct bytes sent)
{
    expect(row, sent, 0, sent.size < LARGE ? 1 : 1021, 0);
    expect(row, sent, 0, sent.size < LARGE ? 7 : 4099, 300);
}

static void in_two(const json_t *row, struct bytes sent)
{
    for (size_t at = 1; at < sent.size && at < 400; at++)
        expect(row, sent, at, sent.size, 0);
}

static void test_cases_that_come_at_once(void **state)
{
    (void)state;
    each_row(at_once);
}

static void test_cases_that_come_byte_by_byte(void **state)
{
    (void)state;
    each_row(byte_by_byte);
}

static void test_cases_split_at_every_byte(void **state)
{
    (void)state;
    each_row(in_two);
}

static void test_examples_of_the_rfc_are_read(void **state)
{
    static const uint8_t hello[] = {0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                    0x7f, 0x9f, 0x4d, 0x51, 0x58};
    static const uint8_t ping[] = {0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                   0x7f, 0x9f, 0x4d, 0x51, 0x58};
    static const uint8_t pong[] = {0x8a, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f};
    struct ws_end end;
    size_t size;

    (void)state;
    ws_end_open_server(&end);
    assert_int_equal(ws_end_feed(&end, hello, sizeof hello), -EAGAIN);
    assert_string_equal(end.got.data, "Hello");
    assert_int_equal(ws_end_feed(&end, ping, sizeof ping), -EAGAIN);
    uint8_t *down = ws_end_take(&end, &size);
    assert_int_equal(size, sizeof pong);
    assert_memory_equal(down, pong, size);
    free(down);
    ws_end_fini(&end);
}

static void test_sealed_bytes_are_one_binary_message_of_the_shortest_form(void **state)
{
    static const struct {
        size_t size, header;
        uint8_t bytes[4];
    } forms[] = {
        {1, 2, {0x82, 1}},
        {125, 2, {0x82, 125}},
        {126, 4, {0x82, 126, 0, 126}},
        {16384, 4, {0x82, 126, 0x40, 0}},
    };
    static uint8_t payload[16384];
    struct ws_end end;
    size_t size;

    (void)state;
    ws_end_open_server(&end);
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 31);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_int_equal(ws_end_seal(&end, payload, forms[i].size), 0);
        uint8_t *down = ws_end_take(&end, &size);
        assert_int_equal(size, forms[i].header + forms[i].size);
        assert_memory_equal(down, forms[i].bytes, forms[i].header);
        assert_memory_equal(down + forms[i].header, payload, forms[i].size);
        free(down);
    }
    ws_end_fini(&end);
}

static void test_promise_of_4_gib_allocates_nothing(void **state)
{
    static const uint8_t header[] = {0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'};
    struct ws_end end;

    (void)state;
    ws_end_open_server(&end);
    size_t before = fault_allocations();
    assert_int_equal(ws_end_feed(&end, header, sizeof header), -EAGAIN);
    assert_int_equal(fault_allocations(), before);
    assert_string_equal(end.got.data, "ab");
    ws_end_fini(&end);
}

static void test_fragments_without_end_allocate_nothing(void **state)
{
    static const uint8_t first[] = {0x02, 0x80, 0, 0, 0, 0};
    static const uint8_t next[] = {0x00, 0x81, 0, 0, 0, 0, 'x'};
    struct ws_end end;

    (void)state;
    ws_end_open_server(&end);
    size_t before = fault_allocations();
    assert_int_equal(ws_end_feed(&end, first, sizeof first), -EAGAIN);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(ws_end_feed(&end, next, sizeof next), -EAGAIN);
    assert_int_equal(fault_allocations(), before);
    assert_int_equal(end.got.end, 20000);
    ws_end_fini(&end);
}

/* Feeds n pings of 125 bytes, none of whose pongs leave. */
static void flood(struct ws_end *end, int n)
{
    uint8_t payload[125];
    size_t size;

    for (int i = 0; i < n; i++) {
        memset(payload, 'a' + i % 26, sizeof payload);
        uint8_t *ping = ws_frame(0x89, payload, sizeof payload, &size);
        assert_int_equal(ws_end_feed(end, ping, size), -EAGAIN);
        free(ping);
    }
}

static void test_flood_of_pings_costs_32_kib_of_pongs(void **state)
{
    struct ws_end end;

    (void)state;
    ws_end_open_server(&end);
    flood(&end, 20000);
    assert_true(end.down.bytes < 33 * 1024);
    ws_end_fini(&end);
}

static void test_last_ping_of_a_flood_is_answered_once_there_is_room(void **state)
{
    struct ws_end end;
    size_t size;

    (void)state;
    ws_end_open_server(&end);
    flood(&end, 1000);
    free(ws_end_take(&end, NULL));
    assert_int_equal(ws_end_seal(&end, "x", 1), 0);
    uint8_t *down = ws_end_take(&end, &size);
    assert_int_equal(size, 3 + 2 + 125);
    assert_int_equal(down[3], 0x8a);
    assert_int_equal(down[5], 'a' + 999 % 26);
    free(down);
    ws_end_fini(&end);
}

static void test_pong_that_comes_meanwhile_leaves_the_owed_one_alone(void **state)
{
    struct ws_end end;
    size_t size;

    (void)state;
    ws_end_open_server(&end);
    flood(&end, 1000);
    uint8_t *pong = ws_frame(0x8a, "unasked", 7, &size);
    assert_int_equal(ws_end_feed(&end, pong, size), -EAGAIN);
    free(pong);
    free(ws_end_take(&end, NULL));
    assert_int_equal(ws_end_seal(&end, "x", 1), 0);
    uint8_t *down = ws_end_take(&end, &size);
    assert_int_equal(down[5], 'a' + 999 % 26);
    free(down);
    ws_end_fini(&end);
}

static void test_replies_still_leave_between_the_peers_close_and_ours(void **state)
{
    static const uint8_t close[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9};
    static const uint8_t expected[] = {0x82, 1, 'r', 0x88, 2, 0x03, 0xe9};
    struct ws_end end;
    size_t size;

    (void)state;
    ws_end_open_server(&end);
    assert_int_equal(ws_end_feed(&end, close, sizeof close), WEFT_EOVER);
    assert_int_equal(ws_end_seal(&end, "r", 1), 0);
    assert_int_equal(ws_end_finish(&end), 0);
    assert_int_equal(ws_end_seal(&end, "late", 4), 0);
    uint8_t *down = ws_end_take(&end, &size);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(down, expected, size);
    free(down);
    ws_end_fini(&end);
}

static void test_bytes_still_come_after_our_close(void **state)
{
    struct ws_end end;
    size_t size;

    (void)state;
    ws_end_open_server(&end);
    assert_int_equal(ws_end_finish(&end), 0);
    uint8_t *frame = ws_frame(0x82, "late", 4, &size);
    assert_int_equal(ws_end_feed(&end, frame, size), -EAGAIN);
    assert_string_equal(end.got.data, "late");
    free(frame);
    free(ws_end_take(&end, NULL));
    frame = ws_frame(0x89, "ping", 4, &size);
    assert_int_equal(ws_end_feed(&end, frame, size), -EAGAIN);
    assert_int_equal(end.down.bytes, 0);
    free(frame);
    frame = ws_frame(0x88, "\x03\xe8", 2, &size);
    assert_int_equal(ws_end_feed(&end, frame, size), WEFT_EOVER);
    free(frame);
    ws_end_fini(&end);
}

static void test_end_between_frames_is_an_end(void **state)
{
    struct ws_end end;

    (void)state;
    ws_end_open_server(&end);
    assert_int_equal(ws_end_eof(&end), 0);
    assert_null(ws_end_trouble(&end));
    ws_end_fini(&end);
}

static void test_end_inside_a_frame_is_told_from_an_end(void **state)
{
    static const uint8_t frame[] = {0x82, 0x83, 0, 0, 0, 0, 'a'};

    (void)state;
    for (size_t cut = 1; cut <= sizeof frame; cut++) {
        struct ws_end end;
        ws_end_open_server(&end);
        assert_int_equal(ws_end_feed(&end, frame, cut), -EAGAIN);
        assert_int_equal(ws_end_eof(&end), -EPROTO);
        assert_string_equal(ws_end_trouble(&end), "the peer ended inside a frame");
        ws_end_fini(&end);
    }
}

static void converse(void *arg)
{
    static const char bytes[20000] = {1};
    struct ws_end end;
    size_t size;

    (void)arg;
    if (ws_end_init(&end, WEFT_SERVER, "", NULL) < 0)
        return;
    ssize_t n = ws_end_text(&end, ws_hello);
    uint8_t *ping = ws_frame(0x89, "ping", 4, &size);
    if (n == -EAGAIN)
        n = ws_end_feed(&end, ping, size);
    free(ping);
    assert_true(n == -EAGAIN || (n == -ENOMEM && fault_failed() > 0));
    if (n == -EAGAIN) {
        size_t before = end.down.bytes;
        int err = ws_end_seal(&end, bytes, 16384);
        assert_true(err == 0 || (err == -ENOMEM && end.down.bytes == before));
        err = ws_end_finish(&end);
        assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
    }
    ws_end_fini(&end);
}

static void test_server_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(converse, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_that_come_at_once),
        cmocka_unit_test(test_cases_that_come_byte_by_byte),
        cmocka_unit_test(test_cases_split_at_every_byte),
        cmocka_unit_test(test_examples_of_the_rfc_are_read),
        cmocka_unit_test(test_sealed_bytes_are_one_binary_message_of_the_shortest_form),
        FAULT_TEST(test_promise_of_4_gib_allocates_nothing),
        FAULT_TEST(test_fragments_without_end_allocate_nothing),
        cmocka_unit_test(test_flood_of_pings_costs_32_kib_of_pongs),
        cmocka_unit_test(test_last_ping_of_a_flood_is_answered_once_there_is_room),
        cmocka_unit_test(test_pong_that_comes_meanwhile_leaves_the_owed_one_alone),
        cmocka_unit_test(test_replies_still_leave_between_the_peers_close_and_ours),
        cmocka_unit_test(test_bytes_still_come_after_our_close),
        cmocka_unit_test(test_end_between_frames_is_an_end),
        cmocka_unit_test(test_end_inside_a_frame_is_told_from_an_end),
        cmocka_unit_test(test_server_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("websocket frames", tests, NULL, NULL);
}
