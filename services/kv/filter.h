/* SPDX-License-Identifier: MIT
 *
 * A filter says what a page of a walk shows: the keys with a prefix, the keys that match a pattern, with
 * or without their values. Any thread; allocates nothing. */
#ifndef KV_FILTER_H
#define KV_FILTER_H

#include "core/base/bytes.h"

/* A pattern has at most this many bytes: what it costs to match a key grows with both. */
enum { KV_PATTERN_MAX = 128 };

/* A zeroed one shows everything. */
struct kv_filter {
    struct weft_view prefix;
    struct weft_view match; /* a pattern of kv_pattern_matches; empty: any key */
    bool keys_only;
};

/* True if a key is one that the filter shows. *steps grows by about the number of characters that were
 * compared. */
bool kv_filter_shows(const struct kv_filter *filter, struct weft_view key, size_t *steps);

/* True if the whole text, which is UTF-8, matches the pattern, as the names of files do in a shell:
 *
 *     *        any text, also none
 *     ?        one character
 *     [a-c_]   one character of these; [!...] and [^...] one that is none of them. A ] that comes first
 *              is one of them
 *     \x       the character x; so it does within [ ]
 *
 * A [ that nothing closes, and a \ at the end, stand for themselves. */
bool kv_pattern_matches(struct weft_view pattern, struct weft_view text, size_t *steps);

#endif
