/* SPDX-License-Identifier: MIT
 *
 * No design at all: a block an entry, at the place that its key's digits name. */
#include <stdlib.h>

#include "store_design.h"
#include "work.h"

enum { PLACES = 10000000, DIGITS_AT = 4, ENTRY_HEADER = 8 };

static uint8_t **blocks;

static uint8_t **place_of(struct weft_view key)
{
    size_t number = 0;
    for (size_t i = DIGITS_AT; i < key.size; i++)
        number = number * 10 + (size_t)(key.data[i] - '0');
    bench_need(number < PLACES, "a key below ten million");
    return &blocks[number];
}

static void begin(void)
{
    blocks = bench_zeroed(PLACES * sizeof *blocks);
}

static void join_or_leave(size_t thread)
{
    (void)thread;
}

static void turn(size_t thread, void (*run)(void *arg), void *arg)
{
    (void)thread;
    run(arg);
}

static bool get(size_t thread, struct weft_view key)
{
    (void)thread;
    return *place_of(key) != NULL;
}

static void set(size_t thread, struct weft_view key, struct weft_view value)
{
    (void)thread;
    uint8_t *block = malloc(ENTRY_HEADER + key.size + value.size);
    bench_need(block != NULL, "memory");
    memcpy(block + ENTRY_HEADER, key.data, key.size);
    memcpy(block + ENTRY_HEADER + key.size, value.data, value.size);
    uint8_t **place = place_of(key);
    free(*place);
    *place = block;
}

static void del(size_t thread, struct weft_view key)
{
    (void)thread;
    uint8_t **place = place_of(key);
    free(*place);
    *place = NULL;
}

const struct design design_blocks = {
    .name = "blocks",
    .begin = begin,
    .join = join_or_leave,
    .turn = turn,
    .leave = join_or_leave,
    .get = get,
    .set = set,
    .del = del,
};
