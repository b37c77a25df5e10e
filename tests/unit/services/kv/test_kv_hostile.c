/* SPDX-License-Identifier: MIT
 *
 * Hostile messages: those of the vectors' hostile frames that are about messages, whose payload is
 * handed to the service without its frame; and one that is too large to be among them. Takes the
 * directory of the vectors as its argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "kv_fixture.h"
#include "kv_message.h"
#include "lib/guarded.h"
#include "lib/vectors.h"
#include "services/kv/faces/protobuf/request_usual.h"

static const char *vectors_dir;

enum { FRAME_HEADER = 4 };

static bool is_allowed(const json_t *statuses, uint64_t status)
{
    size_t i;
    json_t *allowed;
    json_array_foreach(statuses, i, allowed)
    {
        if (json_integer_value(allowed) == (json_int_t)status)
            return true;
    }
    return false;
}

static void check_row(const json_t *row)
{
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, NULL);
    struct weft_bytes frame = vectors_bytes(vectors_dir, row, "frame");
    struct weft_view payload = weft_view_skip(weft_view(frame.data, frame.size), FRAME_HEADER);
    const json_t *statuses =
        json_array_get(json_object_get(json_object_get(row, "expect"), "statuses"), 0);
    struct weft_bytes reply = kv_fixture_ask(&fixture, payload, NULL);
    struct told told = told_of(weft_view(reply.data, reply.size));
    if (!is_allowed(statuses, told.status))
        fail_msg("%s was answered %u", vectors_string(row, "name"), (unsigned)told.status);
    weft_bytes_fini(&reply);
    weft_bytes_fini(&frame);
    kv_fixture_fini(&fixture);
}

static void test_hostile_messages_get_an_allowed_status(void **state)
{
    json_t *rows = vectors_load(vectors_dir, "hostile.jsonl");
    size_t i, checked = 0;
    json_t *row;
    (void)state;
    json_array_foreach(rows, i, row)
    {
        if (strncmp(vectors_string(row, "name"), "pb-", 3) == 0) {
            check_row(row);
            checked++;
        }
    }
    assert_int_equal(checked, 20);
    json_decref(rows);
}

/* 8 MiB of them. What the budget does not let it read is not there: it would fault. */
static void test_frame_full_of_empty_pairs_is_read_up_to_the_budget_alone(void **state)
{
    enum { PAIRS = (4 << 20) - 16, BUDGET = 262144, HEAD = 8 };
    const uint32_t inner = 3 + 2 * PAIRS; /* the table, and pairs of two bytes each */
    const uint8_t head[HEAD] = {0x2a,
                                (uint8_t)(inner | 0x80),
                                (uint8_t)(inner >> 7 | 0x80),
                                (uint8_t)(inner >> 14 | 0x80),
                                (uint8_t)(inner >> 21),
                                0x0a,
                                1,
                                't'};
    struct guarded readable = guarded_new(HEAD + 2 * BUDGET);
    struct kv_request request = {.max_elements = BUDGET}; /* without an arena to take from */
    struct kv_call call;
    (void)state;
    memcpy(readable.data, head, HEAD);
    for (size_t i = 0; i < BUDGET; i++)
        readable.data[HEAD + 2 * i] = 0x12;
    struct weft_view payload = weft_view(readable.data, HEAD + 2 * (size_t)PAIRS);
    assert_int_equal(kv_request_decode(&request, payload, &call), KV_DECODED_ELEMENTS);
    guarded_free(&readable);
}

int main(int argc, char **argv)
{
    vectors_dir = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_messages_get_an_allowed_status),
        cmocka_unit_test(test_frame_full_of_empty_pairs_is_read_up_to_the_budget_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
