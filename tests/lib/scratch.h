/* SPDX-License-Identifier: MIT
 *
 * A folder for one test. Main thread only, since both assert. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <stddef.h>

/* Makes a folder of its own for sockets and files, and writes its path to `path`. */
void scratch_make(char *path, size_t size);
/* Removes it with what is in it. */
void scratch_remove(const char *path);

#endif
