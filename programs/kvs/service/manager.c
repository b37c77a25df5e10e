/* SPDX-License-Identifier: MIT */
#include "manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/units.h"
#include "inheritance.h"
#include "message.h"

#define SOCKET "kvs-"

enum { MESSAGE_TEXT = 640, NAME_TEXT = 320 };

/* The manager waits for so long beyond --drain-timeout, because the last connections linger for a second. */
#define STOP_SPARE_US (UINT64_C(5) * 1000 * 1000)

/* A store that says nothing for so long is taken to be stuck. RocksDB and LMDB cannot tell how far they are while they
 * repair what a crash has left. */
#define LOAD_SPARE_US (UINT64_C(300) * 1000 * 1000)

static int connect_to(const char *path, int *fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length < 2 || length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return -EINVAL;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    *fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return -errno;
    if (connect(*fd, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
        return 0;
    int err = -errno;
    close(*fd);
    *fd = -1;
    return err;
}

/* Returns the nanoseconds that WATCHDOG_USEC asks for, if it means this process; else 0. */
static int64_t read_watchdog(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t number;
    if (pid && (weft_parse_count(pid, &number) < 0 || number != (uint64_t)getpid()))
        return 0;
    if (!period || weft_parse_count(period, &number) < 0 || number > INT64_MAX / 1000)
        return 0;
    return (int64_t)number * 1000;
}

void kvs_manager_init(struct kvs_manager *manager, const struct weft_log *log)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *manager = (struct kvs_manager){.fd = -1, .log = log};
    if (path) {
        int err = connect_to(path, &manager->fd);
        if (err < 0)
            weft_log_write(log, WEFT_LOG_WARN, "notify-failed", "error=%s", weft_errname(err));
        else
            manager->watchdog = read_watchdog();
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void kvs_manager_fini(struct kvs_manager *manager)
{
    if (manager->fd >= 0)
        close(manager->fd);
    manager->fd = -1;
}

/* Sends one message, with a descriptor if that is not negative. A manager that does not read is not waited for. */
static void tell(const struct kvs_manager *manager, const char *text, int fd)
{
    if (manager->fd < 0)
        return;
    int err = kvs_message_send(manager->fd, text, fd, MSG_DONTWAIT);
    if (err < 0)
        weft_log_write(manager->log, WEFT_LOG_WARN, "notify-failed", "error=%s", weft_errname(err));
}

/* The descriptor store takes names without colons. One that begins with SOCKET is kvs's own. */
static char *name_socket(const char *prefix, const struct weft_listener *listener,
                         char dst[NAME_TEXT])
{
    snprintf(dst, NAME_TEXT, "%s%s", prefix, listener->name);
    for (char *at = dst; *at; at++) {
        if (*at == ':' || *at == '/' || *at <= ' ' || *at == 0x7F)
            *at = '-';
    }
    return dst;
}

void kvs_manager_store(const struct kvs_manager *manager, struct weft_server *server, bool is_admin)
{
    const char *prefix = is_admin ? KVS_ADMIN_SOCKET : SOCKET;
    const struct weft_listener *listener;
    if (manager->fd < 0 || !server)
        return;
    for (size_t i = 0; (listener = weft_server_listener(server, i)) != NULL; i++) {
        char name[NAME_TEXT], text[MESSAGE_TEXT];
        if (listener->inherited && listener->kept)
            continue;
        snprintf(text, sizeof text, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s",
                 name_socket(prefix, listener, name));
        tell(manager, text, (int)listener->handle);
    }
    weft_server_keep_listeners(server);
}

void kvs_manager_loading(const struct kvs_manager *manager, const char *progress)
{
    char text[MESSAGE_TEXT];
    snprintf(text, sizeof text, "STATUS=Loading%s%s\nEXTEND_TIMEOUT_USEC=%" PRIu64,
             progress ? ": " : "", progress ? progress : "", LOAD_SPARE_US);
    tell(manager, text, -1);
}

static void live(struct weft_tour *tour)
{
    struct kvs_manager *manager = weft_container_of(tour, struct kvs_manager, tour);
    manager->is_touring = false;
    tell(manager, "WATCHDOG=1", -1);
}

/* A loop that does not turn ends the signs of life: its tour does not come back. */
static void on_watchdog(struct weft_timer *timer)
{
    struct kvs_manager *manager = weft_container_of(timer, struct kvs_manager, timer);
    if (!manager->is_touring) {
        manager->is_touring = true;
        weft_server_tour(manager->server, &manager->tour);
    }
    weft_loop_after(weft_server_loop(manager->server), timer, manager->watchdog / 4);
}

void kvs_manager_begin(struct kvs_manager *manager, struct weft_server *server)
{
    manager->server = server;
    if (manager->fd < 0)
        return;
    tell(manager, "READY=1\nSTATUS=Serving", -1);
    if (manager->watchdog == 0)
        return;
    manager->tour.done = live;
    manager->timer.fire = on_watchdog;
    weft_loop_after(weft_server_loop(server), &manager->timer, 0);
}

void kvs_manager_end(struct kvs_manager *manager)
{
    weft_timer_stop(&manager->timer);
}

void kvs_manager_reloading(const struct kvs_manager *manager)
{
    struct timespec now;
    char text[MESSAGE_TEXT];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading",
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    tell(manager, text, -1);
}

void kvs_manager_reloaded(const struct kvs_manager *manager, const char *refused)
{
    char text[MESSAGE_TEXT];
    snprintf(text, sizeof text, "READY=1\nSTATUS=Serving%s%s",
             refused ? "; the last reload changed nothing: " : "", refused ? refused : "");
    for (char *at = strstr(text, "STATUS="); at && *at; at++) {
        if (*at < ' ')
            *at = ' ';
    }
    tell(manager, text, -1);
}

void kvs_manager_stopping(const struct kvs_manager *manager, uint64_t drain_timeout)
{
    char text[MESSAGE_TEXT];
    snprintf(text, sizeof text, "STOPPING=1\nSTATUS=Draining\nEXTEND_TIMEOUT_USEC=%" PRIu64,
             drain_timeout / 1000 + STOP_SPARE_US);
    tell(manager, text, -1);
}

void kvs_manager_forget_listener(const struct kvs_manager *manager,
                                 const struct weft_listener *listener)
{
    char name[NAME_TEXT];
    kvs_manager_forget((void *)(uintptr_t)manager, name_socket(SOCKET, listener, name));
}

void kvs_manager_forget(void *arg, const char *name)
{
    const struct kvs_manager *manager = arg;
    char text[MESSAGE_TEXT];
    if (!*name)
        return;
    snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=%s", name);
    tell(manager, text, -1);
}
