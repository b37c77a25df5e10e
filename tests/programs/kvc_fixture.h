/* SPDX-License-Identifier: MIT
 *
 * A kvs for all tests of a program, and kvc with files. Main thread only. */
#ifndef TEST_KVC_FIXTURE_H
#define TEST_KVC_FIXTURE_H

#include "lib/kvs.h"

extern const char *url; /* of the server; a test that sets another sets it back */
extern char folder[64]; /* for files, removed at the end */

int start_server(void **state);
int stop_server(void **state);

/* A file of the folder; two names live at a time. */
const char *path_of(const char *name);
const char *write_file(const char *name, const char *text);

/* Runs kvc: the exit code is `code`, what it prints and what it says hold `out` and `err`. */
void expect(const char *const *words, int code, const char *out, const char *err);

#endif
