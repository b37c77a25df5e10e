/* SPDX-License-Identifier: MIT
 *
 * The cases of interop.py, each in every codec of protobuf, each against a kvs of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct kvs server;

static int start_server(void **state)
{
    (void)state;
    kvs_start(&server,
              WORDS("--listen", KVS_ANY_PORT, "--listen", KVS_ANY_PORT "?codec=raw", "--listen",
                    KVS_ANY_PORT "?codec=varint", "--listen",
                    KVS_ANY_PORT "?codec=length-field&width=3&endian=little&offset=2&adjust=-5"));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    return 0;
}

/* One test: a case of the script through one endpoint. */
struct run {
    char name[80];
    const char *script_case, *codec;
    size_t endpoint;
};

static void run_script(void **state)
{
    const struct run *run = *state;
    struct process python;
    const char *port = strrchr(server.urls[run->endpoint], ':') + 1;
    int code = process_run(&python, WORDS(PYTHON_PATH, "-B", INTEROP_SCRIPT, ABI_PB2_FOLDER,
                                          "127.0.0.1", port, run->codec, run->script_case));
    if (code != 0)
        fail_msg("%s", python.err.text);
    process_kill(&python);
}

static const char *const cases[] = {"commands",   "values", "names",  "errors",
                                    "pipelining", "batch",  "frames", "unknown_fields"};
static const struct {
    const char *name, *in_names;
} codecs[] = {{"length-delimited-gzip", "length_delimited_gzip"},
              {"raw", "raw"},
              {"varint", "varint"},
              {"length-field", "length_field"}};

enum {
    CASES = sizeof cases / sizeof *cases,
    CODECS = sizeof codecs / sizeof *codecs,
    RUNS = CASES * CODECS
};

int main(void)
{
    static struct run runs[RUNS];
    struct CMUnitTest tests[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        struct run *run = &runs[i];
        run->script_case = cases[i / CODECS];
        run->endpoint = i % CODECS;
        run->codec = codecs[run->endpoint].name;
        snprintf(run->name, sizeof run->name, "test_python_%s_in_%s", run->script_case,
                 codecs[run->endpoint].in_names);
        tests[i] = (struct CMUnitTest){run->name, run_script, start_server, stop_server, run};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
