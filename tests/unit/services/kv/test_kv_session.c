/* SPDX-License-Identifier: MIT
 *
 * The exchanges of tests/vectors/session.jsonl, requests.jsonl and changes.jsonl: each file in order on a fresh
 * service, byte for byte. Takes the directory of the vectors as its argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "abi.pb-c.h"
#include "kv_fixture.h"
#include "lib/vectors.h"

static const char *vectors_dir;

static int compare_pairs(const void *a, const void *b)
{
    const Abi__Kvpair *x = *(Abi__Kvpair *const *)a;
    const Abi__Kvpair *y = *(Abi__Kvpair *const *)b;
    return strcmp(x->key, y->key);
}

/* A reply with its pairs in the order of their keys. */
static struct weft_bytes with_sorted_pairs(struct weft_view reply)
{
    Abi__CommandResponse *response = abi__command_response__unpack(NULL, reply.size, reply.data);
    assert_non_null(response);
    if (response->n_pairs > 0)
        qsort(response->pairs, response->n_pairs, sizeof *response->pairs, compare_pairs);
    struct weft_bytes sorted = {.size = abi__command_response__get_packed_size(response)};
    sorted.data = malloc(sorted.size);
    assert_non_null(sorted.data);
    abi__command_response__pack(response, sorted.data);
    abi__command_response__free_unpacked(response, NULL);
    return sorted;
}

static void assert_reply(const json_t *row, struct weft_view got, struct weft_view expected)
{
    json_int_t step = json_integer_value(json_object_get(row, "step"));
    if (got.size == expected.size && weft_view_equal(got, expected))
        return;
    print_error("step %lld: the reply differs\n", (long long)step);
    assert_int_equal(got.size, expected.size);
    assert_memory_equal(got.data, expected.data, expected.size);
}

static void assert_answered(const char *file, size_t count)
{
    struct kv_fixture fixture;
    json_t *rows = vectors_load(vectors_dir, file);
    size_t i;
    json_t *row;
    kv_fixture_init(&fixture, NULL);
    assert_int_equal(json_array_size(rows), count);
    json_array_foreach(rows, i, row)
    {
        struct weft_bytes request = vectors_bytes(vectors_dir, row, "request_payload");
        struct weft_bytes expected = vectors_bytes(vectors_dir, row, "response_payload");
        struct weft_bytes got =
            kv_fixture_ask(&fixture, weft_view(request.data, request.size), NULL);
        if (json_is_true(json_object_get(row, "pairs_unordered"))) {
            struct weft_bytes a = with_sorted_pairs(weft_view(got.data, got.size));
            struct weft_bytes b = with_sorted_pairs(weft_view(expected.data, expected.size));
            assert_reply(row, weft_view(a.data, a.size), weft_view(b.data, b.size));
            free(a.data);
            free(b.data);
        } else {
            assert_reply(row, weft_view(got.data, got.size),
                         weft_view(expected.data, expected.size));
        }
        weft_bytes_fini(&request);
        weft_bytes_fini(&expected);
        weft_bytes_fini(&got);
    }
    json_decref(rows);
    kv_fixture_fini(&fixture);
}

static void test_session_is_answered_byte_for_byte(void **state)
{
    (void)state;
    assert_answered("session.jsonl", 28);
}

/* Merged messages, unknown fields, varints that are not minimal. */
static void test_requests_in_odd_forms_are_answered_byte_for_byte(void **state)
{
    (void)state;
    assert_answered("requests.jsonl", 50);
}

/* Conditions, versions, sums, tables: what does not depend on the time. */
static void test_changes_are_answered_byte_for_byte(void **state)
{
    (void)state;
    assert_answered("changes.jsonl", 46);
}

int main(int argc, char **argv)
{
    vectors_dir = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_is_answered_byte_for_byte),
        cmocka_unit_test(test_changes_are_answered_byte_for_byte),
        cmocka_unit_test(test_requests_in_odd_forms_are_answered_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
