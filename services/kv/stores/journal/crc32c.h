/* SPDX-License-Identifier: MIT
 *
 * CRC-32C: the cyclic redundancy check with the polynomial of Castagnoli, as iSCSI has it (RFC 3720,
 * B.4). It finds every error of up to 32 adjacent bits. Any thread. */
#ifndef KV_JOURNAL_CRC32C_H
#define KV_JOURNAL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Returns the check of bytes that follow others whose check is crc; 0: none. Uses the processor's
 * instruction where there is one. */
uint32_t kv_crc32c(uint32_t crc, const void *data, size_t size);

/* Does so without the instruction. */
uint32_t kv_crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
