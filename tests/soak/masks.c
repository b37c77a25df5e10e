/* SPDX-License-Identifier: MIT */
#include "masks.h"

#include <string.h>

enum {
    FIN = 0x80,
    CONTINUATION = 0,
    BINARY = 2,
    CLOSE = 8,
    PING = 9,
    PONG = 10,
    SHORT_MAX = 125,
    FRAGMENTS = 3,  /* of a message */
    PING_EACH = 16, /* frames */
};

void masks_ask(struct bytes *up)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    bytes_put(up, request, sizeof request - 1);
}

/* size < 65536 */
static void put_frame(struct bytes *up, unsigned first, unsigned seed, const uint8_t *data,
                      size_t size)
{
    const uint8_t mask[4] = {(uint8_t)(seed * 29), (uint8_t)(seed * 83), (uint8_t)(seed >> 3),
                             (uint8_t)(seed * 7 + 1)};
    const uint8_t large[4] = {(uint8_t)first, 0x80 | 126, (uint8_t)(size >> 8), (uint8_t)size};
    const uint8_t small[2] = {(uint8_t)first, (uint8_t)(0x80 | size)};
    if (size <= SHORT_MAX)
        bytes_put(up, small, sizeof small);
    else
        bytes_put(up, large, sizeof large);
    bytes_put(up, mask, sizeof mask);
    if (size == 0)
        return;
    uint8_t *dst = bytes_add(up, size);
    for (size_t i = 0; i < size; i++)
        dst[i] = data[i] ^ mask[i % 4];
}

void masks_seal(struct masks *masks, struct bytes *up, const uint8_t *data, size_t size)
{
    unsigned place = masks->sent % FRAGMENTS;
    unsigned first = (place == 0 ? BINARY : CONTINUATION) | (place == FRAGMENTS - 1 ? FIN : 0);
    if (masks->sent % PING_EACH == 0)
        put_frame(up, FIN | PING, masks->sent, (const uint8_t *)"ping", 4);
    put_frame(up, first, masks->sent++, data, size);
}

void masks_close(struct masks *masks, struct bytes *up)
{
    static const uint8_t normal[] = {1000 >> 8, 1000 & 0xff};
    if (!masks->said_close)
        put_frame(up, FIN | CLOSE, masks->sent, normal, sizeof normal);
    masks->said_close = true;
}

/* Takes the answer to the handshake, and returns how many bytes of data belong to it. */
static size_t take_head(struct masks *masks, const uint8_t *data, size_t size)
{
    size_t taken = 0;
    while (taken < size && !masks->open && !masks->wrong) {
        if (masks->head_size + 1 == sizeof masks->head) {
            masks->wrong = "a long answer to the handshake";
            break;
        }
        masks->head[masks->head_size++] = (char)data[taken++];
        if (masks->head_size < 4 || memcmp(masks->head + masks->head_size - 4, "\r\n\r\n", 4) != 0)
            continue;
        if (strncmp(masks->head, "HTTP/1.1 101 ", 13) != 0 ||
            !strstr(masks->head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            masks->wrong = "another answer to the handshake";
        masks->open = true;
    }
    return taken;
}

/* Returns the size that the head of the frame must have, of which 2 bytes are there. */
static size_t frame_head_size(const struct masks *masks)
{
    unsigned length = masks->frame[1] & 0x7f;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0);
}

static void begin_frame(struct masks *masks)
{
    unsigned opcode = masks->frame[0] & 0x0f;
    size_t size = masks->frame_size;
    masks->left = size == 2 ? masks->frame[1] : 0;
    for (size_t i = 2; i < size; i++)
        masks->left = masks->left << 8 | masks->frame[i];
    if ((masks->frame[0] & 0x70) != 0 || (masks->frame[1] & 0x80) != 0)
        masks->wrong = "a frame with a reserved bit or a mask";
    else if (opcode != CONTINUATION && opcode != BINARY && opcode != CLOSE && opcode != PONG)
        masks->wrong = "a frame of an opcode that nobody asked for";
    else if (opcode >= CLOSE && masks->left > SHORT_MAX)
        masks->wrong = "a long control frame";
    else if (opcode == CLOSE)
        masks->got_close = true;
}

void masks_open(struct masks *masks, struct bytes *down, const uint8_t *data, size_t size)
{
    size_t at = take_head(masks, data, size);
    while (at < size && !masks->wrong && !masks->got_close) {
        if (masks->left > 0) {
            size_t n = masks->left < size - at ? (size_t)masks->left : size - at;
            if ((masks->frame[0] & 0x0f) < CLOSE)
                bytes_put(down, data + at, n);
            masks->left -= n;
            at += n;
        } else {
            masks->frame[masks->frame_size++] = data[at++];
            if (masks->frame_size < 2 || masks->frame_size < frame_head_size(masks))
                continue;
            begin_frame(masks);
        }
        if (masks->left == 0)
            masks->frame_size = 0;
    }
}
