/* SPDX-License-Identifier: MIT
 *
 * The contract of services/kv/store.h as tests that every store joins with one line:
 *
 *     int main(void)
 *     {
 *         return weft_store_suite_run(&weft_kv_store_memory);
 *     }
 *
 * The loop is the one with virtual time. */
#ifndef WEFT_STORE_SUITE_H
#define WEFT_STORE_SUITE_H

#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs all of them, a cmocka group a topic, on the main thread; returns how many failed. */
int weft_store_suite_run(const struct kv_store *store);

#ifdef __cplusplus
}
#endif

#endif
