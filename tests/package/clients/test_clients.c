/* SPDX-License-Identifier: MIT
 *
 * The clients of docs/clients.md, in each codec, against a kvs of their own: they print what the page
 * says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire.h"

static struct kvs server;
static struct process client;

static int start_server(void **state)
{
    (void)state;
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT, "--listen", KVS_ANY_PORT "?codec=raw"));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    process_kill(&client);
    kvs_end(&server);
    return 0;
}

/* Whether the page has these lines as a block of their own. */
static void expect_on_page(const char *lines)
{
    char block[512];
    struct wire_bytes page = wire_from_file(CLIENTS_PAGE);
    assert_non_null(page.data);
    snprintf(block, sizeof block, "\n```\n%s```\n", lines);
    if (!memmem(page.data, page.size, block, strlen(block)))
        fail_msg("the page does not say that this is printed:\n%s", lines);
    wire_free(&page);
}

static void run(const char *interpreter, const char *script, size_t endpoint)
{
    static const char *const codecs[] = {"length-delimited-gzip", "raw"};
    const char *port = strrchr(server.urls[endpoint], ':') + 1;
    int code =
        process_run(&client, WORDS(interpreter, script, "127.0.0.1", port, codecs[endpoint]));
    if (code != 0)
        fail_msg("%s", client.err.text);
    expect_on_page(client.out.text);
}

static void run_python(size_t endpoint)
{
    setenv("PYTHONPATH", ABI_PB2_FOLDER, 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    run(PYTHON_PATH, CLIENTS_FOLDER "/client.py", endpoint);
}

static void test_python_client_in_length_delimited_gzip(void **state)
{
    (void)state;
    run_python(0);
}

static void test_python_client_in_raw(void **state)
{
    (void)state;
    run_python(1);
}

#ifdef NODE_PATH
static void run_node(size_t endpoint)
{
    setenv("NODE_PATH", NODE_MODULES, 1);
    run(NODE_PATH, CLIENTS_FOLDER "/client.js", endpoint);
}

static void test_node_client_in_length_delimited_gzip(void **state)
{
    (void)state;
    run_node(0);
}

static void test_node_client_in_raw(void **state)
{
    (void)state;
    run_node(1);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_python_client_in_length_delimited_gzip, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_python_client_in_raw, start_server, stop_server),
#ifdef NODE_PATH
        cmocka_unit_test_setup_teardown(test_node_client_in_length_delimited_gzip, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_node_client_in_raw, start_server, stop_server),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
