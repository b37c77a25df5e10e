/* SPDX-License-Identifier: MIT
 *
 * The words of kvs and kvc about mistakes and about what the system refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"

#define FORMS "; the forms are tcp://HOST:PORT?name=value&... and unix:PATH?name=value&...\n"
#define LONG_NAME                                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab" \
    "cdef0123456789abcdef0123456789abcdef"

struct refusal {
    const char *option, *value, *text;
};

static const struct refusal of_kvs[] = {
    {"--listen", "unix:/" LONG_NAME,
     "kvs: cannot listen on unix:/" LONG_NAME ": the path has 129 bytes and the system takes at "
     "most 107; choose a shorter one\n"},
    {"--listen", "tcp://127.0.0.1:1?a=%00",
     "kvs: 'tcp://127.0.0.1:1?a=%00': %00 cannot be part of a name or a value" FORMS},
    {"--listen", "tcp://:1",
     "kvs: 'tcp://:1': the host is missing (0.0.0.0 and [::] are all interfaces)" FORMS},
    {"--listen", "somewhere:9527",
     "kvs: 'somewhere:9527' names no transport: is tcp://somewhere:9527 meant?\n"},
    {"--listen", "tcp://127.0.0.1:1?level=99",
     "kvs: level=99: it takes 1 to 9 or auto in 'tcp://127.0.0.1:1?level=99'\n"},
    {"--listen", "tcp://127.0.0.1:1?threshold=x",
     "kvs: threshold=x: it takes BYTES or off in 'tcp://127.0.0.1:1?threshold=x'\n"},
    {"--listen", "tcp://0.0.0.0:1",
     "kvs: --listen tcp://0.0.0.0:1: not a loopback address, and there is no encryption "
     "(tls://) and nobody has to log in (--users FILE): whoever reaches it may read and change "
     "everything; give --allow-remote if that is meant\n"},
    {"--output-hard", "2MiB",
     "kvs: output-hard (2MiB) is below output-high and one max-frame (1MiB + 8MiB)\n"},
    {"--max-frame", "16MiB0",
     "kvs: --max-frame: '16MiB0' is not a size: bytes, or with K, M, G or KiB, MiB, GiB (8MiB)\n"},
    {"--max-frame", "99999999999GiB", "kvs: --max-frame: must be at most 1048576GiB\n"},
    {"--max-frame", "64MiB", "kvs: max-message (32MiB) is below max-frame (64MiB)\n"},
    {"--max-pending", "0", "kvs: --max-pending: must be more than 0\n"},
    {"--max-pending", "x", "kvs: --max-pending: 'x' is not a number: decimal digits (1000)\n"},
    {"--idle-timeout", "x",
     "kvs: --idle-timeout: 'x' is not a time: seconds (0.5), or with us, ms, s, m, h, d (500ms)\n"},
    {"--user", "nobody such", "kvs: --user: there is no user 'nobody such'\n"},
};

static void test_mistakes_in_options_of_kvs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof of_kvs / sizeof *of_kvs; i++) {
        struct process kvs;
        int code = process_run(&kvs, WORDS(KVS_PATH, of_kvs[i].option, of_kvs[i].value));
        assert_string_equal(kvs.err.text, of_kvs[i].text);
        assert_int_equal(code, 2);
        process_kill(&kvs);
    }
}

static const struct refusal of_kvc[] = {
    {"hset", "empty:x", "kvc: value \"empty:x\": an empty value has no text\n"},
    {"hset", "bool:1", "kvc: value \"bool:1\": not true or false\n"},
    {"hset", "int:9223372036854775808",
     "kvc: value \"int:9223372036854775808\": out of range: from -9223372036854775808 to "
     "9223372036854775807\n"},
    {"hset", "float:1e999",
     "kvc: value \"float:1e999\": out of range: up to 1.7976931348623157e+308, or inf\n"},
    {"hset", "hex:0", "kvc: value \"hex:0\": an odd number of hex digits\n"},
    {"hset", "hex:0x", "kvc: value \"hex:0x\": not hex digits\n"},
    {"hset", "base64:AB",
     "kvc: value \"base64:AB\": not base64 (RFC 4648: A-Z a-z 0-9 + /, padded with =)\n"},
    {"hset", "file:/", "kvc: value \"file:/\": cannot read the file: Is a directory\n"},
};

static void test_mistakes_in_values_of_kvc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof of_kvc / sizeof *of_kvc; i++)
        kvc_expect_error("unix:/nowhere", WORDS(of_kvc[i].option, "t", "k", of_kvc[i].value), 2,
                         of_kvc[i].text);
}

/* Runs a line of the shell, where `$KVS` and `$KVC` are the programs. */
static void expect(const char *line, int code, const char *text)
{
    struct process shell;
    char all[1024];
    snprintf(all, sizeof all, "KVS=%s KVC=%s; %s", KVS_PATH, KVC_PATH, line);
    int got = process_run(&shell, WORDS("/bin/sh", "-c", all));
    if (!strstr(shell.err.text, text))
        fail_msg("%s: %s", line, shell.err.text);
    assert_int_equal(got, code);
    process_kill(&shell);
}

static void test_descriptors_that_do_not_suffice_for_the_threads(void **state)
{
    (void)state;
    expect("ulimit -n 40; exec $KVS --check --threads 64", 1,
           "kvs: cannot make an event loop: Too many open files\n");
}

static void test_file_larger_than_a_message(void **state)
{
    (void)state;
    expect("exec $KVC --max-frame 1KiB --max-message 1KiB hset t k file:$KVC", 2,
           ": larger than --max-message 1KiB\n");
}

static void test_answers_of_a_batch_that_cannot_be_printed(void **state)
{
    (void)state;
    struct kvs kvs;
    char line[256];
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    snprintf(line, sizeof line, "echo ping | $KVC --server %s batch > /dev/full", kvs.urls[0]);
    expect(line, 1, "kvc: cannot print the answers: No space left on device\n");
    assert_int_equal(kvs_stop(&kvs), 0);
    kvs_kill(&kvs);
}

static void test_place_in_standard_input_is_named(void **state)
{
    (void)state;
    expect("printf '\\nselect x\\n' | $KVC", 2,
           "kvc: standard input:2: unknown command \"select\"; there are: hget, ");
    expect("printf '{' | $KVC import t -", 2, "kvc: standard input:1: not JSON: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_in_options_of_kvs),
        cmocka_unit_test(test_mistakes_in_values_of_kvc),
        cmocka_unit_test(test_descriptors_that_do_not_suffice_for_the_threads),
        cmocka_unit_test(test_file_larger_than_a_message),
        cmocka_unit_test(test_answers_of_a_batch_that_cannot_be_printed),
        cmocka_unit_test(test_place_in_standard_input_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
