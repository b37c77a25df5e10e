/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_private.h"

#if defined __has_include &&                                                                       \
    __has_include(<linux/landlock.h>) && defined SYS_landlock_create_ruleset
#include <linux/landlock.h>

/* The rights of the first version; later ones are added where the kernel has them, by their numbers, since the
 * header may be older than the kernel. */
#define ACCESS_READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_FIRST ((UINT64_C(1) << 13) - 1)
#define ACCESS_REFER (UINT64_C(1) << 13)
#define ACCESS_TRUNC (UINT64_C(1) << 14)
#define ACCESS_WRITE                                                                               \
    (ACCESS_FIRST & ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |        \
                                LANDLOCK_ACCESS_FS_MAKE_BLOCK))

static uint64_t known(int version)
{
    return ACCESS_FIRST | (version >= 2 ? ACCESS_REFER : 0) | (version >= 3 ? ACCESS_TRUNC : 0);
}

static int allow(int ruleset, const char *path, uint64_t access)
{
    struct stat stat;
    struct landlock_path_beneath_attr rule = {.allowed_access = access};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0 || fstat(rule.parent_fd, &stat) < 0)
        return 0; /* what is not there needs no rule */
    if (!S_ISDIR(stat.st_mode))
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                               LANDLOCK_ACCESS_FS_EXECUTE | ACCESS_TRUNC;
    int err = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
                  ? -errno
                  : 0;
    (void)close(rule.parent_fd);
    return err;
}

static int allow_all(int ruleset, const struct kvs_sandbox *sandbox, uint64_t handled)
{
    static const char *const read[] = {"/etc",  "/usr",         "/lib",        "/lib64",
                                       "/proc", "/sys/devices", "/dev/urandom"};
    const uint64_t write = (ACCESS_WRITE | ACCESS_REFER | ACCESS_TRUNC) & handled;
    /* A library that is loaded late, such as one that resolves names, is mapped and not executed. */
    int err = allow(ruleset, "/dev/null", ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (size_t i = 0; err == 0 && i < sizeof read / sizeof *read; i++)
        err = allow(ruleset, read[i], ACCESS_READ);
    for (size_t i = 0; err == 0 && i < sandbox->count; i++)
        err =
            allow(ruleset, sandbox->paths[i].path, sandbox->paths[i].writes ? write : ACCESS_READ);
    return err;
}

int kvs__landlock_enter(const struct kvs_sandbox *sandbox)
{
    int version =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return 0;
    struct landlock_ruleset_attr handled = {.handled_access_fs = known(version)};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (ruleset < 0)
        return -errno;
    int err = allow_all(ruleset, sandbox, handled.handled_access_fs);
    if (err == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        err = -errno;
    (void)close(ruleset);
    return err < 0 ? err : version;
}
#else
int kvs__landlock_enter(const struct kvs_sandbox *sandbox)
{
    (void)sandbox;
    return 0;
}
#endif
