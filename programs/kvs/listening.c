/* SPDX-License-Identifier: MIT */
#include "listening.h"

#include <errno.h>
#include <string.h>

#include "core/base/mem.h"

/* Copies the URLs, which the settings that were read anew take with them. */
static int copy_texts(struct kvs_listening *self, const struct kvs_config *next)
{
    size_t size = 0, used = 0;
    for (size_t i = 0; i < next->listen_count; i++)
        size += strlen(next->listen[i]) + 1;
    self->next_texts = weft_malloc(size);
    for (size_t i = 0; self->next_texts && i < next->listen_count; i++) {
        size_t length = strlen(next->listen[i]) + 1;
        memcpy(self->next_texts + used, next->listen[i], length);
        used += length;
    }
    return self->next_texts ? 0 : -ENOMEM;
}

static void note_rows(const struct weft_server_change *change, struct kvs_reload *reload)
{
    enum weft_endpoint_change kind;
    const char *name;
    for (size_t i = 0; (name = weft_server_change_row(change, i, &kind)) != NULL; i++)
        kvs_reload_endpoint(reload, kind, name);
}

int kvs_listening_prepare(struct kvs_listening *self, struct kvs_config *next,
                          struct kvs_reload *reload, struct weft_error *error)
{
    int err = copy_texts(self, next);
    if (err < 0)
        return weft_error_set(error, err, "%s", weft_strerror(err));
    err = weft_server_prepare_endpoints(self->server, next->listen, next->listen_count,
                                        &self->change, error);
    if (err < 0) {
        kvs_listening_abandon(self);
        return err;
    }
    self->next = next;
    note_rows(self->change, reload);
    return 0;
}

void kvs_listening_commit(struct kvs_listening *self)
{
    struct kvs_config *config = self->config;
    const struct weft_listener *closes;
    if (!self->change)
        return;
    for (size_t i = 0; (closes = weft_server_change_closes(self->change, i)) != NULL; i++)
        kvs_manager_forget_listener(self->manager, closes);
    weft_server_commit_endpoints(self->change);
    kvs_manager_store(self->manager, self->server, false);
    config->listen_count = self->next->listen_count;
    memcpy(config->listen_origin, self->next->listen_origin, sizeof config->listen_origin);
    const char *text = self->next_texts;
    for (size_t i = 0; i < config->listen_count; i++, text += strlen(text) + 1)
        config->listen[i] = text;
    weft_free(self->texts);
    self->texts = self->next_texts;
    self->next_texts = NULL;
    self->change = NULL;
}

void kvs_listening_abandon(struct kvs_listening *self)
{
    weft_server_abandon_endpoints(self->change);
    weft_free(self->next_texts);
    self->change = NULL;
    self->next_texts = NULL;
}

void kvs_listening_fini(struct kvs_listening *self)
{
    weft_free(self->texts);
    self->texts = NULL;
}
