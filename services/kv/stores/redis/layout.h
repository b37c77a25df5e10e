/* SPDX-License-Identifier: MIT
 *
 * How tables lie in Redis. Other programs may read it so, too; docs/scaling.md says the same for their authors.
 *
 *     {t:NAME:B}            a hash: bucket B of the table NAME. Its fields are keys, and their values are values
 *     {t:NAME:B}:x          a sorted set: the keys of the bucket that expire, by the time at which they do
 *     {weft:tables:N}       a hash: the names of tables, each with the number of its buckets in decimal
 *
 * In NAME a `%` is written %25 and a `}` is written %7D, so that the first `}` ends the part of the key that decides
 * about its slot. All other bytes stand for themselves. B and N are decimal numbers.
 *
 * The hash of a key or name is SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF") under the key
 * "weft:kv:bucket:1". A key is in bucket hash modulo buckets; the name of a table is in {weft:tables:N} with N = hash
 * modulo KV_REDIS_DIRECTORIES. The number of buckets is fixed when the table is first written.
 *
 * A field holds the value's bytes as they are. If the key expires, or if its value begins with 0xff, one byte 0xff and 8
 * more stand before them: the expiry, the high byte first, or 0 for none. */
#ifndef KV_REDIS_LAYOUT_H
#define KV_REDIS_LAYOUT_H

#include "core/base/bytes.h"
#include "services/kv/store.h"

enum {
    KV_REDIS_DIRECTORIES = 16,
    KV_REDIS_BUCKETS_MAX = 16384, /* more than there are slots would be of no use */
    KV_REDIS_HEAD = 9,            /* bytes before a value that expires */
    KV_REDIS_DIRECTORY_ROOM = 24, /* for the key of a directory */
};

uint64_t kv_redis_hash(struct weft_view bytes);

/* Returns the most bytes that the keys of a bucket of the table need. */
size_t kv_redis_key_room(struct weft_view table);
/* Writes the key of the bucket's hash to dst, and returns its size; that of the sorted set is two bytes longer, and
 * begins with it. */
size_t kv_redis_write_key(uint8_t *dst, struct weft_view table, unsigned bucket);
enum { KV_REDIS_INDEX_MORE = 2 };

/* Writes the key of the directory with that number to dst and returns its size. */
size_t kv_redis_write_directory(uint8_t dst[KV_REDIS_DIRECTORY_ROOM], unsigned number);
/* Returns the number of the directory that has the table's name. */
static inline unsigned kv_redis_directory_of(struct weft_view table)
{
    return (unsigned)(kv_redis_hash(table) % KV_REDIS_DIRECTORIES);
}

/* Reads the number of buckets of a directory's field. 0: it is none. */
unsigned kv_redis_read_buckets(struct weft_view text);

/* The contents of a field. */
struct kv_redis_value {
    struct weft_view bytes; /* lies in the field */
    int64_t expires;
};
void kv_redis_read_value(struct weft_view field, struct kv_redis_value *value);

/* Writes what has to stand before the value, and returns its size: KV_REDIS_HEAD, or 0 if nothing has to. */
size_t kv_redis_write_head(uint8_t dst[KV_REDIS_HEAD], struct weft_view bytes, int64_t expires);

#endif
