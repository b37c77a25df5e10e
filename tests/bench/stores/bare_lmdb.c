/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <lmdb.h>
#include <stdint.h>
#include <string.h>

#include "bare.h"

static MDB_env *env;
static MDB_txn *txn;
static MDB_dbi dbi;

static void check(int rc)
{
    if (rc != 0)
        errx(1, "lmdb: %s", mdb_strerror(rc));
}

static void begin(void)
{
    check(mdb_txn_begin(env, NULL, 0, &txn));
}

static void lmdb_open(const char *folder)
{
    check(mdb_env_create(&env));
    check(mdb_env_set_mapsize(env, (size_t)1 << 30));
    check(mdb_env_open(env, folder, MDB_NOMEMINIT, 0600));
    begin();
    check(mdb_dbi_open(txn, NULL, 0, &dbi));
}

static void lmdb_put(const char *key, const char *value, size_t value_size)
{
    MDB_val k = {strlen(key), (void *)(uintptr_t)key};
    MDB_val v = {value_size, (void *)(uintptr_t)value};
    check(mdb_put(txn, dbi, &k, &v, 0));
}

static void lmdb_commit(void)
{
    check(mdb_txn_commit(txn));
    begin();
}

static void lmdb_close(void)
{
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

const struct bare bare_lmdb = {"lmdb", lmdb_open, lmdb_put, lmdb_commit, lmdb_close};
