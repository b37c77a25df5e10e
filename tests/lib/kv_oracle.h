/* SPDX-License-Identifier: MIT
 *
 * protobuf-c as the judge of kv's zero-copy decoding, for differential tests and fuzzing. It unpacks
 * a variant of proto/abi.proto whose strings are bytes, made by the build, because its own strings
 * end at the first NUL. */
#ifndef TEST_KV_ORACLE_H
#define TEST_KV_ORACLE_H

#include "core/base/bytes.h"

/* Decodes payload both ways. NULL: they agree, but for what services/payload/protobuf/reader.h says is
 * different, and for messages that come twice where there may be one. Else what they differ in,
 * static. */
const char *kv_oracle_differs(struct weft_view payload);

#endif
