/* SPDX-License-Identifier: MIT
 *
 * Memory for one message after the other, one per loop. The memory of a message of usual size is kept for
 * the next one. A large message gets pages of the system's, which go back as soon as it has been read,
 * so that no allocator keeps them. */
#ifndef WEFT_SCRATCH_H
#define WEFT_SCRATCH_H

#include "core/base/bytes.h"

enum { WEFT__SCRATCH_KEPT = 1 << 20 }; /* the largest size that is kept */

/* A zeroed one is valid and holds nothing. Pages that the system cannot take back now stay until after
 * the next message. */
struct weft__scratch {
    uint8_t *data;
    size_t size;
};

/* Makes room for at least size bytes, at an address that is not NULL even if size is 0. The content is
 * lost. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int weft__scratch_reserve(struct weft__scratch *scratch, size_t size);

void weft__scratch_fini(struct weft__scratch *scratch);

/* Call it when the content has been read. It is inlined because every frame passes here. */
static inline void weft__scratch_trim(struct weft__scratch *scratch)
{
    if (scratch->size > WEFT__SCRATCH_KEPT)
        weft__scratch_fini(scratch);
}

#endif
