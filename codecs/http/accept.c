/* SPDX-License-Identifier: MIT */
#include "accept.h"

#include <strings.h>

static struct weft_view trim(struct weft_view text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = weft_view_skip(text, 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Takes what stands before the next separator, and the separator. */
static struct weft_view take_until(struct weft_view *rest, uint8_t separator)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, separator, rest->size) : NULL;
    struct weft_view taken = *rest;
    if (end)
        taken.size = (size_t)(end - rest->data);
    *rest = weft_view_skip(*rest, taken.size + (end != NULL));
    return trim(taken);
}

static bool is_word(struct weft_view text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

/* Reads "q=0.5" as 501. Returns 0 if it is not a weight. */
static uint16_t read_weight(struct weft_view text)
{
    unsigned quality, unit = 100;
    text = trim(text);
    if (text.size < 3 || (text.data[0] | 0x20) != 'q' || text.data[1] != '=')
        return 0;
    text = weft_view_skip(text, 2);
    if (text.size > 5 || text.data[0] < '0' || text.data[0] > '1' ||
        (text.size > 1 && text.data[1] != '.'))
        return 0;
    quality = 1000u * (unsigned)(text.data[0] - '0');
    for (size_t i = 2; i < text.size; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        quality += unit * (unsigned)(text.data[i] - '0');
    }
    return quality <= 1000 ? (uint16_t)(quality + 1) : 0;
}

void weft__http_accept(struct weft__http_accepts *accepts, struct weft_view value)
{
    while (value.size > 0) {
        struct weft_view element = take_until(&value, ',');
        struct weft_view coding = take_until(&element, ';');
        uint16_t weight = element.size > 0 ? read_weight(element) : 1001;
        if (weight == 0)
            continue;
        if (is_word(coding, "gzip") || is_word(coding, "x-gzip"))
            accepts->gzip = weight;
        else if (is_word(coding, "identity"))
            accepts->identity = weight;
        else if (is_word(coding, "*"))
            accepts->any = weight;
    }
}

bool weft__http_wants_gzip(const struct weft__http_accepts *accepts)
{
    uint16_t gzip = accepts->gzip > 0 ? accepts->gzip : accepts->any;
    return gzip > 1 && gzip >= accepts->identity;
}

bool weft__http_refuses_plain(const struct weft__http_accepts *accepts)
{
    return accepts->identity == 1 || (accepts->identity == 0 && accepts->any == 1);
}
