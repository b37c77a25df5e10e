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
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/listener.h"
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

static struct listener listener;

static int start_listener(void **state)
{
    (void)state;
    listener_open(&listener);
    return 0;
}

static int stop_listener(void **state)
{
    (void)state;
    process_kill(&client);
    return listener.fd >= 0 ? close(listener.fd) : 0;
}

static void expect_failure(const char *words)
{
    assert_int_equal(process_wait(&client), 1);
    if (!strstr(client.err.text, words))
        fail_msg("it says '%s'", client.err.text);
}

static void fail_to_connect(const char *interpreter, const char *script, const char *words)
{
    close(listener.fd); /* the port is free again, and refuses */
    listener.fd = -1;
    process_start(&client,
                  WORDS(interpreter, script, "127.0.0.1", strrchr(listener.url, ':') + 1, "raw"));
    expect_failure(words);
}

/* Answers what the client sends first, the three hsets, and ends; the client asks once more. */
static void close_behind_the_replies(const char *interpreter, const char *script, const char *words)
{
    process_start(&client,
                  WORDS(interpreter, script, "127.0.0.1", strrchr(listener.url, ':') + 1, "raw"));
    int fd = listener_accept(&listener);
    for (int i = 0; i < 3; i++) {
        struct wire_bytes request;
        assert_int_equal(wire_receive(fd, false, &request), 1);
        wire_free(&request);
        assert_int_equal(wire_send_frame(fd, "\x08\xc8\x01\x1a\x00", 5), 0);
    }
    close(fd);
    expect_failure(words);
}

/* The page has these lines as a block of their own. */
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

static void set_python(void)
{
    setenv("PYTHONPATH", ABI_PB2_FOLDER, 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
}

static void run_python(size_t endpoint)
{
    set_python();
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

static void test_python_client_says_that_nobody_listens(void **state)
{
    (void)state;
    set_python();
    fail_to_connect(PYTHON_PATH, CLIENTS_FOLDER "/client.py", "ConnectionRefusedError");
}

static void test_python_client_says_that_the_server_closed(void **state)
{
    (void)state;
    set_python();
    close_behind_the_replies(PYTHON_PATH, CLIENTS_FOLDER "/client.py", "Connection");
}

#ifdef NODE_PATH
static void set_node(void)
{
    setenv("NODE_PATH", NODE_MODULES, 1);
    setenv("ABI_PROTO", ABI_PROTO, 1);
}

static void test_node_client_says_that_nobody_listens(void **state)
{
    (void)state;
    set_node();
    fail_to_connect(NODE_PATH, CLIENTS_FOLDER "/client.js", "ECONNREFUSED");
}

static void test_node_client_says_that_the_server_closed(void **state)
{
    (void)state;
    set_node();
    close_behind_the_replies(NODE_PATH, CLIENTS_FOLDER "/client.js", "Error: ");
}

/* The idle time-out comes without a call in flight, and then with one. */
static void test_node_client_outlives_an_idle_timeout_and_fails_what_waits(void **state)
{
    static const char script[] =
        "const Client = require('" CLIENTS_FOLDER "/client.js');"
        "(async ([port]) => {"
        "  const kvs = new Client('127.0.0.1', port), get = { hget: { table: 't', key: 'k' } };"
        "  console.log((await kvs.call(get)).status);"
        "  kvs.socket.emit('timeout');"
        "  console.log((await kvs.call(get)).status);"
        "  const waiting = kvs.call(get);"
        "  kvs.socket.emit('timeout');"
        "  await waiting.catch((error) => console.log(error.message));"
        "  await kvs.call(get).catch((error) => console.log(error.message));"
        "})(process.argv.slice(1));";
    (void)state;
    set_node();
    const char *port = strrchr(server.urls[0], ':') + 1;
    if (process_run(&client, WORDS(NODE_PATH, "-e", script, port)) != 0)
        fail_msg("%s", client.err.text);
    assert_string_equal(client.out.text, "404\n404\nno reply within 60 s\nno reply within 60 s\n");
}

static void run_node(size_t endpoint)
{
    set_node();
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
        cmocka_unit_test_setup_teardown(test_python_client_says_that_nobody_listens, start_listener,
                                        stop_listener),
        cmocka_unit_test_setup_teardown(test_python_client_says_that_the_server_closed,
                                        start_listener, stop_listener),
#ifdef NODE_PATH
        cmocka_unit_test_setup_teardown(test_node_client_in_length_delimited_gzip, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_node_client_in_raw, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_node_client_says_that_nobody_listens, start_listener,
                                        stop_listener),
        cmocka_unit_test_setup_teardown(test_node_client_says_that_the_server_closed,
                                        start_listener, stop_listener),
        cmocka_unit_test_setup_teardown(
            test_node_client_outlives_an_idle_timeout_and_fails_what_waits, start_server,
            stop_server),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
