/* SPDX-License-Identifier: MIT */
#include "filter.h"

struct text {
    const uint8_t *at, *end;
};

static struct text text_of(struct weft_view view)
{
    return (struct text){view.data, view.size == 0 ? view.data : view.data + view.size};
}

/* Takes one character: of UTF-8, or a byte that begins none. */
static uint32_t take(struct text *text)
{
    uint8_t first = *text->at++;
    size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    uint32_t character = more == 0 ? first : first & (0x3Fu >> more);
    if ((size_t)(text->end - text->at) < more)
        return first;
    for (; more > 0; more--)
        character = character << 6 | (*text->at++ & 0x3F);
    return character;
}

static uint32_t take_escaped(struct text *pattern)
{
    if (*pattern->at == '\\' && pattern->end - pattern->at > 1)
        pattern->at++;
    return take(pattern);
}

/* Reads a set behind its [ and sets *has to whether it takes the character. False: nothing closes it. */
static bool read_set(struct text *pattern, uint32_t character, bool *has)
{
    struct text at = *pattern;
    bool inverts = at.at < at.end && (*at.at == '!' || *at.at == '^');
    at.at += inverts;
    const uint8_t *first = at.at;
    bool found = false;
    while (at.at < at.end && (*at.at != ']' || at.at == first)) {
        uint32_t low = take_escaped(&at), high = low;
        if (at.end - at.at > 1 && *at.at == '-' && at.at[1] != ']') {
            at.at++;
            high = take_escaped(&at);
        }
        found |= low <= character && character <= high;
    }
    if (at.at >= at.end)
        return false;
    pattern->at = at.at + 1;
    *has = found != inverts;
    return true;
}

/* Takes what the pattern has for one character, which is no *. True if it takes the character. */
static bool takes_character(struct text *pattern, uint32_t character)
{
    bool has;
    switch (*pattern->at) {
    case '?':
        pattern->at++;
        return true;
    case '[':
        pattern->at++;
        if (read_set(pattern, character, &has))
            return has;
        return character == '[';
    default:
        return take_escaped(pattern) == character;
    }
}

bool kv_pattern_matches(struct weft_view pattern_view, struct weft_view text_view, size_t *steps)
{
    struct text pattern = text_of(pattern_view), text = text_of(text_view);
    /* The last * and the text from which on it was tried: an earlier one never has to take more. */
    const uint8_t *star = NULL, *tried = NULL;
    while (text.at < text.end) {
        ++*steps;
        if (pattern.at < pattern.end && *pattern.at == '*') {
            star = ++pattern.at;
            tried = text.at;
            continue;
        }
        if (pattern.at < pattern.end && takes_character(&pattern, take(&text)))
            continue;
        if (!star)
            return false;
        pattern.at = star;
        text.at = tried;
        (void)take(&text);
        tried = text.at;
    }
    while (pattern.at < pattern.end && *pattern.at == '*')
        pattern.at++;
    return pattern.at == pattern.end;
}

bool kv_filter_shows(const struct kv_filter *filter, struct weft_view key, size_t *steps)
{
    struct weft_view prefix = filter->prefix;
    if (prefix.size > key.size ||
        (prefix.size > 0 && memcmp(key.data, prefix.data, prefix.size) != 0))
        return false;
    return filter->match.size == 0 || kv_pattern_matches(filter->match, key, steps);
}
