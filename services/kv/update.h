/* SPDX-License-Identifier: MIT
 *
 * Conditional changes of keys. A struct kv_update says under which condition a key changes and how. One pure
 * function decides from it what the key becomes. Every store calls that function while nothing else can change
 * the key: under a lock, in a transaction, or on a thread of its own. So conditions, counters and expiry work
 * alike on every store. Any thread may call the functions of this header; they allocate nothing. */
#ifndef KV_UPDATE_H
#define KV_UPDATE_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of a value is a digest of its packed form (value.h): BLAKE2b with 16 bytes, RFC 7693. Stores do
 * not keep it; it is computed when it is needed. Equal values have equal versions on every store, so a value that
 * changed and changed back has its old version again. A client that must notice this puts a counter into its
 * value. */
enum { KV_VERSION_SIZE = 16 };

/* Writes the version of a packed value to `version`. */
void weft_kv_version(struct weft_view packed, uint8_t version[KV_VERSION_SIZE]);

/* The condition under which an update takes effect. A key that has expired counts as absent. If item->expires is
 * KV_KEEP_EXPIRY, it stands for the key's own expiry here. */
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

/* The change that is made if the condition holds. SET, EXPIRE, ADD, ADD_REAL and APPEND also set the key's expiry
 * to item->expires, unless that is KV_KEEP_EXPIRY. ADD, ADD_REAL and APPEND are refused with KV_VERDICT_WRONG if
 * the present value has another type than they take. */
enum kv_then {
    KV_THEN_KEEP, /* changes nothing. It serves to read the key, or to make a batch depend on the condition */
    KV_THEN_SET,    /* stores item->value */
    KV_THEN_REMOVE, /* removes the key */
    KV_THEN_EXPIRE, /* sets the expiry of a present key and keeps its value; an absent key stays absent */
    KV_THEN_ADD,      /* adds `integer` to an integer; an absent key counts as 0 */
    KV_THEN_ADD_REAL, /* adds `real` to a float or an integer, which gives a float; an absent key counts
                         as 0 */
    KV_THEN_APPEND /* appends the bytes of item->value to those of a string or binary; an absent key and the
                      empty value count as no bytes. The result is a binary if either part is one, else
                      a string */
};

struct kv_update {
    enum kv_if when;
    enum kv_then then;
    /* For KV_THEN_ADD, _ADD_REAL and _APPEND, and for faces whose values have no types. If true, a string or
     * binary that is the decimal text of a number counts as that number, and an integer or float counts as its
     * text. KV_THEN_ADD still stores an integer. KV_THEN_ADD_REAL stores a string: the shortest text that reads
     * back as the same real. */
    bool text;
    uint8_t version[KV_VERSION_SIZE]; /* KV_IF_VERSION */
    int64_t integer;                  /* KV_THEN_ADD */
    double real;                      /* KV_THEN_ADD_REAL; finite */
    /* KV_THEN_APPEND: the result is refused with KV_VERDICT_RANGE if it has more bytes than this. 0, or a number
     * that is too large, stands for the limit of every store: 2^30 - 1 bytes of packed form. */
    uint32_t size_max;
};

enum { KV_NEXT_PARTS = 3, KV_NEXT_BYTES = 64 };

/* The result of a decision. The views lie in the item, in the current value or in this struct, so the struct
 * must not be copied or moved while they are in use. */
struct kv_next {
    enum kv_verdict verdict;
    /* KV_VERDICT_STORE: these parts, concatenated, are the packed form of the new value. If only the expiry
     * changes (KV_THEN_EXPIRE), the one part is the current value. */
    struct weft_view parts[KV_NEXT_PARTS];
    size_t part_count;
    /* Borrowed: the blob whose end is the one part (struct kv_value), or NULL. */
    struct weft_blob *blob;
    int64_t expires;              /* KV_VERDICT_STORE: the expiry of the new value, or KV_NEVER */
    uint8_t bytes[KV_NEXT_BYTES]; /* parts may lie here */
};

/* Decides what item->update makes of a key and sets *next. Of the item it reads only update, value and expires.
 * current is the value of the key, or NULL if the key is absent. current_expires is its expiry. now is the
 * wall-clock time (weft_loop_wall) by which the function judges whether an expiry has passed.
 *
 * The function is pure, so a store may call it again if the key has changed meanwhile. After the operation a
 * caller can repeat the decision with item->found to learn what the store did. It then passes now == 0,
 * because item->found is never an expired key. At 0 a new expiry never counts as passed, so this may say
 * KV_VERDICT_STORE where item->verdict is KV_VERDICT_REMOVE. */
void weft_kv_update_decide(const struct kv_item *item, const struct kv_value *current,
                           int64_t current_expires, int64_t now, struct kv_next *next);

/* Returns which part of a key the update of an item changes, if it stores something. */
static inline enum kv_change_part kv_update_part(const struct kv_item *item)
{
    if (item->update->then == KV_THEN_EXPIRE)
        return KV_CHANGE_EXPIRY;
    return item->expires == KV_KEEP_EXPIRY ? KV_CHANGE_VALUE : KV_CHANGE_ALL;
}

/* True if the verdict says that the update was refused. */
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
