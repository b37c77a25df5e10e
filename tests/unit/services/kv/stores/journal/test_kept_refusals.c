/* SPDX-License-Identifier: MIT
 *
 * The store named memory says what is wrong with its spec, and which file of its directory is missing or has
 * another history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kept_store.h"
#include "lib/store_client.h"
#include "services/kv/service.h"
#include "services/kv/stores/journal/files.h"
#include "services/kv/stores/kept.h"

enum { WRITES = 6 };

static const struct kv_store *const stores[] = {&weft_kv_store_journal, NULL};
static const struct kv_file first = {KV_FILE_JOURNAL, 0};

/* A directory whose first journal has six changes. */
static int setup(void **state)
{
    const struct kv_store store = kept_store(true);
    struct store_client client;
    (void)state;
    kept_plan = (struct kept_plan){.sync = "always"};
    kept_dir_make(kept_plan.dir);
    store_client_init(&client, &store, 0);
    for (int i = 0; i < WRITES; i++)
        store_client_set(&client, "t", "k", "value");
    store_client_fini(&client);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kept_dir_remove(kept_plan.dir);
    return 0;
}

static char *path_of(struct kv_file file, const char *suffix, char dst[160])
{
    char name[KV_FILE_NAME];
    (void)snprintf(dst, 160, "%s/%s%s", kept_plan.dir, kv_file_name(file, name), suffix);
    return dst;
}

static void assert_refused(const char *spec, int err, const char *text)
{
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_kv_context context;
    struct weft_error error;
    assert_int_equal(weft_kv_context_open(&context, stores, spec, &limits, NULL, &error), err);
    assert_string_equal(error.text, text);
}

/* The store does not start, and says what is wrong with the file. */
static void assert_file_refused(struct kv_file file, int err, const char *what)
{
    char name[KV_FILE_NAME], spec[80], expected[320];
    (void)snprintf(spec, sizeof spec, "memory:%s", kept_plan.dir);
    (void)snprintf(expected, sizeof expected, "memory store: %s/%s: %s", kept_plan.dir,
                   kv_file_name(file, name), what);
    assert_refused(spec, err, expected);
}

static void test_option_without_a_directory_is_refused(void **state)
{
    (void)state;
    assert_refused("memory?sync=1", WEFT_ECONFIG,
                   "store 'memory' takes options only with a directory: memory:DIR?sync=1");
    assert_refused("memory:?snapshot=1MiB", WEFT_ECONFIG,
                   "store 'memory' takes options only with a directory: memory:DIR?snapshot=1MiB");
}

static void test_size_of_a_snapshot_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {"", "0", "much", "-1"};
    char spec[96], expected[96];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(spec, sizeof spec, "memory:%s?snapshot=%s", kept_plan.dir, wrong[i]);
        (void)snprintf(expected, sizeof expected, "snapshot=%s: it takes a size, as 64MiB",
                       wrong[i]);
        assert_refused(spec, WEFT_ECONFIG, expected);
    }
}

static void test_repair_without_a_directory_is_refused(void **state)
{
    struct weft_error error;
    (void)state;
    assert_int_equal(weft_kv_context_repair(stores, "memory", false, NULL, NULL, &error),
                     WEFT_ECONFIG);
    assert_string_equal(error.text, "a repair needs the directory: memory:DIR");
}

static void test_changes_without_the_journal_before_them_are_refused(void **state)
{
    char from[160], to[160];
    (void)state;
    const struct kv_file later = {KV_FILE_JOURNAL, WRITES};
    assert_int_equal(rename(path_of(first, "", from), path_of(later, "", to)), 0);
    assert_file_refused(first, -ENOENT, "this journal is missing");
}

static void make_empty(struct kv_file file)
{
    char path[160];
    int fd = open(path_of(file, "", path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void test_gap_between_two_journals_is_refused(void **state)
{
    (void)state;
    const struct kv_file later = {KV_FILE_JOURNAL, WRITES + 1};
    make_empty(later);
    assert_file_refused(later, -EBADMSG, "does not begin where the journal before it ends");
}

/* Makes a snapshot without pairs, which was begun before all changes and may have those up to `last`. */
static void make_snapshot(uint64_t last)
{
    const struct kv_file file = {KV_FILE_SNAPSHOT, 0};
    uint8_t end[KV_RECORD_FRAME + KV_RECORD_HEAD + 1] = {0};
    char path[160];
    int fd = open(path_of(file, "", path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    ssize_t begun = kv_file_begin(fd, KV_RECORD_SNAPSHOT, file.number, NULL);
    assert_true(begun > 0);
    weft_store_be32(end, sizeof end - KV_RECORD_FRAME);
    kv_record_seal(end + KV_RECORD_FRAME, KV_RECORD_END, last, 0,
                   weft_view(end + sizeof end - 1, 1));
    assert_int_equal(kv_file_write(fd, weft_view(end, sizeof end), (uint64_t)begun), 0);
    close(fd);
}

static void test_snapshot_that_is_newer_than_the_journals_is_refused(void **state)
{
    (void)state;
    const struct kv_file snapshot = {KV_FILE_SNAPSHOT, 0};
    make_snapshot(WRITES + 1);
    assert_file_refused(snapshot, -EBADMSG,
                        "the journals end before the changes that this snapshot "
                        "may have");
}

/* This takes the lines of a repair, one behind the other. */
static char said[400];

static void say(void *arg, const char *line)
{
    size_t used = strlen(said);
    (void)arg;
    (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

/* A journal behind a damaged one is set aside, but here a directory is in the way. */
static void test_journal_that_cannot_be_set_aside_ends_the_repair(void **state)
{
    char path[160], aside[160], name[KV_FILE_NAME], spec[80], expected[320];
    const struct kv_file later = {KV_FILE_JOURNAL, WRITES};
    struct weft_error error;
    (void)state;
    said[0] = '\0';
    (void)snprintf(spec, sizeof spec, "memory:%s", kept_plan.dir);
    assert_int_equal(truncate(path_of(first, "", path), 1), 0);
    make_empty(later);
    assert_int_equal(mkdir(path_of(later, ".dropped", aside), 0700), 0);
    assert_int_equal(weft_kv_context_repair(stores, spec, true, say, NULL, &error), -EISDIR);
    (void)snprintf(expected, sizeof expected, "memory store: %s/%s: Is a directory", kept_plan.dir,
                   kv_file_name(later, name));
    assert_string_equal(error.text, expected);
    assert_int_equal(access(path_of(later, "", path), F_OK), 0);
    assert_int_equal(rmdir(aside), 0);
}

#define KEPT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(test_option_without_a_directory_is_refused),
        KEPT_TEST(test_size_of_a_snapshot_that_is_none_is_refused),
        KEPT_TEST(test_repair_without_a_directory_is_refused),
        KEPT_TEST(test_changes_without_the_journal_before_them_are_refused),
        KEPT_TEST(test_gap_between_two_journals_is_refused),
        KEPT_TEST(test_snapshot_that_is_newer_than_the_journals_is_refused),
        KEPT_TEST(test_journal_that_cannot_be_set_aside_ends_the_repair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
