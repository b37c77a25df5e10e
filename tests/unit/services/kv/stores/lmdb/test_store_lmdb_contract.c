/* SPDX-License-Identifier: MIT
 *
 * The suite itself, over LMDB. It syncs nothing, which would only make it slow. */
#include "lib/disk_store.h"
#include "services/kv/stores/on_disk.h"
#include "suites/store_suite.h"

int main(void)
{
    static const char *const options[] = {"sync", "off", NULL};
    const struct kv_store *store = disk_store_in_scratch(&weft_kv_store_lmdb, options);
    return weft_store_suite_run(store) + weft_store_suite_run_loops(store);
}
