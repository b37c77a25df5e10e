/* SPDX-License-Identifier: MIT
 *
 * Patterns of Redis. A star is tried again from one place alone, the last one, so a pattern of many stars costs
 * the product of both lengths, not a power of them. */
#include "task.h"

struct pattern {
    struct weft_view view;
    size_t at;
};

static uint8_t take_escaped(struct pattern *pattern)
{
    if (pattern->view.data[pattern->at] == '\\' && pattern->at + 1 < pattern->view.size)
        pattern->at++;
    return pattern->view.data[pattern->at++];
}

/* Takes a class such as [a-z] or [^ab], and returns if byte is in it. As in Redis, one that is not closed ends
 * with the pattern. */
static bool take_class(struct pattern *pattern, uint8_t byte)
{
    struct weft_view view = pattern->view;
    bool is_in = false, negated = false;
    pattern->at++;
    if (pattern->at < view.size && view.data[pattern->at] == '^') {
        negated = true;
        pattern->at++;
    }
    while (pattern->at < view.size && view.data[pattern->at] != ']') {
        bool escaped = view.data[pattern->at] == '\\';
        uint8_t low = take_escaped(pattern), high = low;
        if (!escaped && pattern->at + 1 < view.size && view.data[pattern->at] == '-') {
            pattern->at++;
            high = view.data[pattern->at++];
        }
        if (low > high) {
            uint8_t other = low;
            low = high;
            high = other;
        }
        is_in |= byte >= low && byte <= high;
    }
    if (pattern->at < view.size)
        pattern->at++;
    return is_in != negated;
}

/* Takes the next element of the pattern, which is no star, and returns if byte matches it. */
static bool take_one(struct pattern *pattern, uint8_t byte)
{
    switch (pattern->view.data[pattern->at]) {
    case '?':
        pattern->at++;
        return true;
    case '[':
        return take_class(pattern, byte);
    default:
        return take_escaped(pattern) == byte;
    }
}

bool resp_matches(struct weft_view view, struct weft_view bytes)
{
    struct pattern pattern = {view, 0};
    size_t at = 0, star = SIZE_MAX, star_at = 0;
    while (at < bytes.size) {
        if (pattern.at < view.size && view.data[pattern.at] == '*') {
            star = ++pattern.at;
            star_at = at;
        } else if (pattern.at < view.size && take_one(&pattern, bytes.data[at])) {
            at++;
        } else if (star != SIZE_MAX) {
            pattern.at = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (pattern.at < view.size && view.data[pattern.at] == '*')
        pattern.at++;
    return pattern.at == view.size;
}
