/* SPDX-License-Identifier: MIT
 *
 * The scripts that the store has its nodes run. Each works on one bucket, so on one slot, and Redis runs it as one
 * step. They are called by the SHA-1 of their text (EVALSHA), and by their text (EVAL) where a node does not know them.
 *
 * KEYS are the bucket's hash and its sorted set. NOW is the time of the calendar in milliseconds by which keys have
 * expired. FIELD is a key, and a HEAD stands before a value as layout.h says: "" for none, or 9 bytes. What a field
 * held before is nil if it was absent; it may be a value that has expired. */
#ifndef KV_REDIS_SCRIPTS_H
#define KV_REDIS_SCRIPTS_H

#include "core/base/bytes.h"

enum kv_redis_script_name {
    /* (FIELD, VALUE)...: sets values without a head. Returns what each field held before. */
    KV_REDIS_SET,
    /* FIELD, VALUE: does what KV_REDIS_SET does, at three quarters of the cost: it takes no list, and only the bucket's hash as
     * a key, from which it makes the name of the sorted set where it needs that. Returns what the field held before. */
    KV_REDIS_SET_ONE,
    /* FIELD, VALUE: does what KV_REDIS_SET_ONE does, if the bucket surely has a key that has not expired: this one, or any
     * where none of them ever expires. Otherwise it changes nothing and returns 0. */
    KV_REDIS_SET_AMONG,
    /* NOW, (FIELD, HEAD, VALUE)...: sets values with heads; a HEAD of "d" removes the field. Returns what each held
     * before. Frees some keys of the bucket that have expired. */
    KV_REDIS_SET_HEADED,
    /* FIELD...: removes the fields. Returns what each held before. */
    KV_REDIS_DEL,
    /* FIELD...: returns the first 9 bytes of what each holds. */
    KV_REDIS_LOOK,
    /* NOW, (FIELD, EXPECTED, VALUE, HEAD, NEW)...: if each field is as expected, does each change and returns {1}.
     * Otherwise changes nothing and returns {0, what each field holds...}. EXPECTED is "a": the field is absent or
     * has expired; or "v": it holds VALUE. HEAD is "k": the field is kept; "d": it is removed; else it becomes HEAD
     * and NEW. */
    KV_REDIS_SWAP,
    /* NOW, FIELD, DELTA, EXPIRY: adds two packed integers (value.h) and returns {1, what the field held before}. EXPIRY
     * is "k": the key keeps its expiry; or "n": it gets none. Returns {0, what the field holds} and changes nothing
     * if that is no integer, or the sum is none of 64 bits. */
    KV_REDIS_ADD,
    /* NOW: returns the number of keys that have not expired. */
    KV_REDIS_COUNT,
    /* NOW: removes the bucket. Returns the number of its keys that had not expired. */
    KV_REDIS_DROP,
    /* NAME, BUCKETS: the key is a directory. Adds the table if it is not there, and returns its number of buckets. */
    KV_REDIS_MAKE,
    KV_REDIS_SCRIPTS
};

struct kv_redis_script {
    struct weft_view text;
    struct weft_view sha; /* 40 hexadecimal digits */
    const char *keys;     /* the number of KEYS, in decimal */
    bool writes;
};

const struct kv_redis_script *kv_redis_script(enum kv_redis_script_name name);

#endif
