/* SPDX-License-Identifier: MIT */
#include "arsenal.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "kv_frames.h"

enum { ZEROS = 32 << 20 };

static struct wire_bytes frame(const void *payload, size_t size, uint32_t flag)
{
    struct wire_bytes frame = {.data = malloc(size + 4), .size = size + 4};
    if (!frame.data || !payload)
        errx(1, "out of memory");
    wire_header(frame.data, (uint32_t)size | flag);
    memcpy(frame.data + 4, payload, size);
    return frame;
}

struct wire_bytes arsenal_bomb(void)
{
    struct wire_bytes bomb = wire_from_file(SOAK_BOMB);
    if (!bomb.data)
        errx(1, "cannot read " SOAK_BOMB);
    return bomb;
}

struct wire_bytes arsenal_zeros(void)
{
    uint8_t *zeros = calloc(1, ZEROS);
    if (!zeros)
        errx(1, "out of memory");
    struct wire_bytes member = wire_deflate(zeros, ZEROS);
    struct wire_bytes made = frame(member.data, member.size, UINT32_C(0x80000000));
    wire_free(&member);
    free(zeros);
    return made;
}

struct wire_bytes arsenal_pairs(unsigned count)
{
    struct bytes pairs = {0}, message = {0};
    for (unsigned i = 0; i < count; i++)
        bytes_put(&pairs, "\x12\x00", 2);
    put_request(&message, KV_HMSET, "pairs", &pairs);
    struct wire_bytes made = frame(message.data, message.size, 0);
    bytes_fini(&pairs);
    bytes_fini(&message);
    return made;
}
