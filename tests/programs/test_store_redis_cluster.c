/* SPDX-License-Identifier: MIT
 *
 * The store over a real cluster of three masters with a replica each, by the real client on the real loop: the suite's
 * oracle or, compiled with FROM_SEVERAL_LOOPS, its four loops. The rest of the suite runs over one server, in
 * tests/unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/registry.h"
#include "lib/redis_server.h"
#include "services/kv/stores/on_redis.h"
#include "suites/store_suite.h"
#include "suites/store_suite_world.h"
#include "transports/transports.h"

static struct redis_nodes nodes;
static struct weft_registry registry;
static const struct kv_store *const inside = &weft_kv_store_redis_cluster;

/* Each test has an empty cluster. */
static int init_emptied(void *store, const struct kv_store_options *options,
                        struct weft_error *error)
{
    static const struct weft_option_value values[] = {{"buckets", "8"},
                                                      /* No slow machine decides a test. */
                                                      {"ack", "replica(1,60000)"},
                                                      {"timeout", "60"},
                                                      {"connect-timeout", "60"}};
    static const struct weft_option_set set = {values, 4};
    char where[512];
    struct kv_store_options own = *options;
    for (size_t i = 0; i < nodes.masters; i++)
        redis_tell(&nodes.servers[i], "FLUSHALL");
    own.where = redis_nodes_where(&nodes, where, sizeof where);
    own.set = &set;
    own.registry = &registry;
    return inside->init(store, &own, error);
}

int main(void)
{
    struct kv_store store = *inside;
    store.init = init_emptied;
    if (weft_registry_add_transport(&registry, &weft_transport_tcp) < 0)
        return 1;
    redis_nodes_start(&nodes, 3, 1, NULL);
    store_suite_choose(&store);
#ifdef FROM_SEVERAL_LOOPS
    int failed = weft_store_suite_run_loops(&store);
#else
    int failed = store_suite__run_oracle(&store);
#endif
    redis_nodes_stop(&nodes);
    return failed;
}
