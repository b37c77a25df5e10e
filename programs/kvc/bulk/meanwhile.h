/* SPDX-License-Identifier: MIT
 *
 * Collects the changes of a server while its tables are read, for a backup: it watches all tables on a connection of its
 * own and writes the changes to a file without a name. On the thread of the session's loop. */
#ifndef KV_CLI_MEANWHILE_H
#define KV_CLI_MEANWHILE_H

#include <stdio.h>

#include "programs/kvc/session.h"
#include "services/kv/client_watch.h"

/* A zeroed one has not begun. */
struct cli_meanwhile {
    struct cli_session *session; /* the one that reads the tables */
    struct cli_session watching; /* uses the loop of the other */
    struct weft_kv_watch watch;
    struct cli_exchange exchange;
    FILE *file;
    bool began, failed, missed_the_begin;
    uint64_t number; /* all changes up to this one have come */
    uint64_t fence;  /* no page can show a change after this one */
    uint64_t changes;
    enum cli_exit code; /* why it failed */
    struct weft_error error;
};

/* Begins, and returns when the watch has. Otherwise *error says why not; cli_meanwhile_drop is called in any case. */
WEFT_MUST_USE enum cli_exit cli_meanwhile_begin(struct cli_meanwhile *self,
                                                struct cli_session *session,
                                                struct weft_error *error);
/* Waits for all changes that the tables may have shown, and appends the changes to `out` as rows. */
WEFT_MUST_USE enum cli_exit cli_meanwhile_end(struct cli_meanwhile *self, FILE *out,
                                              struct weft_error *error);
void cli_meanwhile_drop(struct cli_meanwhile *self);

#endif
