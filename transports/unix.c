/* SPDX-License-Identifier: MIT */
#include "transports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "socket.h"

struct unix_listener {
    struct weft__socket_listener socket;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    dev_t device; /* of the file at path, to see whether it is still ours */
    ino_t inode;
};

static struct unix_listener *listener_of(struct weft_listener *listener)
{
    return weft_container_of(listener, struct unix_listener, socket.listener);
}

static int refuse(struct weft_error *error, int err, const char *what, const char *path)
{
    static const struct weft__advice advice[] = {
        {EADDRINUSE, "another server is listening there: stop it or choose another path"},
        {ENOTSOCK, "a file of another kind is there: remove it or choose another path"},
        {ECONNREFUSED, "is the server running?"},
        {ENOENT, "is the server running, and is the path right?"},
        {EAGAIN, "too many others wait to be accepted there: try again"},
        {0, NULL},
    };
    char where[sizeof("unix:") + WEFT_URL_MAX];

    snprintf(where, sizeof(where), "unix:%s", path);
    return weft__socket_refuse(error, err, what, where, advice);
}

static int make_address(struct sockaddr_un *address, const struct weft_url *url, const char *what,
                        struct weft_error *error)
{
    size_t length = url->path ? strlen(url->path) : 0;

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length == 0)
        return weft_error_set(error, WEFT_ECONFIG, "cannot %s unix: the form is unix:PATH", what);
    if (length >= sizeof(address->sun_path))
        return weft_error_set(error, WEFT_ECONFIG,
                              "cannot %s unix:%s: the path has %zu bytes and the system takes at "
                              "most %zu; choose a shorter one",
                              what, url->path, length, sizeof(address->sun_path) - 1);
    memcpy(address->sun_path, url->path, length + 1);
    return 0;
}

static int open_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int connect_address(const struct sockaddr_un *address)
{
    int fd = open_socket(), err;

    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

/* Removes a socket that nobody listens on. 0: the path is free now. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    int fd;

    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    fd = connect_address(address);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || fd == -EAGAIN) /* EAGAIN: its queue is full, so there is one */
        return -EADDRINUSE;
    if (fd != -ECONNREFUSED)
        return fd;
    return unlink(address->sun_path) < 0 ? -errno : 0;
}

/* Two servers that start at one time must not take each other's new socket for a stale one: between
 * bind and listen it looks like that. So they take turns, by a lock on the directory, which leaves
 * no file behind. Where a directory cannot be locked nothing is lost but this. */
static int lock_directory(const char *path)
{
    char directory[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
    const char *slash = strrchr(path, '/');
    int fd;

    if (slash)
        snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path) + 1, path);
    else
        snprintf(directory, sizeof(directory), ".");
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)flock(fd, LOCK_EX);
    return fd;
}

static int bind_and_listen(struct unix_listener *listener, struct weft_loop *loop, int fd,
                           const struct sockaddr_un *address)
{
    struct stat st;
    int err = remove_stale(address);

    if (err < 0)
        return err;
    /* Linux gives the file the mode of the socket: it is never open to others, not for a moment. */
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return -errno;
    err = lstat(address->sun_path, &st) < 0 ? -errno
                                            : weft__socket_listen(&listener->socket, loop, fd);
    if (err < 0) {
        unlink(address->sun_path);
        return err;
    }
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    return 0;
}

/* As a URL: what weft_url_parse would read otherwise is written as %XX. */
static void describe_path(const char *path, char *dst, size_t size)
{
    size_t used = (size_t)snprintf(dst, size, "unix:");

    for (; *path && used + 4 <= size; path++) {
        if ((unsigned char)*path > ' ' && *path != 0x7f && !strchr("%?#", *path))
            used += (size_t)snprintf(dst + used, size - used, "%c", *path);
        else
            used += (size_t)snprintf(dst + used, size - used, "%%%02X", (unsigned char)*path);
    }
}

static int unix_listen(struct weft_listener *base, struct weft_loop *loop,
                       const struct weft_url *url, struct weft_error *error)
{
    struct unix_listener *listener = listener_of(base);
    struct sockaddr_un address;
    int fd, lock, err = make_address(&address, url, "listen on", error);

    if (err < 0)
        return err;
    fd = open_socket();
    if (fd < 0)
        return refuse(error, fd, "listen on", url->path);
    lock = lock_directory(address.sun_path);
    err = bind_and_listen(listener, loop, fd, &address);
    if (lock >= 0)
        close(lock);
    if (err < 0) {
        close(fd);
        return refuse(error, err, "listen on", url->path);
    }
    memcpy(listener->path, address.sun_path, sizeof(listener->path));
    describe_path(listener->path, base->name, sizeof(base->name));
    return 0;
}

static void unix_unlisten(struct weft_listener *base)
{
    struct unix_listener *listener = listener_of(base);
    struct stat st;

    if (!listener->socket.open)
        return;
    /* Another server may have put its own there meanwhile. */
    if (lstat(listener->path, &st) == 0 && st.st_dev == listener->device &&
        st.st_ino == listener->inode)
        unlink(listener->path);
    weft__socket_unlisten(base);
}

static int unix_accept(struct weft_listener *base, struct weft_accepted *accepted, int shed)
{
    struct sockaddr_storage address;
    int handle = weft__socket_accept(&listener_of(base)->socket, &address, shed);

    if (handle < 0)
        return handle;
    accepted->handle = handle;
    memcpy(accepted->peer, "unix", sizeof("unix"));
    return 0;
}

static struct weft__socket_stream *socket_of(struct weft_stream *stream)
{
    return weft_container_of(stream, struct weft__socket_stream, stream);
}

static int unix_attach(struct weft_stream *stream, struct weft_loop *loop,
                       const struct weft_accepted *accepted)
{
    weft__socket_adopt(socket_of(stream), loop, (int)accepted->handle);
    return 0;
}

static int unix_connect(struct weft_stream *stream, struct weft_loop *loop,
                        const struct weft_url *url, struct weft_error *error)
{
    struct sockaddr_un address;
    int fd, err = make_address(&address, url, "connect to", error);

    if (err < 0)
        return err;
    fd = connect_address(&address);
    if (fd < 0)
        return refuse(error, fd, "connect to", url->path);
    weft__socket_adopt(socket_of(stream), loop, fd);
    return 0;
}

const struct weft_transport weft_transport_unix = {
    .name = "unix",
    .listener_size = sizeof(struct unix_listener),
    .stream_size = sizeof(struct weft__socket_stream),
    .listen = unix_listen,
    .enable = weft__socket_enable,
    .accept = unix_accept,
    .unlisten = unix_unlisten,
    .attach = unix_attach,
    .drop = weft__socket_drop,
    .connect = unix_connect,
};
