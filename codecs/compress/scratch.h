/* SPDX-License-Identifier: MIT
 *
 * Memory for one message after the other: what a message of usual size needs is kept for the next,
 * what a large one needs is the system's own pages, which go back as soon as the message has been
 * read, whatever the allocator would have kept. A loop's. */
#ifndef WEFT_SCRATCH_H
#define WEFT_SCRATCH_H

#include "core/base/bytes.h"

enum { WEFT__SCRATCH_KEPT = 1 << 20 }; /* bytes up to which it is kept */

/* A zeroed one is valid and holds nothing. Pages that the system cannot take back now stay, and go
 * after the next message. */
struct weft__scratch {
    uint8_t *data;
    size_t size;
};

/* Makes it at least size bytes, at an address also for 0; what it held is gone. -ENOMEM. */
WEFT_MUST_USE int weft__scratch_reserve(struct weft__scratch *scratch, size_t size);

void weft__scratch_fini(struct weft__scratch *scratch);

/* What it held has been read. In line: every frame comes by here. */
static inline void weft__scratch_trim(struct weft__scratch *scratch)
{
    if (scratch->size > WEFT__SCRATCH_KEPT)
        weft__scratch_fini(scratch);
}

#endif
