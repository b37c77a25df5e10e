/* SPDX-License-Identifier: MIT
 *
 * The cases of Interop.java, each against a kvs of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct kvs server;

static int start_server(void **state)
{
    (void)state;
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT "?codec=varint"));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    return 0;
}

static void run_case(const char *name)
{
    struct process java;
    const char *port = strrchr(server.urls[0], ':') + 1;
    int code = process_run(&java, WORDS(JAVA_PATH, "-Xshare:auto", "-cp", JAVA_CLASSES, "Interop",
                                        "127.0.0.1", port, name));
    if (code != 0)
        fail_msg("%s", java.err.text);
    process_kill(&java);
}

static void test_java_exchanges_messages_of_every_size_of_length(void **state)
{
    (void)state;
    run_case("sizes");
}

static void test_java_pipelines(void **state)
{
    (void)state;
    run_case("pipelining");
}

static void test_java_goes_on_after_what_is_refused(void **state)
{
    (void)state;
    run_case("errors");
}

static void test_java_sees_the_end_of_the_stream(void **state)
{
    (void)state;
    run_case("end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_java_exchanges_messages_of_every_size_of_length,
                                        start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_java_pipelines, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_java_goes_on_after_what_is_refused, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_java_sees_the_end_of_the_stream, start_server,
                                        stop_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
