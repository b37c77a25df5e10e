/* SPDX-License-Identifier: MIT
 *
 * A store on disk promises more than services/kv/store.h: what was answered is there after a restart,
 * whatever kind of operation it was. The suite tests that, and what all stores made of
 * services/kv/stores/parts do alike. */
#ifndef WEFT_DISK_SUITE_H
#define WEFT_DISK_SUITE_H

#include "services/kv/store.h"

/* Runs all of them, a cmocka group a topic; returns how many failed. */
int disk_suite_run(const struct kv_store *store);

#endif
