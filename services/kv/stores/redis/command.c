/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <errno.h>
#include <string.h>

enum { NUMBER = 24, SMALL = 512, SLOTS = 16384 };

/* Writes mark, number and CRLF to dst. Returns the bytes. */
static size_t put_head(uint8_t *dst, char mark, size_t number)
{
    uint8_t digits[NUMBER];
    size_t count = 0, size = 0;

    do {
        digits[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    dst[size++] = (uint8_t)mark;
    while (count > 0)
        dst[size++] = digits[--count];
    dst[size++] = '\r';
    dst[size++] = '\n';
    return size;
}

static int append_large(struct weft_chain *chain, struct weft_view arg)
{
    static const uint8_t end[] = {'\r', '\n'};
    uint8_t head[NUMBER + 4];
    int err = weft_chain_append(chain, weft_view(head, put_head(head, '$', arg.size)));

    if (err == 0)
        err = weft_chain_append(chain, arg);
    return err == 0 ? weft_chain_append(chain, weft_view(end, sizeof end)) : err;
}

/* Most arguments are small, and are written in one go. */
static int append_arg(struct weft_chain *chain, struct weft_view arg)
{
    if (arg.size > SMALL)
        return append_large(chain, arg);
    uint8_t *dst = weft_chain_reserve(chain, arg.size + NUMBER + 6);
    if (!dst)
        return -ENOMEM;
    size_t size = put_head(dst, '$', arg.size);
    if (arg.size > 0)
        memcpy(dst + size, arg.data, arg.size);
    size += arg.size;
    dst[size++] = '\r';
    dst[size++] = '\n';
    weft_chain_commit(chain, size);
    return 0;
}

int kv_redis_format(struct weft_chain *chain, const struct weft_view *args, size_t count)
{
    const struct weft_chain_mark mark = weft_chain_mark(chain);
    uint8_t head[NUMBER + 4];
    int err = weft_chain_append(chain, weft_view(head, put_head(head, '*', count)));

    for (size_t i = 0; i < count && err == 0; i++)
        err = append_arg(chain, args[i]);
    if (err < 0)
        weft_chain_rollback(chain, mark);
    return err;
}

static bool begins(const redisReply *reply, const char *word)
{
    size_t size = strlen(word);

    return reply->len >= size && memcmp(reply->str, word, size) == 0 &&
           (reply->len == size || reply->str[size] == ' ');
}

/* Reads a number up to `end`. Returns false if it is none, or over max. */
static bool read_number(const char *text, const char *end, unsigned max, unsigned *number)
{
    *number = 0;
    if (text == end)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *number = 10 * *number + (unsigned)(*text - '0');
        if (*number > max)
            return false;
    }
    return true;
}

/* Reads " SLOT HOST:PORT". An IPv6 address has no brackets here, so the last colon is before the port. */
static bool read_place(struct redis_redirect *redirect, const char *text, const char *end)
{
    const char *space = memchr(text, ' ', (size_t)(end - text));
    const char *host = space ? space + 1 : end, *colon = end;
    unsigned slot, port;

    while (colon > host && *colon != ':')
        colon--;
    size_t size = (size_t)(colon - host);
    if (!space || *colon != ':' || size >= REDIS_HOST_MAX ||
        !read_number(text, space, SLOTS - 1, &slot) ||
        !read_number(colon + 1, end, UINT16_MAX, &port) || port == 0)
        return false;
    redirect->slot = slot;
    redirect->port = (uint16_t)port;
    memcpy(redirect->host, host, size);
    redirect->host[size] = '\0';
    return true;
}

void kv_redis_read_error(struct redis_redirect *redirect, const redisReply *reply)
{
    static const struct {
        const char *word;
        enum redis_advice advice;
    } words[] = {
        {"MOVED", REDIS_ADVICE_MOVED},       {"ASK", REDIS_ADVICE_ASK},
        {"TRYAGAIN", REDIS_ADVICE_AGAIN},    {"LOADING", REDIS_ADVICE_AGAIN},
        {"BUSY", REDIS_ADVICE_AGAIN},        {"MASTERDOWN", REDIS_ADVICE_SLOTS},
        {"CLUSTERDOWN", REDIS_ADVICE_SLOTS}, {"READONLY", REDIS_ADVICE_SLOTS},
    };
    size_t i = 0;

    *redirect = (struct redis_redirect){.advice = REDIS_ADVICE_NONE};
    while (i < sizeof words / sizeof *words && !begins(reply, words[i].word))
        i++;
    if (i == sizeof words / sizeof *words)
        return;
    redirect->advice = words[i].advice;
    if (words[i].advice != REDIS_ADVICE_MOVED && words[i].advice != REDIS_ADVICE_ASK)
        return;
    size_t word = strlen(words[i].word);
    const char *end = reply->str + reply->len;
    if (reply->len == word || !read_place(redirect, reply->str + word + 1, end))
        redirect->advice = REDIS_ADVICE_NONE;
    else if (strcmp(redirect->host, "?") == 0)
        redirect->advice = REDIS_ADVICE_SLOTS;
}
