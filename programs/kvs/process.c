/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_GROUPS = 1024 }; /* a process that has more is not the user alone */

unsigned cli_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    /* There are more CPUs than a set has room for. */
    return CPU_SETSIZE;
}

/* glibc raises both thresholds, up to 32 and 64 MiB, when a block above the first is freed: as much
 * of what one message took would then stay in the heap of each thread. Once set, they stay as they
 * are. Values below the first come and go without page faults; messages near the limits do not. */
void cli_return_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

/* The limit is one byte and not none: Linux pipes a dump to a core_pattern program whatever the
 * limit is, except for exactly 1, which it takes for "never" (fs/coredump.c). For a file it is too
 * small. */
void cli_forbid_core_dumps(void)
{
    const struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    /* This fails if the limit was 0 already and may not be raised. */
    (void)setrlimit(RLIMIT_CORE, &limit);
}

int cli_user_find(struct cli_user *user, const char *name, struct weft_error *error)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return weft_error_set(error, WEFT_ECONFIG, "--user: there is no user '%.64s'", name);
    *user = (struct cli_user){.uid = entry->pw_uid, .gid = entry->pw_gid};
    return 0;
}

void cli_user_borrow(const struct cli_user *user)
{
    if (!user || getuid() != 0)
        return;
    /* If it cannot, which root always can, files are root's, and the next reload says so. */
    if (setegid(user->gid) < 0 || seteuid(user->uid) < 0)
        cli_user_return();
}

void cli_user_return(void)
{
    if (getuid() == 0 && (seteuid(0) < 0 || setegid(getgid()) < 0))
        abort();
}

/* True if the process has no group but the user's. */
static bool has_no_other_group(const struct cli_user *user)
{
    gid_t groups[MOST_GROUPS];
    int count = getgroups(MOST_GROUPS, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] != user->gid)
            return false;
    }
    return count >= 0;
}

static bool is_user(const struct cli_user *user)
{
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    if (getresuid(&real, &effective, &saved) < 0 ||
        getresgid(&real_group, &effective_group, &saved_group) < 0)
        return false;
    return real == user->uid && effective == user->uid && saved == user->uid &&
           real_group == user->gid && effective_group == user->gid && saved_group == user->gid &&
           has_no_other_group(user);
}

/* Drops the groups first: without root they can no longer be changed. */
int cli_user_become(const struct cli_user *user, struct weft_error *error)
{
    if (is_user(user) && user->uid != 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return weft_error_set(error, -errno, "--user: cannot become user %u: %s; only root can",
                              (unsigned)user->uid, weft_strerror(-errno));
    if (!is_user(user) || (user->uid != 0 && setuid(0) == 0))
        return weft_error_set(error, -EPERM,
                              "--user: the privileges of root could not be given up");
    return 0;
}
