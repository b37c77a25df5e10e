/* SPDX-License-Identifier: MIT */
#include "transports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "socket.h"

/* A path, or a name of the abstract space, which begins with a zero byte: unix(7). */
struct address {
    struct sockaddr_un un;
    socklen_t size;
};

struct unix_listener {
    struct weft__socket_listener socket;
    struct address address;
    dev_t device; /* of the file at the path, to see whether it is still ours */
    ino_t inode;
};

static struct unix_listener *listener_of(struct weft_listener *listener)
{
    return weft_container_of(listener, struct unix_listener, socket.listener);
}

static bool is_abstract(const struct address *address)
{
    return address->un.sun_path[0] == '\0';
}

static int refuse(struct weft_error *error, int err, const char *what, const char *path,
                  const struct weft__advice *advice)
{
    char where[sizeof "unix:" + WEFT_URL_MAX];

    snprintf(where, sizeof where, "unix:%s", path);
    return weft__socket_refuse(error, err, what, where, advice);
}

static int make_address(struct address *address, const struct weft_url *url, const char *what,
                        struct weft_error *error)
{
    size_t length = url->path ? strlen(url->path) : 0;

    *address = (struct address){.un.sun_family = AF_UNIX, .size = sizeof address->un};
    if (length == 0 || strcmp(url->path, "@") == 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "cannot %s unix: the form is unix:PATH or unix:@NAME", what);
    if (length >= sizeof address->un.sun_path)
        return weft_error_set(error, WEFT_ECONFIG,
                              "cannot %s unix:%s: the path has %zu bytes and the system takes at "
                              "most %zu; choose a shorter one",
                              what, url->path, length, sizeof address->un.sun_path - 1);
    memcpy(address->un.sun_path, url->path, length);
    if (url->path[0] == '@') {
        address->un.sun_path[0] = '\0';
        address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    }
    return 0;
}

static int unix_check(const struct weft_url *url, bool for_listen, struct weft_error *error)
{
    struct address unused;

    return make_address(&unused, url, for_listen ? "listen on" : "connect to", error);
}

static int open_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int connect_address(const struct address *address)
{
    int fd = open_socket();

    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)&address->un, address->size) == 0)
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

/* Removes a socket that nobody listens on. Returns 0 if the path is free now. */
static int remove_stale(const char *path, const struct address *address)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    int fd = connect_address(address);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || fd == -EAGAIN) /* EAGAIN: the queue is full, so somebody listens */
        return -EADDRINUSE;
    if (fd != -ECONNREFUSED)
        return fd;
    return unlink(path) < 0 ? -errno : 0;
}

/* The bound on waiting for another's lock, and the pause between two tries. */
enum { LOCK_TRIES = 50, LOCK_PAUSE_NS = 10 * 1000 * 1000 };

/* Two servers that start at once must not take each other's new socket for a stale one, which it
 * looks like between bind and listen. So they take turns by a lock on the directory, which leaves no
 * file behind. A starting server holds it for less than a millisecond. If it is held for half
 * a second, it is a lock of somebody else, for another purpose (systemd-tmpfiles takes one, and so
 * does `flock DIR command`), and is ignored; so is a directory that cannot be locked. Returns
 * a descriptor to close, or -1. */
static int lock_directory(const char *path)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    char directory[sizeof((struct sockaddr_un *)0)->sun_path + 2];
    const char *slash = strrchr(path, '/');

    if (slash)
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path) + 1, path);
    else
        snprintf(directory, sizeof directory, ".");
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int tries = 0; fd >= 0 && tries < LOCK_TRIES; tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            break;
        nanosleep(&pause, NULL);
    }
    return fd;
}

static int bind_address(int fd, const struct address *address)
{
    return bind(fd, (const struct sockaddr *)&address->un, address->size) < 0 ? -errno : 0;
}

static int listen_at_name(struct unix_listener *listener, struct weft_loop *loop, int fd)
{
    int err = bind_address(fd, &listener->address);

    return err < 0 ? err : weft__socket_listen(&listener->socket, loop, fd);
}

static int listen_at_path(struct unix_listener *listener, struct weft_loop *loop, int fd)
{
    const char *path = listener->address.un.sun_path;
    struct stat st;
    int err = remove_stale(path, &listener->address);

    if (err < 0)
        return err;
    /* Linux gives the file the mode of the socket, so it is never open to others. */
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0)
        return -errno;
    err = bind_address(fd, &listener->address);
    if (err < 0)
        return err;
    err = lstat(path, &st) < 0 ? -errno : weft__socket_listen(&listener->socket, loop, fd);
    if (err < 0) {
        unlink(path);
        return err;
    }
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    return 0;
}

/* Returns the inherited socket of the address, or NULL. One whose file is gone is no use: nobody can connect. */
static struct weft_inherited *find_inherited(const struct unix_listener *listener)
{
    const struct address *address = &listener->address;
    struct stat st;

    struct weft_inherited *inherited = weft__socket_find_inherited(
        &listener->socket.listener, (const struct sockaddr *)&address->un, address->size);
    if (inherited && !is_abstract(address) && lstat(address->un.sun_path, &st) < 0)
        return NULL;
    return inherited;
}

static int listen_at_inherited(struct unix_listener *listener, struct weft_loop *loop,
                               struct weft_inherited *inherited)
{
    struct stat st = {0};
    int err = weft__socket_take(&listener->socket, loop, inherited);

    if (err < 0 || is_abstract(&listener->address))
        return err;
    /* If the file has gone meanwhile, no file is ours to remove. */
    (void)lstat(listener->address.un.sun_path, &st);
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    return 0;
}

/* Lets no other server that starts come between. */
static int listen_in_order(struct unix_listener *listener, struct weft_loop *loop, int fd)
{
    int lock = lock_directory(listener->address.un.sun_path);
    int err = listen_at_path(listener, loop, fd);

    if (lock >= 0)
        close(lock);
    return err;
}

/* Writes path as a URL, with %XX for what weft_url_parse would read as something else. */
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

static int listen_at_new(struct unix_listener *listener, struct weft_loop *loop)
{
    int fd = open_socket();

    if (fd < 0)
        return fd;
    int err = is_abstract(&listener->address) ? listen_at_name(listener, loop, fd)
                                              : listen_in_order(listener, loop, fd);
    if (err < 0)
        close(fd);
    return err;
}

static int unix_listen(struct weft_listener *base, struct weft_loop *loop,
                       const struct weft_url *url, struct weft_error *error)
{
    static const struct weft__advice advice[] = {
        {EADDRINUSE, "another server is listening there: stop it or choose another path"},
        {ENOTSOCK, "a file of another kind is there: remove it or choose another path"},
        {ENOENT, "there is no such folder: make it or choose another path"},
        {EACCES, "this user may not make files there: choose another path"},
        {0, NULL},
    };
    struct unix_listener *listener = listener_of(base);
    int err = make_address(&listener->address, url, "listen on", error);

    if (err < 0)
        return err;
    struct weft_inherited *inherited = find_inherited(listener);
    err =
        inherited ? listen_at_inherited(listener, loop, inherited) : listen_at_new(listener, loop);
    if (err < 0)
        return refuse(error, err, "listen on", url->path, advice);
    describe_path(url->path, base->name, sizeof base->name);
    return 0;
}

static void unix_unlisten(struct weft_listener *base)
{
    struct unix_listener *listener = listener_of(base);
    const char *path = listener->address.un.sun_path;
    struct stat st;

    if (!listener->socket.open)
        return;
    /* Another server may have put its own there meanwhile. */
    if (!base->kept && !is_abstract(&listener->address) && lstat(path, &st) == 0 &&
        st.st_dev == listener->device && st.st_ino == listener->inode)
        unlink(path);
    weft__socket_unlisten(base);
}

/* True if the peer may connect: a name of the abstract space has no mode, so what the mode 0600 does
 * for a path is done here. */
static bool is_owner(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static int unix_accept(struct weft_listener *base, struct weft_accepted *accepted, bool shed)
{
    struct unix_listener *listener = listener_of(base);
    struct sockaddr_storage address;
    int handle = weft__socket_accept(&listener->socket, &address, shed);

    if (handle < 0)
        return handle;
    if (is_abstract(&listener->address) && !is_owner(handle)) {
        close(handle);
        return -ECONNABORTED;
    }
    accepted->handle = handle;
    memcpy(accepted->peer, "unix", sizeof "unix");
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
    static const struct weft__advice advice[] = {
        {ECONNREFUSED, "is the server running?"},
        {ENOENT, "is the server running, and is the path right?"},
        {EAGAIN, "too many others wait to be accepted there: try again"},
        {0, NULL},
    };
    struct address address;
    int err = make_address(&address, url, "connect to", error);

    if (err < 0)
        return err;
    int fd = connect_address(&address);
    if (fd < 0)
        return refuse(error, fd, "connect to", url->path, advice);
    weft__socket_adopt(socket_of(stream), loop, fd);
    return 0;
}

const struct weft_transport weft_transport_unix = {
    .name = "unix",
    .listener_size = sizeof(struct unix_listener),
    .stream_size = sizeof(struct weft__socket_stream),
    .check = unix_check,
    .listen = unix_listen,
    .enable = weft__socket_enable,
    .accept = unix_accept,
    .unlisten = unix_unlisten,
    .attach = unix_attach,
    .drop = weft__socket_drop,
    .connect = unix_connect,
};
