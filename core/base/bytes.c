/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <errno.h>

#include "mem.h"

int weft_bytes_copy(struct weft_bytes *bytes, struct weft_view view)
{
    *bytes = (struct weft_bytes){0};
    if (view.size == 0)
        return 0;

    bytes->data = weft_malloc(view.size);
    if (!bytes->data)
        return -ENOMEM;
    memcpy(bytes->data, view.data, view.size);
    bytes->size = view.size;
    return 0;
}

void weft_bytes_fini(struct weft_bytes *bytes)
{
    weft_free(bytes->data);
    *bytes = (struct weft_bytes){0};
}

static bool between(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The rows of RFC 3629, section 4. The second byte alone decides about overlong forms (E0, F0),
 * surrogates (ED) and what lies beyond U+10FFFF (F4). */
static size_t sequence_length(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2)
        return 0;
    if (lead < 0xE0)
        return left >= 2 && is_continuation(p[1]) ? 2 : 0;
    if (lead < 0xF0) {
        uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
        uint8_t high = lead == 0xED ? 0x9F : 0xBF;
        return left >= 3 && between(p[1], low, high) && is_continuation(p[2]) ? 3 : 0;
    }
    if (lead < 0xF5) {
        uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
        return left >= 4 && between(p[1], low, high) && is_continuation(p[2]) &&
                       is_continuation(p[3])
                   ? 4
                   : 0;
    }
    return 0;
}

size_t weft_utf8_length(struct weft_view view)
{
    return view.size == 0 ? 0 : sequence_length(view.data, view.size);
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t load32(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Loads all of up to seven bytes into one word, some of them twice, so that one test sees all their top
 * bits. */
static uint64_t load_short(const uint8_t *p, size_t size)
{
    if (size >= 4)
        return load32(p) << 32 | load32(p + size - 4);
    if (size == 0)
        return 0;
    return (uint64_t)p[0] << 16 | (uint64_t)p[size / 2] << 8 | p[size - 1];
}

bool weft_utf8_valid(struct weft_view view)
{
    const uint64_t top_bits = 0x8080808080808080u;
    const uint8_t *data = view.data;
    size_t left = view.size;

    for (;;) {
        /* Most text is ASCII, so a step takes four words, then one word. Most keys are short, so the
         * rest is judged in one step too. */
        while (left >= 4 * sizeof(uint64_t) &&
               !((load64(data) | load64(data + 8) | load64(data + 16) | load64(data + 24)) &
                 top_bits)) {
            data += 4 * sizeof(uint64_t);
            left -= 4 * sizeof(uint64_t);
        }
        while (left >= sizeof(uint64_t) && !(load64(data) & top_bits)) {
            data += sizeof(uint64_t);
            left -= sizeof(uint64_t);
        }
        if (left < sizeof(uint64_t) && !(load_short(data, left) & top_bits))
            return true;

        /* A word is not worth loading before the next ASCII character, so these go one by one. */
        do {
            size_t length = sequence_length(data, left);
            if (length == 0)
                return false;
            data += length;
            left -= length;
        } while (left > 0 && data[0] >= 0x80);
    }
}
