/* SPDX-License-Identifier: MIT
 *
 * A table of the memory store that grows and shrinks while every second or third allocation fails:
 * an operation is done or it is refused, and then nothing has changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "lib/fault.h"
#include "lib/store_client.h"
#include "services/kv/stores/memory/memory.h"

/* Several segments of the most slots. */
enum { KEYS = 6000, ROUNDS = 16 };

struct trouble {
    struct store_client client;
    unsigned refused;
};

static int forget_faults(void **state)
{
    (void)state;
    fault_remove();
    return 0;
}

/* Until it is done; whether the key was there. */
static bool insist(struct trouble *trouble, enum kv_store_kind kind, unsigned number)
{
    char key[16];
    (void)snprintf(key, sizeof key, "key %u", number);
    for (;;) {
        struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view_str("value")};
        enum kv_outcome outcome = store_client_do(&trouble->client, kind, "t", &item, 1);
        if (outcome == KV_DONE) {
            bool present = item.present;
            store_items_drop(&item, 1);
            return present;
        }
        assert_int_equal(outcome, KV_UNAVAILABLE);
        trouble->refused++;
    }
}

static void grow_and_shrink(uint8_t round)
{
    const uint8_t seed[16] = {round};
    struct trouble trouble = {0};
    store_client_init_seeded(&trouble.client, &weft_kv_store_memory, 0, seed);
    fault_arm_random(round, 2 + round % 2);
    for (unsigned i = 0; i < KEYS; i++)
        assert_false(insist(&trouble, KV_MSET, i));
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(insist(&trouble, KV_MGET, i));
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(insist(&trouble, KV_MDEL, i));
    for (unsigned i = 0; i < KEYS; i++)
        assert_false(insist(&trouble, KV_MGET, i));
    assert_true(trouble.refused > 0);
    fault_disarm();
    store_client_fini(&trouble.client);
}

static void test_operations_are_done_or_refused_while_memory_comes_and_goes(void **state)
{
    (void)state;
    fault_install();
    for (uint8_t round = 1; round <= ROUNDS; round++)
        grow_and_shrink(round);
    assert_int_equal(fault_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_operations_are_done_or_refused_while_memory_comes_and_goes,
                                  forget_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
