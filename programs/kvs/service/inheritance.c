/* SPDX-License-Identifier: MIT */
#include "inheritance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/units.h"

enum { FIRST_FD = 3 }; /* SD_LISTEN_FDS_START */

bool kvs_inheritance_add(struct kvs_inheritance *inheritance, int fd, const char *name, bool kept)
{
    struct weft_inheritance *sockets = &inheritance->sockets;
    sockets->items = inheritance->items;
    if (sockets->count == KVS_INHERITED_MAX)
        return false;
    struct weft_inherited *item = &sockets->items[sockets->count++];
    *item = (struct weft_inherited){.handle = fd, .kept = kept};
    snprintf(item->name, sizeof item->name, "%s", name);
    return true;
}

static bool is_listening_stream(int fd)
{
    int type = 0, listens = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM)
        return false;
    size = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

static void add_passed(struct kvs_inheritance *inheritance, int fd, const char *name,
                       const struct weft_log *log)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (is_listening_stream(fd) && kvs_inheritance_add(inheritance, fd, name, true))
        return;
    char quoted[WEFT_LOG_QUOTE_TEXT];
    weft_log_write(log, WEFT_LOG_WARN, "socket-refused",
                   "descriptor=%d name=%s cause=\"not a listening stream socket\"", fd,
                   weft_log_quote(weft_view(name, strlen(name)), quoted));
    close(fd);
}

/* Returns the number of descriptors that were passed to this very process. */
static uint64_t count_passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t number, count;
    if (!pid || !fds || weft_parse_count(pid, &number) < 0 || weft_parse_count(fds, &count) < 0)
        return 0;
    return number == (uint64_t)getpid() && count <= 4 * KVS_INHERITED_MAX ? count : 0;
}

void kvs_inheritance_init(struct kvs_inheritance *inheritance, const struct weft_log *log)
{
    const uint64_t count = count_passed();
    const char *names = getenv("LISTEN_FDNAMES");
    inheritance->sockets = (struct weft_inheritance){.items = inheritance->items};
    for (uint64_t i = 0; i < count; i++) {
        char name[sizeof inheritance->items->name] = "";
        if (names) {
            size_t size = strcspn(names, ":");
            snprintf(name, sizeof name, "%.*s", (int)size, names);
            names += size + (names[size] == ':');
        }
        add_passed(inheritance, FIRST_FD + (int)i, name, log);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

static bool is_of_admin(const char *name)
{
    return strcmp(name, "admin") == 0 ||
           strncmp(name, KVS_ADMIN_SOCKET, sizeof KVS_ADMIN_SOCKET - 1) == 0;
}

void kvs_inheritance_choose(const struct kvs_inheritance *inheritance, bool all,
                            struct kvs_inheritance *chosen)
{
    chosen->sockets = (struct weft_inheritance){.items = chosen->items};
    for (size_t i = 0; i < inheritance->sockets.count; i++)
        if (!inheritance->items[i].taken && (all || is_of_admin(inheritance->items[i].name)))
            chosen->items[chosen->sockets.count++] = inheritance->items[i];
}

void kvs_inheritance_settle(struct kvs_inheritance *inheritance,
                            const struct kvs_inheritance *chosen)
{
    for (size_t i = 0; i < chosen->sockets.count; i++)
        for (size_t k = 0; k < inheritance->sockets.count; k++)
            if (inheritance->items[k].handle == chosen->items[i].handle && chosen->items[i].taken)
                inheritance->items[k].taken = true;
}

int kvs_inheritance_take(struct kvs_inheritance *inheritance, const char *name)
{
    for (size_t i = 0; i < inheritance->sockets.count; i++) {
        struct weft_inherited *item = &inheritance->items[i];
        if (item->taken || strcmp(item->name, name) != 0)
            continue;
        item->taken = true;
        return (int)item->handle;
    }
    return -1;
}

void kvs_inheritance_close_unused(struct kvs_inheritance *inheritance, const struct weft_log *log,
                                  void (*unused)(void *arg, const char *name), void *arg)
{
    for (size_t i = 0; i < inheritance->sockets.count; i++) {
        struct weft_inherited *item = &inheritance->items[i];
        char quoted[WEFT_LOG_QUOTE_TEXT];
        if (item->taken)
            continue;
        item->taken = true;
        unused(arg, item->name);
        weft_log_write(log, WEFT_LOG_WARN, "socket-unused",
                       "name=%s cause=\"no --listen has its address\"",
                       weft_log_quote(weft_view(item->name, strlen(item->name)), quoted));
        close((int)item->handle);
    }
}
