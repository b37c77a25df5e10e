/* SPDX-License-Identifier: MIT */
#include "suites/store_suite.h"
#include "services/kv/stores/memory/memory.h"

int main(void)
{
    return weft_store_suite_run(&weft_kv_store_memory) +
           weft_store_suite_run_loops(&weft_kv_store_memory);
}
