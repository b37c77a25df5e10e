/* SPDX-License-Identifier: MIT
 *
 * The installed tree: where its files lie, and what its libraries need. */
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

/* Returns the names in the dynamic section of a shared library, one per line. */
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
    const char *versions = output_of("pkg-config --modversion weft-base weft weft-codecs weft-kv "
                                     "weft-kv-disk weft-kv-redis weft-rpc");
    assert_string_equal(versions, VERSION "\n" VERSION "\n" VERSION "\n" VERSION "\n" VERSION
                                          "\n" VERSION "\n" VERSION "\n");
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
