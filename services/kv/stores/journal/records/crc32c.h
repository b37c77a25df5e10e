/* SPDX-License-Identifier: MIT
 *
 * CRC-32C: the cyclic redundancy check with the polynomial of Castagnoli, as used by iSCSI (RFC 3720, B.4). It detects
 * every error of up to 32 adjacent bits. Any thread may call these functions. */
#ifndef KV_JOURNAL_CRC32C_H
#define KV_JOURNAL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Returns the checksum of the concatenation of some bytes with the checksum `crc` and `size` bytes of data. With
 * crc 0 it is the checksum of data alone. Uses the processor's instruction if there is one. */
uint32_t kv_crc32c(uint32_t crc, const void *data, size_t size);

/* Returns what kv_crc32c does, without the instruction. */
uint32_t kv_crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
