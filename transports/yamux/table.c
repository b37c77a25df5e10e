/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>

#include "core/base/mem.h"
#include "protocol.h"

enum { FIRST_CAPACITY = 8 };

/* Spreads ids, which are consecutive: in a row they would be one run of full slots, which each search for an id that is
 * a capacity away would have to pass. The multiplier is 2^32 divided by the golden ratio (Knuth, TAOCP 6.4), and the
 * upper bits of the product are the good ones. */
static size_t place_of(const struct weft__yamux_table *table, uint32_t id)
{
    const uint32_t spread = (id >> 1) * UINT32_C(0x9e3779b1);
    return (size_t)((uint64_t)spread * table->capacity >> 32);
}

/* Returns the slot of an id, or the free one where it would be. The table has a free one. */
static size_t probe(const struct weft__yamux_table *table, uint32_t id)
{
    size_t at = place_of(table, id);

    while (table->slots[at] && table->slots[at]->id != id)
        at = (at + 1) & (table->capacity - 1);
    return at;
}

struct weft__yamux_flow *weft__yamux_table_find(const struct weft__yamux_table *table, uint32_t id)
{
    return table->count > 0 ? table->slots[probe(table, id)] : NULL;
}

static int grow(struct weft__yamux_table *table)
{
    struct weft__yamux_table larger = {
        .capacity = table->capacity > 0 ? 2 * table->capacity : FIRST_CAPACITY,
        .count = table->count,
    };

    larger.slots = weft_calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i])
            larger.slots[probe(&larger, table->slots[i]->id)] = table->slots[i];
    weft_free(table->slots);
    *table = larger;
    return 0;
}

int weft__yamux_table_add(struct weft__yamux_table *table, struct weft__yamux_flow *flow)
{
    /* At most half of it is full, so that runs of full slots stay short. */
    int err = 2 * (table->count + 1) > table->capacity ? grow(table) : 0;

    if (err < 0)
        return err;
    table->slots[probe(table, flow->id)] = flow;
    table->count++;
    return 0;
}

void weft__yamux_table_replace(struct weft__yamux_table *table, struct weft__yamux_flow *flow)
{
    table->slots[probe(table, flow->id)] = flow;
}

void weft__yamux_table_remove(struct weft__yamux_table *table, uint32_t id)
{
    size_t mask = table->capacity - 1, hole = probe(table, id);

    table->slots[hole] = NULL;
    table->count--;
    /* Whatever was pushed past the slot moves back, so that no search ends at the hole. */
    for (size_t at = (hole + 1) & mask; table->slots[at]; at = (at + 1) & mask) {
        size_t home = place_of(table, table->slots[at]->id);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        table->slots[hole] = table->slots[at];
        table->slots[at] = NULL;
        hole = at;
    }
}

void weft__yamux_table_fini(struct weft__yamux_table *table)
{
    weft_free(table->slots);
    *table = (struct weft__yamux_table){.count = 0};
}
