/* SPDX-License-Identifier: MIT
 *
 * A journal ends early at every byte, or has every byte changed. A start cuts an end that was never
 * acknowledged, and refuses anything else with file and offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/kept_store.h"
#include "lib/store_client.h"
#include "services/kv/stores/on_disk.h"

enum { WRITES = 6, MOST = 4096 };

/* A journal of six changes, each synced by itself, and where the frame of each ends. */
static struct {
    uint8_t bytes[MOST];
    size_t size;
    size_t ends[WRITES + 1]; /* ends[0]: of the first record */
} journal;

static const char name[] = "journal-00000000000000000000";

static char *path_of(char dst[128])
{
    (void)snprintf(dst, 128, "%s/%s", kept_plan.dir, name);
    return dst;
}

static size_t read_file(uint8_t *bytes)
{
    char path[128];
    int fd = open(path_of(path), O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, bytes, MOST);
    assert_in_range(n, 0, MOST - 1);
    close(fd);
    return (size_t)n;
}

static void write_file(const uint8_t *bytes, size_t size)
{
    char path[128];
    int fd = open(path_of(path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static int setup(void **state)
{
    const struct kv_store store = kept_store(true);
    struct store_client client;
    char key[16];
    (void)state;
    kept_plan = (struct kept_plan){.sync = "always"};
    kept_dir_make(kept_plan.dir);
    store_client_init(&client, &store, 0);
    journal.ends[0] = read_file(journal.bytes);
    for (int i = 0; i < WRITES; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        store_client_set(&client, "t", key, "value");
        journal.ends[i + 1] = read_file(journal.bytes);
    }
    store_client_fini(&client);
    journal.size = read_file(journal.bytes);
    assert_int_equal(journal.size, journal.ends[WRITES]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kept_dir_remove(kept_plan.dir);
    return 0;
}

/* Starts the store on the file. Returns the number of keys it has, which must be the first ones, or the error
 * of a refusal. */
static int start(void)
{
    const struct kv_store store = kept_store(true);
    struct weft_error error;
    char key[16];
    void *probe = calloc(1, store.store_size);
    assert_non_null(probe);
    const struct kv_store_options options = {.where = NULL};
    int err = store.init(probe, &options, &error);
    if (err == 0)
        store.fini(probe);
    free(probe);
    if (err < 0)
        return err;
    struct store_client client;
    store_client_init(&client, &store, 0);
    int count = 0;
    bool ended = false;
    for (int i = 0; i < WRITES; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        bool there = store_client_has(&client, "t", key);
        assert_false(there && ended);
        ended = !there;
        count += there;
    }
    store_client_fini(&client);
    return count;
}

/* Returns the number of changes that are whole in the first size bytes. */
static int whole_changes(size_t size)
{
    int count = 0;
    while (count < WRITES && journal.ends[count + 1] <= size)
        count++;
    return count;
}

static void test_journal_cut_at_every_byte_keeps_what_is_whole(void **state)
{
    (void)state;
    for (size_t size = 0; size <= journal.size; size++) {
        write_file(journal.bytes, size);
        assert_int_equal(start(), whole_changes(size));
    }
}

static void test_end_that_was_cut_is_written_over(void **state)
{
    (void)state;
    const struct kv_store store = kept_store(true);
    struct store_client client;
    write_file(journal.bytes, journal.size - 1);
    assert_int_equal(start(), WRITES - 1);
    store_client_init(&client, &store, 0);
    store_client_set(&client, "t", "k5", "value");
    store_client_fini(&client);
    assert_int_equal(start(), WRITES);
}

static void test_end_of_zeros_is_cut(void **state)
{
    (void)state;
    uint8_t bytes[MOST] = {0};
    memcpy(bytes, journal.bytes, journal.size);
    write_file(bytes, MOST);
    assert_int_equal(start(), WRITES);
    assert_int_equal(read_file(bytes), journal.size);
}

/* Every change but the last was on disk before the next one was written, which says so. */
static void test_every_changed_byte_is_refused_but_in_the_last_change(void **state)
{
    (void)state;
    for (size_t at = 0; at < journal.size; at++) {
        int frame = 0;
        char offset[32];
        while (journal.ends[frame] <= at)
            frame++;
        for (unsigned bit = 0; bit < 8; bit += 3) {
            uint8_t bytes[MOST];
            memcpy(bytes, journal.bytes, journal.size);
            bytes[at] ^= (uint8_t)(1u << bit);
            write_file(bytes, journal.size);
            if (frame == WRITES) {
                assert_int_equal(start(), WRITES - 1);
                continue;
            }
            assert_int_equal(start(), -EBADMSG);
            (void)snprintf(offset, sizeof offset, "damaged at byte %zu;",
                           frame == 0 ? (size_t)0 : journal.ends[frame - 1]);
            assert_non_null(strstr(kept_plan.error, offset));
            assert_non_null(strstr(kept_plan.error, name));
            assert_int_equal(read_file(bytes), journal.size);
        }
    }
}

/* The lines of a repair, one behind the other. */
static char said[2000];

static void say(void *arg, const char *line)
{
    size_t used = strlen(said);
    (void)arg;
    (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

static int64_t repair(bool drop)
{
    struct weft_error error;
    const struct weft_option_set none = {NULL, 0};
    const struct kv_store_options options = {.where = kept_plan.dir, .set = &none};
    said[0] = '\0';
    return weft_kv_store_journal.repair(&options, drop, say, NULL, &error);
}

static void test_repair_says_what_it_would_drop_and_drops_it(void **state)
{
    (void)state;
    uint8_t bytes[MOST];
    char line[200];
    size_t at = journal.ends[2] + 30;
    memcpy(bytes, journal.bytes, journal.size);
    bytes[at] ^= 1;
    write_file(bytes, journal.size);
    assert_int_equal(start(), -EBADMSG);

    assert_int_equal(repair(false), journal.size - journal.ends[2]);
    (void)snprintf(line, sizeof line,
                   "%s: would drop all changes after number 2, from byte %zu on, %zu bytes\n", name,
                   journal.ends[2], journal.size - journal.ends[2]);
    assert_string_equal(said, line);
    assert_int_equal(read_file(bytes), journal.size);
    assert_int_equal(start(), -EBADMSG);

    assert_int_equal(repair(true), journal.size - journal.ends[2]);
    assert_int_equal(read_file(bytes), journal.ends[2]);
    assert_int_equal(repair(false), 0);
    assert_int_equal(start(), 2);
}

static void test_repair_of_what_is_whole_changes_nothing(void **state)
{
    (void)state;
    uint8_t bytes[MOST];
    assert_int_equal(repair(true), 0);
    assert_string_equal(said, "");
    assert_int_equal(read_file(bytes), journal.size);
    assert_int_equal(start(), WRITES);
}

#define KEPT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(test_journal_cut_at_every_byte_keeps_what_is_whole),
        KEPT_TEST(test_end_that_was_cut_is_written_over),
        KEPT_TEST(test_end_of_zeros_is_cut),
        KEPT_TEST(test_every_changed_byte_is_refused_but_in_the_last_change),
        KEPT_TEST(test_repair_says_what_it_would_drop_and_drops_it),
        KEPT_TEST(test_repair_of_what_is_whole_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
