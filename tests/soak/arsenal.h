/* SPDX-License-Identifier: MIT
 *
 * Frames that are costly to make. Each is the caller's to free with wire_free; without memory the
 * program ends. */
#ifndef SOAK_ARSENAL_H
#define SOAK_ARSENAL_H

#include "lib/wire.h"

/* 1 GiB of zeros as gzip, from tests/vectors. */
struct wire_bytes arsenal_bomb(void);
/* 32 MiB of zeros as gzip: as large as a message may be, and no message. */
struct wire_bytes arsenal_zeros(void);
/* hmset of so many empty pairs, each two bytes. */
struct wire_bytes arsenal_pairs(unsigned count);

#endif
