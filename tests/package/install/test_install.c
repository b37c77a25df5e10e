/* SPDX-License-Identifier: MIT
 *
 * The installed tree: headers, libraries, what they export and what they need. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefix.h"

static struct process shell;

static int end_shell(void **state)
{
    (void)state;
    process_kill(&shell);
    return 0;
}

static const char *output_of(const char *command)
{
    process_kill(&shell);
    prefix_shell(&shell, command);
    return shell.out.text;
}

static void test_each_installed_header_compiles_alone(void **state)
{
    (void)state;
    output_of(
        "cd $PREFIX/include && find weft -name '*.h' | while read -r header; do\n"
        "  echo \"#include <$header>\" |\n"
        "    $CC -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I . -x c - || exit 1\n"
        "done");
}

static void test_no_private_header_is_installed(void **state)
{
    (void)state;
    const char *headers = output_of("cd $PREFIX/include/weft && ls");
    assert_null(strstr(headers, "private"));
    assert_null(strstr(headers, "internal"));
    assert_null(strstr(headers, "conn.h"));
    assert_null(strstr(headers, "worker.h"));
    assert_non_null(strstr(headers, "codec.h"));
}

/* Whether the headers have name as a whole word with `next` behind it. */
static bool declared(const char *headers, const char *name, const char *next)
{
    size_t size = strlen(name);
    for (const char *at = headers; (at = strstr(at, name)) != NULL; at += size) {
        bool begins = at == headers || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (begins && strncmp(at + size, next, strlen(next)) == 0)
            return true;
    }
    return false;
}

static bool is_declared(const char *headers, const char *name)
{
    return declared(headers, name, "(") || declared(headers, name, ";");
}

/* One private name is exported: the inline weft_chain_reserve calls it. */
static bool is_private(const char *name)
{
    return strstr(name, "__") != NULL;
}

static void for_each_name(const char *names, const char *headers,
                          void (*check)(const char *headers, const char *name))
{
    char name[256];
    int used;
    size_t count = 0;
    for (; sscanf(names, "%255s%n", name, &used) == 1; names += used, count++)
        check(headers, name);
    assert_true(count > 50);
}

static void expect_declared(const char *headers, const char *name)
{
    if (is_private(name) || !is_declared(headers, name))
        fail_msg("%s is exported, but no installed header declares it", name);
}

static char all_headers[1 << 18], exported[1 << 16];

static void load_headers_and_exports(void)
{
    snprintf(all_headers, sizeof all_headers, "%s",
             output_of("find $PREFIX/include -name '*.h' -exec cat {} +"));
    /* A version (@@WEFT_0) is part of a name here, and an absolute symbol (A) of its own. */
    snprintf(exported, sizeof exported, "%s",
             output_of("for library in $LIB/libweft_*.so.0; do\n"
                       "  " NM_PATH " -D --defined-only $library\n"
                       "done | awk 'NF == 3 && $2 != \"A\" { sub(/@.*/, \"\", $3); print $3 }'"));
}

static void test_shared_libraries_export_nothing_that_no_header_declares(void **state)
{
    (void)state;
    load_headers_and_exports();
    for_each_name(exported, all_headers, expect_declared);
}

static void expect_exported_if_declared(const char *headers, const char *name)
{
    char line[300];
    snprintf(line, sizeof line, "%s\n", name);
    if (!is_private(name) && is_declared(headers, name) && !strstr(exported, line))
        fail_msg("%s is declared in an installed header, but no shared library exports it", name);
}

static void test_shared_libraries_export_all_that_headers_declare(void **state)
{
    (void)state;
    load_headers_and_exports();
    for_each_name(output_of("for library in $LIB/libweft_*.a; do " NM_PATH
                            " -g --defined-only $library; done | awk 'NF == 3 { print $3 }'"),
                  all_headers, expect_exported_if_declared);
}

/* What a shared library names in its dynamic section, a word each. */
static const char *dynamic(const char *library)
{
    char command[512];
    snprintf(command, sizeof command,
             READELF_PATH
             " -d $LIB/%s | sed -n 's/.*\\(NEEDED\\|SONAME\\).*\\[\\(.*\\)\\]/\\1:\\2/p'",
             library);
    return output_of(command);
}

static void test_base_needs_no_library_of_the_house(void **state)
{
    (void)state;
    const char *base = dynamic("libweft_base.so");
    assert_non_null(strstr(base, "SONAME:libweft_base.so.0\n"));
    assert_null(strstr(base, "NEEDED:libweft"));
}

static void test_codecs_need_base_but_neither_libev_nor_protobuf_c(void **state)
{
    (void)state;
    const char *codecs = dynamic("libweft_codecs.so");
    assert_non_null(strstr(codecs, "SONAME:libweft_codecs.so.0\n"));
    assert_non_null(strstr(codecs, "NEEDED:libweft_base.so.0\n"));
    assert_null(strstr(codecs, "libweft_core"));
    assert_null(strstr(codecs, "libev"));
    assert_null(strstr(codecs, "libprotobuf"));
}

static void test_core_needs_libev_but_neither_zlib_nor_protobuf_c(void **state)
{
    (void)state;
    const char *core = dynamic("libweft_core.so");
    assert_non_null(strstr(core, "SONAME:libweft_core.so.0\n"));
    assert_non_null(strstr(core, "NEEDED:libev"));
    assert_null(strstr(core, "libz"));
    assert_null(strstr(core, "libprotobuf"));
}

static void test_kv_needs_core_for_the_service_seam_but_no_codec(void **state)
{
    (void)state;
    const char *kv = dynamic("libweft_kv.so");
    assert_non_null(strstr(kv, "SONAME:libweft_kv.so.0\n"));
    assert_non_null(strstr(kv, "NEEDED:libweft_core.so.0\n"));
    assert_null(strstr(kv, "libweft_codecs"));
}

/* State that is there once in a process: the allocator hook. */
static void test_the_allocator_hook_is_in_base_alone(void **state)
{
    (void)state;
    const char *count = output_of("for library in $LIB/libweft_*.so.0; do\n"
                                  "  " NM_PATH " -D --defined-only $library\n"
                                  "done | grep -c ' T weft_mem_use'");
    assert_string_equal(count, "1\n");
}

static void test_pkg_config_knows_each_module_and_its_version(void **state)
{
    (void)state;
    const char *versions = output_of("pkg-config --modversion weft-base weft weft-codecs weft-kv");
    assert_string_equal(versions, VERSION "\n" VERSION "\n" VERSION "\n" VERSION "\n");
}

static void test_pkg_config_names_what_an_archive_needs_beside(void **state)
{
    (void)state;
    const char *libs = output_of("pkg-config --static --libs weft-codecs weft-kv");
    assert_true(strstr(libs, "-lz") || strstr(libs, "-ldeflate")); /* as WEFT_GZIP_ENGINE chose */
    assert_non_null(strstr(libs, "-lev"));
    assert_non_null(strstr(libs, "-lprotobuf-c"));
    assert_null(strstr(output_of("pkg-config --static --libs weft-codecs"), "-lev"));
}

static void test_manual_and_completions_are_where_their_readers_look(void **state)
{
    (void)state;
    output_of("cd $PREFIX/share && ls man/man1/kvs.1 man/man1/kvc.1 man/man7/weft.7 "
              "bash-completion/completions/kvs bash-completion/completions/kvc "
              "zsh/site-functions/_kvs zsh/site-functions/_kvc "
              "fish/vendor_completions.d/kvs.fish fish/vendor_completions.d/kvc.fish");
}

static void test_installed_programs_run_and_tell_their_version(void **state)
{
    (void)state;
    assert_string_equal(output_of("$PREFIX/bin/kvs --version && $PREFIX/bin/kvc --version"),
                        "kvs " VERSION "\nkvc " VERSION "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_each_installed_header_compiles_alone, end_shell),
        cmocka_unit_test_teardown(test_no_private_header_is_installed, end_shell),
        cmocka_unit_test_teardown(test_shared_libraries_export_nothing_that_no_header_declares,
                                  end_shell),
        cmocka_unit_test_teardown(test_shared_libraries_export_all_that_headers_declare, end_shell),
        cmocka_unit_test_teardown(test_base_needs_no_library_of_the_house, end_shell),
        cmocka_unit_test_teardown(test_codecs_need_base_but_neither_libev_nor_protobuf_c,
                                  end_shell),
        cmocka_unit_test_teardown(test_core_needs_libev_but_neither_zlib_nor_protobuf_c, end_shell),
        cmocka_unit_test_teardown(test_kv_needs_core_for_the_service_seam_but_no_codec, end_shell),
        cmocka_unit_test_teardown(test_the_allocator_hook_is_in_base_alone, end_shell),
        cmocka_unit_test_teardown(test_pkg_config_knows_each_module_and_its_version, end_shell),
        cmocka_unit_test_teardown(test_pkg_config_names_what_an_archive_needs_beside, end_shell),
        cmocka_unit_test_teardown(test_manual_and_completions_are_where_their_readers_look,
                                  end_shell),
        cmocka_unit_test_teardown(test_installed_programs_run_and_tell_their_version, end_shell),
    };
    return cmocka_run_group_tests(tests, prefix_make, prefix_remove);
}
