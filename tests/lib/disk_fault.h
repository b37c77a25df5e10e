/* SPDX-License-Identifier: MIT
 *
 * A disk that fails: stands before the C library's write, writev, pwrite, pwritev, fsync and fdatasync, and has those
 * of regular files fail when told to. A program that links it gives these functions to its shared
 * libraries too, so what LMDB or RocksDB write fails likewise. */
#ifndef TEST_DISK_FAULT_H
#define TEST_DISK_FAULT_H

enum disk_fault_call { DISK_FAULT_WRITE = 1, DISK_FAULT_SYNC = 2 };

/* From now on the calls (a sum of the above) fail with err, until disarmed; the first `pass` of them pass. Any
 * thread may be within one. */
void disk_fault_arm(unsigned calls, int err, unsigned pass);
void disk_fault_disarm(void);

/* Returns how many calls failed since the last arm. */
unsigned disk_fault_count(void);

#endif
