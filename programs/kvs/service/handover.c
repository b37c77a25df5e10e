/* SPDX-License-Identifier: MIT */
#include "handover.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "message.h"

enum { BACKLOG = 8, NAME_TEXT = 256 };

static const char own_name[] = "handover", end_word[] = "end", go_word[] = "go";

struct address {
    struct sockaddr_un un;
    socklen_t size;
};

static int make_address(struct address *address, const char *path, struct weft_error *error)
{
    size_t length = strlen(path);
    *address = (struct address){.un.sun_family = AF_UNIX};
    if (length >= sizeof address->un.sun_path)
        return weft_error_set(error, WEFT_ECONFIG, "--handover: the path has more than %zu bytes",
                              sizeof address->un.sun_path - 1);
    memcpy(address->un.sun_path, path, length);
    address->size = (socklen_t)sizeof address->un;
    return 0;
}

static int refuse(const char *what, const char *path, int err, struct weft_error *error)
{
    return weft_error_set(error, err, "--handover: cannot %s %s: %s", what, path,
                          weft_strerror(err));
}

/* Receives one message into name. Returns its size, 0 at the end of the connection, or -errno; *fd is the descriptor
 * that came with it, or -1. */
static ssize_t receive(int connection, char name[NAME_TEXT], int *fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = name, .iov_len = NAME_TEXT - 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *fd = -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    name[n] = '\0';
    return n;
}

/* Receives the sockets up to "end". */
static int receive_sockets(int connection, struct kvs_inheritance *inheritance)
{
    for (;;) {
        char name[NAME_TEXT];
        int fd;
        ssize_t n = receive(connection, name, &fd);
        if (n <= 0)
            return n < 0 ? (int)n : -ECONNRESET;
        if (fd < 0)
            return strcmp(name, end_word) == 0 ? 0 : -EPROTO;
        if (!kvs_inheritance_add(inheritance, fd, name, false)) {
            close(fd);
            return -E2BIG;
        }
    }
}

/* Says "go" and waits for the other's end. */
static int wait_for_end(int connection)
{
    char name[NAME_TEXT];
    int fd;
    int err = kvs_message_send(connection, go_word, -1, 0);
    ssize_t n = 1;
    while (err == 0 && n > 0)
        n = receive(connection, name, &fd);
    return err < 0 ? err : n == -ECONNRESET ? 0 : (int)n;
}

int kvs_handover_take(struct kvs_inheritance *inheritance, const char *path,
                      const struct weft_log *log, struct weft_error *error)
{
    struct address address;
    int err = make_address(&address, path, error);
    if (err < 0)
        return err;
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return refuse("connect to", path, -errno, error);
    if (connect(connection, (const struct sockaddr *)&address.un, address.size) < 0) {
        err = -errno;
        close(connection);
        return err == -ENOENT || err == -ECONNREFUSED ? 0 : refuse("connect to", path, err, error);
    }
    err = receive_sockets(connection, inheritance);
    if (err == 0) {
        weft_log_write(log, WEFT_LOG_INFO, "takeover", "from=%s sockets=%zu", path,
                       inheritance->sockets.count);
        err = wait_for_end(connection);
    }
    close(connection);
    return err < 0 ? refuse("take over at", path, err, error) : 1;
}

static int bind_path(int fd, const char *path, const struct address *address)
{
    struct stat st;
    /* Whoever was there does not listen any more: kvs_handover_take has tried. */
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 ||
        bind(fd, (const struct sockaddr *)&address->un, address->size) < 0)
        return -errno;
    return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

int kvs_handover_listen(struct kvs_handover *handover, const char *path,
                        struct kvs_inheritance *inheritance, struct weft_error *error)
{
    struct address address;
    handover->fd = handover->peer = -1;
    handover->path = path;
    if (!path)
        return 0;
    int err = make_address(&address, path, error);
    if (err < 0)
        return err;
    handover->fd = kvs_inheritance_take(inheritance, own_name);
    if (handover->fd < 0) {
        handover->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        err = handover->fd < 0 ? -errno : bind_path(handover->fd, path, &address);
    }
    handover->is_file = err == 0;
    return err < 0 ? refuse("listen on", path, err, error) : 0;
}

static void drop_peer(struct kvs_handover *handover)
{
    weft_io_want(&handover->peer_io, 0);
    close(handover->peer);
    handover->peer = -1;
    weft_io_want(&handover->io, WEFT_READABLE);
}

static int pass_listeners(const struct kvs_handover *handover, const struct weft_server *server,
                          const char *prefix)
{
    const struct weft_listener *listener;
    int err = 0;
    for (size_t i = 0; err == 0 && (listener = weft_server_listener(server, i)) != NULL; i++) {
        char name[NAME_TEXT];
        snprintf(name, sizeof name, "%s%.200s", prefix, listener->name);
        err = kvs_message_send(handover->peer, name, (int)listener->handle, 0);
    }
    return err;
}

/* The listeners of the other server stay what they are while it runs, so that this thread may read them. */
static int pass_sockets(const struct kvs_handover *handover)
{
    int err = kvs_message_send(handover->peer, own_name, handover->fd, 0);
    if (err == 0)
        err = pass_listeners(handover, handover->server, "");
    if (err == 0 && handover->other)
        err = pass_listeners(handover, handover->other, KVS_ADMIN_SOCKET);
    return err == 0 ? kvs_message_send(handover->peer, end_word, -1, 0) : err;
}

/* The peer has said "go", or has gone. */
static void on_answer(struct weft_io *io, unsigned events)
{
    struct kvs_handover *handover = weft_container_of(io, struct kvs_handover, peer_io);
    char word[NAME_TEXT];
    int fd;
    (void)events;
    ssize_t n = receive(handover->peer, word, &fd);
    if (n == -EAGAIN)
        return;
    if (n <= 0 || strcmp(word, go_word) != 0) {
        weft_log_write(handover->log, WEFT_LOG_WARN, "handover-failed", "pid=%d", handover->pid);
        drop_peer(handover);
        return;
    }
    weft_io_want(&handover->peer_io, 0);
    weft_log_write(handover->log, WEFT_LOG_INFO, "handover", "pid=%d", handover->pid);
    handover->is_passed = true;
    weft_server_keep_listeners(handover->server);
    if (handover->other)
        weft_server_keep_listeners(handover->other);
    handover->passed(handover);
}

static bool may_ask(struct kvs_handover *handover)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(handover->peer, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    handover->pid = peer.pid;
    return peer.uid == 0 || peer.uid == geteuid();
}

static void on_asked(struct weft_io *io, unsigned events)
{
    struct kvs_handover *handover = weft_container_of(io, struct kvs_handover, io);
    (void)events;
    handover->peer = accept4(handover->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (handover->peer < 0)
        return;
    weft_io_want(&handover->io, 0); /* one after another */
    weft_io_init(&handover->peer_io, weft_server_loop(handover->server), handover->peer, on_answer);
    if (may_ask(handover) && pass_sockets(handover) == 0)
        weft_io_want(&handover->peer_io, WEFT_READABLE);
    else
        drop_peer(handover);
}

void kvs_handover_begin(struct kvs_handover *handover, struct weft_server *server,
                        const struct weft_log *log)
{
    handover->server = server;
    handover->log = log;
    if (handover->fd < 0)
        return;
    weft_io_init(&handover->io, weft_server_loop(server), handover->fd, on_asked);
    weft_io_want(&handover->io, WEFT_READABLE);
}

void kvs_handover_end(struct kvs_handover *handover)
{
    if (handover->fd < 0)
        return;
    if (handover->server) {
        weft_io_want(&handover->io, 0);
        if (handover->peer >= 0)
            weft_io_want(&handover->peer_io, 0);
    }
    close(handover->fd);
    if (handover->is_file && !handover->is_passed)
        unlink(handover->path);
}
