/* SPDX-License-Identifier: MIT
 *
 * Loaded before libc: the first read of a journal at or behind byte WEFT_GATE_AT waits until somebody has opened the FIFO
 * WEFT_GATE for writing and has closed it. So a test can look at a program that reads a journal, for as long as it likes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_journal(int fd)
{
    char link[64], path[512];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = '\0';
    return strstr(path, "/journal-") != NULL;
}

static void wait_at_gate(const char *path)
{
    char byte;
    int gate;
    do
        gate = open(path, O_RDONLY | O_CLOEXEC);
    while (gate < 0 && errno == EINTR);
    while (read(gate, &byte, 1) > 0 || errno == EINTR)
        errno = 0;
    close(gate);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    const char *path = getenv("WEFT_GATE"), *at = getenv("WEFT_GATE_AT");
    if (path && at && offset >= atol(at) && is_journal(fd)) {
        wait_at_gate(path);
        (void)unsetenv("WEFT_GATE");
    }
    return syscall(SYS_pread64, fd, bytes, size, offset);
}

ssize_t pread64(int fd, void *bytes, size_t size, off_t offset)
{
    return pread(fd, bytes, size, offset);
}
