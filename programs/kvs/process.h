/* SPDX-License-Identifier: MIT
 *
 * Sets what the process of kvs may do, and what it may leave behind. Call these before there are
 * threads. */
#ifndef KV_CLI_PROCESS_SETUP_H
#define KV_CLI_PROCESS_SETUP_H

#include <sys/types.h>

#include "core/base/err.h"

/* Returns the number of CPUs that the process may run on, at least 1. */
unsigned cli_cpu_count(void);

/* Makes freed memory go back to the system, even if it was needed for a moment only. */
void cli_return_memory(void);

/* Forbids core dumps, which would hold the values. */
void cli_forbid_core_dumps(void);

struct cli_user {
    uid_t uid;
    gid_t gid;
};

/* Looks up a user by name. WEFT_ECONFIG: there is none of that name. */
WEFT_MUST_USE int cli_user_find(struct cli_user *user, const char *name, struct weft_error *error);

/* Becomes that user for what is opened until cli_user_return, if the process is root's: a file that is made in between is
 * the user's, and one that the user may not write to is refused. NULL, or no root: does nothing. */
void cli_user_borrow(const struct cli_user *user);
void cli_user_return(void);

/* Becomes that user for good, with its group and no other; does nothing if that is so already. On
 * an error, as -EPERM, *error has one line and the process must end: it is not that user. */
WEFT_MUST_USE int cli_user_become(const struct cli_user *user, struct weft_error *error);

#endif
