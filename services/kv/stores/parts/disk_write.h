/* SPDX-License-Identifier: MIT
 *
 * The writer's thread of a store on disk: groups of jobs as transactions, and what nobody waits for. */
#ifndef KV_PARTS_DISK_WRITE_H
#define KV_PARTS_DISK_WRITE_H

#include "disk.h"

extern const struct kv_writer_calls kv_disk_writer_calls;

#endif
