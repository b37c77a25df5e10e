/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

const int cli_endings[CLI_ENDINGS] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/* A signal handler has no argument of ours, so what it needs is global. */
static const char *last_words;
static int exit_code;
static int kept_terminal = -1;
static struct termios kept_modes;
static const char marks_off[] = "\x1b[?2004l"; /* the prompt asks for marks around pastes */
static bool ends_process;

static void restore_terminal(void)
{
    if (kept_terminal < 0)
        return;
    (void)tcsetattr(kept_terminal, TCSANOW, &kept_modes);
    (void)!write(kept_terminal, marks_off, sizeof marks_off - 1);
}

static void on_alarm(int number)
{
    (void)number;
    restore_terminal();
    (void)!write(STDERR_FILENO, last_words, strlen(last_words));
    _exit(exit_code);
}

static void on_ending(int number)
{
    restore_terminal();
    _exit(128 + number);
}

void cli_signals_restore(int number)
{
    struct sigaction action = {.sa_handler = ends_process ? on_ending : SIG_DFL};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void cli_signals_end_process(void)
{
    ends_process = true;
    for (size_t i = 0; i < CLI_ENDINGS; i++)
        cli_signals_restore(cli_endings[i]);
}

void cli_signals_init(void)
{
    if (getpid() == 1)
        cli_signals_end_process();
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
