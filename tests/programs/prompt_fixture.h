/* SPDX-License-Identifier: MIT
 *
 * A person at kvc's prompt: tmux types, and what its screen shows is compared. Waits for the
 * screen, never for a time. */
#ifndef TEST_PROMPT_FIXTURE_H
#define TEST_PROMPT_FIXTURE_H

#include "lib/kvs.h"

enum { SCREEN_SIZE = 8192 };

extern char folder[64], url[128];
extern struct kvs server;
extern char terminal[96];        /* the name of the one in use; several may be open */
extern char screen[SCREEN_SIZE]; /* as it was looked at last */

/* Set-up and tear-down of a group of tests, and of one test with a prompt. */
int start_server(void **state);
int stop_server(void **state);
int open_plain(void **state);
int close_it(void **state);

/* Starts the server anew after kvs_stop. */
void start_kvs(void);

/* Opens a terminal of 60 columns with kvc in it. `settings` are variables of its environment. */
void open_prompt(const char *settings, const char *options);
/* Opens a shell with job control, and kvc in it. */
void open_prompt_in_shell(void);
void close_terminal(void);

/* Runs tmux with these words and returns its exit code. */
int tmux(struct process *process, const char *const *words);

/* Types keys by their names, or text as it is. */
void type(const char *keys);

/* Types a line and Enter, and waits until the screen holds `shown`. */
void enter(const char *line, const char *shown);

/* Waits until the screen holds text. */
void see(const char *text);

/* Waits until Enter was taken: the cursor stands at the beginning of a line. */
void see_line_end(void);

/* Copies the screen; the option is one of `tmux capture-pane`. */
void look(const char *option);

/* Compares the screen without blanks at the ends of lines and without the empty lines below. */
void assert_screen(const char *expected);

#endif
