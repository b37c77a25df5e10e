/* SPDX-License-Identifier: MIT
 *
 * protobuf-c as the judge of kv's decoding, for differential tests and fuzzing. The build makes a variant
 * of proto/abi.proto whose strings are bytes, because strings of protobuf-c end at the first NUL. */
#ifndef TEST_KV_ORACLE_H
#define TEST_KV_ORACLE_H

#include "core/base/bytes.h"

/* Decodes payload by the short way, by the long way and by protobuf-c. NULL: they agree, but for what
 * services/payload/protobuf/reader.h says is different. Else what they differ in, static. Messages that
 * come twice where there may be one are merged before protobuf-c sees them. */
const char *kv_oracle_differs(struct weft_view payload);

/* The request as protobuf-c writes it after it has read it: each message once, varints minimal. payload
 * is one that ours accepts. Heap memory of the C library; data NULL: protobuf-c refused it. */
struct weft_bytes kv_oracle_repack(struct weft_view payload);

#endif
