/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "records/files.h"
#include "image.h"
#include "services/kv/stores/memory/memory.h"
#include "services/kv/stores/memory/tables.h"

enum { LOWER_PRIORITY = 10 };

static bool is_stopping(struct kv_snapshots *self)
{
    pthread_mutex_lock(&self->lock);
    bool stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

static const struct kv_entry *entry_at(const struct kv_segment *segment, uint32_t i)
{
    return kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_acquire));
}

/* Returns a step that visits every slot once, far from the one before. Pairs in the order of their slots would
 * fill the first slots of the segments that a start makes, which grow with the pairs, and probing would take
 * long. */
static uint32_t step_through(uint32_t slot_count)
{
    uint32_t step = slot_count * 5 / 8 | 1;
    for (;; step++) {
        uint32_t a = step, b = slot_count;
        while (b != 0) {
            uint32_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1)
            return step;
    }
}

/* Adds the pairs of one segment of a table, that of the hash *from, and moves on to the next one. A segment may
 * be replaced meanwhile, but its range of hashes never moves back, so no key that stays is missed. Returns 1, 0
 * if the table has ended, or -ENOMEM. */
static int add_segment(struct kv_snapshots *self, struct kv_image *file, struct weft_view name,
                       uint64_t *from)
{
    struct kv_loop *part = kv_store_memory_part(self->part);
    struct kv_table_cache cache = {0};
    int err = 0;
    kv_epoch_begin(&part->epoch);
    const struct kv_table *table =
        kv__tables_look_up(kv_store_memory_tables(self->memory), part, &cache, name);
    uint64_t next = 0;
    if (table) {
        const struct kv_segment *segment = kv_map_segment(&table->map, *from);
        uint32_t slot = 0, step = step_through(segment->slot_count);
        for (uint32_t i = 0; err == 0 && i < segment->slot_count; i++) {
            const struct kv_entry *entry = entry_at(segment, slot);
            slot = (slot + step) % segment->slot_count;
            if (!entry)
                continue;
            struct kv_value value = kv_entry_value(entry);
            const struct kv_record_change pair = {.key = kv_entry_key(entry),
                                                  .value = value.bytes,
                                                  .expires = kv_entry_expires(entry)};
            err = kv_image_add(file, &pair, value.blob);
        }
        next = kv_segment_end(segment);
    }
    kv_epoch_end(&part->epoch);
    *from = next;
    return err < 0 ? err : next != 0;
}

static int write_table(struct kv_snapshots *self, struct kv_image *file, struct weft_view name)
{
    uint64_t from = 0;
    int err = kv_image_begin(file, name);
    int more = 1;
    while (err == 0 && more > 0) {
        more = add_segment(self, file, name, &from);
        err = more < 0 ? more : kv_image_flush(file, more == 0);
        if (err == 0 && is_stopping(self))
            err = -ESHUTDOWN;
    }
    return err;
}

/* Copies the names of the tables in one segment of the index, that of the hash *from, each behind its size. */
static int copy_names(struct kv_snapshots *self, struct weft_buf *names, uint64_t *from)
{
    struct kv_loop *part = kv_store_memory_part(self->part);
    const struct kv_map *index = &kv_store_memory_tables(self->memory)->index;
    uint8_t size[KV_RECORD_VARINT_MAX];
    int err = 0;
    kv_epoch_begin(&part->epoch);
    const struct kv_segment *segment = kv_map_segment(index, *from);
    for (uint32_t i = 0; err == 0 && i < segment->slot_count; i++) {
        const struct kv_entry *entry = entry_at(segment, i);
        if (!entry)
            continue;
        struct weft_view name = kv_entry_key(entry);
        size_t size_size = (size_t)(kv_record_put_varint(size, name.size) - size);
        err = weft_buf_append(names, weft_view(size, size_size));
        if (err == 0)
            err = weft_buf_append(names, name);
    }
    *from = kv_segment_end(segment);
    kv_epoch_end(&part->epoch);
    return err;
}

static int write_tables(struct kv_snapshots *self, struct kv_image *file)
{
    uint64_t from = 0, size;
    int err = 0;
    do {
        struct weft_buf names = {0};
        err = copy_names(self, &names, &from);
        struct weft_view rest = weft_buf_view(&names);
        while (err == 0 && rest.size > 0 && kv_record_take_varint(&rest, &size) == 0) {
            err = write_table(self, file, weft_view(rest.data, (size_t)size));
            rest = weft_view_skip(rest, (size_t)size);
        }
        weft_buf_fini(&names);
    } while (err == 0 && from != 0);
    return err;
}

/* Writes the file up to its end, with all that it may have on disk in the journal. */
static int write_file(struct kv_snapshots *self, int fd, uint64_t base)
{
    struct kv_image file;
    uint8_t seed[KV_FILE_SEED];
    kv_hash_seed_to_bytes(&kv_store_memory_shared(self->memory)->seed, seed);
    int err = kv_image_init(&file, fd, base, seed);
    if (err < 0)
        return err;
    err = write_tables(self, &file);
    uint64_t last = atomic_load(&self->journal->given);
    if (err == 0)
        err = kv_image_end(&file, last);
    if (err == 0)
        err = kv_journal_wait(self->journal, last);
    if (err == 0)
        self->size = file.size;
    kv_image_fini(&file);
    return err;
}

/* Gives the file its name. The journals before it and older snapshots are of no more use then. */
static int publish(const struct kv_snapshots *self, uint64_t base)
{
    const struct kv_file part = {KV_FILE_PART, base}, whole = {KV_FILE_SNAPSHOT, base};
    char from[KV_FILE_NAME], to[KV_FILE_NAME];
    struct kv_file_list list;
    int dir = self->journal->dir;
    if (renameat(dir, kv_file_name(part, from), dir, kv_file_name(whole, to)) < 0 || fsync(dir) < 0)
        return -errno;
    /* A file that stays is removed by the next start. */
    if (kv_files_list(dir, &list) < 0)
        return 0;
    for (size_t i = 0; i < list.count; i++)
        if (list.files[i].kind != KV_FILE_PART && list.files[i].number < base)
            (void)!kv_file_remove(dir, list.files[i]);
    kv_files_fini(&list);
    return 0;
}

static int make_snapshot(struct kv_snapshots *self)
{
    uint64_t base;
    int err = kv_journal_new_file(self->journal, &base);
    if (err < 0)
        return err;
    uint64_t total = kv_journal_older(self->journal);
    const struct kv_file part = {KV_FILE_PART, base};
    (void)!kv_file_remove(self->journal->dir, part);
    int fd = kv_file_create(self->journal->dir, part);
    if (fd < 0)
        return fd;
    err = write_file(self, fd, base);
    close(fd);
    if (err == 0)
        err = publish(self, base);
    if (err < 0)
        (void)!kv_file_remove(self->journal->dir, part);
    else
        atomic_fetch_sub(&self->journal->total, total);
    return err;
}

static uint64_t threshold(const struct kv_snapshots *self)
{
    return self->size > self->least ? self->size : self->least;
}

/* After a failure the journal grows by a part of what it had to, before the next attempt. */
static void do_snapshot(struct kv_snapshots *self)
{
    const struct weft_log *log = self->journal->log;
    int err = make_snapshot(self);
    uint64_t next = threshold(self);
    if (err < 0) {
        next = atomic_load(&self->journal->total) + threshold(self) / 4;
        if (err != -ESHUTDOWN)
            weft_log_write(log, WEFT_LOG_WARN, "snapshot-failed",
                           "error=\"%s\" the journal goes on", weft_strerror(err));
    } else {
        weft_log_write(log, WEFT_LOG_INFO, "snapshot", "bytes=%" PRIu64, self->size);
    }
    atomic_store(&self->journal->grown_at, next);
}

void kv_snapshots_poll(struct kv_snapshots *self)
{
    pthread_mutex_lock(&self->lock);
    bool wanted = self->wanted;
    self->wanted = false;
    pthread_mutex_unlock(&self->lock);
    if (wanted)
        do_snapshot(self);
}

static void *run(void *arg)
{
    struct kv_snapshots *self = arg;
    bool stopping = false;
    (void)pthread_setname_np(pthread_self(), "kv-snapshots");
    /* Requests go first. */
    (void)!setpriority(PRIO_PROCESS, (id_t)gettid(), LOWER_PRIORITY);
    while (!stopping) {
        kv_snapshots_poll(self);
        pthread_mutex_lock(&self->lock);
        while (!self->wanted && !self->stopping)
            pthread_cond_wait(&self->wake, &self->lock);
        stopping = self->stopping;
        pthread_mutex_unlock(&self->lock);
    }
    return NULL;
}

void kv_snapshots_begin(struct kv_snapshots *self)
{
    pthread_mutex_lock(&self->lock);
    self->wanted = true;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->lock);
}

/* Called on the journal's thread. */
static void grown(void *owner)
{
    kv_snapshots_begin(owner);
}

int kv_snapshots_init(struct kv_snapshots *self)
{
    int err = pthread_mutex_init(&self->lock, NULL);
    if (err != 0)
        return -err;
    err = pthread_cond_init(&self->wake, NULL);
    if (err != 0) {
        pthread_mutex_destroy(&self->lock);
        return -err;
    }
    self->journal->grown = grown;
    self->journal->grown_owner = self;
    atomic_store(&self->journal->grown_at, threshold(self));
    return 0;
}

void kv_snapshots_fini(struct kv_snapshots *self)
{
    pthread_cond_destroy(&self->wake);
    pthread_mutex_destroy(&self->lock);
}

int kv_snapshots_start(struct kv_snapshots *self)
{
    int err = pthread_create(&self->thread, NULL, run, self);
    self->runs = err == 0;
    return -err;
}

void kv_snapshots_stop(struct kv_snapshots *self)
{
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->lock);
    if (self->runs)
        pthread_join(self->thread, NULL);
    self->runs = false;
}
