/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "record.h"

static const struct {
    const char *prefix, *suffix;
} forms[] = {
    [KV_FILE_JOURNAL] = {"journal-", ""},
    [KV_FILE_SNAPSHOT] = {"snapshot-", ""},
    [KV_FILE_PART] = {"snapshot-", ".part"},
};

enum { KINDS = sizeof forms / sizeof *forms, DIGITS = 20 };

char *kv_file_name(struct kv_file file, char dst[KV_FILE_NAME])
{
    (void)snprintf(dst, KV_FILE_NAME, "%s%0*" PRIu64 "%s", forms[file.kind].prefix, DIGITS,
                   file.number, forms[file.kind].suffix);
    return dst;
}

static bool read_name(const char *name, struct kv_file *file)
{
    for (int kind = 0; kind < KINDS; kind++) {
        size_t prefix = strlen(forms[kind].prefix);
        char *end;
        char again[KV_FILE_NAME];
        if (strncmp(name, forms[kind].prefix, prefix) != 0)
            continue;
        errno = 0;
        *file = (struct kv_file){(enum kv_file_kind)kind, strtoull(name + prefix, &end, 10)};
        if (errno == 0 && strcmp(kv_file_name(*file, again), name) == 0)
            return true;
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    const struct kv_file *x = a, *y = b;
    if (x->kind != y->kind)
        return (x->kind > y->kind) - (x->kind < y->kind);
    return (x->number > y->number) - (x->number < y->number);
}

static int add(struct kv_file_list *list, struct kv_file file)
{
    struct kv_file *grown = weft_realloc(list->files, (list->count + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    list->files = grown;
    list->files[list->count++] = file;
    return 0;
}

int kv_files_list(int dir, struct kv_file_list *list)
{
    struct kv_file file;
    *list = (struct kv_file_list){0};
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    DIR *stream = fdopendir(fd);
    if (!stream) {
        int err = -errno;
        close(fd);
        return err;
    }
    int err = 0;
    const struct dirent *entry;
    while (err == 0 && (errno = 0, entry = readdir(stream)) != NULL)
        if (read_name(entry->d_name, &file))
            err = add(list, file);
    if (err == 0)
        err = -errno;
    closedir(stream);
    if (err < 0)
        kv_files_fini(list);
    else if (list->count > 0)
        qsort(list->files, list->count, sizeof *list->files, compare);
    return err;
}

void kv_files_fini(struct kv_file_list *list)
{
    weft_free(list->files);
    *list = (struct kv_file_list){0};
}

static int open_existing(int dir, struct kv_file file, int access)
{
    char name[KV_FILE_NAME];
    int fd = openat(dir, kv_file_name(file, name), access | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

int kv_file_open(int dir, struct kv_file file)
{
    return open_existing(dir, file, O_RDWR);
}

int kv_file_open_to_read(int dir, struct kv_file file)
{
    return open_existing(dir, file, O_RDONLY);
}

int kv_file_create(int dir, struct kv_file file)
{
    char name[KV_FILE_NAME];
    struct stat info;
    int fd = openat(dir, kv_file_name(file, name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    /* Only root can give a file away, and only root has to. */
    if (fstat(dir, &info) == 0 && info.st_uid != geteuid() && geteuid() == 0 &&
        fchown(fd, info.st_uid, info.st_gid) < 0) {
        int err = -errno;
        close(fd);
        (void)!unlinkat(dir, name, 0);
        return err;
    }
    return fd;
}

int kv_file_remove(int dir, struct kv_file file)
{
    char name[KV_FILE_NAME];
    return unlinkat(dir, kv_file_name(file, name), 0) == 0 || errno == ENOENT ? 0 : -errno;
}

int kv_file_write(int fd, struct weft_view view, uint64_t offset)
{
    while (view.size > 0) {
        ssize_t n = pwrite(fd, view.data, view.size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        view = weft_view_skip(view, (size_t)n);
        offset += (uint64_t)n;
    }
    return 0;
}

static const char begin_text[] = "kvs memory store, format 1\n";

enum { TEXT_SIZE = sizeof begin_text - 1 };

ssize_t kv_file_begin(int fd, enum kv_record_kind record_kind, uint64_t number,
                      const uint8_t seed[KV_FILE_SEED])
{
    uint8_t frame[KV_RECORD_FRAME + KV_RECORD_HEAD + TEXT_SIZE + KV_FILE_SEED];
    uint8_t *rest = frame + KV_RECORD_FRAME + KV_RECORD_HEAD;
    size_t rest_size = TEXT_SIZE + (seed ? KV_FILE_SEED : 0);
    memcpy(rest, begin_text, TEXT_SIZE);
    if (seed)
        memcpy(rest + TEXT_SIZE, seed, KV_FILE_SEED);
    weft_store_be32(frame, (uint32_t)(KV_RECORD_HEAD + rest_size));
    kv_record_seal(frame + KV_RECORD_FRAME, record_kind, number, 0, weft_view(rest, rest_size));
    size_t size = KV_RECORD_FRAME + KV_RECORD_HEAD + rest_size;
    int err = kv_file_write(fd, weft_view(frame, size), 0);
    return err < 0 ? err : (ssize_t)size;
}

const uint8_t *kv_file_seed(struct weft_view rest)
{
    return rest.size == TEXT_SIZE + KV_FILE_SEED ? rest.data + TEXT_SIZE : NULL;
}
