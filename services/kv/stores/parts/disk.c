/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "disk_apply.h"
#include "disk_read.h"
#include "disk_write.h"

enum { TICK_MS = 100 }; /* between two times that a loop tells the writer the time */

/* Reads what the store has, in the first transaction. */
static int begin_ledger(struct kv_disk *disk)
{
    const struct kv_engine *engine = disk->engine;
    int err = engine->begin(disk->tx);
    if (err < 0)
        return err;
    err = kv_ledger_init(&disk->ledger, engine, disk->tx);
    if (err < 0) {
        engine->end(disk->tx);
        return err;
    }
    int64_t next;
    err = kv_disk_next_expiry(disk, &next);
    if (err == 0) {
        atomic_store(&disk->next_expiry, next);
        err = engine->commit(disk->tx);
    } else {
        engine->end(disk->tx);
    }
    if (err < 0)
        kv_ledger_fini(&disk->ledger);
    return err;
}

static int open_tx(struct kv_disk *disk, bool writes, void **tx)
{
    *tx = weft_calloc(1, disk->engine->tx_size);
    if (!*tx)
        return -ENOMEM;
    int err = disk->engine->tx_open(*tx, disk->state, writes);
    if (err < 0)
        weft_free(*tx);
    return err;
}

static void close_tx(struct kv_disk *disk, void *tx)
{
    disk->engine->tx_close(tx);
    weft_free(tx);
}

static int start_writer(struct kv_disk *disk)
{
    int err = open_tx(disk, true, &disk->tx);
    if (err < 0)
        return err;
    err = begin_ledger(disk);
    if (err < 0)
        goto err_after_tx;
    err = kv_writer_start(&disk->writer, &kv_disk_writer_calls, disk);
    if (err < 0)
        goto err_after_ledger;
    return 0;

err_after_ledger:
    kv_ledger_fini(&disk->ledger);

err_after_tx:
    close_tx(disk, disk->tx);
    return err;
}

static const char *why(int err)
{
    return err == -EPROTO ? "was written by another version of this store" : weft_strerror(err);
}

int kv_disk_init(struct kv_disk *disk, const struct kv_engine *engine,
                 const struct kv_store_options *options, struct weft_error *error)
{
    const char *path = options->where;
    *disk = (struct kv_disk){.engine = engine, .garbage = true};
    atomic_init(&disk->next_expiry, INT64_MAX);
    if (!path || path[0] == '\0')
        return weft_error_set(error, WEFT_ECONFIG, "%s store: say where: --store %s:DIR",
                              engine->name, engine->name);
    int err = kv_sync_read(&disk->sync, options->set, error);
    if (err < 0)
        return err;
    err = kv_directory_open(&disk->directory, path, engine->name, error);
    if (err < 0)
        return err;
    const struct kv_engine_options own = {path, options->set, disk->sync};
    err = engine->open(&disk->state, &own, error);
    if (err < 0)
        goto err_after_directory;
    err = start_writer(disk);
    if (err < 0) {
        weft_error_set(error, err, "%s store: %.300s: %s", engine->name, path, why(err));
        goto err_after_engine;
    }
    return 0;

err_after_engine:
    engine->close(disk->state);

err_after_directory:
    kv_directory_close(&disk->directory);
    return err;
}

void kv_disk_fini(void *store)
{
    struct kv_disk *disk = store;
    kv_writer_stop(&disk->writer);
    kv_ledger_fini(&disk->ledger);
    close_tx(disk, disk->tx);
    disk->engine->close(disk->state);
    kv_directory_close(&disk->directory);
}

static void at_begin(struct weft_turn_hook *hook)
{
    (void)hook;
}

static void end_reading(struct kv_disk_loop *loop)
{
    if (loop->open)
        loop->disk->engine->end(loop->tx);
    loop->open = false;
}

static void at_end(struct weft_turn_hook *hook)
{
    end_reading(weft_container_of(hook, struct kv_disk_loop, hook));
}

static int64_t now_of(struct kv_disk_loop *loop)
{
    return weft_loop_wall(loop->port.loop);
}

static void tell_time(struct kv_disk *disk, int64_t now)
{
    int64_t before = atomic_load_explicit(&disk->now, memory_order_relaxed);
    while (before < now && !atomic_compare_exchange_weak(&disk->now, &before, now))
        ;
}

/* Sees to it that the writer hears when the next pair has expired. */
static void arm(struct kv_disk_loop *loop)
{
    int64_t next = atomic_load_explicit(&loop->disk->next_expiry, memory_order_relaxed);
    if (next == INT64_MAX || weft_timer_is_armed(&loop->timer))
        return;
    int64_t delay = next - now_of(loop);
    if (delay < TICK_MS)
        delay = TICK_MS;
    if (delay > INT64_MAX / 1000000)
        delay = INT64_MAX / 1000000;
    weft_loop_after(loop->port.loop, &loop->timer, delay * 1000000);
}

static void on_timer(struct weft_timer *timer)
{
    struct kv_disk_loop *loop = weft_container_of(timer, struct kv_disk_loop, timer);
    struct kv_disk *disk = loop->disk;
    int64_t now = now_of(loop);
    if (atomic_load(&disk->next_expiry) <= now) {
        tell_time(disk, now);
        kv_writer_wake(&disk->writer);
    }
    arm(loop);
}

/* Takes the newest state, if the one at hand is not that. The number of commits is read before the state
 * is taken, so it is at most too small, and the next read takes a state once more. While views are shown
 * the state stays: a read that is submitted meanwhile was asked for before that state was taken. */
static int refresh(struct kv_disk_loop *loop)
{
    struct kv_disk *disk = loop->disk;
    unsigned long long commits = atomic_load_explicit(&disk->commits, memory_order_acquire);
    if (loop->open && (loop->commits == commits || loop->showing > 0))
        return 0;
    end_reading(loop);
    int err = disk->engine->begin(loop->tx);
    if (err < 0)
        return err;
    loop->open = true;
    loop->commits = commits;
    return 0;
}

/* Finds the number of a table; 0: there is none. Each loop remembers the last one, until a table comes or
 * goes. `moves` is as it was before the state was taken: if it is the same afterwards and even, no
 * commit that moves a table lies between what the cache knows and the state. */
static int find_table(struct kv_disk_loop *loop, const struct kv_disk_reading *reading,
                      struct weft_view name, unsigned long long moves, uint64_t *number)
{
    struct kv_disk *disk = loop->disk;
    uint64_t count;
    bool steady =
        moves % 2 == 0 && atomic_load_explicit(&disk->moves, memory_order_acquire) == moves;
    if (steady && loop->cache.number != 0 && loop->cache.moves == moves &&
        weft_view_equal(weft_view(loop->cache.name, loop->cache.size), name)) {
        *number = loop->cache.number;
        return 0;
    }
    int err = kv_disk_table(reading, name, number, &count);
    if (err == -ENOENT)
        *number = 0;
    if (err < 0)
        return err == -ENOENT ? 0 : err;
    if (steady && name.size > 0 && name.size <= KV_DISK_NAME_CACHED) {
        loop->cache.moves = moves;
        loop->cache.number = *number;
        loop->cache.size = name.size;
        memcpy(loop->cache.name, name.data, name.size);
    }
    return 0;
}

static int count_pairs(const struct kv_disk_reading *reading, struct kv_op *op)
{
    uint64_t number;
    int err = kv_disk_table(reading, op->table, &number, &op->total);
    if (err == -ENOENT)
        op->total = 0;
    return err == -ENOENT ? 0 : err;
}

/* Does a read on the loop. */
static int read_here(struct kv_disk_loop *loop, struct kv_op *op)
{
    struct kv_disk *disk = loop->disk;
    unsigned long long moves = atomic_load_explicit(&disk->moves, memory_order_acquire);
    uint64_t number = 0;
    int err = refresh(loop);
    if (err < 0)
        return err;
    const struct kv_disk_reading reading = {.engine = disk->engine,
                                            .tx = loop->tx,
                                            .now = weft_loop_wall(loop->port.loop),
                                            .secret = disk->ledger.secret};
    if (op->kind == KV_COUNT)
        return count_pairs(&reading, op);
    if (op->kind != KV_TABLES)
        err = find_table(loop, &reading, op->table, moves, &number);
    if (err < 0)
        return err;
    return op->kind == KV_WALK || op->kind == KV_TABLES ? kv_disk_walk(&reading, op, number)
                                                        : kv_disk_get(&reading, op, number);
}

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

/* Calls done of a read that was done here. Its views lie in the state, so that must stay meanwhile. */
static void show(struct kv_disk_loop *loop, struct kv_op *op, int err)
{
    loop->showing++;
    op->done(op, outcome_of(err));
    loop->showing--;
}

static void send(struct kv_disk_loop *loop, struct kv_disk_job *job)
{
    job->where = KV_DISK_AWAY;
    job->now = now_of(loop);
    tell_time(loop->disk, job->now);
    kv_port_send(&loop->port, &job->job);
}

/* True if the operation shows pairs or looks at a whole table, which is done on loops alone. */
static bool is_for_loops(const struct kv_op *op)
{
    return op->kind == KV_WALK || op->kind == KV_TABLES || op->kind == KV_COUNT;
}

static bool is_read(const struct kv_op *op)
{
    return is_for_loops(op) || op->kind == KV_MGET || op->kind == KV_MEXIST;
}

/* Answers the first job of the session, which is back or was done here with err. False: the session was
 * closed by who got the answer. */
static bool answer_first(struct kv_disk_session *session, int err)
{
    struct kv_disk_loop *loop = session->loop;
    struct kv_disk_job *job = session->first;
    struct kv_op *op = job->op;
    bool closed = false;
    session->first = job->next;
    session->closed = &closed;
    if (job->here || job->redo) {
        kv_disk_job_free(job);
        show(loop, op, err);
    } else {
        if (job->outcome == KV_DONE || job->outcome == KV_UNMET)
            kv_disk_job_tell(job);
        op->done(op, job->outcome);
        kv_disk_job_free(job);
    }
    if (!closed)
        session->closed = NULL;
    return !closed;
}

/* Sends what waits at the head, up to the first job that is for the loop. */
static void send_waiting(struct kv_disk_session *session)
{
    for (struct kv_disk_job *job = session->first; job && !job->here; job = job->next)
        if (job->where == KV_DISK_WAITS)
            send(session->loop, job);
}

/* Answers what can be answered, in order, and sends what had to wait for it. It is never nested. */
static void pump(struct kv_disk_session *session)
{
    bool open = true;
    session->pumping = true;
    while (open && session->first && session->first->where != KV_DISK_AWAY) {
        struct kv_disk_job *job = session->first;
        int err = 0;
        if (!job->here && job->where == KV_DISK_WAITS) {
            send_waiting(session);
            break;
        }
        if (job->here || job->redo)
            err = read_here(session->loop, job->op);
        open = answer_first(session, err);
    }
    if (open)
        session->pumping = false;
}

static void on_back(struct kv_port *port, struct kv_job *first)
{
    struct kv_disk_loop *loop = weft_container_of(port, struct kv_disk_loop, port);
    while (first) {
        struct kv_disk_job *job = (struct kv_disk_job *)first;
        first = first->next;
        job->where = KV_DISK_BACK;
        if (!job->session)
            kv_disk_job_free(job);
        else if (job->session->first == job && !job->session->pumping)
            pump(job->session);
    }
    arm(loop);
}

int kv_disk_start(void *loop_state, void *store, struct weft_loop *loop)
{
    struct kv_disk_loop *self = loop_state;
    self->disk = store;
    int err = open_tx(self->disk, false, &self->tx);
    if (err < 0)
        return err;
    self->port = (struct kv_port){.writer = &self->disk->writer, .loop = loop, .back = on_back};
    kv_port_open(&self->port);
    self->hook = (struct weft_turn_hook){.begin = at_begin, .end = at_end};
    weft_loop_add_hook(loop, &self->hook);
    self->timer.fire = on_timer;
    arm(self);
    return 0;
}

void kv_disk_stop(void *loop_state)
{
    struct kv_disk_loop *self = loop_state;
    weft_timer_stop(&self->timer);
    weft_loop_remove_hook(self->port.loop, &self->hook);
    end_reading(self);
    kv_port_close(&self->port);
    close_tx(self->disk, self->tx);
}

int kv_disk_open(void *session, void *loop_state)
{
    struct kv_disk_session *self = session;
    self->loop = loop_state;
    return 0;
}

void kv_disk_close(void *session)
{
    struct kv_disk_session *self = session;
    if (self->closed)
        *self->closed = true;
    self->pumping = true;
    while (self->first) {
        struct kv_disk_job *job = self->first;
        struct kv_op *op = job->op;
        self->first = job->next;
        if (job->where == KV_DISK_AWAY)
            job->session = NULL;
        else
            kv_disk_job_free(job);
        op->done(op, KV_UNKNOWN);
    }
}

static void add(struct kv_disk_session *session, struct kv_disk_job *job)
{
    job->session = session;
    job->next = NULL;
    if (session->first)
        session->last->next = job;
    else
        session->first = job;
    session->last = job;
}

/* A job that is for the loop waits until all before it are answered, and so does whatever follows it. */
void kv_disk_submit(void *session, struct kv_op *op)
{
    struct kv_disk_session *self = session;
    bool idle = !self->first && !self->pumping;
    bool here = is_for_loops(op) || (is_read(op) && !self->first);
    if (idle && is_read(op)) {
        show(self->loop, op, read_here(self->loop, op));
        return;
    }
    bool waits = here || (self->first && self->last->where == KV_DISK_WAITS);
    struct kv_disk_job *job = kv_disk_job_new(op, here);
    if (!job) {
        op->done(op, KV_UNAVAILABLE);
        return;
    }
    add(self, job);
    if (!waits)
        send(self->loop, job);
}
