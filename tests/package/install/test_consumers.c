/* SPDX-License-Identifier: MIT
 *
 * Projects that use weft in other ways than the examples do: as a subdirectory, with settings of their
 * own, and installed where no loader looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "prefix.h"

static const char write_program[] =
    "rm -rf $PREFIX/outer && mkdir $PREFIX/outer && cd $PREFIX/outer\n"
    "cat > a.c <<'END'\n"
    "#include <weft/loop.h>\n"
    "int main(void)\n"
    "{\n"
    "    struct weft_loop *loop;\n"
    "    int err = weft_loop_new(&loop, 64);\n"
    "    if (err == 0)\n"
    "        weft_loop_free(loop);\n"
    "    return err == 0 ? 0 : 1;\n"
    "}\n"
    "END\n";

/* Builds a project of that CMakeLists.txt, with commands of sh(1) before and after. */
static void build_outer(const char *before, const char *cmake_lists, const char *then)
{
    struct process shell;
    char text[4096];
    snprintf(text, sizeof text,
             "%scat > CMakeLists.txt <<END\n"
             "cmake_minimum_required(VERSION 3.25)\n"
             "project(outer LANGUAGES C)\n%sEND\n"
             "%s" CMAKE_PATH " -B build\n%s",
             write_program, cmake_lists, before, then);
    prefix_shell(&shell, text);
    process_kill(&shell);
}

/* A cross build cannot run what it has built: here for want of its dynamic linker. */
static const char make_cross[] =
    "rm -rf $PREFIX/cross && mkdir $PREFIX/cross && cd $PREFIX/cross\n"
    "cat > toolchain.cmake <<'END'\n"
    "set(CMAKE_SYSTEM_NAME Linux)\n"
    "set(CMAKE_C_COMPILER " COMPILER_PATH ")\n"
    "set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,--dynamic-linker=/lib/ld-elsewhere.so.1)\n"
    "END\n"
    "configure() {\n"
    "    folder=$1; shift\n"
    "    " CMAKE_PATH
    " -S $SOURCE -B $folder -G Ninja -DCMAKE_TOOLCHAIN_FILE=$PWD/toolchain.cmake \\\n"
    "        -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O0 -DWEFT_TESTS=OFF \"$@\"\n"
    "}\n";

static void run_cross(const char *commands)
{
    struct process shell;
    char text[2048];
    snprintf(text, sizeof text, "%s%s", make_cross, commands);
    prefix_shell(&shell, text);
    process_kill(&shell);
}

static void test_cross_build_has_libraries_and_programs_without_the_manual(void **state)
{
    (void)state;
    run_cross("configure plain\n"
              "cd plain\n"
              "ninja -t targets all > targets\n"
              "grep -q '^kvs:' targets && grep -q '^lib/libweft_kv.so:' targets\n"
              "! grep -E '(^|/)(manual|generate|kvs\\.1):' targets\n"
              "! grep -q kvs.1 cmake_install.cmake */cmake_install.cmake\n"
              "ninja kvs lib/libweft_base.so\n"
              "! ./kvs --version\n");
}

static void test_cross_build_makes_the_manual_by_a_native_program(void **state)
{
    (void)state;
    run_cross("configure native -DWEFT_GENERATE=" BUILD_FOLDER "/programs/man/generate\n"
              "ninja -C native manual\n"
              "cmp native/programs/man/kvs.1 " BUILD_FOLDER "/programs/man/kvs.1\n"
              "test ! -e native/kvs\n");
}

/* With the two settings that have broken the build of others' libraries: one file made of all, and
 * nothing visible unless it is marked. */
static void test_subdirectory_builds_as_unity_and_with_hidden_visibility(void **state)
{
    (void)state;
    build_outer("export CFLAGS=-O0\n",
                "set(CMAKE_UNITY_BUILD ON)\n"
                "set(CMAKE_C_VISIBILITY_PRESET hidden)\n"
                "add_subdirectory($SOURCE weft)\n"
                "add_executable(shared a.c)\n"
                "target_link_libraries(shared PRIVATE weft::kv weft::codecs weft::core)\n"
                "add_executable(archives a.c)\n"
                "target_link_libraries(archives PRIVATE weft::kv_static weft::core_static)\n",
                CMAKE_PATH " --build build --target shared archives\n"
                           "build/shared && build/archives\n"
                           "test ! -e build/weft/kvs\n");
}

static void test_fetched_content_has_the_targets_of_the_installed_package(void **state)
{
    (void)state;
    build_outer("",
                "include(FetchContent)\n"
                "FetchContent_Declare(weft SOURCE_DIR $SOURCE)\n"
                "FetchContent_MakeAvailable(weft)\n"
                "foreach(library base core codecs kv kv_disk kv_redis rpc)\n"
                "  foreach(kind \"\" _static)\n"
                "    if(NOT TARGET weft::\\${library}\\${kind})\n"
                "      message(FATAL_ERROR \"no weft::\\${library}\\${kind}\")\n"
                "    endif()\n"
                "  endforeach()\n"
                "endforeach()\n",
                "");
}

/* A program's RUNPATH leads to what it needs itself. With --as-needed that is libweft_core alone, and
 * libweft_base is for libweft_core to find. */
static void test_installed_libraries_find_each_other_in_any_prefix(void **state)
{
    (void)state;
    build_outer("",
                "find_package(weft REQUIRED)\n"
                "add_executable(a a.c)\n"
                "target_link_libraries(a PRIVATE weft::core)\n"
                "target_link_options(a PRIVATE -Wl,--as-needed)\n",
                CMAKE_PATH " --build build\n"
                           "unset LD_LIBRARY_PATH\n"
                           "build/a\n");
}

/* On the machine that ./dev sets up there is ninja, and no make. */
static void test_commands_of_the_examples_page_work_with_ninja_alone(void **state)
{
    struct process shell;
    (void)state;
    prefix_shell(&shell, "unset CMAKE_GENERATOR CMAKE_PREFIX_PATH\n"
                         "export HOME=$PREFIX/home OUT=$PREFIX/wc\n"
                         "cd $SOURCE\n"
                         "sed -n 's/^    //p' examples/README.md | grep '^cmake' |\n"
                         "  sed \"s:/tmp/wc:$OUT:; s:--install build :--install " BUILD_FOLDER
                         " :\" > $PREFIX/commands\n"
                         "test $(wc -l < $PREFIX/commands) = 3\n"
                         ". $PREFIX/commands\n"
                         "grep -q '^CMAKE_GENERATOR:INTERNAL=Ninja$' $OUT/CMakeCache.txt\n"
                         "test -x $OUT/wc_server\n");
    process_kill(&shell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_build_has_libraries_and_programs_without_the_manual),
        cmocka_unit_test(test_cross_build_makes_the_manual_by_a_native_program),
        cmocka_unit_test(test_subdirectory_builds_as_unity_and_with_hidden_visibility),
        cmocka_unit_test(test_fetched_content_has_the_targets_of_the_installed_package),
        cmocka_unit_test(test_commands_of_the_examples_page_work_with_ninja_alone),
        cmocka_unit_test(test_installed_libraries_find_each_other_in_any_prefix),
    };
    return cmocka_run_group_tests(tests, prefix_make, prefix_remove);
}
