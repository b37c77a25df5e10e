/* SPDX-License-Identifier: MIT */
#include "muxed.h"

enum {
    DATA = 0,
    UPDATE = 1,
    PING = 2,
    AWAY = 3,
    SYN = 1,
    ACK = 2,
    FIN = 4,
    RST = 8,
    STREAM = 1,
    WINDOW = 256 * 1024,
    PING_EACH = 16, /* frames */
};

static void put_number(uint8_t *dst, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        dst[i] = (uint8_t)(n >> (24 - 8 * i));
}

static uint32_t number(const uint8_t *src)
{
    return (uint32_t)src[0] << 24 | (uint32_t)src[1] << 16 | (uint32_t)src[2] << 8 | src[3];
}

static void put_head(struct bytes *up, uint8_t type, uint8_t flags, uint32_t id, uint32_t length)
{
    uint8_t head[12] = {0, type, 0, flags};
    put_number(head + 4, id);
    put_number(head + 8, length);
    bytes_put(up, head, sizeof head);
}

void muxed_begin(struct muxed *muxed, struct bytes *up)
{
    muxed->room = WINDOW;
    put_head(up, UPDATE, SYN, STREAM, 0);
}

void muxed_seal(struct muxed *muxed, struct bytes *up, const uint8_t *data, size_t size)
{
    if (muxed->sent++ % PING_EACH == 0)
        put_head(up, PING, SYN, 0, muxed->sent);
    put_head(up, DATA, 0, STREAM, (uint32_t)size);
    bytes_put(up, data, size);
    muxed->room -= (uint32_t)size;
}

void muxed_end(struct bytes *up)
{
    put_head(up, UPDATE, FIN, STREAM, 0);
}

static void begin_frame(struct muxed *muxed, struct bytes *up)
{
    const uint8_t *head = muxed->head;
    uint32_t id = number(head + 4), length = number(head + 8);
    if (head[0] != 0 || head[1] > AWAY || head[2] != 0 || head[3] > 15)
        muxed->wrong = "a frame of yamux that there is not";
    else if (head[1] <= UPDATE && id != STREAM)
        muxed->wrong = "a frame of a stream that nobody opened";
    else if (head[1] == AWAY && length != 0)
        muxed->wrong = "GO_AWAY with an error";
    if (head[1] == UPDATE)
        muxed->room += length;
    if (head[1] == PING && head[3] == SYN)
        put_head(up, PING, ACK, 0, length);
    muxed->left = head[1] == DATA ? length : 0;
    if (muxed->left > 0) /* all of it will be read */
        put_head(up, UPDATE, 0, STREAM, length);
    if (head[1] <= UPDATE && (head[3] & (FIN | RST)) != 0 && muxed->left == 0)
        muxed->got_end = true;
}

void muxed_open(struct muxed *muxed, struct bytes *down, struct bytes *up, const uint8_t *data,
                size_t size)
{
    size_t at = 0;
    while (at < size && !muxed->wrong && !muxed->got_end) {
        if (muxed->left > 0) {
            size_t n = muxed->left < size - at ? muxed->left : size - at;
            bytes_put(down, data + at, n);
            muxed->left -= (uint32_t)n;
            at += n;
            muxed->got_end = muxed->left == 0 && (muxed->head[3] & FIN) != 0;
            continue;
        }
        muxed->head[muxed->head_size++] = data[at++];
        if (muxed->head_size < sizeof muxed->head)
            continue;
        muxed->head_size = 0;
        begin_frame(muxed, up);
    }
}
