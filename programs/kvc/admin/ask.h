/* SPDX-License-Identifier: MIT
 *
 * Asks the admin service of kvs, a request at a time, over one connection. */
#ifndef KVC_ASK_H
#define KVC_ASK_H

#include <jansson.h>

#include "core/client.h"
#include "programs/kvc/run.h"

struct kvc_ask {
    const struct cli_run *run;
    struct weft_registry
        registry; /* that of kvc, with the codec of http.h in the place of others */
    struct weft_client *client;
    struct weft_call call;
    bool answered;
    int status;              /* of the call */
    struct weft_bytes reply; /* the whole response */
    unsigned code;           /* the status of HTTP */
    struct weft_view body;   /* in reply */
    struct weft_error error;
};

/* Does not connect yet. kvc_ask_fini follows. */
void kvc_ask_init(struct kvc_ask *ask, const struct cli_run *run);
void kvc_ask_fini(struct kvc_ask *ask);

/* Asks and waits. Returns CLI_EXIT_DONE with ask->body, after a 200; or another code: what is wrong was printed. */
WEFT_MUST_USE enum cli_exit kvc_ask(struct kvc_ask *ask, const char *method, const char *path,
                                    const char *accept);

/* Reads the body as JSON. The caller calls json_decref. NULL: that it is none was printed. */
WEFT_MUST_USE json_t *kvc_ask_json(struct kvc_ask *ask);

#endif
