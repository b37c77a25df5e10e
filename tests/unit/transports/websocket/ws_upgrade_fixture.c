/* SPDX-License-Identifier: MIT */
#include "ws_upgrade_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

void expect(const char *query, const char *request, int status, const char *words)
{
    struct ws_end end;
    char line[64];

    assert_int_equal(ws_end_init(&end, WEFT_SERVER, query, NULL), 0);
    ssize_t result = ws_end_text(&end, request);
    char *down = (char *)ws_end_take(&end, NULL);
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    if (strncmp(down, line, strlen(line)) != 0 || !strstr(down, words))
        fail_msg("expected %d and '%s', not:\n%s\nto:\n%s", status, words, down, request);
    assert_int_equal(result, status == 101 ? -EAGAIN : status == 200 ? WEFT_EOVER : -EPROTO);
    assert_int_equal(end.is_open, status == 101);
    assert_true(status < 300 || ws_end_trouble(&end));
    /* No close frame follows what is not a WebSocket. */
    assert_int_equal(ws_end_finish(&end), 0);
    assert_int_equal(end.down.bytes, status == 101 ? 4 : 0);
    free(down);
    ws_end_fini(&end);
}

void refuse(enum weft_role role, const char *query, const char *words)
{
    struct weft_error error = {0};
    struct ws_end end;

    assert_int_equal(ws_end_init(&end, role, query, &error), WEFT_ECONFIG);
    if (!strstr(error.text, words))
        fail_msg("%s: '%s' does not say '%s'", query, error.text, words);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void files_new(struct files *files)
{
    strcpy(files->folder, "/tmp/weft-test-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    snprintf(files->page, sizeof files->page, "%s/page.html", files->folder);
    snprintf(files->script, sizeof files->script, "%s/script.js", files->folder);
    snprintf(files->query, sizeof files->query, "path=/kv&page=%s,%s", files->page, files->script);
    write_file(files->page, "<p>hello</p>");
    write_file(files->script, "go();");
}

void files_remove(const struct files *files)
{
    remove(files->page);
    remove(files->script);
    assert_int_equal(remove(files->folder), 0);
}
