/* SPDX-License-Identifier: MIT
 *
 * Reads the arguments of a command in RESP (https://redis.io/docs/latest/develop/reference/protocol-spec/), which
 * is an array of bulk strings or an inline command. Any thread; allocates nothing. */
#ifndef WEFT_RESP_READER_H
#define WEFT_RESP_READER_H

#include <sys/types.h>

#include "core/base/bytes.h"

/* True if the arguments of a command lie in it as they are. Otherwise they are written, without
 * their quotation marks, to memory of the caller's. */
static inline bool weft_resp_is_array(struct weft_view command)
{
    return command.size > 0 && command.data[0] == '*';
}

/* Returns the number of arguments of a command, which may be 0, or WEFT_EMALFORMED. Of an array it reads the
 * number alone, so that it may still be malformed. */
WEFT_MUST_USE ssize_t weft_resp_count(struct weft_view command);

/* Counts and splits an array of 1 to `most` arguments in one go, as most commands are. Returns their number; 0 if the
 * command is none, and the two functions around this one have to read it; or WEFT_EMALFORMED. The views lie in the
 * command. */
WEFT_MUST_USE ssize_t weft_resp_split_few(struct weft_view command, struct weft_view *arguments,
                                          size_t most);

/* Sets the arguments of a command that has `count` of them, as weft_resp_count said. The views lie in the
 * command or, if that is no array, in `space`, which then has command.size bytes. Returns 0 or WEFT_EMALFORMED; a
 * command that the codec `resp` let pass is never malformed. */
WEFT_MUST_USE int weft_resp_split(struct weft_view command, struct weft_view *arguments,
                                  size_t count, uint8_t *space);

#endif
