/* SPDX-License-Identifier: MIT */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/transport.h"

enum { STEP = 65536 };

static void on_ready(struct weft_io *io, unsigned events)
{
    struct cli_input *input = weft_container_of(io, struct cli_input, io);
    (void)events;
    weft_io_want(io, 0);
    input->is_ready = true;
    input->ready(input);
}

int cli_input_open(struct cli_input *input, const char *path, struct weft_loop *loop,
                   struct weft_error *error)
{
    struct stat status;
    bool standard = !path || strcmp(path, "-") == 0;
    *input = (struct cli_input){.fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)};
    int err = input->fd < 0 || fstat(input->fd, &status) < 0 ? -errno : 0;
    if (err == 0 && S_ISDIR(status.st_mode))
        err = -EISDIR;
    if (err < 0) {
        cli_input_close(input);
        return weft_error_set(error, err, "cannot read %s: %s", standard ? "standard input" : path,
                              weft_strerror(err));
    }
    input->is_file = S_ISREG(status.st_mode);
    if (input->is_file)
        input->size = (uint64_t)status.st_size;
    weft_io_init(&input->io, loop, input->fd, on_ready);
    return 0;
}

void cli_input_close(struct cli_input *input)
{
    if (input->io.loop)
        weft_io_want(&input->io, 0);
    if (input->fd > STDERR_FILENO)
        close(input->fd);
    weft_buf_fini(&input->buf);
    *input = (struct cli_input){0};
}

/* A file is always ready. A pipe or a terminal tells how much there is; where it cannot, as a device
 * like /dev/null, it is read. */
static bool would_wait(const struct cli_input *input)
{
    int waiting;
    return !input->is_file && ioctl(input->fd, FIONREAD, &waiting) == 0 && waiting == 0;
}

static int wait_for(struct cli_input *input)
{
    weft_io_want(&input->io, WEFT_READABLE);
    return -EAGAIN;
}

static int read_some(struct cli_input *input)
{
    uint8_t *dst = weft_buf_reserve(&input->buf, STEP);
    if (!dst)
        return -ENOMEM;
    ssize_t n = read(input->fd, dst, STEP);
    if (n < 0)
        return errno == EINTR ? wait_for(input) : -errno;
    weft_buf_commit(&input->buf, (size_t)n);
    input->bytes += (uint64_t)n;
    input->eof = n == 0;
    return 0;
}

int cli_input_read(struct cli_input *input)
{
    bool is_ready = input->is_ready;
    input->is_ready = false;
    return is_ready || !would_wait(input) ? read_some(input) : wait_for(input);
}
