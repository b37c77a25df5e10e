/* SPDX-License-Identifier: MIT
 *
 * `kvc watch`, `kvc backup` and `kvc restore` against a real kvs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static void run_quietly(const char *server, const char *const *words)
{
    struct process kvc;
    assert_int_equal(kvc_run(&kvc, server, words), 0);
    process_kill(&kvc);
}

/* Starts a watch and waits until it has begun. */
static void start_watch(struct process *kvc, const char *const *words)
{
    const char *line[16] = {KVC_PATH, "--server", url};
    size_t count = 3;
    for (size_t i = 0; words[i]; i++)
        line[count++] = words[i];
    line[count] = NULL;
    process_start(kvc, line);
    process_wait_error(kvc, "kvc: watching from number ");
}

/* Waits for its end; what it printed has no numbers then. */
static void expect_changes(struct process *kvc, int code, const char *expected)
{
    char got[1024] = "";
    int ended = process_wait(kvc);
    for (const char *line = kvc->out.text; *line; line = strchr(line, '\n') + 1) {
        const char *rest = strchr(line, '\t');
        assert_non_null(rest);
        strncat(got, rest + 1, (size_t)(strchr(line, '\n') - rest));
    }
    assert_string_equal(got, expected);
    assert_int_equal(ended, code);
}

static void test_watch_prints_the_changes_of_its_table(void **state)
{
    (void)state;
    struct process kvc;
    start_watch(&kvc, WORDS("watch", "w1", "--count", "5"));
    run_quietly(url, WORDS("hset", "w1", "a", "int:1"));
    run_quietly(url, WORDS("hset", "other", "a", "int:1"));
    run_quietly(url, WORDS("hset", "w1", "b\tc", "text", "--expire-at", "4102444800"));
    run_quietly(url, WORDS("hincr", "w1", "a", "41"));
    run_quietly(url, WORDS("hdel", "w1", "a"));
    run_quietly(url, WORDS("drop", "w1"));
    expect_changes(&kvc, 0,
                   "set\tw1\ta\tint:1\n"
                   "set\tw1\tb\\tc\ttext\t4102444800.000\n"
                   "set\tw1\ta\tint:42\n"
                   "remove\tw1\ta\n"
                   "drop\tw1\n");
    process_kill(&kvc);
}

static void test_watch_of_a_key_or_a_prefix_leaves_the_others_out(void **state)
{
    (void)state;
    struct process one, some, star;
    start_watch(&star, WORDS("watch", "w2", "ab*", "--count", "2"));
    start_watch(&one, WORDS("watch", "w2", "ab", "--count", "1"));
    start_watch(&some, WORDS("watch", "w2", "--prefix", "ab", "--count", "2"));
    run_quietly(url, WORDS("hset", "w2", "a", "1"));
    run_quietly(url, WORDS("hset", "w2", "abc", "2"));
    run_quietly(url, WORDS("hset", "w2", "ab", "3"));
    expect_changes(&one, 0, "set\tw2\tab\t3\n");
    expect_changes(&some, 0, "set\tw2\tabc\t2\nset\tw2\tab\t3\n");
    expect_changes(&star, 0, "set\tw2\tabc\t2\nset\tw2\tab\t3\n");
    process_kill(&star);
    process_kill(&one);
    process_kill(&some);
}

static void test_watch_goes_on_from_a_number(void **state)
{
    (void)state;
    struct process kvc;
    char number[32] = "";
    start_watch(&kvc, WORDS("watch", "w3", "--count", "1"));
    run_quietly(url, WORDS("hset", "w3", "a", "1"));
    assert_int_equal(process_wait(&kvc), 0);
    strncat(number, kvc.out.text, strcspn(kvc.out.text, "\t"));
    process_kill(&kvc);
    run_quietly(url, WORDS("hset", "w3", "b", "2"));
    run_quietly(url, WORDS("hset", "w3", "c", "3"));
    start_watch(&kvc, WORDS("watch", "w3", "--from", number, "--count", "2"));
    expect_changes(&kvc, 0, "set\tw3\tb\t2\nset\tw3\tc\t3\n");
    process_kill(&kvc);
    expect(
        WORDS("--json", "watch", "--all", "--from", number, "--count", "2"), 0,
        "\"change\": \"set\", \"table\": \"w3\", \"key\": \"c\", \"value\": \"3\", \"version\": \"",
        "");
    expect(WORDS("--json", "watch", "w3", "--from", number, "--count", "1"), 0,
           "{\"watching\": true, \"number\": ", "");
}

/* The version that a watch tells is the one that hget prints and --if-version takes. */
static void test_watch_tells_versions_where_they_are_asked_for(void **state)
{
    (void)state;
    struct process kvc;
    start_watch(&kvc, WORDS("watch", "w6", "--state", "--count", "3"));
    run_quietly(url, WORDS("hset", "w6", "a", "v"));
    run_quietly(url, WORDS("hset", "w6", "a", "v", "--expire-at", "4102444800"));
    run_quietly(url, WORDS("hdel", "w6", "a", "--if-version", "7b6413250e0f9217b2f3b6bf8f9335bf"));
    expect_changes(&kvc, 0,
                   "set\tw6\ta\tv\t7b6413250e0f9217b2f3b6bf8f9335bf\tnever\n"
                   "set\tw6\ta\tv\t7b6413250e0f9217b2f3b6bf8f9335bf\t4102444800.000\n"
                   "remove\tw6\ta\n");
    process_kill(&kvc);
}

static void test_number_that_is_too_old_is_said(void **state)
{
    (void)state;
    expect(
        WORDS("watch", "w4", "--from", "7"), 1, "",
        "410 Changes after number 7 are not kept any more: read anew; what changed since then is "
        "missed: read the table again, and watch without --from\n");
}

static void test_watch_ends_with_a_signal_or_in_time(void **state)
{
    (void)state;
    struct process kvc;
    start_watch(&kvc, WORDS("watch", "w5"));
    process_signal(&kvc, SIGINT);
    assert_int_equal(process_wait(&kvc), 130);
    assert_non_null(strstr(kvc.err.text, "kvc: 0 changes, up to number "));
    process_kill(&kvc);
    expect(WORDS("watch", "w5", "--timeout", "0.3"), 4, "", "kvc: no change came in time\n");
}

/* A kvs on a store in a folder of the test, which may be there already. */
static void start_kept(struct kvs *kvs, const char *name)
{
    char store[200];
    snprintf(store, sizeof store, "%s:%s/expiry-%s", name, folder, name);
    kvs_start(kvs, WORDS("--listen", KVS_ANY_PORT, "--store", store));
    url = kvs->urls[0];
}

static void expire_over_a_restart(const char *name)
{
    struct kvs kvs;
    struct process kvc;
    const char *all = url;
    start_kept(&kvs, name);
    run_quietly(url, WORDS("hset", "t", "long", "1", "--expire-at", "4102444800"));
    run_quietly(url, WORDS("hset", "t", "soon", "1", "--ttl", "1h"));
    run_quietly(url, WORDS("hset", "t", "ever", "1"));
    kvs_end(&kvs);
    start_kept(&kvs, name);
    expect(WORDS("--json", "hget", "t", "long", "--state"), 0, "\"expires\": 4102444800000", "");
    expect(WORDS("--json", "hget", "t", "soon", "--state"), 0, "\"left\": 3", "");
    expect(WORDS("httl", "t", "ever"), 0, "never", "");
    start_watch(&kvc, WORDS("watch", "t", "soon", "--count", "2"));
    run_quietly(url, WORDS("hexpire", "t", "soon", "1ms"));
    assert_int_equal(process_wait(&kvc), 0);
    assert_non_null(strstr(kvc.out.text, "\tset\tt\tsoon\t1\t"));
    assert_non_null(strstr(kvc.out.text, "\texpire\tt\tsoon\n"));
    process_kill(&kvc);
    kvs_end(&kvs);
    start_kept(&kvs, name);
    expect(WORDS("hexist", "t", "soon"), 0, "false", "");
    expect(WORDS("--json", "hget", "t", "long", "--state"), 0, "\"expires\": 4102444800000", "");
    kvs_end(&kvs);
    url = all;
}

static void test_expiry_survives_a_restart_and_is_told(void **state)
{
    (void)state;
    expire_over_a_restart("memory");
    expire_over_a_restart("lmdb");
    expire_over_a_restart("rocksdb");
}

static void test_mistakes_of_a_watch_are_explained(void **state)
{
    (void)state;
    expect(WORDS("watch"), 2, "", "usage: kvc watch TABLE [KEY|PREFIX*]\n");
    expect(WORDS("watch", "t", "k", "--prefix", "p"), 2, "", "KEY and --prefix: choose one");
    expect(WORDS("watch", "t", "--from", "0"), 2, "", "--from: '0' is not a number from 1 on\n");
    expect(WORDS("watch", "t", "--count", "x"), 2, "", "--count: 'x' is not a number from 1 on\n");
    expect(WORDS("watch", "--all", "t"), 2, "", "usage: kvc watch --all\n");
    expect(WORDS("--codec", "line", "watch", "t"), 2, "",
           "codec 'line' carries no watches: use codec 'length-delimited-gzip'\n");
    const char *all = url;
    url = "unix:/nowhere/kvs.sock";
    expect(WORDS("watch", "t"), 3, "", "unix:/nowhere/kvs.sock");
    url = all;
}

static void test_store_without_memory_for_changes_refuses_watches_and_backups(void **state)
{
    (void)state;
    struct kvs kvs;
    const char *all = url;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--store", "memory?changes=0"));
    url = kvs.urls[0];
    expect(WORDS("watch", "t"), 1, "", "501 Changes cannot be watched: the store was started with");
    expect(WORDS("backup", path_of("none.ndjson")), 1, "", "501 Changes cannot be watched");
    assert_int_equal(access(path_of("none.ndjson"), F_OK), -1);
    url = all;
    kvs_end(&kvs);
}

/* The server comes back at its address, without the changes. The watch goes on, and says what it does not know. */
static void watch_through_a_restart(bool json)
{
    struct kvs first, second;
    struct process kvc;
    const char *all = url;
    char endpoint[160], said[256];
    unsigned long long after, number, last = 0;
    snprintf(endpoint, sizeof endpoint, "unix:%s", path_of("again.sock"));
    kvs_start(&first, WORDS("--listen", endpoint));
    url = endpoint;
    process_start(&kvc,
                  json ? WORDS(KVC_PATH, "--server", url, "--json", "watch", "t", "--count", "2")
                       : WORDS(KVC_PATH, "--server", url, "watch", "t", "--count", "2"));
    if (json)
        process_wait_line(&kvc, 1, said, sizeof said);
    else
        process_wait_error(&kvc, "kvc: watching from number ");
    run_quietly(url, WORDS("hset", "t", "k", "1"));
    process_wait_line(&kvc, json ? 2 : 1, said, sizeof said);
    kvs_end(&first);
    process_wait_error(&kvc, "The server is shutting down; the last number was ");
    process_wait_error(&kvc, "; connecting again\n");
    kvs_start(&second, WORDS("--listen", endpoint));
    if (json)
        process_wait_line(&kvc, 3, said, sizeof said);
    else
        process_wait_error(&kvc, " is missed: read the table again\n");
    run_quietly(url, WORDS("hset", "t", "k", "2"));
    assert_int_equal(process_wait(&kvc), 0);
    if (json) {
        const char *line = strstr(kvc.out.text, "{\"missed\"");
        assert_int_equal(
            sscanf(line, "{\"missed\": true, \"after\": %llu, \"number\": %llu}", &after, &number),
            2);
        line = strstr(kvc.out.text, "{\"number\": ");
        assert_int_equal(sscanf(line, "{\"number\": %llu", &last), 1);
    } else {
        const char *line = strstr(kvc.err.text, "what changed");
        assert_int_equal(
            sscanf(line, "what changed after number %llu and up to %llu", &after, &number), 2);
        assert_int_equal(sscanf(kvc.out.text, "%llu", &last), 1);
        assert_non_null(strstr(kvc.out.text, "\tset\tt\tk\t2\n"));
    }
    assert_true(after == last);
    assert_true(number > after);
    process_kill(&kvc);
    kvs_end(&second);
    url = all;
}

static void test_watch_connects_again_and_says_that_changes_are_missed(void **state)
{
    (void)state;
    watch_through_a_restart(false);
    watch_through_a_restart(true);
}

/* Watches a server of its own while a value of `size` bytes is set. */
static void watch_large(const char *const *options, size_t size, bool goes_on, const char *expected)
{
    struct kvs kvs;
    struct process kvc;
    const char *all = url;
    char value[160];
    FILE *file = fopen(path_of("large"), "w");
    assert_non_null(file);
    fprintf(file, "%0*d", (int)size, 0);
    fclose(file);
    snprintf(value, sizeof value, "file:%s", path_of("large"));
    kvs_start(&kvs, options);
    url = kvs.urls[0];
    start_watch(&kvc, WORDS("watch", "t", "--count", "1"));
    run_quietly(url, WORDS("--codec", "raw", "hset", "t", "k", value));
    if (goes_on) {
        process_wait_error(&kvc, " is missed: read the table again\n");
        run_quietly(url, WORDS("--codec", "raw", "hset", "t", "k", "small"));
    }
    assert_int_equal(process_wait(&kvc), goes_on ? 0 : 1);
    assert_non_null(strstr(kvc.err.text, expected));
    process_kill(&kvc);
    url = all;
    kvs_end(&kvs);
}

static void test_changes_that_are_lost_or_too_large_are_said(void **state)
{
    (void)state;
    watch_large(WORDS("--listen", KVS_ANY_PORT "?codec=raw", "--store", "memory?changes=64KiB"),
                100000, true, "Changes were lost, because they came faster than they were read");
    watch_large(WORDS("--listen", KVS_ANY_PORT "?codec=raw", "--max-frame", "4KiB", "--max-message",
                      "4KiB"),
                4070, false, "413 A change is over max-message");
}

static void expect_same(const char *table, const char *text)
{
    kvc_expect(url, WORDS("hgetall", table), text);
}

/* Into another kind of store, with types and times. */
static void test_backup_is_restored_into_another_store(void **state)
{
    (void)state;
    struct kvs kvs;
    char store[200], folder_of_store[128], path[128];
    const char *all = url;
    snprintf(folder_of_store, sizeof folder_of_store, "%s/kept", folder);
    snprintf(store, sizeof store, "memory:%s", folder_of_store);
    snprintf(path, sizeof path, "%s", path_of("backup.ndjson"));
    run_quietly(url, WORDS("hmset", "b1", "i", "int:5", "b", "hex:00ff", "f", "float:1.5"));
    run_quietly(url, WORDS("hset", "b2", "k", "text", "--expire-at", "4102444800"));
    expect(WORDS("backup", path), 0, "", " rows written, ");
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--store", store));
    url = kvs.urls[0];
    expect(WORDS("restore", path), 0, " rows stored, ", "");
    expect_same("b1", "b\thex:00ff\nf\tfloat:1.5\ni\tint:5\n");
    expect(WORDS("--json", "hget", "b2", "k", "--state"), 0, "\"expires\": 4102444800000", "");
    expect(WORDS("restore", "/nowhere"), 2, "", "cannot read /nowhere");
    kvs_end(&kvs);
    scratch_remove(folder_of_store);
    url = all;
}

/* A command prints what it prints on the first server. */
static void expect_kept(const char *first, const char *const *words)
{
    struct process a, b;
    assert_int_equal(kvc_run(&a, first, words), 0);
    assert_int_equal(kvc_run(&b, url, words), 0);
    assert_string_equal(a.out.text, b.out.text);
    assert_true(strlen(a.out.text) > 0);
    process_kill(&a);
    process_kill(&b);
}

/* Each is backed up under a writer and restored into the next. */
static void test_backups_go_from_store_to_store_with_types_versions_and_times(void **state)
{
    static const char *const forms[] = {"memory", "memory:%s/m", "lmdb:%s/l", "rocksdb:%s/r",
                                        "memory"};
    enum { STORES = sizeof forms / sizeof *forms };
    struct kvs kvs[STORES];
    const char *all = url;
    char path[128], busy[128];
    (void)state;
    snprintf(path, sizeof path, "%s", path_of("chain.ndjson"));
    snprintf(busy, sizeof busy, "%s", path_of("busy"));
    FILE *file = fopen(busy, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 3000; i++)
        fprintf(file, "hmset busy a int:%u b int:%u\n", i, i);
    fclose(file);
    for (unsigned i = 0; i < STORES; i++) {
        char store[200];
        int at = (int)strcspn(forms[i], "%");
        snprintf(store, sizeof store, "%.*s%s%s", at, forms[i], forms[i][at] ? folder : "",
                 forms[i][at] ? forms[i] + at + 2 : "");
        kvs_start(&kvs[i], WORDS("--listen", KVS_ANY_PORT, "--store", store));
        url = kvs[i].urls[0];
        if (i == 0) {
            run_quietly(url, WORDS("hmset", "types", "i", "int:-5", "big", "int:9007199254740993",
                                   "b", "hex:00ff", "f", "float:1.5", "nan", "float:nan", "yes",
                                   "bool:true", "none", "empty:", "", "str:of the empty key"));
            run_quietly(url, WORDS("hset", "t\n2", "k", "text", "--expire-at", "4102444800"));
            run_quietly(url, WORDS("hmset", "busy", "a", "int:-1", "b", "int:-1"));
        } else {
            expect(WORDS("restore", path), 0, " rows stored, ", "");
            struct process kvc;
            int a, b;
            assert_int_equal(kvc_run(&kvc, url, WORDS("hmget", "busy", "a", "b")), 0);
            assert_int_equal(sscanf(kvc.out.text, "int:%d\nint:%d\n", &a, &b), 2);
            assert_int_equal(a, b);
            process_kill(&kvc);
            expect_kept(kvs[0].urls[0], WORDS("--json", "hmget", "types", "i", "big", "b", "f",
                                              "nan", "yes", "none", "", "--state"));
            expect_kept(kvs[0].urls[0], WORDS("--json", "hget", "types", "big", "--version"));
            expect_kept(kvs[0].urls[0], WORDS("hgetall", "types"));
            expect(WORDS("--json", "hget", "t\n2", "k", "--state"), 0, "\"expires\": 4102444800000",
                   "");
        }
        struct process writer;
        process_start(&writer, WORDS(KVC_PATH, "--server", url, "batch", busy));
        expect(WORDS("backup", path), 0, "", " rows written, ");
        assert_int_equal(process_wait(&writer), 0);
        process_kill(&writer);
    }
    for (unsigned i = 0; i < STORES; i++)
        kvs_end(&kvs[i]);
    url = all;
}

static void test_changes_of_a_backup_are_applied_in_order(void **state)
{
    (void)state;
    const char *path = write_file(
        "changes.ndjson", "{\"table\": \"c1\", \"key\": \"a\", \"value\": 1}\n"
                          "{\"table\": \"c1\", \"key\": \"b\", \"value\": 1}\n"
                          "{\"table\": \"c2\", \"key\": \"k\", \"value\": 1}\n"
                          "{\"number\": 5, \"table\": \"c1\", \"key\": \"a\", \"removed\": true}\n"
                          "{\"number\": 6, \"table\": \"c1\", \"key\": \"c\", \"value\": 2}\n"
                          "{\"number\": 7, \"table\": \"c1\", \"key\": \"c\", \"value\": 3, "
                          "\"expires\": 4102444800000}\n"
                          "{\"number\": 8, \"table\": \"c2\", \"dropped\": true}\n"
                          "{\"number\": 9, \"table\": \"c2\", \"key\": \"l\", \"value\": 4}\n");
    expect(WORDS("restore", path), 0, "8 rows stored, ", "");
    expect_same("c1", "b\tint:1\nc\tint:3\n");
    expect_same("c2", "l\tint:4\n");
    expect(
        WORDS("restore", write_file("odd.ndjson", "{\"number\": 5, \"table\": \"c1\", \"removed\": "
                                                  "true}\n")),
        2, "0 rows stored", "odd.ndjson:1: ");
    expect(WORDS("restore", write_file("odd.ndjson", "{\"table\": \"c1\", \"key\": \"a\", "
                                                     "\"removed\": true}\n")),
           2, "0 rows stored", "odd.ndjson:1: ");
}

/* A table whose two keys always have one value, and are always set together. */
static void test_backup_under_a_writer_is_of_one_time(void **state)
{
    (void)state;
    struct process writer;
    char path[128], batch[160];
    snprintf(path, sizeof path, "%s", path_of("one.ndjson"));
    snprintf(batch, sizeof batch, "%s", path_of("batch"));
    FILE *file = fopen(batch, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 20000; i++)
        fprintf(file, "hmset pair%u a int:%u b int:%u\n", i % 7, i, i);
    fclose(file);
    process_start(&writer, WORDS(KVC_PATH, "--server", url, "batch", batch));
    for (unsigned i = 0; i < 3; i++)
        expect(WORDS("backup", path), 0, "", " rows written, ");
    assert_int_equal(process_wait(&writer), 0);
    process_kill(&writer);
    for (unsigned i = 0; i < 7; i++) {
        char table[16];
        snprintf(table, sizeof table, "pair%u", i);
        run_quietly(url, WORDS("drop", table));
    }
    expect(WORDS("restore", path), 0, " rows stored, ", "");
    for (unsigned i = 0; i < 7; i++) {
        char table[16];
        struct process kvc;
        snprintf(table, sizeof table, "pair%u", i);
        assert_int_equal(kvc_run(&kvc, url, WORDS("hmget", table, "a", "b")), 0);
        size_t half = strlen(kvc.out.text) / 2;
        assert_memory_equal(kvc.out.text, kvc.out.text + half, half);
        process_kill(&kvc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch_prints_the_changes_of_its_table),
        cmocka_unit_test(test_watch_of_a_key_or_a_prefix_leaves_the_others_out),
        cmocka_unit_test(test_watch_goes_on_from_a_number),
        cmocka_unit_test(test_watch_tells_versions_where_they_are_asked_for),
        cmocka_unit_test(test_number_that_is_too_old_is_said),
        cmocka_unit_test(test_watch_ends_with_a_signal_or_in_time),
        cmocka_unit_test(test_expiry_survives_a_restart_and_is_told),
        cmocka_unit_test(test_mistakes_of_a_watch_are_explained),
        cmocka_unit_test(test_store_without_memory_for_changes_refuses_watches_and_backups),
        cmocka_unit_test(test_watch_connects_again_and_says_that_changes_are_missed),
        cmocka_unit_test(test_changes_that_are_lost_or_too_large_are_said),
        cmocka_unit_test(test_backup_is_restored_into_another_store),
        cmocka_unit_test(test_backups_go_from_store_to_store_with_types_versions_and_times),
        cmocka_unit_test(test_changes_of_a_backup_are_applied_in_order),
        cmocka_unit_test(test_backup_under_a_writer_is_of_one_time),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
