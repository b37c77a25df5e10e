/* SPDX-License-Identifier: MIT
 *
 * The public surface: what headers declare, what cmake/exports/ lists and what the libraries export
 * are one set of names, and C++ can use them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "prefix.h"

/* For the commands below. Each of listed, exported and defined gives the names of one library, sorted. */
static const char shell_functions[] =
    "export LC_ALL=C\n"
    "listed() { grep -v '^#' \"$SOURCE/cmake/exports/$1.txt\"; }\n"
    /* A version (@@WEFT_0) is part of a name here, and an absolute symbol (A) of its own. */
    "exported() { $NM -D --defined-only $LIB/libweft_$1.so |\n"
    "    awk 'NF == 3 && $2 != \"A\" { sub(/@.*/, \"\", $3); print $3 }' | sort; }\n"
    "defined() { $NM -g --defined-only $LIB/libweft_$1.a | awk 'NF == 3 { print $3 }' | sort -u; "
    "}\n"
    /* Words of the headers that a parenthesis or a semicolon follows. */
    "declared() { cat $(find $PREFIX/include -name '*.h') | tr -s ' \\n' |\n"
    "    grep -oE '\\b[a-z][a-z0-9_]*[(;]' | tr -d '(;' | sort -u; }\n"
    "headers() { (cd $PREFIX/include && find weft -name '*.h'); }\n";

static void expect_success(const char *command)
{
    struct process shell;
    char text[4096];
    snprintf(text, sizeof text, "%s%s", shell_functions, command);
    prefix_shell(&shell, text);
    process_kill(&shell);
}

static void test_lists_are_sorted_names_that_begin_with_weft(void **state)
{
    (void)state;
    expect_success("for library in base core codecs kv kv_disk kv_redis rpc suites; do\n"
                   "  listed $library | sort -cu\n"
                   "  if listed $library | grep -vE '^weft(_[a-z0-9]+)+$'; then exit 1; fi\n"
                   "done");
}

static void test_shared_libraries_export_exactly_what_is_listed(void **state)
{
    (void)state;
    expect_success("for library in base core codecs kv kv_disk kv_redis rpc suites; do\n"
                   "  listed $library > $PREFIX/listed && exported $library > $PREFIX/exported\n"
                   "  diff $PREFIX/listed $PREFIX/exported\n"
                   "done");
}

static void test_headers_declare_exactly_what_is_listed(void **state)
{
    (void)state;
    expect_success("declared > $PREFIX/declared\n"
                   "for library in base core codecs kv kv_disk kv_redis rpc; do\n"
                   "  listed $library > $PREFIX/listed\n"
                   "  defined $library | comm -12 - $PREFIX/declared > $PREFIX/public\n"
                   "  diff $PREFIX/listed $PREFIX/public\n"
                   "done");
}

static void test_headers_have_no_private_names(void **state)
{
    (void)state;
    expect_success("if grep -rniE 'weft__' $PREFIX/include; then exit 1; fi");
}

static void test_each_header_declares_for_c_and_compiles_alone_as_cpp(void **state)
{
    (void)state;
    expect_success(
        "cd $PREFIX/include\n"
        "headers | while read -r header; do\n"
        "  grep -q 'extern \"C\" {' $header || { echo $header; exit 1; }\n"
        "  echo \"#include <$header>\" | $CXX -std=c++20 -Wall -Wextra -Wpedantic -Werror\\\n"
        "    -fsyntax-only -I . -x c++ - || exit 1\n"
        "done");
}

/* A program that has the address of every function and object there is. */
static const char write_program[] =
    "cd $PREFIX\n"
    "{ headers | sed 's/.*/#include <&>/'\n"
    "  echo '#include <cstdio>'\n"
    "  echo 'static const void *const all[] = {'\n"
    "  for library in base core codecs kv kv_disk kv_redis rpc; do listed $library; done | sed "
    "'s/.*/(const "
    "void "
    "*)\\&&,/'\n"
    "  echo '};'\n"
    "  echo 'int main() {'\n"
    "  echo '  for (const void *p : all) if (!p) return 1;'\n"
    "  echo '  return std::puts(weft_codec_raw.name) < 0 || weft_strerror(-1) == nullptr; }'\n"
    "} > all.cc\n";

static void link_as(const char *command)
{
    char text[2048];
    snprintf(text, sizeof text,
             "%s$CXX $CFLAGS -std=c++20 -Wall -Wextra -Werror -I include all.cc -o all %s\n"
             "test \"$(./all)\" = raw",
             write_program, command);
    expect_success(text);
}

static void test_cpp_program_links_every_shared_library(void **state)
{
    (void)state;
    link_as("$(pkg-config --libs weft-kv-disk weft-kv-redis weft-kv weft-rpc weft-codecs)");
}

static void test_cpp_program_links_every_archive(void **state)
{
    (void)state;
    link_as("-L$LIB -Wl,-Bstatic -lweft_kv_disk -lweft_kv_redis -lweft_kv -lweft_rpc -lweft_codecs "
            "-lweft_core "
            "-lweft_base "
            "-Wl,-Bdynamic "
            "$(pkg-config --static --libs-only-l weft-kv-disk weft-kv-redis weft-kv weft-rpc "
            "weft-codecs |\n"
            "  tr ' ' '\\n' | grep -v weft | tr '\\n' ' ')");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_sorted_names_that_begin_with_weft),
        cmocka_unit_test(test_shared_libraries_export_exactly_what_is_listed),
        cmocka_unit_test(test_headers_declare_exactly_what_is_listed),
        cmocka_unit_test(test_headers_have_no_private_names),
        cmocka_unit_test(test_each_header_declares_for_c_and_compiles_alone_as_cpp),
        cmocka_unit_test(test_cpp_program_links_every_shared_library),
        cmocka_unit_test(test_cpp_program_links_every_archive),
    };
    return cmocka_run_group_tests(tests, prefix_make, prefix_remove);
}
