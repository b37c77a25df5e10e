/* SPDX-License-Identifier: MIT
 *
 * The suite's updates, also from several loops, over one Redis. */
#include "lib/redis_stand_in.h"
#include "services/kv/stores/on_redis.h"
#include "suites/store_suite.h"
#include "suites/store_suite_world.h"

int main(void)
{
    redis_stand_in_begin();
    const struct kv_store *store = redis_stand_in_store(&weft_kv_store_redis_cluster, "4");
    store_suite_choose(store);
    int failed = store_suite__run_updates(store) + weft_store_suite_run_loops(store);
    redis_stand_in_end();
    return failed;
}
