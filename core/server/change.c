/* SPDX-License-Identifier: MIT
 *
 * Adds and removes addresses while the server runs. Everything that can fail happens in prepare: the endpoints are
 * configured, started on each loop by that loop's thread, and bound. commit swaps the list of addresses. */
#include <errno.h>

#include "core/base/compiler.h"
#include "core/endpoints.h"
#include "server_private.h"

struct weft_server_change {
    struct weft_server *server;
    struct weft__addresses added, removed,
        next;       /* next: the list after the commit; only `added` is owned */
    size_t started; /* threads on which the added ones are started */
};

/* --- visiting the loops ---------------------------------------------------------------------------- */

/* A call on another loop, for whose end the first thread waits. */
struct visit {
    struct weft_post post;
    struct weft_server_change *change;
    struct weft__thread *thread;
    int (*call)(struct weft_server_change *change, struct weft__thread *thread);
    int result;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static void run_visit(struct weft_post *post)
{
    struct visit *visit = weft_container_of(post, struct visit, post);
    int result = visit->call(visit->change, visit->thread);

    pthread_mutex_lock(&visit->lock);
    visit->result = result;
    visit->done = true;
    pthread_cond_signal(&visit->wake);
    pthread_mutex_unlock(&visit->lock);
}

/* Has a thread call something within a turn of its loop, and waits for it: one thread at a time, because plugins are
 * promised that no two of their starts overlap. No loop waits for the first one, so this ends once that loop turns. */
static int visit_thread(struct weft_server_change *change, struct weft__thread *thread,
                        int (*call)(struct weft_server_change *change, struct weft__thread *thread))
{
    struct visit visit = {.post.run = run_visit, .change = change, .thread = thread, .call = call};

    if (!thread->started)
        return call(change, thread);
    pthread_mutex_init(&visit.lock, NULL);
    pthread_cond_init(&visit.wake, NULL);
    int err = weft_loop_post(thread->worker.loop, &visit.post);
    pthread_mutex_lock(&visit.lock);
    while (err == 0 && !visit.done)
        pthread_cond_wait(&visit.wake, &visit.lock);
    pthread_mutex_unlock(&visit.lock);
    pthread_cond_destroy(&visit.wake);
    pthread_mutex_destroy(&visit.lock);
    return err < 0 ? err : visit.result;
}

static void stop_first(const struct weft_server_change *change, size_t count,
                       struct weft__thread *thread)
{
    while (count-- > 0)
        weft__address_stop(change->added.of[count], thread);
}

static int start_there(struct weft_server_change *change, struct weft__thread *thread)
{
    for (size_t i = 0; i < change->added.count; i++) {
        int err = weft__address_start(change->added.of[i], thread);
        if (err < 0) {
            stop_first(change, i, thread);
            return err;
        }
    }
    return 0;
}

static int stop_there(struct weft_server_change *change, struct weft__thread *thread)
{
    stop_first(change, change->added.count, thread);
    return 0;
}

static int start_added(struct weft_server_change *change, struct weft_error *error)
{
    struct weft_server *server = change->server;

    for (; change->started < server->thread_count; change->started++) {
        int err = visit_thread(change, &server->threads[change->started], start_there);
        if (err < 0)
            return weft_error_set(error, err, "cannot start a plugin: %s", weft_strerror(err));
    }
    for (size_t i = 0; i < change->added.count; i++) {
        int err = weft__address_check_sharing(change->added.of[i], error);
        if (err < 0)
            return err;
    }
    return 0;
}

/* --- comparing ------------------------------------------------------------------------------------- */

/* Returns the place in `next` of an address of the server with these URLs that is not in there yet, or NULL. */
static struct weft__address *find_same(const struct weft_server_change *change, const char *urls)
{
    const struct weft_server *server = change->server;

    for (size_t i = 0; i < server->address_count; i++) {
        struct weft__address *address = server->addresses[i];
        bool is_taken = strcmp(address->urls, urls) != 0;
        for (size_t k = 0; k < change->next.count && !is_taken; k++)
            is_taken = change->next.of[k] == address;
        if (!is_taken)
            return address;
    }
    return NULL;
}

static bool is_in(const struct weft__addresses *list, const struct weft__address *address)
{
    size_t i = 0;

    while (i < list->count && list->of[i] != address)
        i++;
    return i < list->count;
}

/* Sorts the URLs: those of addresses that stay lead to these in `next`, which has NULL for the others; and the others are
 * copied to `fresh`. Returns how many those are, or -ENOMEM. */
static ssize_t sort_urls(struct weft_server_change *change, const char *const *urls, size_t count,
                         const char **fresh)
{
    size_t fresh_count = 0;

    while (count > 0) {
        size_t own = weft__urls_of_address(urls, count);
        char *joined = weft__urls_join(urls, own);
        if (!joined)
            return -ENOMEM;
        struct weft__address *same = find_same(change, joined);
        weft_free(joined);
        change->next.of[change->next.count++] = same;
        for (size_t i = 0; i < own && !same; i++)
            fresh[fresh_count++] = urls[i];
        urls += own;
        count -= own;
    }
    return (ssize_t)fresh_count;
}

/* Makes the addresses that are new, and fills them into `next`. */
static int make_added(struct weft_server_change *change, const char *const *urls, size_t count,
                      struct weft_error *error)
{
    const char **fresh = weft_calloc(count, sizeof *fresh);
    ssize_t fresh_count = fresh ? sort_urls(change, urls, count, fresh) : -ENOMEM;
    size_t at = 0;
    int err = 0;

    if (fresh_count < 0)
        err = weft_error_set(error, (int)fresh_count, "out of memory");
    else if (fresh_count > 0)
        err =
            weft__addresses_make(&change->added, change->server, fresh, (size_t)fresh_count, error);
    weft_free(fresh);
    for (size_t i = 0; err == 0 && i < change->next.count; i++)
        if (!change->next.of[i])
            change->next.of[i] = change->added.of[at++];
    return err;
}

static void find_removed(struct weft_server_change *change)
{
    const struct weft_server *server = change->server;

    for (size_t i = 0; i < server->address_count; i++)
        if (!is_in(&change->next, server->addresses[i]))
            change->removed.of[change->removed.count++] = server->addresses[i];
}

/* True if a service with this context runs on the loops. */
static bool has_context(const struct weft_server *server, const void *context)
{
    const struct weft__slot *slot = server->services;

    while (slot && !(slot->context == context && slot->loops[0]))
        slot = slot->next;
    return slot != NULL;
}

/* A context may keep a list of the loops, which other threads read. So it may not meet the loops late. */
static int check_services(const struct weft_server_change *change, struct weft_error *error)
{
    for (size_t a = 0; a < change->added.count; a++) {
        const struct weft__address *address = change->added.of[a];
        for (size_t i = 0; i < address->count; i++) {
            const struct weft__slot *slot = address->ports[i].service;
            if (slot->context && !has_context(change->server, slot->context))
                return weft_error_set(error, WEFT_ECONFIG,
                                      "service '%s' at %s: no endpoint had it when the server "
                                      "started, so only a new start can add it",
                                      slot->service->name, address->name);
        }
    }
    return 0;
}

/* --- listening ------------------------------------------------------------------------------------- */

static struct weft_listener *first_listener(const struct weft__address *address)
{
    return address->listening ? address->listener : NULL;
}

/* Returns the listener of that name among the addresses, or NULL. */
static struct weft_listener *find_listener(const struct weft__addresses *addresses,
                                           const char *name)
{
    for (size_t i = 0; i < addresses->count; i++)
        for (struct weft_listener *at = first_listener(addresses->of[i]); at; at = at->next)
            if (strcmp(at->name, name) == 0)
                return at;
    return NULL;
}

/* Fills in the sockets of the removed addresses, for the added ones to share. */
static int lend(const struct weft_server_change *change, struct weft_inheritance *lent)
{
    size_t count = 0;

    for (size_t i = 0; i < change->removed.count; i++)
        for (struct weft_listener *at = first_listener(change->removed.of[i]); at; at = at->next)
            count++;
    *lent = (struct weft_inheritance){.items = weft_calloc(count + 1, sizeof *lent->items)};
    if (!lent->items)
        return -ENOMEM;
    for (size_t i = 0; i < change->removed.count; i++)
        for (struct weft_listener *at = first_listener(change->removed.of[i]); at; at = at->next)
            lent->items[lent->count++] =
                (struct weft_inherited){.handle = at->handle, .kept = true, .shared = true};
    return 0;
}

static int listen_all(struct weft_server_change *change, struct weft_error *error)
{
    struct weft_inheritance lent;
    int err = lend(change, &lent);

    if (err < 0)
        return weft_error_set(error, err, "out of memory");
    for (size_t i = 0; err == 0 && i < change->added.count; i++)
        err = weft__address_listen(change->added.of[i], &lent, error);
    weft_free(lent.items);
    for (size_t i = 0; i < change->added.count; i++)
        for (struct weft_listener *at = first_listener(change->added.of[i]); at; at = at->next)
            at->inheritance = NULL;
    return err;
}

/* --- prepare and abandon --------------------------------------------------------------------------- */

static int make_lists(struct weft_server_change *change, size_t url_count)
{
    change->next.of = weft_calloc(url_count, sizeof *change->next.of);
    change->removed.of = weft_calloc(change->server->address_count, sizeof *change->removed.of);
    return change->next.of && change->removed.of ? 0 : -ENOMEM;
}

static int prepare(struct weft_server_change *change, const char *const *urls, size_t url_count,
                   struct weft_error *error)
{
    int err = make_lists(change, url_count);

    if (err < 0)
        return weft_error_set(error, err, "out of memory");
    err = make_added(change, urls, url_count, error);
    if (err < 0)
        return err;
    find_removed(change);
    err = check_services(change, error);
    if (err == 0 && change->added.count > 0)
        err = start_added(change, error);
    return err == 0 && change->added.count > 0 ? listen_all(change, error) : err;
}

int weft_server_prepare_endpoints(struct weft_server *server, const char *const *urls,
                                  size_t url_count, struct weft_server_change **out,
                                  struct weft_error *error)
{
    *out = NULL;
    if (url_count == 0)
        return weft_error_set(error, WEFT_ECONFIG, "no endpoint to listen on");
    if (!server->listening || server->draining)
        return weft_error_set(error, -ESHUTDOWN, "the server is ending");
    struct weft_server_change *change = weft_calloc(1, sizeof *change);
    if (!change)
        return weft_error_set(error, -ENOMEM, "out of memory");
    change->server = server;
    int err = prepare(change, urls, url_count, error);
    if (err < 0)
        weft_server_abandon_endpoints(change);
    else
        *out = change;
    return err;
}

static void free_change(struct weft_server_change *change)
{
    weft_free(change->removed.of);
    weft_free(change->next.of);
    weft_free(change);
}

void weft_server_abandon_endpoints(struct weft_server_change *change)
{
    if (!change)
        return;
    for (size_t i = 0; i < change->added.count; i++)
        weft__address_unlisten(change->added.of[i]);
    while (change->started-- > 0) {
        int err = visit_thread(change, &change->server->threads[change->started], stop_there);
        (void)err; /* the loop turns, as it did when it was asked to start */
    }
    weft__addresses_free(&change->added);
    free_change(change);
}

const char *weft_server_change_row(const struct weft_server_change *change, size_t i,
                                   enum weft_endpoint_change *kind)
{
    const struct weft__addresses *added = &change->added, *removed = &change->removed;

    for (size_t k = 0; k < added->count + removed->count; k++) {
        bool is_added = k < added->count;
        const char *name = is_added ? added->of[k]->name : removed->of[k - added->count]->name;
        const struct weft__addresses *others = is_added ? removed : added;
        bool is_both = false;
        for (size_t o = 0; o < others->count && !is_both; o++)
            is_both = strcmp(others->of[o]->name, name) == 0;
        if ((is_both && !is_added) || i-- > 0)
            continue;
        *kind = is_both    ? WEFT_ENDPOINT_CHANGED
                : is_added ? WEFT_ENDPOINT_ADDED
                           : WEFT_ENDPOINT_REMOVED;
        return name;
    }
    return NULL;
}

const struct weft_listener *weft_server_change_closes(const struct weft_server_change *change,
                                                      size_t i)
{
    for (size_t k = 0; k < change->removed.count; k++)
        for (struct weft_listener *at = first_listener(change->removed.of[k]); at; at = at->next)
            if (!find_listener(&change->added, at->name) && i-- == 0)
                return at;
    return NULL;
}

/* --- commit ---------------------------------------------------------------------------------------- */

/* A socket that an added address shares goes on there, as what it was. A socket of our own that a manager only keeps for
 * our next run is closed for good; one that the manager made stays, with whoever waits there. */
static void close_address(const struct weft_server_change *change, struct weft__address *address)
{
    for (struct weft_listener *at = first_listener(address); at; at = at->next) {
        struct weft_listener *heir = find_listener(&change->added, at->name);
        if (heir) {
            heir->kept = at->kept;
            heir->inherited = at->inherited;
        }
        at->kept = heir || (at->kept && at->inherited);
    }
    if (change->server->serving)
        weft__address_close_listeners(address);
    else
        weft__address_unlisten(address);
}

static void log_ports(const struct weft__addresses *addresses, const char *event)
{
    for (size_t a = 0; a < addresses->count; a++)
        for (size_t i = 0; i < addresses->of[a]->count; i++) {
            const struct weft__port *port = &addresses->of[a]->ports[i];
            weft_log_write(addresses->of[a]->server->options.log, WEFT_LOG_INFO, event,
                           "endpoint=%s", weft__port_line(port));
        }
}

void weft_server_commit_endpoints(struct weft_server_change *change)
{
    struct weft_server *server = change->server;
    struct weft__addresses before = {server->addresses, server->address_count};
    bool accepts = server->serving && !server->backing_off;

    pthread_mutex_lock(&server->lock);
    server->addresses = change->next.of;
    server->address_count = change->next.count;
    for (size_t i = 0; i < change->removed.count; i++) {
        change->removed.of[i]->removed = true;
        change->removed.of[i]->next = server->removed;
        server->removed = change->removed.of[i];
    }
    pthread_mutex_unlock(&server->lock);
    change->next.of = before.of; /* freed below */
    log_ports(&change->added, "endpoint-added");
    log_ports(&change->removed, "endpoint-removed");
    for (size_t i = 0; i < change->removed.count; i++)
        close_address(change, change->removed.of[i]);
    for (size_t i = 0; accepts && i < change->added.count; i++)
        weft__address_set_accepting(change->added.of[i], true);
    for (size_t i = 0; i < change->removed.count; i++)
        weft__address_drain(change->removed.of[i]);
    weft_free(change->added.of);
    free_change(change);
}
