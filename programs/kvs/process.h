/* SPDX-License-Identifier: MIT
 *
 * What the process of kvs may do, and what may be left of it. Before there are threads. */
#ifndef KV_CLI_PROCESS_SETUP_H
#define KV_CLI_PROCESS_SETUP_H

#include <sys/types.h>

#include "core/base/err.h"

/* On how many CPUs the process may run; at least 1. */
unsigned cli_cpu_count(void);

/* Memory that was needed for a moment goes back to the system when it is freed. */
void cli_return_memory(void);

/* No core dump: it would hold the values. */
void cli_forbid_core_dumps(void);

struct cli_user {
    uid_t uid;
    gid_t gid;
};

/* Looks name up. WEFT_ECONFIG: there is no such user. */
WEFT_MUST_USE int cli_user_find(struct cli_user *user, const char *name, struct weft_error *error);

/* Becomes that user for good, with its group and no other. Nothing to do where that is so already.
 * -EPERM and the like with one line in *error: the process is not what was asked for, and must end. */
WEFT_MUST_USE int cli_user_become(const struct cli_user *user, struct weft_error *error);

#endif
