/* SPDX-License-Identifier: MIT */
#include "lib/store_suite.h"
#include "services/kv/store/memory.h"

int main(void)
{
    return store_suite_run(&kv_store_memory);
}
