/* SPDX-License-Identifier: MIT */
#include "disk_store.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "scratch.h"

enum { ROOM = 8192, OPTIONS = 4 };

struct scratch_store {
    char folder[64];
    alignas(max_align_t) uint8_t inner[ROOM];
};

static const struct kv_store *inside;
static struct weft_option_value values[OPTIONS];
static struct weft_option_set set = {values, 0};

static int scratch_init(void *store, const struct kv_store_options *options,
                        struct weft_error *error)
{
    struct scratch_store *self = store;
    char path[96];
    if (inside->store_size > ROOM)
        abort();
    scratch_make(self->folder, sizeof self->folder);
    (void)snprintf(path, sizeof path, "%s/store", self->folder);
    struct kv_store_options own = *options;
    own.where = path;
    own.set = &set;
    int err = inside->init(self->inner, &own, error);
    if (err < 0)
        scratch_remove(self->folder);
    return err;
}

static void scratch_fini(void *store)
{
    struct scratch_store *self = store;
    inside->fini(self->inner);
    scratch_remove(self->folder);
}

static int scratch_start(void *loop_state, void *store, struct weft_loop *loop)
{
    struct scratch_store *self = store;
    return inside->start(loop_state, self->inner, loop);
}

const struct kv_store *disk_store_in_scratch(const struct kv_store *store,
                                             const char *const *options)
{
    static struct kv_store made;
    inside = store;
    for (set.count = 0; options[2 * set.count]; set.count++)
        values[set.count] =
            (struct weft_option_value){options[2 * set.count], options[2 * set.count + 1]};
    made = *store;
    made.store_size = sizeof(struct scratch_store);
    made.init = scratch_init;
    made.fini = scratch_fini;
    made.start = scratch_start;
    return &made;
}
