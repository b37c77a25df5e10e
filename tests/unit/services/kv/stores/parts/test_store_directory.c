/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "services/kv/stores/parts/directory.h"

struct place {
    char scratch[64], path[128];
};

static int setup(void **state)
{
    static struct place place;
    scratch_make(place.scratch, sizeof place.scratch);
    (void)snprintf(place.path, sizeof place.path, "%s/store", place.scratch);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    const struct place *place = *state;
    scratch_remove(place->scratch);
    return 0;
}

/* text: what the error says, with %s for the path. */
static void assert_refused(const char *path, const char *store, int err, const char *text)
{
    struct kv_directory directory;
    struct weft_error error;
    char expected[sizeof error.text];
    const char *at = strstr(text, "%s");
    assert_int_equal(kv_directory_open(&directory, path, store, &error), err);
    (void)snprintf(expected, sizeof expected, "%.*s%s%s", (int)(at - text), text, path, at + 2);
    assert_string_equal(error.text, expected);
}

static void test_directory_is_made_for_its_owner_alone(void **state)
{
    const struct place *place = *state;
    struct kv_directory directory;
    struct weft_error error;
    struct stat info;
    assert_int_equal(kv_directory_open(&directory, place->path, "lmdb", &error), 0);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    kv_directory_close(&directory);
}

static void test_second_user_is_refused_until_the_first_has_gone(void **state)
{
    const struct place *place = *state;
    struct kv_directory directory;
    struct weft_error error;
    assert_int_equal(kv_directory_open(&directory, place->path, "lmdb", &error), 0);
    assert_refused(place->path, "lmdb", -EBUSY, "lmdb store: %s: another process uses it");
    kv_directory_close(&directory);
    assert_int_equal(kv_directory_open(&directory, place->path, "lmdb", &error), 0);
    kv_directory_close(&directory);
}

static void test_directory_of_another_kind_of_store_is_refused(void **state)
{
    const struct place *place = *state;
    struct kv_directory directory;
    struct weft_error error;
    assert_int_equal(kv_directory_open(&directory, place->path, "lmdb", &error), 0);
    kv_directory_close(&directory);
    assert_refused(place->path, "rocksdb", -EEXIST,
                   "rocksdb store: %s holds a store of another kind: 'lmdb'");
}

static void test_directory_is_not_made_with_those_above_it(void **state)
{
    struct place *place = *state;
    (void)snprintf(place->path, sizeof place->path, "%s/no/store", place->scratch);
    assert_refused(place->path, "lmdb", -ENOENT,
                   "lmdb store: cannot make the directory %s: No such file or directory; make the "
                   "directory above it first");
}

static void test_file_in_the_place_of_the_directory_is_refused(void **state)
{
    const struct place *place = *state;
    int fd = open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_refused(place->path, "lmdb", -ENOTDIR, "lmdb store: %s is not a directory");
}

/* Root may write anywhere, so the lock's file is made one that nobody can open for writing. */
static void test_directory_that_cannot_be_written_is_refused(void **state)
{
    const struct place *place = *state;
    char file[256];
    assert_int_equal(mkdir(place->path, 0700), 0);
    (void)snprintf(file, sizeof file, "%s/kvs.lock", place->path);
    assert_int_equal(mkdir(file, 0700), 0);
    assert_refused(place->path, "lmdb", -EISDIR, "lmdb store: cannot write in %s: Is a directory");
}

/* A pipe can be opened and locked, but has no offsets. */
static void test_file_of_the_lock_that_cannot_be_read_is_refused(void **state)
{
    const struct place *place = *state;
    char file[256];
    assert_int_equal(mkdir(place->path, 0700), 0);
    (void)snprintf(file, sizeof file, "%s/kvs.lock", place->path);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_refused(place->path, "lmdb", -ESPIPE, "lmdb store: %s/kvs.lock: Illegal seek");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_directory_is_made_for_its_owner_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_second_user_is_refused_until_the_first_has_gone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_directory_of_another_kind_of_store_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_directory_is_not_made_with_those_above_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_file_in_the_place_of_the_directory_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_directory_that_cannot_be_written_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_file_of_the_lock_that_cannot_be_read_is_refused, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
