/* SPDX-License-Identifier: MIT
 *
 * The engine of the RocksDB store, on the library's C interface. All keys lie in one column family, in
 * which each table is a prefix.
 *
 * A transaction is a write batch, beside which an overlay lets the writer see its own changes. A reader's
 * state is a snapshot. Readers on loops look at what is in memory alone; the library says "Incomplete" where
 * it would have to read from the disk. */
#include <errno.h>
#include <rocksdb/c.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/units.h"
#include "overlay.h"
#include "services/kv/stores/on_disk.h"
#include "services/kv/stores/parts/disk.h"

enum {
    BLOOM_BITS = 10, /* per key: about one lookup in a hundred of an absent key reads a block */
    PARTS_MOST = 2 + 3,
    CACHE_TIER = 1, /* rocksdb's ReadTier: kBlockCacheTier */
    LOGS_KEPT = 2,
    LOG_FATAL = 4, /* rocksdb's InfoLogLevel */
};
#define CACHE_DEFAULT WEFT_MIB(256)
/* Writes until they become a file. A larger buffer makes each write and each read of it slower. */
#define BUFFER_SIZE   WEFT_MIB(16)

struct rocks {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *writing;
    bool is_always; /* each commit is synced */
};

struct rocks_tx {
    struct rocks *rocks;
    enum kv_engine_tx kind;
    rocksdb_readoptions_t *reading;
    const rocksdb_snapshot_t *snapshot; /* of a reader */
    rocksdb_writebatch_t *batch;        /* of the writer */
    struct kv_overlay *overlay;         /* and its changes, and some before it, by their keys */
    rocksdb_iterator_t *iterator;
    rocksdb_pinnableslice_t *pinned; /* what get showed last */
    bool sought;                     /* the iterator stands on a key that next has not shown */
};

/* The C interface has no codes, only texts, which begin with the code's name. */
static int error_of(char *text)
{
    int err = -EIO;
    if (!text)
        return 0;
    if (strstr(text, "Result incomplete"))
        err = -EAGAIN;
    else if (strstr(text, "No space left on device") || strstr(text, "Space limit reached"))
        err = -ENOSPC;
    else if (strstr(text, "lock hold by"))
        err = -EBUSY;
    rocksdb_free(text);
    return err;
}

static int read_cache(const struct weft_option_set *set, uint64_t *size, struct weft_error *error)
{
    const char *text = weft_option_get(set, "cache");
    *size = CACHE_DEFAULT;
    if (!text ||
        (weft_parse_size(text, size) == 0 && *size >= WEFT_MIB(1) && *size <= WEFT_MIB(1) << 20))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "cache=%.64s: it is a size from 1MiB to 1024GiB",
                          text);
}

/* The options take references, so what is made here is dropped at once.
 *
 * The library's own log is all but silent. It lies beside the data, so a disk that is full or fails makes its
 * file fail too; and a library that was built with assertions, as Debian's is, ends the process when it
 * logs once more. */
static rocksdb_options_t *make_options(uint64_t cache_size)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru((size_t)cache_size);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom(BLOOM_BITS));
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_cache_destroy(cache);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_write_buffer_size(options, BUFFER_SIZE);
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0); /* one thread writes */
    rocksdb_options_set_keep_log_file_num(options, LOGS_KEPT);
    rocksdb_options_set_info_log_level(options, LOG_FATAL);
    return options;
}

static int rocks_open(void **engine, const struct kv_engine_options *options,
                      struct weft_error *error)
{
    uint64_t cache_size;
    char *text = NULL;
    int err = read_cache(options->set, &cache_size, error);
    if (err < 0)
        return err;
    struct rocks *self = weft_calloc(1, sizeof *self);
    if (!self)
        return weft_error_set(error, -ENOMEM, "rocksdb store: no memory");
    self->options = make_options(cache_size);
    self->db = rocksdb_open(self->options, options->path, &text);
    if (text) {
        weft_error_set(error, -EIO, "rocksdb store: %.300s: %s", options->path, text);
        err = error_of(text);
        error->code = err;
        rocksdb_options_destroy(self->options);
        weft_free(self);
        return err;
    }
    self->is_always = options->sync.when == KV_SYNC_ALWAYS;
    self->writing = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(self->writing, self->is_always);
    *engine = self;
    return 0;
}

static int rocks_sync(void *engine)
{
    struct rocks *self = engine;
    char *text = NULL;
    rocksdb_flush_wal(self->db, 1, &text);
    return error_of(text);
}

static void rocks_close(void *engine)
{
    struct rocks *self = engine;
    if (!self->is_always)
        (void)rocks_sync(self);
    rocksdb_close(self->db);
    rocksdb_writeoptions_destroy(self->writing);
    rocksdb_options_destroy(self->options);
    weft_free(self);
}

static int rocks_tx_open(void *memory, void *engine, enum kv_engine_tx kind)
{
    struct rocks_tx *tx = memory;
    tx->rocks = engine;
    tx->kind = kind;
    if (kind == KV_ENGINE_WRITER) {
        tx->overlay = weft_calloc(1, sizeof *tx->overlay);
        if (!tx->overlay)
            return -ENOMEM;
        tx->batch = rocksdb_writebatch_create();
    }
    tx->reading = rocksdb_readoptions_create();
    if (kind == KV_ENGINE_LOOP)
        rocksdb_readoptions_set_read_tier(tx->reading, CACHE_TIER);
    return 0;
}

static void drop_shown(struct rocks_tx *tx)
{
    if (tx->pinned)
        rocksdb_pinnableslice_destroy(tx->pinned);
    tx->pinned = NULL;
}

static void drop_iterator(struct rocks_tx *tx)
{
    if (tx->iterator)
        rocksdb_iter_destroy(tx->iterator);
    tx->iterator = NULL;
}

static void drop_changes(struct rocks_tx *tx)
{
    rocksdb_writebatch_clear(tx->batch);
    kv_overlay_empty(tx->overlay);
}

static void rocks_end(void *memory)
{
    struct rocks_tx *tx = memory;
    drop_shown(tx);
    drop_iterator(tx);
    if (tx->batch)
        drop_changes(tx);
    if (!tx->snapshot)
        return;
    rocksdb_readoptions_set_snapshot(tx->reading, NULL);
    rocksdb_release_snapshot(tx->rocks->db, tx->snapshot);
    tx->snapshot = NULL;
}

static void rocks_tx_close(void *memory)
{
    struct rocks_tx *tx = memory;
    if (tx->batch) {
        rocksdb_writebatch_destroy(tx->batch);
        kv_overlay_empty(tx->overlay);
    }
    weft_free(tx->overlay);
    rocksdb_readoptions_destroy(tx->reading);
}

static int rocks_begin(void *memory)
{
    struct rocks_tx *tx = memory;
    rocksdb_set_perf_level(rocksdb_disable); /* of this thread: nobody reads the counts */
    if (tx->kind == KV_ENGINE_WRITER)
        return 0;
    tx->snapshot = rocksdb_create_snapshot(tx->rocks->db);
    rocksdb_readoptions_set_snapshot(tx->reading, tx->snapshot);
    return 0;
}

static int rocks_get(void *memory, struct weft_view key, struct weft_view *value)
{
    struct rocks_tx *tx = memory;
    char *text = NULL;
    size_t size;
    bool removed;
    drop_shown(tx);
    if (tx->overlay && kv_overlay_find(tx->overlay, key, value, &removed))
        return removed ? -ENOENT : 0;
    tx->pinned =
        rocksdb_get_pinned(tx->rocks->db, tx->reading, (const char *)key.data, key.size, &text);
    if (text)
        return error_of(text);
    const char *data = rocksdb_pinnableslice_value(tx->pinned, &size);
    *value = weft_view(data, size);
    return data ? 0 : -ENOENT;
}

static int rocks_seek(void *memory, struct weft_view from)
{
    struct rocks_tx *tx = memory;
    drop_iterator(tx);
    tx->iterator = rocksdb_create_iterator(tx->rocks->db, tx->reading);
    rocksdb_iter_seek(tx->iterator, (const char *)from.data, from.size);
    tx->sought = true;
    return 0;
}

static int rocks_next(void *memory, struct weft_view *key, struct weft_view *value)
{
    struct rocks_tx *tx = memory;
    char *text = NULL;
    if (!tx->sought)
        rocksdb_iter_next(tx->iterator);
    tx->sought = false;
    if (!rocksdb_iter_valid(tx->iterator)) {
        rocksdb_iter_get_error(tx->iterator, &text);
        return text ? error_of(text) : -ENOENT;
    }
    const char *data = rocksdb_iter_key(tx->iterator, &key->size);
    key->data = (const uint8_t *)data;
    data = rocksdb_iter_value(tx->iterator, &value->size);
    value->data = (const uint8_t *)data;
    return 0;
}

static int rocks_put(void *memory, struct weft_view key, const struct weft_view *parts,
                     size_t count)
{
    struct rocks_tx *tx = memory;
    const char *key_data = (const char *)key.data, *data[PARTS_MOST];
    size_t sizes[PARTS_MOST];
    for (size_t i = 0; i < count; i++) {
        data[i] = parts[i].size > 0 ? (const char *)parts[i].data : "";
        sizes[i] = parts[i].size;
    }
    rocksdb_writebatch_putv(tx->batch, 1, &key_data, &key.size, (int)count, data, sizes);
    return kv_overlay_put(tx->overlay, key, parts, count);
}

static int rocks_remove(void *memory, struct weft_view key)
{
    struct rocks_tx *tx = memory;
    rocksdb_writebatch_delete(tx->batch, (const char *)key.data, key.size);
    return kv_overlay_remove(tx->overlay, key);
}

static int rocks_commit(void *memory)
{
    struct rocks_tx *tx = memory;
    char *text = NULL;
    drop_shown(tx);
    drop_iterator(tx);
    rocksdb_write(tx->rocks->db, tx->rocks->writing, tx->batch, &text);
    if (text)
        drop_changes(tx);
    rocksdb_writebatch_clear(tx->batch);
    kv_overlay_settle(tx->overlay);
    return error_of(text);
}

static int rocks_make_room(void *engine)
{
    (void)engine;
    return -ENOSPC;
}

/* The library itself writes nothing more after an error, and still reads. */
static void rocks_fail(void *engine)
{
    (void)engine;
}

static const struct kv_engine engine = {
    .name = "rocksdb",
    .tx_size = sizeof(struct rocks_tx),
    .blocks = true,
    .open = rocks_open,
    .close = rocks_close,
    .tx_open = rocks_tx_open,
    .tx_close = rocks_tx_close,
    .begin = rocks_begin,
    .end = rocks_end,
    .get = rocks_get,
    .seek = rocks_seek,
    .next = rocks_next,
    .put = rocks_put,
    .remove = rocks_remove,
    .commit = rocks_commit,
    .sync = rocks_sync,
    .make_room = rocks_make_room,
    .fail = rocks_fail,
};

static int rocks_init(void *store, const struct kv_store_options *options, struct weft_error *error)
{
    return kv_disk_init(store, &engine, options, error);
}

static const struct weft_option rocks_options[] = {
    {.name = "cache", .values = "SIZE", .help = "memory for blocks that were read, 256MiB"},
    KV_SYNC_OPTION,
    KV_TRAIL_OPTION,
    {.name = NULL},
};

const struct kv_store weft_kv_store_rocksdb = {
    .name = "rocksdb",
    .where = "DIR",
    .options = rocks_options,
    .flags = KV_DISK_FLAGS,
    .store_size = sizeof(struct kv_disk),
    .loop_size = sizeof(struct kv_disk_loop),
    .session_size = sizeof(struct kv_disk_session),
    .init = rocks_init,
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
