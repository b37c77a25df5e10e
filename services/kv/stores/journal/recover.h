/* SPDX-License-Identifier: MIT
 *
 * Reads what a directory has: the newest snapshot and the journals after it. Bad bytes are either damage or a change
 * that a crash has cut off, which is normal. They are distinguished as follows. A journal is synced before the next one
 * is begun, so only the last journal may end with a change that is cut off. Every change says which changes were on
 * disk when it was written. If an intact change behind the bad bytes says that the bad one was on disk, it is damage.
 * Otherwise the bad one was never acknowledged, and the journal is cut there. */
#ifndef KV_JOURNAL_RECOVER_H
#define KV_JOURNAL_RECOVER_H

#include "core/base/log.h"
#include "journal.h"
#include "records/record.h"
#include "services/kv/store.h"

enum kv_recover_mode {
    KV_RECOVER_START, /* starts a store: damage is an error, and files that are no longer needed are removed */
    KV_RECOVER_SHOW, /* only describes what a repair would drop: changes nothing */
    KV_RECOVER_REPAIR /* drops damage and what comes after it or after a gap; dropped bytes are kept in
                         `NAME.dropped` */
};

struct kv_recovery {
    enum kv_recover_mode mode;
    const char *path; /* the directory's path, for texts */
    int dir;          /* the directory's descriptor */
    const struct weft_log *log;
    struct kv_progress *progress; /* hears of the bytes that were read; NULL: nobody does */
    /* Called with each record of the kind CHANGES or PAIRS; may be NULL. Returns 0, or -EBADMSG if the rest of the
     * record is damaged (it checks that before it applies anything), or another -errno with *error set. */
    int (*apply)(void *owner, const struct kv_record *record, struct weft_error *error);
    /* For SHOW and REPAIR: called with one line of text at a time. */
    void (*say)(void *owner, const char *line);
    void *owner;

    /* Out. place is set by START only: where the journal continues. */
    struct kv_journal_place place;
    uint64_t snapshot; /* bytes of the snapshot that was read */
    uint64_t changes;  /* records of journals that were applied */
    uint64_t dropped;  /* bytes that are, or would be, dropped as damage */

    /* Private to recover.c. */
    uint64_t base;  /* the number of the snapshot */
    uint64_t least; /* the change that a snapshot needs at least */
    uint64_t last;  /* the last change that was read */
    uint64_t end;   /* where the end of the snapshot begins; 0: there is no whole one */
    uint64_t total, before,
        told; /* bytes: to be read; of files that were read; that were told last */
};

/* Reads the directory. The caller has set the fields from mode to owner; the rest is zero. Returns 0 or an error with
 * one line in *error. -EBADMSG means damage; the line names its file and offset. */
WEFT_MUST_USE int kv_recover(struct kv_recovery *self, struct weft_error *error);

/* Sets seed to the hash seed of the newest snapshot in dir. A store with this seed keeps its pairs in the order of the
 * snapshot, so that reading the snapshot fills the store from one end to the other. False: there is no seed. */
bool kv_recover_seed(int dir, uint8_t seed[16]);

#endif
