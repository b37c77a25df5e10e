/* SPDX-License-Identifier: MIT */
#ifndef KVS_SANDBOX_PRIVATE_H
#define KVS_SANDBOX_PRIVATE_H

#include "sandbox.h"

/* Returns the version of landlock that is in force now; 0: the kernel has none; or -errno. */
WEFT_MUST_USE int kvs__landlock_enter(const struct kvs_sandbox *sandbox);

/* Returns 1 if the filter of system calls is in force now; 0: the kernel or the build has none; or -errno. */
WEFT_MUST_USE int kvs__seccomp_enter(const struct kvs_sandbox *sandbox);

#endif
