/* SPDX-License-Identifier: MIT
 *
 * The suite itself, over stores that answer in a later turn. */
#include "lib/late_store.h"
#include "suites/store_suite.h"

int main(void)
{
    return weft_store_suite_run(&late_store_ordered) + weft_store_suite_run(&late_store_unordered);
}
