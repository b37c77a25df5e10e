/* SPDX-License-Identifier: MIT */
#include "two.h"

#include <errno.h>

enum {
    FRAME_HEADER = 9,  /* RFC 9113, 4.1 */
    FRAME_MAX = 16384, /* the default of SETTINGS_MAX_FRAME_SIZE */
    FRAMES_MAX = 100,  /* enough for a client to ask a few times, and to go */
    HEADERS = 1,       /* RFC 9113, 6.2 */
    SETTINGS = 4,      /* 6.5 */
    ACK = 1            /* a flag of SETTINGS */
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

ssize_t weft__http_two_begin(struct weft__http_two *two, struct weft_view in,
                             struct weft_decode_io *io)
{
    static const uint8_t settings[FRAME_HEADER] = {0, 0, 0, SETTINGS};
    const size_t size = sizeof preface - 1;

    if (memcmp(in.data, preface, in.size < size ? in.size : size) != 0)
        return 1;
    if (in.size < size) {
        io->need = in.size + 1; /* so far it may still be a short request with another method */
        return 0;
    }
    if (weft_chain_append(io->out, weft_view(settings, sizeof settings)) < 0)
        return -ENOMEM;
    two->begun = io->inside = true;
    return (ssize_t)size;
}

/* Answers a frame by its header. Returns 0 or -ENOMEM. */
static int answer(struct weft__http_two *two, const uint8_t *header, struct weft_chain *out)
{
    static const uint8_t settled[FRAME_HEADER] = {0, 0, 0, SETTINGS, ACK};
    /* RST_STREAM with the code HTTP_1_1_REQUIRED. GOAWAY would be due as well, but curl 7.88 takes that for a failure. */
    uint8_t refusal[FRAME_HEADER + 4] = {0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 13};

    if (header[3] == SETTINGS && !(header[4] & ACK))
        return weft_chain_append(out, weft_view(settled, sizeof settled));
    if (header[3] != HEADERS)
        return 0;
    two->asked = true;
    memcpy(refusal + 5, header + 5, 4);
    return weft_chain_append(out, weft_view(refusal, sizeof refusal));
}

ssize_t weft__http_two_decode(struct weft__http_two *two, struct weft_view in,
                              struct weft_decode_io *io)
{
    size_t size = in.size < two->skip ? in.size : two->skip;

    if (size == 0 && in.size < FRAME_HEADER) {
        /* A client that asks nothing has no longer than for a head, one that has its answer may idle. */
        io->inside = !two->asked || two->skip > 0;
        io->need = two->skip > 0 ? 1 : FRAME_HEADER;
        return 0;
    }
    if (size == 0) {
        const uint32_t length = weft_load_be32(in.data) >> 8;
        if (length > FRAME_MAX || two->frames == FRAMES_MAX) {
            io->detail = "HTTP/2, and only HTTP/1.1 is spoken here";
            return WEFT_EFOREIGN;
        }
        two->frames++;
        if (answer(two, in.data, io->out) < 0)
            return -ENOMEM;
        two->skip = length;
        size = FRAME_HEADER;
    } else {
        two->skip -= (uint32_t)size;
    }
    io->inside = !two->asked || two->skip > 0;
    return (ssize_t)size;
}
