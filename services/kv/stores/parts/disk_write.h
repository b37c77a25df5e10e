/* SPDX-License-Identifier: MIT
 *
 * The work of a store's writer thread: it executes each group of jobs as one transaction. In between it removes
 * expired pairs and garbage and syncs, for which nobody waits. */
#ifndef KV_PARTS_DISK_WRITE_H
#define KV_PARTS_DISK_WRITE_H

#include "disk.h"

/* The callbacks to be passed to kv_writer_start; the owner is the struct kv_disk. */
extern const struct kv_writer_calls kv_disk_writer_calls;

#endif
