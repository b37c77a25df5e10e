/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

unsigned cli_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    /* More CPUs than a set has room for. */
    return CPU_SETSIZE;
}

/* What glibc does anyway as long as nothing large was freed: each block freed beyond the one raises
 * both, in the end to 32 and 64 MiB, and as much of what one message took would then be kept in the
 * heap of each thread. Set, they stay. Large values come and go below the first without page faults;
 * messages near the limits do not. */
void cli_return_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

/* One byte and not none: Linux pipes a dump to a core_pattern program whatever the limit is, but for
 * exactly 1, which it takes for "never" (fs/coredump.c); and as a file's size it is too small. */
void cli_forbid_core_dumps(void)
{
    const struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    /* Where it fails, the limit was 0 already and may not be raised. */
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

static bool is_user(const struct cli_user *user)
{
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    if (getresuid(&real, &effective, &saved) < 0 ||
        getresgid(&real_group, &effective_group, &saved_group) < 0)
        return false;
    return real == user->uid && effective == user->uid && saved == user->uid &&
           real_group == user->gid && effective_group == user->gid && saved_group == user->gid;
}

/* The groups first: who has given up root may not change them any more. */
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
