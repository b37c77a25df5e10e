/* SPDX-License-Identifier: MIT
 *
 * A reload and its parts. SIGHUP asks for one, and a program may ask with kvs_reload_run. Each part of kvs
 * that can take a change while it serves (the users file, the certificates, the settings) adds a reloader.
 * A reload is all or nothing: every reloader prepares its change first, and only if all could are the changes
 * committed. Otherwise nothing has changed, and one line of the log says why.
 *
 * Everything here happens on the thread of the first loop, weft_server_loop, within a turn. A reload blocks
 * that loop while it reads files. */
#ifndef KVS_RELOAD_H
#define KVS_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/endpoints.h"

enum { KVS_RELOAD_NAMES = 512 };

struct kvs_reload;

/* One part that can be reloaded. All of its functions are called with `context`. */
struct kvs_reloader {
    const char *name; /* of the part, as the log has it: "users", "certificates". Static. */
    void *context;
    /* Reads and checks what the part is to become, and keeps it aside. Nothing that connections see may
     * change. It calls kvs_reload_changes for each thing that commit will change, so that a reload that
     * changes nothing says so, and kvs_reload_needs_restart for each that only a restart can change.
     *
     * Returns 0, and then exactly one call of commit or abandon follows before the next prepare. Or returns a
     * negative error with one line in *error, which names the file and the place in it, and has released
     * what it loaded: neither commit nor abandon follows. */
    int (*prepare)(void *context, struct kvs_reload *reload, struct weft_error *error);
    /* Puts into force what prepare kept, and releases what it replaces once no connection needs that.
     * It cannot fail: whatever can fail, such as memory, belongs into prepare. Other reloaders commit within
     * the same turn, in the order in which they were added. */
    void (*commit)(void *context);
    /* Releases what prepare kept, because a later reloader could not prepare. */
    void (*abandon)(void *context);
    /* Calls `line` for each thing that is in force, with words as the log has them; `alarms` if somebody should see
     * to it. --check prints these lines, and the log has them at the start, at SIGUSR1 and behind a reload that
     * changed something. NULL: there is nothing to tell. */
    void (*tell)(void *context, void (*line)(void *arg, const char *text, bool alarms), void *arg);
    struct kvs_reloader *next; /* the list's */
};

/* The list of the parts, zeroed before its first use. */
struct kvs_reload {
    struct kvs_reloader *first;
    /* The names noted during one reload, with commas between. */
    char changed[KVS_RELOAD_NAMES], restart[KVS_RELOAD_NAMES];
    char endpoints[3][KVS_RELOAD_NAMES]; /* by enum weft_endpoint_change */
};

/* Adds a part at the end of the list. The reloader belongs to the caller and outlives the list's use. Call it
 * before the server runs, or within a turn of the first loop but not from a reloader. */
void kvs_reload_add(struct kvs_reload *reload, struct kvs_reloader *reloader);

/* Takes a part from the list; does nothing if it is not in there. */
void kvs_reload_remove(struct kvs_reload *reload, struct kvs_reloader *reloader);

/* Prints, for --check, what all parts tell: lines that begin with the names of the parts. */
void kvs_reload_print(const struct kvs_reload *reload, FILE *out);

/* Logs what all parts tell, as events with the names of the parts. */
void kvs_reload_log(const struct kvs_reload *reload, const struct weft_log *log);

/* Reloads every part, or none. Returns 0; or the error of the part that could not prepare, with one line in
 * *error that begins with that part's name: nothing has changed then.
 *
 * Logs `reload changed="users,log-level"` at level info, with `added="tcp://127.0.0.1:9600"`, `removed=` and `replaced=` if
 * endpoints change, and `reload-restart settings="threads"` at level warn
 * if something needs a restart; or `reload-failed part=users cause="..."` at level error. `asked` says in these
 * lines who wanted it: "SIGHUP". */
WEFT_MUST_USE int kvs_reload_run(struct kvs_reload *reload, const struct weft_log *log,
                                 const char *asked, struct weft_error *error);

/* Both are for prepare. They note a name without spaces, such as an option's; a name that does not fit any more is left
 * out and "..." stands for it. A name that is noted already is not noted again. */
void kvs_reload_changes(struct kvs_reload *reload, const char *name);
void kvs_reload_needs_restart(struct kvs_reload *reload, const char *name);
/* For prepare, too: notes an endpoint, by its URL without options. */
void kvs_reload_endpoint(struct kvs_reload *reload, enum weft_endpoint_change kind,
                         const char *name);

enum { KVS_RELOAD_WORDS = 3 * KVS_RELOAD_NAMES + 64 };
/* Writes what was noted of endpoints, as in ` added="tcp://127.0.0.1:9600"`, with `quote` around the names, and
 * returns dst. */
const char *kvs_reload_endpoints(const struct kvs_reload *reload, const char *quote,
                                 char dst[KVS_RELOAD_WORDS]);

#endif
