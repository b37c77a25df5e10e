/* SPDX-License-Identifier: MIT
 *
 * The store suite on memory stores that are kept on disk. */
#include "lib/kept_store.h"
#include "suites/store_suite.h"

int main(void)
{
    const struct kv_store late = kept_store(true), quick = kept_store(false);
    kept_plan.threads = true;
    kept_plan.sync = "always";
    int failed = weft_store_suite_run(&late);
    kept_plan.sync = "1";
    failed += weft_store_suite_run(&quick);
    kept_plan.sync = "off";
    failed += weft_store_suite_run(&quick);
    kept_plan.threads = true;
    failed += weft_store_suite_run_loops(&quick);
    kept_plan.sync = "always";
    return failed + weft_store_suite_run_loops(&late);
}
