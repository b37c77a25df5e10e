/* SPDX-License-Identifier: MIT */
#include "redis_store_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "services/kv/stores/on_redis.h"
#include "services/kv/stores/redis/layout.h"

enum { BUCKETS = 4 };

static struct store_client client;
static const struct kv_store *store;

int redis_store_world_begin(void **state)
{
    (void)state;
    redis_stand_in_begin();
    store = redis_stand_in_store(&weft_kv_store_redis_cluster, "4");
    return 0;
}

int redis_store_world_end(void **state)
{
    (void)state;
    redis_stand_in_end();
    return 0;
}

int redis_store_world_setup(void **state)
{
    store_client_init(&client, store, 0);
    *state = &client;
    return 0;
}

int redis_store_world_teardown(void **state)
{
    (void)state;
    store_client_fini(&client);
    return 0;
}

static unsigned bucket_of(const char *key)
{
    return (unsigned)(kv_redis_hash(weft_view_str(key)) % BUCKETS);
}

const char *redis_store_world_other_key(void)
{
    static char key[16];
    for (int i = 0; i == 0 || bucket_of(key) == bucket_of(REDIS_KEY_ONE); i++)
        (void)snprintf(key, sizeof key, "other%d", i);
    return key;
}

void redis_store_world_fill(struct store_client *self, const char *table, int count)
{
    for (int i = 0; i < count; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", i);
        store_client_set(self, table, key, key);
    }
}
