/* SPDX-License-Identifier: MIT
 *
 * The contract suites as an author outside the tree has them: a cmocka program of their own, built against
 * the installed headers alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "prefix.h"

/* The codec of examples/codec under the suite. */
static const char write_codec_program[] =
    "rm -rf $PREFIX/author && mkdir $PREFIX/author && cd $PREFIX/author\n"
    "cp $SOURCE/examples/codec/lines.c $SOURCE/examples/codec/lines.h .\n"
    "cat > test_lines.c <<'END'\n"
    "#include <weft/suites/codec_suite.h>\n"
    "#include \"lines.h\"\n"
    "int main(void)\n"
    "{\n"
    "    return weft_codec_suite_run(&(struct weft_codec_suite){.codec = &codec_lines, .text = "
    "true,\n"
    "                                                           .delimited = true});\n"
    "}\n"
    "END\n";

/* A service that answers what it was asked, in as few lines as there can be. */
static const char write_service_program[] =
    "rm -rf $PREFIX/author && mkdir $PREFIX/author && cd $PREFIX/author\n"
    "cat > test_parrot.c <<'END'\n"
    "#include <weft/suites/service_suite.h>\n"
    "static void call(void *loop, void *conn, struct weft_request *request)\n"
    "{\n"
    "    (void)loop, (void)conn;\n"
    "    struct weft_body_bytes body = weft_body_from_view(request->payload);\n"
    "    if (weft_request_end(request, &body.body) < 0)\n"
    "        __builtin_trap();\n"
    "}\n"
    "int main(void)\n"
    "{\n"
    "    static const struct weft_service parrot = {.name = \"parrot\", .speaks = \"*\", .call = "
    "call};\n"
    "    return weft_service_suite_run(&(struct weft_service_suite){.service = &parrot});\n"
    "}\n"
    "END\n";

static void expect_success(const char *prepare, const char *command)
{
    struct process shell;
    char text[4096];
    snprintf(text, sizeof text, "%s%s", prepare, command);
    prefix_shell(&shell, text);
    process_kill(&shell);
}

static void test_codec_of_an_author_passes_by_pkg_config(void **state)
{
    (void)state;
    expect_success(write_codec_program,
                   "$CC $CFLAGS -std=c17 -D_GNU_SOURCE -o test_lines test_lines.c "
                   "lines.c\\\n"
                   "  $(pkg-config --cflags --libs weft-suites) && ./test_lines");
}

static void test_service_of_an_author_passes_by_cmake(void **state)
{
    (void)state;
    expect_success(write_service_program,
                   "cat > CMakeLists.txt <<'END'\n"
                   "cmake_minimum_required(VERSION 3.25)\n"
                   "project(author LANGUAGES C)\n"
                   "find_package(weft REQUIRED COMPONENTS suites)\n"
                   "add_executable(test_parrot test_parrot.c)\n"
                   "target_link_libraries(test_parrot PRIVATE weft::suites)\n"
                   "END\n" CMAKE_PATH " -B build && " CMAKE_PATH
                   " --build build && build/test_parrot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_of_an_author_passes_by_pkg_config),
        cmocka_unit_test(test_service_of_an_author_passes_by_cmake),
    };
    return cmocka_run_group_tests(tests, prefix_make, prefix_remove);
}
