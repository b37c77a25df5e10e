/* SPDX-License-Identifier: MIT
 *
 * The project installed into a folder of the test's own. Like process.h: asserts, main thread only. */
#ifndef TEST_PREFIX_H
#define TEST_PREFIX_H

#include "lib/process.h"

/* Installs into PREFIX and sets the environment for programs that are built against it and run: CC,
 * CXX, NM, CFLAGS (those of this build), SOURCE (the tree), PREFIX, LIB, CMAKE_PREFIX_PATH,
 * PKG_CONFIG_PATH, LD_LIBRARY_PATH. A group's setup. */
int prefix_make(void **state);

/* Removes it. A group's teardown. */
int prefix_remove(void **state);

/* Its path. */
const char *prefix_path(void);

/* Runs a command of sh(1) to its end: it must exit 0. Its standard output stays in *shell until
 * process_kill. */
void prefix_shell(struct process *shell, const char *command);

#endif
