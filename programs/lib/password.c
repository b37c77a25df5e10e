/* SPDX-License-Identifier: MIT */
#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Reads one byte at a time: what is behind the line belongs to somebody else. */
static ssize_t read_line(int fd, char *dst, const char *where, struct weft_error *error)
{
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd, dst + size, 1)) == 1 && dst[size] != '\n')
        if (++size == CLI_PASSWORD_SIZE)
            return weft_error_set(error, WEFT_ECONFIG, "%s: a password has at most %d bytes", where,
                                  CLI_PASSWORD_SIZE - 1);
    if (n < 0)
        return weft_error_set(error, -errno, "%s: %s", where, weft_strerror(-errno));
    if (size > 0 && dst[size - 1] == '\r')
        size--;
    dst[size] = '\0';
    if (size == 0)
        return weft_error_set(error, WEFT_ECONFIG, "%s: the password is empty", where);
    return (ssize_t)size;
}

ssize_t cli_password_ask(char *dst, const char *prompt, struct weft_error *error)
{
    struct termios before, silent;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        silent.c_lflag |= ECHONL;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        (void)fputs(prompt, stderr);
    }
    ssize_t size = read_line(STDIN_FILENO, dst, "standard input", error);
    if (is_terminal)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    return size;
}

ssize_t cli_password_read(char *dst, const char *path, struct weft_error *error)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &stat) < 0) {
        int err = -errno;
        if (fd >= 0)
            (void)close(fd);
        return weft_error_set(error, err, "%s: %s", path, weft_strerror(err));
    }
    ssize_t size = S_ISREG(stat.st_mode) && stat.st_mode & S_IROTH
                       ? weft_error_set(error, WEFT_ECONFIG,
                                        "%s: everybody can read this password; chmod 600 it", path)
                       : read_line(fd, dst, path, error);
    (void)close(fd);
    return size;
}
