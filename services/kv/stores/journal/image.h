/* SPDX-License-Identifier: MIT
 *
 * Writes a snapshot's file: records of many pairs, as frames. One thread uses it. */
#ifndef KV_JOURNAL_IMAGE_H
#define KV_JOURNAL_IMAGE_H

#include "core/base/blob.h"
#include "framing.h"
#include "record.h"

/* A large value that is written by itself, from its blob. */
struct kv_image_large {
    struct weft_bytes key;
    struct weft_blob *blob; /* a reference */
    struct weft_view value;
    int64_t expires;
};

struct kv_image {
    int fd;
    uint64_t size;   /* bytes written */
    uint64_t synced; /* of them */
    uint64_t pairs;  /* number of pairs added */
    struct kv_framing framing;
    struct weft_chain chain;
    uint8_t *bytes; /* the record that is being made */
    size_t used, capacity;
    size_t table_size; /* bytes of its head and table */
    struct kv_image_large *large;
    size_t large_count, large_capacity;
};

/* Writes the first record to fd, which stays the caller's. seed: as of kv_file_begin. -ENOMEM or an error of writing. */
WEFT_MUST_USE int kv_image_init(struct kv_image *file, int fd, uint64_t number,
                                const uint8_t *seed);
void kv_image_fini(struct kv_image *file);

/* Begins a record for pairs of a table. -ENOMEM. */
WEFT_MUST_USE int kv_image_begin(struct kv_image *file, struct weft_view table);
/* Adds a pair; writes nothing, so it may be called where the store must not wait. blob: what the value lies in,
 * or NULL. -ENOMEM. */
WEFT_MUST_USE int kv_image_add(struct kv_image *file, const struct kv_record_change *pair,
                               struct weft_blob *blob);
/* Writes the pairs that were added, if there are enough for a frame or if `all` is true. */
WEFT_MUST_USE int kv_image_flush(struct kv_image *file, bool all);

/* Writes the last record, and syncs. */
WEFT_MUST_USE int kv_image_end(struct kv_image *file, uint64_t number);

#endif
