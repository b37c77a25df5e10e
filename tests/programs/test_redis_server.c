/* SPDX-License-Identifier: MIT
 *
 * The fixture of real redis-servers does what the tests of the store need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/redis_server.h"

static struct redis_nodes nodes;
static struct redis_server server;

static int teardown(void **state)
{
    (void)state;
    redis_nodes_stop(&nodes);
    redis_server_stop(&server);
    return 0;
}

static void test_server_serves_and_keeps_its_port_over_a_restart(void **state)
{
    (void)state;
    redis_server_start(&server, WORDS("--requirepass", "secret"));
    const int port = server.port;
    redis_tell(&server, "SET a b");
    redis_server_kill(&server);
    assert_null(redis_try(&server, "PING"));
    redis_server_restart(&server);
    assert_int_equal(server.port, port);
    redis_wait_for(&server, "PING", "PONG");
}

static void test_cluster_is_whole_and_a_slot_moves_with_its_keys(void **state)
{
    char where[256];
    (void)state;
    redis_nodes_start(&nodes, 3, 1, NO_WORDS);
    assert_int_equal(nodes.count, 6);
    assert_ptr_equal(redis_nodes_of(&nodes, 0), &nodes.servers[0]);
    assert_ptr_equal(redis_nodes_of(&nodes, 16383), &nodes.servers[2]);
    assert_int_equal(strncmp(redis_nodes_where(&nodes, where, sizeof where), "//127.0.0.1:", 12),
                     0);

    redis_tell(&nodes.servers[2], "SET foo bar"); /* slot 12182 */
    redis_nodes_move(&nodes, &nodes.servers[2], &nodes.servers[1], 12182, 1);
    redis_wait_for(&nodes.servers[1], "GET foo", "bar");
    assert_ptr_equal(redis_nodes_of(&nodes, 12182), &nodes.servers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_server_serves_and_keeps_its_port_over_a_restart, teardown),
        cmocka_unit_test_teardown(test_cluster_is_whole_and_a_slot_moves_with_its_keys, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
