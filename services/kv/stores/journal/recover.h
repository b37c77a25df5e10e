/* SPDX-License-Identifier: MIT
 *
 * Reads what a directory holds: the newest snapshot and the journals after it. What a crash may have left is
 * told from damage as follows. A journal is synced before its successor is begun, so only the last one may
 * end with a change that is not whole. There, every change says which ones were on disk before it. If a whole
 * change behind the first bad byte says that the bad one was on disk, it is damage; else it never was, nobody
 * was told that it is, and the journal is cut there. */
#ifndef KV_JOURNAL_RECOVER_H
#define KV_JOURNAL_RECOVER_H

#include "core/base/log.h"
#include "journal.h"
#include "record.h"

enum kv_recover_mode {
    KV_RECOVER_START, /* to go on: damage is an error, and files that are of no more use are removed */
    KV_RECOVER_SHOW, /* only to say what a repair would drop: changes nothing */
    KV_RECOVER_REPAIR /* drops damage, and what comes after it or after a gap; dropped bytes stay in files
                         `NAME.dropped` */
};

struct kv_recovery {
    enum kv_recover_mode mode;
    const char *path; /* the directory's, for texts */
    int dir;
    const struct weft_log *log;
    /* Takes one record of the kind CHANGES or PAIRS. 0; -EBADMSG: its rest is damaged, which must be found
     * before anything of it is done; another -errno, with *error set. NULL: nobody wants them. */
    int (*apply)(void *owner, const struct kv_record *record, struct weft_error *error);
    /* SHOW, REPAIR: takes one line of text. */
    void (*say)(void *owner, const char *line);
    void *owner;

    /* Out: START: where to go on. */
    struct kv_journal_place place;
    uint64_t snapshot; /* bytes of the snapshot that was read */
    uint64_t changes;  /* records of journals that were applied */
    uint64_t dropped;  /* bytes that are, or would be, dropped as damage */

    /* recover.c's. */
    uint64_t base;  /* of the snapshot */
    uint64_t least; /* the change that a snapshot needs at least */
    uint64_t last;  /* the last change that was read */
    uint64_t end;   /* where the end of the snapshot begins; 0: there is no whole one */
};

/* The caller sets mode to owner; the rest is zero. Returns 0 or an error with one line in *error, which names
 * file and offset of damage: -EBADMSG. */
WEFT_MUST_USE int kv_recover(struct kv_recovery *self, struct weft_error *error);

/* Sets seed to that of the newest snapshot in dir, and returns true. A store with the same seed has its pairs in
 * the order of the snapshot, so that reading it fills one place after another. False: there is none. */
bool kv_recover_seed(int dir, uint8_t seed[16]);

#endif
