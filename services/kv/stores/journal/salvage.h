/* SPDX-License-Identifier: MIT
 *
 * The part of a repair that describes which bytes are lost and keeps them in files `NAME.dropped`. Both functions add
 * to recovery->dropped and return 0 or -errno. */
#ifndef KV_JOURNAL_SALVAGE_H
#define KV_JOURNAL_SALVAGE_H

#include "records/files.h"
#include "recover.h"

/* Describes what lies behind offset. With KV_RECOVER_REPAIR it also cuts the file there; a snapshot that has no
 * end before that gets one, by which it needs no changes. */
WEFT_MUST_USE int kv_salvage_cut(struct kv_recovery *recovery, struct kv_file file, int fd,
                                 uint64_t offset);

/* Describes the journals from list->files[from] on as lost. With KV_RECOVER_REPAIR it also renames them to
 * `NAME.dropped`. */
WEFT_MUST_USE int kv_salvage_set_aside(struct kv_recovery *recovery,
                                       const struct kv_file_list *list, size_t from,
                                       struct weft_error *error);

#endif
