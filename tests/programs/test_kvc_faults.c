/* SPDX-License-Identifier: MIT
 *
 * kvc within this process, whose every allocation fails in turn, against a real kvs: it ends with a
 * code, says why in a line, and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codecs/codecs.h"
#include "transports/transports.h"
#include "lib/fault.h"
#include "lib/kvs.h"
#include "programs/kvc/main.h"

enum { WORDS_MAX = 8 };

static struct kvs server;
static char folder[64], url[128], batch[128], rows[128], made[128];

static void write_file(char *path, const char *name, const char *text)
{
    snprintf(path, sizeof batch, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int start_server(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(url, sizeof url, "unix:%s/kvs.sock", folder);
    write_file(batch, "batch",
               "hset b k 'a value'\n[\"hset\", \"b\", \"l\", {\"base64\": \"AA==\"}]\n"
               "hscan b \"\" 1\nhmget b k l m\nping\n");
    write_file(rows, "rows.csv", "a,1\n\"b\",\"say \"\"hi\"\"\"\nc,base64:AA==\nd,empty:\n");
    write_file(made, "made.ndjson", "");
    kvs_start(&server, WORDS("--listen", url));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    scratch_remove(folder);
    return 0;
}

static enum cli_exit run(const char *const *words, FILE *out, FILE *err)
{
    struct weft_registry registry = {0};
    char *argv[WORDS_MAX + 4] = {strdup("kvc"), strdup("--server"), strdup(url)};
    int argc = 3;
    for (; *words; words++)
        argv[argc++] = strdup(*words);
    assert_int_equal(weft_registry_add_codec(&registry, &weft_codec_length_delimited_gzip), 0);
    assert_int_equal(weft_registry_add_transport(&registry, &weft_transport_unix), 0);
    char *copy[WORDS_MAX + 4];
    memcpy(copy, argv, sizeof copy);
    enum cli_exit code = cli_kvc_main(&registry, argc, argv, out, err);
    for (int i = 0; i < argc; i++)
        free(copy[i]);
    return code;
}

static void run_with_failures(void *arg)
{
    char *said = NULL, *printed = NULL;
    size_t said_size, printed_size;
    FILE *err = open_memstream(&said, &said_size);
    FILE *out = open_memstream(&printed, &printed_size);
    assert_non_null(err);
    assert_non_null(out);
    enum cli_exit code = run(arg, out, err);
    fclose(err);
    fclose(out);
    bool told = strncmp(said, "kvc: ", 5) == 0 || strstr(printed, "\"error\": ");
    if (fault_failed() == 0 ? code != CLI_EXIT_DONE : (code != CLI_EXIT_DONE && !told))
        fail_msg("code %d: %s", code, said);
    free(said);
    free(printed);
}

static void survive(const char *const *words)
{
    fault_each(run_with_failures, (void *)(uintptr_t)words);
}

static void test_single_commands_survive(void **state)
{
    (void)state;
    survive(WORDS("ping"));
    survive(WORDS("hset", "t", "k", "hex:00ff"));
    survive(WORDS("hget", "t", "k"));
    survive(WORDS("hgetall", "t"));
    survive(WORDS("--json", "hmget", "t", "k", "l"));
    survive(WORDS("hscan", "t", "", "1"));
    survive(WORDS("hset", "t", "k", "file:/etc/passwd"));
}

static void test_batch_survives(void **state)
{
    (void)state;
    survive(WORDS("batch", batch));
    survive(WORDS("--json", "--keep-going", "batch", batch));
}

static void test_import_survives(void **state)
{
    (void)state;
    survive(WORDS("import", "rows", rows));
}

static void test_export_survives(void **state)
{
    (void)state;
    survive(WORDS("export", "rows", made));
}

/* The point that its threads have reached when memory fails differs from run to run. */
static void test_bench_survives(void **state)
{
    (void)state;
    survive(WORDS("bench", "--clients=2", "--threads=2", "--keys=2", "--requests=3", "--warmup=0"));
    survive(WORDS("--json", "bench", "--clients=1", "--requests=8", "--rate=1000000", "--warmup=0",
                  "--mix=hdel=1,hexist=1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_commands_survive), cmocka_unit_test(test_batch_survives),
        cmocka_unit_test(test_import_survives),         cmocka_unit_test(test_export_survives),
        cmocka_unit_test(test_bench_survives),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
