/* SPDX-License-Identifier: MIT
 *
 * Tests that man(1) renders each page without a warning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct process man;

static int end_man(void **state)
{
    (void)state;
    process_kill(&man);
    return 0;
}

/* Renders a page, which must give no warning; its text is in man.out. */
static const char *render(const char *page)
{
    char path[512];
    snprintf(path, sizeof path, MANUAL_FOLDER "/%s", page);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("MANWIDTH", "80", 1);
    assert_int_equal(process_run(&man, WORDS(READER, "--warnings=w", "-l", path)), 0);
    assert_string_equal(man.err.text, "");
    return man.out.text;
}

static void expect_in_order(const char *text, const char *const *headings)
{
    for (; *headings; headings++) {
        text = strstr(text, *headings);
        if (!text)
            fail_msg("no %s, or not in its place", *headings);
    }
}

static void test_kvs_page_has_its_sections_in_order(void **state)
{
    (void)state;
    expect_in_order(render("kvs.1"),
                    WORDS("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "--listen URL", "Limits",
                          "ENDPOINTS", "Codecs", "Services", "SIGNALS", "EXIT STATUS", "EXAMPLES",
                          "SEE ALSO"));
}

static void test_kvc_page_has_its_sections_in_order(void **state)
{
    (void)state;
    expect_in_order(render("kvc.1"),
                    WORDS("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "hget TABLE KEY", "VALUES",
                          "PROMPT", "Ctrl-C", "BENCHMARKS", "OPTIONS", "--server URL",
                          "Options of bench", "--clients N", "EXIT STATUS", "130", "ENVIRONMENT",
                          "FILES", ".kvc_history", "EXAMPLES", "SEE ALSO"));
}

static void test_weft_page_has_its_sections_in_order(void **state)
{
    (void)state;
    expect_in_order(render("weft.7"),
                    WORDS("NAME", "SYNOPSIS", "DESCRIPTION", "LIBRARIES", "CODECS",
                          "length-delimited-gzip", "threshold=", "SERVICES", "LIMITS", "ERRORS",
                          "WEFT_ETOOBIG", "SEE ALSO"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_kvs_page_has_its_sections_in_order, end_man),
        cmocka_unit_test_teardown(test_kvc_page_has_its_sections_in_order, end_man),
        cmocka_unit_test_teardown(test_weft_page_has_its_sections_in_order, end_man),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
