/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <errno.h>

#include "core/base/mem.h"
#include "services/payload/line/words.h"

int cli_words_split(struct cli_words *words, struct weft_view line, struct weft_error *error)
{
    *words = (struct cli_words){0};
    if (line.size > 0 && memchr(line.data, '\0', line.size))
        return weft_error_set(error, WEFT_ECONFIG, "a NUL, which no word can hold");
    /* Every word but the last is followed by a blank, so there are at most half as many. */
    words->list = weft_calloc(line.size / 2 + 2, sizeof *words->list);
    words->memory = weft_malloc(line.size + 1);
    int err = words->list && words->memory ? 0 : weft_error_set(error, -ENOMEM, "out of memory");
    uint8_t *dst = (uint8_t *)words->memory;
    while (err == 0) {
        struct weft_line_word word;
        const char *why;
        int taken = weft_line_next_word(&line, &word, &why);
        if (taken == 0)
            return 0;
        if (taken < 0) {
            err = weft_error_set(error, WEFT_ECONFIG, "%s", why);
            break;
        }
        words->list[words->count++] = (char *)dst;
        dst = weft_line_put_word(dst, &word);
        *dst++ = '\0';
    }
    cli_words_fini(words);
    return err;
}

void cli_words_fini(struct cli_words *words)
{
    weft_free(words->list);
    weft_free(words->memory);
    *words = (struct cli_words){0};
}
