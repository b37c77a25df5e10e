/* SPDX-License-Identifier: MIT
 *
 * Tells what the process has counted, in the words of Redis: parts of INFO, and SLOWLOG. */
#ifndef KV_RESP_STATISTICS_H
#define KV_RESP_STATISTICS_H

#include "task.h"

struct resp_statistics {
    uint64_t connections, accepted, turned_away, frames, received, sent, memory;
};

/* Asks the collectors of the context; all is 0 if there are none. */
void resp_statistics_read(struct resp_statistics *statistics, const struct resp_task *task);

bool resp_begin_slowlog(struct resp_task *task);

#endif
