/* SPDX-License-Identifier: MIT
 *
 * The streams of a session by their ids: a hash table with linear probing, which grows with the streams that there
 * are. What stands in it is the caller's. Private to yamux. */
#ifndef WEFT_YAMUX_TABLE_H
#define WEFT_YAMUX_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct weft__yamux_flow;

/* A zeroed table is empty. */
struct weft__yamux_table {
    struct weft__yamux_flow **slots; /* NULL: free */
    size_t capacity;                 /* a power of two, or 0 */
    size_t count;
};

/* Returns the flow with this id, or NULL. */
struct weft__yamux_flow *weft__yamux_table_find(const struct weft__yamux_table *table, uint32_t id);

/* Adds a flow whose id is not in the table. -ENOMEM: nothing has changed. */
WEFT_MUST_USE int weft__yamux_table_add(struct weft__yamux_table *table,
                                        struct weft__yamux_flow *flow);

/* Puts another flow with the same id in the place of one that is in the table. */
void weft__yamux_table_replace(struct weft__yamux_table *table, struct weft__yamux_flow *flow);

/* Removes the flow with this id, which is in the table. */
void weft__yamux_table_remove(struct weft__yamux_table *table, uint32_t id);

void weft__yamux_table_fini(struct weft__yamux_table *table);

#endif
