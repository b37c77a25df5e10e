/* SPDX-License-Identifier: MIT */
#include "disk_readers.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "disk_read.h"

/* Disks are fastest with a few reads under way. */
enum { READERS = 4 };

struct kv_disk_reader {
    struct kv_disk *disk;
    void *tx;
    struct kv_writer thread;
};

struct kv_disk_reader_port {
    struct kv_port port;
    struct kv_disk_loop *loop;
    void (*back)(struct kv_disk_loop *loop, struct kv_job *first);
};

static enum kv_outcome outcome_of(int err)
{
    switch (err) {
    case 0:
        return KV_DONE;
    case -ENOMEM:
        return KV_UNAVAILABLE;
    case -ESTALE:
        return KV_EXPIRED;
    default:
        return KV_FAILED;
    }
}

static int read_job(struct kv_disk_reader *reader, struct kv_disk_job *job)
{
    struct kv_op *op = &job->copy;
    uint64_t number = 0, count;
    const struct kv_disk_reading reading = {.engine = reader->disk->engine,
                                            .tx = reader->tx,
                                            .now = job->now,
                                            .secret = reader->disk->ledger.secret,
                                            .results = &job->results};
    int err = 0;
    if (op->kind != KV_TABLES && op->kind != KV_COUNT)
        err = kv_disk_table(&reading, op->table, &number, &count);
    if (err < 0 && err != -ENOENT)
        return err;
    err = kv_disk_read(&reading, op, number);
    return err == 0 && job->lacks_memory ? -ENOMEM : err;
}

static void work(void *owner, struct kv_job *first)
{
    struct kv_disk_reader *reader = owner;
    const struct kv_engine *engine = reader->disk->engine;
    int begun = engine->begin(reader->tx);
    for (struct kv_job *job = first; job; job = job->next) {
        struct kv_disk_job *each = (struct kv_disk_job *)job;
        each->outcome = outcome_of(begun < 0 ? begun : read_job(reader, each));
    }
    if (begun == 0)
        engine->end(reader->tx);
}

static void commit(void *owner, struct kv_job *first)
{
    (void)owner;
    (void)first;
}

static int64_t rest(void *owner)
{
    (void)owner;
    return -1;
}

static const struct kv_writer_calls calls = {
    .name = "kv-reader", .work = work, .commit = commit, .rest = rest};

static int start_one(struct kv_disk *disk, struct kv_disk_reader *reader)
{
    const struct kv_engine *engine = disk->engine;
    reader->disk = disk;
    reader->tx = weft_calloc(1, engine->tx_size);
    if (!reader->tx)
        return -ENOMEM;
    int err = engine->tx_open(reader->tx, disk->state, KV_ENGINE_THREAD);
    if (err < 0)
        goto err_after_tx;
    err = kv_writer_start(&reader->thread, &calls, reader);
    if (err < 0)
        goto err_after_open;
    return 0;

err_after_open:
    engine->tx_close(reader->tx);

err_after_tx:
    weft_free(reader->tx);
    return err;
}

static void stop_some(struct kv_disk *disk, size_t count)
{
    while (count > 0) {
        struct kv_disk_reader *reader = &disk->readers[--count];
        kv_writer_stop(&reader->thread);
        disk->engine->tx_close(reader->tx);
        weft_free(reader->tx);
    }
    weft_free(disk->readers);
    disk->readers = NULL;
}

int kv_disk_readers_start(struct kv_disk *disk)
{
    if (!disk->engine->blocks)
        return 0;
    disk->readers = weft_calloc(READERS, sizeof *disk->readers);
    if (!disk->readers)
        return -ENOMEM;
    for (size_t i = 0; i < READERS; i++) {
        int err = start_one(disk, &disk->readers[i]);
        if (err < 0) {
            stop_some(disk, i);
            return err;
        }
    }
    return 0;
}

void kv_disk_readers_stop(struct kv_disk *disk)
{
    if (disk->readers)
        stop_some(disk, READERS);
}

static void on_back(struct kv_port *port, struct kv_job *first)
{
    struct kv_disk_reader_port *self = weft_container_of(port, struct kv_disk_reader_port, port);
    self->back(self->loop, first);
}

int kv_disk_readers_join(struct kv_disk_loop *loop,
                         void (*back)(struct kv_disk_loop *loop, struct kv_job *first))
{
    struct kv_disk *disk = loop->disk;
    if (!disk->readers)
        return 0;
    loop->reader_ports = weft_calloc(READERS, sizeof *loop->reader_ports);
    if (!loop->reader_ports)
        return -ENOMEM;
    for (size_t i = 0; i < READERS; i++) {
        struct kv_disk_reader_port *port = &loop->reader_ports[i];
        port->loop = loop;
        port->back = back;
        port->port = (struct kv_port){
            .writer = &disk->readers[i].thread, .loop = loop->port.loop, .back = on_back};
        kv_port_open(&port->port);
    }
    return 0;
}

void kv_disk_readers_leave(struct kv_disk_loop *loop)
{
    if (!loop->reader_ports)
        return;
    for (size_t i = 0; i < READERS; i++)
        kv_port_close(&loop->reader_ports[i].port);
    weft_free(loop->reader_ports);
    loop->reader_ports = NULL;
}

void kv_disk_readers_send(struct kv_disk_loop *loop, struct kv_job *job)
{
    kv_port_send(&loop->reader_ports[loop->next_reader++ % READERS].port, job);
}
