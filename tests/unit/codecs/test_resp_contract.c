/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "codecs/codecs.h"
#include "suites/codec_suite.h"

/* The bytes of an array of one argument beside the argument and the digits of its length. */
#define AROUND (sizeof "*1\r\n$\r\n\r\n" - 1)
/* A first argument of one byte, where an array has two. */
#define FIRST  "$1\r\nx\r\n"

static size_t digits(size_t number)
{
    return (size_t)snprintf(NULL, 0, "%zu", number);
}

/* Returns the length of the argument with which an array has `size` bytes, or SIZE_MAX if none does. */
static size_t argument_for(size_t size)
{
    for (size_t d = 1; d < 20 && AROUND + d <= size; d++)
        if (digits(size - AROUND - d) == d)
            return size - AROUND - d;
    return SIZE_MAX;
}

/* An array of one argument, or of two where one cannot have that size, as with 20 bytes. */
static size_t message(const uint8_t *content, size_t size, uint8_t *dst)
{
    size_t total = size > AROUND ? size : AROUND + 1;
    size_t argument = argument_for(total);
    bool is_two = argument == SIZE_MAX;
    if (is_two)
        argument = argument_for(total - (sizeof FIRST - 1));
    if (!dst)
        return total;
    char head[64];
    int n =
        snprintf(head, sizeof head, "*%d\r\n%s$%zu\r\n", 1 + is_two, is_two ? FIRST : "", argument);
    memcpy(dst, head, (size_t)n);
    memcpy(dst + n, content, argument);
    memcpy(dst + (size_t)n + argument, "\r\n", 2);
    return total;
}

int main(void)
{
    return weft_codec_suite_run(
        &(struct weft_codec_suite){.codec = &weft_codec_resp, .message = message});
}
