/* SPDX-License-Identifier: MIT
 *
 * Members of gzip: as we write them, and read out of memory and into memory of exactly their
 * sizes. */
#ifndef WEFT_TEST_GZIP_FIXTURE_H
#define WEFT_TEST_GZIP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codecs/compress/gzip.h"

enum { TEXT_SIZE = 66, MEMBER_MAX = 512 };

/* The message that the members hold. */
extern const char text[TEXT_SIZE + 1];

struct member {
    uint8_t data[MEMBER_MAX];
    size_t size;
};

/* A member that we write ourselves. */
struct member member_at(int level);
struct member plain_member(void);

/* Parses and inflates. *message is to be freed, also where that fails. */
int read_member(struct weft_view view, struct weft_bytes *message, const char **why);

#endif
