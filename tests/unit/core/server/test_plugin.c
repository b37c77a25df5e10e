/* SPDX-License-Identifier: MIT
 *
 * Shared objects that are loaded and refused. Compiled with ODD_FOLDER, where odd_plugin.c lies built
 * in each of its forms. */
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

#include "core/plugin.h"
#include "dummy_plugins.h"

static struct weft_registry registry;

static int empty_registry(void **state)
{
    (void)state;
    registry = (struct weft_registry){.frozen = false};
    return 0;
}

/* The load fails, its text holds `fragment`, and the registry is as it was. */
static void expect_refusal(const char *path, const char *fragment)
{
    struct weft_registry before = registry;
    struct weft_error error;
    assert_null(weft_plugin_load(&registry, path, &error));
    assert_int_equal(error.code, WEFT_ECONFIG);
    if (!strstr(error.text, fragment))
        fail_msg("'%s' does not hold '%s'", error.text, fragment);
    assert_memory_equal(&registry, &before, sizeof registry);
}

static void test_plugin_that_fits_is_registered(void **state)
{
    (void)state;
    struct weft_error error;
    const struct weft_plugin *plugin =
        weft_plugin_load(&registry, ODD_FOLDER "/odd_good.so", &error);
    assert_non_null(plugin);
    assert_string_equal(plugin->name, "odd");
    void *context = &error;
    assert_non_null(weft_registry_codec(&registry, "odd-codec", &error));
    assert_non_null(weft_registry_service(&registry, "odd-service", NULL, &context, &error));
    assert_null(context);
}

static void test_name_without_a_slash_is_a_file_in_the_working_directory(void **state)
{
    (void)state;
    struct weft_error error;
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(ODD_FOLDER), 0);
    const struct weft_plugin *plugin = weft_plugin_load(&registry, "odd_good.so", &error);
    assert_int_equal(chdir(before), 0);
    free(before);
    assert_non_null(plugin);
}

static void test_file_that_is_missing_is_named(void **state)
{
    (void)state;
    expect_refusal("/nowhere/x.so", "plugin '/nowhere/x.so': No such file or directory");
}

static void test_folder_is_no_plugin(void **state)
{
    (void)state;
    expect_refusal("/", "plugin '/' is no file");
}

static void test_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static char path[8192];
    memset(path, 'x', sizeof path - 1);
    expect_refusal(path, "...': File name too long");
}

static void test_file_that_may_not_be_read_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-plugin-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0), 0);
    close(fd);
    /* Root may read everything, so it reads as another. */
    uid_t user = geteuid();
    assert_int_equal(user == 0 ? seteuid(65534) : 0, 0);
    expect_refusal(path, "': Permission denied");
    assert_int_equal(seteuid(user), 0);
    unlink(path);
}

static void test_file_of_another_kind_is_refused_in_the_loaders_words(void **state)
{
    (void)state;
    expect_refusal("README.md", "plugin: ./README.md: ");
}

static void test_object_that_needs_what_nobody_has_is_refused(void **state)
{
    (void)state;
    expect_refusal(ODD_FOLDER "/odd_undefined.so", "nobody_defines_this");
}

static void test_object_without_the_symbol_is_refused(void **state)
{
    (void)state;
    expect_refusal(ODD_FOLDER "/odd_symbol.so", "' has no symbol weft_plugin");
}

static void test_record_of_another_make_is_refused(void **state)
{
    (void)state;
    expect_refusal(ODD_FOLDER "/odd_magic.so", "': its weft_plugin is not made by WEFT_PLUGIN");
}

static void test_another_abi_is_refused_with_both_numbers(void **state)
{
    (void)state;
    expect_refusal(ODD_FOLDER "/odd_abi.so", "its ABI is 3, here 2; build it again");
    expect_refusal(ODD_FOLDER "/odd_abi.so", "' was made with another weft: ");
}

static void test_another_number_of_structs_is_refused_with_both(void **state)
{
    (void)state;
    expect_refusal(ODD_FOLDER "/odd_count.so", "it counts 1 structs, here ");
}

static void test_another_struct_is_refused_by_its_name_and_both_sizes(void **state)
{
    (void)state;
    char text[128];
    snprintf(text, sizeof text, "its struct weft_message has %zu bytes, here %zu; build it again",
             sizeof(struct weft_message) + 8, sizeof(struct weft_message));
    expect_refusal(ODD_FOLDER "/odd_size.so", text);
}

static void test_missing_slot_is_refused(void **state)
{
    (void)state;
    expect_refusal(
        ODD_FOLDER "/odd_slot.so",
        "codec 'odd-codec': no URL can say its name, or a slot that must be there is not");
}

/* The codec was added before the service's name was found to be taken: it goes again. */
static void test_taken_name_is_refused_and_nothing_is_left_of_the_plugin(void **state)
{
    (void)state;
    static struct weft_service service;
    service = dummy_service("odd-service");
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), 0);
    expect_refusal(ODD_FOLDER "/odd_good.so",
                   "service 'odd-service': there is one of this name already");
}

static void test_full_registry_refuses_one_more(void **state)
{
    (void)state;
    static struct weft_codec codecs[WEFT_REGISTRY_MAX];
    static char names[WEFT_REGISTRY_MAX][16];
    for (int i = 0; i < WEFT_REGISTRY_MAX; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        codecs[i] = dummy_codec(names[i]);
        assert_int_equal(weft_registry_add_codec(&registry, &codecs[i]), 0);
    }
    expect_refusal(ODD_FOLDER "/odd_good.so", "codec 'odd-codec': there is no place for one more");
}

static void test_frozen_registry_takes_no_plugin(void **state)
{
    (void)state;
    registry.frozen = true;
    expect_refusal(ODD_FOLDER "/odd_good.so",
                   "codec 'odd-codec': servers and clients have been made already");
}

#define TEST(test) cmocka_unit_test_setup(test, empty_registry)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plugin_that_fits_is_registered),
        TEST(test_name_without_a_slash_is_a_file_in_the_working_directory),
        TEST(test_file_that_is_missing_is_named),
        TEST(test_folder_is_no_plugin),
        TEST(test_path_that_is_too_long_is_refused),
        TEST(test_file_that_may_not_be_read_is_refused),
        TEST(test_file_of_another_kind_is_refused_in_the_loaders_words),
        TEST(test_object_that_needs_what_nobody_has_is_refused),
        TEST(test_object_without_the_symbol_is_refused),
        TEST(test_record_of_another_make_is_refused),
        TEST(test_another_abi_is_refused_with_both_numbers),
        TEST(test_another_number_of_structs_is_refused_with_both),
        TEST(test_another_struct_is_refused_by_its_name_and_both_sizes),
        TEST(test_missing_slot_is_refused),
        TEST(test_taken_name_is_refused_and_nothing_is_left_of_the_plugin),
        TEST(test_full_registry_refuses_one_more),
        TEST(test_frozen_registry_takes_no_plugin),
    };
    return cmocka_run_group_tests_name("plugin", tests, NULL, NULL);
}
