/* SPDX-License-Identifier: MIT
 *
 * Real programs under test: started with pipes, waited for by what they print and by deadlines,
 * never by sleeping. A child dies with the test program. All functions but process_kill fail the
 * test (a cmocka assertion) where they cannot do what they say. Main thread only. */
#ifndef TEST_PROCESS_H
#define TEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The milliseconds that anything here may take: far more than it takes under a sanitizer on a busy
 * machine, so that no passing test is decided by it. */
enum { PROCESS_DEADLINE_MS = 120000, PROCESS_WORDS_MAX = 64 };

/* The text of one of a child's outputs so far. Always terminated. */
struct process_text {
    int fd; /* -1 once it has ended */
    char *text;
    size_t size, capacity;
};

struct process {
    pid_t pid; /* 0: none, or reaped */
    int in;    /* where the child's standard input is written to, -1: closed, or /dev/null */
    struct process_text out, err;
};

/* Starts words[0] with words, ended by NULL. Its standard input is /dev/null. */
void process_start(struct process *process, const char *const *words);
/* Starts words[0] likewise, with a pipe for its standard input. */
void process_start_piped(struct process *process, const char *const *words);

/* Reads until standard output holds `lines` whole lines; returns the last of them, without its
 * newline, in dst of size bytes. */
void process_wait_line(struct process *process, size_t lines, char *dst, size_t size);

/* Reads until standard error holds text. */
void process_wait_error(struct process *process, const char *text);

void process_signal(const struct process *process, int number);

/* Stops the process and returns once it has stopped; lets it go on. */
void process_suspend(const struct process *process);
void process_resume(const struct process *process);

/* Closes the child's standard output for it: what it prints from now on has no reader. */
void process_close_output(struct process *process);

/* Reads both outputs to their ends and waits for the child's: its exit code, or 128 + the signal
 * that ended it. out.text and err.text stay until process_fini. */
int process_wait(struct process *process);

/* Starts, and waits. */
int process_run(struct process *process, const char *const *words);

/* Kills and reaps what still runs and frees everything. A zeroed one is fine, and so is one that a
 * failed assertion left behind. */
void process_kill(struct process *process);

#endif
