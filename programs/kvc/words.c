/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <errno.h>

#include "core/base/mem.h"

struct splitter {
    const uint8_t *at, *end;
    char *dst;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Takes the text up to the closing mark; the opening one was taken. False: nothing closes it. */
static bool take_quoted(struct splitter *splitter, uint8_t mark)
{
    for (; splitter->at < splitter->end; splitter->at++) {
        uint8_t byte = *splitter->at;
        if (byte == mark) {
            splitter->at++;
            return true;
        }
        bool escapes = mark == '"' && byte == '\\' && splitter->at + 1 < splitter->end &&
                       (splitter->at[1] == '"' || splitter->at[1] == '\\');
        if (escapes)
            byte = *++splitter->at;
        *splitter->dst++ = (char)byte;
    }
    return false;
}

static int take_word(struct splitter *splitter, struct weft_error *error)
{
    while (splitter->at < splitter->end && !is_blank(*splitter->at)) {
        uint8_t byte = *splitter->at++;
        if (byte == '\'' || byte == '"') {
            if (!take_quoted(splitter, byte))
                return weft_error_set(error, WEFT_ECONFIG, "nothing closes the %c", byte);
            continue;
        }
        if (byte == '\\' && splitter->at == splitter->end)
            return weft_error_set(error, WEFT_ECONFIG, "nothing follows the \\");
        *splitter->dst++ = (char)(byte == '\\' ? *splitter->at++ : byte);
    }
    *splitter->dst++ = '\0';
    return 0;
}

int cli_words_split(struct cli_words *words, struct weft_view line, struct weft_error *error)
{
    *words = (struct cli_words){0};
    if (line.size > 0 && memchr(line.data, '\0', line.size))
        return weft_error_set(error, WEFT_ECONFIG, "a NUL, which no word can hold");
    /* Every word but the last is followed by a blank, so there are at most half as many. */
    words->list = weft_calloc(line.size / 2 + 2, sizeof *words->list);
    words->memory = weft_malloc(line.size + 1);
    int err = words->list && words->memory ? 0 : weft_error_set(error, -ENOMEM, "out of memory");
    struct splitter splitter = {line.data, line.data + line.size, words->memory};
    while (err == 0) {
        while (splitter.at < splitter.end && is_blank(*splitter.at))
            splitter.at++;
        if (splitter.at == splitter.end || *splitter.at == '#')
            return 0;
        words->list[words->count++] = splitter.dst;
        err = take_word(&splitter, error);
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
