/* SPDX-License-Identifier: MIT
 *
 * The system calls of a serving kvs. Any other one fails with EPERM, so that a library which tries something
 * for its own convenience goes on without. */
#include <errno.h>

#include "sandbox_private.h"

#ifdef WEFT_HAS_SECCOMP
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Names, for a call that an architecture or a library does not have is left out. */
static const char *const always[] = {
    /* descriptors */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "pipe",
    "pipe2",
    "eventfd2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "_newselect",
    /* connections that were accepted */
    "accept",
    "accept4",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "sendmmsg",
    "recvmmsg",
    "send",
    "recv",
    "shutdown",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    /* files */
    "open",
    "openat",
    "openat2",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "stat64",
    "fstat64",
    "lstat64",
    "fstatat64",
    "statx",
    "lseek",
    "_llseek",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "ftruncate",
    "ftruncate64",
    "fallocate",
    "fadvise64",
    "fadvise64_64",
    "readahead",
    "flock",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "getdents",
    "getdents64",
    "readlink",
    "readlinkat",
    "access",
    "faccessat",
    "faccessat2",
    "statfs",
    "fstatfs",
    "statfs64",
    "fstatfs64",
    "chmod",
    "fchmod",
    "fchmodat",
    "umask",
    "utimensat",
    "copy_file_range",
    "sendfile",
    "getcwd",
    /* memory */
    "mmap",
    "mmap2",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "brk",
    "mincore",
    "msync",
    "mlock",
    "mlock2",
    "munlock",
    "membarrier",
    "get_mempolicy",
    /* threads, time and signals */
    "futex",
    "futex_time64",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "sched_yield",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getcpu",
    "setpriority",
    "getpriority",
    "ioprio_set",
    "ioprio_get",
    "exit",
    "exit_group",
    "nanosleep",
    "clock_nanosleep",
    "clock_gettime",
    "clock_getres",
    "clock_gettime64",
    "clock_nanosleep_time64",
    "gettimeofday",
    "time",
    "times",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigsuspend",
    "sigaltstack",
    "sigreturn",
    "tgkill",
    "gettid",
    "getpid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getgroups",
    "getresuid",
    "getresgid",
    "getrandom",
    "getrlimit",
    "ugetrlimit",
    "getrusage",
    "sysinfo",
    "uname",
    "arch_prctl",
};

/* For a server that opens connections of its own. */
static const char *const connecting[] = {"socket", "connect", "bind", "socketpair"};

/* For a server that opens listening sockets later. It can connect to nobody all the same, and what it accepts runs no
 * program. */
static const char *const listening[] = {"bind", "listen"};

#ifdef SANITIZED
/* The leak check stops the process from a thread of its own. */
static const char *const sanitizers[] = {"clone",     "ptrace",           "wait4",
                                         "kill",      "personality",      "prctl",
                                         "prlimit64", "process_vm_readv", "sched_setaffinity"};
#endif

static int allow(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number != __NR_SCMP_ERROR)
            err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        if (err == -EDOM) /* another architecture's */
            err = 0;
    }
    return err;
}

#define ALLOW(filter, names) allow(filter, names, sizeof(names) / sizeof *(names))

/* Calls that are allowed with some arguments alone: a thread and no process, a question about a limit and no new
 * one, the name of a thread, and what is asked of terminals and sockets. */
static int allow_some(scmp_filter_ctx filter)
{
    static const unsigned long requests[] = {FIONBIO, FIONREAD, FIOCLEX, TCGETS, TIOCGWINSZ};
    static const int options[] = {PR_SET_NAME, PR_GET_NAME};
    /* clone3 hides its flags in memory; the C library then takes clone. */
    int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                               SCMP_A2(SCMP_CMP_EQ, 0, 0));
    for (size_t i = 0; err == 0 && i < sizeof options / sizeof *options; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)options[i], 0));
    for (size_t i = 0; err == 0 && i < sizeof requests / sizeof *requests; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    return err;
}

/* Stream sockets of the families that endpoints have, and no others: none that sends packets or talks to the kernel. */
static int allow_stream_sockets(scmp_filter_ctx filter)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    const scmp_datum_t flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    int err = 0;
    for (size_t i = 0; err == 0 && i < sizeof families / sizeof *families; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                               SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0),
                               SCMP_A1(SCMP_CMP_MASKED_EQ, ~flags, SOCK_STREAM));
    return err;
}

int kvs__seccomp_enter(const struct kvs_sandbox *sandbox)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return 0;
    int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, !sandbox->alone);
    if (err == 0)
        err = ALLOW(filter, always);
    if (err == 0 && sandbox->connects)
        err = ALLOW(filter, connecting);
    if (err == 0 && sandbox->listens)
        err = ALLOW(filter, listening);
    if (err == 0 && sandbox->listens && !sandbox->connects)
        err = allow_stream_sockets(filter);
    if (err == 0)
        err = allow_some(filter);
#ifdef SANITIZED
    if (err == 0)
        err = ALLOW(filter, sanitizers);
#endif
    if (err == 0)
        err = seccomp_load(filter);
    seccomp_release(filter);
    if (err == -ENOSYS || err == -EINVAL || err == -EOPNOTSUPP)
        return 0; /* a kernel without, or one that valgrind plays */
    return err < 0 ? err : 1;
}
#else
int kvs__seccomp_enter(const struct kvs_sandbox *sandbox)
{
    (void)sandbox;
    return 0;
}
#endif
