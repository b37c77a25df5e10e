/* SPDX-License-Identifier: MIT
 *
 * Clients of yamux that flood. The frames are written from hashicorp's specification (github.com/hashicorp/yamux,
 * spec.md) and by no code of the library. */
#include "floods.h"

enum { DATA, UPDATE, PING };
enum { SYN = 1, FIN = 4, RST = 8 };
enum { REPEATS = 4000 };

static void put_number(uint8_t *dst, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        dst[i] = (uint8_t)(n >> (24 - 8 * i));
}

static void put_head(struct bytes *out, uint8_t type, uint8_t flags, uint32_t stream,
                     uint32_t length)
{
    uint8_t head[12] = {0, type, 0, flags};
    put_number(head + 4, stream);
    put_number(head + 8, length);
    bytes_put(out, head, sizeof head);
}

static void put_byte(struct bytes *out, uint32_t stream)
{
    put_head(out, DATA, 0, stream, 1);
    bytes_put(out, "x", 1);
}

/* Ten streams of ten calls each. */
static void behave(struct bytes *out)
{
    /* hexist of "k" in "t" */
    static const uint8_t call[] = {0, 0, 0, 8, 0x42, 6, 0x0a, 1, 't', 0x12, 1, 'k'};
    for (uint32_t i = 0; i < 10; i++)
        put_head(out, UPDATE, SYN, 2 * i + 1, 0);
    for (uint32_t i = 0; i < 100; i++) {
        put_head(out, DATA, i < 90 ? 0 : FIN, 2 * (i % 10) + 1, sizeof call);
        bytes_put(out, call, sizeof call);
    }
}

static void open_one(struct bytes *out)
{
    put_head(out, UPDATE, SYN, 1, 0);
}

static void open_and_reset(struct bytes *out)
{
    put_head(out, UPDATE, SYN, 1, 0);
    put_head(out, UPDATE, RST, 1, 0);
}

static void streams(struct bytes *out)
{
    for (uint32_t i = 0; i < REPEATS; i++)
        put_head(out, UPDATE, SYN, 2 * i + 1, 0);
}

static void rapid_resets(struct bytes *out)
{
    for (uint32_t i = 0; i < REPEATS; i++) {
        put_head(out, UPDATE, SYN, 2 * i + 1, 0);
        put_head(out, UPDATE, RST, 2 * i + 1, 0);
    }
}

static void pings(struct bytes *out)
{
    for (uint32_t i = 0; i < REPEATS; i++)
        put_head(out, PING, SYN, 0, i);
}

static void updates(struct bytes *out)
{
    for (uint32_t i = 0; i < REPEATS; i++)
        put_head(out, UPDATE, 0, 1, 1);
}

static void empty_data(struct bytes *out)
{
    for (uint32_t i = 0; i < REPEATS; i++)
        put_head(out, DATA, 0, 1, 0);
}

static void ended_data(struct bytes *out)
{
    for (uint32_t i = 0; i < REPEATS; i++)
        put_byte(out, 1);
}

static void unknown_data(struct bytes *out)
{
    for (uint32_t i = 0; i < REPEATS; i++)
        put_byte(out, 9);
}

static void endless_data(struct bytes *out)
{
    put_head(out, DATA, 0, 1, UINT32_MAX);
    bytes_add(out, 65536);
}

static const struct flood floods[] = {
    {"SYN", NULL, streams},
    {"SYN and RST", NULL, rapid_resets},
    {"PING", NULL, pings},
    {"WINDOW_UPDATE", open_one, updates},
    {"empty DATA", open_one, empty_data},
    {"ended DATA", open_and_reset, ended_data},
    {"unknown DATA", NULL, unknown_data},
    {"4 GiB of DATA", open_one, endless_data},
};

bool scenario_floods_yamux(void)
{
    static const char *const options[] = {"--listen", "yamux://127.0.0.1:0", NULL};
    static const struct flood_setup setup = {.options = options, .url = 1, .behave = behave};
    bool met = true;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++)
        met &= flood_in_turn(&setup, &floods[i]);
    return met;
}
