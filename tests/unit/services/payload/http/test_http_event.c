/* SPDX-License-Identifier: MIT */
#include "services/payload/http/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void expect_head(uint64_t id, const char *name, const char *expected)
{
    uint8_t bytes[128];
    size_t size = weft_event_head_size(id, name);
    assert_int_equal(size, strlen(expected));
    assert_ptr_equal(weft_event_put_head(bytes, id, name), bytes + size);
    assert_memory_equal(bytes, expected, size);
}

static void test_head_has_what_an_event_has(void **state)
{
    (void)state;
    expect_head(0, NULL, "data: ");
    expect_head(7, NULL, "id: 7\ndata: ");
    expect_head(0, "end", "event: end\ndata: ");
    expect_head(UINT64_MAX, "end", "id: 18446744073709551615\nevent: end\ndata: ");
}

static void test_id_alone_is_a_line(void **state)
{
    (void)state;
    uint8_t bytes[WEFT_EVENT_ID_MAX];
    assert_int_equal(weft_event_put_id(bytes, UINT64_MAX), 24);
    assert_memory_equal(bytes, "id: 18446744073709551615", 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_has_what_an_event_has),
        cmocka_unit_test(test_id_alone_is_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
