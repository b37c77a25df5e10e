/* SPDX-License-Identifier: MIT
 *
 * The suite of every store, over one Redis. What only stores with some flags have to do is in the files beside this
 * one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/redis_stand_in.h"
#include "services/kv/stores/on_redis.h"
#include "suites/store_suite.h"

int main(void)
{
    redis_stand_in_begin();
    struct kv_store store = *redis_stand_in_store(&weft_kv_store_redis, "4");
    store.flags = 0;
    cmocka_set_skip_filter("test_random*");
    int failed = weft_store_suite_run(&store);
    redis_stand_in_end();
    return failed;
}
