/* SPDX-License-Identifier: MIT */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KIND_MAX = 64 };

static int make(const char *path, const char *store, struct weft_error *error)
{
    struct stat info;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        int err = -errno;
        return weft_error_set(error, err, "%s store: cannot make the directory %.300s: %s%s", store,
                              path, weft_strerror(err),
                              err == -ENOENT ? "; make the directory above it first" : "");
    }
    if (stat(path, &info) < 0) {
        int err = -errno;
        return weft_error_set(error, err, "%s store: %.300s: %s", store, path, weft_strerror(err));
    }
    if (!S_ISDIR(info.st_mode))
        return weft_error_set(error, -ENOTDIR, "%s store: %.300s is not a directory", store, path);
    return 0;
}

/* Reads which kind of store the directory holds, or says that it is this one from now on. */
static int claim(int fd, const char *path, const char *store, struct weft_error *error)
{
    char kind[KIND_MAX];
    ssize_t n = pread(fd, kind, sizeof kind - 1, 0);
    int err = 0;
    if (n < 0) {
        err = -errno;
    } else if (n == 0) {
        int size = snprintf(kind, sizeof kind, "%s\n", store);
        if (pwrite(fd, kind, (size_t)size, 0) != size || fsync(fd) < 0)
            err = errno != 0 ? -errno : -EIO;
    } else {
        kind[n] = '\0';
        kind[strcspn(kind, "\n")] = '\0';
        if (strcmp(kind, store) != 0)
            return weft_error_set(error, -EEXIST,
                                  "%s store: %.300s holds a store of another kind: '%s'", store,
                                  path, kind);
    }
    return err < 0 ? weft_error_set(error, err, "%s store: %.300s/kvs.lock: %s", store, path,
                                    weft_strerror(err))
                   : 0;
}

int kv_directory_open(struct kv_directory *directory, const char *path, const char *store,
                      struct weft_error *error)
{
    char file[4096];
    int err = make(path, store, error);
    if (err < 0)
        return err;
    if ((size_t)snprintf(file, sizeof file, "%s/kvs.lock", path) >= sizeof file)
        return weft_error_set(error, -ENAMETOOLONG, "%s store: %.300s: %s", store, path,
                              weft_strerror(-ENAMETOOLONG));
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        err = -errno;
        return weft_error_set(error, err, "%s store: cannot write in %.300s: %s", store, path,
                              weft_strerror(err));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        err = errno == EWOULDBLOCK ? -EBUSY : -errno;
        weft_error_set(error, err, "%s store: %.300s: %s", store, path,
                       err == -EBUSY ? "another process uses it" : weft_strerror(err));
        goto err_after_open;
    }
    err = claim(fd, path, store, error);
    if (err < 0)
        goto err_after_open;
    directory->lock = fd;
    return 0;

err_after_open:
    close(fd);
    return err;
}

void kv_directory_close(struct kv_directory *directory)
{
    close(directory->lock);
    directory->lock = -1;
}
