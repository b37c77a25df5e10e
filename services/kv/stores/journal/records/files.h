/* SPDX-License-Identifier: MIT
 *
 * The files of a directory that keeps a memory store:
 *
 *      kvs.lock                          locked while a process uses the directory
 *      journal-00000000000000000000      the changes after number 0, until the next journal begins
 *      snapshot-00000000000000004711     all changes up to number 4711
 *      snapshot-00000000000000004711.part  one that is being written
 *
 * Functions return 0 or -errno, unless they say otherwise. */
#ifndef KV_JOURNAL_FILES_H
#define KV_JOURNAL_FILES_H

#include <sys/types.h>

#include "core/base/bytes.h"
#include "record.h"

enum kv_file_kind { KV_FILE_JOURNAL, KV_FILE_SNAPSHOT, KV_FILE_PART };

enum { KV_FILE_NAME = 48 };

struct kv_file {
    enum kv_file_kind kind;
    uint64_t number;
};

struct kv_file_list {
    struct kv_file *files; /* by kind, then by number */
    size_t count;
};

/* Writes the file's name to dst and returns dst. */
char *kv_file_name(struct kv_file file, char dst[KV_FILE_NAME]);

/* Lists the journals, snapshots and parts in the directory `dir`, a descriptor. Other files are left out. After 0 the
 * caller calls kv_files_fini. */
WEFT_MUST_USE int kv_files_list(int dir, struct kv_file_list *list);
void kv_files_fini(struct kv_file_list *list);

/* These open a file for reading and writing and return its descriptor, or -errno. kv_file_create makes the file, which
 * must not exist. The new file belongs to the owner of the directory, so that a server which starts as root can
 * continue as another user. */
WEFT_MUST_USE int kv_file_open(int dir, struct kv_file file);
/* Opens the file for reading only. */
WEFT_MUST_USE int kv_file_open_to_read(int dir, struct kv_file file);
WEFT_MUST_USE int kv_file_create(int dir, struct kv_file file);

/* Removes the file if it exists. */
WEFT_MUST_USE int kv_file_remove(int dir, struct kv_file file);

/* Writes all of view at offset. After an error a part of it may have been written. */
WEFT_MUST_USE int kv_file_write(int fd, struct weft_view view, uint64_t offset);

enum { KV_FILE_SEED = 16 };

/* Writes the first frame of a file at offset 0: a record of that kind and number. seed is the seed of the store's
 * keyed hash, or NULL. Returns the size of the frame, or -errno. */
WEFT_MUST_USE ssize_t kv_file_begin(int fd, enum kv_record_kind record_kind, uint64_t number,
                                    const uint8_t seed[KV_FILE_SEED]);

/* Returns the seed in the rest of a file's first record; it lies there. Returns NULL if there is none. */
const uint8_t *kv_file_seed(struct weft_view rest);

#endif
