/* SPDX-License-Identifier: MIT
 *
 * The commands that pick at random. The store cannot, so they count first and then walk, which takes time in
 * proportion to what there is. */
#ifndef KV_RESP_RANDOM_H
#define KV_RESP_RANDOM_H

#include "task.h"

bool resp_begin_hrandfield(struct resp_task *task);
bool resp_begin_randomkey(struct resp_task *task);

#endif
