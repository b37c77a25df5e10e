/* SPDX-License-Identifier: MIT */
#include "services/kv/stores/on_disk.h"
#include "suites/disk_suite.h"

/* ThreadSanitizer does not see how the library's own threads agree, for it is built without it. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:librocksdb.so\ncalled_from_lib:libstdc++.so\n";
}

int main(void)
{
    return disk_suite_run(&weft_kv_store_rocksdb);
}
