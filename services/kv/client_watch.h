/* SPDX-License-Identifier: MIT
 *
 * Watching the changes of a server's tables, and copies of tables that stay up to date. Use all functions on the
 * thread of the loop of the clients.
 *
 * A connection that watches is for nothing else: all that comes on it belongs to the watch. Its weft_client (core/client.h)
 * is made and closed by the caller; closing it ends the watch. The codec must carry messages of proto/abi.proto. */
#ifndef KV_CLIENT_WATCH_H
#define KV_CLIENT_WATCH_H

#include "services/kv/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which changes are wanted. A dropped table is told to everyone who watches something in it. */
struct weft_kv_watched {
    bool all_tables; /* those of all tables; else those of `table` */
    bool one;        /* those of `key`; else those of keys that begin with `key` */
    struct weft_view table, key;
    uint64_t from; /* those after the change with this number; 0: from now on */
    bool versions; /* the changes have the versions of values, which the server makes of each */
};

/* Asks for a number on a connection that does not watch: reply->number. A change that anybody could read before has this
 * number at most, so a watch that has been told all up to it knows what was read before. The table is the one that is
 * watched, which the user has to be allowed to read; the number is of all tables. */
WEFT_MUST_USE int weft_kv_client_number(struct weft_kv_client *client, struct weft_kv_call *call,
                                        struct weft_view table, struct weft_error *error);

/* A watch. The caller provides the memory, which must stay in place until `ended` was called, and sets the
 * callbacks. They may make calls on other connections, and close this one; `ended` may free the watch. */
struct weft_kv_watch {
    /* Called with each message of the server, whose status is 200. The first one has no changes: the changes after
     * reply->number will come. Each further one may have some, and afterwards all up to reply->number were told: who
     * watches again from that number misses nothing. It is never a number within a batch, of which a message may have
     * the first changes only. The reply is valid until this returns. */
    void (*changed)(struct weft_kv_watch *watch, const struct weft_kv_reply *reply);
    /* Called once. With status 0 the server has ended the watch and *reply says why: 410 means that changes after
     * `from` are not kept any more or that they came faster than they were read, so the table has to be read anew.
     * Otherwise reply is NULL and status is as for weft_kv_call.done. The caller closes the connection. */
    void (*ended)(struct weft_kv_watch *watch, int status, const struct weft_kv_reply *reply);
    const char *why; /* out: why a message could not be read, static text; or NULL */
    /* Private. */
    struct weft_call call;
    struct weft_kv_client *client;
    struct weft_view payload; /* while `changed` is called */
    bool has_ended;
};

/* Starts a watch. Borrows *watched until it returns. Returns 0 if `ended` will be called. Otherwise it will not be, and
 * *error has one line: -EINVAL if a text is not UTF-8, -ENOTSUP if the codec carries lines; or an error of
 * weft_client_call. */
WEFT_MUST_USE int weft_kv_client_watch(struct weft_kv_client *client, struct weft_kv_watch *watch,
                                       const struct weft_kv_watched *watched,
                                       struct weft_error *error);

/* A table as it is, followed by its changes, without a gap. The caller provides the memory, zeroed but for the
 * callbacks, which must stay in place until weft_kv_mirror_stop. */
struct weft_kv_mirror {
    /* Called with each pair of the table, before `whole`. A key may come twice; the later call counts. expires is in
     * milliseconds since 1970, 0: never. */
    void (*pair)(struct weft_kv_mirror *mirror, const struct weft_kv_pair *pair, uint64_t expires);
    /* Called with each change of the table, in the order in which they took effect. */
    void (*changed)(struct weft_kv_mirror *mirror, const struct weft_kv_changed *changed);
    /* Called once, when the pairs, and the changes that came while they were read, have been given to the callbacks
     * above: what they have made is the table as it was at one time. Changes follow as they come. May be NULL. */
    void (*whole)(struct weft_kv_mirror *mirror);
    /* Called once if the mirror cannot go on: *error says why. `again` is true if changes were lost because they came
     * faster than they were read; then a new mirror may do. It may call weft_kv_mirror_stop. */
    void (*ended)(struct weft_kv_mirror *mirror, bool again, const struct weft_error *error);
    size_t most_held; /* bytes of changes that may wait while the table is read; 0: 256 MiB */
    uint64_t number;  /* out: all changes up to this number were given to `changed` */
    bool is_whole;    /* out: `whole` was called */
    void *state;      /* private */
};

/* Starts a mirror of a table over two connections to one server: one that watches and one that reads pages, which may be
 * used for other calls too. Returns 0, or an error of weft_kv_client_watch. */
WEFT_MUST_USE int weft_kv_mirror_start(struct weft_kv_mirror *mirror,
                                       struct weft_kv_client *watching,
                                       struct weft_kv_client *reading, struct weft_view table,
                                       struct weft_error *error);
/* Frees the memory of the mirror. The caller has closed both connections, which calls nothing back. A mirror that was
 * never started, or was stopped, is fine. */
void weft_kv_mirror_stop(struct weft_kv_mirror *mirror);

#ifdef __cplusplus
}
#endif

#endif
