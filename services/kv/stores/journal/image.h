/* SPDX-License-Identifier: MIT
 *
 * Writes the file of a snapshot: a stream of frames whose records have many pairs each. One thread at a time uses a
 * struct kv_image. Functions return 0 or -errno. */
#ifndef KV_JOURNAL_IMAGE_H
#define KV_JOURNAL_IMAGE_H

#include "core/base/blob.h"
#include "records/framing.h"
#include "records/record.h"

/* A pair with a large value, which is not copied but written from its blob. */
struct kv_image_large {
    struct weft_bytes key;
    struct weft_blob *blob; /* a reference */
    struct weft_view value;
    int64_t expires;
};

struct kv_image {
    int fd;
    uint64_t size;   /* bytes written */
    uint64_t synced; /* the number of these bytes that were synced */
    uint64_t pairs;  /* the number of pairs added */
    struct kv_framing framing;
    struct weft_chain chain;
    uint8_t *bytes; /* the record that is being made */
    size_t used, capacity;
    size_t table_size; /* bytes of the record's head and table's name */
    struct kv_image_large *large;
    size_t large_count, large_capacity;
};

/* Sets up *file and writes the first record to fd, which remains the caller's. number and seed are as for
 * kv_file_begin. */
WEFT_MUST_USE int kv_image_init(struct kv_image *file, int fd, uint64_t number,
                                const uint8_t *seed);
void kv_image_fini(struct kv_image *file);

/* Begins a record for pairs of a table. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int kv_image_begin(struct kv_image *file, struct weft_view table);
/* Adds a pair. It does not write to the file, so it may be called where the store must not wait. blob is the blob in
 * which the value lies, or NULL. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int kv_image_add(struct kv_image *file, const struct kv_record_change *pair,
                               struct weft_blob *blob);
/* Writes the pairs that were added, if there are enough for a frame or if `all` is true. */
WEFT_MUST_USE int kv_image_flush(struct kv_image *file, bool all);

/* Writes the last record, whose number is that of the last change that may be in the snapshot, and syncs. */
WEFT_MUST_USE int kv_image_end(struct kv_image *file, uint64_t number);

#endif
