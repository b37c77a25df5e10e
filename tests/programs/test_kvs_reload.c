/* SPDX-License-Identifier: MIT
 *
 * Tests what real kvs does with its configuration file: at its start, and at a reload by SIGHUP. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/server.h"
#include "lib/kvs.h"
#include "lib/wire_assert.h"
#include "programs/kvs/log.h"
#include "unit/programs/kvs/settings_samples.h"

static char folder[64], path[96];

static int set_up(void **state)
{
    (void)state;
    forget_settings_of_the_environment();
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/kvs.conf", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void reload(struct kvs *kvs, const char *expected)
{
    process_signal(&kvs->process, SIGHUP);
    process_wait_error(&kvs->process, expected);
}

/* Forgets all that kvs has logged so far. */
static void forget_log(struct kvs *kvs)
{
    kvs->process.err.size = 0;
    kvs->process.err.text[0] = '\0';
}

/* Adds one setting after another to the file. */
static void test_reload_changes_each_setting_or_names_it_for_a_restart(void **state)
{
    (void)state;
    struct kvs kvs;
    struct cli_table table;
    char text[4096] = "listen tcp://127.0.0.1:0\n", restart[1024] = "", expected[1200];
    kvs_table_init(&table, NULL);
    put(text);
    kvs_start(&kvs, WORDS("--config", path));
    for (size_t i = 0; i < table.count; i++) {
        const struct cli_option *option = &table.options[i];
        struct sample sample = {0};
        char value[WEFT_UNITS_TEXT];
        /* test_kvs_log has those of the log, for they change the lines that are read here. */
        if (option->action || kvs_log_has(option))
            continue;
        assert_true(sample_of(option, &sample, value));
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s %s\n", sample.name, sample.good);
        put(text);
        bool live = strcmp(option->name, "log-level") == 0 || strcmp(option->name, "listen") == 0 ||
                    (option->limit && weft_server_limit_is_live(option->name));
        used = strlen(restart);
        if (!live)
            snprintf(restart + used, sizeof restart - used, "%s%s", used > 0 ? "," : "",
                     option->name);
        if (live)
            snprintf(expected, sizeof expected, "event=reload asked=SIGHUP changed=\"%s\"%s\n",
                     option->name,
                     strcmp(option->name, "listen") == 0 ? " added=\"tcp://127.0.0.1:0\"" : "");
        else
            snprintf(expected, sizeof expected, "event=reload-restart settings=\"%s\"\n", restart);
        reload(&kvs, expected);
    }
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    kvs_end(&kvs);
}

/* A bad value in the second line. Settings whose values are all taken have none, but a flag and an empty value. */
static void test_reload_refuses_each_bad_value_and_says_where_it_is(void **state)
{
    (void)state;
    struct kvs kvs;
    struct cli_table table;
    char text[256], expected[256], value[WEFT_UNITS_TEXT];
    kvs_table_init(&table, NULL);
    put("listen tcp://127.0.0.1:0\n");
    kvs_start(&kvs, WORDS("--config", path));
    for (size_t i = 0; i < table.count; i++) {
        const struct cli_option *option = &table.options[i];
        struct sample sample = {0};
        if (option->action)
            continue;
        assert_true(sample_of(option, &sample, value));
        const char *bad = option->argument ? sample.bad : "maybe";
        snprintf(text, sizeof text, "listen tcp://127.0.0.1:0\n%s %s\n", sample.name,
                 bad ? bad : "");
        put(text);
        snprintf(expected, sizeof expected,
                 "event=reload-failed asked=SIGHUP part=settings cause=\"%s:2: %s", path,
                 sample.name);
        forget_log(&kvs);
        reload(&kvs, "changed=nothing\n");
        if (!strstr(kvs.process.err.text, expected))
            fail_msg("%s is not in %s", expected, kvs.process.err.text);
    }
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    kvs_end(&kvs);
}

static void test_reload_of_a_bad_file_changes_nothing_and_says_where_it_is_bad(void **state)
{
    (void)state;
    struct kvs kvs;
    char expected[256];
    put("listen tcp://127.0.0.1:0\n");
    kvs_start(&kvs, WORDS("--config", path));
    put("listen tcp://127.0.0.1:0\nlog-level debug\nmax-conections 1\n");
    snprintf(expected, sizeof expected,
             "event=reload-failed asked=SIGHUP part=settings cause=\"%s:3: unknown setting "
             "'max-conections'; did you mean max-connections?\" changed=nothing\n",
             path);
    reload(&kvs, expected);
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    assert_null(strstr(kvs.process.err.text, "level=debug"));
    put("listen tcp://127.0.0.1:0\nlog-level debug\n");
    reload(&kvs, "changed=\"log-level\"\n");
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    process_wait_error(&kvs.process, "level=debug");
    kvs_end(&kvs);
}

static void test_reload_of_max_connections_holds_for_the_next_one(void **state)
{
    (void)state;
    struct kvs kvs;
    put("listen tcp://127.0.0.1:0\nthreads 2\nmax-connections 5\n");
    kvs_start(&kvs, WORDS("--config", path));
    int fd = wire_open(kvs.urls[0]);
    kvc_expect(kvs.urls[0], WORDS("hexist", "t", "k"), "false\n");
    put("listen tcp://127.0.0.1:0\nthreads 2\nmax-connections 1\n");
    reload(&kvs, "changed=\"max-connections\"\n");
    kvc_expect_error(kvs.urls[0], WORDS("ping"), 1, "kvc: 503 Too many connections");
    put("listen tcp://127.0.0.1:0\nthreads 2\nmax-connections 6\n");
    reload(&kvs, "event=reload-restart settings=\"max-connections\"\n");
    close(fd);
    kvs_end(&kvs);
}

static void test_reload_of_idle_timeout_holds_on_every_loop(void **state)
{
    (void)state;
    struct kvs kvs;
    put("listen tcp://127.0.0.1:0\nthreads 3\n");
    kvs_start(&kvs, WORDS("--config", path));
    put("listen tcp://127.0.0.1:0\nthreads 3\nidle-timeout 0.1\n");
    reload(&kvs, "changed=\"idle-timeout\"\n");
    for (int i = 0; i < 3; i++) {
        int fd = wire_open(kvs.urls[0]);
        wire_expect_end(fd);
        close(fd);
    }
    kvs_end(&kvs);
}

static void test_print_config_prints_what_is_in_force_and_its_origin(void **state)
{
    (void)state;
    struct process kvs;
    char expected[200];
    put("max-pending 9\n");
    assert_int_equal(
        process_run(&kvs, WORDS(KVS_PATH, "--config", path, "--threads", "2", "--print-config")),
        0);
    snprintf(expected, sizeof expected, "# %s:1\n", path);
    assert_non_null(strstr(kvs.out.text, expected));
    assert_non_null(strstr(kvs.out.text, "threads 2"));
    assert_non_null(strstr(kvs.out.text, "# command line\n"));
    process_kill(&kvs);
}

/* It was never granted, so that it is asked for again is no change. */
static void test_reload_says_nothing_of_a_limit_that_the_system_lowered(void **state)
{
    (void)state;
    char line[512];
    struct process kvs;
    put("listen tcp://127.0.0.1:0\nthreads 2\n");
    snprintf(line, sizeof line, "ulimit -n 200; exec %s --config %s", KVS_PATH, path);
    process_start(&kvs, WORDS("/bin/sh", "-c", line));
    process_wait_error(&kvs, "event=start");
    process_signal(&kvs, SIGHUP);
    process_wait_error(&kvs, "changed=\"nothing\"\n");
    put("listen tcp://127.0.0.1:0\nthreads 2\nmax-connections 5\n");
    process_signal(&kvs, SIGHUP);
    process_wait_error(&kvs, "changed=\"max-connections\"\n");
    put("listen tcp://127.0.0.1:0\nthreads 2\n");
    process_signal(&kvs, SIGHUP);
    process_wait_error(&kvs, "changed=\"max-connections\"\n");
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    assert_null(strstr(kvs.err.text, "reload-restart"));
    process_kill(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload_changes_each_setting_or_names_it_for_a_restart),
        cmocka_unit_test(test_reload_refuses_each_bad_value_and_says_where_it_is),
        cmocka_unit_test(test_reload_of_a_bad_file_changes_nothing_and_says_where_it_is_bad),
        cmocka_unit_test(test_reload_of_max_connections_holds_for_the_next_one),
        cmocka_unit_test(test_reload_says_nothing_of_a_limit_that_the_system_lowered),
        cmocka_unit_test(test_reload_of_idle_timeout_holds_on_every_loop),
        cmocka_unit_test(test_print_config_prints_what_is_in_force_and_its_origin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
