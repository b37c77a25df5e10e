/* SPDX-License-Identifier: MIT */
#include "alarm.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

/* A signal's handler is handed nothing. */
static const char *last_words;
static int exit_code;
static int kept_terminal = -1;
static struct termios kept_modes;

static void on_alarm(int number)
{
    (void)number;
    if (kept_terminal >= 0)
        (void)tcsetattr(kept_terminal, TCSANOW, &kept_modes);
    (void)!write(STDERR_FILENO, last_words, strlen(last_words));
    _exit(exit_code);
}

static void set_timer(int64_t nanoseconds)
{
    const struct itimerval timer = {.it_value = {.tv_sec = nanoseconds / 1000000000,
                                                 .tv_usec = nanoseconds % 1000000000 / 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void cli_alarm_start(int64_t nanoseconds, const char *text, int code)
{
    struct sigaction action = {.sa_handler = on_alarm};
    last_words = text;
    exit_code = code;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    set_timer(nanoseconds > 1000 ? nanoseconds : 1000);
}

void cli_alarm_stop(void)
{
    set_timer(0);
    signal(SIGALRM, SIG_DFL);
}

void cli_alarm_keep_modes(int terminal)
{
    if (tcgetattr(terminal, &kept_modes) == 0)
        kept_terminal = terminal;
}
