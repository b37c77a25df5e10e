/* SPDX-License-Identifier: MIT
 *
 * The endpoints of --listen at a reload: those that are new are added, and those that are not named any more are
 * removed (core/endpoints.h). A part of the reloader of the settings. */
#ifndef KVS_LISTENING_H
#define KVS_LISTENING_H

#include "core/endpoints.h"
#include "options.h"
#include "reload.h"
#include "service/manager.h"

/* Zeroed before its first use. */
struct kvs_listening {
    struct weft_server *server;
    const struct kvs_manager *manager; /* which keeps the sockets for the next run */
    struct kvs_config *config;         /* what is in force */
    char *texts;                       /* owned: the URLs of the last reload that changed them */
    /* Between prepare and commit or abandon. */
    struct weft_server_change *change; /* NULL: the URLs are as they were */
    char *next_texts;
    struct kvs_config *next;
};

/* Prepares the endpoints of `next`, and notes in `reload` what is about to be added, removed and replaced. Returns 0, and
 * then commit or abandon follows; or an error with one line in *error, and nothing has changed. */
WEFT_MUST_USE int kvs_listening_prepare(struct kvs_listening *self, struct kvs_config *next,
                                        struct kvs_reload *reload, struct weft_error *error);
/* Both do nothing if nothing is prepared. */
void kvs_listening_commit(struct kvs_listening *self);
void kvs_listening_abandon(struct kvs_listening *self);
/* Frees the URLs, once the configuration is not read any more. */
void kvs_listening_fini(struct kvs_listening *self);

#endif
