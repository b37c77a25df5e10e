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

enum { CTRL_C = 3 };

/* Reads one byte at a time: what is behind the line belongs to somebody else. `cancel` is a byte that ends the
 * question without an answer; '\n': there is none. */
static ssize_t read_line(int fd, char *dst, char cancel, const char *where,
                         struct weft_error *error)
{
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd, dst + size, 1)) == 1 && dst[size] != '\n' && dst[size] != cancel)
        if (++size == CLI_PASSWORD_SIZE)
            return weft_error_set(error, WEFT_ECONFIG, "%s: a password has at most %d bytes", where,
                                  CLI_PASSWORD_SIZE - 1);
    if (n < 0)
        return weft_error_set(error, -errno, "%s: %s", where, weft_strerror(-errno));
    if (n == 1 && dst[size] != '\n')
        return weft_error_set(error, -EINTR, "no password was given");
    if (size > 0 && dst[size - 1] == '\r')
        size--;
    dst[size] = '\0';
    if (size == 0)
        return weft_error_set(error, WEFT_ECONFIG, "%s: the password is empty", where);
    return (ssize_t)size;
}

/* The keys that send signals only end the question, because a signal could end the process and leave the terminal
 * without an echo. */
static ssize_t ask_silently(int fd, char *dst, const char *prompt, const struct termios *before,
                            struct weft_error *error)
{
    struct termios silent = *before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_lflag |= ECHONL;
    silent.c_cc[VEOL] = CTRL_C;
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    (void)fputs(prompt, stderr);
    (void)fflush(stderr);
    ssize_t size = read_line(fd, dst, CTRL_C, "the terminal", error);
    (void)tcsetattr(fd, TCSAFLUSH, before);
    if (size == -EINTR)
        (void)fputs("\n", stderr);
    return size;
}

ssize_t cli_password_ask(char *dst, const char *prompt, struct weft_error *error)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) == 0)
        return ask_silently(STDIN_FILENO, dst, prompt, &before, error);
    return read_line(STDIN_FILENO, dst, '\n', "standard input", error);
}

ssize_t cli_password_ask_terminal(char *dst, const char *prompt, struct weft_error *error)
{
    struct termios before;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool is_there = fd >= 0 && tcgetattr(fd, &before) == 0;
    ssize_t size = is_there ? ask_silently(fd, dst, prompt, &before, error)
                            : weft_error_set(error, WEFT_ECONFIG, "no terminal to ask on");
    if (fd >= 0)
        (void)close(fd);
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
                       : read_line(fd, dst, '\n', path, error);
    (void)close(fd);
    return size;
}
