/* SPDX-License-Identifier: MIT */
#include "group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "records/files.h"
#include "records/record.h"

int64_t kv_journal_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The room of a file system that does not reserve. */
static const long long without_limit = INT64_MAX / 2;

static bool cannot_reserve(int err)
{
    return err == -EOPNOTSUPP || err == -ENOSYS || err == -EINVAL;
}

static bool is_full(int err)
{
    return err == -ENOSPC || err == -EDQUOT || err == -EFBIG;
}

/* Tells once that the disk is full, and once that it is not. */
static void set_full(struct kv_journal *journal, bool full)
{
    if (atomic_exchange(&journal->full, full) == full)
        return;
    if (!journal->may_reserve)
        atomic_fetch_add(&journal->room, full ? -without_limit : without_limit);
    if (full)
        weft_log_write(journal->log, WEFT_LOG_ERROR, "store-full",
                       "the disk has no room for the journal: writes are refused until it has");
    else
        weft_log_write(journal->log, WEFT_LOG_INFO, "store-room",
                       "the disk has room for the journal again");
}

static int reserve_in(int fd, uint64_t from, uint64_t size)
{
    int err;
    do
        err = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)size) < 0 ? -errno : 0;
    while (err == -EINTR);
    return is_full(err) ? -ENOSPC : err;
}

int kv_journal_reserve(struct kv_journal *journal, uint64_t least)
{
    uint64_t step = least > KV_RESERVE_STEP ? least : KV_RESERVE_STEP;
    if (!journal->may_reserve)
        return 0;
    int err = reserve_in(journal->fd, journal->reserved, step);
    if (err == -ENOSPC && least < step) {
        step = least;
        err = reserve_in(journal->fd, journal->reserved, step);
    }
    if (cannot_reserve(err)) {
        journal->may_reserve = false;
        atomic_fetch_add(&journal->room, without_limit);
        return 0;
    }
    set_full(journal, err < 0);
    if (err < 0)
        return err;
    journal->reserved += step;
    atomic_fetch_add(&journal->room, (long long)step);
    return 0;
}

void kv_journal_fail(struct kv_journal *journal, const char *what, int err)
{
    if (atomic_exchange(&journal->failed, true))
        return;
    weft_log_write(
        journal->log, WEFT_LOG_ERROR, "store-failed",
        "call=%s error=\"%s\" the journal cannot be written: writes are refused, reads go on", what,
        weft_strerror(err));
}

static struct kv_journal_port *port_of(const struct kv_journal *journal, uint64_t number,
                                       const struct kv_queued **record)
{
    for (struct kv_journal_port *port = atomic_load(&journal->ports); port; port = port->next) {
        *record = kv_queue_front(&port->queue);
        if (*record && (*record)->number == number)
            return port;
    }
    return NULL;
}

bool kv_group_is_waiting(const struct kv_journal *journal)
{
    const struct kv_queued *record;
    return port_of(journal, journal->group_last + 1, &record) != NULL;
}

static int write_at_end(struct kv_journal *journal, struct weft_view view, uint64_t offset)
{
    int err = kv_file_write(journal->fd, view, offset);
    if (is_full(err)) {
        set_full(journal, true);
        return -ENOSPC;
    }
    if (err < 0)
        kv_journal_fail(journal, "write", err);
    return err;
}

/* Writes the group. If it fails for want of room it stays, and is written to the same place later. */
static int flush(struct kv_journal *journal)
{
    if (journal->group_size == 0)
        return 0;
    int err = write_at_end(journal, weft_view(journal->group, journal->group_size), journal->size);
    if (err < 0)
        return err;
    journal->size += journal->group_size;
    journal->written = journal->group_last;
    atomic_fetch_add(&journal->total, journal->group_size);
    journal->group_size = 0;
    if (!journal->may_reserve)
        set_full(journal, false);
    return 0;
}

static void put_head(const struct kv_journal *journal, uint8_t *dst, const struct kv_queued *record)
{
    weft_store_be32(dst, (uint32_t)(KV_RECORD_HEAD + record->size));
    kv_record_seal(dst + KV_RECORD_FRAME, KV_RECORD_CHANGES, record->number,
                   atomic_load_explicit(&journal->durable, memory_order_relaxed),
                   weft_view(record->bytes, record->size));
}

/* Writes a record that is larger than a group by itself. */
static int write_large(struct kv_journal *journal, const struct kv_queued *record)
{
    uint8_t head[KV_RECORD_FRAME + KV_RECORD_HEAD];
    int err = flush(journal);
    if (err < 0)
        return err;
    put_head(journal, head, record);
    err = write_at_end(journal, weft_view(head, sizeof head), journal->size);
    if (err == 0)
        err = write_at_end(journal, weft_view(record->bytes, record->size),
                           journal->size + sizeof head);
    if (err < 0)
        return err;
    journal->size += sizeof head + record->size;
    journal->written = journal->group_last = record->number;
    atomic_fetch_add(&journal->total, sizeof head + record->size);
    return 0;
}

static int add(struct kv_journal *journal, const struct kv_queued *record)
{
    size_t size = KV_RECORD_FRAME + KV_RECORD_HEAD + record->size;
    if (size > KV_GROUP_MAX)
        return write_large(journal, record);
    if (size > KV_GROUP_MAX - journal->group_size) {
        int err = flush(journal);
        if (err < 0)
            return err;
    }
    uint8_t *dst = journal->group + journal->group_size;
    put_head(journal, dst, record);
    memcpy(dst + KV_RECORD_FRAME + KV_RECORD_HEAD, record->bytes, record->size);
    journal->group_size += size;
    journal->group_last = record->number;
    return 0;
}

int kv_group_write(struct kv_journal *journal)
{
    const struct kv_queued *record;
    uint64_t before = journal->written;
    for (;;) {
        struct kv_journal_port *port = port_of(journal, journal->group_last + 1, &record);
        if (!port)
            break;
        /* The next ones are mostly of this port too. */
        do {
            int err = add(journal, record);
            if (err < 0)
                return err;
            kv_queue_take(&port->queue);
            port->wrote = true;
            record = kv_queue_front(&port->queue);
        } while (record && record->number == journal->group_last + 1);
    }
    int err = flush(journal);
    return err < 0 ? err : journal->written != before;
}

int kv_group_sync(struct kv_journal *journal)
{
    journal->synced_at = kv_journal_now();
    if (atomic_load_explicit(&journal->durable, memory_order_relaxed) == journal->written)
        return 0;
    int err;
    int64_t began = kv_journal_now();
    do
        err = fdatasync(journal->fd) < 0 ? -errno : 0;
    while (err == -EINTR);
    weft_histogram_count(&journal->syncs, (uint64_t)(kv_journal_now() - began));
    if (err < 0) {
        kv_journal_fail(journal, "fdatasync", err);
        return err;
    }
    journal->sync_time = kv_journal_now() - journal->synced_at;
    atomic_store(&journal->durable, journal->written);
    return 0;
}

/* Reserves in the new file what was taken in the old one and is not written yet, and a step. */
static int move_room(struct kv_journal *journal, int fd, uint64_t size)
{
    long long room = atomic_load(&journal->room);
    uint64_t free_bytes = journal->reserved - journal->size;
    uint64_t taken = room < (long long)free_bytes ? (uint64_t)((long long)free_bytes - room) : 0;
    uint64_t reserved = taken + KV_RESERVE_STEP;
    if (journal->may_reserve) {
        int err = reserve_in(fd, size, reserved);
        if (err < 0)
            return err;
        atomic_fetch_add(&journal->room, (long long)reserved - (long long)free_bytes);
        journal->reserved = size + reserved;
    }
    return 0;
}

int kv_group_new_file(struct kv_journal *journal)
{
    struct kv_file file = {KV_FILE_JOURNAL, journal->written};
    if (journal->written == journal->base)
        return 0;
    int fd = kv_file_create(journal->dir, file);
    if (fd < 0)
        return fd;
    ssize_t size = kv_file_begin(fd, KV_RECORD_JOURNAL, file.number, NULL);
    int err = size < 0 ? (int)size : 0;
    if (err == 0 && fdatasync(fd) < 0)
        err = -errno;
    if (err == 0 && fsync(journal->dir) < 0)
        err = -errno;
    int old = journal->fd;
    off_t old_size = (off_t)journal->size;
    pthread_mutex_lock(&journal->lock);
    if (err == 0)
        err = move_room(journal, fd, (uint64_t)size);
    if (err == 0) {
        journal->fd = fd;
        journal->base = file.number;
        journal->size = (uint64_t)size;
        atomic_fetch_add(&journal->total, (unsigned long long)size);
    }
    pthread_mutex_unlock(&journal->lock);
    /* The old one gives back what is reserved behind its end. It is no loss if that fails. */
    if (err < 0)
        (void)!kv_file_remove(journal->dir, file);
    else
        (void)!ftruncate(old, old_size);
    close(err < 0 ? fd : old);
    return err;
}
