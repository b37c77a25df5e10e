/* SPDX-License-Identifier: MIT
 *
 * Runs of whole pages, for blocks that are too large for slabs. They are cut out of regions of
 * address space, first fit. The pages of a run that is given back go back to the system at once, so
 * holes between runs cost addresses and no memory. */
#ifndef KV_STORE_RUNS_H
#define KV_STORE_RUNS_H

#include <pthread.h>

#include "core/base/mem.h"

enum { KV_PAGE = 4096, KV_RUN_PAGES_MAX = 1024 };

struct kv_region;

struct kv_runs {
    pthread_mutex_t lock;
    struct kv_region *regions;
};

/* 0 or -errno. fini: after all runs were given back. */
WEFT_MUST_USE int kv_runs_init(struct kv_runs *runs);
void kv_runs_fini(struct kv_runs *runs);

/* Returns so many consecutive pages, at most KV_RUN_PAGES_MAX, or NULL: no memory. Any thread. */
WEFT_MUST_USE void *kv_runs_take(struct kv_runs *runs, size_t pages);
void kv_runs_give(struct kv_runs *runs, void *run, size_t pages);

#endif
