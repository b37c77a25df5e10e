/* SPDX-License-Identifier: MIT
 *
 * A repair says what of the damaged files is lost, and keeps the bytes in files `NAME.dropped`. */
#ifndef KV_JOURNAL_SALVAGE_H
#define KV_JOURNAL_SALVAGE_H

#include "files.h"
#include "recover.h"

/* Says what lies behind offset, and with KV_RECOVER_REPAIR cuts the file there. A snapshot that
 * has no end before that gets one, by which it needs no changes. */
WEFT_MUST_USE int kv_salvage_cut(struct kv_recovery *recovery, struct kv_file file, int fd,
                                 uint64_t offset);

/* Says so of the journals from list->files[from] on, and with KV_RECOVER_REPAIR renames them. */
WEFT_MUST_USE int kv_salvage_set_aside(struct kv_recovery *recovery,
                                       const struct kv_file_list *list, size_t from,
                                       struct weft_error *error);

#endif
