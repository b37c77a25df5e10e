/* SPDX-License-Identifier: MIT
 *
 * A disk for tests, between the files of a store and the system: its calls fail when told to, and are recorded,
 * so that what a power cut may leave of them can be made. It works by the linker (ld's --wrap); a test program
 * asks for it by weft_wrap_disk(TARGET). Main thread only. */
#ifndef WEFT_TEST_DISK_SHIM_H
#define WEFT_TEST_DISK_SHIM_H

#include <stddef.h>

#include "random.h"

/* X(call): also a list in tests/lib/CMakeLists.txt. */
#define DISK_SHIM_MAP(X)                                                                           \
    X(fallocate)                                                                                   \
    X(fdatasync)                                                                                   \
    X(fsync)                                                                                       \
    X(ftruncate)                                                                                   \
    X(openat)                                                                                      \
    X(pwrite)                                                                                      \
    X(pwritev)                                                                                     \
    X(renameat)                                                                                    \
    X(unlinkat)

enum disk_call {
#define X(call) DISK_##call,
    DISK_SHIM_MAP(X)
#undef X
        DISK_CALLS
};

/* From now on, after `skip` more calls, `count` calls fail with errno err. */
void disk_shim_fail(enum disk_call call, unsigned skip, unsigned count, int err);
/* Nothing fails any more. */
void disk_shim_mend(void);

/* Records what is done to files from now on. The directory is empty. */
void disk_shim_record(void);
/* Ends recording; what was recorded stays until the next disk_shim_record. */
void disk_shim_stop(void);
/* Returns how many calls were recorded. */
size_t disk_shim_recorded(void);

/* Makes in the empty directory what may be on the disk if the power goes after the first `calls` of them: all
 * that was synced; of what was written after that each sector or not, in any order, the last one perhaps in
 * part; and of what was done to the directory since it was synced a first part. */
void disk_shim_cut(const char *dir, size_t calls, struct test_random *random);

#endif
