/* SPDX-License-Identifier: MIT
 *
 * One session of a store, used from a test: an operation at a time, each until it is done. What was
 * found is copied, so that it can be looked at afterwards. */
#ifndef TEST_STORE_CLIENT_H
#define TEST_STORE_CLIENT_H

#include "services/kv/store.h"

struct store_client {
    const struct kv_store *store;
    struct weft_loop *loop;
    void *state, *loop_state, *session;
    unsigned done;           /* operations that were */
    enum kv_outcome outcome; /* of the last one */
};

/* Makes the store (max_memory 0: any), a loop and a session; what fails aborts. */
void store_client_init(struct store_client *self, const struct kv_store *store,
                       uint64_t max_memory);
/* Makes a client whose store has a seed of 16 bytes; NULL: a random one. */
void store_client_init_seeded(struct store_client *self, const struct kv_store *store,
                              uint64_t max_memory, const uint8_t *seed);
void store_client_fini(struct store_client *self);

/* One more session of a client's store on its loop. */
void store_client_join(struct store_client *self, const struct store_client *other);
void store_client_leave(struct store_client *self);

/* Joins on a loop of its own, for a thread of its own. Called, like leave_loop, while no thread runs. */
void store_client_join_loop(struct store_client *self, const struct store_client *other);
void store_client_leave_loop(struct store_client *self);

/* Does items in one operation; found.bytes and found.blob of those present are the items' own until
 * store_items_drop. */
enum kv_outcome store_client_do(struct store_client *self, enum kv_store_kind kind,
                                const char *table, struct kv_item *items, size_t count);
void store_items_drop(struct kv_item *items, size_t count);

/* One key; true where it was there. */
bool store_client_has(struct store_client *self, const char *table, const char *key);
void store_client_set(struct store_client *self, const char *table, const char *key,
                      const char *value);
bool store_client_del(struct store_client *self, const char *table, const char *key);
/* Returns the value as text, static until the next call, or NULL if there is none. */
const char *store_client_get(struct store_client *self, const char *table, const char *key);

/* Does a KV_MUPDATE as store_client_do does others. */
enum kv_outcome store_client_update(struct store_client *self, const char *table,
                                    struct kv_item *items, size_t count, bool apart);

/* Does a KV_MSET with if_table as store_client_do does others. */
enum kv_outcome store_client_set_if_table(struct store_client *self, const char *table,
                                          struct kv_item *items, size_t count);

/* Does KV_COUNT or KV_DROP. */
enum kv_outcome store_client_total(struct store_client *self, enum kv_store_kind kind,
                                   const char *table, uint64_t *total);

/* Does a page with the kind, table, prefix, count, exact and cursor of op. each may be NULL. */
enum kv_outcome store_client_page_of(struct store_client *self, const struct kv_op *op,
                                     bool (*each)(void *arg, const struct kv_pair *pair),
                                     void *arg);

/* One page from cursor on, which moves. each may be NULL. */
enum kv_outcome store_client_page(struct store_client *self, const char *table, size_t count,
                                  struct kv_cursor *cursor,
                                  bool (*each)(void *arg, const struct kv_pair *pair), void *arg);
/* One page of an exact walk. */
enum kv_outcome store_client_exact_page(struct store_client *self, const char *table, size_t count,
                                        struct kv_cursor *cursor,
                                        bool (*each)(void *arg, const struct kv_pair *pair),
                                        void *arg);

#endif
