/* SPDX-License-Identifier: MIT
 *
 * Shared by the topics of the disk suite: a store in a folder, which can be closed and opened again, and
 * a session of it. Private to the suite. */
#ifndef TEST_DISK_SUITE_WORLD_H
#define TEST_DISK_SUITE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/virtual_loop.h"
#include "services/kv/store.h"

struct disk_session {
    struct weft_loop *loop;
    void *loop_state, *session;
};

struct disk_world {
    char folder[64], path[96];
    void *state;
    struct kv_progress *progress; /* of the next open; NULL: nobody hears of it */
    struct disk_session first;
};

/* Which store the tests are of. Borrowed. */
void disk_suite_choose(const struct kv_store *store);
const struct kv_store *disk_suite_store(void);
/* The option `sync` of the stores that are opened from now on; at first "off". Borrowed. */
void disk_suite_sync(const char *sync);
int disk_suite__run_failures(const char *name);
int disk_suite__run_oracle(const char *name);
int disk_suite__run_threads(const char *name);

/* cmocka's fixtures; the state is a struct disk_world with an open store. */
int disk_world_setup(void **state);
int disk_world_teardown(void **state);
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, disk_world_setup, disk_world_teardown)

/* Opens the store of a folder with the options, or with sync alone; closes it. */
int disk_world_try(struct disk_world *world, const struct weft_option_set *set,
                   struct weft_error *error);
void disk_world_open(struct disk_world *world);
void disk_world_close(struct disk_world *world);

/* A session on a loop of its own. */
void disk_session_open(struct disk_session *session, void *state);
void disk_session_close(struct disk_session *session);

/* Operations of a session that are submitted together, within one turn. */
struct disk_run {
    struct kv_op op;
    bool is_done;
    enum kv_outcome outcome;
    /* Called within done, while the results are valid. */
    void (*look)(struct disk_run *run);
    void *arg;
};

void disk_submit(struct disk_session *session, struct disk_run *runs, size_t count);
/* Has turns until all of them are done. False: one never was. */
bool disk_await(struct disk_session *session, const struct disk_run *runs, size_t count);
/* Both, for one operation. */
enum kv_outcome disk_do(struct disk_session *session, struct disk_run *run);

#endif
