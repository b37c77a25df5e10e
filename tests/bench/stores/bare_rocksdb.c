/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <rocksdb/c.h>
#include <string.h>

#include "bare.h"

static rocksdb_t *db;
static rocksdb_options_t *options;
static rocksdb_writeoptions_t *writing;
static rocksdb_writebatch_t *batch;

static void check(const char *error)
{
    if (error)
        errx(1, "rocksdb: %s", error);
}

static void rocks_open(const char *folder)
{
    char *error = NULL;
    options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    db = rocksdb_open(options, folder, &error);
    check(error);
    writing = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(writing, 1);
    batch = rocksdb_writebatch_create();
}

static void rocks_put(const char *key, const char *value, size_t value_size)
{
    rocksdb_writebatch_put(batch, key, strlen(key), value, value_size);
}

static void rocks_commit(void)
{
    char *error = NULL;
    rocksdb_write(db, writing, batch, &error);
    check(error);
    rocksdb_writebatch_clear(batch);
}

static void rocks_close(void)
{
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(writing);
    rocksdb_close(db);
    rocksdb_options_destroy(options);
}

const struct bare bare_rocksdb = {"rocksdb", rocks_open, rocks_put, rocks_commit, rocks_close};
