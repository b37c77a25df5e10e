/* SPDX-License-Identifier: MIT
 *
 * The contract of services/kv/store.h as tests that every store joins with one line:
 *
 *     int main(void)
 *     {
 *         return weft_store_suite_run(&weft_kv_store_memory) +
 *                weft_store_suite_run_loops(&weft_kv_store_memory);
 *     }
 *
 * The loops are those with virtual time. */
#ifndef WEFT_STORE_SUITE_H
#define WEFT_STORE_SUITE_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the tests of one loop, a cmocka group for each topic, on the main thread; returns how many failed. */
int weft_store_suite_run(const struct kv_store *store);

/* Runs the tests of several loops, each on a thread of its own. They are apart for stores that have a thread
 * whose work a loop does in tests. */
int weft_store_suite_run_loops(const struct kv_store *store);

#ifdef __cplusplus
}
#endif

#endif
