/* SPDX-License-Identifier: MIT
 *
 * The records of journals and snapshots. A file is a stream of frames of the codec
 * `length-delimited-gzip`; each message is one record:
 *
 *      0   4  CRC-32C of all that follows
 *      4   1  kind, a letter (enum kv_record_kind)
 *      5   8  number
 *     13   8  durable
 *     21      the rest, by the kind
 *
 * Numbers are big endian. Sizes in the rest are varints as in protobuf: seven bits per byte, the least significant
 * first, the top bit set in all but the last. docs/journal.md describes the files. All functions are pure; any thread
 * may call them. */
#ifndef KV_JOURNAL_RECORD_H
#define KV_JOURNAL_RECORD_H

#include "core/base/bytes.h"

enum kv_record_kind {
    KV_RECORD_JOURNAL =
        'J', /* begins a journal: it has the changes after `number`. The rest is text */
    KV_RECORD_SNAPSHOT =
        'S', /* begins a snapshot: it has all changes up to `number`, and may have later
                ones. The rest is text */
    KV_RECORD_CHANGES = 'C', /* changes of one table that are all or nothing; in journals */
    KV_RECORD_PAIRS = 'P',   /* pairs of one table, as changes; in snapshots */
    KV_RECORD_END =
        'E' /* ends a snapshot. Its number is that of the last change which may be in it.
               The rest is a varint: the number of pairs */
};

enum {
    KV_RECORD_HEAD = 21,
    KV_RECORD_MAX = 1 << 30, /* bytes of a frame */
    KV_RECORD_VARINT_MAX = 10,
    KV_RECORD_FRAME = 4 /* bytes of a frame before its message */
};

struct kv_record {
    enum kv_record_kind kind;
    uint64_t number;
    uint64_t durable; /* all changes up to this number were on disk when the record was written */
    struct weft_view table; /* CHANGES and PAIRS */
    struct weft_view rest;  /* CHANGES and PAIRS: the changes; else all of the rest */
};

/* Reads a record from a message; the views lie in it. Returns 0, or -EBADMSG if it is not a record or is damaged. */
WEFT_MUST_USE int kv_record_read(struct weft_view message, struct kv_record *record);

/* One key of a record. */
struct kv_record_change {
    bool drop;    /* the whole table is removed; key and value are not used */
    bool removal; /* the key is removed; else it gets the value */
    struct weft_view key, value;
    int64_t expires; /* milliseconds since 1970; 0: never */
};

/* Reads the next change and removes it from *rest. Returns 1, or 0 at the end, or -EBADMSG. */
WEFT_MUST_USE int kv_record_next(struct weft_view *rest, struct kv_record_change *change);

/* These return the bytes that a table's name and a change take in a record. */
size_t kv_record_table_size(struct weft_view table);
size_t kv_record_change_size(const struct kv_record_change *change);

/* These write them to dst and return the position behind them. */
uint8_t *kv_record_put_table(uint8_t *dst, struct weft_view table);
uint8_t *kv_record_put_change(uint8_t *dst, const struct kv_record_change *change);

/* Writes a varint to dst and returns the position behind it. */
uint8_t *kv_record_put_varint(uint8_t *dst, uint64_t value);
/* Reads a varint and removes it from *rest. Returns 0, or -EBADMSG if there is none. */
WEFT_MUST_USE int kv_record_take_varint(struct weft_view *rest, uint64_t *value);

/* Writes the KV_RECORD_HEAD bytes of a record's head to dst. rest is all that follows the head, which the checksum
 * covers; it need not lie behind dst. */
void kv_record_seal(uint8_t *dst, enum kv_record_kind kind, uint64_t number, uint64_t durable,
                    struct weft_view rest);

#endif
