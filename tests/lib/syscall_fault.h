/* SPDX-License-Identifier: MIT
 *
 * Fault injection below the transports and the loop: their system calls fail when told to. It works
 * by the linker (ld's --wrap), so the code under test has no seam for it; a test program asks for it
 * by weft_wrap_syscalls(TARGET) in its CMakeLists.txt. epoll_ctl, which libev calls from its shared
 * library, is caught by being defined in the program. Main thread only. */
#ifndef WEFT_TEST_SYSCALL_FAULT_H
#define WEFT_TEST_SYSCALL_FAULT_H

#include <stddef.h>

/* X(call): those but epoll_ctl are also a list in tests/lib/CMakeLists.txt. */
#define SYSCALL_FAULT_MAP(X)                                                                       \
    X(accept4)                                                                                     \
    X(bind)                                                                                        \
    X(connect)                                                                                     \
    X(epoll_ctl)                                                                                   \
    X(eventfd)                                                                                     \
    X(fchmod)                                                                                      \
    X(getaddrinfo)                                                                                 \
    X(getsockname)                                                                                 \
    X(getsockopt)                                                                                  \
    X(listen)                                                                                      \
    X(lstat)                                                                                       \
    X(open)                                                                                        \
    X(recv)                                                                                        \
    X(send)                                                                                        \
    X(sendmsg)                                                                                     \
    X(setsockopt)                                                                                  \
    X(shutdown)                                                                                    \
    X(socket)                                                                                      \
    X(unlink)

enum syscall_id {
#define X(call) SYSCALL_##call,
    SYSCALL_FAULT_MAP(X)
#undef X
        SYSCALL_COUNT
};

/* From now on, after `skip` more calls, `count` calls fail with errno err (getaddrinfo: return err, an
 * EAI code). Replaces what was set for that call. */
void syscall_fail(enum syscall_id call, unsigned skip, unsigned count, int err);

/* recv, send and sendmsg pass at most so many bytes; 0: any number. */
void syscall_cap(size_t bytes);

/* getaddrinfo answers the addresses of these numeric hosts, in this order. NULL ends them, and NULL
 * in their place ends it. Borrowed. */
void syscall_resolve(const char *const *hosts);

/* Calls since the last reset, those that failed included. */
unsigned syscall_calls(enum syscall_id call);

/* Nothing fails, nothing is counted yet. */
void syscall_fault_reset(void);

#endif
