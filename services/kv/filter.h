/* SPDX-License-Identifier: MIT
 *
 * A filter says which pairs a page of a walk shows: those whose keys have a prefix and match a pattern, with or
 * without their values. Any thread may call these functions; they allocate nothing. */
#ifndef KV_FILTER_H
#define KV_FILTER_H

#include "core/base/bytes.h"

/* The most bytes of a pattern. The time to match a key grows with the product of both sizes, so it is bounded. */
enum { KV_PATTERN_MAX = 128 };

/* A zeroed filter shows everything. */
struct kv_filter {
    struct weft_view prefix;
    struct weft_view match; /* a pattern of kv_pattern_matches; empty: any key */
    bool keys_only;
};

/* True if the filter shows this key. Adds to *steps about the number of characters that were compared. */
bool kv_filter_shows(const struct kv_filter *filter, struct weft_view key, size_t *steps);

/* True if the whole text, which is UTF-8, matches the pattern, as the names of files do in a shell. Adds to *steps as
 * kv_filter_shows does. A pattern consists of:
 *
 *     *        any text, also none
 *     ?        one character
 *     [a-c_]   one character of the set; [!...] and [^...]: one character that is not in the set. A ] that comes
 *              first belongs to the set
 *     \x       the character x; so it does within [ ]
 *
 * A [ without a closing ] and a \ at the end stand for themselves. */
bool kv_pattern_matches(struct weft_view pattern, struct weft_view text, size_t *steps);

#endif
