/* SPDX-License-Identifier: MIT
 *
 * Pages that a server serves to those who do not ask for a WebSocket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "ws_upgrade_fixture.h"

static void test_pages_are_served_to_a_get_without_upgrade(void **state)
{
    struct files files;

    (void)state;
    files_new(&files);
    expect(files.query, GET HOST "\r\n", 200, "\r\n\r\n<p>hello</p>");
    expect(files.query, GET HOST "\r\n", 200,
           "Content-Type: text/html; charset=utf-8\r\nContent-Length: 12\r\n");
    expect(files.query, GET HOST "\r\n", 200,
           "Content-Security-Policy: default-src 'none'; script-src 'self';");
    expect(files.query, GET HOST "\r\n", 200, "X-Content-Type-Options: nosniff");
    expect(files.query, "GET /page.html HTTP/1.1\r\n" HOST "\r\n", 200, "<p>hello</p>");
    expect(files.query, "GET /script.js?1 HTTP/1.1\r\n" HOST "\r\n", 200, "text/javascript");
    expect(files.query, "GET /script.js HTTP/1.1\r\n" HOST "\r\n", 200, "\r\n\r\ngo();");
    expect(files.query, "GET /../page.html HTTP/1.1\r\n" HOST "\r\n", 404, "no such page");
    expect(files.query, "GET /none HTTP/1.1\r\n" HOST "\r\n", 404, "no such page");
    expect(files.query, "GET /kv HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 101, "");
    files_remove(&files);
}

static void test_head_of_a_page_has_no_body(void **state)
{
    struct files files;
    struct ws_end end;

    (void)state;
    files_new(&files);
    assert_int_equal(ws_end_init(&end, WEFT_SERVER, files.query, NULL), 0);
    assert_int_equal(ws_end_text(&end, "HEAD / HTTP/1.1\r\n" HOST "\r\n"), WEFT_EOVER);
    char *down = (char *)ws_end_take(&end, NULL);
    assert_non_null(strstr(down, "Content-Length: 12\r\n"));
    assert_null(strstr(down, "hello"));
    free(down);
    ws_end_fini(&end);
    files_remove(&files);
}

static void test_page_over_1_mib_is_refused(void **state)
{
    struct files files;
    char query[128];

    (void)state;
    files_new(&files);
    FILE *file = fopen(files.page, "w");
    assert_non_null(file);
    assert_int_equal(fseek(file, 1 << 20, SEEK_SET), 0);
    fputc('x', file);
    fclose(file);
    snprintf(query, sizeof query, "page=%s", files.page);
    refuse(WEFT_SERVER, query, "larger than 1 MiB");
    files_remove(&files);
}

static void test_page_that_cannot_be_served_is_refused(void **state)
{
    char folder[40] = "/tmp/weft-test-XXXXXX", query[400], page[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(page, sizeof page, "%s/x.html", folder);
    assert_int_equal(mkdir(page, 0700), 0);
    snprintf(query, sizeof query, "page=%s", page);
    refuse(WEFT_SERVER, query, "it is not a file");
    snprintf(query, sizeof query, "page=%s/%060d.html", folder, 0);
    refuse(WEFT_SERVER, query, "its name is longer than 63 bytes");
    rmdir(page);
    rmdir(folder);
}

static void test_more_than_16_pages_are_refused(void **state)
{
    struct files files;
    char query[17 * 64 + 16];

    (void)state;
    files_new(&files);
    size_t used = (size_t)snprintf(query, sizeof query, "page=%s", files.page);
    for (int i = 0; i < 16; i++)
        used += (size_t)snprintf(query + used, sizeof query - used, ",%s", files.page);
    refuse(WEFT_SERVER, query, "there are more than 16");
    files_remove(&files);
}

static void test_pages_without_memory_are_refused(void **state)
{
    struct weft_error error;
    struct files files;
    struct ws_end end;
    bool whole = false, one = false;
    size_t n = 0;

    (void)state;
    files_new(&files);
    for (;; n++) {
        fault_arm(FAULT_ONE, n);
        int err = ws_end_init(&end, WEFT_SERVER, files.query, &error);
        if (err == 0)
            break;
        whole |= strstr(error.text, "no memory for the pages ") != NULL;
        one |= strstr(error.text, "no memory for page ") != NULL;
    }
    fault_disarm();
    ws_end_fini(&end);
    assert_true(whole && one);
    files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_served_to_a_get_without_upgrade),
        cmocka_unit_test(test_head_of_a_page_has_no_body),
        cmocka_unit_test(test_page_over_1_mib_is_refused),
        cmocka_unit_test(test_page_that_cannot_be_served_is_refused),
        cmocka_unit_test(test_more_than_16_pages_are_refused),
        FAULT_TEST(test_pages_without_memory_are_refused),
    };

    return cmocka_run_group_tests_name("websocket pages", tests, NULL, NULL);
}
