/* SPDX-License-Identifier: MIT
 *
 * Updates: what becomes of a key, as data and one pure function. A store calls the function wherever it
 * holds the key still: under a lock, in a transaction, on a thread of its own. So conditions, counters
 * and expiry work alike on every store. Any thread may call the functions of this header; they allocate
 * nothing. */
#ifndef KV_UPDATE_H
#define KV_UPDATE_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of a value is a digest of its packed form (value.h): BLAKE2b of 16 bytes, RFC 7693. No
 * store keeps it. Equal values have equal versions, on every store, so a value that changed and changed
 * back has its old version again. A client that must notice this puts a number into its value. */
enum { KV_VERSION_SIZE = 16 };

void weft_kv_version(struct weft_view packed, uint8_t version[KV_VERSION_SIZE]);

/* The condition under which an update takes effect. A key that has expired is absent. */
enum kv_if {
    KV_IF_ANY,     /* always */
    KV_IF_ABSENT,  /* the key is absent */
    KV_IF_PRESENT, /* the key is present */
    KV_IF_VERSION, /* the key is present, and its value has update->version */
    KV_IF_TIMED,   /* the key is present and expires */
    KV_IF_UNTIMED, /* the key is present and does not expire */
    KV_IF_LATER, /* the key is present, and item->expires is later than its expiry. KV_NEVER is later
                      than any time */
    KV_IF_SOONER /* the key is present, and item->expires is sooner than its expiry */
};

/* The change that is made if the condition holds. Those that store set the expiry to item->expires, which
 * may be KV_KEEP_EXPIRY. */
enum kv_then {
    KV_THEN_KEEP, /* changes nothing. A batch depends on the condition, or the key is only found */
    KV_THEN_SET,  /* stores item->value */
    KV_THEN_REMOVE, /* removes the key */
    KV_THEN_EXPIRE, /* gives a present key the expiry, and keeps its value. An absent key stays so */
    KV_THEN_ADD,    /* adds `integer` to an integer; an absent key counts as 0 */
    KV_THEN_ADD_REAL, /* adds `real` to a float or an integer, which gives a float; an absent key counts
                         as 0 */
    KV_THEN_APPEND /* puts the bytes of item->value behind those of a string or binary; an absent key
                         and the empty value count as no bytes. Two strings give a string, all else
                         gives a binary */
};

struct kv_update {
    enum kv_if when;
    enum kv_then then;
    /* KV_THEN_ADD, _ADD_REAL and _APPEND, for faces whose values have no types: a string or binary that
     * is the decimal text of a number counts as that number, and a number counts as its text. The sum
     * of KV_THEN_ADD is an integer then as well; that of KV_THEN_ADD_REAL is a string, the shortest text
     * that reads back as the same real. */
    bool text;
    uint8_t version[KV_VERSION_SIZE]; /* KV_IF_VERSION */
    int64_t integer;                  /* KV_THEN_ADD */
    double real;                      /* KV_THEN_ADD_REAL; finite */
    /* KV_THEN_APPEND: the most bytes that the string may get; 0: what every store takes, 2^30 - 1 for all of
     * the packed form. */
    uint32_t size_max;
};

enum { KV_NEXT_PARTS = 3, KV_NEXT_BYTES = 64 };

/* The result of a decision. The views show the item, the current value or this struct, so it must
 * not be copied while they are in use. */
struct kv_next {
    enum kv_verdict verdict;
    /* KV_VERDICT_STORE: the packed form of the new value is these parts, one behind the other. If the
     * value stays (KV_THEN_EXPIRE), the one part is the current value. */
    struct weft_view parts[KV_NEXT_PARTS];
    size_t part_count;
    struct weft_blob *blob; /* as in kv_value, where there is one part; else NULL */
    int64_t expires;        /* of the new value, or KV_NEVER */
    uint8_t bytes[KV_NEXT_BYTES];
};

/* Decides what item->update makes of a key. It reads no other member of the item than update, value and
 * expires. current is the value of the key, or NULL if it is absent; current_expires is its expiry, and
 * now is the time by which it may have passed.
 *
 * The function is pure, so a store may call it once more when the key has changed meanwhile. And who
 * wants to know what a store made of item->found asks with now == 0, by which nothing has expired. */
void weft_kv_update_decide(const struct kv_item *item, const struct kv_value *current,
                           int64_t current_expires, int64_t now, struct kv_next *next);

static inline bool kv_verdict_is_refusal(enum kv_verdict verdict)
{
    return verdict >= KV_VERDICT_UNMET;
}

/* True if a key with this expiry is absent at this time. */
static inline bool kv_has_expired(int64_t expires, int64_t now)
{
    return expires != KV_NEVER && expires <= now;
}

#ifdef __cplusplus
}
#endif

#endif
