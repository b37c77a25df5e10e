/* SPDX-License-Identifier: MIT */
#include "services/kv/stores/on_disk.h"
#include "suites/disk_suite.h"

int main(void)
{
    return disk_suite_run(&weft_kv_store_lmdb);
}
