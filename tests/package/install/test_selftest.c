/* SPDX-License-Identifier: MIT
 *
 * weft-selftest as an author outside the tree uses it: on plugins that are built against the installed
 * headers, good ones and some with a mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefix.h"
#include "lib/kvs.h"

static struct process program;
static char object[400];

/* Builds examples/plugin, with one expression of sed(1) applied to netstring.c and one to plugin.c. */
static void build(const char *codec_change, const char *service_change)
{
    char command[1024];
    snprintf(command, sizeof command,
             "rm -rf $PREFIX/author && cp -r $SOURCE/examples/plugin $PREFIX/author && cd "
             "$PREFIX/author\n"
             "sed -i '%s' netstring.c && sed -i '%s' plugin.c\n"
             "$CC $CFLAGS -std=c17 -shared -fPIC -o plugin.so plugin.c netstring.c\\\n"
             "  $(pkg-config --cflags weft)",
             codec_change, service_change);
    prefix_shell(&program, command);
    process_kill(&program);
    snprintf(object, sizeof object, "%s/author/plugin.so", prefix_path());
}

static int selftest(const char *const *options)
{
    const char *words[16] = {SELFTEST_PATH};
    size_t count = 1;
    for (; *options; options++)
        words[count++] = *options;
    words[count] = NULL;
    return process_run(&program, words);
}

static int end_program(void **state)
{
    (void)state;
    process_kill(&program);
    return 0;
}

static void test_example_passes(void **state)
{
    (void)state;
    build("", "");
    assert_int_equal(selftest(WORDS(object)), 0);
    assert_non_null(strstr(program.out.text, "weft-selftest: counter: 2 suites, 0 tests failed\n"));
}

static void test_one_of_a_plugin_is_chosen_and_given_options_and_a_sample(void **state)
{
    (void)state;
    build("", "");
    assert_int_equal(
        selftest(WORDS("--only", "counter", "-o", "from=7", "-s", "/etc/passwd", object)), 0);
    assert_non_null(strstr(program.out.text, ": 1 suite, 0 tests failed\n"));
}

static void assert_is_caught(const char *codec_change, const char *service_change)
{
    build(codec_change, service_change);
    assert_int_not_equal(selftest(WORDS(object)), 0);
    process_kill(&program);
}

static void test_limit_that_is_mistaken_for_another_is_caught(void **state)
{
    (void)state;
    assert_is_caught("s/= limits->max_frame;/= limits->max_message;/", "");
}

static void test_state_that_connections_share_is_caught(void **state)
{
    (void)state;
    assert_is_caught("s/struct netstring_conn \\*conn = state->conn;/"
                     "static struct netstring_conn shared, *conn = \\&shared;/",
                     "");
}

static void test_header_without_an_end_is_caught(void **state)
{
    (void)state;
    assert_is_caught("s/ || i == DIGITS_MAX//", "");
}

static void test_service_that_never_answers_is_caught(void **state)
{
    (void)state;
    assert_is_caught("",
                     "s/(void)!weft_request_end(request, &body.body);/(void)request, (void)body;/");
}

/* examples/layer, as a plugin of its own. */
static void build_layer(const char *change)
{
    char command[1024];
    snprintf(
        command, sizeof command,
        "rm -rf $PREFIX/author && cp -r $SOURCE/examples/layer $PREFIX/author && cd "
        "$PREFIX/author\n"
        "sed -i '%s' quota.c\n"
        "cat > plugin.c <<'END'\n"
        "#include <weft/plugin.h>\n"
        "#include \"quota.h\"\n"
        "static const struct weft_layer *const layers[] = {&quota_layer, NULL};\n"
        "WEFT_PLUGIN(.name = \"quota\", .version = \"1\", .licence = \"MIT\", .layers = layers);\n"
        "END\n"
        "$CC $CFLAGS -std=c17 -shared -fPIC -o plugin.so plugin.c quota.c\\\n"
        "  $(pkg-config --cflags weft)",
        change);
    prefix_shell(&program, command);
    process_kill(&program);
    snprintf(object, sizeof object, "%s/author/plugin.so", prefix_path());
}

static void test_layer_passes_and_is_given_options(void **state)
{
    (void)state;
    build_layer("");
    assert_int_equal(selftest(WORDS("-o", "quota=2", object)), 0);
    assert_non_null(strstr(program.out.text, "weft-selftest: quota: 1 suite, 0 tests failed\n"));
}

static void expect_refusal(const char *const *options, const char *text)
{
    assert_int_equal(selftest(options), 2);
    assert_non_null(strstr(program.err.text, text));
    process_kill(&program);
}

static void test_what_cannot_be_tested_is_refused_with_words(void **state)
{
    (void)state;
    expect_refusal(WORDS("/nonexistent.so"), "plugin '/nonexistent.so': ");
    expect_refusal(WORDS("/etc/passwd"), "weft-selftest: plugin: ");
    expect_refusal(WORDS("--help-me"), "unrecognized option");
    expect_refusal(WORDS("--sample", "/nonexistent", "x.so"),
                   "weft-selftest: --sample /nonexistent: No such file or directory\n");
    expect_refusal((const char *const[]){NULL}, "one PLUGIN.so is to be named");
    build("", "");
    expect_refusal(WORDS("--only", "nothing", object), ": nothing of it is named nothing\n");
}

static void test_option_that_nothing_declares_is_refused(void **state)
{
    (void)state;
    build("", "");
    assert_int_equal(selftest(WORDS("--options", "from=5&levle=9", object)), 2);
    assert_non_null(strstr(program.err.text, "it declares no option as in --options levle=9\n"));
}

static void test_help_and_version_are_printed(void **state)
{
    (void)state;
    assert_int_equal(selftest(WORDS("--help")), 0);
    assert_non_null(strstr(program.out.text, "usage: weft-selftest [OPTION...] PLUGIN.so\n"));
    process_kill(&program);
    assert_int_equal(selftest(WORDS("--version")), 0);
    assert_string_equal(program.out.text, "weft-selftest " VERSION "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_example_passes, end_program),
        cmocka_unit_test_teardown(test_one_of_a_plugin_is_chosen_and_given_options_and_a_sample,
                                  end_program),
        cmocka_unit_test_teardown(test_limit_that_is_mistaken_for_another_is_caught, end_program),
        cmocka_unit_test_teardown(test_state_that_connections_share_is_caught, end_program),
        cmocka_unit_test_teardown(test_header_without_an_end_is_caught, end_program),
        cmocka_unit_test_teardown(test_service_that_never_answers_is_caught, end_program),
        cmocka_unit_test_teardown(test_layer_passes_and_is_given_options, end_program),
        cmocka_unit_test_teardown(test_what_cannot_be_tested_is_refused_with_words, end_program),
        cmocka_unit_test_teardown(test_option_that_nothing_declares_is_refused, end_program),
        cmocka_unit_test_teardown(test_help_and_version_are_printed, end_program),
    };
    return cmocka_run_group_tests(tests, prefix_make, prefix_remove);
}
