/* SPDX-License-Identifier: MIT
 *
 * The engine of the LMDB store. All keys lie in the one unnamed database of the environment.
 *
 * Reads go by a transaction of the loop, which is reset at the end of a turn and renewed with the first
 * read of another, and show values where they lie in the map. The map is as large as the file may ever
 * become, which takes addresses and no memory, so it never has to be moved while loops read; the file
 * grows under it with what is written. */
#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "core/base/mem.h"
#include "core/base/units.h"
#include "services/kv/stores/parts/disk.h"
#include "services/kv/stores/on_disk.h"

enum {
    READERS_MOST = 1024, /* two loop states for each of 512 loops */
    MODE = 0600,
    FULL_LEAST = 1 << 20, /* a disk with less room than this may be why a write failed */
};
#define SIZE_LEAST   (UINT64_C(1) << 20)
#define SIZE_DEFAULT (UINT64_C(1) << 40)
#define SIZE_MOST    (UINT64_C(1) << 46)
/* A map without a given size may become as small as this, where addresses are scarce. */
#define SIZE_SCARCE  (UINT64_C(1) << 30)

struct lmdb {
    MDB_env *env;
    MDB_dbi dbi;
    uint64_t size; /* of the map, and the most that the file may have */
    char path[4096];
    _Atomic(MDB_env *) rescue; /* what is read after a write has failed */
};

struct lmdb_tx {
    struct lmdb *lmdb;
    MDB_txn *txn;       /* a reader's lives as long as the tx, reset between states */
    MDB_cursor *cursor; /* of the state or transaction; NULL: none yet */
    bool sought;        /* the cursor stands on a key that next has not shown */
    MDB_env *env;       /* that txn is of */
    bool writes;
};

static int error_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return 0;
    case MDB_NOTFOUND:
        return -ENOENT;
    case MDB_MAP_FULL:
        return -ERESTART;
    case MDB_TXN_FULL:
        return -ENOSPC;
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
        return -EPROTO;
    case MDB_READERS_FULL:
        return -EUSERS;
    default:
        return rc > 0 ? -rc : -EIO;
    }
}

static MDB_val val(struct weft_view view)
{
    return (MDB_val){view.size, (void *)(uintptr_t)view.data};
}

static struct weft_view view(MDB_val value)
{
    return weft_view(value.mv_data, value.mv_size);
}

static int open_env(const char *path, unsigned flags, uint64_t size, MDB_env **env)
{
    int rc = mdb_env_create(env);
    if (rc != 0)
        return rc;
    rc = mdb_env_set_mapsize(*env, size);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(*env, READERS_MOST);
    if (rc == 0)
        rc = mdb_env_open(*env, path, MDB_NOTLS | MDB_NOMEMINIT | flags, MODE);
    if (rc != 0)
        mdb_env_close(*env);
    return rc;
}

/* Reads the option `size`; 0, if it was not given. */
static int read_size(const struct weft_option_set *set, uint64_t *size, struct weft_error *error)
{
    const char *text = weft_option_get(set, "size");
    *size = 0;
    if (!text)
        return 0;
    if (weft_parse_size(text, size) == 0 && *size >= SIZE_LEAST && *size <= SIZE_MOST) {
        *size &= ~UINT64_C(0xFFF);
        return 0;
    }
    return weft_error_set(error, WEFT_ECONFIG,
                          "size=%.64s: it is a size from 1MiB to 64TiB, as 8GiB", text);
}

static int open_database(struct lmdb *self)
{
    MDB_txn *txn;
    int dead;
    int rc = mdb_reader_check(self->env, &dead);
    if (rc == 0)
        rc = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &self->dbi);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

/* Opens the environment with a map of that size. If none was given, as large a map as there are
 * addresses for. */
static int open_sized(struct lmdb *self, uint64_t size, bool is_synced)
{
    unsigned flags = is_synced ? 0 : MDB_NOSYNC;
    self->size = size ? size : SIZE_DEFAULT;
    int rc = open_env(self->path, flags, self->size, &self->env);
    while (rc == ENOMEM && !size && self->size > SIZE_SCARCE) {
        self->size /= 2;
        rc = open_env(self->path, flags, self->size, &self->env);
    }
    if (rc != 0)
        return rc;
    rc = open_database(self);
    if (rc != 0)
        mdb_env_close(self->env);
    return rc;
}

static int lmdb_open(void **engine, const struct kv_engine_options *options,
                     struct weft_error *error)
{
    uint64_t size;
    int err = read_size(options->set, &size, error);
    if (err < 0)
        return err;
    struct lmdb *self = weft_calloc(1, sizeof *self);
    if (!self)
        return weft_error_set(error, -ENOMEM, "lmdb store: no memory");
    (void)snprintf(self->path, sizeof self->path, "%s", options->path);
    int rc = open_sized(self, size, options->sync.when == KV_SYNC_ALWAYS);
    if (rc != 0) {
        err = weft_error_set(error, error_of(rc), "lmdb store: %.300s: %s", self->path,
                             mdb_strerror(rc));
        weft_free(self);
        return err;
    }
    *engine = self;
    return 0;
}

static void lmdb_close(void *engine)
{
    struct lmdb *self = engine;
    MDB_env *rescue = atomic_load(&self->rescue);
    if (rescue)
        mdb_env_close(rescue);
    else
        (void)mdb_env_sync(self->env, 1);
    mdb_env_close(self->env);
    weft_free(self);
}

static int open_reader(struct lmdb_tx *tx, MDB_env *env)
{
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &tx->txn);
    if (rc == 0) {
        mdb_txn_reset(tx->txn);
        tx->env = env;
    }
    return rc;
}

static int lmdb_tx_open(void *memory, void *engine, enum kv_engine_tx kind)
{
    struct lmdb_tx *tx = memory;
    tx->lmdb = engine;
    tx->writes = kind == KV_ENGINE_WRITER;
    if (tx->writes)
        return 0;
    return error_of(open_reader(tx, tx->lmdb->env));
}

static void drop_cursor(struct lmdb_tx *tx)
{
    if (tx->cursor)
        mdb_cursor_close(tx->cursor);
    tx->cursor = NULL;
}

static void lmdb_tx_close(void *memory)
{
    struct lmdb_tx *tx = memory;
    if (tx->writes)
        return;
    if (tx->txn)
        mdb_txn_abort(tx->txn);
}

/* After a write has failed, the reader goes on with the environment that only reads. */
static int begin_rescue(struct lmdb_tx *tx, MDB_env *rescue)
{
    if (tx->txn)
        mdb_txn_abort(tx->txn);
    tx->txn = NULL;
    return open_reader(tx, rescue);
}

static int begin_read(struct lmdb_tx *tx)
{
    MDB_env *rescue = atomic_load_explicit(&tx->lmdb->rescue, memory_order_acquire);
    int rc = 0;
    if (rescue && tx->env != rescue)
        rc = begin_rescue(tx, rescue);
    if (rc == 0)
        rc = mdb_txn_renew(tx->txn);
    return error_of(rc);
}

static int lmdb_begin(void *memory)
{
    struct lmdb_tx *tx = memory;
    if (!tx->writes)
        return begin_read(tx);
    return error_of(mdb_txn_begin(tx->lmdb->env, NULL, 0, &tx->txn));
}

static void lmdb_end(void *memory)
{
    struct lmdb_tx *tx = memory;
    drop_cursor(tx);
    if (!tx->writes) {
        mdb_txn_reset(tx->txn);
        return;
    }
    mdb_txn_abort(tx->txn);
    tx->txn = NULL;
}

static int open_cursor(struct lmdb_tx *tx)
{
    return tx->cursor ? 0 : mdb_cursor_open(tx->txn, tx->lmdb->dbi, &tx->cursor);
}

/* The writer gets by its cursor, since it often puts in the same place. */
static int lmdb_get(void *memory, struct weft_view key, struct weft_view *value)
{
    struct lmdb_tx *tx = memory;
    MDB_val k = val(key), v;
    int rc;
    if (tx->writes) {
        rc = open_cursor(tx);
        if (rc == 0)
            rc = mdb_cursor_get(tx->cursor, &k, &v, MDB_SET);
    } else {
        rc = mdb_get(tx->txn, tx->lmdb->dbi, &k, &v);
    }
    if (rc == 0)
        *value = view(v);
    return error_of(rc);
}

static int lmdb_seek(void *memory, struct weft_view from)
{
    struct lmdb_tx *tx = memory;
    MDB_val k = val(from), v;
    int rc = open_cursor(tx);
    if (rc == 0)
        rc = mdb_cursor_get(tx->cursor, &k, &v, MDB_SET_RANGE);
    tx->sought = rc == 0;
    return error_of(rc);
}

static int lmdb_next(void *memory, struct weft_view *key, struct weft_view *value)
{
    struct lmdb_tx *tx = memory;
    MDB_val k, v;
    int rc = mdb_cursor_get(tx->cursor, &k, &v, tx->sought ? MDB_GET_CURRENT : MDB_NEXT);
    tx->sought = false;
    if (rc != 0)
        return error_of(rc);
    *key = view(k);
    *value = view(v);
    return 0;
}

static int lmdb_put(void *memory, struct weft_view key, const struct weft_view *parts, size_t count)
{
    struct lmdb_tx *tx = memory;
    MDB_val k = val(key), v = {0, NULL};
    for (size_t i = 0; i < count; i++)
        v.mv_size += parts[i].size;
    int rc = open_cursor(tx);
    if (rc == 0)
        rc = mdb_cursor_put(tx->cursor, &k, &v, MDB_RESERVE);
    if (rc != 0)
        return error_of(rc);
    uint8_t *at = v.mv_data;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0)
            memcpy(at, parts[i].data, parts[i].size);
        at += parts[i].size;
    }
    return 0;
}

static int lmdb_remove(void *memory, struct weft_view key)
{
    struct lmdb_tx *tx = memory;
    MDB_val k = val(key);
    return error_of(mdb_del(tx->txn, tx->lmdb->dbi, &k, NULL));
}

/* LMDB says EIO where the disk took a part of what it wrote, which is how a full disk begins. To take another
 * error for that does no harm: no page of a transaction that failed is ever used. */
static bool is_full(const struct lmdb *self)
{
    struct statvfs info;
    return statvfs(self->path, &info) == 0 && (uint64_t)info.f_bavail * info.f_frsize < FULL_LEAST;
}

static int lmdb_commit(void *memory)
{
    struct lmdb_tx *tx = memory;
    drop_cursor(tx);
    int rc = mdb_txn_commit(tx->txn);
    tx->txn = NULL;
    return rc == EIO && is_full(tx->lmdb) ? -ENOSPC : error_of(rc);
}

static int lmdb_sync(void *engine)
{
    struct lmdb *self = engine;
    return error_of(mdb_env_sync(self->env, 1));
}

/* The map is full. A reader that died in another process may have kept pages from being used again. */
static int lmdb_make_room(void *engine)
{
    struct lmdb *self = engine;
    int dead = 0;
    int rc = mdb_reader_check(self->env, &dead);
    if (rc != 0)
        return error_of(rc);
    return dead > 0 ? 0 : -ENOSPC;
}

/* Opens an environment that only reads. A handle is needed in each, though it is the same number. */
static int open_rescue(struct lmdb *self, MDB_env **env)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    int rc = open_env(self->path, MDB_RDONLY | MDB_NOLOCK, self->size, env);
    if (rc != 0)
        return rc;
    rc = mdb_txn_begin(*env, NULL, MDB_RDONLY, &txn);
    if (rc == 0) {
        rc = mdb_dbi_open(txn, NULL, 0, &dbi);
        mdb_txn_abort(txn);
    }
    if (rc != 0)
        mdb_env_close(*env);
    return rc;
}

/* LMDB refuses even reads in an environment of which it could not write the head, and a head that was
 * not synced may be seen there. A second environment reads what the file has. */
static void lmdb_fail(void *engine)
{
    struct lmdb *self = engine;
    MDB_env *rescue;
    if (open_rescue(self, &rescue) == 0)
        atomic_store_explicit(&self->rescue, rescue, memory_order_release);
}

static const struct kv_engine engine = {
    .name = "lmdb",
    .tx_size = sizeof(struct lmdb_tx),
    .open = lmdb_open,
    .close = lmdb_close,
    .tx_open = lmdb_tx_open,
    .tx_close = lmdb_tx_close,
    .begin = lmdb_begin,
    .end = lmdb_end,
    .get = lmdb_get,
    .seek = lmdb_seek,
    .next = lmdb_next,
    .put = lmdb_put,
    .remove = lmdb_remove,
    .commit = lmdb_commit,
    .sync = lmdb_sync,
    .make_room = lmdb_make_room,
    .fail = lmdb_fail,
};

static int lmdb_init(void *store, const struct kv_store_options *options, struct weft_error *error)
{
    return kv_disk_init(store, &engine, options, error);
}

static const struct weft_option lmdb_options[] = {
    {.name = "size", .values = "SIZE", .help = "the most that the file may grow to, 1TiB"},
    KV_SYNC_OPTION,
    KV_TRAIL_OPTION,
    {.name = NULL},
};

const struct kv_store weft_kv_store_lmdb = {
    .name = "lmdb",
    .where = "DIR",
    .options = lmdb_options,
    .flags = KV_DISK_FLAGS | KV_STORE_READS_INLINE,
    .store_size = sizeof(struct kv_disk),
    .loop_size = sizeof(struct kv_disk_loop),
    .session_size = sizeof(struct kv_disk_session),
    .init = lmdb_init,
    .fini = kv_disk_fini,
    .collect = kv_disk_collect,
    .start = kv_disk_start,
    .stop = kv_disk_stop,
    .open = kv_disk_open,
    .close = kv_disk_close,
    .submit = kv_disk_submit,
    .follow = kv_disk_follow,
    .unfollow = kv_disk_unfollow,
    .next_change = kv_disk_next_change,
};
