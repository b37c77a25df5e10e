/* SPDX-License-Identifier: MIT
 *
 * The store named memory says what is wrong with its spec, and which file of its directory is missing or has
 * another history; and a repair makes it start again. */
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
#include "services/kv/stores/journal/records/files.h"
#include "services/kv/stores/on_disk.h"

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
    assert_int_equal(
        weft_kv_context_open(&context, stores, spec, &limits, NULL, NULL, NULL, &error), err);
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

/* This takes the lines of a repair, one behind the other. */
static char said[400];

static void say(void *arg, const char *line)
{
    size_t used = strlen(said);
    (void)arg;
    (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

static int64_t repair(bool drop, struct weft_error *error)
{
    char spec[80];
    (void)snprintf(spec, sizeof spec, "memory:%s", kept_plan.dir);
    said[0] = '\0';
    return weft_kv_context_repair(stores, spec, drop, say, NULL, error);
}

/* A repair says the line of the file, with "would drop" and with "dropped"; after it there is nothing to
 * repair, and the store starts with or without the key that was set. */
static void assert_repaired(struct kv_file file, const char *line, bool has_key)
{
    const struct kv_store store = kept_store(true);
    struct store_client client;
    struct weft_error error;
    char name[KV_FILE_NAME], expected[200];
    kv_file_name(file, name);
    assert_true(repair(false, &error) > 0);
    (void)snprintf(expected, sizeof expected, "%s: would drop %s\n", name, line);
    assert_string_equal(said, expected);
    assert_true(repair(true, &error) > 0);
    (void)snprintf(expected, sizeof expected, "%s: dropped %s\n", name, line);
    assert_string_equal(said, expected);
    assert_int_equal(repair(false, &error), 0);
    /* A write after the repair outlives the next start. */
    for (int i = 0; i < 2; i++) {
        store_client_init(&client, &store, 0);
        assert_true(store_client_has(&client, "t", "k") == has_key);
        assert_true(store_client_has(&client, "t", "later") == (i == 1));
        store_client_set(&client, "t", "later", "value");
        store_client_fini(&client);
    }
}

static void test_option_without_a_directory_is_refused(void **state)
{
    (void)state;
    assert_refused("memory?sync=1", WEFT_ECONFIG,
                   "store 'memory' takes this option only with a directory: memory:DIR?sync=1");
    assert_refused(
        "memory:?snapshot=1MiB", WEFT_ECONFIG,
        "store 'memory' takes this option only with a directory: memory:DIR?snapshot=1MiB");
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

static void test_changes_without_the_journal_before_them_are_refused_until_a_repair(void **state)
{
    char from[160], to[160];
    (void)state;
    const struct kv_file later = {KV_FILE_JOURNAL, WRITES};
    assert_int_equal(rename(path_of(first, "", from), path_of(later, "", to)), 0);
    assert_file_refused(
        first, -ENOENT,
        "this journal is missing; kvs --repair show says what going on without it would lose");
    struct stat info;
    char line[80];
    assert_int_equal(stat(to, &info), 0);
    (void)snprintf(line, sizeof line, "all changes of this journal, %d bytes", (int)info.st_size);
    assert_repaired(later, line, false);
}

static void make_byte(struct kv_file file)
{
    char path[160];
    int fd = open(path_of(file, "", path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void test_gap_between_two_journals_is_refused_until_a_repair(void **state)
{
    (void)state;
    const struct kv_file later = {KV_FILE_JOURNAL, WRITES + 1};
    make_byte(later);
    assert_file_refused(later, -EBADMSG,
                        "does not begin where the journal before it ends; kvs --repair show says "
                        "what dropping it would lose");
    assert_repaired(later, "all changes of this journal, 1 bytes", true);
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

static void test_snapshot_that_is_newer_than_the_journals_is_refused_until_a_repair(void **state)
{
    (void)state;
    const struct kv_file snapshot = {KV_FILE_SNAPSHOT, 0};
    make_snapshot(WRITES + 1);
    assert_file_refused(snapshot, -EBADMSG,
                        "the journals end before the changes that this snapshot may have; kvs "
                        "--repair show says what dropping them would lose");
    assert_repaired(
        snapshot, "the changes after number 6, up to number 7; pairs that they set may stay", true);
}

static void test_byte_behind_a_snapshot_is_repaired_once(void **state)
{
    const struct kv_file snapshot = {KV_FILE_SNAPSHOT, 0};
    char path[160], line[80];
    struct stat info;
    (void)state;
    make_snapshot(WRITES);
    int fd = open(path_of(snapshot, "", path), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    (void)snprintf(line, sizeof line, "the pairs from byte %d on, 1 bytes", (int)info.st_size);
    assert_repaired(snapshot, line, true);
}

/* A repair that cut the damaged journal and failed at the one behind it, where a directory is in the way, is
 * done again. */
static void test_repair_that_failed_half_way_is_done_again(void **state)
{
    char path[160], aside[160], name[KV_FILE_NAME], expected[320];
    const struct kv_file later = {KV_FILE_JOURNAL, WRITES};
    struct weft_error error;
    (void)state;
    assert_int_equal(truncate(path_of(first, "", path), 1), 0);
    make_byte(later);
    assert_int_equal(mkdir(path_of(later, ".dropped", aside), 0700), 0);
    assert_int_equal(repair(true, &error), -EISDIR);
    (void)snprintf(expected, sizeof expected, "memory store: %s/%s: Is a directory", kept_plan.dir,
                   kv_file_name(later, name));
    assert_string_equal(error.text, expected);
    assert_int_equal(access(path_of(later, "", path), F_OK), 0);

    assert_int_equal(rmdir(aside), 0);
    assert_repaired(later, "all changes of this journal, 1 bytes", false);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(aside, F_OK), 0);
}

#define KEPT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(test_option_without_a_directory_is_refused),
        KEPT_TEST(test_size_of_a_snapshot_that_is_none_is_refused),
        KEPT_TEST(test_repair_without_a_directory_is_refused),
        KEPT_TEST(test_changes_without_the_journal_before_them_are_refused_until_a_repair),
        KEPT_TEST(test_gap_between_two_journals_is_refused_until_a_repair),
        KEPT_TEST(test_snapshot_that_is_newer_than_the_journals_is_refused_until_a_repair),
        KEPT_TEST(test_byte_behind_a_snapshot_is_repaired_once),
        KEPT_TEST(test_repair_that_failed_half_way_is_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
