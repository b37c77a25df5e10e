/* SPDX-License-Identifier: MIT */
#include "frame.h"

void weft__yamux_put_header(uint8_t *dst, enum weft__yamux_type type, unsigned flags, uint32_t id,
                            uint32_t length)
{
    dst[0] = WEFT__YAMUX_VERSION;
    dst[1] = (uint8_t)type;
    dst[2] = (uint8_t)(flags >> 8);
    dst[3] = (uint8_t)flags;
    weft_store_be32(dst + 4, id);
    weft_store_be32(dst + 8, length);
}

struct weft__yamux_header weft__yamux_get_header(const uint8_t *src)
{
    return (struct weft__yamux_header){
        .version = src[0],
        .type = src[1],
        .flags = (uint16_t)(src[2] << 8 | src[3]),
        .id = weft_load_be32(src + 4),
        .length = weft_load_be32(src + 8),
    };
}

/* A client's first frame of a stream opens it. The length in front of a small message of `raw` has no SYN in most
 * cases. */
static bool may_be_yamux(const uint8_t *first, bool by_client)
{
    const unsigned type = first[1], flags = (unsigned)first[2] << 8 | first[3];

    if (first[0] != WEFT__YAMUX_VERSION || type > WEFT__YAMUX_GO_AWAY ||
        (flags & ~(unsigned)WEFT__YAMUX_FLAGS))
        return false;
    return !by_client || type > WEFT__YAMUX_UPDATE || (flags & WEFT__YAMUX_SYN);
}

const char *weft__yamux_find_other_protocol(const uint8_t *first, bool by_client)
{
    static const struct {
        const char *start, *words;
    } others[] = {
        {"HTTP", "its first bytes are HTTP, not yamux"},
        {"GET ", "its first bytes are HTTP, not yamux"},
        {"POST", "its first bytes are HTTP, not yamux"},
        {"PUT ", "its first bytes are HTTP, not yamux"},
        {"PRI ", "its first bytes are HTTP, not yamux"},
        {"\x16\x03", "its first bytes are TLS, not yamux"},
        {"\x15\x03", "its first bytes are TLS, not yamux"},
        {"*", "its first bytes are RESP, not yamux"},
        {"-ERR", "its first bytes are RESP, not yamux"},
    };

    if (may_be_yamux(first, by_client))
        return NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (memcmp(first, others[i].start, strlen(others[i].start)) == 0)
            return others[i].words;
    return by_client ? "its first bytes are not yamux: does the client's URL say yamux?"
                     : "its first bytes are not yamux: does the server's URL say yamux?";
}
