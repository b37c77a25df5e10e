/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "prompt_fixture.h"

enum { PATIENCE_SECONDS = 100 };

char folder[64], url[128];
struct kvs server;
char screen[SCREEN_SIZE];

char terminal[96];

void start_kvs(void)
{
    kvs_start(&server, WORDS("--listen", url));
}

int start_server(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(url, sizeof url, "unix:%s/kvs.sock", folder);
    start_kvs();
    return 0;
}

int stop_server(void **state)
{
    (void)state;
    int code = kvs_stop(&server);
    kvs_kill(&server);
    scratch_remove(folder);
    return code;
}

int tmux(struct process *process, const char *const *words)
{
    const char *all[PROCESS_WORDS_MAX] = {TMUX_PATH, "-u", "-S", terminal, "-f", "/dev/null"};
    for (size_t count = 6; *words; words++)
        all[count++] = *words;
    return process_run(process, all);
}

void look(const char *option)
{
    struct process process;
    assert_int_equal(tmux(&process, WORDS("capture-pane", "-p", option)), 0);
    snprintf(screen, sizeof screen, "%s", process.out.text);
    process_kill(&process);
}

void see(const char *text)
{
    time_t deadline = time(NULL) + PATIENCE_SECONDS;
    do {
        look("-J");
        if (time(NULL) > deadline)
            fail_msg("'%s' does not come; the screen is:\n%s", text, screen);
    } while (!strstr(screen, text));
}

void type(const char *keys)
{
    struct process process;
    assert_int_equal(tmux(&process, WORDS("send-keys", "--", keys)), 0);
    process_kill(&process);
}

void see_line_end(void)
{
    time_t deadline = time(NULL) + PATIENCE_SECONDS;
    for (bool seen = false; !seen;) {
        struct process process;
        assert_int_equal(tmux(&process, WORDS("display-message", "-p", "#{cursor_x}")), 0);
        seen = strcmp(process.out.text, "0\n") == 0;
        process_kill(&process);
        assert_true(time(NULL) <= deadline);
    }
}

/* libedit keeps the names of its user's functions for ever, which looks like a leak. */
static void open_terminal(const char *settings, const char *command)
{
    static unsigned terminals; /* a name is free again only when its server is quite gone */
    char line[1024];
    struct process process;
    snprintf(terminal, sizeof terminal, "%s/%u", folder, ++terminals);
    snprintf(line, sizeof line,
             "env -u NO_COLOR ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 HOME=%s "
             "KVC_SERVER=%s %s %s",
             folder, url, settings, command);
    int code = tmux(&process, WORDS("new-session", "-d", "-x", "60", "-y", "40", line));
    if (code != 0)
        fail_msg("tmux: %s", process.err.text);
    process_kill(&process);
}

void open_prompt(const char *settings, const char *options)
{
    char command[512];
    snprintf(command, sizeof command,
             "%s %s; echo it left with $?; "
             "stty -a | tr ' ' '\\n' | grep -x -e '-*icanon' -e '-*echo'; exec cat",
             KVC_PATH, options);
    open_terminal(settings, command);
    see("kvc>");
}

void open_prompt_in_shell(void)
{
    open_terminal("PS1='sh> '", "bash --norc -i");
    see("sh>");
    enter(KVC_PATH, "kvc>");
}

void close_terminal(void)
{
    struct process process;
    (void)tmux(&process, WORDS("kill-server"));
    process_kill(&process);
}

int open_plain(void **state)
{
    (void)state;
    open_prompt("", "");
    return 0;
}

int close_it(void **state)
{
    (void)state;
    close_terminal();
    return 0;
}

void enter(const char *line, const char *shown)
{
    type(line);
    type("Enter");
    see(shown);
}

void assert_screen(const char *expected)
{
    look("-J");
    char *to = screen, *last = screen;
    for (const char *from = screen; *from; from++) {
        if (*from == '\n')
            to = last;
        *to++ = *from;
        if (*from != ' ')
            last = to;
    }
    while (to > screen && to[-1] == '\n')
        to--;
    *to = '\0';
    assert_string_equal(screen, expected);
}
