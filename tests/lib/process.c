/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* In the child: dies with its parent, has the three descriptors, and becomes the program. */
static void run_child(const char *const *words, int in, int out, int err)
{
    char *argv[PROCESS_WORDS_MAX + 1];
    size_t count = 0;
    for (; words[count]; count++)
        argv[count] = strdup(words[count]);
    argv[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    execv(argv[0], argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static void start(struct process *process, const char *const *words, bool piped)
{
    int in[2] = {-1, -1}, out[2], err[2];
    size_t count = 0;
    while (words[count])
        count++;
    assert_true(count > 0 && count < PROCESS_WORDS_MAX);
    *process = (struct process){.in = -1};
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    if (piped)
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    else
        in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(in[0] >= 0);
    fflush(NULL);
    process->pid = fork();
    assert_true(process->pid >= 0);
    if (process->pid == 0)
        run_child(words, in[0], out[1], err[1]);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    process->in = in[1];
    process->out = (struct process_text){.fd = out[0], .text = calloc(1, 1), .capacity = 1};
    process->err = (struct process_text){.fd = err[0], .text = calloc(1, 1), .capacity = 1};
    assert_non_null(process->out.text);
    assert_non_null(process->err.text);
}

void process_start(struct process *process, const char *const *words)
{
    start(process, words, false);
}

void process_start_piped(struct process *process, const char *const *words)
{
    start(process, words, true);
}

static void end_text(struct process_text *text)
{
    if (text->fd >= 0)
        close(text->fd);
    text->fd = -1;
}

static void read_text(struct process_text *text)
{
    char bytes[65536];
    ssize_t n = read(text->fd, bytes, sizeof bytes);
    if (n <= 0) {
        end_text(text);
        return;
    }
    size_t need = text->size + (size_t)n + 1;
    if (need > text->capacity) {
        text->capacity = need * 2;
        text->text = realloc(text->text, text->capacity);
        assert_non_null(text->text);
    }
    memcpy(text->text + text->size, bytes, (size_t)n);
    text->size += (size_t)n;
    text->text[text->size] = '\0';
}

/* Takes what either output has, waiting for it at most until deadline. False: both have ended. */
static bool read_some(struct process *process, long long deadline)
{
    struct pollfd fds[] = {{.fd = process->out.fd, .events = POLLIN},
                           {.fd = process->err.fd, .events = POLLIN}};
    if (fds[0].fd < 0 && fds[1].fd < 0)
        return false;
    long long left = deadline - now_ms();
    int ready = poll(fds, 2, left > 0 ? (int)left : 0);
    if (ready <= 0)
        fail_msg("the program neither answered nor ended in time; standard error: %s",
                 process->err.text);
    if (fds[0].revents)
        read_text(&process->out);
    if (fds[1].revents)
        read_text(&process->err);
    return true;
}

/* The n-th line, counted from 1, if it is whole. */
static const char *find_line(const char *text, size_t n, size_t *length)
{
    for (;; n--) {
        const char *end = strchr(text, '\n');
        if (!end)
            return NULL;
        *length = (size_t)(end - text);
        if (n <= 1)
            return text;
        text = end + 1;
    }
}

void process_wait_line(struct process *process, size_t lines, char *dst, size_t size)
{
    long long deadline = now_ms() + PROCESS_DEADLINE_MS;
    const char *line;
    size_t length = 0;
    while (!(line = find_line(process->out.text, lines, &length))) {
        if (!read_some(process, deadline))
            fail_msg("the program ended before its line %zu; standard error: %s", lines,
                     process->err.text);
    }
    assert_true(length < size);
    memcpy(dst, line, length);
    dst[length] = '\0';
}

void process_wait_error(struct process *process, const char *text)
{
    long long deadline = now_ms() + PROCESS_DEADLINE_MS;
    while (!strstr(process->err.text, text)) {
        if (!read_some(process, deadline))
            fail_msg("the program ended without '%s'; standard error: %s", text, process->err.text);
    }
}

void process_signal(const struct process *process, int number)
{
    assert_true(process->pid > 0);
    assert_int_equal(kill(process->pid, number), 0);
}

void process_suspend(const struct process *process)
{
    int status;
    process_signal(process, SIGSTOP);
    assert_int_equal(waitpid(process->pid, &status, WUNTRACED), process->pid);
    assert_true(WIFSTOPPED(status));
}

void process_resume(const struct process *process)
{
    process_signal(process, SIGCONT);
}

void process_close_output(struct process *process)
{
    end_text(&process->out);
}

int process_wait(struct process *process)
{
    long long deadline = now_ms() + PROCESS_DEADLINE_MS;
    if (process->in >= 0)
        close(process->in);
    process->in = -1;
    while (read_some(process, deadline))
        ;
    int status;
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    process->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_run(struct process *process, const char *const *words)
{
    process_start(process, words);
    return process_wait(process);
}

void process_kill(struct process *process)
{
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
        end_text(&process->out);
        end_text(&process->err);
        if (process->in >= 0)
            close(process->in);
    }
    free(process->out.text);
    free(process->err.text);
    *process = (struct process){.in = -1};
}
