/* SPDX-License-Identifier: MIT */
#include "salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 256, COPY = 64 << 10, DROPPED_NAME = KV_FILE_NAME + 8 };

static char *dropped_name(struct kv_file file, char dst[DROPPED_NAME])
{
    char name[KV_FILE_NAME];
    (void)snprintf(dst, DROPPED_NAME, "%s.dropped", kv_file_name(file, name));
    return dst;
}

/* Copies the bytes from offset on to NAME.dropped. */
static int keep_copy(const struct kv_recovery *recovery, struct kv_file file, int fd,
                     uint64_t offset)
{
    char name[DROPPED_NAME];
    uint8_t buffer[COPY];
    int copy = openat(recovery->dir, dropped_name(file, name),
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (copy < 0)
        return -errno;
    int err = 0;
    for (uint64_t at = 0; err == 0;) {
        ssize_t n = pread(fd, buffer, sizeof buffer, (off_t)(offset + at));
        if (n <= 0) {
            err = n < 0 ? -errno : 0;
            break;
        }
        err = kv_file_write(copy, weft_view(buffer, (size_t)n), at);
        at += (uint64_t)n;
    }
    if (err == 0 && fsync(copy) < 0)
        err = -errno;
    close(copy);
    return err;
}

/* A snapshot that was cut ends with what was whole. */
static int end_snapshot(int fd, struct kv_file file, uint64_t offset)
{
    uint8_t frame[KV_RECORD_FRAME + KV_RECORD_HEAD + 1];
    const uint8_t none = 0;
    ssize_t begun = 0;
    if (offset == 0)
        begun = kv_file_begin(fd, KV_RECORD_SNAPSHOT, file.number, NULL);
    if (begun < 0)
        return (int)begun;
    weft_store_be32(frame, sizeof frame - KV_RECORD_FRAME);
    kv_record_seal(frame + KV_RECORD_FRAME, KV_RECORD_END, file.number, 0, weft_view(&none, 1));
    frame[sizeof frame - 1] = none;
    return kv_file_write(fd, weft_view(frame, sizeof frame), offset + (uint64_t)begun);
}

int kv_salvage_cut(struct kv_recovery *recovery, struct kv_file file, int fd, uint64_t offset)
{
    char line[LINE], name[KV_FILE_NAME];
    struct stat info;
    if (fstat(fd, &info) < 0)
        return -errno;
    uint64_t size = (uint64_t)info.st_size, bytes = size > offset ? size - offset : 0;
    bool would = recovery->mode == KV_RECOVER_SHOW;
    bool is_end = recovery->end != 0 && offset == recovery->end;
    recovery->dropped += bytes;
    if (file.kind == KV_FILE_SNAPSHOT && is_end)
        (void)snprintf(line, sizeof line,
                       "%s: %s the changes after number %" PRIu64 ", up to number %" PRIu64
                       "; pairs that they set may stay",
                       kv_file_name(file, name), would ? "would drop" : "dropped", recovery->last,
                       recovery->least);
    else if (file.kind == KV_FILE_SNAPSHOT)
        (void)snprintf(line, sizeof line,
                       "%s: %s the pairs from byte %" PRIu64 " on, %" PRIu64 " bytes",
                       kv_file_name(file, name), would ? "would drop" : "dropped", offset, bytes);
    else
        (void)snprintf(line, sizeof line,
                       "%s: %s all changes after number %" PRIu64 ", from byte %" PRIu64
                       " on, %" PRIu64 " bytes",
                       kv_file_name(file, name), would ? "would drop" : "dropped", recovery->last,
                       offset, bytes);
    if (!would) {
        int err = keep_copy(recovery, file, fd, offset);
        if (err == 0 && ftruncate(fd, (off_t)offset) < 0)
            err = -errno;
        if (err == 0 && file.kind == KV_FILE_SNAPSHOT && (recovery->end == 0 || is_end))
            err = end_snapshot(fd, file, offset);
        if (err == 0 && offset == 0 && file.kind == KV_FILE_JOURNAL) {
            ssize_t begun = kv_file_begin(fd, KV_RECORD_JOURNAL, file.number, NULL);
            err = begun < 0 ? (int)begun : 0;
        }
        if (err == 0 && fsync(fd) < 0)
            err = -errno;
        if (err < 0)
            return err;
    }
    recovery->say(recovery->owner, line);
    return 0;
}

int kv_salvage_set_aside(struct kv_recovery *recovery, const struct kv_file_list *list, size_t from,
                         struct weft_error *error)
{
    char line[LINE], name[KV_FILE_NAME], aside[DROPPED_NAME];
    struct stat info;
    for (size_t i = from; i < list->count && list->files[i].kind == KV_FILE_JOURNAL; i++) {
        struct kv_file file = list->files[i];
        bool would = recovery->mode == KV_RECOVER_SHOW;
        kv_file_name(file, name);
        uint64_t bytes = fstatat(recovery->dir, name, &info, 0) == 0 ? (uint64_t)info.st_size : 0;
        recovery->dropped += bytes;
        (void)snprintf(line, sizeof line, "%s: %s all changes of this journal, %" PRIu64 " bytes",
                       name, would ? "would drop" : "dropped", bytes);
        if (!would && renameat(recovery->dir, name, recovery->dir, dropped_name(file, aside)) < 0)
            return weft_error_set(error, -errno, "memory store: %.200s/%s: %s", recovery->path,
                                  name, weft_strerror(-errno));
        recovery->say(recovery->owner, line);
    }
    return 0;
}
