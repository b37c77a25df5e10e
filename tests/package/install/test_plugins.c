/* SPDX-License-Identifier: MIT
 *
 * examples/plugin, built against the installed headers alone, in kvs and kvc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "prefix.h"
#include "lib/kvs.h"
#include "lib/wire.h"

static struct kvs kvs;
static struct process program;
static char object[400];

static int make(void **state)
{
    int err = prefix_make(state);
    if (err != 0)
        return err;
    snprintf(object, sizeof object, "%s/plugin.so", prefix_path());
    setenv("OBJECT", object, 1);
    prefix_shell(
        &program,
        "cd $SOURCE/examples/plugin\n"
        "$CC $CFLAGS -std=c17 -Wall -Wextra -Wpedantic -Werror -shared -fPIC -o $OBJECT\\\n"
        "  plugin.c netstring.c $(pkg-config --cflags weft)");
    process_kill(&program);
    return 0;
}

static int end_programs(void **state)
{
    (void)state;
    kvs_kill(&kvs);
    process_kill(&program);
    return 0;
}

static void test_codec_of_a_plugin_is_spoken_at_both_ends(void **state)
{
    (void)state;
    kvs_start(&kvs, WORDS("--plugin", object, "--codec", "netstring", "--listen", KVS_ANY_PORT));
    kvc_expect(kvs.urls[0],
               WORDS("--plugin", object, "--codec", "netstring", "hset", "t", "k", "v"), "\n");
    kvc_expect(kvs.urls[0], WORDS("--plugin", object, "--codec", "netstring", "hget", "t", "k"),
               "v\n");
    kvc_expect_error(kvs.urls[0], WORDS("--codec", "netstring", "hget", "t", "k"), 2,
                     "unknown codec 'netstring'");
    kvs_end(&kvs);
}

static void test_service_of_a_plugin_answers(void **state)
{
    (void)state;
    static const char answers[] = "3:100,3:101,";
    char got[sizeof answers - 1];
    kvs_start(&kvs, WORDS("--plugin", object, "--listen",
                          KVS_ANY_PORT "?codec=netstring&service=counter&from=100"));
    int fd = wire_connect(kvs.urls[0]);
    assert_true(fd >= 0);
    assert_int_equal(wire_send(fd, "5:hello,0:,", 11), 0);
    assert_int_equal(wire_receive_bytes(fd, got, sizeof got), 0);
    assert_memory_equal(got, answers, sizeof got);
    wire_shutdown(fd);
    kvs_end(&kvs);
}

/* No library of weft beside the program: the allocator, say, would be there twice. */
static void test_plugin_is_linked_with_no_library_of_weft(void **state)
{
    (void)state;
    prefix_shell(&program,
                 "if ldd $OBJECT | grep weft; then false; fi\n" CMAKE_PATH
                 " -S $SOURCE/examples/plugin -B $PREFIX/b && " CMAKE_PATH " --build $PREFIX/b\n"
                 "if ldd $PREFIX/b/plugin.so | grep weft; then false; fi");
}

static void expect_refusal(const char *const *words, const char *fragment)
{
    assert_int_equal(process_run(&program, words), 2);
    assert_string_equal(program.out.text, "");
    assert_one_line(program.err.text, fragment);
    process_kill(&program);
}

static void test_programs_refuse_what_they_cannot_load(void **state)
{
    (void)state;
    expect_refusal(WORDS(KVS_PATH, "--plugin", "/nowhere/x.so"),
                   "kvs: plugin '/nowhere/x.so': No such file or directory");
    expect_refusal(WORDS(KVC_PATH, "--plugin", "/nowhere/x.so", "ping"),
                   "kvc: plugin '/nowhere/x.so': No such file or directory");
    expect_refusal(WORDS(KVS_PATH, "--plugin", object, "--plugin", object),
                   "codec 'netstring': there is one of this name already");
}

static void test_more_plugins_than_a_command_line_may_name(void **state)
{
    (void)state;
    const char *words[2 * 17 + 2] = {KVS_PATH};
    for (size_t i = 0; i < 17; i++) {
        words[2 * i + 1] = "--plugin";
        words[2 * i + 2] = object;
    }
    expect_refusal(words, "--plugin: more than 16 times");
}

/* The code of a plugin runs as soon as it is loaded: who may not read it as that user loads nothing. */
static void test_user_is_changed_before_a_plugin_is_loaded(void **state)
{
    (void)state;
    struct process chmod;
    bool root = geteuid() == 0;
    assert_int_equal(process_run(&chmod, WORDS("/bin/chmod", "700", prefix_path())), 0);
    process_kill(&chmod);
    int code = process_run(&program, WORDS(KVS_PATH, "--user", "nobody", "--plugin", object));
    assert_int_equal(code, root ? 2 : 1);
    assert_one_line(program.err.text, root ? "': Permission denied" : "--user: cannot become user");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_codec_of_a_plugin_is_spoken_at_both_ends, end_programs),
        cmocka_unit_test_teardown(test_service_of_a_plugin_answers, end_programs),
        cmocka_unit_test_teardown(test_plugin_is_linked_with_no_library_of_weft, end_programs),
        cmocka_unit_test_teardown(test_programs_refuse_what_they_cannot_load, end_programs),
        cmocka_unit_test_teardown(test_more_plugins_than_a_command_line_may_name, end_programs),
        cmocka_unit_test_teardown(test_user_is_changed_before_a_plugin_is_loaded, end_programs),
    };
    return cmocka_run_group_tests(tests, make, prefix_remove);
}
