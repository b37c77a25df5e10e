/* SPDX-License-Identifier: MIT
 *
 * 2,000 odd pairs and ten large values come back through export and import. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static void expect_back(const char *form)
{
    struct process script;
    int code =
        process_run(&script, WORDS(PYTHON_PATH, "-B", TRIP_SCRIPT, KVC_PATH, url, folder, form));
    if (code != 0)
        fail_msg("%s", script.err.text);
    process_kill(&script);
}

static void test_pairs_come_back_through_csv(void **state)
{
    (void)state;
    expect_back("csv");
}

static void test_pairs_come_back_through_ndjson(void **state)
{
    (void)state;
    expect_back("ndjson");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_come_back_through_csv),
        cmocka_unit_test(test_pairs_come_back_through_ndjson),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
