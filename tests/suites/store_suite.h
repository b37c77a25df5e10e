/* SPDX-License-Identifier: MIT
 *
 * The contract of services/kv/store.h as tests that every store joins with one line:
 *
 *     int main(void)
 *     {
 *         return store_suite_run(&weft_kv_store_memory);
 *     }
 *
 * The loop is the one with virtual time. */
#ifndef TEST_STORE_SUITE_H
#define TEST_STORE_SUITE_H

#include "services/kv/store.h"

/* Runs all of them, a cmocka group a topic, on the main thread; returns how many failed. */
int store_suite_run(const struct kv_store *store);

#endif
