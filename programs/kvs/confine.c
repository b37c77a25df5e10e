/* SPDX-License-Identifier: MIT */
#include "confine.h"

#include <string.h>

#include "core/base/url.h"
#include "sandbox.h"

/* A store on other machines, as in "redis://HOST:PORT?ca=FILE", connects to them whenever it has to. Resolving their
 * names takes files of /etc, and its options may name files, which are read again for each node. */
static void add_remote_store(struct kvs_sandbox *sandbox, const char *store)
{
    struct weft_url url;
    struct weft_error unread;
    const char *options = strchr(store, '?');
    sandbox->connects = true;
    if (!options || weft_url_parse_options(&url, options, &unread) < 0)
        return;
    for (size_t i = 0; i < url.option_count; i++)
        kvs_sandbox_folders_of(sandbox, url.options[i].value);
}

/* The folder of a store, as in "lmdb:/var/lib/kvs?map-size=8GiB", and that above it, where a store may put a
 * file beside its own. */
static void add_store(struct kvs_sandbox *sandbox, const char *store)
{
    char path[KVS_SANDBOX_PATH];
    const char *where = strchr(store, ':');
    size_t size = where ? strcspn(where + 1, "?") : 0;
    if (where && strncmp(where, "://", 3) == 0) {
        add_remote_store(sandbox, store);
        return;
    }
    if (size == 0 || size >= sizeof path)
        return;
    memcpy(path, where + 1, size);
    path[size] = '\0';
    kvs_sandbox_folder(sandbox, path, true);
}

/* The folder of a Unix socket, which is removed at the end, and those of files that options name. */
static void add_url(struct kvs_sandbox *sandbox, const char *text)
{
    struct weft_url url;
    struct weft_error unread;
    if (kvs_is_variant(text) || weft_url_parse(&url, text, &unread) < 0)
        return;
    if (url.path && *url.path != '@')
        kvs_sandbox_folder_of(sandbox, url.path, true);
    for (size_t k = 0; k < url.option_count; k++)
        kvs_sandbox_folders_of(sandbox, url.options[k].value);
}

int kvs_confine(const struct kvs_config *config, const struct weft_log *log,
                struct weft_error *error)
{
    /* Only a file can name other endpoints at a reload: the command line and the environment stay. */
    struct kvs_sandbox sandbox = {.listens = config->file != NULL};
    add_store(&sandbox, config->store);
    if (config->file)
        kvs_sandbox_folder_of(&sandbox, config->file, false);
    if (config->users)
        kvs_sandbox_folder_of(&sandbox, config->users, false);
    if (config->log_file)
        kvs_sandbox_folder_of(&sandbox, config->log_file, true);
    if (config->access_log)
        kvs_sandbox_folder_of(&sandbox, config->access_log, true);
    if (config->handover)
        kvs_sandbox_folder_of(&sandbox, config->handover, true);
    for (size_t i = 0; i < config->listen_count; i++)
        add_url(&sandbox, config->listen[i]);
    if (config->admin)
        add_url(&sandbox, config->admin);
    return kvs_sandbox_enter(&sandbox, log, error);
}
