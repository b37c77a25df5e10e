/* SPDX-License-Identifier: MIT
 *
 * The commands that pick fields or keys at random. A store cannot do that, so these count first and then walk over
 * everything, in time proportional to the number of keys. */
#ifndef KV_RESP_RANDOM_H
#define KV_RESP_RANDOM_H

#include "task.h"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_hrandfield(struct resp_task *task);
bool resp_begin_randomkey(struct resp_task *task);

#endif
