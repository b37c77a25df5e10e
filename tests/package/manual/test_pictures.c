/* SPDX-License-Identifier: MIT
 *
 * Tests that the pictures of the documents are those that their source draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire.h"

static char folder[256];

static int draw(void **state)
{
    (void)state;
    struct process python;
    scratch_make(folder, sizeof folder);
    int code = process_run(&python, WORDS(READER, "-B", PICTURES_FOLDER "/draw.py", folder));
    process_kill(&python);
    return code;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static struct wire_bytes load(const char *in, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", in, name);
    struct wire_bytes bytes = wire_from_file(path);
    assert_non_null(bytes.data);
    return bytes;
}

static void test_pictures_are_as_drawn(void **state)
{
    (void)state;
    static const char *const names[] = {"request.svg", "frame.svg", "order.svg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct wire_bytes drawn = load(folder, names[i]), kept = load(PICTURES_FOLDER, names[i]);
        if (drawn.size != kept.size || memcmp(drawn.data, kept.data, kept.size) != 0)
            fail_msg("docs/pictures/%s is not what draw.py draws", names[i]);
        wire_free(&drawn);
        wire_free(&kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures_are_as_drawn)};
    return cmocka_run_group_tests(tests, draw, remove_folder);
}
