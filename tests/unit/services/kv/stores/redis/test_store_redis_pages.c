/* SPDX-License-Identifier: MIT
 *
 * The suite's walks and lists of tables, over one Redis. */
#include "lib/redis_stand_in.h"
#include "services/kv/stores/on_redis.h"
#include "suites/store_suite.h"
#include "suites/store_suite_world.h"

int main(void)
{
    redis_stand_in_begin();
    const struct kv_store *store = redis_stand_in_store(&weft_kv_store_redis_cluster, "4");
    store_suite_choose(store);
    int failed = store_suite__run_walks(store) + store_suite__run_tables(store);
    redis_stand_in_end();
    return failed;
}
