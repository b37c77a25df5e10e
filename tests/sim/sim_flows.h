/* SPDX-License-Identifier: MIT
 *
 * A service of streams for the simulation of flows. The target says what a call does:
 *
 *     /f/echo   many messages: sends each back, and ends behind the last one
 *     /f/sum    many: asks for the next one some milliseconds later, and ends with "COUNT BYTES"
 *     /f/some   many: ends with "enough" at the third
 *     /f/list   one, "COUNT SIZE": sends so many messages; /f/feed does so, too, endless or detached
 *     /f/wait   one, "MS": ends with "late" so many milliseconds later
 *
 * Whatever breaks the contract of core/service.h fails the test. */
#ifndef TEST_SIM_FLOWS_H
#define TEST_SIM_FLOWS_H

#include "core/service.h"

/* Counts over all seeds. */
struct sim_flows {
    size_t pending; /* calls that have not ended; the rest are counts since the begin */
    size_t calls, messages_in, messages_out, rooms, cancels, drains;
};

extern struct sim_flows sim_flows;
extern const struct weft_service sim_flows_service;

/* Writes the i-th message of a list, of `size` bytes, to dst. */
void sim_flows_fill(uint8_t *dst, size_t size, size_t i);

#endif
