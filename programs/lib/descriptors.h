/* SPDX-License-Identifier: MIT
 *
 * Puts the descriptors that a program is started with in order. */
#ifndef KV_CLI_DESCRIPTORS_H
#define KV_CLI_DESCRIPTORS_H

#include <stdint.h>

/* Opens those of standard input, output and error that are closed, so that no socket takes their
 * number and is printed to. Reading from them ends at once, writing to them fails. Call it before
 * anything is opened. */
void cli_hold_descriptors(void);

/* Raises the limit of open files to the most that this process may set and returns it, or
 * UINT64_MAX if there is no limit or it is not known. */
uint64_t cli_raise_descriptor_limit(void);

#endif
