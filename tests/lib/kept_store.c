/* SPDX-License-Identifier: MIT */
#include "kept_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kept_plan kept_plan = {.sync = "always"};

void kept_dir_make(char dir[64])
{
    /* In memory, where a sync costs nothing, if the system has such a place. */
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(dir, 64, "%s/kept-XXXXXX", parent);
    if (!mkdtemp(dir))
        abort();
}

void kept_dir_remove(const char *dir)
{
    DIR *stream = opendir(dir);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL)
        (void)!unlinkat(dirfd(stream), entry->d_name, 0);
    if (stream)
        closedir(stream);
    (void)!rmdir(dir);
}

/* A store that has a directory of its own keeps its name behind it. */
struct planned {
    struct kv_kept kept;
    char own[64];
};

static int init(void *store, const struct kv_store_options *given, struct weft_error *error)
{
    struct planned *self = store;
    char size[32];
    (void)snprintf(size, sizeof size, "%" PRIu64, kept_plan.snapshot);
    const struct weft_option_value values[] = {{"sync", kept_plan.sync}, {"snapshot", size}};
    const struct weft_option_set set = {values, kept_plan.snapshot > 0 ? 2 : 1};
    struct kv_store_options options = *given;
    if (kept_plan.dir[0] == '\0')
        kept_dir_make(self->own);
    options.where = kept_plan.dir[0] == '\0' ? self->own : kept_plan.dir;
    options.set = &set;
    options.log = kept_plan.log;
    options.progress = kept_plan.progress;
    int err = kv_kept_init(&self->kept, &options, !kept_plan.threads, error);
    if (err < 0) {
        (void)snprintf(kept_plan.error, sizeof kept_plan.error, "%s", error->text);
        if (self->own[0] != '\0')
            kept_dir_remove(self->own);
    }
    return err;
}

static void fini(void *store)
{
    struct planned *self = store;
    kv_kept_fini(&self->kept);
    if (self->own[0] != '\0')
        kept_dir_remove(self->own);
}

struct kv_store kept_store(bool late)
{
    struct kv_store store = late ? kv_kept_late : kv_kept_quick;
    store.store_size = sizeof(struct planned);
    store.init = init;
    store.fini = fini;
    return store;
}
