/* SPDX-License-Identifier: MIT */
#include "tour.h"

static const struct kv_entry *entry_at(const struct kv_segment *segment, uint32_t i)
{
    return kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_acquire));
}

static uint64_t hash_of(const struct kv_loop *loop, const struct kv_entry *entry)
{
    return kv_map_hash(loop, kv_entry_key(entry));
}

/* Returns the table in which the last step ended, or NULL if it has gone. */
static struct kv_table *table_under_way(const struct kv_tour *self, const struct kv_tables *tables,
                                        const struct kv_loop *loop)
{
    const struct kv_segment *segment = kv_map_segment(&tables->index, self->table_hash);
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        uint64_t slot = atomic_load_explicit(&segment->slots[i], memory_order_acquire);
        const struct kv_entry *entry = kv_segment_entry(slot);
        if (entry && slot >> KV_SLOT_ADDRESS_BITS == kv_slot_tag(self->table_hash) &&
            hash_of(loop, entry) == self->table_hash)
            return kv_entry_reference(entry);
    }
    return NULL;
}

/* If the segment of the index has got another number of slots since the last step, the place is scaled to
 * it, since entries keep about their relative place. */
static void find_place(struct kv_tour *self, const struct kv_segment *segment)
{
    if (self->slot_count > 0 && self->slot_count != segment->slot_count)
        self->slot = (uint32_t)((uint64_t)self->slot * segment->slot_count / self->slot_count);
    self->slot_count = segment->slot_count;
}

/* Visits the tables of one segment of the index. */
static int visit_segment(struct kv_tour *self, const struct kv_segment *segment,
                         const struct kv_loop *loop, int budget)
{
    find_place(self, segment);
    while (self->slot < segment->slot_count && budget > 0) {
        const struct kv_entry *entry = entry_at(segment, self->slot++);
        if (!entry)
            continue;
        budget = self->table(self, kv_entry_reference(entry), budget);
        if (self->key_from != 0)
            self->table_hash = hash_of(loop, entry);
    }
    return budget;
}

bool kv_tour_step(struct kv_tour *self, struct kv_tables *tables, const struct kv_loop *loop,
                  int budget)
{
    if (self->key_from != 0) {
        struct kv_table *table = table_under_way(self, tables, loop);
        if (table)
            budget = self->table(self, table, budget);
        else
            self->key_from = 0;
    }
    while (budget > 0) {
        if (self->slot == 0 && self->index)
            self->index(self, kv_map_segment(&tables->index, self->table_from));
        const struct kv_segment *segment = kv_map_segment(&tables->index, self->table_from);
        budget = visit_segment(self, segment, loop, budget);
        if (self->slot < segment->slot_count || self->key_from != 0)
            return false;
        self->slot = self->slot_count = 0;
        self->table_from = kv_segment_end(segment);
        if (self->table_from == 0)
            return true;
    }
    return false;
}
