/* SPDX-License-Identifier: MIT */
#include "count.h"

#include "core/base/compiler.h"

/* Segments and tables of a step. What others retire meanwhile is freed after the step, which takes some 10 us. */
enum { STEP = 64 };

static int visit_table(struct kv_tour *tour, struct kv_table *table, int budget)
{
    struct kv_counter *self = weft_container_of(tour, struct kv_counter, tour);
    do {
        const struct kv_segment *segment = kv_map_segment(&table->map, tour->key_from);
        self->count += kv_segment_live(segment);
        tour->key_from = kv_segment_end(segment);
    } while (--budget > 0 && tour->key_from != 0);
    return budget;
}

void kv_counter_join(struct kv_counter *self, struct kv_tables *tables, struct kv_shared *shared)
{
    *self = (struct kv_counter){.tables = tables, .lock = PTHREAD_MUTEX_INITIALIZER};
    self->reader.shared = shared;
    kv_epoch_join(&shared->epoch, &self->reader.epoch, NULL, NULL);
}

void kv_counter_leave(struct kv_counter *self)
{
    kv_epoch_leave(&self->reader.epoch);
    pthread_mutex_destroy(&self->lock);
}

uint64_t kv_counter_run(struct kv_counter *self)
{
    bool ended = false;
    pthread_mutex_lock(&self->lock);
    self->tour = (struct kv_tour){.table = visit_table};
    self->count = 0;
    while (!ended) {
        kv_epoch_begin(&self->reader.epoch);
        ended = kv_tour_step(&self->tour, self->tables, &self->reader, STEP);
        kv_epoch_end(&self->reader.epoch);
    }
    uint64_t count = self->count;
    pthread_mutex_unlock(&self->lock);
    return count;
}
