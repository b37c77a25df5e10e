/* SPDX-License-Identifier: MIT
 *
 * Three kinds of path are told apart. /dev/stdout, /dev/fd/N and what else leads into procfs stand for
 * a descriptor that somebody has opened already, perhaps at its end: it is duplicated, because opening
 * the path anew would write from the beginning. What is no regular file is opened as it is. The rest
 * is replaced; a symbolic link is followed first, so that the link stays and its file is replaced. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "programs/lib/output.h"

enum { LINKS_MAX = 40, NAMES_MAX = 1000, PARTIAL_NAME = 48 };

/* The folder that a path's last name is in, into dst of PATH_MAX bytes. */
static void folder_of(const char *path, char *dst)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    if (!slash)
        strcpy(dst, ".");
    else if (size == 0)
        strcpy(dst, "/");
    else
        snprintf(dst, PATH_MAX, "%.*s", (int)size, path);
}

static bool leads_into_proc(const char *path)
{
    char folder[PATH_MAX];
    struct statfs system;
    folder_of(path, folder);
    return statfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

/* Replaces path, a symbolic link, by what it points to. */
static int follow(char path[PATH_MAX])
{
    char link[PATH_MAX], folder[PATH_MAX], joined[2 * PATH_MAX];
    ssize_t size = readlink(path, link, sizeof link - 1);
    if (size < 0)
        return -errno;
    link[size] = '\0';
    folder_of(path, folder);
    int length = snprintf(joined, sizeof joined, "%s%s%s", link[0] == '/' ? "" : folder,
                          link[0] == '/' ? "" : "/", link);
    if (length >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(path, joined, (size_t)length + 1);
    return 0;
}

/* Follows path's links as far as they stay out of procfs. *status: of what is there; st_mode 0: nothing
 * is. */
static int resolve(char path[PATH_MAX], struct stat *status, bool *in_proc)
{
    for (unsigned links = 0; links < LINKS_MAX; links++) {
        *in_proc = leads_into_proc(path);
        if (*in_proc)
            return 0;
        if (lstat(path, status) < 0) {
            *status = (struct stat){0};
            return errno == ENOENT ? 0 : -errno;
        }
        if (!S_ISLNK(status->st_mode))
            return 0;
        int err = follow(path);
        if (err < 0)
            return err;
    }
    return -ELOOP;
}

/* The number of the descriptor that a path in procfs stands for, or -1. */
static int descriptor_of(const char *path)
{
    char folder[PATH_MAX], real[PATH_MAX], own[64], *end;
    folder_of(path, folder);
    snprintf(own, sizeof own, "/proc/%ld/fd", (long)getpid());
    if (!realpath(folder, real) || strcmp(real, own) != 0)
        return -1;
    const char *name = strrchr(path, '/') + 1;
    errno = 0;
    long number = strtol(name, &end, 10);
    return *name >= '0' && *name <= '9' && *end == '\0' && errno == 0 && number <= INT_MAX
               ? (int)number
               : -1;
}

static int open_directly(const char *path, bool in_proc)
{
    int number = in_proc ? descriptor_of(path) : -1;
    int fd = number >= 0 ? fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                         : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

/* The new file gets the old one's group and mode before anything is in it. Its mode never grants the
 * bits of the old group to another one. */
static void copy_mode(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & 0777;
    (void)!fchown(fd, old->st_uid, (gid_t)-1);
    if (fchown(fd, (uid_t)-1, old->st_gid) < 0)
        mode &= ~(mode_t)0070 | (mode & 0007) << 3;
    (void)!fchmod(fd, mode);
}

/* Creates the file beside path; its name is in target->partial. Returns the descriptor. */
static int open_partial(struct cli_target *target, const char *path, const struct stat *old)
{
    char folder[PATH_MAX];
    bool replaces = old->st_mode != 0;
    if (replaces && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
        return -errno;
    folder_of(path, folder);
    size_t size = strlen(folder) + PARTIAL_NAME;
    target->path = weft_malloc(strlen(path) + 1);
    target->partial = weft_malloc(size);
    if (!target->path || !target->partial)
        return -ENOMEM;
    strcpy(target->path, path);
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        snprintf(target->partial, size, "%s/.kvc-%ld-%u.partial", folder, (long)getpid(), i);
        int fd =
            open(target->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, replaces ? 0600 : 0666);
        if (fd >= 0 && replaces)
            copy_mode(fd, old);
        if (fd >= 0 || errno != EEXIST)
            return fd < 0 ? -errno : fd;
    }
    return -EEXIST;
}

static void forget_names(struct cli_target *target)
{
    weft_free(target->path);
    weft_free(target->partial);
    target->path = target->partial = NULL;
}

static int open_file(struct cli_target *target, const char *path)
{
    char real[PATH_MAX];
    struct stat status = {0};
    bool in_proc = false;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof real)
        return length == 0 ? -ENOENT : -ENAMETOOLONG;
    memcpy(real, path, length + 1);
    int err = resolve(real, &status, &in_proc);
    if (err < 0)
        return err;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    bool direct = in_proc || (status.st_mode != 0 && !S_ISREG(status.st_mode));
    int fd = direct ? open_directly(real, in_proc) : open_partial(target, real, &status);
    if (fd < 0)
        return fd;
    target->file = fdopen(fd, "w");
    if (target->file)
        return 0;
    err = -errno;
    close(fd);
    if (target->partial)
        unlink(target->partial);
    return err;
}

int cli_target_open(struct cli_target *target, const char *path, FILE *standard,
                    struct weft_error *error)
{
    *target = (struct cli_target){.file = standard};
    if (!path || strcmp(path, "-") == 0)
        return 0;
    target->is_ours = true;
    int err = open_file(target, path);
    if (err == 0)
        return 0;
    bool beside = target->partial && (err == -EACCES || err == -EROFS || err == -EPERM);
    forget_names(target);
    *target = (struct cli_target){0};
    return weft_error_set(error, WEFT_ECONFIG, "cannot write %s%s: %s", path,
                          beside ? ", which needs a new file in its folder" : "",
                          weft_strerror(err));
}

/* Without this a crash of the machine could bring the old name back without its file. Some systems
 * cannot do it. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    folder_of(path, folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!fsync(fd);
    close(fd);
}

static int replace(const struct cli_target *target)
{
    if (rename(target->partial, target->path) < 0)
        return -errno;
    sync_folder(target->path);
    return 0;
}

int cli_target_commit(struct cli_target *target)
{
    int err = cli_flush(target->file);
    if (err == 0 && target->partial && fsync(fileno(target->file)) < 0)
        err = -errno;
    if (target->is_ours && fclose(target->file) != 0 && err == 0)
        err = -errno;
    target->file = NULL;
    if (err == 0 && target->partial)
        err = replace(target);
    if (err < 0 && target->partial)
        unlink(target->partial);
    forget_names(target);
    return err;
}

void cli_target_drop(struct cli_target *target)
{
    if (target->file && target->is_ours) {
        cli_discard(target->file);
        fclose(target->file);
    }
    if (target->partial)
        unlink(target->partial);
    forget_names(target);
    *target = (struct cli_target){0};
}
