/* SPDX-License-Identifier: MIT */
#include "syscall_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    struct {
        unsigned calls, skip, count;
        int err;
    } faults[SYSCALL_COUNT];
    size_t cap;
    const char *const *hosts;
} plan;

void syscall_fail(enum syscall_id call, unsigned skip, unsigned count, int err)
{
    plan.faults[call].skip = skip;
    plan.faults[call].count = count;
    plan.faults[call].err = err;
}

void syscall_cap(size_t bytes)
{
    plan.cap = bytes;
}

void syscall_resolve(const char *const *hosts)
{
    plan.hosts = hosts;
}

unsigned syscall_calls(enum syscall_id call)
{
    return plan.faults[call].calls;
}

void syscall_fault_reset(void)
{
    memset(&plan, 0, sizeof(plan));
}

static int fault_of(enum syscall_id call)
{
    plan.faults[call].calls++;
    if (plan.faults[call].count == 0)
        return 0;
    if (plan.faults[call].skip > 0) {
        plan.faults[call].skip--;
        return 0;
    }
    plan.faults[call].count--;
    return plan.faults[call].err;
}

static bool fails(enum syscall_id call)
{
    int err = fault_of(call);

    if (err)
        errno = err;
    return err != 0;
}

static size_t capped(size_t size)
{
    return plan.cap && size > plan.cap ? plan.cap : size;
}

/* The linker gives these names to the calls of the program and to the real functions. */
#define WRAP(type, call, parameters, arguments)                                                    \
    type __real_##call parameters;                                                                 \
    type __wrap_##call parameters;                                                                 \
    type __wrap_##call parameters                                                                  \
    {                                                                                              \
        return fails(SYSCALL_##call) ? -1 : __real_##call arguments;                               \
    }

WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags))
WRAP(int, bind, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
WRAP(int, eventfd, (unsigned count, int flags), (count, flags))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, getsockname, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size))
WRAP(int, listen, (int fd, int backlog), (fd, backlog))
WRAP(int, lstat, (const char *path, struct stat *st), (path, st))
WRAP(ssize_t, recv, (int fd, void *dst, size_t size, int flags), (fd, dst, capped(size), flags))
WRAP(ssize_t, send, (int fd, const void *data, size_t size, int flags),
     (fd, data, capped(size), flags))
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size))
WRAP(int, shutdown, (int fd, int how), (fd, how))
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, unlink, (const char *path), (path))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_list args;

        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return fails(SYSCALL_open) ? -1 : __real_open(path, flags, mode);
}

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec first;
    struct msghdr cut = *message;

    if (fails(SYSCALL_sendmsg))
        return -1;
    if (plan.cap == 0)
        return __real_sendmsg(fd, message, flags);
    first = message->msg_iov[0];
    first.iov_len = capped(first.iov_len);
    cut.msg_iov = &first;
    cut.msg_iovlen = 1;
    return __real_sendmsg(fd, &cut, flags);
}

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **result);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **result);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **result)
{
    const char *const *next;
    int code = fault_of(SYSCALL_getaddrinfo);

    if (code) {
        errno = EIO;
        return code;
    }
    if (!plan.hosts)
        return __real_getaddrinfo(host, port, hints, result);
    /* The nodes of glibc's lists are freed one by one, so two lists can become one. */
    for (next = plan.hosts; *next && code == 0; next++) {
        code = __real_getaddrinfo(*next, port, hints, result);
        result = &(*result)->ai_next;
    }
    return code;
}

static int real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

/* Memory and watches run out for what is new alone: the kernel looks first whether it has the
 * descriptor already, and changes what it has without needing any. */
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    int result = real_epoll_ctl(epoll, operation, fd, event);
    if (operation != EPOLL_CTL_ADD || result < 0)
        return result;
    int err = fault_of(SYSCALL_epoll_ctl);
    if (err == 0)
        return 0;
    (void)real_epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    errno = err;
    return -1;
}
